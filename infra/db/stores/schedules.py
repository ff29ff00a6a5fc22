"""Runs of offers that the clock gives: how far each has come, and the customers it comes to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from domain.kernel.ids import LANES, lane_of
from domain.offers.scheduled import Occurrence
from domain.stories.state import StoryState
from domain.wallet.facts import CouponFacts
from infra.db.statements import named
from infra.db.stores.alive import coupons_alive
from infra.db.stores.states import state_of

OPEN = named(
    "schedule_run.open",
    """
    insert into schedule_run (lane, campaign, offer, due_at, version)
    select u.lane, u.campaign, u.offer, u.due_at, u.version
    from unnest($1::int[], $2::text[], $3::text[], $4::timestamptz[], $5::int[])
        u (lane, campaign, offer, due_at, version)
    on conflict do nothing
    """,
)
LEASE = named(
    "schedule_run.lease",
    """
    with next as (
        select r.lane, r.campaign, r.offer, r.due_at from schedule_run r
        where r.lane = any($1::int[]) and r.finished_at is null
            and (r.leased_until is null or r.leased_until <= $2)
        order by r.due_at limit 1 for update skip locked
    )
    update schedule_run r set leased_until = $3
    from next n
    where r.lane = n.lane and r.campaign = n.campaign and r.offer = n.offer and r.due_at = n.due_at
        and r.lane = any($1::int[])
    returning r.campaign, r.offer, r.due_at, r.version, r.lane_index, r.after
    """,
)
ADVANCE = named(
    "schedule_run.advance",
    """
    update schedule_run r set lane_index = $5, after = $6, given = r.given + $7, leased_until = $8, finished_at = $9
    where r.lane = $1 and r.campaign = $2 and r.offer = $3 and r.due_at = $4 and r.finished_at is null
    """,
)
UNDER_WAY = named(
    "schedule_run.under_way",
    """
    select count(*) from schedule_run r
    where r.lane = any($1::int[]) and r.finished_at is null and r.leased_until > $2
    """,
)
CUSTOMERS = named(
    "story.from",
    """
    select s.customer, s.state from story s where s.lane = $1 and s.customer > $2 order by s.customer limit $3
    """,
)
STORY = named("story.state", "select s.state from story s where s.lane = $1 and s.customer = $2")


@dataclass(frozen=True, slots=True)
class Run:
    """lane_index: into LANES; after: the customer it has come to in that lane."""

    occurrence: Occurrence
    lane_index: int
    after: str


class ScheduleStore:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def open(self, found: Sequence[Occurrence]) -> None:
        """Write down that these moments have come, once."""
        await self._pool.execute(
            OPEN, [lane_of(one.campaign) for one in found], [one.campaign for one in found],
            [one.offer for one in found], [one.due_at for one in found], [one.version for one in found],
        )  # fmt: skip

    async def lease(self, now: datetime, until: datetime) -> Run | None:
        """An unfinished run that nobody works on, ours until then (wall clock)."""
        row = await self._pool.fetchrow(LEASE, list(LANES), now, until)
        if row is None:
            return None
        occurrence = Occurrence(row["campaign"], row["version"], row["offer"], row["due_at"])
        return Run(occurrence, row["lane_index"], row["after"])

    async def advance(
        self, run: Run, *, given: int, leased_until: datetime | None, finished_at: datetime | None
    ) -> None:
        one = run.occurrence
        await self._pool.execute(
            ADVANCE, lane_of(one.campaign), one.campaign, one.offer, one.due_at, run.lane_index, run.after, given,
            leased_until, finished_at,
        )  # fmt: skip

    async def under_way(self, now: datetime) -> int:
        count: int = await self._pool.fetchval(UNDER_WAY, list(LANES), now)
        return count

    async def customers(self, lane: int, after: str, limit: int) -> list[tuple[str, StoryState]]:
        """The next customers of a lane with their stories, by token."""
        rows = await self._pool.fetch(CUSTOMERS, lane, after, limit)
        return [(row["customer"], state_of(row["state"])) for row in rows]

    async def story(self, customer: str) -> StoryState | None:
        row = await self._pool.fetchrow(STORY, lane_of(customer), customer)
        return None if row is None else state_of(row["state"])

    async def coupons(self, lane: int, customers: Sequence[str], at: datetime) -> dict[str, tuple[CouponFacts, ...]]:
        """What these customers of one lane hold that is alive at `at`."""
        return await coupons_alive(self._pool, lane, customers, at)
