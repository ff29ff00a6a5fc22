"""A customer redeems points: points, stock and allowance in one unit, and the promise to deliver what was taken.

Each piece is a delivery of its own, so that one that finally fails gives back what it cost (`domain.points.give_back`).
Plan rules B6 and B13; contract section 6, "Points".
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol, TypeAlias, assert_never
from uuid import UUID

from domain.campaigns.terms import OfferState, Per
from domain.kernel.errors import Broken, Busy, InputInvalid, RequestReused
from domain.kernel.ids import lane_of, new_id
from domain.kernel.money import Fen, Points
from domain.kernel.prints import fingerprint
from domain.kernel.time import Clock
from domain.ledger import keys
from domain.ledger.accounts import Account
from domain.ledger.moves import post
from domain.ledger.unit import Committed, Gone, Ledger, Moved, Opening, Repeated, Request, Reused, Short
from domain.offers.award import DELIVER, Parts, promise
from domain.offers.outcomes import AccountFrozen, LimitReached, NotFound, NotOpen, SoldOut
from domain.offers.periods import next_period, period_of
from domain.offers.units import unit_of
from domain.points.book import Book, Entry, Purse, lots_text
from domain.points.facts import CATALOGUE, Item, Stocked, redeemed, remembered, stock
from domain.wallet.facts import DeliveryFacts, DeliveryStatus

MOST_PIECES = 20
REDO = 100
"""How often one redemption is decided again: each time something else of the same customer's points was quicker."""


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(slots=True)
class RedeemPoints:
    request_id: UUID
    customer: str
    item: str
    quantity: int = 1
    device: str | None = None


@dataclass(slots=True)
class RedeemFacts:
    """found: None for an item nobody knows. person: the customer's identity, where the bank has told it and the item's
    limit is by person. frozen: where the customer's benefits are on hold.
    """

    purse: Purse | None
    found: Stocked | None
    person: str | None
    frozen: AccountFrozen | None = None


class ReadRedemptions(Protocol):
    async def redeem_facts(self, customer: str, item: str) -> RedeemFacts: ...

    async def answer_to(self, request: Request, lane: int) -> Repeated | Reused | None:
        """What the same request was answered when it was committed before."""
        ...

    async def entry(self, customer: str, n: int) -> Entry | None: ...

    async def deliveries_by_id(self, customer: str, ids: Sequence[UUID]) -> Sequence[DeliveryFacts]:
        """In no order."""
        ...


@dataclass(slots=True)
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


@dataclass(slots=True)
class Redemption:
    """The decision: what it changes. answer: as the ledger keeps it for repetitions."""

    parts: Parts
    entry: Entry
    allowance: Account | None
    answer: str


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
        return NotEnoughPoints(book.balance, cost)
    return _redeem(command, item, book, facts.person, now)


def _redeem(command: RedeemPoints, item: Item, book: Book, person: str | None, now: datetime) -> Redemption:
    customer, lane = command.customer, lane_of(command.customer)
    parts = Parts()
    ids = [new_id(lane, now) for _ in range(command.quantity)]
    details = remembered(item.code, item.title.zh, item.title.en, item.cost, len(ids))
    names = [str(id) for id in ids]
    taken = book.redeem([item.cost] * len(ids), names[0], details)
    entry = book.entries[-1]
    book.close(customer, parts)
    allowance = _take_limit(parts, command, item, person, now)
    if item.stock is not None:
        parts.moves.append(post(len(ids), stock(item.code), redeemed(item.code), "STOCK"))
    for id, name, lots in zip(ids, names, taken, strict=True):
        _deliver(parts, customer, item, id, name, now)
        parts.add("points_redemption", {
            "lane": lane, "id": id, "customer": customer, "item": item.code, "entry": entry.n, "points": item.cost,
            "lots": lots_text(lots), "stocked": item.stock is not None,
            "allowance": None if allowance is None else _json(list(allowance)), "status": "OPEN", "at": now,
            "changed_at": now,
        })  # fmt: skip
    return Redemption(parts, entry, allowance, write_redeemed(entry.n, names))


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


