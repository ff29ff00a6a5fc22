"""The claim: many customers at once want one hot quota. The group commit beside the same rows written unchecked.

Everything a claim truly writes is written: the request, four journal rows, the card's limit and the coupon's account,
the grant, the coupon, the promise. Quota and budget line are one row each for all. The bound inserts these very rows in
full batches from one connection, nothing read, judged or guarded, its arguments made before the clock starts. So are
the units of the others: what is measured is the ledger, from a caller's unit to his answer.

Every cell is checked when it has ended: the laws of the ledger hold over the whole database. The sell-out has 50,000
places, 200,000 requests from two processes, the same customers and request ids in both: exactly 50,000 are committed.
"""

import asyncio
import gc
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf
from time import perf_counter
from typing import Any
from uuid import UUID

import asyncpg

from domain.kernel.ids import lane_of, new_id
from domain.ledger import keys
from domain.ledger.judge import Facts, Tally, judge
from domain.ledger.moves import post
from domain.ledger.unit import Committed, Opening, Request, Unit
from infra.bench.frame import Cell, Gate, Median, Meter, Result, Sample, Servers, interleave, times_quicker
from infra.db.batch import Write
from infra.db.commit import GroupCommit
from infra.db.manifest import read_columns
from infra.db.migrate import migrate
from infra.db.pool import connect_ledger
from infra.db.reconcile import reconcile

CALLERS = 512
BATCH = 512
CONNECTIONS = 16
PLENTY = 10**12
LONGEST_S = 2.0
PLACES = 50_000
REQUESTS = 200_000
PEOPLE = 240_000
COST = 5_000
AT = datetime(2026, 10, 2, 2, 0, tzinfo=UTC)
"""A Friday, 10:00 in Shanghai."""

CAMPAIGN, OFFER, LINE = "smart-life", "friday", "rewards"
QUOTA, GRANTED = keys.quota(CAMPAIGN, OFFER), keys.granted(CAMPAIGN, OFFER)
BUDGET, SPENT = keys.budget(CAMPAIGN, LINE), keys.spent(CAMPAIGN, LINE)
USED, ISSUED = keys.used(OFFER), keys.issued(OFFER)

# --- what a claim is


def claim(number: int, request: UUID | None = None, at: datetime = AT) -> Unit:
    """The claim of customer `number`, as the use case makes it."""
    customer = f"C{number}"
    lane = lane_of(customer)
    coupon, grant = new_id(lane, at), new_id(lane, at)
    purse = keys.coupon(coupon)
    allowance = keys.limit(CAMPAIGN, OFFER, per="card", who=f"K{number}", period="2026-10-02", lane=lane)
    expires_at = at + timedelta(days=7)
    return Unit(
        id=new_id(lane, at),
        lane=lane,
        at=at,
        request=Request(customer, request or new_id(lane, at), number),
        moves=(
            post(1, QUOTA, GRANTED, "QUOTA"),
            post(1, allowance, USED, "LIMIT"),
            post(COST, BUDGET, SPENT, "BUDGET"),
            post(1, ISSUED, purse, "COUPON"),
        ),
        opens={allowance: Opening(1)},
        fresh=[purse],
        rows={
            "offer_grant": [
                {
                    "lane": lane, "id": grant, "customer": customer, "campaign": CAMPAIGN, "version": 1, "offer": OFFER,
                    "by": "CLAIM", "cause": "2026-10-02#1", "round": 1, "status": "GIVEN", "at": at, "cost": COST,
                    "line": LINE, "details": "{}",
                }
            ],
            "coupon": [
                {
                    "lane": lane, "id": coupon, "customer": customer, "offer_grant": grant, "campaign": CAMPAIGN,
                    "version": 1, "offer": OFFER, "kind": "CASH", "status": "AVAILABLE", "title_zh": "周五嗨购券",
                    "title_en": "Friday coupon", "value": COST, "min_spend": 20_000,
                    "merchant_groups": ["friday-market", "friday-dining"], "valid_from": at, "expires_at": expires_at,
                    "changed_at": at,
                }
            ],
            "outbox": [
                {
                    "lane": lane, "id": new_id(lane, at), "topic": "message", "due_at": at, "created_at": at,
                    "payload": f'{{"customer":"{customer}","offer":"friday"}}',
                }
            ],
        },
        answer=f'{{"coupons":["{coupon}"],"grant":"{grant}"}}',
    )  # fmt: skip


