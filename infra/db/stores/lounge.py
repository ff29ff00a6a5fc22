"""Lounges, seats, bookings and visits, as their customers, providers and the worker read them. Nothing here writes."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg

from domain.kernel.ids import LANES, lane_of, lane_of_id
from domain.kernel.pages import Page
from domain.kernel.words import Words
from domain.ledger.unit import Repeated, Request, Reused
from domain.lounge.accounts import seat
from domain.lounge.facts import BookingFacts, BookingStatus, EntitlementFacts, VisitFacts, VisitState
from domain.lounge.ports import BookFacts, Seats
from domain.lounge.visit import lane_of_visit
from infra.db.statements import named
from infra.db.stores.commands import ANSWER
from infra.db.together import Together

_BOOKING = """b.id, b.customer, b.entitlement, b.campaign, b.offer, b.lounge, b.starts_at, b.ends_at, b.status,
        b.cancel_by, b.settle_at, b.no_show_costs, b.charged, b.hold"""

BOOKINGS = named(
    "booking.of_customer",
    f"""
    select {_BOOKING} from booking b where b.lane = $1 and b.customer = $2 and b.id < $3 order by b.id desc limit $4
    """,
)
BOOKING = named("booking.by_id", f"select {_BOOKING} from booking b where b.lane = $1 and b.id = $2")
FIRST = named(
    "booking.first_waiting",
    f"""
    select {_BOOKING} from booking b
    where b.lane = any($1::int[]) and b.lounge = $2 and b.starts_at = $3 and b.status = 'PENDING'
    order by b.queue limit 1
    """,
)
AT = named(
    "booking.of_customer_at",
    f"""
    select {_BOOKING} from booking b
    where b.lane = $1 and b.customer = $2 and b.lounge = $3 and b.starts_at >= $4 and b.starts_at <= $5
        and b.status in ('CONFIRMED', 'NO_SHOW', 'CHECKED_IN')
    """,
)
DUE = named(
    "booking.due",
    f"""
    select {_BOOKING} from booking b
    where b.lane = any($1::int[]) and b.status = 'CONFIRMED' and b.settle_at <= $2 order by b.settle_at limit $3
    """,
)

# What was taken back is listed no more; what has ended is.
_ENTITLEMENT = """e.id, e.customer, e.campaign, e.offer, e.code, e.title_zh, e.title_en, e.total, e.expires_at,
        coalesce(a.balance, 0) balance, coalesce(a.held, 0) held, coalesce(l.balance, 0) lapsed, e.status
    from entitlement e left join account a on a.lane = $1 and a.lane = e.lane and a.key = 'visits|' || e.id
        left join account l on l.lane = $1 and l.lane = e.lane and l.key = 'lapsed|' || e.id"""

ENTITLEMENTS = named(
    "entitlement.of_customer",
    f"""
    select {_ENTITLEMENT} where e.lane = $1 and e.customer = $2 and e.status <> 'VOIDED'
    order by e.expires_at, e.id limit 100
    """,
)
ENTITLEMENT = named("entitlement.by_id", f"select {_ENTITLEMENT} where e.lane = $1 and e.id = $2")

# What many bookings are decided on, in one statement; without an entitlement one row with none. Whether somebody waits
# is no `exists`: that may be answered by reading all bookings, and the plan is kept while they become more.
BOOK_FACTS = named(
    "booking.facts",
    """
    select q.n, coalesce((
            select true from booking b
            where b.lane = any($5::int[]) and b.lounge = q.lounge and b.starts_at = q.starts_at and b.status = 'PENDING'
            limit 1
        ), false) waiting, e.*
    from unnest($1::int[], $2::text[], $3::text[], $4::timestamptz[])
            with ordinality q (lane, customer, lounge, starts_at, n)
        left join lateral (
            select e.id, e.customer, e.campaign, e.offer, e.code, e.title_zh, e.title_en, e.total, e.expires_at,
                coalesce(a.balance, 0) balance, coalesce(a.held, 0) held, 0::bigint lapsed, e.status
            from entitlement e left join account a on a.lane = q.lane and a.key = 'visits|' || e.id
            where e.lane = q.lane and e.customer = q.customer and e.status <> 'VOIDED'
            order by e.expires_at, e.id limit 100
        ) e on true
    order by q.n, e.expires_at, e.id
    """,
)

SEATS = named(
    "lounge.seats",
    """
    select a.key, a.opened, a.balance - a.held free from shared_account a
    where a.lane = any($1::int[]) and a.key = any($2::text[])
    """,
)

VISIT = named(
    "lounge_visit.by_id",
    """
    select v.client, v.visit, v.state, v.customer, v.entitlement, v.booking, v.charged, v.over_limit
    from lounge_visit v where v.lane = $1 and v.client = $2 and v.visit = $3
    """,
)

FORGET_PASSES = named("lounge_pass.forget", "delete from lounge_pass where lane = any($1::int[]) and expires_at < $2")

_ALL = list(LANES)
_AFTER_ALL = UUID(int=2**128 - 1)
_STATUSES = {status.value: status for status in BookingStatus}


class BookingStore:
    """Implements ReadBookings and ReadSeats."""

    def __init__(self, pool: asyncpg.Pool, *, at_once: int = 2, most: int = 256) -> None:
        """
        Args:
            at_once: statements that read for bookings at the same time.
            most: bookings one of them reads for.
        """
        self._pool = pool
        self._book_facts = Together(self._read_book_facts, at_once=at_once, limit=most)

    # --- the customer's own

    async def entitlements(self, customer: str) -> list[EntitlementFacts]:
        rows = await self._pool.fetch(ENTITLEMENTS, lane_of(customer), customer)
        return [_entitlement(row) for row in rows]

    async def booking(self, customer: str, id: UUID) -> BookingFacts | None:
        row = await self._pool.fetchrow(BOOKING, lane_of(customer), id)
        return _booking(row) if row is not None and row["customer"] == customer else None

    async def bookings(self, customer: str, *, first: int, after: UUID | None) -> Page[BookingFacts]:
        rows = await self._pool.fetch(BOOKINGS, lane_of(customer), customer, after or _AFTER_ALL, first + 1)
        return Page(tuple([_booking(row) for row in rows[:first]]), len(rows) > first)

    async def answer_to(self, request: Request, lane: int) -> Repeated | Reused | None:
        row = await self._pool.fetchrow(ANSWER, lane, request.owner, request.id)
        if row is None:
            return None
        return Repeated(row["answer"]) if row["print"] == request.print else Reused()

    # --- slots

    async def seats(self, slots: Sequence[tuple[str, datetime]]) -> list[Seats | None]:
        accounts = [seat(*slot) for slot in slots]
        lanes = sorted({account.lane for account in accounts})
        rows = await self._pool.fetch(SEATS, lanes, [account.key for account in accounts])
        found = {row["key"]: Seats(row["opened"], row["free"]) for row in rows}
        return [found.get(account.key) for account in accounts]

    async def book_facts(self, customer: str, lounge: str, starts_at: datetime) -> BookFacts:
        return await self._book_facts((customer, lounge, starts_at))

    async def _read_book_facts(self, asked: Sequence[tuple[str, str, datetime]]) -> list[BookFacts]:
        customers, lounges, starts = zip(*asked, strict=True)
        lanes = [lane_of(customer) for customer in customers]
        rows = await self._pool.fetch(BOOK_FACTS, lanes, customers, lounges, starts, _ALL)
        waiting = [False] * len(asked)
        found: list[list[EntitlementFacts]] = [[] for _ in asked]
        for n, waits, *entitlement in rows:
            waiting[n - 1] = waits
            if entitlement[0] is not None:
                found[n - 1].append(_entitlement(entitlement))
        return [BookFacts(mine, any_) for mine, any_ in zip(found, waiting, strict=True)]

    async def first_waiting(self, lounge: str, starts_at: datetime) -> BookingFacts | None:
        row = await self._pool.fetchrow(FIRST, _ALL, lounge, starts_at)
        return None if row is None else _booking(row)

    async def due(self, now: datetime, limit: int) -> list[BookingFacts]:
        """Of all customers: kept for somebody who has not come, as far as is known by `now`; oldest first."""
        return [_booking(row) for row in await self._pool.fetch(DUE, _ALL, now, limit)]

    async def forget_passes(self, wall: datetime) -> None:
        """Those that would be refused for their age by now."""
        await self._pool.execute(FORGET_PASSES, _ALL, wall)


class VisitStore:
    """Implements ReadVisits. holder: the masked name of a customer."""

    def __init__(self, pool: asyncpg.Pool, holder: Callable[[str], Awaitable[str]]) -> None:
        self._pool = pool
        self._holder = holder

    async def visit(self, client: str, visit: str) -> VisitFacts | None:
        row = await self._pool.fetchrow(VISIT, lane_of_visit(client, visit), client, visit)
        if row is None:
            return None
        return VisitFacts(
            row["client"], row["visit"], VisitState(row["state"]), row["customer"], row["entitlement"],
            row["booking"], row["charged"], row["over_limit"],
        )  # fmt: skip

    async def entitlement(self, id: UUID) -> EntitlementFacts | None:
        row = await self._pool.fetchrow(ENTITLEMENT, lane_of_id(id), id)
        return None if row is None else _entitlement(row)

    async def booking_by_id(self, id: UUID) -> BookingFacts | None:
        row = await self._pool.fetchrow(BOOKING, lane_of_id(id), id)
        return None if row is None else _booking(row)

    async def bookings_at(self, customer: str, lounge: str, since: datetime, until: datetime) -> list[BookingFacts]:
        rows = await self._pool.fetch(AT, lane_of(customer), customer, lounge, since, until)
        return [_booking(row) for row in rows]

    async def holder(self, customer: str) -> str:
        return await self._holder(customer)


def _booking(row: Any) -> BookingFacts:
    (id, customer, entitlement, campaign, offer, lounge, starts_at, ends_at, status, cancel_by, settle_at, costs,
     charged, hold) = row  # fmt: skip
    return BookingFacts(
        id, customer, entitlement, campaign, offer, lounge, starts_at, ends_at, _STATUSES[status], cancel_by, settle_at,
        costs, charged, hold,
    )  # fmt: skip


def _entitlement(row: Any) -> EntitlementFacts:
    """Of one taken back nothing is left, and what it had counts as used."""
    id, customer, campaign, offer, code, zh, en, total, expires_at, balance, held, lapsed, status = row
    used = total - balance - lapsed
    return EntitlementFacts(
        id, customer, campaign, offer, code, _words(zh, en), total, used, held, expires_at, lapsed, status == "EXPIRED"
    )


_words = lru_cache(maxsize=1024)(Words)  # few texts, told of many customers
