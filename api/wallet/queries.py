"""The viewer's wallet."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from api.context import HallInfo
from api.node import uuid_of
from api.pages import DEFAULT_FIRST, page_size, read_cursor_at
from api.wallet.types import CURSOR, Coupon, CouponConnection, WalletSummary, presenter
from domain.wallet.facts import CouponStatus
from domain.wallet.ports import CouponMark


@strawberry.type(description="The viewer's coupons.")
class Wallet:
    customer: strawberry.Private[str]

    @strawberry.field(description="How many coupons there are to think of.")
    async def summary(self, info: HallInfo) -> WalletSummary:
        counts = await info.context.deps.wallet.counts(self.customer, info.context.now)
        return WalletSummary(available=counts.available, held=counts.held, expiring_soon=counts.expiring_soon)

    @strawberry.field(description="Coupons by soonest end, then by id.")
    async def coupons(
        self,
        info: HallInfo,
        status: Annotated[
            list[CouponStatus] | None, strawberry.argument(description="Only these; all when not given.")
        ] = UNSET,
        first: Annotated[int | None, strawberry.argument(description="How many, at most 100.")] = DEFAULT_FIRST,
        after: Annotated[str | None, strawberry.argument(description="The cursor to go on behind.")] = UNSET,
    ) -> CouponConnection:
        place = read_cursor_at(CURSOR, after)
        mark = CouponMark(*place) if place is not None else None
        statuses = status if isinstance(status, list) else None
        page = await info.context.deps.wallet.coupons(
            self.customer, info.context.now, statuses=statuses, first=page_size(first), after=mark
        )
        return (await presenter(info.context)).page(page, mark)


async def coupon_node(info: HallInfo, id: str) -> Coupon | None:
    """The viewer's own coupon of this node id; another's is null like one that never was."""
    key = uuid_of(id, "Coupon")
    if key is None or info.context.customer is None:
        return None
    row = await info.context.loaders.coupons.load(key)
    return None if row is None else (await presenter(info.context)).coupon(row)


@strawberry.type
class WalletOfViewer:
    """What this room adds to the viewer."""

    customer: strawberry.Private[str]

    @strawberry.field(description="The coupon wallet.")
    def wallet(self) -> Wallet:
        return Wallet(customer=self.customer)
