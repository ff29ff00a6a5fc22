"""The till: quotes and captures of many callers at once, beside one call each, and the Friday rush.

Both contenders run the same use cases over the same tables. "One call each" reads and commits for every call by itself,
over `CONNECTIONS` connections; the hall's reads and commits of callers at the same time travel together. Every cell is
checked when it has ended: the laws hold over the whole database, nothing above the quota, no card twice.

The rush is the campaign's own rehearsal (plan rule A26): at 10:00:00 on a Friday 5,000 cards come for 50,000 places to
several processes, with quotes, captures, releases and repeats mixed; every law must hold in every snapshot meanwhile.
Then again with a place for every fifth card, so that the quota is what stops them.
"""

import asyncio
import gc
import random
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson

from api.machine.till_answers import present
from domain.campaigns.facts import CardFacts
from domain.campaigns.terms import PaymentMethod, Product
from domain.kernel.ids import lane_of, new_id
from domain.kernel.prints import fingerprint
from domain.ledger import keys
from domain.ledger.moves import post
from domain.ledger.unit import Unit
from domain.stories.state import StoryState
from domain.till.capture import CaptureQuote, capture_quote
from domain.till.model import Key, Payment, Quote, Told
from domain.till.quote import QuotePayment, quote_payment
from domain.till.release import ReleaseQuote, release_quote
from infra.bench.claim import Driven, Wrong
from infra.bench.frame import (
    Cell,
    Gate,
    Meter,
    Result,
    Sample,
    Servers,
    for_seconds,
    interleave,
    new_database,
    times_quicker,
)
from infra.bench.hammer import END
from infra.bench.pages import _hammer as hammered
from infra.bench.pages import web_process
from infra.campaigns.publish import load_catalog, publish_shipped
from infra.catalog import CatalogHolder
from infra.db.commit import GroupCommit
from infra.db.pool import connect_plain, open_pool
from infra.db.reconcile import reconcile
from infra.db.stores.states import text_of
from infra.db.stores.till import RecentQuotes, TillStore
from infra.home import open_home

CALLERS = 256
CONNECTIONS = 16
CARDS = 60_000
RUSH_CARDS = 5_000
RUSH_PROCESSES = 3
PLACES = 50_000
PLENTY = 10**12
STARTS = date(2026, 10, 1)
AT = datetime(2026, 10, 2, 2, 0, tzinfo=UTC)
"""A Friday, 10:00:00 in Shanghai."""

MERCHANT = "bench-market"
AMOUNT = 20_000

QUOTE_GATE, CAPTURE_GATE = 6.0, 10.0
HTTP_GATE = 0.5
P99_GATE_MS = 25.0


class Standing:
    """A clock that stands."""

    def now(self) -> datetime:
        return AT


class Till:
    """A till's calls in this process: the hall's own use cases, stores and ledger."""

    def __init__(self, store: TillStore, catalogs: CatalogHolder, ledger: GroupCommit) -> None:
        self._store = store
        self._catalogs = catalogs
        self._ledger = ledger
        self._recent = RecentQuotes(200_000)
        self._clock = Standing()

    async def quote(self, card: str, key: Key, remember: Callable[[Quote], None] | None = None) -> Told:
        def keep(quote: Quote) -> None:
            self._recent.keep(quote)
            if remember is not None:
                remember(quote)

        told = await quote_payment(
            QuotePayment(key, Payment(card, MERCHANT, AMOUNT, PaymentMethod.CARD)),
            read=self._store, catalogs=self._catalogs, ledger=self._ledger, clock=self._clock, present=present,
            remember=keep,
        )  # fmt: skip
        assert isinstance(told, Told)
        return told

    async def capture(self, quote: UUID, key: Key) -> Told:
        told = await capture_quote(
            CaptureQuote(key, quote, f"t-{quote}"), read=self._store, ledger=self._ledger, clock=self._clock,
            present=present, recall=self._recent.take,
        )  # fmt: skip
        assert isinstance(told, Told)
        return told

    async def release(self, quote: UUID, key: Key) -> Told:
        told = await release_quote(
            ReleaseQuote(key, quote), read=self._store, ledger=self._ledger, clock=self._clock, present=present,
            recall=self._recent.take,
        )  # fmt: skip
        assert isinstance(told, Told)
        return told


