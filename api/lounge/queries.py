"""The directory of lounges, and the viewer's visits and bookings."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from typing import Annotated

import strawberry
from strawberry import UNSET

from api.context import HallInfo
from api.lounge.types import (
    BOOKING_CURSOR,
    Booking,
    BookingConnection,
    Entitlement,
    Lounge,
    LoungeConnection,
    LoungeEdge,
    presenter,
)
from api.node import read_id, uuid_of
from api.pages import DEFAULT_FIRST, PageInvalid, page_info, page_size, read_cursor_id

_LONGEST = 80
"""Characters of an airport or a city asked for."""


@strawberry.type
class LoungeQuery:
    @strawberry.field(description="Lounges, by code.")
    async def lounges(
        self,
        info: HallInfo,
        airport: Annotated[str | None, strawberry.argument(description="IATA code of an airport.")] = UNSET,
        city: Annotated[str | None, strawberry.argument(description="A city, in either language.")] = UNSET,
        first: Annotated[int | None, strawberry.argument(description="How many, at most 100.")] = DEFAULT_FIRST,
        after: Annotated[str | None, strawberry.argument(description="The cursor to go on behind.")] = UNSET,
    ) -> LoungeConnection:
        mark = _read_cursor(after)
        makes = await presenter(info.context)
        page = makes.directory.listed(
            airport=(airport or "")[:_LONGEST], city=(city or "")[:_LONGEST], first=page_size(first), after=mark
        )
        edges = [LoungeEdge(cursor=_cursor(found.code), node=makes.lounge(found)) for found in page.items]
        cursors = [edge.cursor for edge in edges]
        return LoungeConnection(edges=edges, page_info=page_info(cursors, more=page.more, after=mark))


@strawberry.type
class LoungeOfViewer:
    """What this room adds to the viewer."""

    customer: strawberry.Private[str]

    @strawberry.field(description="Visits to lounges and the like, soonest end first.")
    async def entitlements(self, info: HallInfo) -> list[Entitlement]:
        rows = await info.context.deps.bookings.entitlements(self.customer)
        makes = await presenter(info.context)
        return [makes.entitlement(row) for row in rows]

    @strawberry.field(description="The viewer's bookings of lounges, newest first.")
    async def bookings(
        self,
        info: HallInfo,
        first: Annotated[int | None, strawberry.argument(description="How many, at most 100.")] = DEFAULT_FIRST,
        after: Annotated[str | None, strawberry.argument(description="The cursor to go on behind.")] = UNSET,
    ) -> BookingConnection:
        mark = read_cursor_id(BOOKING_CURSOR, after)
        page = await info.context.deps.bookings.bookings(self.customer, first=page_size(first), after=mark)
        return (await presenter(info.context)).page(page, mark)


async def lounge_node(info: HallInfo, id: str) -> Lounge | None:
    """Lounges are everybody's; closed ones too."""
    read = read_id(id)
    makes = await presenter(info.context)
    found = makes.directory.lounge(read[1]) if read is not None else None
    return None if found is None else makes.lounge(found)


async def booking_node(info: HallInfo, id: str) -> Booking | None:
    """The viewer's own booking of this node id; another's is null like one that never was."""
    key, customer = uuid_of(id, "Booking"), info.context.customer
    own = None if key is None or customer is None else await info.context.deps.bookings.booking(customer, key)
    return None if own is None else (await presenter(info.context)).booking(own)


async def entitlement_node(info: HallInfo, id: str) -> Entitlement | None:
    """The viewer's own entitlement of this node id; another's is null like one that never was."""
    key, customer = uuid_of(id, "Entitlement"), info.context.customer
    if key is None or customer is None:
        return None
    rows = await info.context.deps.bookings.entitlements(customer)
    own = next((row for row in rows if row.id == key), None)
    return None if own is None else (await presenter(info.context)).entitlement(own)


def _cursor(code: str) -> str:
    return urlsafe_b64encode(f"L{code}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str | None) -> str | None:
    """The code a cursor names; None without one. Raises PageInvalid for text that is no cursor of this list."""
    if not isinstance(cursor, str):
        return None
    try:
        text = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii")
    except (NotBase64, ValueError):
        text = ""
    if not text.startswith("L") or _cursor(text[1:]) != cursor:
        raise PageInvalid("`after` is not a cursor of this list.")
    return text[1:]