def _given(kind: str) -> DeliveryStatus:
    """How a delivery of this kind begins."""
    return DeliveryStatus.NEEDS_ADDRESS if kind == "PARCEL" else DeliveryStatus.PROMISED


def _deliver(parts: Parts, customer: str, item: Item, id: UUID, name: str, at: datetime) -> None:
    lane, kind = lane_of(customer), item.delivery.value
    status = _given(kind)
    details, text = _details(item.sku, item.value, item.code, item.cost)
    delivery = DeliveryFacts(id, customer, None, CATALOGUE, item.code, kind, item.title, status, details, None, at)
    parts.deliveries.append(delivery)
    parts.add("delivery", {
        "lane": lane, "id": id, "customer": customer, "offer_grant": None, "campaign": CATALOGUE, "offer": item.code,
        "kind": kind, "title_zh": item.title.zh, "title_en": item.title.en, "status": status.value,
        "details": text, "address_sealed": None, "tracking_number": None, "at": at, "changed_at": at,
    })  # fmt: skip
    if status is DeliveryStatus.PROMISED:
        promise(parts, customer, DELIVER, {"delivery": name}, at)
    parts.signals.append((f"viewer:{customer}", f"delivery:{name}"))


@lru_cache(maxsize=1024)
def _details(sku: str, value: Fen, item: str, points: Points) -> tuple[Mapping[str, Any], str]:
    """What a delivery says of itself, also as rows keep it."""
    details = {"sku": sku, "value": value, "item": item, "points": points}
    return details, _json(details)


async def redeem_points(command: RedeemPoints, *, read: ReadRedemptions, ledger: Ledger, clock: Clock) -> RedeemOutcome:
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
        if isinstance(decision, Redemption) and facts.frozen is not None:
            decision = facts.frozen
        if not isinstance(decision, Redemption):
            # A refusal is judged afresh each time, but what was given once is answered as it was.
            match await read.answer_to(request, lane):
                case Repeated(answer):
                    return await _redeemed(read, command.customer, answer)
                case Reused():
                    raise RequestReused
            return decision
        parts = decision.parts
        result = await ledger.commit(unit_of(parts, lane=lane, at=now, request=request, answer=decision.answer))
        match result:
            case Committed():
                return PointsRedeemed(decision.entry, tuple(parts.deliveries))
            case Repeated(answer):
                return await _redeemed(read, command.customer, answer)
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


def write_redeemed(entry: int, deliveries: Sequence[str]) -> str:
    """The answer as the ledger keeps it for repetitions: all else stands in the rows of these ids."""
    ids = ",".join([f'"{id}"' for id in deliveries])
    return f'{{"entry":{entry},"deliveries":[{ids}]}}'


def read_redeemed(answer: str) -> tuple[int, list[UUID]]:
    """The entry's number and the deliveries' ids. Answers kept before they named only those held all of both."""
    told: Mapping[str, Any] = json.loads(answer)
    entry, deliveries = told["entry"], told["deliveries"]
    return (
        entry["n"] if isinstance(entry, dict) else entry,
        [UUID(each["id"] if isinstance(each, dict) else each) for each in deliveries],
    )


async def _redeemed(read: ReadRedemptions, customer: str, answer: str) -> PointsRedeemed:
    """What was answered when it was committed: the deliveries as they were then, however far they have come."""
    number, ids = read_redeemed(answer)
    entry = await read.entry(customer, number)
    found = {delivery.id: delivery for delivery in await read.deliveries_by_id(customer, ids)}
    if entry is None or len(found) != len(ids):
        raise Broken("a redemption that was committed is not there")
    return PointsRedeemed(
        entry, tuple([replace(found[id], status=_given(found[id].kind), tracking_number=None) for id in ids])
    )
