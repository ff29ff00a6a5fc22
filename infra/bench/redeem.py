"""Redeeming points: many callers at once beside one call each, and pages of a long list of entries.

Both contenders run the same use case over the same tables, every customer another one. "One call each" reads and
commits for every call by itself, over `CONNECTIONS` connections; the hall's reads and commits of callers at the same
time travel together. Every cell is checked when it has ended: law 4 and all others hold.

Pages: of a customer with 10,000 entries among 1,000,000 of neighbours in the same lane, the first page, one in the
middle and the last: each costs the same.
"""

import asyncio
import gc
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import perf_counter
from uuid import UUID

import asyncpg

from domain.identity.viewer import FreezeFacts
from domain.kernel.ids import lane_of
from domain.points.redeem import PointsRedeemed, RedeemPoints, redeem_points
from infra.bench.claim import Wrong
from infra.bench.frame import (
    Cell,
    Gate,
    Median,
    Meter,
    Result,
    Sample,
    Servers,
    for_seconds,
    interleave,
    new_database,
)
from infra.campaigns.points_catalog import publish_items, shipped_items
from infra.db.commit import GroupCommit
from infra.db.pool import open_pool
from infra.db.reconcile import reconcile
from infra.db.stores.points import PointsStore

CALLERS = 512
CONNECTIONS = 16
PEOPLE = 60_000
POINTS = 100_000
ITEM = "charity-100"
AT = datetime(2026, 10, 2, 2, 0, tzinfo=UTC)
OWN, NEIGHBOURS = 10_000, 1_000_000
PAGE = 20

_ACCOUNTS = """
insert into account (lane, key, balance, opened, overdraw)
    select lane, 'points|' || customer, $3, 0, true from unnest($1::int[], $2::text[]) u (lane, customer);
"""
_PURSES = """
insert into points_account (lane, customer, version, balance, entries, lots, due_at)
    select lane, customer, 1, $3::bigint, 1, '[["2028-10",' || $3::bigint || ']]', $4 from unnest($1::int[], $2::text[])
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
_MANY = """
insert into points_entry (lane, customer, n, kind, points, balance_after, at, occurred_at, subject, details)
    select $1, $2 || (g / $4)::text, g % $4 + 1, 'EARN', 10, 10 * (g % $4 + 1), $5, $5, 't' || g, '{}'
    from generate_series(0, $3 - 1) g