def claims(seconds: float) -> list[Unit]:
    """More than so many seconds need, everyone another customer's; a longer cell ends when all are answered."""
    chance = random.Random()
    return [claim(chance.getrandbits(40)) for _ in range(int(40_000 * min(seconds, LONGEST_S)) + CALLERS)]


# --- the database


_TABLES = "account, shared_account, journal, request, hold, offer_grant, coupon, outbox, commit_mark"


async def fill(dsn: str, *, places: int = PLENTY) -> None:
    """An empty hall with `places` places and budget for all of them."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"truncate {_TABLES}")
    finally:
        await connection.close()
    async with GroupCommit(dsn, in_flight=1) as ledger:
        total = [
            post(places, keys.issued_total(CAMPAIGN, OFFER), QUOTA, "TOTAL"),
            post(places * COST, keys.issued_total(CAMPAIGN, LINE), BUDGET, "TOTAL"),
        ]
        await ledger.commit(Unit(id=new_id(QUOTA.lane, AT), lane=QUOTA.lane, at=AT, moves=total))
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("vacuum analyze account, shared_account, request, offer_grant, coupon, outbox")
    finally:
        await connection.close()


class Wrong(Exception):
    """A benchmark's result is not right, so its speed is of no interest."""


async def check(dsn: str, claims: int, *, running: bool = True) -> None:
    """Raises Wrong unless the database holds exactly these claims and every law holds (running: of balances too)."""
    connection = await asyncpg.connect(dsn)
    try:
        counts = await connection.fetchrow(
            "select (select count(*) from request), (select count(*) from offer_grant), (select count(*) from coupon),"
            " (select count(*) from outbox), (select count(*) from journal) / 4"
        )
        if set(counts) != {claims}:
            raise Wrong(f"{claims} claims were answered and {tuple(counts)} are there")
        if broken := [law for law in await reconcile(connection) if not law.ok and (running or law.number != 1)]:
            raise Wrong(f"{broken[0].name}: {broken[0].detail}")
    finally:
        await connection.close()


# --- cells


def settle() -> None:
    """What was made before the clock starts shall not be looked through by the collector again and again."""
    gc.collect()
    gc.freeze()


@dataclass(slots=True)
class Driven:
    """What callers were answered, and how long each waited."""

    seconds: float
    answers: Counter[str]
    waits: list[float]

    def wait_ms(self, share: float) -> float:
        ordered = sorted(self.waits)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1e3


async def drive(ledger: GroupCommit, callers: int, units: Iterator[Unit], seconds: float = inf) -> Driven:
    """`callers` who commit one of the units after another; every answer must be the unit's own."""
    answers: Counter[str] = Counter()
    waits: list[float] = []
    end = perf_counter() + seconds

    async def caller() -> None:
        for unit in units:
            began = perf_counter()
            result = await ledger.submit(unit)
            now = perf_counter()
            waits.append(now - began)
            answers[type(result).__name__] += 1
            if now > end:
                break
            if isinstance(result, Committed) and result.answer != unit.answer:
                raise Wrong("another unit's answer")

    began = perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return Driven(perf_counter() - began, answers, waits)


def grouped(servers: Servers, dsn: str, seconds: float, *, in_flight: int, batch_limit: int = BATCH) -> Cell:
    """One process, `CALLERS` callers."""

    async def cell() -> Sample:
        await fill(dsn)
        async with GroupCommit(dsn, in_flight=in_flight, batch_limit=batch_limit) as ledger:
            units = claims(seconds)
            settle()
            meter = Meter(servers.pg_pid)
            meter.start()
            driven = await drive(ledger, CALLERS, iter(units), seconds)
            count = driven.answers["Committed"]
            sample = meter.stop(count, p50_ms=driven.wait_ms(0.5), p99_ms=driven.wait_ms(0.99))
        await check(dsn, count)
        return sample

    return cell


