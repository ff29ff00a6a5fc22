"""Events: into the inbox, and on into stories and grants, against COPY of the same rows into a keyed table.

Batches of 1,000 purchases of 1,000 customers. The worker is measured on two databases at once, one with ten times the
history of the other: what an event costs must not depend on how much came before it.
"""

import gc
import timeit
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from time import perf_counter

import asyncpg
import orjson

from domain.intake.model import Accepted, Duplicate, Incoming, Verdict
from domain.kernel.ids import lane_of
from domain.stories.events import EventInvalid, read_event
from domain.stories.fold import fold_all, fold_on
from infra.bench.frame import Cell, Gate, Meter, Result, Sample, Servers, interleave, new_database
from infra.bench.history import SOURCE, Past, batch_of, fill_history, tell_month
from infra.bench.readers import fill_merchants
from infra.db.stores.inbox import EventInbox, load_print_key
from infra.db.stores.states import text_of
from infra.demo.teller import Event
from infra.home import open_home
from infra.settings import Mode, Settings
from infra.wiring import Hall, open_hall, publish_shipped_plans

BATCH = 1_000
SMALL, LARGE = 100_000, 1_000_000

COPY_GATE = 0.22
"""Intake against COPY, which keeps no register, judges nothing and seals nothing."""

KNOWN_GATE = 3.0
HISTORY_GATE = 1.35
WORKER_GATE = 5_000

KEYED_TABLE = """
create schema bench;
create table bench.copied (
    lane int, source text collate "C", id text collate "C", type text, at timestamptz, data text, customer text,
    primary key (lane, source, id)
)
"""


@dataclass(slots=True)
class Bed:
    """A hall's own parts over one database, with a past of `events` rows."""

    events: int
    hall: Hall
    inbox: EventInbox
    past: Past
    batches: "count[int]"

    def fresh(self) -> list[Event]:
        """A batch that has not been before: one purchase each of the next customers in turn."""
        number = next(self.batches)
        everybody = self.past.customers
        first = number * BATCH % len(everybody)
        return batch_of(everybody[first : first + BATCH], number, datetime.now(UTC))

    async def drain(self) -> int:
        """Apply everything that is due, as a worker does; returns how many events were."""
        return (await self.hall.stories.drain()).applied


async def run(
    servers: Servers, *, rounds: int, seconds: float, quick: bool, say: Callable[[str], None]
) -> list[Result]:
    """`quick` asks for a tenth of the history."""
    sizes = (SMALL // 10, LARGE // 10) if quick else (SMALL, LARGE)
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)  # as a serving process does
    try:
        async with AsyncExitStack() as stack:
            beds = []
            for size in sizes:
                say(f"history of {size:,} events")
                beds.append(await stack.enter_async_context(_bed(servers, size)))
            small, large = beds
            cells: dict[str, Cell] = {
                BOUND: _copying(servers, small, seconds),
                INTAKE: _intake(servers, small, seconds, known=False),
                KNOWN: _intake(servers, small, seconds, known=True),
                _worker(small): _applying(servers, small, seconds),
                _worker(large): _applying(servers, large, seconds),
            }
            medians = await interleave(cells, rounds, say=say)
            notes = [_fold_notes(small)]
            for bed in beds:
                await _check(bed)
    finally:
        gc.set_threshold(*before)
    bound, intake, known = medians[BOUND], medians[INTAKE], medians[KNOWN]
    return [
        Result(
            name="ingest",
            title=f"Events in batches of {BATCH:,}, in process, durable",
            unit="events",
            bound=BOUND,
            cells=medians,
            gates=[
                Gate("intake, CPU of COPY / ours", bound.cpu_us / intake.cpu_us, COPY_GATE),
                Gate("known events, rate / first intake", known.rate / intake.rate, KNOWN_GATE),
                Gate(
                    f"CPU an event, history {large.events:,} / {small.events:,}",
                    medians[_worker(large)].cpu_us / medians[_worker(small)].cpu_us,
                    HISTORY_GATE,
                    at_least=False,
                ),
                Gate("events/s through the worker", medians[_worker(small)].rate, WORKER_GATE),
            ],
            notes=notes,
        )
    ]


BOUND, INTAKE, KNOWN = "COPY into a keyed table", "intake", "intake of known events"


def _worker(bed: Bed) -> str:
    return f"the worker: fold, points, grants; history {bed.events:,}"


# --- cells


def _copying(servers: Servers, bed: Bed, seconds: float) -> Cell:
    async def cell() -> Sample:
        connection = await asyncpg.connect(bed.hall.settings.database_url)
        try:
            await connection.execute("truncate bench.copied")
            # Made before the clock starts, and more than enough.
            batches = [_records(bed.fresh()) for _ in range(int(seconds * 300))]
            gc.collect()
            meter = Meter(servers.pg_pid)
            meter.start()
            end, done = perf_counter() + seconds, 0
            for records in batches:
                await connection.copy_records_to_table("copied", schema_name="bench", records=records)
                done += len(records)
                if perf_counter() > end:
                    break
            return meter.stop(done)
        finally:
            await connection.close()

    return cell


