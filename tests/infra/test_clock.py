"""The business clock in one process and in several, over a real database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from infra.clock import BusinessClock, WallClock
from infra.db.pool import open_pool
from tests.builders.doors import NOW, SetClock

THEN = NOW + timedelta(days=100)


@pytest.fixture
async def pool(pg_dsn: str) -> AsyncIterator[Any]:
    opened = await open_pool(pg_dsn, max_size=6)
    yield opened
    await opened.close()


async def test_unset_it_is_the_wall_clock(pool: Any) -> None:
    wall = SetClock()
    clock = BusinessClock(pool, wall=wall)

    await clock.reread()

    assert clock.now() == wall.now()
    assert WallClock().now().tzinfo is not None


async def test_set_it_runs_on_from_there(pool: Any) -> None:
    wall = SetClock()
    clock = BusinessClock(pool, wall=wall)

    await clock.set(THEN)
    wall.pass_(hours=2)

    assert clock.now() == THEN + timedelta(hours=2)


async def test_frozen_it_stands(pool: Any) -> None:
    wall = SetClock()
    clock = BusinessClock(pool, wall=wall)

    await clock.set(THEN, frozen=True)
    wall.pass_(hours=2)

    assert clock.now() == THEN
    assert clock.frozen


async def test_reset_it_is_the_wall_clock_again(pool: Any) -> None:
    wall = SetClock()
    clock = BusinessClock(pool, wall=wall)
    await clock.set(THEN, frozen=True)

    await clock.reset()

    assert clock.now() == wall.now()


async def test_another_process_reads_it_where_it_stands(pool: Any) -> None:
    wall = SetClock()
    await BusinessClock(pool, wall=wall).set(THEN)
    wall.pass_(minutes=10)
    other = BusinessClock(pool, wall=wall)

    await other.reread()

    assert other.now() == THEN + timedelta(minutes=10)


async def test_a_follower_hears_of_it(pool: Any) -> None:
    changed = asyncio.Event()
    here = BusinessClock(pool)
    there = BusinessClock(pool, on_change=changed.set)
    following = asyncio.create_task(there.follow())

    for moment in (THEN, THEN + timedelta(days=1)):
        changed.clear()
        await here.set(moment, frozen=True)
        await changed.wait()
        assert there.now() == moment
    changed.clear()
    await here.reset()
    await changed.wait()

    assert not there.frozen
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_a_follower_goes_on_after_its_connection_was_cut(pool: Any, pg_dsn: str) -> None:
    changed = asyncio.Event()
    here = BusinessClock(pool)
    await here.set(THEN, frozen=True)
    there_pool = await open_pool(pg_dsn, application="there", max_size=2)
    there = BusinessClock(there_pool, on_change=changed.set)
    following = asyncio.create_task(there.follow())
    await changed.wait()

    changed.clear()
    await pool.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'there'")
    await here.set(THEN + timedelta(days=1), frozen=True)
    await changed.wait()

    assert there.now() == THEN + timedelta(days=1)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await there_pool.close()


async def test_a_reading_begun_before_a_setting_never_undoes_it(pool: Any) -> None:
    """The guard is `_turn`: without it the held-up reading puts the older setting back."""
    await BusinessClock(pool).set(THEN, frozen=True)
    held_up = _HeldUp(pool)
    clock = BusinessClock(held_up)  # type: ignore[arg-type]

    reading = asyncio.create_task(clock.reread())
    await held_up.read.wait()
    setting = asyncio.create_task(clock.set(THEN + timedelta(days=1), frozen=True))
    await asyncio.wait({setting}, timeout=0.2)  # with the guard it waits for the reading, so this runs out
    held_up.go_on.set()
    await asyncio.gather(reading, setting)

    assert clock.now() == THEN + timedelta(days=1)


class _HeldUp:
    """A pool whose readings arrive late."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self.read = asyncio.Event()
        self.go_on = asyncio.Event()

    async def fetchrow(self, sql: str) -> Any:
        row = await self._pool.fetchrow(sql)
        self.read.set()
        await self.go_on.wait()
        return row

    async def execute(self, sql: str, *arguments: object) -> Any:
        return await self._pool.execute(sql, *arguments)


async def test_many_who_set_it_at_once_agree_in_the_end(pool: Any) -> None:
    clocks = [BusinessClock(pool) for _ in range(6)]

    await asyncio.gather(*(clock.set(THEN + timedelta(days=n), frozen=True) for n, clock in enumerate(clocks)))
    await asyncio.gather(*(clock.reread() for clock in clocks))

    assert len({clock.now() for clock in clocks}) == 1


async def test_in_production_it_follows_nothing() -> None:
    wall = SetClock()
    clock = BusinessClock(wall=wall)

    await clock.reread()
    await clock.follow()

    assert clock.now() == wall.now()
    with pytest.raises(RuntimeError):
        await clock.set(THEN)
