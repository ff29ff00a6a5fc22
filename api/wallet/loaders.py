"""Reads of single coupons and choices, gathered within a request. Another customer's are not found."""

from uuid import UUID

from strawberry.dataloader import DataLoader

from domain.wallet.facts import ChoiceFacts, CouponFacts
from domain.wallet.ports import ReadWallet


def coupons_by_id(read: ReadWallet, customer: str) -> DataLoader[UUID, CouponFacts | None]:
    async def load(ids: list[UUID]) -> list[CouponFacts | None]:
        found = {coupon.id: coupon for coupon in await read.coupons_by_id(customer, ids)}
        return [found.get(id) for id in ids]

    return DataLoader(load_fn=load)


def choices_by_id(read: ReadWallet, customer: str) -> DataLoader[UUID, ChoiceFacts | None]:
    async def load(ids: list[UUID]) -> list[ChoiceFacts | None]:
        found = {choice.id: choice for choice in await read.choices_by_id(customer, ids)}
        return [found.get(id) for id in ids]

    return DataLoader(load_fn=load)
