"""The two clocks: the wall's, and the hall's business clock, which a sandbox may set.

Everything that depends on time asks the one injected business clock. Security (tokens, signatures, leases of queues)
stays on the wall clock. In production the two are the same.

What a sandbox set stands in the table `sandbox_clock`; no row: the wall clock. The process that sets it has it at once;
others hear of it by NOTIFY and read the row again, and once a second besides, for a notification may be lost.
A clock that is set back comes to the same moments again: what the hall gave by the clock after that moment is run anew,
for those who have not had it.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from domain.kernel.ids import LANES
from domain.kernel.time import Clock
from infra.db.pool import DatabaseUnreachable
from infra.db.reach import UNREACHABLE, reaching
from infra.db.statements import named

CHANNEL = "hall_clock"
READ_EVERY_S = 1.0

_log = logging.getLogger(__name__)

_READ = "select c.now, c.base, c.frozen from sandbox_clock c"
_SET = f"""
with kept as (
    insert into sandbox_clock (now, base, frozen) values ($1, $2, $3)
    on conflict on constraint sandbox_clock_pkey
        do update set now = excluded.now, base = excluded.base, frozen = excluded.frozen
)
select pg_notify('{CHANNEL}', '')
"""
_UNSET = f"with gone as (delete from sandbox_clock) select pg_notify('{CHANNEL}', '')"
# Each customer is given once however often a run is opened, so it is enough to forget that it was.
_FORGET_RUNS = named(
    "schedule_run.forget_after", "delete from schedule_run r where r.lane = any($1::int[]) and r.due_at > $2"
)


class WallClock:
    """`domain.kernel.time.Clock` of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ClockSetting:
    """At the wall's `base` the business clock showed `now`; it stands still from then on, or runs on."""

    now: datetime
    base: datetime
    frozen: bool

    def at(self, wall: datetime) -> datetime:
        return self.now if self.frozen else self.now + (wall - self.base)


class BusinessClock:
    """`domain.kernel.time.Clock` that a sandbox may set.

    Args:
        pool: where the setting is kept; None (production): the wall clock for ever.
        on_change: told after the clock was set, here or elsewhere, so that whatever waits for a moment looks again.
    """

    def __init__(
        self,
        pool: asyncpg.Pool | None = None,
        *,
        wall: Clock | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._pool = pool
        self._wall = wall or WallClock()
        self._on_change = on_change
        self._setting: ClockSetting | None = None
        # Reading and setting take turns, so that a reading begun before a setting never undoes it.
        self._turn = asyncio.Lock()

    def now(self) -> datetime:
        wall = self._wall.now()
        return wall if self._setting is None else self._setting.at(wall)

    @property
    def frozen(self) -> bool:
        return self._setting is not None and self._setting.frozen

    async def set(self, now: datetime, *, frozen: bool = False) -> None:
        """Show `now` from this moment on, in this process when it returns, in the others soon."""
        async with self._turn:
            setting = ClockSetting(now, self._wall.now(), frozen)
            with reaching():
                await self._kept().execute(_SET, setting.now, setting.base, setting.frozen)
                await self._kept().execute(_FORGET_RUNS, list(LANES), setting.now)
            self._take(setting)

    async def reset(self) -> None:
        """Back to the wall clock."""
        async with self._turn:
            with reaching():
                await self._kept().execute(_UNSET)
                await self._kept().execute(_FORGET_RUNS, list(LANES), self._wall.now())
            self._take(None)

    async def reread(self) -> None:
        """Follow what another process set. Does nothing in production."""
        if self._pool is None:
            return
        async with self._turn:
            with reaching():
                row = await self._pool.fetchrow(_READ)
            self._take(ClockSetting(row["now"], row["base"], row["frozen"]) if row else None)

    async def follow(self) -> None:
        """Keep up with the other processes until cancelled. The business of a task of its own."""
        while self._pool is not None:
            try:
                async with self._pool.acquire() as connection:
                    await self._listen(connection)
            except (DatabaseUnreachable, *UNREACHABLE) as error:
                _log.warning("the sandbox clock cannot be followed: %s", type(error).__name__)
                await asyncio.sleep(READ_EVERY_S)

    async def _listen(self, connection: Any) -> None:
        told = asyncio.Event()

        def hear(*_: object) -> None:
            told.set()

        await connection.add_listener(CHANNEL, hear)
        connection.add_termination_listener(hear)
        try:
            while not connection.is_closed():
                told.clear()
                await self.reread()
                with suppress(TimeoutError):
                    async with asyncio.timeout(READ_EVERY_S):
                        await told.wait()
        finally:
            connection.remove_termination_listener(hear)
            if not connection.is_closed():
                await connection.remove_listener(CHANNEL, hear)

    def _kept(self) -> asyncpg.Pool:
        if self._pool is None:
            raise RuntimeError("the clock of a production hall is not set")
        return self._pool

    def _take(self, setting: ClockSetting | None) -> None:
        if setting != self._setting:
            self._setting = setting
            self._on_change()
