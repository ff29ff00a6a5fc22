"""What the benchmarks of calls share: many callers at once beside one call each.

Both contenders run the same use case over the same tables. "One call each" reads and commits for every call by itself,
a transaction a call, over `CONNECTIONS` connections; the hall's reads and commits of callers at the same time travel
together. A transaction written out statement by statement (a dozen round trips) was measured beside the contender, and
costs a fifth more CPU than it. Every cell is checked when it has ended: as many rows as answers, and every law holds.
"""

import asyncio
import gc
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Generic, Protocol, TypeVar

import asyncpg

from infra.bench.claim import CALLERS, CONNECTIONS, Driven, Wrong
from infra.bench.frame import Cell, Gate, Median, Meter, Sample, Servers, for_seconds, interleave, times_quicker
from infra.db.commit import GroupCommit
from infra.db.pool import open_pool
from infra.db.reconcile import reconcile

AT = datetime(2026, 10, 2, 2, 0, tzinfo=UTC)
"""The moment at which all is decided."""

S_co = TypeVar("S_co", covariant=True)
S = TypeVar("S")


class Makes(Protocol[S_co]):
    """A store that reads for callers together: `at_once` statements of at most `most` callers."""

    def __call__(self, pool: asyncpg.Pool, *, at_once: int = ..., most: int = ...) -> S_co: ...


class Clock:
    def now(self) -> datetime:
        return AT


@dataclass(frozen=True, slots=True)
class Calls(Generic[S]):
    """A kind of call.

    fill: an empty hall with what the calls need. call: one of them, each another customer's; its outcome.
    done: the outcome that counts. rows: the table that has one row for each of those.
    """

    fill: Callable[[str], Awaitable[None]]
    store: Makes[S]
    call: Callable[[GroupCommit, S, random.Random], Awaitable[object]]
    done: type
    rows: str


TOGETHER, EACH = "together", f"one call each, {CONNECTIONS} connections"


async def compared(
    calls: Calls[S], servers: Servers, dsn: str, *, rounds: int, seconds: float, say: Callable[[str], None]
) -> dict[str, Median]:
    """Both contenders, in turn."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)  # as a serving process does
    try:
        cells = {
            EACH: _cell(calls, servers, dsn, seconds, together=False),
            TOGETHER: _cell(calls, servers, dsn, seconds, together=True),
        }
        return await interleave(cells, rounds, say=say)
    finally:
        gc.set_threshold(*before)


def ten_times(medians: Mapping[str, Median]) -> list[Gate]:
    return [times_quicker("rate, together / one call each", medians[TOGETHER], medians[EACH], 10)]


def _cell(calls: Calls[S], servers: Servers, dsn: str, seconds: float, *, together: bool) -> Cell:
    async def cell() -> Sample:
        await calls.fill(dsn)
        pool = await open_pool(dsn, min_size=2, max_size=CONNECTIONS)
        store = calls.store(pool) if together else calls.store(pool, at_once=CONNECTIONS, most=1)
        try:
            async with (
                GroupCommit(dsn) if together else GroupCommit(dsn, in_flight=CONNECTIONS, batch_limit=1)
            ) as ledger:
                gc.collect()
                meter = Meter(servers.pg_pid)
                meter.start()
                driven = await _drive(calls, ledger, store, seconds)
                count = driven.answers[calls.done.__name__]
                sample = meter.stop(count, p50_ms=driven.wait_ms(0.5), p99_ms=driven.wait_ms(0.99))
        finally:
            await pool.close()
        await _check(dsn, calls.rows, count)
        return sample

    return cell


async def _drive(calls: Calls[S], ledger: GroupCommit, store: S, seconds: float) -> Driven:
    answers: Counter[str] = Counter()
    waits: list[float] = []
    chance, go_on, start = random.Random(), for_seconds(seconds), perf_counter()

    async def caller() -> None:
        while go_on():
            began = perf_counter()
            outcome = await calls.call(ledger, store, chance)
            waits.append(perf_counter() - began)
            answers[type(outcome).__name__] += 1

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return Driven(perf_counter() - start, answers, waits)


async def _check(dsn: str, table: str, count: int) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetchval(f"select count(*) from {table}")
        if rows != count:
            raise Wrong(f"{count} calls were answered and {rows} rows of {table} are there")
        if broken := [law for law in await reconcile(connection) if not law.ok]:
            raise Wrong(f"{broken[0].name}: {broken[0].detail}")
    finally:
        await connection.close()
