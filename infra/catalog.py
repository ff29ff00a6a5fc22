"""Holds this process's catalog and replaces it whole when its version moves.

Three ways lead to a newer version: every customer's statement tells the version it saw (`seen`), PostgreSQL's NOTIFY
wakes a listener, and a slow look at the stamp catches what both missed. So a change is followed within 2 s by an idle
process, and by a busy one in the answer that first meets it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg
import structlog

from domain.offers.catalog import Catalog

CHANNEL = "hall_catalog"
LOOK_EVERY_S = 1.0

log = structlog.get_logger(__name__)
Load = Callable[[asyncpg.Connection], Awaitable[Catalog]]


class CatalogHolder:
    """Implements Catalogs. `start` before the first use, `stop` at the end."""

    def __init__(self, pool: asyncpg.Pool, connect: Callable[[], Awaitable[asyncpg.Connection]], load: Load) -> None:
        """
        Args:
            connect: makes the listener's own connection.
            load: reads the whole catalog in one snapshot.
        """
        self._pool = pool
        self._connect = connect
        self._load = load
        self._held: Catalog | None = None
        self._newest = 0
        self._loading: asyncio.Task[Catalog] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._listener: asyncpg.Connection | None = None

    async def start(self) -> None:
        """Load it, and follow it from here on. Raises what the database raises."""
        await self._refresh()
        self._listener = await self._connect()
        self._watching = asyncio.create_task(self._watch(), name="catalog-watch")

    async def stop(self) -> None:
        for task in (self._watching, self._loading):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task
        await self._hang_up()

    @property
    def is_read(self) -> bool:
        """Whether there is one at all; a hall without campaigns has an empty one."""
        return self._held is not None

    @property
    def held(self) -> Catalog:
        """What is held, which may be older than what has been seen."""
        if self._held is None:
            raise RuntimeError("the catalog has not been loaded: start() first")
        return self._held

    def seen(self, stamp: int) -> None:
        """Some statement saw this version of the catalog."""
        if stamp > self._newest:
            self._newest = stamp

    async def latest(self) -> Catalog:
        # A load that began before the newest version was seen may still bring an older one: then once more.
        for _ in range(2):
            if self.held.stamp >= self._newest:
                break
            await self._refresh()
        return self.held

    async def _refresh(self) -> Catalog:
        # Single flight: whoever needs the newer catalog waits for the same load; a caller that gives up does not stop
        # it.
        if self._loading is None or self._loading.done():
            self._loading = asyncio.create_task(self._read(), name="catalog-load")
        return await asyncio.shield(self._loading)

    async def _read(self) -> Catalog:
        async with self._pool.acquire() as conn:
            catalog = await self._load(conn)
        if self._held is None or catalog.stamp > self._held.stamp:
            self._held = catalog
        self.seen(catalog.stamp)
        return catalog

    async def _watch(self) -> None:
        while True:
            try:
                if self._listener is None:
                    self._listener = await self._connect()
                await self._listen(self._listener)
            except Exception as problem:
                log.warning("catalog_not_followed", error=repr(problem))
            await self._hang_up()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _listen(self, conn: asyncpg.Connection) -> None:
        """Follow until the connection is gone."""
        woken = asyncio.Event()
        await conn.add_listener(CHANNEL, lambda *_: woken.set())
        while not conn.is_closed():
            woken.clear()
            self.seen(await conn.fetchval("select version from catalog_stamp"))
            before = self.held.stamp
            if (await self.latest()).stamp != before:
                log.debug("catalog_followed", stamp=self.held.stamp)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(woken.wait(), LOOK_EVERY_S)

    async def _hang_up(self) -> None:
        conn, self._listener = self._listener, None
        if conn is not None:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncio.TimeoutError):
                await conn.close(timeout=1)
