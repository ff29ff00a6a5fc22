"""What every benchmark shares: servers of its own, cells measured in turn, medians, gates, and the report.

Only ratios inside one run count. All contenders of a comparison are up together and are measured one after the other,
round after round, with the order rotated; figures are medians over the rounds. CPU microseconds an operation move less
than rates on a machine shared with others, so both are shown.
"""

import json
import os
import shutil
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import asyncpg
from rich.console import Console
from rich.table import Table

from infra.db.migrate import migrate
from infra.embedded import EmbeddedPostgres, EmbeddedValkey
from infra.home import open_home

POSTGRES: Mapping[str, str] = {
    "shared_buffers": "1GB",
    "effective_cache_size": "4GB",
    "work_mem": "32MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "20min",
    "autovacuum": "off",  # vacuumed by hand after filling, so that no round pays for another's rows
}
"""On top of durable settings: fsync and synchronous_commit stay on."""


# --- what is measured


@dataclass(frozen=True, slots=True)
class Sample:
    """One cell of one round.

    rate: operations a second. own_us, pg_us: CPU microseconds an operation of our processes and of PostgreSQL.
    extra: other figures of the cell, by name (p50_ms, p99_ms ...).
    """

    rate: float
    own_us: float
    pg_us: float
    extra: Mapping[str, float] = field(default_factory=dict)

    @property
    def cpu_us(self) -> float:
        return self.own_us + self.pg_us


Cell = Callable[[], Awaitable[Sample]]


@dataclass(frozen=True, slots=True)
class Median:
    """The medians of a cell over its rounds. spread: (highest - lowest) / median of the rate."""

    rate: float
    own_us: float
    pg_us: float
    spread: float
    extra: Mapping[str, float]

    @property
    def cpu_us(self) -> float:
        return self.own_us + self.pg_us


@dataclass(frozen=True, slots=True)
class Gate:
    """A figure that must hold. at_least: the value must reach `limit`; otherwise it must stay at or under it.

    by_cpu: the same ratio by CPU time instead of rate, which moves less on a machine with other work. A gate that has
    it is missed only when both fall short by more than a tenth.
    """

    name: str
    value: float
    limit: float
    at_least: bool = True
    by_cpu: float | None = None

    @property
    def ok(self) -> bool:
        if not self.at_least:
            return self.value <= self.limit
        if self.by_cpu is None:
            return self.value >= self.limit
        return max(self.value, self.by_cpu) >= 0.9 * self.limit

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        beside = "" if self.by_cpu is None else f", by CPU {figure(self.by_cpu)}"
        return (
            f"{'ok    ' if self.ok else 'MISSED'} {self.name}: {figure(self.value)}{beside}"
            f" (gate {sign} {figure(self.limit)})"
        )


def times_quicker(name: str, ours: "Median", other: "Median", limit: float) -> Gate:
    """Ours at least `limit` times as quick as the other."""
    return Gate(name, ours.rate / other.rate, limit, by_cpu=other.cpu_us / ours.cpu_us)


@dataclass(frozen=True, slots=True)
class Result:
    """One comparison. unit: what an operation is. bound: the cell that all others are put beside."""

    name: str
    title: str
    unit: str
    bound: str
    cells: Mapping[str, Median]
    gates: Sequence[Gate]
    notes: Sequence[str] = ()

    @property
    def ok(self) -> bool:
        return all(gate.ok for gate in self.gates)


class Run(Protocol):
    """What a benchmark's module offers as `run`."""

    async def __call__(
        self, servers: "Servers", *, rounds: int, seconds: float, quick: bool, say: Callable[[str], None]
    ) -> list[Result]:
        """
        Args:
            seconds: how long a cell lasts, about.
            quick: little history; figures that only show that it runs.
            say: told what goes on meanwhile.
        """
        ...


async def interleave(cells: Mapping[str, Cell], rounds: int, *, say: Callable[[str], None]) -> dict[str, Median]:
    """Run every cell once a round, beginning with another one each time, and give the medians."""
    names = list(cells)
    seen: dict[str, list[Sample]] = {name: [] for name in names}
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            seen[name].append(await cells[name]())
        say(f"round {number + 1} of {rounds}, load {os.getloadavg()[0]:.1f}")
    return {name: median(samples) for name, samples in seen.items()}


def median(samples: Sequence[Sample]) -> Median:
    middle = statistics.median
    rates = [sample.rate for sample in samples]
    names = dict.fromkeys(name for sample in samples for name in sample.extra)
    return Median(
        rate=middle(rates),
        own_us=middle(sample.own_us for sample in samples),
        pg_us=middle(sample.pg_us for sample in samples),
        spread=(max(rates) - min(rates)) / max(middle(rates), 1e-9),
        extra={name: middle(sample.extra[name] for sample in samples if name in sample.extra) for name in names},
    )


# --- CPU time, from /proc