"""


@dataclass(slots=True)
class Driven:
    """What callers were answered, and how long each waited."""

    answers: Counter[str]
    waits: list[float]

    def wait_ms(self, share: float) -> float:
        ordered = sorted(self.waits)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1e3


class _Frozen:
    async def freeze_of(self, customer: str) -> FreezeFacts | None:
        return None


class _Clock:
    def now(self) -> datetime:
        return AT


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
        await connection.execute(_PURSES, lanes, names, POINTS, AT + timedelta(days=700))
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


async def check(dsn: str, redeemed: int) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        pieces = await connection.fetchval("select count(*) from points_redemption")
        if pieces != redeemed:
            raise Wrong(f"{redeemed} redemptions were answered and {pieces} are there")
        if broken := [law for law in await reconcile(connection) if not law.ok]:
            raise Wrong(f"{broken[0].name}: {broken[0].detail}")
    finally:
        await connection.close()


async def drive(ledger: GroupCommit, store: PointsStore, callers: int, seconds: float, people: int) -> Driven:
    answers: Counter[str] = Counter()
    waits: list[float] = []
    chance, go_on, frozen, clock = random.Random(), for_seconds(seconds), _Frozen(), _Clock()

    async def caller() -> None:
        while go_on():
            customer = f"C{chance.randrange(people)}"
            command = RedeemPoints(UUID(bytes=chance.randbytes(16), version=4), customer, ITEM)
            began = perf_counter()
            outcome = await redeem_points(command, read=store, freezes=frozen, ledger=ledger, clock=clock)
            waits.append(perf_counter() - began)
            answers[type(outcome).__name__] += 1

    await asyncio.gather(*(caller() for _ in range(callers)))
    return Driven(answers, waits)


def redeeming(servers: Servers, dsn: str, seconds: float, people: int, *, together: bool) -> Cell:
    async def cell() -> Sample:
        await fill(dsn, people)
        pool = await open_pool(dsn, min_size=2, max_size=CONNECTIONS)
        store = PointsStore(pool) if together else PointsStore(pool, at_once=CONNECTIONS, most=1)
        try:
            async with (
                GroupCommit(dsn) if together else GroupCommit(dsn, in_flight=CONNECTIONS, batch_limit=1)
            ) as ledger:
                gc.collect()
                meter = Meter(servers.pg_pid)
                meter.start()
                driven = await drive(ledger, store, CALLERS, seconds, people)
                count = driven.answers[PointsRedeemed.__name__]
                sample = meter.stop(count, p50_ms=driven.wait_ms(0.5), p99_ms=driven.wait_ms(0.99))
        finally:
            await pool.close()
        await check(dsn, count)
        return sample

    return cell


def paging(servers: Servers, store: PointsStore, customer: str, before: int | None, seconds: float) -> Cell:
    async def cell() -> Sample:
        gc.collect()
        done, go_on, meter = 0, for_seconds(seconds / 3), Meter(servers.pg_pid)
        meter.start()
        while go_on():
            page = await store.entries(customer, first=PAGE, before=before)
            if len(page.items) != PAGE:
                raise Wrong(f"a page of {len(page.items)}")
            done += 1
        return meter.stop(done)

    return cell


TOGETHER, EACH = "together", f"one call each, {CONNECTIONS} connections"
FIRST, MIDDLE, LAST = "the first page", "the 250th page", "the last page"


async def run(
    servers: Servers, *, rounds: int, seconds: float, quick: bool, say: Callable[[str], None]
) -> list[Result]:
    dsn = await new_database(servers, "bench_redeem")
    people = PEOPLE // 20 if quick else PEOPLE
    pool = await open_pool(dsn, min_size=1, max_size=2)
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)  # as a serving process does
    try:
        redeemed = await interleave(
            {
                EACH: redeeming(servers, dsn, seconds, people, together=False),
                TOGETHER: redeeming(servers, dsn, seconds, people, together=True),
            },
            rounds,
            say=say,
        )
        own, neighbours = (OWN // 10, NEIGHBOURS // 50) if quick else (OWN, NEIGHBOURS)
        say(f"{neighbours:,} entries of neighbours")
        await pool.execute("truncate points_entry")
        await pool.execute(_MANY, lane_of("Q0"), "P", neighbours, 100, AT)  # in his lane, where they are nearest
        await pool.execute(_MANY, lane_of("Q0"), "Q", own, own, AT)
        await pool.execute("vacuum analyze points_entry")
        store = PointsStore(pool)
        pages = await interleave(
            {
                FIRST: paging(servers, store, "Q0", None, seconds),
                MIDDLE: paging(servers, store, "Q0", own // 2, seconds),
                LAST: paging(servers, store, "Q0", PAGE + 1, seconds),
            },
            rounds,
            say=say,
        )
    finally:
        gc.set_threshold(*before)
        await pool.close()
    return [
        Result("redeem", f"Redeem points, {CALLERS} callers, durable", "redemptions", EACH, redeemed,
               [Gate("rate, together / one call each", redeemed[TOGETHER].rate / redeemed[EACH].rate, 10)]),
        Result("entries", f"Pages of {PAGE} of {own:,} entries among {neighbours:,}", "pages", FIRST, pages,
               [Gate(f"rate, {name} / the first", flatness(pages, name), 0.7) for name in (MIDDLE, LAST)]),
    ]  # fmt: skip


def flatness(pages: Mapping[str, Median], name: str) -> float:
    return pages[name].rate / pages[FIRST].rate
