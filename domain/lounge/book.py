"""A customer books a seat in a lounge: a visit and a seat are kept, or a visit and a place in the waiting list.

Decided purely on facts read without locks; the commit is the arbiter of the seat, of the visit, and of nobody sitting
in two lounges at once. Nobody new is given a seat while somebody waits for one. Source of the rules: plan rules B2 and
B16, and the policy of the lounges' data file.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain.kernel.errors import Broken, Busy, RequestReused
from domain.kernel.ids import lane_of, new_id
from domain.kernel.prints import fingerprint
from domain.kernel.time import Clock
from domain.ledger import keys
from domain.ledger.accounts import Account
from domain.ledger.moves import Move
from domain.ledger.unit import (
    Change,
    Committed,
    Ledger,
    NewHold,
    Opening,
    Repeated,
    Request,
    Reused,
    Short,
    Unit,
)
from domain.lounge.accounts import ONE, kept, moment, seats
from domain.lounge.directory import Directory
from domain.lounge.facts import BookingFacts, BookingStatus, EntitlementFacts, Lounge, LoungeState, Policy, Slot
from domain.lounge.outcomes import BookOutcome, LoungeBooked, NoEntitlement, SlotFull
from domain.lounge.ports import ReadBookings
from domain.lounge.slots import slot_at
from domain.offers.award import AT_ONCE
from domain.offers.outcomes import AccountFrozen, NotFound, TooLate

MOVE_UP = "booking.move_up"
"""Outbox topic: look whether who waits first for a slot can have a seat; payload: lounge, startsAt."""

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""A seat that is held goes by check-in, by being given back, or by nobody having come; never by time alone."""


@dataclass(slots=True)
class BookLounge:
    """wait: take a place in the waiting list where the slot is full. flight: as the customer wrote it."""

    request_id: UUID
    customer: str
    lounge: str
    starts_at: datetime
    flight: str | None = None
    wait: bool = False


@dataclass(slots=True)
class Seat:
    """What is to be booked, and of which visits: the soonest to end, of those that reach the slot."""

    lounge: Lounge
    slot: Slot
    entitlements: tuple[EntitlementFacts, ...]


def decide_booking(
    lounge: Lounge | None,
    starts_at: datetime,
    entitlements: Sequence[EntitlementFacts],
    policy: Policy,
    now: datetime,
) -> Seat | NotFound | TooLate | NoEntitlement:
    """What would be booked, or why it cannot be."""
    if lounge is None or lounge.state is not LoungeState.OPEN:
        return NotFound()
    slot = slot_at(lounge, starts_at)
    if slot is None or slot.starts_at - policy.ahead > now:
        return NotFound()
    if now >= slot.starts_at:
        return TooLate(slot.starts_at)
    ours = [found for found in entitlements if found.code in policy.entitlements]
    usable = [found for found in ours if found.remaining > 0 and found.expires_at > slot.starts_at]
    if not usable:
        return NoEntitlement(had=bool(ours))
    return Seat(lounge, slot, tuple(usable))


def new_booking(
    seat_: Seat, entitlement: EntitlementFacts, policy: Policy, now: datetime, *, waiting: bool
) -> BookingFacts:
    """The booking as it will be, with an id of its own; its hold has the same."""
    slot, id = seat_.slot, new_id(lane_of(entitlement.customer), now)
    status = BookingStatus.PENDING if waiting else BookingStatus.CONFIRMED
    return BookingFacts(
        id, entitlement.customer, entitlement.id, entitlement.campaign, entitlement.offer, slot.lounge, slot.starts_at,
        slot.ends_at, status, slot.starts_at - policy.cancel, slot.ends_at + policy.late, policy.no_show_costs,
        charged=False, hold=id,
    )  # fmt: skip


def booking_unit(
    booking: BookingFacts, lounge: Lounge, request: Request, now: datetime, flight: str | None = None
) -> Unit:
    """The whole booking; who waits loses the place at the slot's start by itself."""
    lane, customer, name = lane_of(booking.customer), booking.customer, str(booking.id)
    status = booking.status.value
    waiting = booking.status is BookingStatus.PENDING
    slot = Slot(booking.lounge, booking.starts_at, booking.ends_at)
    moves = kept(customer, keys.visits(booking.entitlement), booking.offer, slot, seated_too=not waiting)
    row: dict[str, Any] = {
        "lane": lane, "id": booking.id, "customer": customer, "entitlement": booking.entitlement,
        "campaign": booking.campaign, "offer": booking.offer, "lounge": booking.lounge,
        "starts_at": booking.starts_at, "ends_at": booking.ends_at, "status": status,
        "cancel_by": booking.cancel_by, "settle_at": booking.settle_at,
        "no_show_costs": booking.no_show_costs, "charged": False, "hold": booking.hold, "flight": flight,
        "at": now, "changed_at": now,
    }  # fmt: skip
    rows = {"booking": [row]}
    if waiting:
        lost = Change("booking", booking.id, status, BookingStatus.REJECTED.value, tell=customer)
        new_hold = NewHold(booking.hold, slot.starts_at, moves, (lost,))
        rows["outbox"] = [look_at(lane, slot.lounge, slot.starts_at, now)]
    else:
        new_hold = NewHold(booking.hold, NEVER, moves)
        row["queue"] = 0  # nobody waits with it, so it takes no number
    return Unit(
        id=booking.id,
        lane=lane,
        at=now,
        request=request,
        opens=openings(moves, lounge),
        new_holds=[new_hold],
        rows=rows,
        answer=f'{{"booking": "{name}"}}',
        signals=[(f"viewer:{customer}", f"booking:{name}")],
    )