_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of(*pids: int) -> float:
    """CPU seconds of these processes and all they started, those that ended and were waited for included."""
    times, children = _processes()
    todo, total = list(pids), 0.0
    while todo:
        pid = todo.pop()
        total += times.get(pid, 0.0)
        todo += children.get(pid, [])
    return total


def _processes() -> tuple[dict[int, float], dict[int, list[int]]]:
    times: dict[int, float] = {}
    children: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            fields = Path(entry.path, "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has just ended
        pid = int(entry.name)
        times[pid] = sum(map(int, fields[11:15])) / _TICKS
        children.setdefault(int(fields[1]), []).append(pid)
    return times, children


class Meter:
    """Measures the wall and CPU time between `start` and `stop`.

    Args:
        pg: pid of PostgreSQL's first process.
        own: pids of our processes; none stands for this process alone, without what it started.
    """

    def __init__(self, pg: int, own: Iterable[int] = ()) -> None:
        self._pg = pg
        self._own = tuple(own)

    def start(self) -> None:
        self._pg_before, self._own_before = cpu_of(self._pg), self._own_cpu()
        self._began = time.perf_counter()

    def stop(self, operations: int, **extra: float) -> Sample:
        seconds = time.perf_counter() - self._began
        own, pg = self._own_cpu() - self._own_before, cpu_of(self._pg) - self._pg_before
        count = max(operations, 1)
        return Sample(operations / seconds, own / count * 1e6, pg / count * 1e6, extra)

    def _own_cpu(self) -> float:
        return cpu_of(*self._own) if self._own else time.process_time()


# --- servers


@dataclass(frozen=True, slots=True)
class Servers:
    """PostgreSQL with durable settings and Valkey, both the benchmark's own."""

    postgres: EmbeddedPostgres
    valkey: EmbeddedValkey
    home: Path

    @property
    def pg_pid(self) -> int:
        assert self.postgres.pid is not None
        return self.postgres.pid


@asynccontextmanager
async def own_servers(place: Path) -> AsyncIterator[Servers]:
    """Servers in `place`, which should be on the disk that is to be measured. All of it is taken away afterwards.

    Raises HomeInUse when another benchmark runs there.
    """
    home = open_home(place)
    lock = home.lock()
    lock.take()
    for left in ("postgres", "postgres.new", "valkey"):
        shutil.rmtree(home.path / left, ignore_errors=True)
    postgres = EmbeddedPostgres(home, durable=True, settings=POSTGRES)
    valkey = EmbeddedValkey(home)
    try:
        await postgres.start()
        await valkey.start()
        yield Servers(postgres, valkey, home.path)
    finally:
        await valkey.stop()
        await postgres.stop()
        shutil.rmtree(home.path, ignore_errors=True)
        lock.give_back()


async def new_database(servers: Servers, name: str) -> str:
    """The DSN of a database of this name: fresh, migrated, empty."""
    admin = await asyncpg.connect(servers.postgres.dsn_of("postgres"))
    try:
        await admin.execute(f"drop database if exists {name} with (force)")
        await admin.execute(f"create database {name}")
    finally:
        await admin.close()
    dsn = servers.postgres.dsn_of(name)
    await migrate(dsn)
    return dsn


# --- the report


def figure(value: float) -> str:
    """A number as a reader wants it: two or three digits that count."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def show(console: Console, result: Result) -> None:
    bound = result.cells[result.bound]
    extras = list(dict.fromkeys(name for cell in result.cells.values() for name in cell.extra))
    table = Table(title=result.title, title_justify="left", title_style="bold")
    table.add_column("", no_wrap=True)
    for head in (f"{result.unit}/s", "/ bound", "our us", "pg us", "CPU / bound", *extras, "spread"):
        table.add_column(head, justify="right")
    for name, cell in result.cells.items():
        table.add_row(
            name,
            figure(cell.rate),
            figure(cell.rate / bound.rate),
            figure(cell.own_us),
            figure(cell.pg_us),
            figure(cell.cpu_us / bound.cpu_us) if bound.cpu_us else "",
            *(figure(cell.extra[extra]) if extra in cell.extra else "" for extra in extras),
            figure(cell.spread),
        )
    console.print(table)
    for note in result.notes:
        console.print(note, highlight=False)
    for gate in result.gates:
        console.print(str(gate), style=None if gate.ok else "bold red", highlight=False)


def as_json(results: Sequence[Result], *, rounds: int, seconds: float) -> str:
    """Everything shown, for machines."""
    found: dict[str, Any] = {
        "rounds": rounds,
        "seconds": seconds,
        "cores": os.cpu_count(),
        "results": [asdict(result) | {"ok": result.ok} for result in results],
    }
    return json.dumps(found, indent=1, ensure_ascii=False)


def for_seconds(seconds: float) -> Callable[[], bool]:
    """True until `seconds` from now have passed."""
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() < end
