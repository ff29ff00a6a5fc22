"""Draws: a customer's chances and results, stock, secrets, and the public record.

Results and chances are only read here; the commit writes them. Secrets are made and revealed here: a commitment is
durable before it is shown or used, and a secret is revealed only where the chain has passed its day, which the
statement itself makes sure of.
"""

import secrets as entropy
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.kernel.ids import LANES, lane_of
from domain.kernel.pages import Page
from domain.ledger.unit import Repeated, Request, Reused
from domain.lottery.chain import Head, beginning, read_head
from domain.lottery.facts import ChanceFacts, DrawKey, DrawOf, ResultFacts, Secret
from domain.lottery.ports import Stands
from domain.lottery.roll import commitment_of
from domain.lottery.verify import Day
from infra.db.statements import named
from infra.db.stores.commands import ANSWER
from infra.db.stores.stamps import Seen
from infra.security.sealing import Sealer

MOST_CHANCES = 100
SECRET_BYTES = 32

CHANCES = named(
    "lottery.chances",
    """
    select s.version stamp, c.id, c.campaign, c.offer, c.draw, c.basis, c.expires_at
    from catalog_stamp s left join lateral (
        select * from draw_chance x
        where x.lane = $1 and x.customer = $2 and x.status = 'OPEN' and x.expires_at > $3 and ($4 = '' or x.draw = $4)
        order by x.expires_at, x.id limit $5
    ) c on true
    order by c.expires_at, c.id
    """,
)

CHANCES_BY_ID = named(
    "lottery.chances_by_id",
    """
    select c.id, c.campaign, c.offer, c.draw, c.basis, c.expires_at from draw_chance c
    where c.lane = $1 and c.customer = $2 and c.id = any($3::uuid[]) and c.status = 'OPEN' and c.expires_at > $4
    """,
)

_RESULT = """
    select r.id, r.campaign, r.version, r.offer, r.draw, r.prize, r.coupon, r.delivery, r.sequence, r.day, r.nonce,
           r.commitment, r.previous, r.hash, r.at
    from draw_result r
"""

RESULTS = named(
    "lottery.results",
    _RESULT + "where r.lane = $1 and r.customer = $2 and r.campaign = $3 and r.draw = $4 and r.id < $5"
    " order by r.id desc limit $6",
)

RESULTS_BY_ID = named(
    "lottery.results_by_id", _RESULT + "where r.lane = $1 and r.customer = $2 and r.id = any($3::uuid[])"
)

STANDS = named(
    "lottery.stands",
    """
    select s.version stamp, a.keys, a.free
    from catalog_stamp s, (
        select array_agg(x.key) keys, array_agg(x.balance - x.held - x.floor) free
        from shared_account x where x.lane = any($1::int[]) and x.key = any($2::text[])
    ) a
    """,
)

REVEALED = named(
    "lottery.revealed",
    """
    select q.n, s.secret from unnest($1::int[], $2::text[], $3::text[], $4::date[]) with ordinality
        q (lane, campaign, draw, day, n), lateral (select * from draw_secret x
        where x.lane = q.lane and x.campaign = q.campaign and x.draw = q.draw and x.day = q.day offset 0) s
    where s.secret is not null
    """,
)

HEAD = named("lottery.head", "select c.head from draw_chain c where c.lane = $1 and c.campaign = $2 and c.draw = $3")

SECRETS = named(
    "lottery.secrets",
    """
    select s.day, s.commitment, s.sealed from draw_secret s
    where s.lane = $1 and s.campaign = $2 and s.draw = $3 and s.day = any($4::date[])
    """,
)

BEGIN = named(
    "lottery.begin",
    """
    insert into draw_chain (lane, campaign, draw, head, changed_at)
    values ($1, $2, $3, $4, statement_timestamp()) on conflict do nothing
    """,
)

# A day that the chain has passed gets no secret any more: nobody could draw with it.
COMMIT = named(
    "lottery.commit_to",
    """
    insert into draw_secret (lane, campaign, draw, day, commitment, sealed)
    values ($1, $2, $3, $4, $5, $6) on conflict do nothing
    """,
)

# Chains at a day that is over and was drawn on: their secret can be shown once the chain has moved on.
DUE = named(
    "lottery.due_to_turn",
    """
    select c.lane, c.campaign, c.draw, c.head from draw_chain c, lateral (
        select 1 from draw_entry e
        where e.lane = c.lane and e.campaign = c.campaign and e.draw = c.draw
          and e.sequence = split_part(c.head, '|', 1)::bigint and e.day = split_part(c.head, '|', 2)::date offset 0
    ) used
    where c.lane = any($1::int[]) and split_part(c.head, '|', 2)::date < $2
    """,
)

