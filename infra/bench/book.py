"""Booking lounges: many callers at once beside one call each, and pages of a long list of bookings.

Both contenders run the same use case over the same tables, every customer another one. "One call each" reads and
commits for every call by itself, over `CONNECTIONS` connections; the hall's reads and commits of callers at the same
time travel together. The callers spread over a day's slots of `LOUNGES` lounges. Every cell is checked when it has
ended: law 7 and all others hold.

Pages: of a customer with 10,000 bookings among 1,000,000 of neighbours in the same lane, the first page, one in the
middle and the last: each costs the same.
"""

import asyncio
import gc
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from time import perf_counter
from uuid import UUID

import asyncpg

from domain.kernel.ids import derived_id, lane_of
from domain.kernel.words import Words
from domain.lounge.book import BookLounge, book_lounge
from domain.lounge.directory import Directory
from domain.lounge.facts import Lounge, LoungeState, Slot
from domain.lounge.outcomes import LoungeBooked
from domain.lounge.slots import slots_of
from infra.bench.claim import CALLERS, Driven, Wrong
from infra.bench.frame import Cell, Gate, Meter, Result, Sample, Servers, interleave, new_database
from infra.db.commit import GroupCommit
from infra.db.pool import open_pool
from infra.db.reconcile import reconcile
from infra.db.stores.lounge import BookingStore
from infra.lounges.airports import airport
from infra.lounges.file import shipped_lounges

CONNECTIONS = 16
PEOPLE = 60_000
LOUNGES = 40
SEATS = 1_000_000
AT = datetime(2026, 10, 2, 2, 0, tzinfo=UTC)
OWN, NEIGHBOURS = 10_000, 1_000_000
PAGE = 20

_ENTITLEMENTS = """
insert into entitlement (lane, id, customer, offer_grant, campaign, version, offer, code, title_zh, title_en, total,
        holder, status, expires_at, at, changed_at)
    select lane, id, customer, id, 'platinum', 1, 'lounge-visits', 'lounge-visits', '贵宾厅', 'Lounge', 6, 'CARDHOLDER',
        'OPEN', $4::timestamptz + interval '1 year', $4, $4
    from unnest($1::int[], $2::text[], $3::uuid[]) u (lane, customer, id)
"""
_ACCOUNTS = """
insert into account (lane, key, balance, opened)
    select lane, 'visits|' || id, 6, 0 from unnest($1::int[], $2::uuid[]) u (lane, id)
"""
_JOURNAL = """
insert into journal (day, at, lane, unit, n, op, reason, src_lane, src, dst_lane, dst, units, dst_after)
    select current_date, $3, lane, gen_random_uuid(), 0, 1, 'ENTITLEMENT', 0, '~issued|lounge-visits', lane,
        'visits|' || id, 6, 6 from unnest($1::int[], $2::uuid[]) u (lane, id)
"""
_MANY = """
insert into booking (lane, id, customer, entitlement, campaign, offer, lounge, starts_at, ends_at, status, cancel_by,
        settle_at, no_show_costs, charged, hold, at, changed_at)
    select $1, gen_random_uuid(), $2 || (g / $4)::text, $6, 'platinum', 'lounge-visits', 'PEK-01', $5, $5, 'CANCELLED',
        $5, $5, true, false, $6, $5, $5
    from generate_series(0, $3 - 1) g
"""


class _Clock:
    def now(self) -> datetime:
        return AT


def _id(number: int, customer: str) -> UUID:
    return derived_id(lane_of(customer), AT, "bench-book", str(number))


async def fill(dsn: str, people: int) -> None:
    """So many customers with six visits each, given as the books say; no bookings."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "truncate account, shared_account, journal, request, hold, entitlement, booking, outbox, commit_mark"
        )
        names = [f"C{number}" for number in range(people)]
        lanes = [lane_of(name) for name in names]
        ids = [_id(number, name) for number, name in enumerate(names)]
        await connection.execute(_ENTITLEMENTS, lanes, names, ids, AT)
        await connection.execute(_ACCOUNTS, lanes, ids)
        await connection.execute(_JOURNAL, lanes, ids, AT)
        await connection.execute("vacuum analyze account, shared_account, entitlement, booking, hold, outbox, request")
    finally:
        await connection.close()


async def check(dsn: str, booked: int) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetchval("select count(*) from booking")
        if rows != booked:
            raise Wrong(f"{booked} bookings were answered and {rows} are there")
        if broken := [law for law in await reconcile(connection) if not law.ok]:
            raise Wrong(f"{broken[0].name}: {broken[0].detail}")
    finally:
        await connection.close()


def _directory() -> tuple[Directory, list[Slot]]:
    place = airport("PEK")
    assert place is not None
    lounges = [
        Lounge(f"PEK-{n:02d}", Words("厅", "Lounge"), place, "T3", True, 0, 1440, 120, SEATS, (), LoungeState.OPEN)
        for n in range(LOUNGES)
    ]
    day = date(2026, 10, 5)
    return Directory(lounges, shipped_lounges().policy), [slot for each in lounges for slot in slots_of(each, day)]


async def drive(ledger: GroupCommit, store: BookingStore, callers: int, seconds: float, people: int) -> Driven:
    """Each booking is another customer's or of another slot; whoever has that time already is not counted."""
    answers: Counter[str] = Counter()
    waits: list[float] = []
    chance, clock, end = random.Random(), _Clock(), perf_counter() + seconds
    directory, slots = _directory()

    async def caller() -> None:
        while perf_counter() < end:
            slot = chance.choice(slots)
            request, customer = UUID(bytes=chance.randbytes(16), version=4), f"C{chance.randrange(people)}"
            began = perf_counter()
            outcome = await book_lounge(
                BookLounge(request, customer, slot.lounge, slot.starts_at), read=store, directory=directory,
                frozen=None, ledger=ledger, clock=clock,
            )  # fmt: skip
            waits.append(perf_counter() - began)
            answers[type(outcome).__name__] += 1

    began = perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return Driven(perf_counter() - began, answers, waits)


