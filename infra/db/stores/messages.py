"""Words to customers, and who agreed to promotions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.kernel.ids import LANES, lane_of
from domain.kernel.words import Words
from domain.messaging.facts import MessageFacts
from infra.db.statements import named

SHOWN = 100

MESSAGES = named(
    "message.of_customer",
    """
    select m.id, m.title_zh, m.title_en, m.body_zh, m.body_en, m.sent_at from message m
    where m.lane = $1 and m.customer = $2 and m.status = 'SENT' order by m.id desc limit $3
    """,
)
AGREED = named(
    "message_consent.of_customer",
    "select c.promotions from message_consent c where c.lane = $1 and c.customer = $2",
)
SET_AGREED = named(
    "message_consent.set",
    """
    insert into message_consent as c (lane, customer, promotions, changed_at) values ($1, $2, $3, $4)
    on conflict (lane, customer) do update set promotions = excluded.promotions, changed_at = excluded.changed_at
    where c.promotions <> excluded.promotions
    """,
)
ADD = named(
    "message.add",
    """
    insert into message (lane, id, customer, campaign, offer, kind, status, via, email_sealed, title_zh, title_en,
        body_zh, body_en, due_at, sent_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) on conflict do nothing
    """,
)
DUE = named(
    "message.due",
    """
    select m.lane, m.id, m.customer, m.kind, coalesce(c.promotions, false) agreed
    from message m
        left join message_consent c on c.lane = m.lane and c.customer = m.customer and c.lane = any($1::int[])
    where m.lane = any($1::int[]) and m.status = 'DUE' and m.due_at <= $2 order by m.due_at limit $3
    """,
)
END = named(
    "message.end",
    "update message set status = $3, sent_at = $4 where lane = $1 and id = $2 and status = 'DUE'",
)
PUT_OFF = named("message.put_off", "update message set due_at = $3 where lane = $1 and id = $2 and status = 'DUE'")


class MessageStore:
    """Implements ReadMessages and KeepConsent, and keeps what the worker sends."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def messages(self, customer: str) -> list[MessageFacts]:
        rows = await self._pool.fetch(MESSAGES, lane_of(customer), customer, SHOWN)
        return [
            MessageFacts(
                row["id"],
                Words(row["title_zh"], row["title_en"]),
                Words(row["body_zh"], row["body_en"]),
                row["sent_at"],
            )
            for row in rows
        ]

    async def agreed(self, customer: str) -> bool:
        return bool(await self._pool.fetchval(AGREED, lane_of(customer), customer))

    async def set_agreed(self, customer: str, on: bool, at: datetime) -> None:
        await self._pool.execute(SET_AGREED, lane_of(customer), customer, on, at)

    async def add(self, told: Mapping[str, Any], status: str, due_at: datetime, sent_at: datetime | None) -> None:
        """Once by its id: a promise is kept at least once."""
        (title_zh, title_en), (body_zh, body_en) = told["title"], told["body"]
        await self._pool.execute(
            ADD, lane_of(told["customer"]), UUID(told["id"]), told["customer"], told["campaign"], told["offer"],
            told["kind"], status, told["via"], told["email"], title_zh, title_en, body_zh, body_en, due_at, sent_at,
        )  # fmt: skip

    async def due(self, now: datetime, limit: int) -> Sequence[Any]:
        """(lane, id, customer, kind, agreed) of messages whose night is over."""
        rows: Sequence[Any] = await self._pool.fetch(DUE, list(LANES), now, limit)
        return rows

    async def end(self, lane: int, id: UUID, status: str, sent_at: datetime | None) -> None:
        await self._pool.execute(END, lane, id, status, sent_at)

    async def put_off(self, lane: int, id: UUID, until: datetime) -> None:
        await self._pool.execute(PUT_OFF, lane, id, until)
