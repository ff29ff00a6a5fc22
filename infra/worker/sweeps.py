"""What time alone brings about: holds, coupons, draw chances and entitlements that have come to their end.

None of it is needed for an answer to be right: an expired hold counts against nobody, an expired coupon is shown and
judged as expired. The sweep writes down what is so already.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import asyncpg

from domain.kernel.ids import LANES, new_id
from domain.ledger import keys
from domain.ledger.moves import post
from domain.ledger.unit import Change, Ledger, Unit
from infra.db.statements import named

COUPONS_DUE = named(
    "coupon.due",
    """
    select c.lane, c.id, c.offer from coupon c
    where c.lane = any($1::int[]) and c.status = 'AVAILABLE' and c.expires_at <= $2
    order by c.expires_at limit $3
    """,
)

CHANCES_DUE = named(
    "draw_chance.due",
    """
    select c.lane, c.id, c.offer from draw_chance c
    where c.lane = any($1::int[]) and c.status = 'OPEN' and c.expires_at <= $2
    order by c.expires_at limit $3
    """,
)

# One with visits that bookings still keep ends when those are settled.
ENTITLEMENTS_DUE = named(
    "entitlement.due",
    """
    select e.lane, e.id, a.balance left from entitlement e, lateral (
        select x.balance from account x
        where x.lane = e.lane and x.key = 'visits|' || e.id and x.held = 0 offset 0
    ) a
    where e.lane = any($1::int[]) and e.status = 'OPEN' and e.expires_at <= $2
    order by e.expires_at limit $3
    """,
)

BATCH = 500


class ReleasesHolds(Protocol):
    async def release_expired_holds(self, now: datetime, limit: int = 512) -> int: ...


async def release_all(holds: ReleasesHolds, now: datetime) -> int:
    """Give back what all holds kept that have expired by `now`; returns how many."""
    released = 0
    while done := await holds.release_expired_holds(now, BATCH):
        released += done
    return released


async def sweep(pool: asyncpg.Pool, ledger: Ledger, holds: ReleasesHolds, now: datetime) -> int:
    """Write down everything that has ended by `now`; returns how many rows changed. Safe to run anywhere, at once."""
    swept = await release_all(holds, now)
    swept += await _expire(pool, ledger, now, COUPONS_DUE, "coupon", "AVAILABLE")
    swept += await _expire(pool, ledger, now, CHANCES_DUE, "draw_chance", "OPEN")
    return swept + await _lapse(pool, ledger, now)


async def _expire(pool: asyncpg.Pool, ledger: Ledger, now: datetime, due: str, kind: str, state: str) -> int:
    account = keys.coupon if kind == "coupon" else keys.chance

    def unit(row: asyncpg.Record) -> Unit:
        return Unit(
            id=new_id(row["lane"], now),
            lane=row["lane"],
            at=now,
            moves=[post(1, account(row["id"]), keys.expired(row["offer"]), "EXPIRE")],
            changes=[Change(kind, row["id"], state, "EXPIRED")],
        )

    return await _each(pool, ledger, now, due, unit)


async def _lapse(pool: asyncpg.Pool, ledger: Ledger, now: datetime) -> int:
    """Visits that were not used stay beside the entitlement, so that one told of late still finds them."""

    def unit(row: asyncpg.Record) -> Unit:
        return Unit(
            id=new_id(row["lane"], now),
            lane=row["lane"],
            at=now,
            moves=[post(row["left"], keys.visits(row["id"]), keys.lapsed(row["id"]), "EXPIRE")] if row["left"] else (),
            changes=[Change("entitlement", row["id"], "OPEN", "EXPIRED")],
        )

    return await _each(pool, ledger, now, ENTITLEMENTS_DUE, unit)


async def _each(
    pool: asyncpg.Pool, ledger: Ledger, now: datetime, due: str, unit: Callable[[asyncpg.Record], Unit]
) -> int:
    """Commit a unit for each row that is due; returns how many rows that were."""
    swept = 0
    while True:
        rows = await pool.fetch(due, list(LANES), now, BATCH)
        # One that moved meanwhile (used at the last moment, swept by another) is simply no longer ours to expire.
        await asyncio.gather(*(ledger.commit(unit(row)) for row in rows))
        swept += len(rows)
        if len(rows) < BATCH:
            return swept
