"""Stories and the queue that feeds them: what is leased, loaded, put aside. A story is written by the ledger."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from domain.kernel.ids import LANES, lane_of
from domain.offers.take_back import Had
from domain.points.book import Purse, purse_of
from domain.points.story import Given
from infra.db.literals import numbers, texts
from infra.db.statements import named

LEASE = named(
    "inbox.lease",
    """
    with due as (
        select i.lane, i.source, i.id from inbox i
        where i.lane = any($1::int[]) and i.state = 'DUE' and i.due_at <= $2
        order by i.due_at limit $3 for update skip locked
    )
    update inbox i set due_at = $4, attempts = i.attempts + 1, error = null
    from due d where i.lane = d.lane and i.source = d.source and i.id = d.id and i.lane = any($1::int[])
    returning i.lane, i.source, i.id, i.type, i.at, i.data, i.customer, i.attempts, i.trace
    """,
)

OWNERS = named(
    "reference.owners",
    """
    select q.kind, q.ref, r.customer
    from unnest($1::int[], $2::text[], $3::text[]) q (lane, kind, ref),
        lateral (
            select x.customer from reference x
            where x.lane = q.lane and x.kind = q.kind and x.ref = q.ref offset 0
        ) r
    """,
)

REFER = named(
    "reference.write",
    """
    insert into reference (lane, kind, ref, customer)
    select u.lane, u.kind, u.ref, u.customer
    from unnest($1::text::int[], $2::text::text[], $3::text::text[], $4::text::text[]) u (lane, kind, ref, customer)
    on conflict do nothing
    returning kind, ref
    """,
)

STORIES = named(
    "story.load",
    """
    select s.customer, s.version, s.plans, s.upto, s.state,
        p.version purse, p.balance, p.entries, p.lots, p.noticed
    from unnest($1::text::int[], $2::text::text[]) q (lane, customer)
        cross join lateral (select * from story x where x.lane = q.lane and x.customer = q.customer offset 0) s
        left join lateral (
            select * from points_account x where x.lane = q.lane and x.customer = q.customer offset 0
        ) p on true
    """,
)

HISTORY = named(
    "story_event.load",
    """
    select e.customer, e.type, e.at, e.source, e.id, e.data
    from unnest($1::int[], $2::text[]) q (lane, customer),
        lateral (select * from story_event x where x.lane = q.lane and x.customer = q.customer offset 0) e
    """,
)

GRANTS = named(
    "offer_grant.of_customers",
    """
    select g.customer, g.id, g.campaign, g.version, g.offer, g.cause, g.round, g.status, g.cost, g.line, g.at, g.details
    from unnest($1::int[], $2::text[]) q (lane, customer),
        lateral (
            select * from offer_grant x
            where x.lane = q.lane and x.customer = q.customer and x.by = 'STORY' offset 0
        ) g
    """,
)

HAD = named(
    "offer_grant.had_of_customers",
    """
    select g.customer, g.id, g.campaign, g.offer, g.cause, g.round, g.status
    from unnest($1::text::int[], $2::text::text[]) q (lane, customer),
        lateral (
            select * from offer_grant x
            where x.lane = q.lane and x.customer = q.customer and x.by = 'STORY' offset 0
        ) g
    """,
)

POINTS_GIVEN = named(
    "points_entry.of_transactions",
    """
    select e.subject, sum(e.points)::bigint points, min(e.occurred_at) occurred_at from points_entry e
    where e.lane = $1 and e.customer = $2 and e.kind in ('EARN', 'BONUS', 'REVERSE')
    group by e.subject
    """,
)

CHANCES_OF_GRANTS = named(
    "draw_chance.of_grants",
    """
    select c.lane, c.id, c.customer, c.offer_grant, c.campaign, c.version, c.offer, c.draw, c.status, c.expires_at, c.at
    from draw_chance c
    where c.lane = $1 and c.customer = $2 and c.offer_grant = any($3::uuid[])
    """,
)

# Prizes that stand: one taken back and given anew is a grant of a later round.
PRIZES_OF_CHANCES = named(
    "offer_grant.prizes_of_chances",
    """
    select g.id, g.campaign, g.version, g.offer, g.cause, g.round, g.status, g.at, g.cost, g.line, g.details,
           c.id coupon, c.status coupon_status
    from offer_grant g, lateral (
        select * from coupon x where x.lane = g.lane and x.customer = g.customer and x.offer_grant = g.id offset 0
    ) c
    where g.lane = $1 and g.customer = $2 and g.by = 'DRAW' and g.status = 'GIVEN'
        and (g.campaign, g.offer, g.cause) in (select * from unnest($3::text[], $4::text[], $5::text[]))
    """,
)

# An entitlement of which anything was used or is promised is TOUCHED: only a whole one can be taken back.
ENTITLEMENTS_OF_GRANTS = named(
    "entitlement.of_grants",
    """
    select e.id, e.offer_grant, e.offer, e.total,
        case when coalesce(a.balance - a.held, 0) + coalesce(l.balance, 0) = e.total then e.status
            else 'TOUCHED' end status
    from entitlement e
        left join account a on a.lane = e.lane and a.lane = $1 and a.key = 'visits|' || e.id
        left join account l on l.lane = e.lane and l.lane = $1 and l.key = 'lapsed|' || e.id
    where e.lane = $1 and e.customer = $2 and e.offer_grant = any($3::uuid[])
    """,
)

COUPONS_OF_GRANTS = named(
    "coupon.of_grants",
    """
    select c.id, c.offer_grant, c.offer, c.status from coupon c
    where c.lane = $1 and c.customer = $2 and c.offer_grant = any($3::uuid[])
    """,
)

CHOICES_OF_GRANTS = named(
    "choice.of_grants",
    """
    select c.id, c.offer_grant, c.offer, c.status, c.hold from choice c
    where c.lane = $1 and c.customer = $2 and c.offer_grant = any($3::uuid[])
    """,
)

DELIVERIES_OF_GRANTS = named(
    "delivery.of_grants",
    """
    select d.id, d.offer_grant, d.offer, d.status from delivery d
    where d.lane = $1 and d.customer = $2 and d.offer_grant = any($3::uuid[])
    """,
)

SET_WAITING = named(
    "inbox.set_waiting",
    """
    update inbox i set state = 'WAITING', waits_for = u.waits_for, attempts = 0
    from unnest($1::int[], $2::text[], $3::text[], $4::text[]) u (lane, source, id, waits_for)
    where i.lane = u.lane and i.source = u.source and i.id = u.id and i.lane = any($1::int[])
    """,
)

WAKE = named(
    "inbox.wake",
    """
    update inbox i set state = 'DUE', waits_for = null, due_at = $3
    where i.lane = any($1::int[]) and i.state = 'WAITING' and i.waits_for = any($2::text[])
    """,
)

LEASE_WAITING = named(
    "inbox.lease_waiting",
    """
    update inbox i set state = 'DUE', waits_for = null, due_at = $3, attempts = i.attempts + 1, error = null
    where i.lane = any($1::int[]) and i.state = 'WAITING' and i.waits_for = any($2::text[])
    returning i.lane, i.source, i.id, i.type, i.at, i.data, i.customer, i.attempts, i.trace
    """,
)

PARK = named(
    "inbox.park",
    """
    update inbox i set state = 'PARKED', error = u.error
    from unnest($1::int[], $2::text[], $3::text[], $4::text[]) u (lane, source, id, error)
    where i.lane = u.lane and i.source = u.source and i.id = u.id and i.lane = any($1::int[])
    """,
)

POSTPONE = named(
    "inbox.postpone",
    """
    update inbox i set due_at = u.due_at, error = u.error
    from unnest($1::int[], $2::text[], $3::text[], $4::timestamptz[], $5::text[]) u (lane, source, id, due_at, error)
    where i.lane = u.lane and i.source = u.source and i.id = u.id and i.state = 'DUE' and i.lane = any($1::int[])
    """,
)

RETRY_PARKED = named(
    "inbox.retry_parked",
    """
    update inbox i set state = 'DUE', attempts = 0, error = null, due_at = $4
    where i.lane = any($1::int[]) and i.state = 'PARKED'
        and ($2::text is null or i.source = $2) and ($3::text is null or i.id = $3)
    """,
)

LIST_PARKED = named(
    "inbox.list_parked",
    """
    select i.source, i.id, i.type, i.at, i.customer, i.attempts, i.error, i.received_at from inbox i
    where i.lane = any($1::int[]) and i.state = 'PARKED' order by i.received_at limit $2
    """,
)

LEFT = named(
    "inbox.left",
    """
    select i.state, count(*) n from inbox i where i.lane = any($1::int[]) group by i.state
    """,
)

OLDEST_DUE = named(
    "inbox.oldest_due",
    "select min(i.received_at) from inbox i where i.lane = any($1::int[]) and i.state = 'DUE'",
)

# One that failed and is to be tried again later has been tried; a leased one is being tried.
UNTRIED = named(
    "inbox.untried",
    """
    select (
        select count(*) from inbox i
        where i.lane = any($1::int[]) and i.state = 'DUE' and (i.error is null or i.due_at <= $2)
    ) + (select count(*) from story s where s.lane = any($1::int[]) and s.plans < $3)
    """,
)

APPLIED = named(
    "story_event.count",
    """
    select (select count(*) from story_event e where e.lane = any($1::int[]))
        + (select count(*) from general_event e where e.lane = any($1::int[]))
    """,
)

WORKER_LISTENS = (
    "select exists (select 1 from pg_stat_activity where application_name = $1 and datname = current_database())"
)
WORKER = "hall worker listener"
"""What a worker's listening connection is called: as long as it is there, so is the worker."""

