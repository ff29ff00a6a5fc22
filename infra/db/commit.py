"""The group commit: the one way that units become durable, and so the one way that a quantity changes hands.

Callers wait together. While a batch is under way the units of other callers gather, and go together as soon as a
connection is free; there is no timer, and a lone caller goes at once. A batch is two round trips: read what it concerns
without locks, judge it in order of arrival (domain.ledger.judge), write what it comes to in one guarded statement that
is one transaction. Rows that units change are not read at first: whoever made a unit saw them a moment ago; nor are
accounts that begin with it, being named by ids just made. When anything moved in between, nothing was written, and the
batch is read (all of it) and judged again; after `PATIENT_TRIES` of that under locks taken in sorted order, so that it
ends.

A unit that breaks a constraint never fails its neighbours: the batch is split by halves until the culprit stands alone.
Nobody is answered before his batch is durable.

A lost answer. When a connection breaks while a commit is under way, nobody knows whether it was done. Each connection
has a mark (a row of commit_mark) that every batch moves on in its own transaction, from even number to even number. The
next connection moves it to the odd number after the lost batch's: if that succeeds, the lost batch is not in the
database and can never come into it any more, and it is judged again; if the mark already stands at the lost batch, all
of it is durable, and its callers hear what was judged. So each unit counts once, with or without a request id.

Holds that have expired never count against anyone: before a unit is told that it is short on an account of which holds
keep something, the holds due by then are released (as ordinary units), and the batch is judged again.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from time import perf_counter
from types import TracebackType
from typing import Any, Self, TypeAlias
from uuid import UUID, uuid4

import asyncpg

from domain.kernel.errors import Broken, Busy, HallError
from domain.kernel.ids import LANES, new_id
from domain.ledger.judge import Facts, HoldKey, Judgement, OpenHold, judge
from domain.ledger.unit import Change, Committed, EndHold, Gone, Result, Unit
from infra.db.batch import Read, Wanted, Write
from infra.db.manifest import read_columns
from infra.db.pool import DatabaseUnreachable, connect_ledger, unreachable
from infra.db.statements import named

PATIENT_TRIES = 3
TRIES = 12
SWEEP = 512
WORTH_SPLITTING = 64
MARK_KEPT = "7 days"

Signal: TypeAlias = tuple[str, str]
Answer: TypeAlias = Result | HallError
_Waiting: TypeAlias = tuple[Unit, "asyncio.Future[Result]"]

_log = logging.getLogger(__name__)

NEW_MARK = named(
    "commit_mark.new",
    "insert into commit_mark (id, batch, at) values ($1, $2, statement_timestamp()) on conflict do nothing",
)
MOVE_MARK = named(
    "commit_mark.move",
    "update commit_mark set batch = $2 + 1, at = statement_timestamp() where id = $1 and batch < $2",
)
MARK = named("commit_mark.read", "select batch from commit_mark where id = $1")
FORGET_MARKS = named(
    "commit_mark.forget", f"delete from commit_mark where at < statement_timestamp() - interval '{MARK_KEPT}'"
)
HOLDS_DUE = named(
    "hold.due",
    "select lane, id from hold where lane = any($1::int[]) and expires_at <= $2 order by expires_at limit $3",
    all_lanes=True,
)


class CommitWatch:
    """What happens in the commit, for metrics; every method may be called often and must be quick."""

    def batch(self, units: int, seconds: float) -> None:
        """A batch was answered; `seconds` since it was taken from the queue."""

    def queued(self, units: int) -> None:
        """So many wait, and the next batches are taken of them now."""

    def again(self, why: str) -> None:
        """A batch is judged again: 'moved', 'unique', 'deadlock', 'expired', 'lost', 'mark'."""

    def split(self, units: int) -> None:
        """A batch of so many is split, since one of them breaks a constraint."""

    def broken(self, unit: Unit, cause: BaseException) -> None:
        """This one did."""

    def busy(self) -> None:
        """A unit was turned away at the door."""


@dataclass(slots=True, eq=False)
class _Line:
    """One connection and its mark. Never two batches at once on it."""

    mark: UUID
    connection: Any = None
    batch: int = 0
    in_doubt: bool = False


class GroupCommit:
    """The ledger (`domain.ledger.unit.Ledger`) over connections of its own.

    in_flight: how many batches are under way at once, each on its own connection. batch_limit: units in one.
    queue_limit: units waiting before others are turned away. patience_s: how long a batch tries to reach the database.
    on_committed: told the signals of what became durable, after its callers were answered; what it raises is logged.
    """

    def __init__(
        self,
        dsn: str,
        *,
        in_flight: int = 2,
        batch_limit: int = 512,
        queue_limit: int = 8192,
        patience_s: float = 20.0,
        on_committed: Callable[[Sequence[Signal]], Awaitable[None]] | None = None,
        watch: CommitWatch | None = None,
        application: str = "hall ledger",
    ) -> None:
        self._dsn = dsn
        self._batch_limit = batch_limit
        self._queue_limit = queue_limit
        self._patience_s = patience_s
        self._on_committed = on_committed
        self._watch = watch or CommitWatch()
        self._application = application
        self._lines = [_Line(uuid4()) for _ in range(in_flight)]
        self._aside = _Line(uuid4())  # for the worker's sweep of expired holds, beside the callers' batches
        self._aside_lock = asyncio.Lock()
        self._idle: list[_Line] = []
        self._queue: deque[_Waiting] = deque()
        # Units decided late follow each other in one chain: two batches of them would only judge each other again.
        self._late: deque[_Waiting] = deque()
        self._late_under_way = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._kicked = False
        self._open = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._read: Read
        self._write: Write

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Connect and learn the tables' columns. Raises DatabaseUnreachable."""
        self._loop = asyncio.get_running_loop()
        for line in self._lines:
            await self._connect(line)
        columns = await read_columns(self._lines[0].connection)
        self._read, self._write = Read(columns), Write(columns)
        await self._lines[0].connection.execute(FORGET_MARKS)
        self._idle = list(self._lines)
        self._open = True

    async def close(self) -> None:
        """Take nothing more, bring through what waits, and disconnect."""
        self._open = False
        while self._tasks or self._queue or self._late:
            self._kick()
            await asyncio.wait(set(self._tasks))
        async with self._aside_lock:
            for line in (*self._lines, self._aside):
                await _hang_up(line)
        self._idle = []

    async def commit(self, unit: Unit) -> Result:
        """Commit one unit; it travels with those of other callers.

        Raises:
            Busy: more is waiting than the queue takes, or the ledger is closing; nothing was done.
            Broken: the unit breaks a constraint, or contradicts itself: our bug; nothing was written.
            DatabaseUnreachable: not within `patience_s`; a repetition under the same request id will tell.
        """
        return await self.submit(unit)

    def submit(self, unit: Unit) -> asyncio.Future[Result]:
        """As `commit`, for a caller with many units: the answer later, without a task each. Raises Busy at once."""
        waiting = len(self._queue) + len(self._late)
        if not self._open or waiting >= self._queue_limit:
            self._watch.busy()
            raise Busy("the ledger is closing" if not self._open else "too many commits are waiting")
        assert self._loop is not None
        future: asyncio.Future[Result] = self._loop.create_future()
        (self._queue if unit.late is None else self._late).append((unit, future))
        if self._idle and not self._kicked:
            self._kicked = True
            self._loop.call_soon(self._kick)  # so that other callers of this turn of the loop come along
        return future

    async def release_expired_holds(self, now: datetime, limit: int = SWEEP) -> int:
        """Give back what holds kept that have expired by `now` (business time), oldest first. Returns how many.

        Raises DatabaseUnreachable.
        """
        async with self._aside_lock:
            while True:
                if self._aside.connection is None or self._aside.connection.is_closed():
                    await self._reconnect(self._aside)
                try:
                    return await self._release_due(self._aside, now, limit)
                except Exception as error:
                    if not _is_lost(self._aside, error):
                        raise
                    await _hang_up(self._aside)

    # --- batches

    def _kick(self) -> None:
        """Send off what waits, one batch for each idle line; those decided late in one of them."""
        self._kicked = False
        self._watch.queued(len(self._queue) + len(self._late))
        while self._idle and (self._queue or (self._late and not self._late_under_way)):
            waiting = len(self._queue)
            share = waiting if waiting < WORTH_SPLITTING else ceil(waiting / len(self._idle))
            batch: list[_Waiting] = []
            if self._late and not self._late_under_way:
                room = self._batch_limit - min(share, self._batch_limit // 2)
                _take(self._late, min(len(self._late), room), batch)
                self._late_under_way = bool(batch)
            _take(self._queue, min(share, self._batch_limit - len(batch)), batch)
            if batch:
                task = asyncio.get_running_loop().create_task(self._run(self._idle.pop(), batch))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _run(self, line: _Line, batch: Sequence[_Waiting]) -> None:
        began = perf_counter()
        units = [unit for unit, _ in batch]
        answers: Sequence[Answer]
        try:
            answers = await self._settle(line, units)
        except Exception as error:
            answers = [_copy(error) for _ in units]
            if not isinstance(error, HallError):
                _log.exception("a batch of %d units failed", len(units))
        finally:
            self._idle.append(line)
            if units[0].late is not None:
                self._late_under_way = False
        signals: list[Signal] = []
        for (unit, future), answer in zip(batch, answers, strict=True):
            if isinstance(answer, Committed):
                signals += answer.signals or unit.signals
            if future.done():
                continue
            if isinstance(answer, HallError):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        self._kick()
        self._watch.batch(len(units), perf_counter() - began)
        if signals:
            await self._tell(signals)

    async def _tell(self, signals: Sequence[Signal]) -> None:
        if self._on_committed is not None:
            try:
                await self._on_committed(signals)
            except Exception:
                _log.exception("telling of %d signals failed", len(signals))

    async def _settle(self, line: _Line, units: Sequence[Unit]) -> list[Answer]:
        """Every unit's answer, in order."""
        answers: list[Answer] = []
        while len(answers) < len(units):
            answers += await self._together(line, units[len(answers) :] if answers else units)
        return answers

    async def _together(self, line: _Line, units: Sequence[Unit]) -> Sequence[Answer]:
        """The answers of these units or of the first of them (what waits for the next batch is left out).

        Raises DatabaseUnreachable, and Busy when the database itself is out of something.
        """
        try:
            return await self._persist(line, units)
        except (DatabaseUnreachable, Busy):
            raise
        except (asyncpg.InsufficientResourcesError, asyncpg.OperatorInterventionError) as error:
            raise Busy("the database is out of means") from error  # nobody's fault, and nothing was written
        except Exception as error:  # a constraint, a value that does not fit, a unit that contradicts itself
            if len(units) == 1:
                self._watch.broken(units[0], error)
                broken = Broken(f"unit {units[0].id} cannot be written: {type(error).__name__}")
                broken.__cause__ = _discreet(error)
                return [broken]
            self._watch.split(len(units))
            half = len(units) // 2
            first = await self._settle(line, units[:half])
            return [*first, *await self._settle(line, units[half:])]

    async def _persist(self, line: _Line, units: Sequence[Unit]) -> Sequence[Answer]:
        """Try until the batch is through, or until one of its units must be the reason that it is not."""
        tries = 0
        swept = False
        trusting = True
        conflicts: set[tuple[str | None, str | None]] = set()
        while True:
            judged: Judgement | None = None
            locked = tries >= PATIENT_TRIES
            try:
                if line.connection is None or line.connection.is_closed():
                    await self._reconnect(line)
                if locked:
                    await line.connection.execute("begin")
                judged = await self._judge(line, units, trusting=trusting, locked=locked)
                if judged.doubtful:
                    trusting = False
                    continue
                if judged.short_of_held and judged.short_at is not None and not swept:
                    swept = True
                    await _roll_back(line)
                    if await self._release_due(line, judged.short_at):
                        self._watch.again("expired")
                        continue
                    if locked:
                        continue  # the locks went with the transaction
                if judged.accepted:
                    await self._store(line, judged, locked)
                elif locked:
                    await _roll_back(line)
                return judged.results
            except Exception as error:
                if _is_lost(line, error):
                    self._watch.again("lost")
                    if await self._reconnect(line) and judged is not None:
                        return judged.results
                    continue
                line.in_doubt = False  # the database itself said no
                await _roll_back(line)
                tries += 1
                trusting = False
                why = _why_again(error)
                if why == "unique":
                    # Whoever came first is durable by now, so another reading explains it, unless it is our own bug.
                    conflict = (getattr(error, "constraint_name", None), getattr(error, "detail", None))
                    if conflict in conflicts:
                        raise
                    conflicts.add(conflict)
                elif why == "mark":
                    await _hang_up(line)
                    line.mark, line.batch = uuid4(), 0
                elif why is None:
                    raise
                self._watch.again(why)
                if tries >= TRIES:
                    raise Busy("too many change the same things at once") from error

    async def _judge(self, line: _Line, units: Sequence[Unit], *, trusting: bool, locked: bool) -> Judgement:
        """Read and judge. locked: what is read stays so until the end of the transaction."""
        wanted = Wanted(units, trusting=trusting)
        if locked:
            await self._lock(line, wanted)
        facts = await self._facts(line, wanted)
        released = _rows_of_released(units, facts.holds)
        if released and not locked:
            more = Wanted(())
            for change, lane in released:
                more.want_row(change, lane)
            rows = await self._facts(line, more)
            facts = facts._replace(states={**facts.states, **rows.states})
        return judge(units, facts)

    async def _facts(self, line: _Line, wanted: Wanted) -> Facts:
        statement = self._read.statement(wanted)
        if statement is None:
            return Facts({}, {}, {}, {}, wanted.trusting)
        sql, arguments, parts = statement
        return self._read.facts(wanted, parts, await line.connection.fetchrow(sql, *arguments))

    async def _lock(self, line: _Line, wanted: Wanted) -> None:
        """Lock what is wanted, and what the wanted holds concern, in the order in which a write touches it."""
        if wanted.holds:
            await self._lock_part(line, wanted, "hold")
            ended = Wanted(())
            ended.holds = wanted.holds
            ended.released = wanted.released
            for hold in (await self._facts(line, ended)).holds.values():
                wanted.want_accounts(account for leg in hold.legs for account in (leg.source, leg.target))
                for change in hold.on_release:
                    wanted.want_row(change, hold.lane)
        for kind in sorted(wanted.rows):
            await self._lock_part(line, wanted, kind)
        for table in ("account", "shared_account"):
            await self._lock_part(line, wanted, table)

    async def _lock_part(self, line: _Line, wanted: Wanted, name: str) -> None:
        statement = self._read.lock(wanted, name)
        if statement is not None:
            sql, arguments = statement
            await line.connection.fetchval(sql, *arguments)

    async def _store(self, line: _Line, judged: Judgement, locked: bool) -> None:
        line.batch += 2
        sql, arguments = self._write.statement(judged, line.mark, line.batch)
        line.in_doubt = True
        await line.connection.fetchval(sql, *arguments)
        if locked:
            await line.connection.execute("commit")
        line.in_doubt = False

    async def _release_due(self, line: _Line, at: datetime, limit: int | None = None) -> int:
        """Release holds that have expired by `at`, as ordinary units. Returns how many are gone by this."""
        gone = 0
        while limit is None or gone < limit:
            take = SWEEP if limit is None else min(SWEEP, limit - gone)
            due = await line.connection.fetch(HOLDS_DUE, LANES, at, take)
            units = [
                Unit(id=new_id(lane, at), lane=lane, at=at, end_holds=(EndHold(id, capture=False),)) for lane, id in due
            ]
            answers = await self._settle(line, units)
            if signals := [told for answer in answers if isinstance(answer, Committed) for told in answer.signals]:
                task = asyncio.get_running_loop().create_task(self._tell(signals))  # no batch waits for this
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            ended = sum(isinstance(answer, Committed | Gone) for answer in answers)
            gone += ended
            if len(due) < take or not ended:
                break
        return gone

    # --- connections

    async def _connect(self, line: _Line) -> None:
        line.connection = await connect_ledger(self._dsn, application=self._application)
        await line.connection.execute(NEW_MARK, line.mark, 0)

    async def _reconnect(self, line: _Line) -> bool:
        """Connect anew. True: the batch that was under way when the connection was lost is durable.

        Raises DatabaseUnreachable after `patience_s`; then nobody knows.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience_s
        pause = 0.02
        while True:
            await _hang_up(line)
            try:
                await self._connect(line)
                if not line.in_doubt:
                    return False
                # Waits for the lost transaction if it is still running, and keeps it from ever committing if it is not.
                await line.connection.execute(MOVE_MARK, line.mark, line.batch)
                stands = await line.connection.fetchval(MARK, line.mark)
                line.in_doubt = False
                return bool(stands == line.batch)
            except Exception as error:
                if not _is_lost(line, error):
                    raise
                if loop.time() > until:
                    await _hang_up(line)
                    line.mark, line.batch, line.in_doubt = uuid4(), 0, False
                    if isinstance(error, DatabaseUnreachable):
                        raise
                    raise unreachable(self._dsn, error) from error
            await asyncio.sleep(pause)
            pause = min(2 * pause, 1.0)


def _take(queue: "deque[_Waiting]", count: int, batch: "list[_Waiting]") -> None:
    for _ in range(count):
        item = queue.popleft()
        if not item[1].done():  # its caller may have gone
            batch.append(item)


def _rows_of_released(units: Iterable[Unit], holds: Mapping[HoldKey, OpenHold]) -> list[tuple[Change, int]]:
    """What the holds that these units give back bring along, with the holds' lanes."""
    if not holds:
        return []
    return [
        (change, unit.lane)
        for unit in units
        for end in unit.end_holds
        if not end.capture and (hold := holds.get((unit.lane, end.id.int))) is not None
        for change in hold.on_release
    ]


async def _hang_up(line: _Line) -> None:
    connection, line.connection = line.connection, None
    if connection is not None:
        connection.terminate()


async def _roll_back(line: _Line) -> None:
    if line.connection.is_in_transaction():
        try:
            await line.connection.execute("rollback")
        except _GONE:
            await _hang_up(line)  # the server rolls it back then


_GONE = (
    OSError,
    TimeoutError,
    DatabaseUnreachable,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.ReadOnlySQLTransactionError,  # the server became a replica: another one is the primary now
)


def _is_lost(line: _Line, error: Exception) -> bool:
    """Whether the connection is of no more use, so that what was under way on it is not known."""
    return isinstance(error, _GONE) or line.connection is None or line.connection.is_closed()


def _why_again(error: Exception) -> str | None:
    """Why another try may go through; None: it would not."""
    match getattr(error, "sqlstate", None):
        case "LG001":
            return "moved"
        case "LG002":
            return "mark"
        case "40P01" | "40001":
            return "deadlock"
        case "23505" | "23P01":
            return "unique"
        case _:
            return None


def _discreet(error: Exception) -> Exception:
    """The error without the row that it quotes: it will be logged, and the row may say who somebody is."""
    if isinstance(error, asyncpg.PostgresError):
        error.detail = None
    return error


def _copy(error: Exception) -> HallError:
    """An error for one caller of several: each raises his own."""
    if isinstance(error, HallError):
        copied = type(error)(*error.args)
        copied.__cause__ = error.__cause__
        return copied
    broken = Broken(f"a commit failed: {type(error).__name__}")
    broken.__cause__ = _discreet(error)
    return broken
