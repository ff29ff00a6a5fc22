"""Applies events that belong to no customer's story: merchants, and applications of people who are not customers yet.

A merchant's groups decide what its purchases were worth. So when a merchant is told of whose purchases were judged
without knowing it, or as of a moment that has been judged already, the stories it stands in are marked to be told
anew. The order of steps leaves no gap: a worker first writes down who paid where, then looks which catalogue there
is, then judges; here the merchant is written first, and who paid there is asked afterwards, by a promise that stands
in the same commit.
"""

from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson

from domain.kernel.ids import LANES, lane_of, new_id
from domain.stories.events import CardApplied, MerchantUpdated, StoryEvent
from infra.db.statements import named
from infra.db.stores.stories import Leased, merchant_kind

MARK_TOPIC = "merchant.mark"

TAKE = named(
    "inbox.take_general",
    "delete from inbox where lane = $1 and source = $2 and id = $3 and state = 'DUE' returning 1",
)

KEEP = named(
    "general_event.keep",
    """
    insert into general_event (lane, subject, at, source, id, type, data, applied_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    """,
)

EARLIER = named(
    "general_event.any_before",
    "select exists (select 1 from general_event e where e.lane = $1 and e.subject = $2)",
)

PROMISE = named(
    "outbox.promise",
    "insert into outbox (lane, id, topic, payload, due_at, created_at) values ($1, $2, $3, $4, $5, $5)",
)

MERCHANT = """
insert into merchant as m (merchant, name, groups, mcc, city, status, as_of) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (merchant) do update set
    name = excluded.name, groups = excluded.groups, mcc = excluded.mcc, city = excluded.city,
    status = excluded.status, as_of = excluded.as_of
where excluded.as_of >= m.as_of
"""

STAMP = "update catalog_stamp set version = version + 1"

CUSTOMERS = named(
    "reference.customers_of_merchant",
    "select r.customer from reference r where r.lane = $1 and r.kind = $2 and r.ref > $3 order by r.ref limit $4",
)

# Whose first events are being applied at this moment has no story yet: an empty one makes that unit judge again.
MARK = named(
    "story.mark",
    """
    insert into story as s (lane, customer, version, plans, upto, state)
    select u.lane, u.customer, 1, 0, $4, '{}' from unnest($2::int[], $3::text[]) u (lane, customer)
    on conflict (lane, customer) do update set plans = 0, version = s.version + 1
    where s.lane = any($1::int[]) and s.upto >= $4
    """,
)

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_AT_ONCE = 1_000


class GeneralEvents:
    """One transaction an event; they are rare."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def apply(self, one: Leased, event: StoryEvent) -> int:
        """1, or 0 when another worker was quicker."""
        subject = event.merchant if isinstance(event, MerchantUpdated) else event.key
        lane, now = lane_of(subject), datetime.now(UTC)
        async with self._pool.acquire() as connection, connection.transaction():
            if await connection.fetchval(TAKE, one.lane, one.source, one.id) is None:
                return 0
            first = not await connection.fetchval(EARLIER, lane, subject)
            await connection.execute(KEEP, lane, subject, one.at, one.source, one.id, one.type, one.data, now)
            match event:
                case MerchantUpdated():
                    # The first news of a merchant hold from the beginning: earlier purchases were judged without.
                    await self._merchant(connection, event, lane, _BEGINNING if first else event.at, now)
                case CardApplied():
                    pass  # kept for the figures of who applied where; there is no story to tell it in
        return 1

    async def _merchant(
        self, connection: asyncpg.Connection, event: MerchantUpdated, lane: int, since: datetime, now: datetime
    ) -> None:
        await connection.execute(
            MERCHANT,
            event.merchant,
            event.name,
            list(event.groups),
            event.mcc,
            event.city,
            event.status.value,
            event.at,
        )
        await connection.execute(STAMP)
        payload = orjson.dumps({"merchant": event.merchant, "since": since.isoformat()}).decode()
        await connection.execute(PROMISE, lane, new_id(lane, now), MARK_TOPIC, payload, now)
        await connection.execute("select pg_notify('hall_catalog', ''), pg_notify('hall_outbox', '')")

    async def mark(self, payload: dict[str, Any]) -> None:
        """Keep the promise of `_merchant`: mark the stories of everyone who paid there since. Safe to do again."""
        merchant, since = payload["merchant"], datetime.fromisoformat(payload["since"])
        after = ""
        while True:
            rows = await self._pool.fetch(CUSTOMERS, lane_of(merchant), merchant_kind(merchant), after, _AT_ONCE)
            customers = [row["customer"] for row in rows]
            if customers:
                await self._pool.execute(MARK, list(LANES), [lane_of(c) for c in customers], customers, since)
            if len(customers) < _AT_ONCE:
                return
            after = customers[-1]
