"""What giving an offer's rewards to a customer changes: the moves, the rows and the promises of one grant.

Pure. The same code serves what the story earned and what the customer claims. Whether it may be given is decided
before; whether there is enough is decided by the ledger when the unit is committed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, assert_never
from uuid import UUID

from domain.campaigns.model import (
    BasePoints,
    Campaign,
    Cashback,
    Choice,
    CouponReward,
    Discount,
    DrawChance,
    EntitlementReward,
    Extension,
    FeeWaiver,
    Gift,
    Limit,
    Message,
    Offer,
    Place,
    PointsBonus,
    Reward,
    cost_of,
)
from domain.campaigns.terms import CouponKind
from domain.kernel.ids import lane_of, new_id
from domain.kernel.money import Fen
from domain.kernel.time import day_end
from domain.kernel.words import Words
from domain.ledger import keys
from domain.ledger.accounts import Account
from domain.ledger.moves import Move, hold, post, reverse
from domain.ledger.unit import Change, EndHold, NewHold, Opening
from domain.offers.periods import period_of
from domain.wallet.facts import CouponFacts, CouponStatus, DeliveryFacts, DeliveryStatus

DELIVER = "deliver"
"""Outbox topic of a promise to a provider; payload: the delivery's id."""

ASKED = ("CLAIM", "APPLICATION", "SIGN_UP", "SCHEDULE")
"""`Award.by` of what the hall judged at a moment of its own, not the fold."""

AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
"""Queues live by the wall clock, decisions by the business clock; what is due at once is due by both."""

SECOND_LOOK = "asked.look"
"""Outbox topic: a refund may have taken away the reason for what this customer asked for; payload: customer."""

MESSAGE = "message"
"""Outbox topic of words to a customer."""


@dataclass(slots=True)
class Award:
    """One earning to be answered.

    at: the moment of the decision; earned_at: when it was earned, which says whose period's limit it takes.
    amount: fen an amount-dependent reward (cashback, waiver) came to. basis: fen of the purchase or instalment it was
    earned with, from which a draw's prize may be counted. round: 1, more when lost and earned again.
    by: who found it earned (STORY, CLAIM, APPLICATION, SIGN_UP, SCHEDULE).
    coupons: those the customer holds, for a reward that extends them.
    """

    campaign: Campaign
    offer: Offer
    customer: str
    cause: str
    at: datetime
    earned_at: datetime
    amount: Fen = 0
    basis: Fen = 0
    card: str | None = None
    person: str | None = None
    device: str | None = None
    round: int = 1
    by: str = "STORY"
    details: Mapping[str, Any] = field(default_factory=dict)
    coupons: tuple[CouponFacts, ...] = ()


@dataclass(slots=True)
class Parts:
    """What one decision adds to a unit."""

    moves: list[Move] = field(default_factory=list)
    opens: dict[Account, Opening] = field(default_factory=dict)
    fresh: list[Account] = field(default_factory=list)
    new_holds: list[NewHold] = field(default_factory=list)
    end_holds: list[EndHold] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    signals: list[tuple[str, str]] = field(default_factory=list)
    coupons: list[CouponFacts] = field(default_factory=list)
    deliveries: list[DeliveryFacts] = field(default_factory=list)
    grant: UUID | None = None

    def add(self, table: str, row: dict[str, Any]) -> None:
        self.rows.setdefault(table, []).append(row)

    def begin(self, units: int, offer: str, account: Account, reason: str) -> None:
        """An account named by an id made here begins with what the offer issues to it."""
        self.moves.append(post(units, keys.issued(offer), account, reason))
        self.fresh.append(account)

    def accounts(self) -> set[Account]:
        """Every account that must have something for these parts to be given."""
        held = [move for new in self.new_holds for move in new.moves]
        return {move.source for move in (*self.moves, *held) if not move.source.is_sink}

    def absorb(self, other: "Parts") -> None:
        self.moves += other.moves
        self.opens |= other.opens
        self.fresh += other.fresh
        self.new_holds += other.new_holds
        self.end_holds += other.end_holds
        self.changes += other.changes
        for table, rows in other.rows.items():
            self.rows.setdefault(table, []).extend(rows)
        self.signals += other.signals
        self.coupons += other.coupons
        self.deliveries += other.deliveries


