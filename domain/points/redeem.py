"""A customer redeems points: points, stock and allowance in one unit, and the promise to deliver what was taken.

Each piece is a delivery of its own, so that one that finally fails gives back what it cost (`domain.points.give_back`).
Plan rules B6 and B13; contract section 6, "Points".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias, assert_never
from uuid import UUID

from domain.campaigns.terms import OfferState, Per
from domain.identity.viewer import ReadFreezes
from domain.kernel.errors import Broken, Busy, InputInvalid, RequestReused
from domain.kernel.ids import lane_of, new_id
from domain.kernel.money import Points
from domain.kernel.prints import fingerprint
from domain.kernel.time import Clock
from domain.ledger import keys
from domain.ledger.accounts import Account
from domain.ledger.moves import post
from domain.ledger.unit import Committed, Gone, Ledger, Moved, Opening, Repeated, Request, Reused, Short
from domain.offers.answers import read_delivery, write_delivery
from domain.offers.award import DELIVER, Parts, promise
from domain.offers.outcomes import AccountFrozen, LimitReached, NotFound, NotOpen, SoldOut
from domain.offers.periods import next_period, period_of
from domain.offers.units import unit_of
from domain.points.book import Book, Entry, EntryKind, Purse, lots_text
from domain.points.facts import CATALOGUE, Item, Stocked, redeemed, remembered, stock
from domain.wallet.facts import DeliveryFacts, DeliveryStatus

MOST_PIECES = 20
REDO = 100
"""How often one redemption is decided again: each time something else of the same customer's points was quicker."""


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class RedeemPoints:
    request_id: UUID
    customer: str
    item: str
    quantity: int = 1
    device: str | None = None


@dataclass(frozen=True, slots=True)
class RedeemFacts:
    """found: None for an item nobody knows. person: the customer's identity, where the bank has told it and the item's
    limit is by person.
    """

    purse: Purse | None
    found: Stocked | None
    person: str | None


class ReadRedemptions(Protocol):
    async def redeem_facts(self, customer: str, item: str) -> RedeemFacts: ...

    async def answer_to(self, request: Request, lane: int) -> Repeated | Reused | None:
        """What the same request was answered when it was committed before."""
        ...


@dataclass(frozen=True, slots=True)
class PointsRedeemed:
    """deliveries: one a piece."""

    entry: Entry
    deliveries: tuple[DeliveryFacts, ...]


@dataclass(frozen=True, slots=True)
class NotEnoughPoints:
    balance: Points
    cost: Points


RedeemOutcome: TypeAlias = (
    PointsRedeemed | NotEnoughPoints | SoldOut | LimitReached | NotOpen | NotFound | AccountFrozen
)


@dataclass(frozen=True, slots=True)
class Redemption:
    """The decision: what it changes, and its answer."""

    parts: Parts
    entry: Entry
    allowance: Account | None


def decide_redeem(command: RedeemPoints, facts: RedeemFacts, now: datetime) -> Redemption | RedeemOutcome:
    """What the redemption would change, or why not. Raises InputInvalid for a quantity outside 1 to 20."""
    if not 1 <= command.quantity <= MOST_PIECES:
        raise InputInvalid(f"`quantity` must be 1 to {MOST_PIECES}.")
    found = facts.found
    if found is None or not found.item.listed:
        return NotFound()
    item, cost = found.item, found.item.cost * command.quantity
    if item.state(found.remaining) is OfferState.PAUSED:
        return NotOpen(None)
    if found.remaining is not None and found.remaining < command.quantity:
        return SoldOut()
    book = Book(facts.purse, now)
    if book.balance < cost:
        return NotEnoughPoints(max(0, book.balance), cost)
    return _redeem(command, item, book, facts.person, now)


def _redeem(command: RedeemPoints, item: Item, book: Book, person: str | None, now: datetime) -> Redemption:
    customer, lane = command.customer, lane_of(command.customer)
    parts = Parts()
    ids = [new_id(lane, now) for _ in range(command.quantity)]
    details = remembered(item.code, item.title.zh, item.title.en, item.cost, len(ids))
    taken = book.redeem([item.cost] * len(ids), str(ids[0]), details)
    entry = book.entries[-1]
    book.close(customer, parts)
    allowance = _take_limit(parts, command, item, person, now)
    if item.stock is not None:
        parts.moves.append(post(len(ids), stock(item.code), redeemed(item.code), "STOCK"))
    for id, lots in zip(ids, taken, strict=True):
        _deliver(parts, customer, item, id, now)
        parts.add("points_redemption", {
            "lane": lane, "id": id, "customer": customer, "item": item.code, "entry": entry.n, "points": item.cost,
            "lots": lots_text(lots), "stocked": item.stock is not None,
            "allowance": None if allowance is None else _json(list(allowance)), "status": "OPEN", "at": now,
            "changed_at": now,
        })  # fmt: skip
    return Redemption(parts, entry, allowance)


