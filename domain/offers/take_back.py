"""What is no longer earned and not yet used goes back; what is already used becomes a case an operator sees.

Pure. Source of the rule: contract section 6, "refund before the reward is used", and plan rule A5 for instalments.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from domain.campaigns.model import Cashback, Offer
from domain.kernel.ids import derived_id, lane_of, new_id
from domain.kernel.money import Fen
from domain.ledger import keys
from domain.ledger.moves import post, reverse
from domain.ledger.unit import Change, EndHold, Opening
from domain.offers.award import Award, Parts, give, grant_row
from domain.offers.periods import period_of


class Had(NamedTuple):
    """What of a grant says whether it still stands, and for what."""

    id: UUID
    campaign: str
    offer: str
    cause: str
    round: int
    status: str


@dataclass(frozen=True, slots=True)
class GivenGrant:
    """A grant as it stands in the tables, with what it was given for.

    basis: fen of the purchase or instalment it was earned with, after refunds.
    """

    id: UUID
    customer: str
    campaign: str
    version: int
    offer: str
    cause: str
    round: int
    status: str
    cost: Fen
    line: str
    at: datetime
    earned_at: datetime
    card: str | None
    person: str | None
    amount: Fen
    device: str | None = None
    basis: Fen = 0


@dataclass(frozen=True, slots=True)
class Won:
    """A prize that counts from the purchase its chance came of, as it stands. Of other prizes there is none.

    order: as which it is given anew, but for its amount and round. cost: fen it came to. coupon: what it became.
    status: the coupon's; standing: the grant's.
    """

    grant: UUID
    order: Award
    reward: Cashback
    cost: Fen
    line: str
    coupon: UUID
    status: str
    standing: str = "GIVEN"


@dataclass(frozen=True, slots=True)
class Held:
    """A coupon, choice, delivery, chance or entitlement that came of the grant.

    row: a chance's, as it may be given anew with another basis. won: what was drawn with it.
    """

    kind: str
    id: UUID
    status: str
    hold: UUID | None = None
    total: int = 1
    row: Mapping[str, Any] = field(default_factory=dict)
    won: Won | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """The grant that a coupon came of; the rest only where it is KEPT, because it was used and is no longer earned.

    held: all that came of it. won: the coupon itself where it is a prize that counts from a purchase, of which `basis`
    fen are left. case: the open one that tells of it.
    """

    grant: GivenGrant
    held: tuple[Held, ...] = ()
    won: Won | None = None
    basis: Fen = 0
    case: UUID | None = None


class InUse(Exception):
    """A till holds this coupon of the grant at this moment: try again once that hold has ended."""

    def __init__(self, coupon: UUID) -> None:
        super().__init__(f"a till holds coupon {coupon}")
        self.coupon = coupon


def take_back(grant: GivenGrant, held: Sequence[Held], offer: Offer, at: datetime) -> Parts:
    """Void what is left of a grant, and return its quota place, budget and limits; or open a case.

    A grant any part of which was used keeps its cost and its place: the case says what is left to settle. Raises InUse.
    """
    parts = Parts()
    if grant.status == "MISSED":
        parts.changes.append(Change("offer_grant", grant.id, "MISSED", "REVOKED"))
        return parts
    for one in held:
        if (one.kind, one.status) == ("coupon", "HELD"):
            raise InUse(one.id)
    used = [one for one in held if _is_used(one)]
    if used:  # what is promised may be what a used coupon was exchanged for
        used += [one for one in held if _is_promised(one)]
    for one in held:
        if one not in used:
            _void(parts, grant, one)
        if one.won is not None:
            _recount(parts, one.won, 0, at)
    if used:
        parts.changes.append(Change("offer_grant", grant.id, grant.status, "KEPT"))
        parts.changes += [_still_used(one.id) for one in used if one.kind == "coupon"]
        if grant.status != "KEPT":
            parts.add("operator_case", _case(grant, used, at))
        return parts
    parts.changes.append(Change("offer_grant", grant.id, grant.status, "REVOKED"))
    if grant.status in ("GIVEN", "KEPT"):
        _return_places(parts, grant, offer)
    _return_limits(parts, grant, offer)
    return parts


def came_back_unused(origin: Origin, coupon: UUID, offer: Offer, note: str, at: datetime) -> Parts:
    """A sale was reversed, and with it comes a coupon that was no longer earned when it was used already: it goes the
    way of one that was never used, so that it does not matter which of the two came first.

    These parts follow the coupon's change to AVAILABLE in its unit. note: what the case, which closes, says.
    """
    if origin.won is not None:
        parts = Parts()
        _recount(parts, replace(origin.won, status="AVAILABLE"), origin.basis, at)
    else:
        held = [replace(one, status="AVAILABLE") if one.id == coupon else one for one in origin.held]
        parts = take_back(origin.grant, held, offer, at)
    revoked = any((moved.key, moved.new) == (origin.grant.id, "REVOKED") for moved in parts.changes)
    if revoked and origin.case is not None:
        closed = {"closed_at": at, "closed_by": "till", "note": note}
        parts.changes.append(Change("operator_case", origin.case, "OPEN", "CLOSED", closed))
    return parts


def _still_used(coupon: UUID) -> Change:
    """Whoever gives it back at this moment, or finds it gone, decides again."""
    return Change("coupon", coupon, "USED", "USED")


def lower(grant: GivenGrant, held: Sequence[Held], basis: Fen, details: Mapping[str, Any], at: datetime) -> Parts:
    """The grant stays, but less (or more) is left of its purchase: its chances, and what was won with them, count from
    that.

    A chance that is not drawn yet is given anew, so that whoever draws the old one at this moment decides again.
    details: the grant's, as they are now. Raises InUse.
    """
    parts = Parts()
    parts.changes.append(Change("offer_grant", grant.id, grant.status, grant.status, {"details": dict(details)}))
    for one in held:
        if (one.kind, one.status) == ("draw_chance", "OPEN"):
            _void(parts, grant, one)
            _chance_anew(parts, grant, one, basis, at)
        elif one.won is not None and _recount(parts, one.won, basis, at):
            parts.add("operator_case", _case(_as_given(one.won), [_coupon_of(one.won)], at, kind=PRIZE_ABOVE))
    return parts


PRIZE_ABOVE = "PRIZE_ABOVE_PURCHASE"
"""A case: a prize counted from a purchase was used before part of the purchase was refunded."""


def _chance_anew(parts: Parts, grant: GivenGrant, old: Held, basis: Fen, at: datetime) -> None:
    id = new_id(lane_of(grant.customer), at)
    parts.begin(1, grant.offer, keys.chance(id), "CHANCE")
    parts.add("draw_chance", {**old.row, "id": id, "status": "OPEN", "basis": basis, "changed_at": at})
    parts.signals.append((f"viewer:{grant.customer}", f"chance:{id}"))


def _recount(parts: Parts, won: Won, basis: Fen, at: datetime) -> bool:
    """An unused prize is taken back and given again with what it comes to now. True: it is used, and is above that.

    Raises InUse.
    """
    due = won.reward.amount(basis)
    if due >= won.cost:
        return False
    match won.status:
        case "HELD":
            raise InUse(won.coupon)
        case "USED":
            parts.changes += [Change("offer_grant", won.grant, won.standing, "KEPT"), _still_used(won.coupon)]
            return True
        case "AVAILABLE":
            details = {**won.order.details, "basis": basis}
            order = replace(
                won.order, at=at, earned_at=at, amount=due, round=won.order.round + 1, details=details
            )  # fmt: skip
            given = _as_given(won)
            _void(parts, given, _coupon_of(won))
            parts.changes.append(Change("offer_grant", won.grant, won.standing, "REVOKED"))
            _return_budget(parts, given)
            if due:
                _prize_anew(parts, won, order)
    return False  # one that has ended unused is worth nothing to anybody


def _prize_anew(parts: Parts, won: Won, order: Award) -> None:
    id, code = new_id(lane_of(order.customer), order.at), order.campaign.code
    parts.add("offer_grant", {**grant_row(order, id), "status": "GIVEN", "cost": order.amount, "line": won.line})
    parts.moves.append(post(order.amount, keys.budget(code, won.line), keys.spent(code, won.line), "BUDGET"))
    give(parts, order, id, won.reward)


def _coupon_of(won: Won) -> Held:
    return Held("coupon", won.coupon, won.status)


def _as_given(won: Won) -> GivenGrant:
    order = won.order
    return GivenGrant(
        id=won.grant, customer=order.customer, campaign=order.campaign.code, version=order.campaign.version,
        offer=order.offer.code, cause=order.cause, round=order.round, status="GIVEN", cost=won.cost, line=won.line,
        at=order.at, earned_at=order.earned_at, card=None, person=None, amount=won.cost,
    )  # fmt: skip


_USED = {
    "coupon": {"USED"},
    "delivery": {"PROCESSING", "DELIVERED", "SHIPPED"},
    "draw_chance": {"DRAWN"},
    "entitlement": {"TOUCHED"},
}


def _is_used(one: Held) -> bool:
    """A promise already with a provider cannot be unsaid here: it is used, and a person decides."""
    return one.status in _USED.get(one.kind, ())


def _is_promised(one: Held) -> bool:
    """No provider has been asked yet: whoever asks one moves the delivery on from PROMISED first, or finds it gone."""
    return (one.kind, one.status) == ("delivery", "PROMISED")


def _void(parts: Parts, grant: GivenGrant, one: Held) -> None:
    match one.kind, one.status:
        case "coupon", "AVAILABLE":
            parts.changes.append(Change("coupon", one.id, "AVAILABLE", "VOIDED"))
            parts.moves.append(post(1, keys.coupon(one.id), keys.voided(grant.offer), "VOID"))
        case "choice", "OPEN":
            assert one.hold is not None
            parts.changes.append(Change("choice", one.id, "OPEN", "VOIDED"))
            # The hold's own release would lapse the grant; this unit revokes it, which stands before the hold's wish.
            parts.end_holds.append(EndHold(one.hold, capture=False))
        case "delivery", "NEEDS_ADDRESS" | "PROMISED":
            parts.changes.append(Change("delivery", one.id, one.status, "FAILED"))
        case "draw_chance", "OPEN":
            parts.changes.append(Change("draw_chance", one.id, "OPEN", "VOIDED"))
            parts.moves.append(post(1, keys.chance(one.id), keys.voided(grant.offer), "VOID"))
        case "entitlement", "OPEN":
            parts.changes.append(Change("entitlement", one.id, "OPEN", "VOIDED"))
            parts.moves.append(post(one.total, keys.visits(one.id), keys.voided(grant.offer), "VOID"))
        case _:
            pass  # expired, voided, used: nothing left to take
    parts.signals.append((f"viewer:{grant.customer}", f"{one.kind}:{one.id}"))


def _return_places(parts: Parts, grant: GivenGrant, offer: Offer) -> None:
    if offer.quota is not None:
        quota, granted = keys.quota(grant.campaign, grant.offer), keys.granted(grant.campaign, grant.offer)
        parts.moves.append(reverse(1, granted, quota, "QUOTA"))
    _return_budget(parts, grant)


def _return_budget(parts: Parts, grant: GivenGrant) -> None:
    if grant.cost and grant.line:
        budget, spent = keys.budget(grant.campaign, grant.line), keys.spent(grant.campaign, grant.line)
        parts.moves.append(reverse(grant.cost, spent, budget, "BUDGET"))


def _return_limits(parts: Parts, grant: GivenGrant, offer: Offer) -> None:
    who = {"customer": grant.customer, "person": grant.person, "card": grant.card, "device": grant.device}
    for limit in offer.limits:
        per = limit.per.value.lower()
        token = who.get(per)
        if token is None:
            continue
        account = keys.limit(
            grant.campaign, grant.offer, per=per, who=token,
            period=period_of(limit.period, grant.earned_at, grant.campaign), lane=lane_of(grant.customer),
        )  # fmt: skip
        parts.opens[account] = Opening(balance=limit.max)
        parts.moves.append(reverse(1, keys.used(grant.offer), account, "LIMIT"))


def _case(
    grant: GivenGrant, used: Sequence[Held], at: datetime, *, kind: str = "USED_BUT_NOT_EARNED"
) -> dict[str, Any]:
    lane = lane_of(grant.customer)
    return {
        "lane": lane, "id": derived_id(lane, at, "case", str(grant.id)), "customer": grant.customer,
        "kind": kind, "offer": grant.offer, "subject": str(grant.id), "status": "OPEN", "at": at,
        "details": {
            "cause": grant.cause, "cost": grant.cost, "used": [{"kind": u.kind, "id": str(u.id)} for u in used],
        },
    }  # fmt: skip
