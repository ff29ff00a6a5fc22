"""What can come of a booking or of giving it back; the words are made at the door."""

from dataclasses import dataclass
from typing import TypeAlias

from domain.lounge.facts import BookingFacts
from domain.offers.outcomes import AccountFrozen, NotFound, TooLate


@dataclass(slots=True)
class LoungeBooked:
    booking: BookingFacts


@dataclass(frozen=True, slots=True)
class SlotFull:
    """mine: the customer has a seat, or waits for one, at that time already; else all seats are taken."""

    mine: bool = False


@dataclass(frozen=True, slots=True)
class NoEntitlement:
    """had: there are visits, but none of them is free, or they end before the slot begins."""

    had: bool


@dataclass(frozen=True, slots=True)
class BookingCancelled:
    booking: BookingFacts


BookOutcome: TypeAlias = LoungeBooked | SlotFull | NoEntitlement | NotFound | TooLate | AccountFrozen
CancelBookingOutcome: TypeAlias = BookingCancelled | TooLate | NotFound
