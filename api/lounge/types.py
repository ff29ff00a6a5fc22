"""Lounges, their slots, and what a customer has of them."""

from asyncio import gather
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated

import strawberry

from api.context import Context, HallInfo
from api.lounge.loaders import seats_by_slot
from api.node import Node, node_id
from api.pages import PageInfo, cursor_id, page_info
from api.presentations import Presentation
from domain.kernel.errors import Broken
from domain.kernel.pages import Page
from domain.lounge import facts
from domain.lounge.directory import Directory
from domain.lounge.facts import BookingFacts, BookingStatus, EntitlementFacts
from domain.lounge.slots import hours_of, slots_of

BOOKING_CURSOR = b"B"

strawberry.enum(
    BookingStatus,
    description="PENDING: waits for a seat. REJECTED: waited in vain. NO_SHOW: nobody came.",
)


@strawberry.type(description="A stretch of a lounge's day that seats are booked for.")
class LoungeSlot:
    starts_at: datetime = strawberry.field(description="When it begins.")
    ends_at: datetime = strawberry.field(description="When it ends, exclusive.")
    capacity: int = strawberry.field(description="Seats for our customers.")
    remaining: int = strawberry.field(description="Seats that are free now.")


@strawberry.type(description="An airport lounge.")
class Lounge(Node):
    found: strawberry.Private[facts.Lounge]
    ahead: strawberry.Private[timedelta]
    code: str = strawberry.field(description="Its code.")
    name: str = strawberry.field(description="What passengers call it.")
    airport: str = strawberry.field(description="IATA code of its airport.")
    airport_name: str = strawberry.field(description="The airport's name.")
    city: str = strawberry.field(description="The city the airport serves.")
    terminal: str = strawberry.field(description="The terminal it is in.")
    airside: bool = strawberry.field(description="Whether it lies behind security.")
    hours: str = strawberry.field(description="Opening hours by the clock of its town, as 06:00-23:00.")
    amenities: list[str] = strawberry.field(description="What there is in it.")

    @strawberry.field(
        description="The slots of a day of its town, in order, with what is left of them now; of the past and of days "
        "that cannot be booked yet none."
    )
    async def slots(
        self, info: HallInfo, day: Annotated[date, strawberry.argument(description="The day.")]
    ) -> list[LoungeSlot]:
        now = info.context.now
        if self.found.state is not facts.LoungeState.OPEN:
            return []
        slots = [slot for slot in slots_of(self.found, day) if now < slot.starts_at <= now + self.ahead]
        loader = info.context.kept(seats_by_slot)
        seats = await gather(*(loader.load((slot.lounge, slot.starts_at)) for slot in slots))
        return [
            LoungeSlot(
                starts_at=slot.starts_at,
                ends_at=slot.ends_at,
                capacity=self.found.capacity if found is None else found.capacity,
                remaining=self.found.capacity if found is None else found.free,
            )
            for slot, found in zip(slots, seats, strict=True)
        ]


@strawberry.type(description="A lounge's place in a page.")
class LoungeEdge:
    cursor: str = strawberry.field(description="Give it as `after` to go on behind this lounge.")
    node: Lounge = strawberry.field(description="The lounge.")


@strawberry.type(description="A page of lounges, by code.")
class LoungeConnection:
    edges: list[LoungeEdge] = strawberry.field(description="The lounges of this page.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")


@strawberry.type(description="So many visits to airport lounges, for the cardholder alone.")
class Entitlement(Node):
    own: strawberry.Private[EntitlementFacts]
    code: str = strawberry.field(description="What kind of visits.")
    title: str = strawberry.field(description="What it is, for the customer.")
    total: int = strawberry.field(description="Visits in all.")
    used: int = strawberry.field(description="Visits that were used.")
    pending: int = strawberry.field(description="Visits kept by bookings.")
    remaining: int = strawberry.field(description="Visits that are free; none once it has ended.")
    expires_at: datetime = strawberry.field(description="Until when, exclusive.")

    @strawberry.field(name="pass", description="What to show at a lounge without a booking; null with no visit free.")
    def pass_(self, info: HallInfo) -> Presentation | None:
        if self.own.remaining_at(info.context.now) <= 0:
            return None
        payload, expires_at = info.context.deps.present_pass.of_entitlement(self.own.id)
        return Presentation(payload=payload, expires_at=expires_at)