TO_REVEAL = named(
    "lottery.to_reveal",
    """
    select s.lane, s.campaign, s.draw, s.day, s.sealed from draw_secret s, lateral (
        select c.head from draw_chain c
        where c.lane = s.lane and c.campaign = s.campaign and c.draw = s.draw offset 0
    ) chain
    where s.lane = any($1::int[]) and s.secret is null and s.day < split_part(chain.head, '|', 2)::date
    """,
)

# The chain is looked at again: it never goes back, so no draw can use a secret that this statement shows.
REVEAL = named(
    "lottery.reveal",
    """
    update draw_secret s set secret = $5, revealed_at = $6
    where s.lane = $1 and s.campaign = $2 and s.draw = $3 and s.day = $4 and s.secret is null and exists (
        select 1 from draw_chain c
        where c.lane = $1 and c.campaign = $2 and c.draw = $3 and split_part(c.head, '|', 2)::date > $4
    )
    """,
)

DAYS = named(
    "lottery.days",
    """
    select s.day, s.commitment, s.secret from draw_secret s
    where s.lane = $1 and s.campaign = $2 and s.draw = $3 and s.day >= $4 order by s.day limit $5
    """,
)

ENTRIES = named(
    "lottery.entries",
    """
    select e.sequence, e.day, e.hash, e.body from draw_entry e
    where e.lane = $1 and e.campaign = $2 and e.draw = $3 and e.sequence > $4 order by e.sequence limit $5
    """,
)

_AFTER_ALL = UUID(int=2**128 - 1)


class DrawStore:
    """Implements ReadDraws. seen: told the catalog's version that a statement saw."""

    def __init__(self, pool: asyncpg.Pool, seen: Seen) -> None:
        self._pool = pool
        self._seen = seen

    async def chances(self, customer: str, now: datetime, draw: str | None = None) -> Sequence[ChanceFacts]:
        rows = await self._pool.fetch(CHANCES, lane_of(customer), customer, now, draw or "", MOST_CHANCES)
        self._seen(rows[0]["stamp"])
        return [_chance(customer, row) for row in rows if row["id"] is not None]

    async def chances_by_id(self, customer: str, ids: Collection[UUID], now: datetime) -> Sequence[ChanceFacts]:
        rows = await self._pool.fetch(CHANCES_BY_ID, lane_of(customer), customer, list(ids), now)
        return [_chance(customer, row) for row in rows]

    async def results(self, customer: str, key: DrawKey, *, first: int, after: UUID | None) -> Page[ResultFacts]:
        rows = await self._pool.fetch(RESULTS, lane_of(customer), customer, *key, after or _AFTER_ALL, first + 1)
        return Page(tuple([_result(customer, row) for row in rows[:first]]), len(rows) > first)

    async def results_by_id(self, customer: str, ids: Collection[UUID]) -> Sequence[ResultFacts]:
        rows = await self._pool.fetch(RESULTS_BY_ID, lane_of(customer), customer, list(ids))
        return [_result(customer, row) for row in rows]

    async def stands(self, draws: Collection[DrawOf]) -> Mapping[DrawKey, Stands]:
        stocks = {(of.key, code): account for of in draws for code, account in of.stocks.items()}
        budgets = {of.key: of.budget for of in draws}
        accounts = [*stocks.values(), *budgets.values()]
        lanes = sorted({account.lane for account in accounts})
        row = await self._pool.fetchrow(STANDS, lanes, sorted({account.key for account in accounts}))
        self._seen(row["stamp"])
        free = dict(zip(row["keys"] or (), row["free"] or (), strict=True))
        return {
            of.key: Stands(
                {code: free.get(account.key, 0) for (key, code), account in stocks.items() if key == of.key},
                free.get(budgets[of.key].key, 0),
            )
            for of in draws
        }

    async def revealed(self, days: Collection[tuple[DrawKey, date]]) -> Mapping[tuple[DrawKey, date], str]:
        asked = list(days)
        rows = await self._pool.fetch(
            REVEALED,
            [lane_of(campaign) for (campaign, _), _ in asked],
            [campaign for (campaign, _), _ in asked],
            [draw for (_, draw), _ in asked],
            [day for _, day in asked],
        )
        return {asked[row["n"] - 1]: row["secret"] for row in rows}

    async def answer_to(self, request: Request, lane: int) -> Repeated | Reused | None:
        row = await self._pool.fetchrow(ANSWER, lane, request.owner, request.id)
        if row is None:
            return None
        return Repeated(row["answer"]) if row["print"] == request.print else Reused()


