"""The worker: everything the hall does without being asked.

Woken by NOTIFY, which is a hint; a slow look at the tables is what finds everything.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

import asyncpg
import structlog

from domain.kernel.time import Clock
from domain.ledger.unit import Ledger
from infra import metrics
from infra.db.stores.stories import StoryStore
from infra.worker.draws import DrawDays
from infra.worker.housekeeping import Housekeeping
from infra.worker.lounges import LoungeSeats
from infra.worker.messages import Messages
from infra.worker.outbox import Outbox
from infra.worker.points import PointsSweep
from infra.worker.schedules import Schedules
from infra.worker.stories import BATCH, StoryWorker
from infra.worker.sweeps import ReleasesHolds, sweep
from infra.worker.till import TillRounds

log = structlog.get_logger(__name__)

WAKE_CHANNELS = ("hall_inbox", "hall_outbox", "hall_clock")
LOOK_EVERY_S = 1.0
SWEEP_EVERY_S = 1.0
COUNT_EVERY_S = 5.0
FORGET_EVERY_S = 3600.0
STUCK_S = 2.0


class Worker:
    """Runs until `stop`; or, for a caller who waits, until nothing is left to do (`settle`)."""

    def __init__(
        self,
        *,
        pool: asyncpg.Pool,
        connect: Callable[[], Awaitable[asyncpg.Connection]],
        stories: StoryWorker,
        store: StoryStore,
        outbox: Outbox,
        ledger: Ledger,
        holds: ReleasesHolds,
        clock: Clock,
        follow_clock: Callable[[], Awaitable[None]],
        schedules: Schedules,
        messages: Messages,
        draws: DrawDays,
        points: PointsSweep,
        lounges: LoungeSeats,
        till: TillRounds,
        housekeeping: Housekeeping,
    ) -> None:
        self._housekeeping = housekeeping
        self._pool = pool
        self._connect = connect
        self._stories = stories
        self._store = store
        self._outbox = outbox
        self._ledger = ledger
        self._holds = holds
        self._clock = clock
        self._follow_clock = follow_clock
        self._schedules = schedules
        self._messages = messages
        self._draws = draws
        self._points = points
        self._lounges = lounges
        self._till = till
        self._wakes: list[asyncio.Event] = []
        self._stop: asyncio.Event | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; what is under way is finished."""
        self._stop = stop
        tasks = [
            asyncio.create_task(self._listen(stop), name="worker-listen"),
            asyncio.create_task(self._again(stop, self._apply, "stories"), name="worker-stories"),
            asyncio.create_task(self._again(stop, self._keep_promises, "outbox"), name="worker-outbox"),
            asyncio.create_task(self._every(stop, SWEEP_EVERY_S, self._sweep, "sweep"), name="worker-sweep"),
            asyncio.create_task(self._every(stop, SWEEP_EVERY_S, self._refold, "refold"), name="worker-refold"),
            asyncio.create_task(self._every(stop, COUNT_EVERY_S, self._count, "count"), name="worker-count"),
            asyncio.create_task(self._every(stop, FORGET_EVERY_S, self._forget, "forget"), name="worker-forget"),
        ]
        await stop.wait()
        self._woken()
        await asyncio.gather(*tasks)

    async def settle(self, timeout_s: float = 60.0) -> dict[str, int]:
        """Return when every accepted event has been applied and everything due has been tried.

        Where a worker runs it is left to it, and watched; where none does, or none gets anything done, the work is done
        here. Events that wait for another event, and parked ones, are not due. Returns how many events were waiting or
        came meanwhile, and how many promises were tried.
        """
        async with asyncio.timeout(timeout_s):
            applied_before = await self._store.applied()
            tried = 0
            alone = not await self._store.worker_listens()
            quiet_since = asyncio.get_running_loop().time()
            left = -1
            while True:
                await self._follow_clock()
                if alone:
                    done = (await self._stories.drain()).leased
                    promises = await self._outbox.keep_due()
                    tried += promises
                    if done or promises or await self._stories.refold_stale(BATCH):
                        continue
                now = asyncio.get_running_loop().time()
                due = await self._left_to_do()
                if due:
                    if due != left:
                        left, quiet_since = due, now
                    elif now - quiet_since > STUCK_S:
                        alone = True
                    await asyncio.sleep(0.02)  # done by another process: there is no signal of its end
                    continue
                if await self._schedules.run_due():
                    continue
                if await self._points.run_due():
                    continue
                if await self._lounges.run_due():
                    continue
                if await self._till.run_due():
                    continue
                if await self._messages.send_due(self._clock.now()):
                    continue
                await sweep(self._pool, self._ledger, self._holds, self._clock.now())
                await self._draws.turn(self._clock.now())
                if await self._outbox.wake():
                    continue
                return {"events": await self._store.applied() - applied_before, "deliveries": tried}

    async def _left_to_do(self) -> int:
        publications = (await self._stories.catalog()).publications
        left = await self._store.untried(datetime.now(UTC), publications) + await self._outbox.untried()
        return left + await self._schedules.under_way()

    # --- the loops

    def _stopping(self) -> bool:
        return self._stop is not None and self._stop.is_set()

    async def _apply(self) -> bool:
        await self._follow_clock()
        return (await self._stories.drain(self._stopping)).leased > 0

    async def _keep_promises(self) -> bool:
        return await self._outbox.keep_due() > 0

    async def _sweep(self) -> None:
        await self._follow_clock()
        # First what extends coupons, then what ends them: a coupon alive when it was to be extended must not end.
        while await self._schedules.run_due():
            pass
        await self._points.run_due()
        await self._lounges.run_due()
        await self._till.run_due()
        await self._messages.send_due(self._clock.now())
        await sweep(self._pool, self._ledger, self._holds, self._clock.now())
        await self._draws.turn(self._clock.now())
        if await self._outbox.wake():
            self._woken()

    async def _refold(self) -> None:
        while await self._stories.refold_stale(BATCH):
            pass

    async def _forget(self) -> None:
        await self._housekeeping.forget(datetime.now(UTC))

    async def _count(self) -> None:
        left = await self._store.left()
        for state in ("DUE", "WAITING", "PARKED"):
            metrics.inbox_events.labels(state.lower()).set(left.get(state, 0))
        oldest = await self._store.oldest_due()
        age = 0.0 if oldest is None else max(0.0, (datetime.now(UTC) - oldest).total_seconds())
        metrics.inbox_oldest_seconds.set(age)

    async def _again(self, stop: asyncio.Event, work: Callable[[], Awaitable[bool]], what: str) -> None:
        """At once again while there was something to do, else when woken or after a while."""
        wake = asyncio.Event()
        self._wakes.append(wake)
        while not stop.is_set():
            wake.clear()
            try:
                if await work():
                    continue
            except Exception:
                log.exception("work failed", work=what)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(wake.wait(), LOOK_EVERY_S)

    async def _every(self, stop: asyncio.Event, seconds: float, work: Callable[[], Awaitable[None]], what: str) -> None:
        while not stop.is_set():
            try:
                await work()
            except Exception:
                log.exception("work failed", work=what)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(stop.wait(), seconds)

    async def _listen(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                connection = await self._connect()
            except Exception:
                log.warning("cannot listen", exc_info=True)
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(stop.wait(), LOOK_EVERY_S)
                continue
            try:
                for channel in WAKE_CHANNELS:
                    await connection.add_listener(channel, self._woken)
                while not stop.is_set() and not connection.is_closed():
                    with suppress(asyncio.TimeoutError):
                        await asyncio.wait_for(stop.wait(), LOOK_EVERY_S)
            finally:
                connection.terminate()

    def _woken(self, *_: object) -> None:
        for wake in self._wakes:
            wake.set()
