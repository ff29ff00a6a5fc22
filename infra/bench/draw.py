"""The draw: many customers at once draw in one draw, so that all of them meet at one chain and one stock.

Everything a draw truly writes is written: the request, the chance's end, the chain's next entry and head, the result,
the prize as a grant with its coupon or its delivery and promise, stock and budget. "One call each" is the same unit
alone in its transaction: the chain makes draws follow each other, so one connection is as good as many; both are shown,
and the gate is held against the better one. Chances are made before the clock starts.

Every cell is checked when it has ended: the laws hold, the chain is whole, and the record says what was answered.
"""

import asyncio
import gc
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from time import perf_counter
from uuid import UUID

import asyncpg

from domain.kernel.ids import lane_of, new_id
from domain.ledger import keys
from domain.ledger.moves import post
from domain.ledger.unit import Committed, Request, Unit
from domain.lottery.chain import Head, beginning
from domain.lottery.decide import DrawTurn, undecided
from domain.lottery.facts import ChanceFacts, DrawOf, Secret
from domain.lottery.roll import commitment_of
from domain.lottery.verify import Day, verify
from domain.offers.catalog import OfferOf
from infra.bench.claim import Wrong
from infra.bench.frame import (
    Cell,
    Gate,
    Median,
    Meter,
    Result,
    Sample,
    Servers,
    interleave,
    new_database,
    times_quicker,
)
from infra.campaigns.loader import HERE, load_campaign
from infra.db.commit import GroupCommit
from infra.db.reconcile import reconcile
from infra.db.stores.lottery import DrawRecord

CALLERS = 512
BATCH = 512
CONNECTIONS = 16
PLENTY = 10**12
AT = datetime(2026, 10, 5, 4, 0, tzinfo=UTC)
DAY = date(2026, 10, 5)
_TABLES = (
    "account, shared_account, journal, request, hold, offer_grant, coupon, delivery, outbox, commit_mark, draw_chance,"
    " draw_chain, draw_entry, draw_result, draw_secret"
)


@dataclass(frozen=True, slots=True)
class Booth:
    """The shipped wake-up draw with stock for the run, its offer, and the day's secret."""

    of: DrawOf
    offer: OfferOf
    secret: Secret


def booth() -> Booth:
    text = (HERE / "smart-life.yaml").read_text(encoding="utf-8")
    campaign = load_campaign(text, file="", starts_on=date(2026, 10, 1), version=1, elsewhere=None).campaign
    draw, offer = campaign.draw("wake-up"), campaign.offer("wake-up-draw")
    if draw is None or offer is None:
        raise Wrong("the shipped plan has no wake-up draw any more")
    prizes = tuple(replace(prize, stock=None if prize.stock is None else PLENTY) for prize in draw.prizes)
    key = secrets.token_bytes(32)
    return Booth(
        DrawOf(campaign, replace(draw, prizes=prizes)), OfferOf(campaign, offer), Secret(DAY, commitment_of(key), key)
    )


async def fill(dsn: str, booth: Booth, chances: int) -> Iterator[ChanceFacts]:
    """An empty hall with stock and budget for all, and so many open chances, each another customer's."""
    of = booth.of
    made = []
    for n in range(chances):
        lane = lane_of(f"C{n}")
        made.append(
            ChanceFacts(
                new_id(lane, AT), f"C{n}", of.campaign.code, booth.offer.offer.code, of.draw.code, 0,
                AT + timedelta(days=30),
            )
        )  # fmt: skip
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"truncate {_TABLES}")
        row = of.chain
        await connection.execute(
            "insert into draw_chain values ($1, $2, $3, $4, now())",
            row.lane, *of.key, Head(0, date.min, beginning(of.name)).text(),
        )  # fmt: skip
        await connection.execute(
            "insert into draw_secret (lane, campaign, draw, day, commitment, sealed) values ($1, $2, $3, $4, $5, '')",
            row.lane, *of.key, DAY, booth.secret.commitment,
        )  # fmt: skip
        await connection.copy_records_to_table(
            "account",
            columns=("lane", "key", "balance", "opened"),
            records=[(lane_of(one.customer), keys.chance(one.id).key, 1, 1) for one in made],
        )
        await connection.copy_records_to_table(
            "draw_chance",
            columns=(
                "lane", "id", "customer", "offer_grant", "campaign", "version", "offer", "draw", "status",
                "expires_at", "at", "changed_at",
            ),
            records=[
                (
                    lane_of(one.customer), one.id, one.customer, one.id, one.campaign, 1, one.offer, one.draw, "OPEN",
                    one.expires_at, AT, AT,
                )
                for one in made
            ],
        )  # fmt: skip
    finally:
        await connection.close()
    async with GroupCommit(dsn, in_flight=1) as ledger:
        lane = of.chain.lane
        totals = [
            post(
                PLENTY,
                keys.issued_total(of.campaign.code, f"{of.draw.code}|{prize.code}"),
                of.stocks[prize.code],
                "ISSUED",
            )
            for prize in of.draw.prizes
            if prize.stock
        ]
        budget = keys.budget(of.campaign.code, of.draw.line)
        totals.append(post(PLENTY, keys.issued_total(of.campaign.code, of.draw.line), budget, "ISSUED"))
        await ledger.commit(Unit(id=new_id(lane, AT), lane=lane, at=AT, moves=totals))
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("vacuum analyze account, shared_account, draw_chance, draw_chain")
    finally:
        await connection.close()
    return iter(made)


