"""Booking lounges: many callers at once beside one call each (`infra.bench.calls`).

The callers spread over a day's slots of `LOUNGES` lounges; each booking is another customer's or of another slot, and
whoever has that time already is not counted. Each slot's seats have been asked for before the clock starts.
"""

from collections.abc import Callable, Sequence
from datetime import date
from random import Random
from uuid import UUID

import asyncpg

from domain.kernel.ids import derived_id, lane_of
from domain.kernel.words import Words
from domain.lounge.accounts import seat
from domain.lounge.book import BookLounge, book_lounge
from domain.lounge.directory import Directory
from domain.lounge.facts import Lounge, LoungeState, Slot
from domain.lounge.outcomes import LoungeBooked
from domain.lounge.slots import slots_of
from infra.bench.calls import AT, EACH, Calls, Clock, compared, ten_times
from infra.bench.claim import CALLERS
from infra.bench.frame import Result, Servers, new_database
from infra.db.commit import GroupCommit
from infra.db.stores.lounge import BookingStore
from infra.lounges.airports import airport
from infra.lounges.file import shipped_lounges

PEOPLE = 60_000
LOUNGES = 40
SEATS = 1_000_000

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
_SEATS = """
insert into shared_account (lane, key, balance, opened)
    select lane, key, $3, $3 from unnest($1::int[], $2::text[]) u (lane, key)
"""
_JOURNAL = """
insert into journal (day, at, lane, unit, n, op, reason, src_lane, src, dst_lane, dst, units, dst_after)
    select current_date, $3, lane, gen_random_uuid(), 0, 1, 'ENTITLEMENT', 0, '~issued|lounge-visits', lane,
        'visits|' || id, 6, 6 from unnest($1::int[], $2::uuid[]) u (lane, id)
"""


def _id(number: int, customer: str) -> UUID:
    return derived_id(lane_of(customer), AT, "bench-book", str(number))


async def fill(dsn: str, people: int, slots: Sequence[Slot]) -> None:
    """So many customers with six visits each, given as the books say; seats in every slot, and no bookings."""
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
        seats = [seat(slot.lounge, slot.starts_at) for slot in slots]
        await connection.execute(_SEATS, [each.lane for each in seats], [each.key for each in seats], SEATS)
        # Not `booking`: what is known to be empty is read from end to end for every call, by plans that are kept.
        await connection.execute("vacuum analyze account, shared_account, entitlement, hold, outbox, request")
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


async def run(
    servers: Servers, *, rounds: int, seconds: float, quick: bool, say: Callable[[str], None]
) -> list[Result]:
    dsn = await new_database(servers, "bench_book")
    people = PEOPLE // 20 if quick else PEOPLE
    clock = Clock()
    directory, slots = _directory()

    async def call(ledger: GroupCommit, store: BookingStore, chance: Random) -> object:
        slot, customer = chance.choice(slots), f"C{chance.randrange(people)}"
        request = UUID(bytes=chance.randbytes(16), version=4)
        return await book_lounge(
            BookLounge(request, customer, slot.lounge, slot.starts_at), read=store, directory=directory, frozen=None,
            ledger=ledger, clock=clock,
        )  # fmt: skip

    calls = Calls(lambda dsn: fill(dsn, people, slots), BookingStore, call, LoungeBooked, "booking")
    medians = await compared(calls, servers, dsn, rounds=rounds, seconds=seconds, say=say)
    title = f"Book lounges, {CALLERS} callers, durable"
    return [Result("book", title, "bookings", EACH, medians, ten_times(medians))]