def award(order: Award, *, limits: bool = True) -> Parts:
    """The rewards of one grant. Quota and budget of a choice are held until it is made, everything else moves at once.

    limits: False where they were taken when the customer asked (an application, a place in a waiting list).
    """
    parts = Parts()
    campaign, offer, at = order.campaign, order.offer, order.at
    grant = new_id(lane_of(order.customer), at)
    choice = next((reward for reward in offer.grants if isinstance(reward, Choice)), None)
    cost = sum(cost_of(reward, order.amount) for reward in offer.grants if reward is not choice)
    parts.grant = grant
    if limits:
        take_limits(parts, order)
    quota, granted = keys.quota(campaign.code, offer.code), keys.granted(campaign.code, offer.code)
    places = [] if offer.quota is None else [(1, quota, granted, "QUOTA")]
    if choice is None:
        parts.moves += [post(*place) for place in places]
    else:
        _hold_choice(parts, order, grant, choice, [hold(*place) for place in places])
    if cost and offer.line is not None:
        parts.moves.append(
            post(cost, keys.budget(campaign.code, offer.line), keys.spent(campaign.code, offer.line), "BUDGET")
        )
    held = cost_of(choice) if choice is not None else 0
    parts.add(
        "offer_grant", {**grant_row(order, grant), "status": "PENDING" if choice else "GIVEN", "cost": cost + held}
    )
    for reward in offer.grants:
        if reward is not choice:
            give(parts, order, grant, reward)
    if order.by in ASKED and offer.rests_on_purchases:
        # A refund that is applied at this moment did not see this grant: whichever commits last looks again.
        promise(parts, order.customer, SECOND_LOOK, {"customer": order.customer}, at)
    return parts


def missed(order: Award, why: str) -> Parts:
    """Earned, but quota or budget did not take it: written down, so that the story is not judged again for it."""
    parts = Parts()
    grant = new_id(lane_of(order.customer), order.at)
    row = grant_row(order, grant)
    details = {**order.details, "missed": why}
    parts.add("offer_grant", {**row, "status": "MISSED", "cost": 0, "details": details})
    return parts


def give(parts: Parts, order: Award, grant: UUID, reward: Reward) -> None:
    """Add one reward's rows and moves (not its quota, budget and limits) to `parts`."""
    match reward:
        case CouponReward():
            for _ in range(reward.count):
                _coupon(
                    parts, order, grant, kind=reward.kind, title=reward.title, value=reward.value,
                    min_spend=reward.min_spend, groups=reward.merchant_groups,
                    expires_at=reward.valid.expires_at(order.at),
                )  # fmt: skip
        case Cashback():
            if order.amount:
                _coupon(
                    parts, order, grant, kind=CouponKind.REPAYMENT, title=reward.title, value=order.amount,
                    min_spend=0, groups=("repayment",), expires_at=reward.valid.expires_at(order.at),
                )  # fmt: skip
        case Gift():
            status = DeliveryStatus.NEEDS_ADDRESS if reward.needs_address else DeliveryStatus.PROMISED
            _delivery(parts, order, grant, reward.delivery.value, reward.title, status,
                      {"sku": reward.sku, "value": reward.value})  # fmt: skip
        case FeeWaiver():
            if order.amount:
                title = Words("手续费减免", "Fee waiver")
                _delivery(parts, order, grant, "FEE_WAIVER", title, DeliveryStatus.PROMISED,
                          {"basis": reward.of.value, "amount": order.amount, **order.details})  # fmt: skip
        case DrawChance():
            _chances(parts, order, grant, reward)
        case EntitlementReward():
            _entitlement(parts, order, grant, reward)
        case Message():
            _message(parts, order, reward.title, reward.body)
        case Extension():
            extend_coupons(parts, order, reward)
        case Place():
            pass  # the sign-up itself is the place
        case Choice() | PointsBonus() | BasePoints() | Discount():
            raise AssertionError(f"{type(reward).__name__} is not given by a grant")
        case _:
            assert_never(reward)


def grant_option(order: Award, grant: UUID, option: CouponReward | Gift) -> Parts:
    """What choosing `option` puts in the customer's hands; quota and budget are captured from the choice's hold."""
    parts = Parts()
    give(parts, order, grant, option)
    return parts


def grant_row(order: Award, grant: UUID) -> dict[str, Any]:
    """Without its status and cost."""
    return {
        "lane": lane_of(order.customer), "id": grant, "customer": order.customer, "campaign": order.campaign.code,
        "version": order.campaign.version, "offer": order.offer.code, "by": order.by, "cause": order.cause,
        "round": order.round,
        "at": order.at, "line": order.offer.line or "", "details": dict(order.details),
    }  # fmt: skip