STALE_PLANS = named(
    "story.stale_plans",
    """
    select s.customer, s.version, s.plans, s.upto, s.state from story s
    where s.lane = any($1::int[]) and s.plans < $2 order by s.plans limit $3
    """,
)

ALL = list(LANES)


def merchant_kind(merchant: str) -> str:
    """The kind of reference under which a merchant's customers stand, in the merchant's lane."""
    return f"merchant:{merchant}"


class Leased(NamedTuple):
    """One event of the queue, ours until the lease runs out. `lane` is the queue's, not the customer's.

    data: JSON as it is kept, personal fields sealed. Its fields are the columns of `LEASE`, in their order.
    """

    lane: int
    source: str
    id: str
    type: str
    at: datetime
    data: str
    customer: str | None
    attempts: int
    trace: str | None


class StoryRow(NamedTuple):
    """state: as `states` reads it. purse: the customer's points; None before the first, and where not asked for."""

    customer: str
    version: int
    plans: int
    upto: datetime
    state: str
    purse: Purse | None = None


@dataclass(frozen=True, slots=True)
class PastEvent:
    type: str
    at: datetime
    source: str
    id: str
    data: Mapping[str, Any]


class StoryStore:
    """Set-based reads and queue writes over one pool. Nothing here moves a quantity."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def lease(self, now: datetime, until: datetime, limit: int) -> list[Leased]:
        return [Leased._make(r) for r in await self._pool.fetch(LEASE, ALL, now, limit, until)]

    async def lease_waiting(self, what: Sequence[str], until: datetime) -> list[Leased]:
        """Lease the events that wait for one of these (`kind|reference`)."""
        return [Leased._make(r) for r in await self._pool.fetch(LEASE_WAITING, ALL, list(what), until)]

    async def owners(self, refs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """The customer of each (kind, reference) that is known."""
        wanted = list(dict.fromkeys(refs))
        if not wanted:
            return {}
        rows = await self._pool.fetch(
            OWNERS, [lane_of(ref) for _, ref in wanted], [kind for kind, _ in wanted], [ref for _, ref in wanted]
        )
        return {(r["kind"], r["ref"]): r["customer"] for r in rows}

    async def stories(self, customers: Sequence[str]) -> dict[str, StoryRow]:
        rows = await self._pool.fetch(STORIES, numbers([lane_of(c) for c in customers]), texts(list(customers)))
        return {r["customer"]: _story(r, _purse(r)) for r in rows}

    async def history(self, customers: Sequence[str]) -> dict[str, list[PastEvent]]:
        found: dict[str, list[PastEvent]] = {c: [] for c in customers}
        for r in await self._pool.fetch(HISTORY, [lane_of(c) for c in customers], list(customers)):
            found[r["customer"]].append(PastEvent(r["type"], r["at"], r["source"], r["id"], orjson.loads(r["data"])))
        return found

    async def grants(self, customers: Sequence[str]) -> dict[str, list[asyncpg.Record]]:
        found: dict[str, list[asyncpg.Record]] = {c: [] for c in customers}
        for r in await self._pool.fetch(GRANTS, [lane_of(c) for c in customers], list(customers)):
            found[r["customer"]].append(r)
        return found

    async def had(self, customers: Sequence[str]) -> dict[str, list[Had]]:
        """As `grants`, for whom all but the standing of each grant does not matter."""
        found: dict[str, list[Had]] = {c: [] for c in customers}
        rows = await self._pool.fetch(HAD, numbers([lane_of(c) for c in customers]), texts(list(customers)))
        for customer, *grant in rows:
            found[customer].append(Had._make(grant))
        return found

    async def points_given(self, customer: str) -> dict[str, Given]:
        """What each transaction of the customer has brought so far."""
        rows = await self._pool.fetch(POINTS_GIVEN, lane_of(customer), customer)
        return {r["subject"]: Given(r["points"], r["occurred_at"]) for r in rows}

    async def refer(self, refs: Mapping[tuple[str, str], str]) -> set[tuple[str, str]]:
        """Write down whose each (kind, reference) is; returns those that were known before."""
        wanted = sorted(refs)
        rows = await self._pool.fetch(
            REFER, numbers([lane_of(ref) for _, ref in wanted]), texts([kind for kind, _ in wanted]),
            texts([ref for _, ref in wanted]), texts([refs[each] for each in wanted]),
        )  # fmt: skip
        return set(wanted) - {(r["kind"], r["ref"]) for r in rows}

    async def refer_merchants(self, paid: Sequence[tuple[str, str]]) -> None:
        """Write down who has paid at which merchant: (merchant, customer) pairs, in the merchant's lane."""
        paid = sorted(paid)
        customers = texts([c for _, c in paid])
        kinds = texts([merchant_kind(m) for m, _ in paid])
        await self._pool.execute(REFER, numbers([lane_of(m) for m, _ in paid]), kinds, customers, customers)

    async def benefits(self, customer: str, grants: Sequence[UUID]) -> list[tuple[str, asyncpg.Record]]:
        """What came of these grants: (kind, row) of coupons, choices, deliveries, draw chances and entitlements."""
        lane, ids = lane_of(customer), list(grants)
        found: list[tuple[str, asyncpg.Record]] = []
        for kind, statement in (
            ("coupon", COUPONS_OF_GRANTS),
            ("choice", CHOICES_OF_GRANTS),
            ("delivery", DELIVERIES_OF_GRANTS),
            ("draw_chance", CHANCES_OF_GRANTS),
            ("entitlement", ENTITLEMENTS_OF_GRANTS),
        ):
            found += [(kind, row) for row in await self._pool.fetch(statement, lane, customer, ids)]
        return found

    async def prizes(self, customer: str, chances: Sequence[asyncpg.Record]) -> dict[UUID, asyncpg.Record]:
        """The coupons won with these chances, with their grants, by the chance."""
        causes = {f"draw:{chance['id']}": chance["id"] for chance in chances}
        rows = await self._pool.fetch(
            PRIZES_OF_CHANCES, lane_of(customer), customer, [chance["campaign"] for chance in chances],
            [chance["offer"] for chance in chances], list(causes),
        )  # fmt: skip
        return {causes[row["cause"]]: row for row in rows}

    async def set_waiting(self, events: Sequence[tuple[Leased, str]]) -> None:
        await self._pool.execute(
            SET_WAITING, [e.lane for e, _ in events], [e.source for e, _ in events], [e.id for e, _ in events],
            [what for _, what in events],
        )  # fmt: skip

    async def wake(self, what: Sequence[str], now: datetime) -> int:
        """Events that wait for any of these become due; returns how many."""
        return int((await self._pool.execute(WAKE, ALL, list(what), now)).split()[-1])

    async def park(self, events: Sequence[tuple[Leased, str]]) -> None:
        await self._pool.execute(
            PARK, [e.lane for e, _ in events], [e.source for e, _ in events], [e.id for e, _ in events],
            [error for _, error in events],
        )  # fmt: skip

    async def postpone(self, events: Sequence[tuple[Leased, datetime, str]]) -> None:
        await self._pool.execute(
            POSTPONE, [e.lane for e, _, _ in events], [e.source for e, _, _ in events], [e.id for e, _, _ in events],
            [due for _, due, _ in events], [error for _, _, error in events],
        )  # fmt: skip

    async def parked(self, limit: int = 100) -> list[asyncpg.Record]:
        found: list[asyncpg.Record] = await self._pool.fetch(LIST_PARKED, ALL, limit)
        return found

    async def retry_parked(self, source: str | None, id: str | None, now: datetime) -> int:
        return int((await self._pool.execute(RETRY_PARKED, ALL, source, id, now)).split()[-1])

    async def left(self) -> dict[str, int]:
        """How many events are DUE, WAITING and PARKED."""
        return {r["state"]: r["n"] for r in await self._pool.fetch(LEFT, ALL)}

    async def untried(self, now: datetime, plans: int) -> int:
        """How many events are due or being applied, and stories were folded under older plans than `plans`."""
        count: int = await self._pool.fetchval(UNTRIED, ALL, now, plans)
        return count

    async def applied(self) -> int:
        """How many events have been applied so far. Counts them: for a sandbox."""
        count: int = await self._pool.fetchval(APPLIED, ALL)
        return count

    async def worker_listens(self) -> bool:
        """Whether a worker process is connected."""
        found: bool = await self._pool.fetchval(WORKER_LISTENS, WORKER)
        return found

    async def oldest_due(self) -> datetime | None:
        """When the oldest event that could be applied now was received."""
        oldest: datetime | None = await self._pool.fetchval(OLDEST_DUE, ALL)
        return oldest

    async def stale(self, plans: int, limit: int) -> list[StoryRow]:
        """Stories folded under an older set of plans."""
        return [_story(r) for r in await self._pool.fetch(STALE_PLANS, ALL, plans, limit)]


def _story(r: asyncpg.Record, purse: Purse | None = None) -> StoryRow:
    return StoryRow(r["customer"], r["version"], r["plans"], r["upto"], r["state"], purse)


def _purse(r: asyncpg.Record) -> Purse | None:
    if r["purse"] is None:
        return None
    return purse_of(r["purse"], r["balance"], r["entries"], orjson.loads(r["lots"]), r["noticed"])