def booking(servers: Servers, dsn: str, seconds: float, people: int, *, together: bool) -> Cell:
    async def cell() -> Sample:
        await fill(dsn, people)
        pool = await open_pool(dsn, min_size=2, max_size=CONNECTIONS)
        store = BookingStore(pool) if together else BookingStore(pool, at_once=CONNECTIONS, most=1)
        try:
            async with (
                GroupCommit(dsn) if together else GroupCommit(dsn, in_flight=CONNECTIONS, batch_limit=1)
            ) as ledger:
                gc.collect()
                meter = Meter(servers.pg_pid)
                meter.start()
                driven = await drive(ledger, store, CALLERS, seconds, people)
                count = driven.answers[LoungeBooked.__name__]
                sample = meter.stop(count, p50_ms=driven.wait_ms(0.5), p99_ms=driven.wait_ms(0.99))
        finally:
            await pool.close()
        await check(dsn, count)
        return sample

    return cell


def paging(servers: Servers, store: BookingStore, customer: str, after: UUID | None, seconds: float) -> Cell:
    async def cell() -> Sample:
        gc.collect()
        done, end, meter = 0, perf_counter() + seconds / 3, Meter(servers.pg_pid)
        meter.start()
        while perf_counter() < end:
            page = await store.bookings(customer, first=PAGE, after=after)
            if len(page.items) != PAGE:
                raise Wrong(f"a page of {len(page.items)}")
            done += 1
        return meter.stop(done)

    return cell


TOGETHER, EACH = "together", f"one call each, {CONNECTIONS} connections"
FIRST, MIDDLE, LAST = "the first page", "the middle page", "the last page"


async def run(
    servers: Servers, *, rounds: int, seconds: float, quick: bool, say: Callable[[str], None]
) -> list[Result]:
    dsn = await new_database(servers, "bench_book")
    people = PEOPLE // 20 if quick else PEOPLE
    pool = await open_pool(dsn, min_size=1, max_size=2)
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)  # as a serving process does
    try:
        booked = await interleave(
            {
                EACH: booking(servers, dsn, seconds, people, together=False),
                TOGETHER: booking(servers, dsn, seconds, people, together=True),
            },
            rounds,
            say=say,
        )
        own, neighbours = (OWN // 10, NEIGHBOURS // 50) if quick else (OWN, NEIGHBOURS)
        say(f"{neighbours:,} bookings of neighbours")
        await pool.execute("truncate booking")
        lane = lane_of("Q0")
        await pool.execute(_MANY, lane, "P", neighbours, 100, AT, UUID(int=0))  # in his lane, where they are nearest
        await pool.execute(_MANY, lane, "Q", own, own, AT, UUID(int=0))
        await pool.execute("vacuum analyze booking")
        store = BookingStore(pool)
        ids = [
            row["id"]
            for row in await pool.fetch(
                "select id from booking where lane = $1 and customer = 'Q0' order by id desc", lane
            )
        ]
        pages = await interleave(
            {
                FIRST: paging(servers, store, "Q0", None, seconds),
                MIDDLE: paging(servers, store, "Q0", ids[own // 2], seconds),
                LAST: paging(servers, store, "Q0", ids[-PAGE - 1], seconds),
            },
            rounds,
            say=say,
        )
    finally:
        gc.set_threshold(*before)
        await pool.close()
    first = pages[FIRST].rate
    return [
        Result("book", f"Book lounges, {CALLERS} callers, durable", "bookings", EACH, booked,
               [Gate("rate, together / one call each", booked[TOGETHER].rate / booked[EACH].rate, 10)]),
        Result("bookings", f"Pages of {PAGE} of {own:,} bookings among {neighbours:,}", "pages", FIRST, pages,
               [Gate(f"rate, {name} / the first", pages[name].rate / first, 0.7) for name in (MIDDLE, LAST)]),
    ]  # fmt: skip