def take_limits(parts: Parts, order: Award) -> None:
    """One of each of the offer's limits, of the period in which it was earned."""
    for limit, account in _allowances(order):
        parts.opens[account] = Opening(balance=limit.max)
        parts.moves.append(post(1, account, keys.used(order.offer.code), "LIMIT"))


def return_limits(parts: Parts, order: Award) -> None:
    """Gives back what `take_limits` took for the same order."""
    for limit, account in _allowances(order):
        parts.opens[account] = Opening(balance=limit.max)
        parts.moves.append(reverse(1, keys.used(order.offer.code), account, "LIMIT"))


def _allowances(order: Award) -> Iterator[tuple[Limit, Account]]:
    who = {"customer": order.customer, "person": order.person, "card": order.card, "device": order.device}
    lane = lane_of(order.customer)
    for limit in order.offer.limits:
        per = limit.per.value.lower()
        token = who[per]
        if token is None:
            continue  # nobody to count by: an identity the bank has not told, a grant that no device asked for
        yield (
            limit,
            keys.limit(
                order.campaign.code, order.offer.code, per=per, who=token,
                period=period_of(limit.period, order.earned_at, order.campaign.code), lane=lane,
            ),
        )  # fmt: skip


def _hold_choice(parts: Parts, order: Award, grant: UUID, choice: Choice, places: Sequence[Move]) -> None:
    lane = lane_of(order.customer)
    id, hold_id = new_id(lane, order.at), new_id(lane, order.at)
    choose_by = day_end(order.at, plus_days=choice.choose_within_days)
    moves = list(places)
    cost = cost_of(choice)
    if cost and order.offer.line is not None:
        code, line = order.campaign.code, order.offer.line
        moves.append(hold(cost, keys.budget(code, line), keys.spent(code, line), "BUDGET"))
    lapse = [
        Change("choice", id, "OPEN", "LAPSED", tell=order.customer),
        Change("offer_grant", grant, "PENDING", "LAPSED"),
    ]
    parts.new_holds.append(NewHold(hold_id, choose_by, moves=moves, on_release=lapse))
    options = [{"code": o.code, "zh": o.title.zh, "en": o.title.en} for o in choice.options]
    parts.add("choice", {
        "lane": lane, "id": id, "customer": order.customer, "offer_grant": grant, "campaign": order.campaign.code,
        "version": order.campaign.version, "offer": order.offer.code, "hold": hold_id, "status": "OPEN",
        "options": options, "chosen": None, "choose_by": choose_by, "changed_at": order.at,
    })  # fmt: skip
    parts.signals.append((f"viewer:{order.customer}", f"choice:{id}"))


def _coupon(
    parts: Parts,
    order: Award,
    grant: UUID,
    *,
    kind: CouponKind,
    title: Words,
    value: Fen,
    min_spend: Fen,
    groups: tuple[str, ...],
    expires_at: datetime,
) -> None:
    lane = lane_of(order.customer)
    id = new_id(lane, order.at)
    facts = CouponFacts(
        id, order.customer, grant, order.campaign.code, order.campaign.version, order.offer.code, kind,
        CouponStatus.AVAILABLE, title, value, min_spend, groups, order.at, expires_at,
    )  # fmt: skip
    parts.coupons.append(facts)
    parts.begin(1, order.offer.code, keys.coupon(id), "COUPON")
    parts.add("coupon", {
        "lane": lane, "id": id, "customer": order.customer, "offer_grant": grant, "campaign": order.campaign.code,
        "version": order.campaign.version, "offer": order.offer.code, "kind": kind.value, "status": "AVAILABLE",
        "title_zh": title.zh, "title_en": title.en, "value": value, "min_spend": min_spend,
        "merchant_groups": list(groups), "valid_from": order.at, "expires_at": expires_at, "changed_at": order.at,
    })  # fmt: skip
    parts.signals.append((f"viewer:{order.customer}", f"coupon:{id}"))


