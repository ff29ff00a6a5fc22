"""Keeps promises: leases what is due, calls the handler of its topic outside any transaction, and forgets what is done.

A promise stands in the same commit as what it is owed for. Its handler runs at least once, so each handler can be run
again. The attempt is counted when the promise is leased, before the handler runs. After `TRIES` it is parked where a
person sees it. A topic nobody handles in this process is left for one that does. What waits for a coupon that a till
holds is due again as soon as nobody holds it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import structlog

from domain.kernel.ids import LANES
from infra import metrics
from infra.db.statements import named

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
TRIES = 12
BATCH = 100

TAKE = named(
    "outbox.lease",
    """
    with due as (
        select o.lane, o.id from outbox o
        where o.lane = any($1::int[]) and o.state = 'DUE' and o.due_at <= $2 and o.topic = any($3::text[])
        order by o.due_at limit $4 for update skip locked
    )
    update outbox o set due_at = $5, attempts = o.attempts + 1, error = null, waits_for = null
    from due d where o.lane = d.lane and o.id = d.id and o.lane = any($1::int[])
    returning o.lane, o.id, o.topic, o.payload, o.attempts
    """,
)
FORGET = named("outbox.forget", "delete from outbox where lane = $1 and id = $2")
LATER = named(
    "outbox.later",
    "update outbox set due_at = $3, error = $4, waits_for = $5 where lane = $1 and id = $2 and state = 'DUE'",
)
WAKE = named(
    "outbox.wake",
    """
    update outbox o set due_at = $2, waits_for = null
    where o.lane = any($1::int[]) and o.state = 'DUE' and o.waits_for is not null and not exists (
        select 1 from coupon c where c.lane = o.lane and c.id = o.waits_for and c.status = 'HELD'
    )
    """,
)
PARK = named("outbox.park", "update outbox set state = 'PARKED', error = $3 where lane = $1 and id = $2")
UNTRIED = named(
    "outbox.untried",
    """
    select count(*) from outbox o
    where o.lane = any($1::int[]) and o.state = 'DUE' and o.topic = any($2::text[])
        and (o.error is null or o.due_at <= $3)
    """,
)

UNHELD = timedelta(hours=1)
"""When what waits for a coupon is tried all the same: a fallback, for its hold's end makes it due."""


@dataclass(frozen=True, slots=True)
class TryLater:
    """Not done: again after this long, or once no till holds the coupon `waits_for` any more."""

    after: timedelta
    why: str = ""
    waits_for: UUID | None = None

    @classmethod
    def once_unheld(cls, coupon: UUID) -> "TryLater":
        return cls(UNHELD, "a till holds a coupon of it", coupon)


Handler = Callable[[dict[str, Any], int], Awaitable[TryLater | None]]
"""(payload, attempt from 1) -> None when it is done."""


class Outbox:
    """Any number of them may work at once."""

    def __init__(self, pool: asyncpg.Pool, handlers: Mapping[str, Handler]) -> None:
        self._pool = pool
        self._handlers = handlers
        self._topics = sorted(handlers)

    async def keep_due(self, limit: int = BATCH) -> int:
        """Try every promise that is due, up to `limit`; returns how many were tried."""
        now = datetime.now(UTC)
        rows = await self._pool.fetch(TAKE, list(LANES), now, self._topics, limit, now + LEASE)
        await asyncio.gather(*(self._keep(row) for row in rows))
        return len(rows)

    async def wake(self) -> int:
        """What waited for a coupon that nobody holds any more is due; returns how many promises."""
        return int((await self._pool.execute(WAKE, list(LANES), datetime.now(UTC))).split()[-1])

    async def untried(self) -> int:
        """How many promises that this process could keep are due or being tried."""
        found: int = await self._pool.fetchval(UNTRIED, list(LANES), self._topics, datetime.now(UTC))
        return found

    async def _keep(self, row: asyncpg.Record) -> None:
        lane: int = row["lane"]
        id: UUID = row["id"]
        try:
            outcome = await self._handlers[row["topic"]](orjson.loads(row["payload"]), row["attempts"])
        except Exception as error:
            log.warning("promise not kept", topic=row["topic"], attempt=row["attempts"], exc_info=True)
            outcome = TryLater(
                timedelta(seconds=min(3600, 2 ** row["attempts"])), f"{type(error).__name__}: {error}"[:500]
            )
        if outcome is None:
            metrics.worker_items.labels("outbox").inc()
            await self._pool.execute(FORGET, lane, id)
        elif row["attempts"] >= TRIES:
            await self._pool.execute(PARK, lane, id, outcome.why)
        else:
            due_at = datetime.now(UTC) + outcome.after
            await self._pool.execute(LATER, lane, id, due_at, outcome.why, outcome.waits_for)
