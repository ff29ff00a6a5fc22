"""Booking a seat in a lounge, and giving it back."""

from datetime import datetime
from typing import Annotated, assert_never
from uuid import UUID

import strawberry

from api.context import Context, HallInfo
from api.lounge import words
from api.lounge.types import Booking, presenter
from api.node import read_id, uuid_of
from api.problems import AccountFrozen, NotFound, Problem, TooLate, account_frozen, not_found
from api.words import moment_words
from domain.kernel.errors import InputInvalid
from domain.kernel.time import iso
from domain.lounge import outcomes
from domain.lounge.book import BookLounge, book_lounge
from domain.lounge.cancel import CancelBooking, cancel_booking
from domain.offers.outcomes import AccountFrozen as Frozen
from domain.offers.outcomes import NotFound as Unknown
from domain.offers.outcomes import TooLate as Late

_REQUEST = "Sent again, it answers again and changes nothing."
MOST_FLIGHT = 16


class FlightInvalid(InputInvalid):
    """A flight number that cannot be one."""

    code = "BAD_USER_INPUT"


@strawberry.input(description="Which seat is booked.")
class BookLoungeInput:
    request_id: UUID = strawberry.field(description=_REQUEST)
    lounge: strawberry.ID = strawberry.field(description="The lounge's id.")
    starts_at: datetime = strawberry.field(description="The start of one of its slots.")
    flight: str | None = strawberry.field(
        default=strawberry.UNSET, description="The flight, at most 16 characters, if the customer says it."
    )
    wait_if_full: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Wait for a seat where the slot is full: the booking is PENDING then."
    )


@strawberry.input(description="Which booking is given back.")
class CancelBookingInput:
    request_id: UUID = strawberry.field(description=_REQUEST)
    booking: strawberry.ID = strawberry.field(description="The booking's id.")


@strawberry.type(description="All seats of the slot are taken, or the viewer has one of them already.")
class SlotFull(Problem):
    pass


@strawberry.type(description="No visit is free for this slot.")
class NoEntitlement(Problem):
    pass


@strawberry.type(description="A seat is kept, or a place in the waiting list.")
class LoungeBooked:
    booking: Booking = strawberry.field(description="The booking, as it stands.")


@strawberry.type(description="The booking is given back: its visit and its seat are free.")
class BookingCancelled:
    booking: Booking = strawberry.field(description="The booking, as it stands.")


BookLoungeResult = Annotated[
    LoungeBooked | SlotFull | NoEntitlement | NotFound | TooLate | AccountFrozen,
    strawberry.union("BookLoungeResult", description="What came of booking."),
]
CancelBookingResult = Annotated[
    BookingCancelled | TooLate | NotFound,
    strawberry.union("CancelBookingResult", description="What came of giving a booking back."),
]


async def present_booking(outcome: outcomes.BookOutcome, context: Context) -> BookLoungeResult:
    language = context.language
    match outcome:
        case outcomes.LoungeBooked(booking):
            return LoungeBooked(booking=(await presenter(context)).booking(booking))
        case outcomes.SlotFull(mine):
            if mine:
                return SlotFull(code="ALREADY_BOOKED", message=words.ALREADY_BOOKED.say(language))
            return SlotFull(code="SLOT_FULL", message=words.SLOT_FULL.say(language))
        case outcomes.NoEntitlement(had):
            sentence = words.NO_VISITS_LEFT if had else words.NO_VISITS
            return NoEntitlement(code="NO_ENTITLEMENT", message=sentence.say(language))
        case Unknown():
            return not_found(language)
        case Late(deadline):
            return TooLate(code="TOO_LATE", message=words.BOOKING_CLOSED.say(language), deadline=deadline)
        case Frozen(appealable):
            return account_frozen(language, appealable=appealable)
    assert_never(outcome)


async def present_cancel(outcome: outcomes.CancelBookingOutcome, context: Context) -> CancelBookingResult:
    language = context.language
    match outcome:
        case outcomes.BookingCancelled(booking):
            return BookingCancelled(booking=(await presenter(context)).booking(booking))
        case Late(deadline):
            message = words.CANCEL_CLOSED.say(language, deadline=moment_words(iso(deadline)))
            return TooLate(code="TOO_LATE", message=message, deadline=deadline)
        case Unknown():
            return not_found(language)
    assert_never(outcome)


@strawberry.type
class LoungeMutation:
    @strawberry.mutation(description="Book a seat in a lounge. Safe to send again with the same requestId.")
    async def book_lounge(
        self, info: HallInfo, input: Annotated[BookLoungeInput, strawberry.argument(description="Which seat.")]
    ) -> BookLoungeResult:
        context, deps = info.context, info.context.deps
        customer = context.signed_in().customer  # who: never from input
        flight = (input.flight or "").strip() or None
        if flight is not None and (len(flight) > MOST_FLIGHT or not flight.isprintable()):
            raise FlightInvalid(f"`flight` has at most {MOST_FLIGHT} characters.")
        read = read_id(input.lounge)
        if read is None or read[0] != "Lounge":
            return not_found(context.language)
        outcome = await book_lounge(
            BookLounge(input.request_id, customer, read[1], input.starts_at, flight, bool(input.wait_if_full)),
            read=deps.bookings,
            directory=await deps.lounges.latest(),
            frozen=await context.on_hold(),
            ledger=deps.ledger,
            clock=deps.clock,
        )
        context.changed()
        return await present_booking(outcome, context)

    @strawberry.mutation(description="Give a booking back. Safe to send again with the same requestId.")
    async def cancel_booking(
        self, info: HallInfo, input: Annotated[CancelBookingInput, strawberry.argument(description="Which booking.")]
    ) -> CancelBookingResult:
        context, deps = info.context, info.context.deps
        customer = context.signed_in().customer  # who: never from input
        key = uuid_of(input.booking, "Booking")
        if key is None:
            return not_found(context.language)
        outcome = await cancel_booking(
            CancelBooking(input.request_id, customer, key),
            read=deps.bookings,
            lounges=deps.lounges,
            ledger=deps.ledger,
            clock=deps.clock,
        )
        context.changed()
        return await present_cancel(outcome, context)
