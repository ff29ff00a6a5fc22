"""Redeeming points: many callers at once beside one call each, every customer another one (`infra.bench.calls`)."""

from collections.abc import Callable
from random import Random
from uuid import UUID

import asyncpg

from domain.kernel.ids import lane_of
from domain.points.book import Lot, due_at
from domain.points.redeem import PointsRedeemed, RedeemPoints, redeem_points
from infra.bench.calls import AT, EACH, Calls, Clock, compared, ten_times
from infra.bench.claim import CALLERS
from infra.bench.frame import Result, Servers, new_database
from infra.campaigns.points_catalog import publish_items, shipped_items
from infra.db.commit import GroupCommit
from infra.db.pool import open_pool
from infra.db.stores.points import PointsStore

PEOPLE = 60_000
POINTS = 100_000
ITEM = "charity-100"
LOT = "2028-10"

_ACCOUNTS = """
insert into account (lane, key, balance, opened, overdraw)
    select lane, 'points|' || customer, $3, 0, true from unnest($1::int[], $2::text[]) u (lane, customer);
"""
_PURSES = f"""
insert into points_account (lane, customer, version, balance, entries, lots, due_at)
    select lane, customer, 1, $3::bigint, 1, '[["{LOT}",' || $3::bigint || ']]', $4 from unnest($1::int[], $2::text[])
        u (lane, customer)
"""
_ENTRIES = """
insert into points_entry (lane, customer, n, kind, points, balance_after, at, occurred_at, subject, details)
    select lane, customer, 1, 'EARN', $3, $3, $4, $4, 't-' || customer, '{}' from unnest($1::int[], $2::text[])
        u (lane, customer)
"""
_JOURNAL = """
insert into journal (day, at, lane, unit, n, op, reason, src_lane, src, dst_lane, dst, units, dst_after)
    select current_date, $4, lane, gen_random_uuid(), 0, 1, 'EARN', 0, '~points-earned', lane, 'points|' || customer,
        $3, $3 from unnest($1::int[], $2::text[]) u (lane, customer)
"""


async def fill(dsn: str, people: int) -> None:
    """The catalogue, and so many customers with `POINTS` points each, earned as the books say."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "truncate account, shared_account, journal, request, points_account, points_entry, points_redemption,"
            " delivery, outbox, commit_mark"
        )
        names = [f"C{number}" for number in range(people)]
        lanes = [lane_of(name) for name in names]
        await connection.execute(_ACCOUNTS, lanes, names, POINTS)
        await connection.execute(_PURSES, lanes, names, POINTS, due_at([Lot(LOT, POINTS)], ""))
        await connection.execute(_ENTRIES, lanes, names, POINTS, AT)
        await connection.execute(_JOURNAL, lanes, names, POINTS, AT)
        await connection.execute("vacuum analyze account, points_account, points_entry, delivery, outbox, request")
    finally:
        await connection.close()
    pool = await open_pool(dsn, min_size=1, max_size=1)
    try:
        async with GroupCommit(dsn, in_flight=1) as ledger:
            await publish_items(pool, ledger, shipped_items(), now=AT)
    finally:
        await pool.close()


async def run(
    servers: Servers, *, rounds: int, seconds: float, quick: bool, say: Callable[[str], None]
) -> list[Result]:
    dsn = await new_database(servers, "bench_redeem")
    people = PEOPLE // 20 if quick else PEOPLE
    clock = Clock()

    async def call(ledger: GroupCommit, store: PointsStore, chance: Random) -> object:
        command = RedeemPoints(UUID(bytes=chance.randbytes(16), version=4), f"C{chance.randrange(people)}", ITEM)
        return await redeem_points(command, read=store, ledger=ledger, clock=clock)

    calls = Calls(lambda dsn: fill(dsn, people), PointsStore, call, PointsRedeemed, "points_redemption")
    medians = await compared(calls, servers, dsn, rounds=rounds, seconds=seconds, say=say)
    title = f"Redeem points, {CALLERS} callers, durable"
    return [Result("redeem", title, "redemptions", EACH, medians, ten_times(medians))]