def _records(batch: list[Event]) -> list[tuple[object, ...]]:
    return [
        (lane_of(f"{SOURCE}\x1f{event.id}"), SOURCE, event.id, event.type, event.at, orjson.dumps(event.data).decode(),
         event.data["customer"])
        for event in batch
    ]  # fmt: skip


def _intake(servers: Servers, bed: Bed, seconds: float, *, known: bool) -> Cell:
    """Through the register into the queue, which is emptied when the clock has stopped."""

    async def cell() -> Sample:
        one = _incoming(bed.fresh())
        await bed.inbox.accept(one)
        gc.collect()
        meter = Meter(servers.pg_pid)
        meter.start()
        end, done = perf_counter() + seconds, 0
        while perf_counter() < end:
            batch = one if known else _incoming(bed.fresh())
            _expect(Duplicate if known else Accepted, await bed.inbox.accept(batch))
            done += len(batch)
        sample = meter.stop(done)
        await bed.hall.pool.execute(_FORGET_QUEUE)
        return sample

    return cell


_FORGET_QUEUE = """
with queued as (delete from inbox returning lane, source, id)
delete from event e using queued q where e.lane = q.lane and e.source = q.source and e.id = q.id
"""


def _applying(servers: Servers, bed: Bed, seconds: float) -> Cell:
    """What waits in the queue, into stories and grants: as many batches as are applied in about so many seconds."""

    async def cell() -> Sample:
        waiting = 0
        for _ in range(max(1, round(seconds * WORKER_GATE / BATCH))):
            batch = _incoming(bed.fresh())
            _expect(Accepted, await bed.inbox.accept(batch))
            waiting += len(batch)
        gc.collect()
        meter = Meter(servers.pg_pid)
        meter.start()
        applied = await bed.drain()
        sample = meter.stop(applied)
        if applied != waiting:
            raise RuntimeError(f"{applied} of {waiting} events were applied")
        return sample

    return cell


def _incoming(batch: list[Event]) -> list[Incoming]:
    return [Incoming(SOURCE, event.id, event.type, event.at, event.data) for event in batch]


def _expect(kind: type[Verdict], verdicts: list[Verdict]) -> None:
    if not all(isinstance(verdict, kind) for verdict in verdicts):
        raise RuntimeError(f"not all were {kind.__name__}: {next(v for v in verdicts if not isinstance(v, kind))}")


# --- the beds


@asynccontextmanager
async def _bed(servers: Servers, events: int) -> AsyncIterator[Bed]:
    dsn = await new_database(servers, f"bench_ingest_{events}")
    home = open_home(servers.home / "hall")
    settings = Settings(mode=Mode.SANDBOX, home=home.path, database_url=dsn)
    await publish_shipped_plans(settings)
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(KEYED_TABLE)
        await fill_merchants(connection)
        async with open_hall(settings, application="hall bench") as hall:
            catalog = await hall.catalog.latest()
            past = await fill_history(
                connection,
                events=events,
                now=datetime.now(UTC),
                publications=catalog.publications,
                sealer=hall.sealer,
                fold=lambda told: text_of(fold_all(told, catalog.plans, catalog.told).state),
            )
            key = await load_print_key(connection, hall.sealer)
            inbox = EventInbox(hall.pool, print_key=key, sealer=hall.sealer, unfit=_unfit)
            yield Bed(events, hall, inbox, past, count())
            await inbox.close()
    finally:
        await connection.close()


def _unfit(event: Incoming) -> str | None:
    try:
        read_event(event.type, event.at, event.source, event.id, event.data)
    except EventInvalid as invalid:
        return invalid.detail
    return None


async def _check(bed: Bed) -> None:
    """Raises RuntimeError unless every event accepted is applied, once."""
    accepted, applied, queued = await bed.hall.pool.fetchrow(
        "select (select count(*) from event), (select count(*) from story_event), (select count(*) from inbox)"
    )
    if queued or accepted != applied:
        raise RuntimeError(f"{accepted} events were accepted, {applied} applied, {queued} are left")


def _fold_notes(bed: Bed) -> str:
    """What folding costs by itself."""
    catalog = bed.hall.catalog.held
    told = [
        read_event(event.type, event.at, SOURCE, event.id, event.data)
        for event in tell_month("folded", datetime.now(UTC), 500)
    ]
    whole = min(timeit.repeat(lambda: fold_all(told, catalog.plans, catalog.told), number=5, repeat=5)) / 5
    state = fold_all(told[:-1], catalog.plans, catalog.told).state
    on = min(timeit.repeat(lambda: fold_on(state, told[-1:], catalog.plans, catalog.told), number=200, repeat=5)) / 200
    return (
        f"in process: a story of 500 events folded in {whole * 1e3:.2f} ms, one purchase folded on in {on * 1e6:.0f} us"
    )