@dataclass(frozen=True, slots=True)
class Chain:
    """A draw's chain as it stands."""

    lane: int
    key: DrawKey
    head: Head


class SecretStore:
    """Implements DrawSecrets; makes, keeps and reveals the secrets of draws.

    What this process has opened it remembers: a secret never changes, and the day in use is told by the chain.
    """

    def __init__(self, pool: asyncpg.Pool, sealer: Sealer) -> None:
        self._pool = pool
        self._sealer = sealer
        self._opened: dict[DrawKey, dict[date, Secret]] = {}

    async def secrets(self, key: DrawKey, lane: int, day: date, *, anew: bool = False) -> Mapping[date, Secret]:
        known = self._opened.get(key, {})
        if day in known and not anew:
            return known
        head = await self._pool.fetchval(HEAD, lane, *key)
        days = [day] if head is None else sorted({day, max(day, read_head(head).day)})
        await self.commit_to(key, lane, days)
        rows = await self._pool.fetch(SECRETS, lane, *key, days)
        found = {row["day"]: self._open(key, row) for row in rows}
        self._opened[key] = found
        return found

    async def commit_to(self, key: DrawKey, lane: int, days: Sequence[date]) -> None:
        """Make the secrets of these days where there are none, and begin the chain. Safe to do again, anywhere."""
        there = {row["day"] for row in await self._pool.fetch(SECRETS, lane, *key, list(days))}
        for day in days:
            if day not in there:
                secret = entropy.token_bytes(SECRET_BYTES)
                sealed = self._sealer.seal(secret.hex(), *_place(key, day))
                await self._pool.execute(COMMIT, lane, *key, day, commitment_of(secret), sealed)
        begin = Head(0, date.min, beginning("/".join(key))).text()  # no day is in use before the first draw
        await self._pool.execute(BEGIN, lane, *key, begin)

    async def due_to_turn(self, today: date) -> list[Chain]:
        """Chains whose day is over and was drawn on."""
        rows = await self._pool.fetch(DUE, list(LANES), today)
        return [Chain(row["lane"], (row["campaign"], row["draw"]), read_head(row["head"])) for row in rows]

    async def reveal(self, now: datetime) -> int:
        """Reveal the secrets of days that their chains have passed; returns how many."""
        rows = await self._pool.fetch(TO_REVEAL, list(LANES))
        for row in rows:
            key = row["campaign"], row["draw"]
            secret = self._sealer.open(row["sealed"], *_place(key, row["day"]))
            await self._pool.execute(REVEAL, row["lane"], *key, row["day"], secret, now)
        return len(rows)

    def _open(self, key: DrawKey, row: Any) -> Secret:
        raw = bytes.fromhex(self._sealer.open(row["sealed"], *_place(key, row["day"])))
        return Secret(row["day"], row["commitment"], raw)


class DrawRecord:
    """The public record of draws: entries in order, and the days' commitments and revealed secrets."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def entries(self, key: DrawKey, *, after: int, limit: int) -> list[tuple[int, date, str, str]]:
        """(sequence, day, hash, text) of the entries after this sequence."""
        return [tuple(row) for row in await self._pool.fetch(ENTRIES, lane_of(key[0]), *key, after, limit)]

    async def days(self, key: DrawKey, *, since: date = date.min, limit: int = 4_000) -> list[Day]:
        """From this day on, oldest first."""
        since = max(since, date(2000, 1, 1))
        return [Day(*row) for row in await self._pool.fetch(DAYS, lane_of(key[0]), *key, since, limit)]


def _place(key: DrawKey, day: date) -> tuple[str, ...]:
    return ("draw_secret", *key, day.isoformat())


def _chance(customer: str, row: Any) -> ChanceFacts:
    return ChanceFacts(row["id"], customer, row["campaign"], row["offer"], row["draw"], row["basis"], row["expires_at"])


def _result(customer: str, row: Any) -> ResultFacts:
    id, *rest = row
    return ResultFacts(id, customer, *rest)
