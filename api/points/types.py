"""The viewer's points, the entries that explain them, and the catalogue of what they buy."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from api.context import Context
from api.node import Node, node_id, veiled
from api.pages import PageInfo, cursor_id, page_info
from api.points import words
from api.scalars import Points
from domain.campaigns.terms import OfferState
from domain.kernel.pages import Page
from domain.kernel.words import Language, Words
from domain.offers.catalog import Catalog
from domain.points.book import Entry, EntryKind, earned_in
from domain.points.facts import Stocked

ENTRY_CURSOR, ITEM_CURSOR = b"P", b"I"

strawberry.enum(
    EntryKind,
    name="LedgerEntryKind",
    description="EARN: a purchase. BONUS: an earlier purchase turned out to be worth more. REDEEM: used. REVERSE: an "
    "earlier purchase turned out to be worth less. EXPIRE: ended unused. ADJUST: put right by the hall.",
)


@strawberry.type(description="A part of an entry's figure.")
class EntryPart:
    title: str = strawberry.field(description="What it is for.")
    points: Points = strawberry.field(description="How many; the parts of an entry add up to it.")


@strawberry.type(description="One change of the viewer's points; never altered.")
class LedgerEntry(Node):
    kind: EntryKind = strawberry.field(description="Why the points changed.")
    points: Points = strawberry.field(description="How many came, or, below zero, went.")
    balance_after: Points = strawberry.field(description="The balance after this entry; below zero it is a debt.")
    at: datetime = strawberry.field(description="When it was booked.")
    occurred_at: datetime = strawberry.field(description="When the purchase was made, or the points ended.")
    title: str = strawberry.field(description="What it is, for the customer.")
    breakdown: list[EntryPart] = strawberry.field(
        description="How the figure came about: base, each bonus, rounding; or what was redeemed, or ended."
    )


@strawberry.type(description="An entry's place in a page.")
class LedgerEntryEdge:
    cursor: str = strawberry.field(description="Give it as `after` to go on behind this entry.")
    node: LedgerEntry = strawberry.field(description="The entry.")


@strawberry.type(description="A page of entries, newest first.")
class LedgerEntryConnection:
    edges: list[LedgerEntryEdge] = strawberry.field(description="The entries of this page.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")


@strawberry.type(description="Something that points can be redeemed for.")
class CatalogItem(Node):
    code: str = strawberry.field(description="Stable; what `redeemPoints` names it by.")
    title: str = strawberry.field(description="What it is called.")
    description: str = strawberry.field(description="What it is.")
    cost: Points = strawberry.field(description="Points for one piece.")
    stock: int | None = strawberry.field(description="How many are left; null where there is no bound.")
    state: OfferState = strawberry.field(description="Whether it can be redeemed now.")


@strawberry.type(description="An item's place in a page.")
class CatalogItemEdge:
    cursor: str = strawberry.field(description="Give it as `after` to go on behind this item.")
    node: CatalogItem = strawberry.field(description="The item.")


@strawberry.type(description="A page of the catalogue.")
class CatalogItemConnection:
    edges: list[CatalogItemEdge] = strawberry.field(description="The items of this page.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")


def entry_id(customer: str, n: int) -> strawberry.ID:
    """An entry's number is the customer's own, so the customer stands in the id, veiled."""
    return node_id("LedgerEntry", f"{veiled('points', customer)}.{n}")


@dataclass(frozen=True, slots=True)
class Presenter:
    """Makes entries of one request."""

    catalog: Catalog
    language: Language
    now: datetime
    customer: str

    def entry(self, row: Entry) -> LedgerEntry:
        details: Mapping[str, Any] = json.loads(row.details)
        return LedgerEntry(
            id=entry_id(self.customer, row.n),
            kind=row.kind,
            points=row.points,
            balance_after=row.balance_after,
            at=row.at,
            occurred_at=row.occurred_at,
            title=self._title(row, details),
            breakdown=self._breakdown(row, details),
        )

    def page(self, page: Page[Entry], after: object | None) -> LedgerEntryConnection:
        edges = [
            LedgerEntryEdge(cursor=cursor_id(ENTRY_CURSOR, UUID(int=row.n)), node=self.entry(row)) for row in page.items
        ]
        cursors = [edge.cursor for edge in edges]
        return LedgerEntryConnection(edges=edges, page_info=page_info(cursors, more=page.more, after=after))

    def _title(self, row: Entry, details: Mapping[str, Any]) -> str:
        if row.kind in (EntryKind.REDEEM, EntryKind.ADJUST):
            return words.TITLES[row.kind].say(self.language, item=self._item(details))
        return words.TITLES[row.kind].say(self.language)

    def _breakdown(self, row: Entry, details: Mapping[str, Any]) -> list[EntryPart]:
        say = self.language
        match row.kind:
            case EntryKind.EARN:
                parts = [EntryPart(title=words.BASE.say(say), points=details["base"])]
                parts += [
                    EntryPart(title=self._offer(details, code), points=points) for code, _, points in details["bonuses"]
                ]
                if details["rounding"]:
                    parts.append(EntryPart(title=words.ROUNDING.say(say), points=details["rounding"]))
                return parts
            case EntryKind.BONUS | EntryKind.REVERSE:
                return [
                    EntryPart(title=words.NOW_EARNED.say(say), points=details["now"]),
                    EntryPart(title=words.EARNED_BEFORE.say(say), points=-details["before"]),
                ]
            case EntryKind.EXPIRE:
                return [EntryPart(title=words.LOT.say(say, month=earned_in(row.subject)), points=row.points)]
            case EntryKind.REDEEM | EntryKind.ADJUST:
                pieces = details["pieces"]
                title = self._item(details) + (f" × {pieces}" if pieces > 1 else "")
                return [EntryPart(title=title, points=row.points)]

    def _item(self, details: Mapping[str, Any]) -> str:
        return Words(*details["title"]).say(self.language)

    def _offer(self, details: Mapping[str, Any], code: str) -> str:
        """A bonus by the name of its offer, in whichever campaign it is."""
        of = self.catalog.granted(details["campaign"], details["version"], code, self.now)
        of = of or self.catalog.offer(code, self.now)
        return code if of is None else of.offer.title.say(self.language)


async def presenter(context: Context, customer: str) -> Presenter:
    return Presenter(await context.catalog(), context.language, context.now, customer)


def catalog_item(row: Stocked, language: Language) -> CatalogItem:
    item = row.item
    return CatalogItem(
        id=node_id("CatalogItem", item.code),
        code=item.code,
        title=item.title.say(language),
        description=item.description.say(language),
        cost=item.cost,
        stock=row.remaining,
        state=item.state(row.remaining),
    )


def catalog_page(page: Page[Stocked], after: object | None, language: Language) -> CatalogItemConnection:
    edges = [
        CatalogItemEdge(cursor=cursor_id(ITEM_CURSOR, UUID(int=row.item.position)), node=catalog_item(row, language))
        for row in page.items
    ]
    cursors = [edge.cursor for edge in edges]
    return CatalogItemConnection(edges=edges, page_info=page_info(cursors, more=page.more, after=after))