def fresh_key(chance: random.Random) -> Key:
    text = f"{chance.getrandbits(128):032x}"
    return Key("bench", text, chance.getrandbits(62), lane_of(f"bench\x1f{text}"))


def shared_key(text: str) -> Key:
    """The same in every process."""
    return Key("bench", text, fingerprint(text), lane_of(f"bench\x1f{text}"))


@asynccontextmanager
async def open_till(dsn: str, *, together: bool) -> AsyncIterator[Till]:
    pool = await open_pool(dsn, min_size=2, max_size=4 if together else CONNECTIONS)
    catalogs = CatalogHolder(pool, lambda: connect_plain(dsn, application="bench"), load_catalog)
    await catalogs.start()
    ledger = GroupCommit(dsn) if together else GroupCommit(dsn, in_flight=CONNECTIONS, batch_limit=1)
    try:
        async with ledger:
            yield Till(TillStore(pool, catalogs.seen, together=256 if together else 1), catalogs, ledger)
    finally:
        await catalogs.stop()
        await pool.close()


# --- the database


_TABLES = (
    "account, shared_account, journal, request, hold, offer_grant, till_key, till_quote, redemption, sale,"
    " settlement_entry"
)


async def fill(dsn: str, cards: int) -> None:
    """Both shipped plans, one merchant, and so many customers with one card each."""
    pool = await open_pool(dsn, min_size=1, max_size=2)
    try:
        async with GroupCommit(dsn, in_flight=1) as ledger:
            await publish_shipped(pool, ledger, starts_on=STARTS, now=AT - timedelta(days=30))
        told = orjson.dumps(
            {"merchant": MERCHANT, "name": MERCHANT, "groups": ["friday-market"], "status": "ACTIVE"}
        ).decode()
        since = AT - timedelta(days=30)
        await pool.execute(
            "insert into merchant (merchant, name, groups, status, as_of) values ($1, $1, $2, 'ACTIVE', $3)",
            MERCHANT, ["friday-market"], since,
        )  # fmt: skip
        await pool.execute(
            "insert into general_event (lane, subject, at, source, id, type, data, applied_at)"
            " values ($1, $2, $3, 'bench', 'm1', 'merchant.updated', $4, $3)",
            lane_of(MERCHANT), MERCHANT, since, told,
        )  # fmt: skip
        await pool.execute(
            "insert into event (lane, source, id, print, day, received_at) values ($1, 'bench', 'm1', 0, $2, $3)",
            lane_of("bench\x1fm1"), since.date(), since,
        )  # fmt: skip
        await pool.execute("update catalog_stamp set version = version + 1")
        async with pool.acquire() as connection:
            await connection.copy_records_to_table(
                "reference",
                records=[(lane_of(f"K{n}"), "card", f"K{n}", f"C{n}") for n in range(cards)],
                columns=["lane", "kind", "ref", "customer"],
            )
            await connection.copy_records_to_table(
                "story",
                records=[(lane_of(f"C{n}"), f"C{n}", 1, 2, since, _story(n)) for n in range(cards)],
                columns=["lane", "customer", "version", "plans", "upto", "state"],
            )
            await connection.execute("vacuum analyze")
    finally:
        await pool.close()


def _story(n: int) -> str:
    """Somebody who has had the card for half a year."""
    approved = AT - timedelta(days=180)
    card = CardFacts(f"K{n}", Product.GOLD, last4="0000", approved_at=approved, activated_at=approved)
    return text_of(StoryState(cards={card.card: card}))


