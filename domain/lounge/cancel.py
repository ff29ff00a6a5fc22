"""A customer gives a booking back: the visit and the seat are free again, and who waits first has the seat."""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.kernel.errors import Broken, RequestReused
from domain.kernel.ids import lane_of, new_id
from domain.kernel.prints import fingerprint
from domain.kernel.time import Clock
from domain.ledger.unit import (
    Change,
    Committed,
    EndHold,
    Gone,
    Ledger,
    Moved,
    Repeated,
    Request,
    Reused,
    Unit,
)
from domain.lounge.book import look_at, there
from domain.lounge.facts import BookingFacts, BookingStatus
from domain.lounge.move_up import move_up
from domain.lounge.outcomes import BookingCancelled, CancelBookingOutcome
from domain.lounge.ports import Lounges, ReadBookings
from domain.offers.outcomes import NotFound, TooLate


@dataclass(frozen=True, slots=True)
class CancelBooking:
    request_id: UUID
    customer: str
    booking: UUID


def decide_cancel(booking: BookingFacts, request: Request, now: datetime) -> Unit | TooLate:
    """What giving it back changes. Who only waits may leave until the slot begins."""
    match booking.status:
        case BookingStatus.CONFIRMED if now < booking.cancel_by:
            pass
        case BookingStatus.PENDING if now < booking.starts_at:
            pass
        case _:
            return TooLate(booking.starts_at if booking.status is BookingStatus.PENDING else booking.cancel_by)
    lane = lane_of(booking.customer)
    freed = booking.status is BookingStatus.CONFIRMED
    return Unit(
        id=new_id(lane, now),
        lane=lane,
        at=now,
        request=request,
        end_holds=[EndHold(booking.hold, capture=False)],
        changes=[Change("booking", booking.id, booking.status.value, BookingStatus.CANCELLED.value)],
        rows={"outbox": [look_at(lane, booking.lounge, booking.starts_at, now)]} if freed else {},
        answer=json.dumps({"booking": str(booking.id)}),
        signals=[(f"viewer:{booking.customer}", f"booking:{booking.id}")],
    )


async def cancel_booking(
    command: CancelBooking, *, read: ReadBookings, lounges: Lounges, ledger: Ledger, clock: Clock
) -> CancelBookingOutcome:
    """Give a booking back; who waits first has the seat before this returns.

    Raises:
        RequestReused: the `request_id` came before with a different command.
        Busy: too much is waiting; nothing was done.
    """
    request = Request(command.customer, command.request_id, fingerprint("cancelBooking", str(command.booking)))
    lane = lane_of(command.customer)
    for _ in range(5):
        now = clock.now()
        booking = await read.booking(command.customer, command.booking)
        refusal: CancelBookingOutcome
        if booking is None:
            refusal = NotFound()
        elif booking.status is BookingStatus.CANCELLED:
            refusal = BookingCancelled(booking)
        else:
            decision = decide_cancel(booking, request, now)
            if isinstance(decision, Unit):
                result = await ledger.commit(decision)
                match result:
                    case Committed(answer) | Repeated(answer):
                        await move_up(booking.lounge, booking.starts_at, read, lounges, ledger, clock)
                        return BookingCancelled(await there(read, command.customer, answer))
                    case Reused():
                        raise RequestReused
                    case Moved() | Gone():
                        continue  # it moved up, ended, or was given back by another request: look again
                    case _:
                        raise Broken(f"giving a booking back answered {type(result).__name__}")
            refusal = decision
        match await read.answer_to(request, lane):
            case Repeated(answer):
                return BookingCancelled(await there(read, command.customer, answer))
            case Reused():
                raise RequestReused
        return refusal
    raise Broken("a booking kept moving")
