"""Pages of long lists: the first, one in the middle and the last of `OWN` entries of one customer, among `NEIGHBOURS`
entries of customers of the same lane. Each page must cost the same: cursors are keys, never offsets.
"""

import gc
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from domain.kernel.ids import lane_of
from domain.kernel.pages import Page
from infra.bench.calls import AT
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
from infra.db.pool import open_pool
from infra.db.stores.fulfilment import DeliveryStore
from infra.db.stores.lottery import DrawStore
from infra.db.stores.lounge import BookingStore
from infra.db.stores.points import PointsStore

OWN, NEIGHBOURS = 10_000, 1_000_000
EACH_NEIGHBOUR = 100
PAGE = 20
CUSTOMER = "Q0"
DRAW = ("smart-life", "wake-up")

Read = Callable[[Any], Awaitable[Page[Any]]]
"""A page behind this cursor; None: the first."""


@dataclass(frozen=True, slots=True)
class List:
    """key: the column that cursors are, newest first.

    insert: entries; $1 lane, $2 how its customers begin, $3 how many entries, $4 how many each, $5 the moment.
    """

    name: str
    table: str
    key: str
    insert: str
    reads: Callable[[asyncpg.Pool], Read]


def _entries(pool: asyncpg.Pool) -> Read:
    store = PointsStore(pool)
    return lambda before: store.entries(CUSTOMER, first=PAGE, before=before)


def _bookings(pool: asyncpg.Pool) -> Read:
    store = BookingStore(pool)
    return lambda after: store.bookings(CUSTOMER, first=PAGE, after=after)


def _results(pool: asyncpg.Pool) -> Read:
    store = DrawStore(pool, lambda stamp: None)
    return lambda after: store.results(CUSTOMER, DRAW, first=PAGE, after=after)


def _deliveries(pool: asyncpg.Pool) -> Read:
    store = DeliveryStore(pool)
    return lambda after: store.deliveries(CUSTOMER, first=PAGE, after=after)


LISTS = (
    List(
        "entries", "points_entry", "n",
        """
        insert into points_entry (lane, customer, n, kind, points, balance_after, at, occurred_at, subject, details)
        select $1, $2 || (g / $4)::text, g % $4 + 1, 'EARN', 10, 10 * (g % $4 + 1), $5, $5, 't' || g, '{}'
        from generate_series(0, $3 - 1) g
        """,
        _entries,
    ),
    List(
        "bookings", "booking", "id",
        """
        insert into booking (lane, id, customer, entitlement, campaign, offer, lounge, starts_at, ends_at, status,
            cancel_by, settle_at, no_show_costs, charged, hold, at, changed_at)
        select $1, uuidv7(), $2 || (g / $4)::text, gen_random_uuid(), 'platinum', 'lounge-visits', 'PEK-01', $5, $5,
            'CANCELLED', $5, $5, true, false, gen_random_uuid(), $5, $5
        from generate_series(0, $3 - 1) g
        """,
        _bookings,
    ),
    List(
        "draw results", "draw_result", "id",
        """
        insert into draw_result (lane, id, customer, chance, campaign, version, offer, draw, prize, sequence, day,
            nonce, commitment, previous, hash, at)
        select $1, uuidv7(), $2 || (g / $4)::text, gen_random_uuid(), 'smart-life', 1, 'wake-up-draw', 'wake-up',
            'repayment-5', g + 1, $5::timestamptz::date, 'sixteen characters', repeat('0', 64), repeat('0', 64),
            repeat('0', 64), $5
        from generate_series(0, $3 - 1) g
        """,
        _results,
    ),
    List(
        "deliveries", "delivery", "id",
        """
        insert into delivery (lane, id, customer, campaign, offer, kind, title_zh, title_en, status, at, changed_at)
        select $1, uuidv7(), $2 || (g / $4)::text, 'points', 'jd-card-50', 'JD_ECARD', '京东E卡', 'JD E-card',
            'DELIVERED', $5, $5
        from generate_series(0, $3 - 1) g
        """,
        _deliveries,
    ),
)  # fmt: skip

FIRST, MIDDLE, LAST = "the first page", "the middle page", "the last page"


async def run(
    servers: Servers, *, rounds: int, seconds: float, quick: bool, say: Callable[[str], None]
) -> list[Result]:
    dsn = await new_database(servers, "bench_lists")
    own, neighbours = (OWN // 10, NEIGHBOURS // 50) if quick else (OWN, NEIGHBOURS)
    pool = await open_pool(dsn, min_size=1, max_size=1)
    results = []
    try:
        for each in LISTS:
            say(f"{each.name}: {neighbours:,} of neighbours")
            keys = await _fill(dsn, each, own, neighbours, AT)
            read = each.reads(pool)
            cells = {
                FIRST: _paging(servers, read, None, seconds),
                MIDDLE: _paging(servers, read, keys[own // 2], seconds),
                LAST: _paging(servers, read, keys[-PAGE - 1], seconds),
            }
            pages = await interleave(cells, rounds, say=say)
            title = f"Pages of {PAGE} of {own:,} {each.name} among {neighbours:,}"
            results.append(Result(each.name, title, "pages", FIRST, pages, flat(pages)))
    finally:
        await pool.close()
    return results


def flat(pages: Mapping[str, Median]) -> list[Gate]:
    first = pages[FIRST]
    return [
        Gate(
            f"rate, {name} / the first", pages[name].rate / first.rate, 0.7, by_cpu=first.cpu_us / pages[name].cpu_us
        )
        for name in (MIDDLE, LAST)
    ]  # fmt: skip


async def _fill(dsn: str, each: List, own: int, neighbours: int, at: datetime) -> list[Any]:
    """The customer's keys, newest first. His neighbours are in his lane, where they are nearest."""
    connection = await asyncpg.connect(dsn)
    lane = lane_of(CUSTOMER)
    try:
        await connection.execute(each.insert, lane, "P", neighbours, EACH_NEIGHBOUR, at)
        await connection.execute(each.insert, lane, CUSTOMER[:1], own, own, at)
        await connection.execute(f"vacuum analyze {each.table}")
        rows = await connection.fetch(
            f"select {each.key} from {each.table} where lane = $1 and customer = $2 order by 1 desc", lane, CUSTOMER
        )
    finally:
        await connection.close()
    return [row[0] for row in rows]


def _paging(servers: Servers, read: Read, cursor: Any, seconds: float) -> Cell:
    async def cell() -> Sample:
        gc.collect()
        done, go_on, meter = 0, for_seconds(seconds / 3), Meter(servers.pg_pid)
        meter.start()
        while go_on():
            page = await read(cursor)
            if len(page.items) != PAGE:
                raise Wrong(f"a page of {len(page.items)}")
            done += 1
        return meter.stop(done)

    return cell
