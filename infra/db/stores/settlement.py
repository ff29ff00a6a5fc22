"""Merchants' statements: closed once, never changed, made again from the ledger to be compared.

A statement takes every entry of the merchant's that happened before its day's end and is in none yet. So what commits
after its day was closed goes to the next statement. Two that close the same day at once: one does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from domain.kernel.ids import LANES, lane_of
from domain.kernel.time import DAY, business_day, day_start
from domain.till.model import Shares
from domain.till.settlement import FORM, Entry, EntryLine, Statement, statement_of
from infra.db.statements import named

CLOSED = named(
    "settlement.closed",
    """
    select x.day, x.entries, x.subsidy, x.body, x.csv, x.form from settlement_statement x
    where x.lane = $1 and x.merchant = $2 and x.day = $3
    """,
)

TAKE = named(
    "settlement.take",
    """
    update settlement_entry e set statement = $3
    where e.lane = any($1::int[]) and e.merchant = $2 and e.statement is null and e.at < $4
    returning e.*
    """,
)

KEEP = named(
    "settlement.keep",
    """
    insert into settlement_statement (lane, merchant, day, entries, subsidy, body, csv, form, closed_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing returning 1
    """,
)

OPEN = named(
    "settlement.open",
    """
    select e.* from settlement_entry e
    where e.lane = any($1::int[]) and e.merchant = $2 and e.statement is null and e.at < $3
    """,
)

ENTRIES = named(
    "settlement.entries",
    """
    select e.* from settlement_entry e where e.lane = any($1::int[]) and e.merchant = $2 and e.statement = $3
    """,
)

# Who bore what, from the journal alone. A capture's or reversal's unit has its entry's id.
FROM_JOURNAL = named(
    "settlement.from_journal",
    """
    select j.unit, j.src, j.dst, j.units from journal j
    where j.lane = any($1::int[]) and j.unit = any($2::uuid[]) and j.reason = 'SUBSIDY' and j.at between $3 and $4
    """,
    all_lanes=True,
)

FIRST_OPEN = named(
    "settlement.first_open",
    """
    select e.merchant, min(e.at) since from settlement_entry e
    where e.lane = any($1::int[]) and e.statement is null and e.at < $2 and ($3::text is null or e.merchant = $3)
    group by e.merchant
    """,
)

LISTED = named(
    "settlement.listed",
    """
    select x.merchant, x.day, x.entries, x.subsidy, x.closed_at from settlement_statement x
    where x.lane = any($1::int[]) and ($2::text is null or x.merchant = $2) and ($3::date is null or x.day = $3)
    order by x.day, x.merchant
    """,
)

ALL = list(LANES)


class _AlreadyClosed(Exception):
    """Somebody else closed it: what was taken here goes back."""


@dataclass(frozen=True, slots=True)
class Listed:
    merchant: str
    day: date
    entries: int
    subsidy: int
    closed_at: datetime


class SettlementStore:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @property
    def pool(self) -> asyncpg.Pool:
        return self._pool

    async def statement(self, merchant: str, day: date, now: datetime) -> Statement:
        """The closed statement of a day that is over, closing it (and the open days before it) now if need be.

        Of a day that is not over: what is in it so far. A sandbox's clock may have been set back since it was closed.
        """
        found = await self._closed(merchant, day)
        if found is not None:
            return found
        if business_day(now) <= day:
            rows = await self._pool.fetch(OPEN, ALL, merchant, day_start(day + DAY))
            return statement_of(merchant, day, [_entry(row) for row in rows], closed=False)
        await self.close_until(day, now, merchant)
        return await self._close(merchant, day, now)

    async def close_until(self, day: date, now: datetime, merchant: str | None = None) -> int:
        """Close every open statement up to `day`, the oldest first; returns how many were closed."""
        closed = 0
        for row in await self._pool.fetch(FIRST_OPEN, ALL, day_start(day + DAY), merchant):
            each = business_day(row["since"])
            while each <= day:
                if await self._closed(row["merchant"], each) is None:
                    await self._close(row["merchant"], each, now)
                    closed += 1
                each += DAY
        return closed

    async def recomputed(self, merchant: str, day: date, form: int = FORM) -> Statement:
        """The closed statement made again in its form: who bore what is read from the journal, not from the entries."""
        entries = [_entry(row) for row in await self._pool.fetch(ENTRIES, ALL, merchant, day)]
        if not entries:
            return statement_of(merchant, day, (), closed=True, form=form)
        moments = [entry.at for entry in entries]
        moves = await self._pool.fetch(FROM_JOURNAL, ALL, [entry.id for entry in entries], min(moments), max(moments))
        return statement_of(merchant, day, _borne(entries, moves), closed=True, form=form)

    async def listed(self, merchant: str | None = None, day: date | None = None) -> list[Listed]:
        rows = await self._pool.fetch(LISTED, ALL, merchant, day)
        return [Listed(*row) for row in rows]

    async def _closed(self, merchant: str, day: date) -> Statement | None:
        row = await self._pool.fetchrow(CLOSED, lane_of(merchant), merchant, day)
        return None if row is None else Statement(merchant, *row)

    async def _close(self, merchant: str, day: date, now: datetime) -> Statement:
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                rows = await connection.fetch(TAKE, ALL, merchant, day, day_start(day + DAY))
                made = statement_of(merchant, day, [_entry(row) for row in rows], closed=True)
                kept = await connection.fetchval(
                    KEEP,
                    lane_of(merchant),
                    merchant,
                    day,
                    made.entries,
                    made.subsidy,
                    made.body,
                    made.csv,
                    made.form,
                    now,
                )
                if kept is None:
                    raise _AlreadyClosed
            return made
        except _AlreadyClosed:
            found = await self._closed(merchant, day)
            assert found is not None
            return found


def _entry(row: Mapping[str, Any]) -> Entry:
    lines = tuple(
        EntryLine(campaign, offer, coupon, Shares(bank, merchant, platform))
        for campaign, offer, coupon, _, bank, merchant, platform in orjson.loads(row["lines"])
    )
    return Entry(row["id"], row["kind"], row["redemption"], row["transaction"], row["amount"], lines, row["at"])


def _borne(entries: Sequence[Entry], moves: Sequence[Mapping[str, Any]]) -> list[Entry]:
    """The entries with the shares that the journal tells of."""
    borne: dict[tuple[UUID, str, str], dict[str, int]] = {}
    for move in moves:
        share = next(side for side in (move["src"], move["dst"]) if side.startswith("~share|"))
        _, who, campaign, offer = share.split("|")
        found = borne.setdefault((move["unit"], campaign, offer), {"bank": 0, "merchant": 0, "platform": 0})
        found[who] += move["units"]
    return [
        Entry(
            entry.id, entry.kind, entry.redemption, entry.transaction, entry.amount,
            tuple(
                EntryLine(line.campaign, line.offer, line.coupon,
                          Shares(**borne.get((entry.id, line.campaign, line.offer), _NOBODY)))
                for line in entry.lines
            ),
            entry.at,
        )
        for entry in entries
    ]  # fmt: skip


_NOBODY = {"bank": 0, "merchant": 0, "platform": 0}
GRACE = timedelta(minutes=5)
"""The worker closes a day so long after its end, so that what was under way is in it."""