_UNCHECKED = """
create or replace function claim_unchecked(
    p_mark uuid, p_batch bigint, p_missing bigint,
    a_lane int[], a_key text[], a_db bigint[], a_dh bigint[], a_low bigint[],
    b_lane int[], b_key text[], b_opened bigint[], b_floor bigint[], b_overdraw boolean[], b_db bigint[], b_dh bigint[],
    s_lane int[], s_key text[], s_db bigint[], s_dh bigint[], s_low bigint[],
    t_lane int[], t_key text[], t_opened bigint[], t_floor bigint[], t_overdraw boolean[], t_db bigint[], t_dh bigint[],
    u_id uuid[], u_lane int[], u_at timestamptz[],
    k_lane int[], k_key text[],
    j_unit int[], j_n smallint[], j_op smallint[], j_reason text[], j_units bigint[],
    j_src int[], j_src_db bigint[], j_dst int[], j_dst_db bigint[]
) returns void language plpgsql as $$
declare
    v_lane int[] := a_lane || b_lane || s_lane || t_lane || k_lane;
    v_key text[] := a_key || b_key || s_key || t_key || k_key;
    v_day date := (statement_timestamp() at time zone 'Asia/Shanghai')::date;
begin
    insert into account (lane, key, opened, floor, balance, held, overdraw)
        select lane, key, opened, floor, opened + db, dh, overdraw
        from (
            select unnest(b_lane) lane, unnest(b_key) key, unnest(b_opened) opened, unnest(b_floor) floor,
                unnest(b_overdraw) overdraw, unnest(b_db) db, unnest(b_dh) dh
        ) u;
    insert into journal (day, at, lane, unit, n, op, reason, src_lane, src, dst_lane, dst, units, src_after, dst_after)
        select v_day, u_at[unit], u_lane[unit], u_id[unit], n, op, reason,
            v_lane[src], v_key[src], v_lane[dst], v_key[dst], units, src_db, dst_db
        from (
            select unnest(j_unit) unit, unnest(j_n) n, unnest(j_op) op, unnest(j_reason) reason, unnest(j_units) units,
                unnest(j_src) src, unnest(j_src_db) src_db, unnest(j_dst) dst, unnest(j_dst_db) dst_db
        ) u;
    for i in 1 .. cardinality(s_lane) loop
        update shared_account set balance = balance + s_db[i] where lane = s_lane[i] and key = s_key[i];
    end loop;
end $$
"""


def unchecked(servers: Servers, dsn: str, seconds: float) -> Cell:
    """The bound. Its journal's running balances are not right, since nothing was read; all else is."""

    async def cell() -> Sample:
        await fill(dsn)
        connection = await connect_ledger(dsn)
        try:
            await connection.execute(_UNCHECKED)
            write = Write(await read_columns(connection))
            units = claims(seconds)
            batches = [
                unchecked_statement(write, units[start : start + BATCH])
                for start in range(0, len(units) - BATCH + 1, BATCH)
            ]
            settle()
            meter = Meter(servers.pg_pid)
            meter.start()
            end, done = perf_counter() + seconds, 0
            for sql, arguments in batches:
                await connection.fetchval(sql, *arguments)
                done += BATCH
                if perf_counter() > end:
                    break
            sample = meter.stop(done)
        finally:
            await connection.close()
        await check(dsn, done, running=False)
        return sample

    return cell


def unchecked_statement(write: Write, units: Sequence[Unit]) -> tuple[str, list[Any]]:
    """The very arguments of the commit, in a statement that checks nothing."""
    hot = {account: Tally(account, PLENTY, 0, 0, False, False) for account in (QUOTA, BUDGET)}
    judged = judge(units, Facts(hot, {}, {}, {}))
    sql, arguments = write.statement(judged, UUID(int=0), 0)
    sql = sql.replace("ledger_write", "claim_unchecked").replace(" returning 1)", ")")
    return re.sub(r"\$3::bigint - \(.*?\), \$4", "$3::bigint, $4", sql), arguments


