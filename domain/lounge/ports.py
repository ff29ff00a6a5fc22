"""What the room is read from. Every read of a customer's things finds that customer's only."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from domain.kernel.pages import Page
from domain.ledger.unit import Repeated, Request, Reused
from domain.lounge.directory import Directory
from domain.lounge.facts import BookingFacts, EntitlementFacts, VisitFacts


class Seats(NamedTuple):
    """Of one slot: how many in all, and how many are free."""

    capacity: int
    free: int


class BookFacts(NamedTuple):
    """What a booking is decided on. waiting: somebody waits for a seat of the slot."""

    entitlements: Sequence[EntitlementFacts]
    waiting: bool


class Lounges(Protocol):
    async def latest(self) -> Directory:
        """The newest directory that this process knows to exist."""
        ...


class MakePasses(Protocol):
    """A fresh payload to show, and its end."""

    def of_booking(self, id: UUID) -> tuple[str, datetime]: ...

    def of_entitlement(self, id: UUID) -> tuple[str, datetime]:
        """For one visit without a booking."""
        ...


class ReadSeats(Protocol):
    async def seats(self, slots: Sequence[tuple[str, datetime]]) -> list[Seats | None]:
        """In the same order; None for a slot nobody has asked for yet."""
        ...


class ReadBookings(Protocol):
    async def entitlements(self, customer: str) -> list[EntitlementFacts]:
        """Those that are in force or have ended, not those taken back; soonest end first."""
        ...

    async def booking(self, customer: str, id: UUID) -> BookingFacts | None: ...

    async def bookings(self, customer: str, *, first: int, after: UUID | None) -> Page[BookingFacts]:
        """Newest first."""
        ...

    async def answer_to(self, request: Request, lane: int) -> Repeated | Reused | None:
        """What the same request was answered when it was committed before."""
        ...

    async def book_facts(self, customer: str, lounge: str, starts_at: datetime) -> BookFacts: ...

    async def first_waiting(self, lounge: str, starts_at: datetime) -> BookingFacts | None: ...


class ReadVisits(Protocol):
    async def visit(self, client: str, visit: str) -> VisitFacts | None: ...

    async def entitlement(self, id: UUID) -> EntitlementFacts | None:
        """Whoever's it is; also one that was taken back, with nothing left."""
        ...

    async def booking_by_id(self, id: UUID) -> BookingFacts | None:
        """Whoever's it is."""
        ...

    async def bookings_at(self, customer: str, lounge: str, since: datetime, until: datetime) -> list[BookingFacts]:
        """The customer's there that could be a visit: CONFIRMED, NO_SHOW or CHECKED_IN, begun in `[since, until)`."""
        ...

    async def holder(self, customer: str) -> str:
        """The masked name to compare with whoever stands there."""
        ...