def turn(booth: Booth, chance: ChanceFacts, request: UUID | None = None) -> Unit:
    """The draw as the use case sends it."""
    lane = lane_of(chance.customer)
    order = DrawTurn(
        of=booth.of, offer=booth.offer, chance=chance, nonce=chance.id.hex, at=AT, day=DAY,
        secrets={DAY: booth.secret}, result=new_id(lane, AT),
    )  # fmt: skip
    return undecided(order, Request(chance.customer, request or new_id(lane, AT), chance.id.int & 0xFFFF))


async def check(dsn: str, booth: Booth, draws: int) -> None:
    """Raises Wrong unless the database holds exactly these draws, the chain is whole and every law holds."""
    connection = await asyncpg.connect(dsn)
    try:
        counts = await connection.fetchrow(
            "select (select count(*) from request), (select count(*) from draw_entry),"
            " (select count(*) from draw_result), (select count(*) from offer_grant),"
            " (select count(*) from coupon) + (select count(*) from delivery),"
            " (select count(*) from draw_chance where status = 'DRAWN')"
        )
        if set(counts) != {draws}:
            raise Wrong(f"{draws} draws were answered and {tuple(counts)} are there")
        if broken := [law for law in await reconcile(connection) if not law.ok]:
            raise Wrong(f"{broken[0].name}: {broken[0].detail}")
    finally:
        await connection.close()
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=1)
    try:
        entries = await DrawRecord(pool).entries(booth.of.key, after=0, limit=2_000)
    finally:
        await pool.close()
    day = Day(DAY, booth.secret.commitment, booth.secret.key.hex())
    if faults := verify(booth.of.name, [day], [(digest, body) for _, _, digest, body in entries]).faults:
        raise Wrong(faults[0])


def grouped(
    servers: Servers, dsn: str, booth: Booth, seconds: float, *, in_flight: int, batch_limit: int, most: int
) -> Cell:
    """`CALLERS` callers, each with one draw after another. most: chances made ready for each second."""

    async def cell() -> Sample:
        chances = await fill(dsn, booth, int(most * seconds) + CALLERS)
        waits: list[float] = []
        answers: Counter[str] = Counter()
        async with GroupCommit(dsn, in_flight=in_flight, batch_limit=batch_limit) as ledger:

            async def caller(end: float) -> None:
                while perf_counter() < end and (chance := next(chances, None)) is not None:
                    began = perf_counter()
                    result = await ledger.commit(turn(booth, chance))
                    waits.append(perf_counter() - began)
                    answers[type(result).__name__] += 1
                    if not isinstance(result, Committed):
                        raise Wrong(f"a draw was answered {result}")

            gc.collect()
            meter = Meter(servers.pg_pid)
            meter.start()
            end = perf_counter() + seconds
            await asyncio.gather(*(caller(end) for _ in range(CALLERS)))
            ordered = sorted(waits)
            sample = meter.stop(
                len(waits), p50_ms=ordered[len(ordered) // 2] * 1e3, p99_ms=ordered[len(ordered) * 99 // 100] * 1e3
            )
        await check(dsn, booth, answers["Committed"])
        return sample

    return cell


ONE, TWO = "1 batch under way", "2 batches under way"
EACH, EACH_ALONE = f"one call each, {CONNECTIONS} connections", "one call each, 1 connection"


async def run(
    servers: Servers, *, rounds: int, seconds: float, quick: bool, say: Callable[[str], None]
) -> list[Result]:
    dsn = await new_database(servers, "bench_draw")
    place = booth()
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)  # as a serving process does

    def cell(in_flight: int, batch_limit: int, most: int) -> Cell:
        return grouped(servers, dsn, place, seconds, in_flight=in_flight, batch_limit=batch_limit, most=most)

    try:
        cells: dict[str, Cell] = {
            EACH_ALONE: cell(1, 1, 4_000),
            EACH: cell(CONNECTIONS, 1, 4_000),
            ONE: cell(1, BATCH, 20_000),
            TWO: cell(2, BATCH, 20_000),
        }
        medians = await interleave(cells, rounds, say=say)
    finally:
        gc.set_threshold(*before)
    return [
        Result(
            name="draw",
            title=f"Draws in one draw, {CALLERS} callers, durable",
            unit="draws",
            bound=EACH_ALONE,
            cells=medians,
            gates=gates(medians),
        )
    ]


def gates(medians: Mapping[str, Median]) -> list[Gate]:
    each = max((medians[EACH], medians[EACH_ALONE]), key=lambda cell: cell.rate)
    return [
        times_quicker("rate, 1 batch under way / one call each", medians[ONE], each, 10),
        times_quicker("rate, 2 batches under way / one call each", medians[TWO], each, 10),
    ]
