"""Customers' points and the catalogue of what they buy. Nothing here writes."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from domain.campaigns.model import Limit
from domain.campaigns.terms import DeliveryKind, Per, Period
from domain.kernel.ids import LANES, lane_of
from domain.kernel.pages import Page
from domain.kernel.words import Words
from domain.ledger.accounts import Account
from domain.ledger.unit import Repeated, Request, Reused
from domain.offers.outcomes import AccountFrozen
from domain.points.book import NO_PURSE, Entry, EntryKind, Purse, purse_of, read_lots
from domain.points.facts import Item, Stocked, stock
from domain.points.give_back import RedeemedPiece
from domain.points.ports import PurseFacts
from domain.points.redeem import RedeemFacts
from domain.wallet.facts import DeliveryFacts
from infra.db.literals import numbers, texts
from infra.db.statements import named
from infra.db.stores.fulfilment import DELIVERIES_BY_ID, delivery_of
from infra.db.together import Together

PURSE = named(
    "points.purse",
    """
    select p.version, p.balance, p.entries, p.lots, p.noticed,
        (select a.held from account a where a.lane = $1 and a.key = $3) held
    from points_account p where p.lane = $1 and p.customer = $2
    """,
)

# From behind a number downwards: a page costs the same wherever it is, however many there are.
ENTRIES = named(
    "points.entries",
    """
    select e.n, e.kind, e.points, e.balance_after, e.at, e.occurred_at, e.subject, e.details
    from points_entry e where e.lane = $1 and e.customer = $2 and e.n < $3 order by e.n desc limit $4
    """,
)

_ITEM_COLUMNS = (
    "code", "position", "title_zh", "title_en", "description_zh", "description_en", "cost", "delivery", "value", "sku",
    "stock", "limit_per", "limit_period", "limit_max", "paused", "listed",
)  # fmt: skip
_ITEM = ", ".join(f"i.{column}" for column in _ITEM_COLUMNS)

ITEMS = named(
    "catalog_item.page",
    f"select {_ITEM} from catalog_item i where i.listed and i.position > $1 order by i.position limit $2",
)

ITEM = named("catalog_item.by_code", f"select {_ITEM} from catalog_item i where i.code = $1")

STOCKS = named(
    "points.stocks",
    """
    select a.key, a.balance - a.held free from shared_account a
    where a.lane = any($1::int[]) and a.key = any($2::text[])
    """,
)

# What several callers want at once: each item once, then each customer.
ITEMS_BY_CODE = named("catalog_item.by_codes", f"select {_ITEM} from catalog_item i where i.code = any($1::text[])")

BUYERS = named(
    "points.buyers",
    """
    select q.n, p.version, p.balance, p.entries, p.lots, p.noticed, case when q.personal then (
        select c.person from customer c where c.lane = q.lane and c.customer = q.customer
    ) end person, (
        select f.appealable from customer_freeze f
        where f.lane = q.lane and f.customer = q.customer and f.status = 'FROZEN'
    ) appealable
    from unnest($1::text::int[], $2::text::text[], $3::text::bool[])
        with ordinality q (lane, customer, personal, n)
        left join lateral (
            select * from points_account x where x.lane = q.lane and x.customer = q.customer offset 0
        ) p on true
    """,
)

ANSWER = named(
    "points.answer",
    "select r.print, r.answer from request r where r.lane = $1 and r.owner = $2 and r.id = $3",
)

PIECE = named(
    "points_redemption.piece",
    f"""
    select r.points cost_then, r.lots taken, r.stocked, r.allowance, r.status,
        p.version, p.balance, p.entries, p.lots, p.noticed, {_ITEM}
    from points_redemption r
        join points_account p on p.lane = $1 and p.customer = r.customer
        join catalog_item i on i.code = r.item
    where r.lane = $1 and r.customer = $2 and r.id = $3
    """,
)

DUE = named(
    "points_account.due",
    """
    select p.customer, p.version, p.balance, p.entries, p.lots, p.noticed from points_account p
    where p.lane = any($1::int[]) and p.due_at <= $2 order by p.due_at limit $3
    """,
)

FAILED = named(
    "points_redemption.failed",
    """
    select r.customer, r.id from delivery d
        join points_redemption r on r.lane = d.lane and r.id = d.id
    where d.lane = any($1::int[]) and r.lane = any($1::int[]) and d.status = 'FAILED' and d.campaign = 'points'
        and r.status = 'OPEN'
    limit $2
    """,
)

_NEWEST = 2**62


class PointsStore:
    """Implements ReadPoints, ReadRedemptions and ReadPieces."""

    def __init__(self, pool: asyncpg.Pool, *, at_once: int = 2, most: int = 256) -> None:
        """
        Args:
            at_once: statements that read for redemptions at the same time.
            most: redemptions one of them reads for.
        """
        self._pool = pool
        self._redeem_facts = Together(self._read_redeem_facts, at_once=at_once, limit=most)

    # --- what the customer reads

    async def purse(self, customer: str) -> PurseFacts:
        row = await self._pool.fetchrow(PURSE, lane_of(customer), customer, f"points|{customer}")
        return PurseFacts(NO_PURSE, 0) if row is None else PurseFacts(_purse(row), row["held"] or 0)

    async def entries(self, customer: str, *, first: int, before: int | None) -> Page[Entry]:
        rows = await self._pool.fetch(ENTRIES, lane_of(customer), customer, before or _NEWEST, first + 1)
        return Page(tuple([_entry(row) for row in rows[:first]]), len(rows) > first)

    async def entry(self, customer: str, n: int) -> Entry | None:
        rows = await self._pool.fetch(ENTRIES, lane_of(customer), customer, n + 1, 1)
        return _entry(rows[0]) if rows and rows[0]["n"] == n else None

    async def items(self, *, first: int, after: int | None) -> Page[Stocked]:
        rows = await self._pool.fetch(ITEMS, -1 if after is None else after, first + 1)
        return Page(tuple(await self._stocked(rows[:first])), len(rows) > first)

    async def item(self, code: str) -> Stocked | None:
        rows = await self._pool.fetch(ITEM, code)
        return (await self._stocked(rows))[0] if rows else None

    async def _stocked(self, rows: Sequence[Any]) -> list[Stocked]:
        items = [_item(row) for row in rows]
        accounts = {item.code: stock(item.code) for item in items if item.stock is not None}
        free: dict[str, int] = {}
        if accounts:
            lanes = sorted({account.lane for account in accounts.values()})
            found = await self._pool.fetch(STOCKS, lanes, [account.key for account in accounts.values()])
            free = {row["key"]: row["free"] for row in found}
        return [
            Stocked(item, free.get(accounts[item.code].key, 0) if item.code in accounts else None) for item in items
        ]

    # --- what a command is decided on

    async def redeem_facts(self, customer: str, item: str) -> RedeemFacts:
        return await self._redeem_facts((customer, item if _is_code(item) else ""))

    async def _read_redeem_facts(self, asked: Sequence[tuple[str, str]]) -> list[RedeemFacts]:
        codes = list({item for _, item in asked})
        found = {each.item.code: each for each in await self._stocked(await self._pool.fetch(ITEMS_BY_CODE, codes))}
        personal = {code for code, each in found.items() if each.item.limit and each.item.limit.per is Per.PERSON}
        rows = await self._pool.fetch(
            BUYERS, numbers([lane_of(customer) for customer, _ in asked]), texts([customer for customer, _ in asked]),
            numbers([item in personal for _, item in asked]),
        )  # fmt: skip
        facts: list[RedeemFacts] = [RedeemFacts(None, None, None)] * len(asked)
        for n, version, balance, entries, lots, noticed, person, appealable in rows:
            purse = None if version is None else purse_of(version, balance, entries, orjson.loads(lots), noticed)
            facts[n - 1] = RedeemFacts(
                purse, found.get(asked[n - 1][1]), person, None if appealable is None else AccountFrozen(appealable)
            )
        return facts

    async def answer_to(self, request: Request, lane: int) -> Repeated | Reused | None:
        row = await self._pool.fetchrow(ANSWER, lane, request.owner, request.id)
        if row is None:
            return None
        return Repeated(row["answer"]) if row["print"] == request.print else Reused()

    async def deliveries_by_id(self, customer: str, ids: Sequence[UUID]) -> list[DeliveryFacts]:
        rows = await self._pool.fetch(DELIVERIES_BY_ID, lane_of(customer), customer, list(ids))
        return [delivery_of(customer, row) for row in rows]

    async def piece(self, customer: str, delivery: UUID) -> RedeemedPiece | None:
        row = await self._pool.fetchrow(PIECE, lane_of(customer), customer, delivery)
        if row is None:
            return None
        allowance = None if row["allowance"] is None else Account(*orjson.loads(row["allowance"]))
        return RedeemedPiece(
            delivery, customer, _item(row), row["cost_then"], read_lots(orjson.loads(row["taken"])), row["stocked"],
            allowance, row["status"], _purse(row),
        )  # fmt: skip

    # --- what time alone brings about

    async def due(self, now: datetime, limit: int) -> list[tuple[str, Purse]]:
        """Customers whose points need something by `now`, the most urgent first."""
        rows = await self._pool.fetch(DUE, list(LANES), now, limit)
        return [(row["customer"], _purse(row)) for row in rows]

    async def failed(self, limit: int) -> list[tuple[str, UUID]]:
        """(customer, delivery) of redeemed pieces that finally failed and whose points have not been given back."""
        rows = await self._pool.fetch(FAILED, list(LANES), limit)
        return [(row["customer"], row["id"]) for row in rows]


def _is_code(text: str) -> bool:
    return 0 < len(text) <= 48 and text.isascii() and text.replace("-", "").isalnum()


def _purse(row: Any) -> Purse:
    return purse_of(row["version"], row["balance"], row["entries"], orjson.loads(row["lots"]), row["noticed"])


def _entry(row: Any) -> Entry:
    n, kind, points, balance_after, at, occurred_at, subject, details = row
    return Entry(n, EntryKind(kind), points, balance_after, at, occurred_at, subject, details)


def _item(row: Any) -> Item:
    return _made(*[row[column] for column in _ITEM_COLUMNS])


@lru_cache(maxsize=1024)
def _made(
    code: str, position: int, title_zh: str, title_en: str, description_zh: str, description_en: str, cost: int,
    delivery: str, value: int, sku: str | None, stock: int | None, limit_per: str | None, limit_period: str | None,
    limit_max: int | None, paused: bool, listed: bool,
) -> Item:  # fmt: skip
    limit = None
    if limit_per is not None and limit_period is not None and limit_max is not None:
        limit = Limit(Per(limit_per), Period(limit_period), limit_max)
    return Item(
        code, position, Words(title_zh, title_en), Words(description_zh, description_en), cost, DeliveryKind(delivery),
        value, sku, stock, limit, paused, listed,
    )  # fmt: skip