@strawberry.type(description="A seat in a lounge, kept for the viewer together with a visit.")
class Booking(Node):
    own: strawberry.Private[BookingFacts]
    lounge: Lounge = strawberry.field(description="Where.")
    starts_at: datetime = strawberry.field(description="When the slot begins.")
    ends_at: datetime = strawberry.field(description="When it ends, exclusive.")
    status: BookingStatus = strawberry.field(description="What has become of it.")
    cancel_by: datetime = strawberry.field(description="Until when it can be given back, exclusive.")

    @strawberry.field(
        name="pass",
        description="What to show at the door: made anew each time it is asked for, good for minutes and one visit; "
        "null for a booking without a seat, and once the slot is over.",
    )
    def pass_(self, info: HallInfo) -> Presentation | None:
        if self.own.status is not BookingStatus.CONFIRMED or info.context.now >= self.own.ends_at:
            return None
        payload, expires_at = info.context.deps.present_pass.of_booking(self.own.id)
        return Presentation(payload=payload, expires_at=expires_at)


@strawberry.type(description="A booking's place in a page.")
class BookingEdge:
    cursor: str = strawberry.field(description="Give it as `after` to go on behind this booking.")
    node: Booking = strawberry.field(description="The booking.")


@strawberry.type(description="A page of bookings, newest first.")
class BookingConnection:
    edges: list[BookingEdge] = strawberry.field(description="The bookings of this page.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")


@dataclass(frozen=True, slots=True)
class Presenter:
    """Makes this room's things of one request."""

    directory: Directory
    context: Context

    def lounge(self, found: facts.Lounge) -> Lounge:
        language = self.context.language
        return Lounge(
            id=node_id("Lounge", found.code),
            found=found,
            ahead=self.directory.policy.ahead,
            code=found.code,
            name=found.name.say(language),
            airport=found.airport.code,
            airport_name=found.airport.name.say(language),
            city=found.airport.city.say(language),
            terminal=found.terminal,
            airside=found.airside,
            hours=hours_of(found),
            amenities=[words.say(language) for words in found.amenities],
        )

    def booking(self, own: BookingFacts) -> Booking:
        found = self.directory.lounge(own.lounge)
        if found is None:
            raise Broken(f"no lounge {own.lounge}")  # lounges are closed, never taken away
        return Booking(
            id=node_id("Booking", own.id),
            own=own,
            lounge=self.lounge(found),
            starts_at=own.starts_at,
            ends_at=own.ends_at,
            status=own.status_at(self.context.now),
            cancel_by=own.cancel_by,
        )

    def page(self, page: Page[BookingFacts], after: object | None) -> BookingConnection:
        edges = [BookingEdge(cursor=cursor_id(BOOKING_CURSOR, own.id), node=self.booking(own)) for own in page.items]
        cursors = [edge.cursor for edge in edges]
        return BookingConnection(edges=edges, page_info=page_info(cursors, more=page.more, after=after))

    def entitlement(self, own: EntitlementFacts) -> Entitlement:
        return Entitlement(
            id=node_id("Entitlement", own.id),
            own=own,
            code=own.code,
            title=own.title.say(self.context.language),
            total=own.total,
            used=own.used,
            pending=own.pending,
            remaining=own.remaining_at(self.context.now),
            expires_at=own.expires_at,
        )


async def presenter(context: Context) -> Presenter:
    """After the rows were read, so that the directory is at least as new as they are."""
    return Presenter(await context.deps.lounges.latest(), context)
