"""Merchants' standing: reviews, undertakings, inspections."""

from typing import Any

import asyncpg

from domain.merchants.standing import Inspection, Reviews, Standing, Verdict
from infra.catalog import CHANNEL
from infra.db.statements import named

READ = named(
    "standing.read",
    """
    select m.merchant, m.name, m.status, s.licence_reviewed_on, s.credit_reviewed_on, s.undertaking_signed_on,
        coalesce(s.note, '') note
    from merchant m left join merchant_standing s on s.merchant = m.merchant where m.merchant = $1
    """,
)

INSPECTIONS = named(
    "standing.inspections",
    """
    select i.id, i.day, i.verdict, i.note, i.inspector, i.at from merchant_inspection i
    where i.merchant = $1 order by i.day desc, i.at desc, i.id limit 100
    """,
)

REVIEW = named(
    "standing.review",
    """
    insert into merchant_standing (merchant, licence_reviewed_on, credit_reviewed_on, undertaking_signed_on, note,
        changed_by, changed_at)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (merchant) do update set licence_reviewed_on = excluded.licence_reviewed_on,
        credit_reviewed_on = excluded.credit_reviewed_on, undertaking_signed_on = excluded.undertaking_signed_on,
        note = excluded.note, changed_by = excluded.changed_by, changed_at = excluded.changed_at
    """,
)

INSPECT = named(
    "standing.inspect",
    """
    insert into merchant_inspection (merchant, id, day, verdict, note, inspector, at)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict do nothing returning 1
    """,
)

# As of the moment it was found out; whatever the bank tells of later than that counts again.
TERMINATE = named(
    "standing.terminate",
    """
    update merchant m set status = 'TERMINATED', as_of = greatest(m.as_of, $2) where m.merchant = $1
    returning (select 1)
    """,
)

STAMP = named("standing.stamp", "update catalog_stamp set version = version + 1")


class StandingStore:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def standing(self, merchant: str) -> Standing | None:
        """None for a merchant that nobody has told of."""
        row = await self._pool.fetchrow(READ, merchant)
        if row is None:
            return None
        inspections = await self._pool.fetch(INSPECTIONS, merchant)
        return Standing(
            row["merchant"],
            row["name"],
            row["status"],
            Reviews(*list(row)[3:7]),
            tuple(Inspection(i["id"], i["day"], Verdict(i["verdict"]), *list(i)[3:]) for i in inspections),
        )

    async def review(self, merchant: str, reviews: Reviews, by: str, at: Any) -> None:
        await self._pool.execute(
            REVIEW, merchant, reviews.licence_reviewed_on, reviews.credit_reviewed_on, reviews.undertaking_signed_on,
            reviews.note, by, at,
        )  # fmt: skip

    async def inspect(self, merchant: str, inspection: Inspection) -> None:
        """Write it down, once an id. A false offer ends the merchant's part in the same commit; every till hears."""
        async with self._pool.acquire() as connection, connection.transaction():
            new = await connection.fetchval(
                INSPECT, merchant, inspection.id, inspection.day, inspection.verdict.value, inspection.note,
                inspection.inspector, inspection.at,
            )  # fmt: skip
            if new and inspection.verdict is Verdict.FALSE_OFFER:
                await connection.execute(TERMINATE, merchant, inspection.at)
                await connection.execute(STAMP)
                await connection.execute("select pg_notify($1, '')", CHANNEL)
