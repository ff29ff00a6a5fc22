"""The viewer's points, and what they buy."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import UNSET

from api.context import HallInfo
from api.node import read_id
from api.pages import DEFAULT_FIRST, page_size, read_cursor_id
from api.points.types import (
    ENTRY_CURSOR,
    ITEM_CURSOR,
    CatalogItem,
    CatalogItemConnection,
    LedgerEntry,
    LedgerEntryConnection,
    catalog_item,
    catalog_page,
    entry_id,
    presenter,
)
from api.scalars import Points
from domain.points.book import ends
from domain.points.ports import EXPIRING_SOON

_MOST = 2**53
"""More entries or items than there can be."""


@strawberry.type(description="The viewer's points.")
class PointsAccount:
    customer: strawberry.Private[str]
    last: strawberry.Private[int]
    balance: Points = strawberry.field(description="What can be used; below zero it is a debt that new points pay.")
    pending: Points = strawberry.field(description="Kept by something under way, and not to be used meanwhile.")
    expiring_soon: Points = strawberry.field(description="Of the balance: what ends within 30 days.")
    next_expiry_at: datetime | None = strawberry.field(
        description="When the next points end, exclusive; null where there are none."
    )

    @strawberry.field(description="Every change of the points, newest first.")
    async def entries(
        self,
        info: HallInfo,
        first: Annotated[int | None, strawberry.argument(description="How many, at most 100.")] = DEFAULT_FIRST,
        after: Annotated[str | None, strawberry.argument(description="The cursor to go on behind.")] = UNSET,
    ) -> LedgerEntryConnection:
        mark = read_cursor_id(ENTRY_CURSOR, after)
        # Up to the entry the balance was read at, so that one answer speaks of one moment.
        before = min(_number(mark) or _MOST, self.last + 1)
        page = await info.context.deps.points.entries(self.customer, first=page_size(first), before=before)
        return (await presenter(info.context, self.customer)).page(page, mark)


@strawberry.type
class PointsOfViewer:
    """What this room adds to the viewer."""

    customer: strawberry.Private[str]

    @strawberry.field(description="The points and how they came about.")
    async def points(self, info: HallInfo) -> PointsAccount:
        now = info.context.now
        facts = await info.context.deps.points.purse(self.customer)
        purse = facts.purse.at(now)
        return PointsAccount(
            customer=self.customer,
            last=purse.entries,
            balance=purse.balance - facts.held,
            pending=facts.held,
            expiring_soon=purse.ending_within(now, EXPIRING_SOON),
            next_expiry_at=ends(purse.lots[0].month) if purse.lots else None,
        )


@strawberry.type
class PointsQuery:
    @strawberry.field(description="What points can be redeemed for.")
    async def catalog(
        self,
        info: HallInfo,
        first: Annotated[int | None, strawberry.argument(description="How many, at most 100.")] = DEFAULT_FIRST,
        after: Annotated[str | None, strawberry.argument(description="The cursor to go on behind.")] = UNSET,
    ) -> CatalogItemConnection:
        mark = read_cursor_id(ITEM_CURSOR, after)
        page = await info.context.deps.points.items(first=page_size(first), after=_position(mark))
        return catalog_page(page, mark, info.context.language)


async def entry_node(info: HallInfo, id: str) -> LedgerEntry | None:
    """The viewer's own entry of this node id; another's is null like one that never was."""
    read, customer = read_id(id), info.context.customer
    if read is None or customer is None:
        return None
    number = read[1].rpartition(".")[2]
    if not number.isascii() or not number.isdigit() or len(number) > 15 or entry_id(customer, int(number)) != id:
        return None
    row = await info.context.deps.points.entry(customer, int(number))
    return None if row is None else (await presenter(info.context, customer)).entry(row)


async def item_node(info: HallInfo, id: str) -> CatalogItem | None:
    read = read_id(id)
    row = None if read is None else await info.context.deps.points.item(read[1])
    return None if row is None else catalog_item(row, info.context.language)


def _number(mark: UUID | None) -> int | None:
    """The entry's number in a cursor; one of a forged cursor is no more than all there are."""
    return None if mark is None else min(max(mark.int, 1), _MOST)


def _position(mark: UUID | None) -> int | None:
    return None if mark is None else min(mark.int, 2**31 - 1)
