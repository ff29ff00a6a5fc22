"""The catalog in a process: replaced whole, followed by every way there is, loaded once however many wait."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from domain.offers.catalog import Catalog
from domain.stories.plans import Plans
from infra.catalog import CHANNEL, CatalogHolder
from infra.db.pool import open_pool

Load = Callable[[Any], Awaitable[Catalog]]


async def load_stamp(conn: Any) -> Catalog:
    return Catalog(Plans([], stamp=await conn.fetchval("select version from catalog_stamp")))


@asynccontextmanager
async def holding(dsn: str, load: Load = load_stamp) -> AsyncIterator[tuple[CatalogHolder, Any]]:
    pool = await open_pool(dsn, min_size=1, max_size=4)
    holder = CatalogHolder(pool, lambda: asyncpg.connect(dsn, server_settings={"application_name": "follower"}), load)
    await holder.start()
    try:
        yield holder, pool
    finally:
        await holder.stop()
        await pool.close()


async def move(pool: Any, *, tell: bool) -> int:
    async with pool.acquire() as conn, conn.transaction():
        stamp: int = await conn.fetchval("update catalog_stamp set version = version + 1 returning version")
        if tell:
            await conn.execute("select pg_notify($1, $2)", CHANNEL, str(stamp))
    return stamp


async def until(holder: CatalogHolder, stamp: int) -> None:
    while holder.held.stamp < stamp:  # noqa: ASYNC110 (it is not told to anybody, on purpose)
        await asyncio.sleep(0.01)


async def test_a_process_that_is_told_follows(pg_dsn: str) -> None:
    async with holding(pg_dsn) as (holder, pool):
        stamp = await move(pool, tell=True)

        await asyncio.wait_for(until(holder, stamp), 5)

        assert holder.held.stamp == stamp


async def test_a_process_that_nobody_tells_follows_all_the_same(pg_dsn: str) -> None:
    async with holding(pg_dsn) as (holder, pool):
        stamp = await move(pool, tell=False)

        await asyncio.wait_for(until(holder, stamp), 5)

        assert holder.held.stamp == stamp


async def test_a_process_follows_again_after_its_connection_was_lost(pg_dsn: str) -> None:
    async with holding(pg_dsn) as (holder, pool):
        killed = await pool.fetchval(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where application_name = 'follower' and datname = current_database()"
        )
        assert killed == 1
        stamp = await move(pool, tell=False)

        await asyncio.wait_for(until(holder, stamp), 10)

        assert holder.held.stamp == stamp


async def test_who_has_seen_a_newer_version_waits_for_it_and_who_has_not_does_not(pg_dsn: str) -> None:
    async with holding(pg_dsn) as (holder, pool):
        await holder.stop()  # nothing but what is seen can tell
        before = holder.held
        stamp = await move(pool, tell=False)

        unaware = await holder.latest()
        holder.seen(stamp)
        aware = await holder.latest()

        assert unaware is before
        assert aware.stamp == stamp
        assert await holder.latest() is aware


async def test_however_many_wait_it_is_loaded_once(pg_dsn: str) -> None:
    """Seen to fail when `_refresh` starts a load of its own for each caller."""
    loads = 0

    async def counted(conn: Any) -> Catalog:
        nonlocal loads
        loads += 1
        return await load_stamp(conn)

    async with holding(pg_dsn, counted) as (holder, pool):
        await holder.stop()
        stamp = await move(pool, tell=False)
        holder.seen(stamp)
        loads = 0

        found = await asyncio.gather(*(holder.latest() for _ in range(50)))

        assert {catalog.stamp for catalog in found} == {stamp}
        assert loads == 1


async def test_a_caller_that_gives_up_does_not_stop_the_load_for_the_others(pg_dsn: str) -> None:
    """Seen to fail without the shield in `_refresh`."""
    go = asyncio.Event()
    go.set()

    async def slow(conn: Any) -> Catalog:
        await go.wait()
        return await load_stamp(conn)

    async with holding(pg_dsn, slow) as (holder, pool):
        await holder.stop()
        stamp = await move(pool, tell=False)
        holder.seen(stamp)
        go.clear()
        one, other = asyncio.create_task(holder.latest()), asyncio.create_task(holder.latest())
        await asyncio.sleep(0)

        one.cancel()
        go.set()
        found = await asyncio.wait_for(other, 5)

        assert found.stamp == stamp


async def test_a_catalog_never_goes_back(pg_dsn: str) -> None:
    async with holding(pg_dsn) as (holder, pool):
        await holder.stop()
        stamp = await move(pool, tell=False)
        holder.seen(stamp)
        newest = await holder.latest()

        holder.seen(stamp - 1)

        assert await holder.latest() is newest


async def test_an_empty_catalog_that_was_read_is_read(pg_dsn: str) -> None:
    """What `/readyz` asks: a hall to which nothing is published yet can be sent requests."""
    async with holding(pg_dsn) as (holder, _):
        assert (holder.is_read, list(holder.held.plans.versions)) == (True, [])

    never_started = CatalogHolder(None, lambda: asyncpg.connect(pg_dsn), load_stamp)
    assert not never_started.is_read
