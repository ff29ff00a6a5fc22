"""The promises to a customer, as the customer reads them. Nothing here writes."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from domain.kernel.ids import lane_of
from domain.kernel.pages import Page
from domain.kernel.words import Words
from domain.wallet.facts import DeliveryFacts, DeliveryStatus
from infra.db.statements import named

DELIVERIES = named(
    "fulfilment.deliveries",
    """
    select d.id, d.offer_grant, d.campaign, d.offer, d.kind, d.title_zh, d.title_en, d.status, d.details,
           d.tracking_number, d.at
    from delivery d
    where d.lane = $1 and d.customer = $2 and d.id < $3
    order by d.id desc limit $4
    """,
)

DELIVERIES_BY_ID = named(
    "fulfilment.deliveries_by_id",
    """
    select d.id, d.offer_grant, d.campaign, d.offer, d.kind, d.title_zh, d.title_en, d.status, d.details,
           d.tracking_number, d.at
    from delivery d
    where d.lane = $1 and d.customer = $2 and d.id = any($3::uuid[])
    """,
)

_AFTER_ALL = UUID(int=2**128 - 1)


class DeliveryStore:
    """Implements ReadDeliveries."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def deliveries(self, customer: str, *, first: int, after: UUID | None) -> Page[DeliveryFacts]:
        rows = await self._pool.fetch(DELIVERIES, lane_of(customer), customer, after or _AFTER_ALL, first + 1)
        return Page(tuple([delivery_of(customer, row) for row in rows[:first]]), len(rows) > first)

    async def deliveries_by_id(self, customer: str, ids: Sequence[UUID]) -> list[DeliveryFacts]:
        rows = await self._pool.fetch(DELIVERIES_BY_ID, lane_of(customer), customer, list(ids))
        return [delivery_of(customer, row) for row in rows]


def delivery_of(customer: str, row: Any) -> DeliveryFacts:
    return DeliveryFacts(
        id=row["id"],
        customer=customer,
        grant=row["offer_grant"],
        campaign=row["campaign"],
        offer=row["offer"],
        kind=row["kind"],
        title=Words(row["title_zh"], row["title_en"]),
        status=DeliveryStatus(row["status"]),
        details=orjson.loads(row["details"]),
        tracking_number=row["tracking_number"],
        at=row["at"],
    )
