"""The coupon wallet: counts, coupons, and pages of them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import strawberry

from api.context import Context
from api.merchants.types import Merchant
from api.node import Node, node_id
from api.offers.showcase import Showcase, showcase
from api.offers.types import Offer
from api.pages import PageInfo, cursor_at, page_info
from api.presentations import MakePresentation, Presentation
from api.scalars import Fen
from domain.campaigns.terms import CouponKind
from domain.kernel.pages import Page
from domain.kernel.words import Language
from domain.offers.catalog import Catalog
from domain.wallet.facts import CouponFacts, CouponStatus
from domain.wallet.ports import CouponMark

CURSOR = b"C"

strawberry.enum(
    CouponStatus,
    description="Where a coupon is in its life.",
)
strawberry.enum(
    CouponKind,
    description="THRESHOLD: minSpend-value off. CASH: value off. REPAYMENT: credited to the bill. EXCHANGE: swapped "
    "for goods or a service. TOP_UP: phone credit.",
)


@strawberry.type(description="How many coupons there are to think of.")
class WalletSummary:
    available: int = strawberry.field(description="Coupons that can be used now or later.")
    held: int = strawberry.field(description="Coupons kept by a payment under way.")
    expiring_soon: int = strawberry.field(description="Available coupons that end within 7 days.")


@strawberry.type(description="A coupon in the viewer's wallet.")
class Coupon(Node):
    kind: CouponKind = strawberry.field(description="How its value is given.")
    status: CouponStatus = strawberry.field(description="EXPIRED from the moment it ends.")
    title: str = strawberry.field(description="What it is, for the customer.")
    value: Fen = strawberry.field(description="Fen off, credited or topped up.")
    min_spend: Fen = strawberry.field(description="Fen to be paid at least; 0 where there is no threshold.")
    valid_from: datetime = strawberry.field(description="From when it can be used.")
    expires_at: datetime = strawberry.field(description="Until when, exclusive.")
    offer: Offer | None = strawberry.field(description="The offer that granted it; null once nothing is known of it.")
    merchants: list[Merchant] = strawberry.field(
        description="Active merchants where it can be used, at most 50; empty where it is not bound to any."
    )
    key: strawberry.Private[UUID]
    make: strawberry.Private[MakePresentation]

    @strawberry.field(description="What to show at the till, good for 60 seconds; null unless AVAILABLE.")
    def presentation(self) -> Presentation | None:
        if self.status is not CouponStatus.AVAILABLE:
            return None
        payload, expires_at = self.make(self.key)
        return Presentation(payload=payload, expires_at=expires_at)


@strawberry.type(description="A coupon's place in a page.")
class CouponEdge:
    cursor: str = strawberry.field(description="Give it as `after` to go on behind this coupon.")
    node: Coupon = strawberry.field(description="The coupon.")


@strawberry.type(description="A page of coupons: soonest end first, then by id.")
class CouponConnection:
    edges: list[CouponEdge] = strawberry.field(description="The coupons of this page.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")


@dataclass(frozen=True, slots=True)
class Presenter:
    """Makes coupons of one request."""

    catalog: Catalog
    showcase: Showcase
    language: Language
    now: datetime
    make: MakePresentation

    def coupon(self, row: CouponFacts) -> Coupon:
        of = self.catalog.granted(row.campaign, row.version, row.offer, self.now)
        return Coupon(
            id=node_id("Coupon", row.id),
            kind=row.kind,
            status=row.status_at(self.now),
            title=row.title.say(self.language),
            value=row.value,
            min_spend=row.min_spend,
            valid_from=row.valid_from,
            expires_at=row.expires_at,
            offer=self.showcase.offer(of) if of is not None else None,
            merchants=self.showcase.merchants(row.merchant_groups),
            key=row.id,
            make=self.make,
        )

    def page(self, page: Page[CouponFacts], after: CouponMark | None) -> CouponConnection:
        edges = [
            CouponEdge(cursor=cursor_at(CURSOR, row.expires_at, row.id), node=self.coupon(row)) for row in page.items
        ]
        cursors = [edge.cursor for edge in edges]
        return CouponConnection(edges=edges, page_info=page_info(cursors, more=page.more, after=after))


async def presenter(context: Context) -> Presenter:
    """After the rows were read, so that the catalog is at least as new as they are."""
    catalog = await context.catalog()
    make = context.deps.present_coupon
    return Presenter(catalog, showcase(catalog, context.language), context.language, context.now, make)