async def empty(dsn: str, places: int = PLENTY) -> None:
    """No sale so far; so many places, and budget for all of them."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"truncate {_TABLES}")
    finally:
        await connection.close()
    quota, budget = keys.quota("smart-life", "friday"), keys.budget("smart-life", "rewards")
    async with GroupCommit(dsn, in_flight=1) as ledger:
        total = [
            post(places, keys.issued_total("smart-life", "friday"), quota, "ISSUED"),
            post(places * 5_000, keys.issued_total("smart-life", "rewards"), budget, "ISSUED"),
        ]
        await ledger.commit(Unit(id=new_id(quota.lane, AT), lane=quota.lane, at=AT, moves=total))
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("vacuum analyze account, shared_account, hold, till_quote, till_key, redemption")
    finally:
        await connection.close()


async def check(dsn: str, *, redemptions: int | None = None) -> None:
    """Raises Wrong unless every law holds and no card had two."""
    connection = await asyncpg.connect(dsn)
    try:
        if broken := [law for law in await reconcile(connection) if not law.ok and law.name != "events"]:
            raise Wrong(f"{broken[0].name}: {broken[0].detail}")
        twice = await connection.fetchval(
            "select count(*) from (select 1 from redemption where discount > 0 group by card having count(*) > 1) x"
        )
        if twice:
            raise Wrong(f"{twice} cards had two discounts")
        found = await connection.fetchval("select count(*) from redemption")
        if redemptions is not None and found != redemptions:
            raise Wrong(f"{redemptions} captures were answered and {found} are there")
    finally:
        await connection.close()


# --- cells


async def _like_a_server(call: Callable[[], Awaitable[Told]]) -> None:
    """As after the first calls: statements prepared, what start-up left out of every collection."""
    await asyncio.gather(*(call() for _ in range(CALLERS)))
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


async def drive(go_on: Callable[[], bool], call: Callable[[], Awaitable[Told]], status: int) -> Driven:
    """`CALLERS` callers, one call after another; every answer must have this status."""
    answers: Counter[str] = Counter()
    waits: list[float] = []

    async def caller() -> None:
        while go_on():
            began = perf_counter()
            told = await call()
            waits.append(perf_counter() - began)
            if told.status != status:
                raise Wrong(told.body)
            answers["ok"] += 1

    began = perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return Driven(perf_counter() - began, answers, waits)


def quotes(servers: Servers, dsn: str, seconds: float, *, together: bool) -> Cell:
    """Each quote by another card: 50 yuan off, held."""

    async def cell() -> Sample:
        await empty(dsn)
        async with open_till(dsn, together=together) as till:
            chance, cards = random.Random(), count()

            def call() -> Awaitable[Told]:
                return till.quote(f"K{next(cards) % CARDS}", fresh_key(chance))

            await _like_a_server(call)
            meter = Meter(servers.pg_pid)
            meter.start()
            driven = await drive(for_seconds(seconds), call, 201)
            done = driven.answers["ok"]
            sample = meter.stop(done, p50_ms=driven.wait_ms(0.5), p99_ms=driven.wait_ms(0.99))
        await check(dsn)
        return sample

    return cell


def captures(servers: Servers, dsn: str, seconds: float, *, together: bool) -> Cell:
    """Quotes made before the clock starts are captured."""

    async def cell() -> Sample:
        await empty(dsn)
        stock = int((14_000 if together else 1_500) * seconds) + 2 * CALLERS
        made: list[Quote] = []
        chance = random.Random()
        async with open_till(dsn, together=True) as till:
            cards = iter(range(min(stock, CARDS)))

            async def make() -> None:
                for n in cards:
                    await till.quote(f"K{n}", fresh_key(chance), made.append)

            await asyncio.gather(*(make() for _ in range(CALLERS)))
        async with open_till(dsn, together=together) as till:
            for quote in made:
                till._recent.keep(quote)
            left: Iterator[Quote] = iter(made)
            remaining = len(made)

            def call() -> Awaitable[Told]:
                nonlocal remaining
                remaining -= 1
                return till.capture(next(left).id, fresh_key(chance))

            await _like_a_server(call)
            in_time = for_seconds(seconds)
            meter = Meter(servers.pg_pid)
            meter.start()
            driven = await drive(lambda: in_time() and remaining > CALLERS, call, 200)
            done = driven.answers["ok"]
            sample = meter.stop(done, p50_ms=driven.wait_ms(0.5), p99_ms=driven.wait_ms(0.99))
        await check(dsn, redemptions=CALLERS + done)
        return sample

    return cell


# --- the Friday rush


async def rush(dsn: str, *, cards: int, places: int, processes: int) -> str:
    """Every card comes to several tills at once. Returns what happened; raises Wrong when any law broke meanwhile."""
    await empty(dsn, places)
    snapshots = 0
    began = perf_counter()
    with ExitStack() as files:
        outs = [files.enter_context(tempfile.TemporaryFile()) for _ in range(processes)]
        command = (sys.executable, "-m", "infra.bench.till", dsn, str(cards))
        workers = [
            await asyncio.create_subprocess_exec(*command, str(number), stdout=out) for number, out in enumerate(outs)
        ]
        running = asyncio.gather(*(worker.wait() for worker in workers))
        while not running.done():
            await check(dsn)
            snapshots += 1
            await asyncio.wait({running}, timeout=0.25)
        if any(running.result()):
            raise Wrong("a process of the rush ended badly")
        for out in outs:
            out.seek(0)
        told = [orjson.loads(out.read()) for out in outs]
    seconds = perf_counter() - began
    answers: Counter[str] = Counter()
    first: dict[str, str] = {}
    for each in told:
        answers.update(each["answers"])
        for key, body in each["shared"].items():
            if first.setdefault(key, body) != body:
                raise Wrong(f"another answer under one key of several processes: {body}")
    captured = {redemption for each in told for redemption in each["redemptions"]}
    await check(dsn, redemptions=len(captured))
    if len(captured) > min(cards, places):
        raise Wrong(f"{len(captured)} discounts for {cards} cards and {places} places")
    return (
        f"{cards:,} cards for {places:,} places at {processes} processes in {seconds:.1f} s: {len(captured):,}"
        f" discounts, every law in each of {snapshots} snapshots: {dict(sorted(answers.items()))}"
    )


async def rush_worker(dsn: str, number: int, cards: int) -> dict[str, Any]:
    """One process of the rush: every card comes twice, some sales fall through, some calls are sent again.

    Of each tenth card all processes ask, capture and release under keys that they share.
    """
    chance = random.Random(number)
    order = list(range(cards)) * 2
    chance.shuffle(order)
    stock = iter(order)
    answers: Counter[str] = Counter()
    shared: dict[str, str] = {}
    redemptions: list[str] = []
    async with open_till(dsn, together=True) as till:

        async def caller() -> None:
            for card in stock:
                common = card % 10 == 0
                key = shared_key(f"quote {card}") if common else fresh_key(chance)
                told = await till.quote(f"K{card}", key)
                if common:
                    shared[key.key] = told.body
                if chance.random() < 0.1 and (again := await till.quote(f"K{card}", key)).body != told.body:
                    raise Wrong(f"another answer under one key: {again.body}")
                answer = orjson.loads(told.body)
                answers["held" if answer["discount"] else "nothing"] += 1
                if not answer["discount"]:
                    continue
                quote, fits = UUID(answer["quote"]), {200, 409} if common else {200}
                if chance.random() < 0.3:
                    done = await till.release(quote, shared_key(f"release {card}") if common else fresh_key(chance))
                    answers["released" if done.status == 200 else "too late"] += 1
                else:
                    key = shared_key(f"capture {card}") if common else fresh_key(chance)
                    done = await till.capture(quote, key)
                    answers["captured" if done.status == 200 else "too late"] += 1
                    if done.status == 200:
                        redemptions.append(orjson.loads(done.body)["redemption"])
                    if chance.random() < 0.1 and (await till.capture(quote, key)).body != done.body:
                        raise Wrong("another answer under one key")
                if done.status not in fits:
                    raise Wrong(done.body)

        await asyncio.gather(*(caller() for _ in range(128)))
    return {"answers": answers, "shared": shared, "redemptions": redemptions}


# --- over HTTP


async def over_http(servers: Servers, dsn: str, *, rounds: int, seconds: float, say: Callable[[str], None]) -> Result:
    """Quotes at `hall serve`, as a till asks for them, beside a bare Starlette that parses the body alone."""
    home = open_home(servers.home / "till-hall")
    hall = {
        "HALL_MODE": "sandbox", "HALL_HOME": str(home.path), "HALL_PORT": "{port}", "HALL_DATABASE_URL": dsn,
        "HALL_REDIS_URL": servers.valkey.url, "HALL_LOG_LEVEL": "WARNING",
    }  # fmt: skip
    constant = ["-m", "infra.bench.constant_app", "{port}"]
    async with (
        web_process(home, "till", ["-m", "infra.cli", "serve"], **hall) as ours,
        web_process(home, "constant", constant) as bound,
    ):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{ours.port}", timeout=30) as http:
            clock = {"now": AT.isoformat(), "frozen": True}
            (await http.put("/sandbox/clock", json=clock)).raise_for_status()
            form = {"grant_type": "client_credentials", "scope": "till"}
            answer = await http.post("/oauth2/token", data=form, auth=("till", "till-sandbox"))
            bearer = answer.raise_for_status().json()["access_token"]

        async def constant_cell() -> Sample:
            with asked_in(bearer) as asked:
                return await hammered(bound, asked, CALLERS, seconds, servers.pg_pid)

        async def quotes_cell() -> Sample:
            await empty(dsn)
            with asked_in(bearer) as asked:
                sample = await hammered(ours, asked, CALLERS, seconds, servers.pg_pid, once=True)
            await check(dsn)
            return sample

        cells = await interleave({"constant answer": constant_cell, "quotes": quotes_cell}, rounds, say=say)
    ratio = cells["constant answer"].own_us / cells["quotes"].own_us
    return Result(
        name="till.http",
        title=f"quotes over HTTP, {CALLERS} connections, one process each",
        unit="quotes",
        bound="constant answer",
        cells=cells,
        gates=[Gate("quotes over HTTP: CPU of parse and constant / ours", ratio, HTTP_GATE)],
    )


@contextmanager
def asked_in(bearer: str) -> Iterator[Path]:
    """A file of requests, each by another card under a key of its own."""
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder, "asked")
        asked.write_bytes(b"".join(_request(bearer, number) + END for number in range(CARDS)))
        yield asked


def _request(bearer: str, number: int) -> bytes:
    body = orjson.dumps({"card": f"K{number}", "merchant": MERCHANT, "amount": AMOUNT, "paymentMethod": "CARD"})
    key = f"{random.getrandbits(128):032x}"
    head = (
        f"POST /v1/till/quotes HTTP/1.1\r\nHost: hall\r\nAuthorization: Bearer {bearer}\r\nIdempotency-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


# --- the run


async def run(
    servers: Servers, *, rounds: int, seconds: float, quick: bool, say: Callable[[str], None]
) -> list[Result]:
    """Quotes, captures, and the rush."""
    dsn = await new_database(servers, "bench_till")
    say(f"{CARDS} cards")
    await fill(dsn, CARDS)
    results: list[Result] = []
    for name, make, least in (("quotes", quotes, QUOTE_GATE), ("captures", captures, CAPTURE_GATE)):
        alone, grouped = f"{name}, one call each", f"{name}, together"
        cells = await interleave(
            {alone: make(servers, dsn, seconds, together=False), grouped: make(servers, dsn, seconds, together=True)},
            rounds,
            say=say,
        )
        results.append(
            Result(
                name=f"till.{name}",
                title=f"{name} of {CALLERS} callers, durable, in process",
                unit=name,
                bound=alone,
                cells=cells,
                gates=[
                    times_quicker(f"{name}: rate / one call each", cells[grouped], cells[alone], least),
                    Gate(f"{name}: p99 ms", cells[grouped].extra["p99_ms"], P99_GATE_MS, at_least=False),
                ],
            )
        )
    say("the Friday rush")
    cards = RUSH_CARDS // 5 if quick else RUSH_CARDS
    results[-1] = replace(
        results[-1],
        notes=[
            await rush(dsn, cards=cards, places=places, processes=RUSH_PROCESSES) for places in (PLACES, cards // 5)
        ],
    )
    results.append(await over_http(servers, dsn, rounds=rounds, seconds=seconds, say=say))
    return results


def main(arguments: Sequence[str]) -> None:
    import uvloop

    dsn, cards, number = arguments
    found = uvloop.run(rush_worker(dsn, int(number), int(cards)))
    sys.stdout.write(orjson.dumps(found).decode() + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