def processes(servers: Servers, dsn: str, seconds: float, count: int) -> Cell:
    """So many processes of one hall, `CALLERS` callers together."""

    async def cell() -> Sample:
        await fill(dsn)
        workers = [await Worker.start(dsn, number, CALLERS // count) for number in range(count)]
        await asyncio.gather(*(worker.tell({"seconds": seconds}) for worker in workers))
        meter = Meter(servers.pg_pid, [worker.pid for worker in workers])
        meter.start()
        told = await asyncio.gather(*(worker.tell("go") for worker in workers))
        done = sum(one["answers"].get("Committed", 0) for one in told)
        sample = meter.stop(done, p50_ms=max(one["p50_ms"] for one in told), p99_ms=max(one["p99_ms"] for one in told))
        await asyncio.gather(*(worker.stop() for worker in workers))
        await check(dsn, done)
        return sample

    return cell


async def sell_out(dsn: str, *, places: int = PLACES, requests: int = REQUESTS, people: int = PEOPLE) -> str:
    """More requests than places, from two processes that know the same people. Returns what happened; raises Wrong."""
    await fill(dsn, places=places)
    workers = [await Worker.start(dsn, number, CALLERS) for number in range(2)]
    await asyncio.gather(*(worker.tell({"requests": requests // 2, "people": people}) for worker in workers))
    began = perf_counter()
    told = await asyncio.gather(*(worker.tell("go") for worker in workers))
    seconds = perf_counter() - began
    await asyncio.gather(*(worker.stop() for worker in workers))
    answers: Counter[str] = Counter()
    for one in told:
        answers.update(one["answers"])
    if answers["Committed"] != places:
        raise Wrong(f"{answers['Committed']} of {places} places were given")
    await check(dsn, places)
    return f"{answers.total():,} requests in {seconds:.1f} s: {dict(answers)}"


class Worker:
    """Another process of the same hall: connects, gets ready for its task, does it when told to. Speaks JSON lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    @classmethod
    async def start(cls, dsn: str, number: int, callers: int) -> "Worker":
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "infra.bench.claim", str(number), str(callers),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        worker = cls(process)
        await worker.tell({"dsn": dsn})  # by stdin: it holds a password
        return worker

    async def tell(self, message: Any) -> Any:
        """Send one message and wait for its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        return json.loads(await self._process.stdout.readline())

    async def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


async def work(number: int, callers: int) -> None:
    """What a Worker's process does."""
    gc.set_threshold(100_000, 50, 100)
    loop = asyncio.get_running_loop()

    async def next_message() -> Any:
        line = await loop.run_in_executor(None, sys.stdin.readline)
        return json.loads(line) if line else None

    async with GroupCommit((await next_message())["dsn"], in_flight=1) as ledger:
        _say("ready")
        task = await next_message()
        if "requests" in task:
            chance, known = random.Random(number), random.Random(7)
            ids = [UUID(bytes=known.randbytes(16), version=4) for _ in range(task["people"])]
            units: Iterator[Unit] = (
                claim(person, ids[person]) for person in chance.choices(range(len(ids)), k=task["requests"])
            )
        else:
            units = iter(claims(task["seconds"]))
        settle()
        _say("steady")
        await next_message()
        driven = await drive(ledger, callers, units, task.get("seconds", inf))
        _say({"answers": driven.answers, "p50_ms": driven.wait_ms(0.5), "p99_ms": driven.wait_ms(0.99)})
        await next_message()


def _say(answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


# --- the run

ONE, TWO, BOUND = "1 batch under way", "2 batches under way", "the same rows, unchecked"
EACH, PROCESSES = f"a transaction each, {CONNECTIONS} connections", "2 processes"


async def run(
    servers: Servers, *, rounds: int, seconds: float, quick: bool, say: Callable[[str], None]
) -> list[Result]:
    database = "bench_claim"
    admin = await asyncpg.connect(servers.postgres.dsn_of("postgres"))
    try:
        await admin.execute(f"create database {database}")
    finally:
        await admin.close()
    dsn = servers.postgres.dsn_of(database)
    await migrate(dsn)
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)  # as a serving process does
    try:
        cells: dict[str, Cell] = {
            BOUND: unchecked(servers, dsn, seconds),
            ONE: grouped(servers, dsn, seconds, in_flight=1),
            TWO: grouped(servers, dsn, seconds, in_flight=2),
            EACH: grouped(servers, dsn, seconds, in_flight=CONNECTIONS, batch_limit=1),
            PROCESSES: processes(servers, dsn, seconds, 2),
        }
        medians = await interleave(cells, rounds, say=say)
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
    say("sell-out")
    scale = 20 if quick else 1
    sold = await sell_out(dsn, places=PLACES // scale, requests=REQUESTS // scale, people=PEOPLE // scale)
    return [
        Result(
            name="claim",
            title=f"Claim of one hot quota, {CALLERS} callers, durable",
            unit="claims",
            bound=BOUND,
            cells=medians,
            gates=gates(medians),
            notes=[f"sell-out from 2 processes, {sold}"],
        )
    ]


def gates(medians: Mapping[str, Median]) -> list[Gate]:
    bound, one, two = medians[BOUND], medians[ONE], medians[TWO]
    return [
        Gate("rate, 1 batch under way / bound", one.rate / bound.rate, 0.5),
        Gate("rate, 2 batches under way / bound", two.rate / bound.rate, 0.6),
        Gate("PostgreSQL CPU a claim, bound / 1 batch under way", bound.pg_us / one.pg_us, 0.75),
        times_quicker("rate, 1 batch under way / a transaction each", one, medians[EACH], 20),
        times_quicker("rate, 2 batches under way / a transaction each", two, medians[EACH], 20),
        Gate("rate, 2 processes / 1 process", medians[PROCESSES].rate / one.rate, 1.3),
    ]


if __name__ == "__main__":
    import uvloop

    uvloop.run(work(int(sys.argv[1]), int(sys.argv[2])))
