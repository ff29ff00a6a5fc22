"""Who is frozen. Nothing here writes.

Asked with every act of a customer's: those who ask at the same time travel in one statement.
"""

from collections.abc import Sequence

import asyncpg

from domain.kernel.ids import lane_of
from domain.kernel.words import Words
from domain.risk.freezes import FreezeFacts, Standing
from infra.db.literals import numbers, texts
from infra.db.statements import named
from infra.db.together import Together

FROZEN = named(
    "freeze.of",
    """
    select q.n, f.since, f.reason_zh, f.reason_en, f.appealable
    from unnest($1::text::int[], $2::text::text[]) with ordinality q (lane, customer, n),
        lateral (select * from customer_freeze x
                 where x.lane = q.lane and x.customer = q.customer and x.status = 'FROZEN' offset 0) f
    """,
)

STANDING = named(
    "freeze.standing",
    """
    select f.since, f.reason_zh, f.reason_en, f.appealable, f.status,
        exists (select from customer c where c.lane = $1 and c.customer = $2)
            or exists (select from story s where s.lane = $1 and s.customer = $2) known
    from (values (1)) once left join customer_freeze f on f.lane = $1 and f.customer = $2
    """,
)


class FreezeStore:
    """Implements ReadFreezes and ReadStandings."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._ask = Together(self._frozen)

    async def freeze_of(self, customer: str) -> FreezeFacts | None:
        return await self._ask(customer)

    async def standing_of(self, customer: str) -> Standing:
        row = await self._pool.fetchrow(STANDING, lane_of(customer), customer)
        return Standing(row["known"], None if row["status"] is None else freeze_in(row), row["status"] == "LIFTED")

    async def _frozen(self, customers: Sequence[str]) -> list[FreezeFacts | None]:
        found: list[FreezeFacts | None] = [None] * len(customers)
        for row in await self._pool.fetch(FROZEN, numbers([lane_of(each) for each in customers]), texts(customers)):
            found[row["n"] - 1] = freeze_in(row)
        return found


def freeze_in(row: asyncpg.Record) -> FreezeFacts:
    """The freeze whose columns stand in `row`."""
    return FreezeFacts(row["since"], Words(row["reason_zh"], row["reason_en"]), row["appealable"])
