"""Takes events in: each once, durable before the answer (docs/decisions/0004-events-in.md).

Callers of the same moment travel together: while one statement is under way the events of others gather (no timer). A
batch is looked up without locks, judged in order of arrival by pure code, and what is new goes into the register of
events and the queue in one statement. The register's primary key is the arbiter: when another process was faster with
one of them the statement fails as a whole, and the batch is looked up and judged again. Rows go in sorted, so two such
statements wait for each other in one order only and never in a circle.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from operator import itemgetter
from secrets import token_bytes
from typing import Any, TypeAlias

import asyncpg
import orjson

from domain.intake.fields import split_data
from domain.intake.judge import ACCEPTED, Key, judge
from domain.intake.model import Incoming, RejectCode, Rejected, Verdict
from domain.kernel.errors import Busy
from domain.kernel.ids import lane_of
from domain.kernel.time import business_day
from infra.db.literals import moments, numbers, texts
from infra.db.reach import reaching
from infra.db.statements import named
from infra.security.sealing import Sealer

CHANNEL = "hall_inbox"
"""Notified with each batch: a hint that something is due, never the only one."""

KNOWN = named(
    "event.known",
    """
    select q.n, e.print
    from unnest($1::text::int[], $2::text::text[], $3::text::text[]) with ordinality q (lane, source, id, n),
        lateral (
            select x.print from event x where x.lane = q.lane and x.source = q.source and x.id = q.id offset 0
        ) e
    """,
)

TAKE = named(
    "event.take",
    f"""
    with registered as (
        insert into event (lane, source, id, print, day, received_at)
        select q.lane, q.source, q.id, q.print, $9::date, $10::timestamptz
        from unnest($1::text::int[], $2::text::text[], $3::text::text[], $4::text::bigint[])
            q (lane, source, id, print)
    ), queued as (
        insert into inbox (lane, source, id, type, at, data, customer, trace, due_at, received_at)
        select q.lane, q.source, q.id, q.type, q.at, q.data, q.customer, q.trace, $10::timestamptz, $10::timestamptz
        from unnest(
            $1::text::int[], $2::text::text[], $3::text::text[], $5::text::text[], $6::text::timestamptz[],
            $7::text::text[], $8::text::text[], $11::text::text[]
        ) q (lane, source, id, type, at, data, customer, trace)
    )
    select pg_notify('{CHANNEL}', '')
    """,
)

BATCH_EVENTS = 2_000
QUEUE_EVENTS = 20_000
IN_FLIGHT = 2

Entry: TypeAlias = tuple[Key, int, Incoming]


@dataclass(slots=True)
class _Call:
    """One caller's events. `verdicts` has None where an entry is still to be judged, in order."""

    entries: list[Entry]
    verdicts: list[Verdict | None]
    trace: str | None
    done: "asyncio.Future[list[Verdict]]"