def openings(moves: Sequence[Move], lounge: Lounge) -> dict[Account, Opening]:
    """How the accounts begin of which a booking keeps something (`kept`): the stay, and the seat where there is one."""
    opens = {moves[1].source: ONE}
    if len(moves) > 2:
        opens[moves[2].source] = seats(lounge.capacity)
    return opens


def look_at(lane: int, lounge: str, starts_at: datetime, now: datetime) -> dict[str, Any]:
    """The promise to look at a slot's waiting list, due at once."""
    return {
        "lane": lane, "id": new_id(lane, now), "topic": MOVE_UP,
        "payload": {"lounge": lounge, "startsAt": starts_at.isoformat()}, "due_at": AT_ONCE, "created_at": now,
    }  # fmt: skip


async def book_lounge(
    command: BookLounge,
    *,
    read: ReadBookings,
    directory: Directory,
    frozen: AccountFrozen | None,
    ledger: Ledger,
    clock: Clock,
) -> BookOutcome:
    """Keep a visit and a seat for the customer, once per `request_id`.

    Args:
        frozen: where the customer's benefits are on hold.

    Returns:
        What happened; for the same `request_id` the same booking, as it stands by then.

    Raises:
        RequestReused: the `request_id` came before with a different command.
        Busy: too much is waiting; nothing was done.
    """
    request = Request(
        command.customer,
        command.request_id,
        fingerprint("bookLounge", command.lounge, moment(command.starts_at), command.flight or "", str(command.wait)),
    )
    lane, now = lane_of(command.customer), clock.now()
    refusal: BookOutcome
    if frozen is not None:
        refusal = frozen
    else:
        for _ in range(8):  # each further try has another entitlement, or one less
            facts = await read.book_facts(command.customer, command.lounge, command.starts_at)
            decision = decide_booking(
                directory.lounge(command.lounge), command.starts_at, facts.entitlements, directory.policy, now
            )
            if not isinstance(decision, Seat):
                refusal = decision
            else:
                told = await _commit(decision, facts.waiting, command, directory.policy, request, now, read, ledger)
                if isinstance(told, LoungeBooked):
                    return told
                if told is None:
                    continue
                refusal = told
            break
        else:
            raise Busy("the visits kept changing")
    match await read.answer_to(request, lane):
        case Repeated(answer):
            return LoungeBooked(await there(read, command.customer, answer))
        case Reused():
            raise RequestReused
    return refusal


async def _commit(
    seat_: Seat,
    waiting: bool,
    command: BookLounge,
    policy: Policy,
    request: Request,
    now: datetime,
    read: ReadBookings,
    ledger: Ledger,
) -> LoungeBooked | SlotFull | None:
    """None: another booking of the customer's took the visit meanwhile. waiting: somebody waits for a seat."""
    if waiting and not command.wait:
        return SlotFull()
    for entitlement in seat_.entitlements:
        booking = new_booking(seat_, entitlement, policy, now, waiting=waiting)
        result = await ledger.commit(booking_unit(booking, seat_.lounge, request, now, command.flight))
        if isinstance(result, Short) and result.account.key.startswith("seat|") and command.wait:
            booking = new_booking(seat_, entitlement, policy, now, waiting=True)
            result = await ledger.commit(booking_unit(booking, seat_.lounge, request, now, command.flight))
        match result:
            case Committed():
                return LoungeBooked(booking)
            case Repeated(answer):
                return LoungeBooked(await there(read, command.customer, answer))
            case Reused():
                raise RequestReused
            case Short(account) if account.key.startswith("visits|"):
                continue
            case Short(account):
                return SlotFull(mine=account.key.startswith("stay|"))
            case _:
                raise Broken(f"a booking answered {type(result).__name__}")
    return None


async def there(read: ReadBookings, customer: str, answer: str) -> BookingFacts:
    facts = await read.booking(customer, UUID(json.loads(answer)["booking"]))
    if facts is None:
        raise Broken("a booking that was committed is not there")
    return facts