def _take_limit(parts: Parts, command: RedeemPoints, item: Item, person: str | None, now: datetime) -> Account | None:
    limit = item.limit
    if limit is None:
        return None
    # Who is not known as a person counts as a customer: nobody goes without a limit.
    per, who = ("person", person) if limit.per is Per.PERSON and person else ("customer", command.customer)
    account = keys.limit(
        CATALOGUE, item.code, per=per, who=who, period=period_of(limit.period, now, CATALOGUE),
        lane=lane_of(command.customer),
    )  # fmt: skip
    parts.opens[account] = Opening(balance=limit.max)
    parts.moves.append(post(command.quantity, account, redeemed(item.code), "LIMIT"))
    return account


def _deliver(parts: Parts, customer: str, item: Item, id: UUID, at: datetime) -> None:
    lane = lane_of(customer)
    parcel = item.delivery.value == "PARCEL"
    status = DeliveryStatus.NEEDS_ADDRESS if parcel else DeliveryStatus.PROMISED
    details = {"sku": item.sku, "value": item.value, "item": item.code, "points": item.cost}
    delivery = DeliveryFacts(
        id, customer, None, CATALOGUE, item.code, item.delivery.value, item.title, status, details, None, at
    )
    parts.deliveries.append(delivery)
    parts.add("delivery", {
        "lane": lane, "id": id, "customer": customer, "offer_grant": None, "campaign": CATALOGUE, "offer": item.code,
        "kind": item.delivery.value, "title_zh": item.title.zh, "title_en": item.title.en, "status": status.value,
        "details": details, "address_sealed": None, "tracking_number": None, "at": at, "changed_at": at,
    })  # fmt: skip
    if status is DeliveryStatus.PROMISED:
        promise(parts, customer, DELIVER, {"delivery": str(id)}, at)
    parts.signals.append((f"viewer:{customer}", f"delivery:{id}"))


async def redeem_points(
    command: RedeemPoints, *, read: ReadRedemptions, freezes: ReadFreezes, ledger: Ledger, clock: Clock
) -> RedeemOutcome:
    """Take the points and promise the delivery, once per `request_id`.

    Returns:
        What happened; the same answer again for the same `request_id`.

    Raises:
        InputInvalid: a quantity outside 1 to 20.
        RequestReused: the `request_id` came before with a different command.
        Busy: too much is waiting; nothing was done.
    """
    print = fingerprint("redeemPoints", command.item, str(command.quantity))
    request = Request(command.customer, command.request_id, print)
    lane = lane_of(command.customer)
    for _ in range(REDO):
        now = clock.now()
        facts = await read.redeem_facts(command.customer, command.item)
        decision = decide_redeem(command, facts, now)
        if isinstance(decision, Redemption) and (frozen := await freezes.freeze_of(command.customer)) is not None:
            decision = AccountFrozen(frozen.appealable)
        if not isinstance(decision, Redemption):
            # A refusal is judged afresh each time, but what was given once is answered as it was.
            match await read.answer_to(request, lane):
                case Repeated(answer):
                    return _redeemed(answer)
                case Reused():
                    raise RequestReused
            return decision
        deliveries = decision.parts.deliveries
        answer = _json({"entry": write_entry(decision.entry), "deliveries": [write_delivery(d) for d in deliveries]})
        result = await ledger.commit(unit_of(decision.parts, lane=lane, at=now, request=request, answer=answer))
        match result:
            case Committed():
                return PointsRedeemed(decision.entry, tuple(deliveries))
            case Repeated(answer):
                return _redeemed(answer)
            case Reused():
                raise RequestReused
            case Moved():
                continue  # something else happened to the customer's points: look again
            case Short(account):
                return _refusal(account, decision, facts, now)
            case Gone():
                raise Broken("a redemption ends no hold")
        assert_never(result)
    raise Busy("a customer's points kept moving")


def _refusal(account: Account, decision: Redemption, facts: RedeemFacts, now: datetime) -> SoldOut | LimitReached:
    """Stock -> SoldOut; limit -> LimitReached, with when the next period begins."""
    if account != decision.allowance:
        if account.key.startswith("goods|"):
            return SoldOut()
        raise Broken(f"a redemption was short of {account.key}, which its version had answered for")
    assert facts.found is not None
    limit = facts.found.item.limit
    assert limit is not None
    return LimitReached(limit.max, next_period(limit.period, now))


def _redeemed(answer: str) -> PointsRedeemed:
    told: Mapping[str, Any] = json.loads(answer)
    return PointsRedeemed(read_entry(told["entry"]), tuple(read_delivery(plain) for plain in told["deliveries"]))


def write_entry(entry: Entry) -> dict[str, Any]:
    return {
        "n": entry.n,
        "kind": entry.kind.value,
        "points": entry.points,
        "balanceAfter": entry.balance_after,
        "at": entry.at.isoformat(),
        "occurredAt": entry.occurred_at.isoformat(),
        "subject": entry.subject,
        "details": entry.details,
    }


def read_entry(plain: Mapping[str, Any]) -> Entry:
    return Entry(
        plain["n"], EntryKind(plain["kind"]), plain["points"], plain["balanceAfter"],
        datetime.fromisoformat(plain["at"]), datetime.fromisoformat(plain["occurredAt"]), plain["subject"],
        plain["details"],
    )  # fmt: skip