class EventInbox:
    """`domain.intake.model.Inbox` over PostgreSQL.

    Args:
        print_key: makes the prints; it must stay the same for as long as the events are kept.
        unfit: why an event's data does not fit its type, or None.
        wall: when it is received and due: queues live by the wall clock.
        in_flight: how many batches may be under way at once.
        queue_events: how many events may wait; beyond that callers are told Busy.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        *,
        print_key: bytes,
        sealer: Sealer,
        unfit: Callable[[Incoming], str | None],
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        in_flight: int = IN_FLIGHT,
        batch_events: int = BATCH_EVENTS,
        queue_events: int = QUEUE_EVENTS,
    ) -> None:
        self._pool = pool
        self._print = blake2b(key=print_key, digest_size=8)
        self._sealer = sealer
        self._unfit = unfit
        self._wall = wall
        self._in_flight = in_flight
        self._batch_events = batch_events
        self._queue_events = queue_events
        self._queue: deque[_Call] = deque()
        self._waiting = 0
        self._drains: set[asyncio.Task[None]] = set()
        self._closed = False

    async def accept(self, events: Sequence[Incoming], *, trace: str | None = None) -> list[Verdict]:
        if self._closed or self._waiting >= self._queue_events:
            raise Busy
        entries, verdicts = self._prepared(events)
        if not entries:
            return [verdict for verdict in verdicts if verdict is not None]
        call = _Call(entries, verdicts, trace, asyncio.get_running_loop().create_future())
        self._queue.append(call)
        self._waiting += len(entries)
        if len(self._drains) < self._in_flight:
            drain = asyncio.create_task(self._drain())
            self._drains.add(drain)
            drain.add_done_callback(self._drains.discard)
        return await call.done

    async def close(self) -> None:
        """Take no more; return when what was taken is answered."""
        self._closed = True
        while self._drains:
            await asyncio.wait(self._drains)

    # --- before the queue

    def _prepared(self, events: Sequence[Incoming]) -> tuple[list[Entry], list[Verdict | None]]:
        entries: list[Entry] = []
        verdicts: list[Verdict | None] = []
        for event in events:
            try:
                canonical = orjson.dumps(event.data, option=orjson.OPT_SORT_KEYS)
            except orjson.JSONEncodeError:  # deeper than 254, a number beyond 64 bits, half a surrogate pair
                verdicts.append(_UNREADABLE)
                continue
            # The escape is the one way in for U+0000, but the same letters may stand after an escaped backslash.
            if b"\\u0000" in canonical and _has_nul(event.data):
                verdicts.append(_NUL)
                continue
            verdicts.append(None)
            lane = lane_of(event.source + "\x1f" + event.id)
            entries.append(((lane, event.source, event.id), self._print_of(event, canonical), event))
        return entries, verdicts

    def _print_of(self, event: Incoming, canonical: bytes) -> int:
        """Equal for equal type, moment and data, however they were spelled."""
        digest = self._print.copy()
        digest.update(f"{event.type}\x1f{event.at.timestamp()!r}\x1f".encode())
        digest.update(canonical)
        return int.from_bytes(digest.digest(), "big", signed=True)

    # --- the queue

    async def _drain(self) -> None:
        while self._queue:
            calls = [self._queue.popleft()]
            size = len(calls[0].entries)
            while self._queue and size + len(self._queue[0].entries) <= self._batch_events:
                calls.append(self._queue.popleft())
                size += len(calls[-1].entries)
            self._waiting -= size
            await self._answer(calls)

    async def _answer(self, calls: list[_Call]) -> None:
        """Never raises: what goes wrong goes to the callers, and what one caller's events do wrong to that one only."""
        try:
            verdicts = iter(await self._take(calls))
        except Exception as error:
            if len(calls) > 1:
                for call in calls:
                    await self._answer([call])
            elif not calls[0].done.done():
                calls[0].done.set_exception(error)
            return
        for call in calls:
            answer = [next(verdicts) if known is None else known for known in call.verdicts]
            if not call.done.done():
                call.done.set_result(answer)

    async def _take(self, calls: list[_Call]) -> list[Verdict]:
        """One verdict for each entry of the calls, in order; what is accepted is durable."""
        entries = [entry for call in calls for entry in call.entries]
        traces = [call.trace for call in calls for _ in call.entries]
        with reaching():
            async with self._pool.acquire() as connection:
                while True:
                    verdicts = judge(entries, await _known(connection, entries), self._unfit)
                    new = [
                        (*entry, trace)
                        for entry, verdict, trace in zip(entries, verdicts, traces, strict=True)
                        if verdict is ACCEPTED
                    ]
                    if not new:
                        return verdicts
                    try:
                        await connection.fetchval(TAKE, *self._columns(new))
                    except asyncpg.UniqueViolationError:
                        continue  # another process was faster with one of them, and that is durable now
                    return verdicts

    def _columns(self, new: list[tuple[Key, int, Incoming, str | None]]) -> tuple[Any, ...]:
        new.sort(key=itemgetter(0))
        keys, prints, events, traces = zip(*new, strict=True)
        lanes, sources, ids = zip(*keys, strict=True)
        now = self._wall()
        return (
            numbers(lanes),
            texts(sources),
            texts(ids),
            numbers(prints),
            texts([event.type for event in events]),
            moments([event.at for event in events]),
            texts([self._stored(event) for event in events]),
            texts([event.data.get("customer") for event in events]),
            business_day(now),
            now,
            texts(traces),
        )

    def _stored(self, event: Incoming) -> str:
        clear, personal = split_data(event.type, event.data)
        if personal:
            clear["sealed"] = self._sealer.seal(orjson.dumps(personal).decode(), *_place(event.data["customer"]))
        return orjson.dumps(clear).decode()


def open_data(data: Mapping[str, Any], sealer: Sealer) -> dict[str, Any]:
    """An event's stored data with its personal fields in the clear again. Raises SealBroken."""
    opened = dict(data)
    sealed = opened.pop("sealed", None)
    if sealed is not None:
        opened |= orjson.loads(sealer.open(sealed, *_place(opened["customer"])))
    return opened


async def _known(connection: Any, entries: Sequence[Entry]) -> dict[Key, int]:
    keys = [entry[0] for entry in entries]
    lanes, sources, ids = zip(*keys, strict=True)
    rows = await connection.fetch(KNOWN, numbers(lanes), texts(sources), texts(ids))
    return {keys[n - 1]: print_ for n, print_ in rows}


def _place(customer: str) -> tuple[str, str, str]:
    return "event", "data", customer


def _has_nul(value: Any) -> bool:
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                if "\0" in text:
                    return True
            case dict() as members:
                waiting.extend(members)
                waiting.extend(members.values())
            case list() as items:
                waiting.extend(items)
    return False


_UNREADABLE = Rejected(RejectCode.EVENT_INVALID, "data: nested too deep, or a number or text that JSON cannot carry.")
_NUL = Rejected(RejectCode.EVENT_INVALID, "data: the character U+0000 is not taken.")


_PRINT_KEY = "event-print-key"
_PRINT_PLACE = ("installation", "value", _PRINT_KEY)
_NOTE_KEY = "insert into installation (name, value) values ($1, $2) on conflict do nothing"


async def load_print_key(connection: Any, sealer: Sealer) -> bytes:
    """The key of this database's prints: made once, kept sealed in it, sealed anew when the data key was rotated.

    It has to outlive every data key: with another one, each repetition of an old event would look like a reuse.
    """
    await connection.execute(_NOTE_KEY, _PRINT_KEY, sealer.seal(token_bytes(32).hex(), *_PRINT_PLACE))
    sealed = await connection.fetchval("select value from installation where name = $1", _PRINT_KEY)
    key = sealer.open(sealed, *_PRINT_PLACE)
    if not sealer.is_current(sealed):
        await connection.execute(
            "update installation set value = $3 where name = $1 and value = $2",
            _PRINT_KEY,
            sealed,
            sealer.seal(key, *_PRINT_PLACE),
        )
    return bytes.fromhex(key)