def _delivery(
    parts: Parts, order: Award, grant: UUID, kind: str, title: Words, status: DeliveryStatus, details: Mapping[str, Any]
) -> None:
    lane = lane_of(order.customer)
    id = new_id(lane, order.at)
    parts.deliveries.append(
        DeliveryFacts(
            id,
            order.customer,
            grant,
            order.campaign.code,
            order.offer.code,
            kind,
            title,
            status,
            details,
            None,
            order.at,
        )
    )
    parts.add("delivery", {
        "lane": lane, "id": id, "customer": order.customer, "offer_grant": grant, "campaign": order.campaign.code,
        "offer": order.offer.code, "kind": kind, "title_zh": title.zh, "title_en": title.en, "status": status.value,
        "details": details, "address_sealed": None, "tracking_number": None, "at": order.at,
        "changed_at": order.at,
    })  # fmt: skip
    if status is DeliveryStatus.PROMISED:
        promise(parts, order.customer, DELIVER, {"delivery": str(id)}, order.at)
    parts.signals.append((f"viewer:{order.customer}", f"delivery:{id}"))


def promise(parts: Parts, customer: str, topic: str, payload: Mapping[str, Any], at: datetime) -> None:
    """A row of the outbox, due at once, in the same commit as what it is owed for."""
    lane = lane_of(customer)
    parts.add("outbox", {
        "lane": lane, "id": new_id(lane, at), "topic": topic, "payload": dict(payload), "due_at": AT_ONCE,
        "created_at": at,
    })  # fmt: skip


def _chances(parts: Parts, order: Award, grant: UUID, reward: DrawChance) -> None:
    lane = lane_of(order.customer)
    for _ in range(reward.count):
        id = new_id(lane, order.at)
        parts.begin(1, order.offer.code, keys.chance(id), "CHANCE")
        parts.add("draw_chance", {
            "lane": lane, "id": id, "customer": order.customer, "offer_grant": grant, "campaign": order.campaign.code,
            "version": order.campaign.version, "offer": order.offer.code, "draw": reward.draw, "status": "OPEN",
            "basis": order.basis, "expires_at": day_end(order.at, plus_days=reward.valid_days), "at": order.at,
            "changed_at": order.at,
        })  # fmt: skip
        parts.signals.append((f"viewer:{order.customer}", f"chance:{id}"))


def _entitlement(parts: Parts, order: Award, grant: UUID, reward: EntitlementReward) -> None:
    lane = lane_of(order.customer)
    id = new_id(lane, order.at)
    parts.begin(reward.total, order.offer.code, keys.visits(id), "ENTITLEMENT")
    parts.add("entitlement", {
        "lane": lane, "id": id, "customer": order.customer, "offer_grant": grant, "campaign": order.campaign.code,
        "version": order.campaign.version, "offer": order.offer.code, "code": reward.code, "title_zh": reward.title.zh,
        "title_en": reward.title.en, "total": reward.total, "holder": reward.holder.value, "status": "OPEN",
        "expires_at": reward.valid.expires_at(order.at), "at": order.at, "changed_at": order.at,
    })  # fmt: skip


def _message(parts: Parts, order: Award, title: Words, body: Words) -> None:
    tell(parts, order, title, body, kind="PROMOTION")


def tell(
    parts: Parts,
    order: Award,
    title: Words,
    body: Words,
    *,
    kind: str,
    via: Sequence[str] = (),
    email_sealed: str | None = None,
) -> None:
    """Promise words to the customer. kind: PROMOTION (needs consent) or SERVICE (answers something of their own)."""
    payload = {
        "id": str(new_id(lane_of(order.customer), order.at)), "customer": order.customer, "kind": kind,
        "campaign": order.campaign.code, "offer": order.offer.code, "via": list(via), "email": email_sealed,
        "title": [title.zh, title.en], "body": [body.zh, body.en],
    }  # fmt: skip
    promise(parts, order.customer, MESSAGE, payload, order.at)


def extendable(coupon: CouponFacts, reward: Extension, campaign: str, at: datetime) -> bool:
    """Whether a coupon the customer holds lives longer by `reward`: of the campaign, still alive, not spent."""
    alive = coupon.status in (CouponStatus.AVAILABLE, CouponStatus.HELD) and coupon.expires_at > at
    return alive and coupon.campaign == campaign and (not reward.offers or coupon.offer in reward.offers)


def extend_coupons(parts: Parts, order: Award, reward: Extension) -> None:
    """Source of the rule: plan rule A16. A coupon that a till holds at this moment lives longer too."""
    for coupon in order.coupons:
        if extendable(coupon, reward, order.campaign.code, order.earned_at):
            later = replace(coupon, expires_at=coupon.expires_at + timedelta(days=reward.days))
            status = coupon.status.value
            parts.changes.append(Change("coupon", coupon.id, status, status, {"expires_at": later.expires_at}))
            parts.coupons.append(later)
            parts.signals.append((f"viewer:{order.customer}", f"coupon:{coupon.id}"))
