"""What is known of lounges and of who books them. All moments are aware; days are those of the lounge's own town."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class Airport:
    """`code`: IATA."""

    code: str
    name: Words
    city: Words
    zone: ZoneInfo


class LoungeState(StrEnum):
    OPEN = "OPEN"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Lounge:
    """A lounge as last told.

    opens, closes: minutes after the midnight its day begins with, `closes` being up to 24 hours later than `opens`.
    slot: minutes. capacity: seats of a slot that nobody has asked for yet.
    """

    code: str
    name: Words
    airport: Airport
    terminal: str
    airside: bool
    opens: int
    closes: int
    slot: int
    capacity: int
    amenities: tuple[Words, ...]
    state: LoungeState


@dataclass(frozen=True, slots=True)
class Slot:
    """`[starts_at, ends_at)` of one lounge."""

    lounge: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for every lounge; from the data file.

    entitlements: codes of the entitlements whose visits open a lounge. ahead: how long before a slot it can be booked.
    cancel: how long before it a booking can be given back. early: how long before it its guest may come.
    late: how long after its end a visit can still be told of, before nobody has come.
    no_show_costs: whether who does not come has used the visit.
    """

    entitlements: frozenset[str]
    ahead: timedelta
    cancel: timedelta
    early: timedelta
    late: timedelta
    no_show_costs: bool


class BookingStatus(StrEnum):
    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"
    CHECKED_IN = "CHECKED_IN"
    NO_SHOW = "NO_SHOW"
    REJECTED = "REJECTED"


@dataclass(slots=True)
class BookingFacts:
    """A booking's row. campaign, offer: of the entitlement. hold: keeps the visit, and the seat once there is one.

    cancel_by, settle_at, no_show_costs: by the policy when it was made. charged: it has used its visit.
    """

    id: UUID
    customer: str
    entitlement: UUID
    campaign: str
    offer: str
    lounge: str
    starts_at: datetime
    ends_at: datetime
    status: BookingStatus
    cancel_by: datetime
    settle_at: datetime
    no_show_costs: bool
    charged: bool
    hold: UUID

    def status_at(self, now: datetime) -> BookingStatus:
        """REJECTED from the slot's start on for who still waits, even before the sweep has written it."""
        if self.status is BookingStatus.PENDING and now >= self.starts_at:
            return BookingStatus.REJECTED
        return self.status


@dataclass(slots=True)
class EntitlementFacts:
    """Visits of a customer. used: gone; pending: kept by bookings; lapsed: ended unused; remaining: free.

    ended: the end has been written down; what is given back afterwards has lapsed too.
    """

    id: UUID
    customer: str
    campaign: str
    offer: str
    code: str
    title: Words
    total: int
    used: int
    pending: int
    expires_at: datetime
    lapsed: int = 0
    ended: bool = False

    @property
    def remaining(self) -> int:
        return self.total - self.used - self.pending - self.lapsed

    def remaining_at(self, now: datetime) -> int:
        """Nothing once it has ended, even before the sweep has written that down."""
        return self.remaining if now < self.expires_at else 0


class VisitState(StrEnum):
    """What a provider has told of a visit; a later state is never undone by an earlier one that comes late."""

    CHECKED_IN = "CHECKED_IN"
    POSTED = "POSTED"
    REVERSED = "REVERSED"

    @property
    def rank(self) -> int:
        return list(VisitState).index(self)


@dataclass(frozen=True, slots=True)
class VisitFacts:
    """A visit as recorded. charged: it has used a visit of its own, without a booking."""

    client: str
    visit: str
    state: VisitState
    customer: str | None
    entitlement: UUID | None
    booking: UUID | None
    charged: bool
    over_limit: bool
