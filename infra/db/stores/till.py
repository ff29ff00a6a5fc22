"""What the till reads: whose card it is, what the payer has, quotes, redemptions, first answers. Nothing here writes.

Reads of callers that come at the same time travel in one statement (`Together`). Whose card it is never changes, so it
is remembered.
"""

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from domain.campaigns.terms import CouponKind
from domain.kernel.ids import lane_of, lane_of_id
from domain.kernel.words import Words
from domain.offers.catalog import Catalog
from domain.offers.take_back import Origin
from domain.till.judge import AT_TILLS
from domain.till.model import Key, Quote, Redemption, Shares, Told, lines_from_plain
from domain.till.ports import PayerFacts
from domain.wallet.facts import CouponFacts, CouponStatus
from infra.db.literals import moments, numbers, texts
from infra.db.statements import named
from infra.db.stores.grants import given_grant, held_of, won_of
from infra.db.stores.stamps import Seen
from infra.db.stores.states import state_of
from infra.db.stores.stories import StoryStore
from infra.db.together import Together

MOST_COUPONS = 100
"""Coupons of one customer that a payment looks at: those that end soonest."""

REMEMBERED = 100_000

CARDS = named(
    "till.cards",
    """
    select q.n, r.customer from unnest($1::text::int[], $2::text::text[]) with ordinality q (lane, card, n),
        lateral (select x.customer from reference x
                 where x.lane = q.lane and x.kind = 'card' and x.ref = q.card offset 0) r
    """,
)

_COUPON = (
    "x.id, x.offer_grant, x.campaign, x.version, x.offer, x.kind, x.status, x.title_zh, x.title_en, x.value,"
    " x.min_spend, x.merchant_groups, x.valid_from, x.expires_at"
)

PAYERS = named(
    "till.payers",
    f"""
    select q.n, s.state, c.coupons, (select version from catalog_stamp) stamp,
        exists (
            select from customer_freeze x where x.lane = q.lane and x.customer = q.customer and x.status = 'FROZEN'
        ) frozen
    from unnest($1::text::int[], $2::text::text[], $3::text::timestamptz[])
        with ordinality q (lane, customer, now, n)
        left join lateral (
            select x.state from story x where x.lane = q.lane and x.customer = q.customer offset 0
        ) s on true
        left join lateral (
            select json_agg(json_build_array({_COUPON.replace("x.", "y.")})) coupons from (
                select x.* from coupon x
                where x.lane = q.lane and x.customer = q.customer and x.expires_at > q.now
                    and x.status in ('AVAILABLE', 'HELD') and x.kind = any($4::text[])
                order by x.expires_at, x.id limit {MOST_COUPONS}
            ) y
        ) c on true
    """,
)

COUPON = named("till.coupon", f"select {_COUPON} from coupon x where x.lane = $1 and x.customer = $2 and x.id = $3")

# The chance that a prize was drawn with was given for a purchase: `earned` and `basis` say what is left of that.
ORIGIN = named(
    "till.origin",
    """
    select g.id, g.campaign, g.version, g.offer, g.by, g.cause, g.round, g.status, g.cost, g.line, g.at, g.details,
        k.id case_id, e.status earned, e.details earned_details
    from offer_grant g
        left join operator_case k on k.lane = g.lane and k.kind in ('USED_BUT_NOT_EARNED', 'PRIZE_ABOVE_PURCHASE')
            and k.subject = g.id::text and k.status = 'OPEN'
        left join draw_chance d on d.lane = g.lane and d.id = case g.by when 'DRAW' then substr(g.cause, 6)::uuid end
        left join offer_grant e on e.lane = d.lane and e.id = d.offer_grant
    where g.lane = $1 and g.id = $2
    """,
)

OVERDUE = named(
    "till.overdue",
    """
    select h.id from hold h join till_quote x on x.lane = h.lane and x.id = h.id
    where h.lane = $1 and h.expires_at <= $3 and x.customer = $2
    """,
)

QUOTES = named(
    "till.quotes",
    """
    select q.n, t.* from unnest($1::int[], $2::uuid[]) with ordinality q (lane, id, n),
        lateral (select * from till_quote x where x.lane = q.lane and x.id = q.id offset 0) t
    """,
)

REDEMPTION = named("till.redemption", "select x.* from redemption x where x.lane = $1 and x.id = $2")

REDEEMED_FOR = named("till.redeemed_for", "select x.transaction from redemption x where x.lane = $1 and x.id = $2")

FIRST_ANSWER = named(
    "till.first_answer",
    "select x.digest, x.status, x.answer from till_key x where x.lane = $1 and x.client = $2 and x.key = $3",
)

_KINDS = sorted(kind.value for kind in AT_TILLS)


class TillStore:
    """Implements ReadTill. seen: told the catalog's version that each statement saw."""

    def __init__(self, pool: asyncpg.Pool, seen: Seen, *, together: int = 256) -> None:
        self._pool = pool
        self._seen = seen
        self._stories = StoryStore(pool)
        self._customers: OrderedDict[str, str] = OrderedDict()
        self._ask_payer = Together(self._payers, limit=together)
        self._ask_quote = Together(self._quotes, limit=together)

    async def payer(self, card: str, now: datetime) -> PayerFacts | None:
        return await self._ask_payer((card, now))

    async def coupon(self, customer: str, coupon: UUID) -> CouponFacts | None:
        row = await self._pool.fetchrow(COUPON, lane_of(customer), customer, coupon)
        if row is None:
            return None
        plain = [str(row["id"]), str(row["offer_grant"]), *list(row)[2:12]]
        return _coupon(customer, plain, row["valid_from"], row["expires_at"])

    async def origin(self, coupon: CouponFacts, catalog: Catalog) -> Origin:
        customer = coupon.customer
        row = await self._pool.fetchrow(ORIGIN, lane_of(customer), coupon.grant)
        grant = given_grant(customer, row)
        if grant.status != "KEPT":
            return Origin(grant)
        if row["by"] == "DRAW":
            won = won_of(customer, row, coupon.id, coupon.status, catalog)
            basis = orjson.loads(row["earned_details"]).get("basis", 0) if row["earned"] == "GIVEN" else 0
            return Origin(grant, won=won, basis=basis, case=row["case_id"])
        held = await self._stories.benefits(customer, [grant.id])
        return Origin(grant, tuple(held_of(kind, each) for kind, each in held), case=row["case_id"])

    async def overdue(self, customer: str, now: datetime) -> Sequence[UUID]:
        return [id for (id,) in await self._pool.fetch(OVERDUE, lane_of(customer), customer, now)]

    async def quote(self, quote: UUID) -> Quote | None:
        return await self._ask_quote(quote)

    async def redemption(self, redemption: UUID) -> Redemption | None:
        row = await self._pool.fetchrow(REDEMPTION, lane_of_id(redemption), redemption)
        return None if row is None else redemption_of(row)

    async def redeemed_for(self, quote: UUID) -> str | None:
        found: str | None = await self._pool.fetchval(REDEEMED_FOR, lane_of_id(quote), quote)
        return found

    async def first_answer(self, key: Key) -> tuple[int, Told] | None:
        row = await self._pool.fetchrow(FIRST_ANSWER, key.lane, key.client, key.key)
        return None if row is None else (row["digest"], Told(row["status"], row["answer"], again=True))

    # --- of several callers

    async def _payers(self, asked: Sequence[tuple[str, datetime]]) -> list[PayerFacts | None]:
        found: list[PayerFacts | None] = [None] * len(asked)
        customers = await self._customers_of({card for card, _ in asked})
        known = [(n, customers[card]) for n, (card, _) in enumerate(asked) if card in customers]
        if not known:
            return found
        rows = await self._pool.fetch(
            PAYERS,
            numbers([lane_of(customer) for _, customer in known]),
            texts([customer for _, customer in known]),
            moments([asked[n][1] for n, _ in known]),
            _KINDS,
        )
        for place, state, coupons, stamp, frozen in rows:
            self._seen(stamp)
            n, customer = known[place - 1]
            story = None if state is None else state_of(state)
            wallet = () if coupons is None else _coupons(customer, orjson.loads(coupons))
            found[n] = PayerFacts(customer, story, wallet, frozen)
        return found

    async def _customers_of(self, cards: Collection[str]) -> Mapping[str, str]:
        """Whose cards these are; of one that is not in it nobody has told."""
        found = {card: self._customers[card] for card in cards if card in self._customers}
        unknown = [card for card in cards if card not in found]
        if unknown:
            rows = await self._pool.fetch(CARDS, numbers([lane_of(card) for card in unknown]), texts(unknown))
            for n, customer in rows:
                found[unknown[n - 1]] = self._customers[unknown[n - 1]] = customer
            while len(self._customers) > REMEMBERED:
                self._customers.popitem(last=False)
        return found

    async def _quotes(self, ids: Sequence[UUID]) -> list[Quote | None]:
        found: list[Quote | None] = [None] * len(ids)
        for row in await self._pool.fetch(QUOTES, [lane_of_id(id) for id in ids], list(ids)):
            found[row["n"] - 1] = _quote(row)
        return found


def _coupons(customer: str, rows: Sequence[Sequence[Any]]) -> tuple[CouponFacts, ...]:
    return tuple(
        _coupon(customer, row, datetime.fromisoformat(row[12]), datetime.fromisoformat(row[13])) for row in rows
    )


def _coupon(customer: str, row: Sequence[Any], valid_from: datetime, expires_at: datetime) -> CouponFacts:
    """row: in the order of `_COUPON`."""
    return CouponFacts(
        UUID(row[0]), customer, UUID(row[1]), row[2], row[3], row[4], CouponKind(row[5]), CouponStatus(row[6]),
        Words(row[7], row[8]), row[9], row[10], tuple(row[11]), valid_from, expires_at,
    )  # fmt: skip


def _quote(row: Mapping[str, Any]) -> Quote:
    plain = orjson.loads(row["lines"])
    return Quote(
        row["id"], row["lane"], row["client"], row["customer"], row["card"], row["merchant"], row["amount"],
        row["discount"], row["status"], row["expires_at"], lines_from_plain(plain), plain,
    )  # fmt: skip


def redemption_of(row: Mapping[str, Any]) -> Redemption:
    return Redemption(
        row["id"], row["lane"], row["client"], row["customer"], row["merchant"], row["transaction"], row["amount"],
        row["discount"], lines_from_plain(orjson.loads(row["lines"])), tuple(row["coupons"]), row["version"],
        row["refunded"], row["taken_back"], tuple(Shares(*each) for each in orjson.loads(row["back"])), row["whole"],
        row["at"],
    )  # fmt: skip


class RecentQuotes:
    """Quotes made by this process, as they were made, so that their captures need not read them. A hint."""

    def __init__(self, most: int = 20_000) -> None:
        self._most = most
        self._found: OrderedDict[UUID, Quote] = OrderedDict()

    def keep(self, quote: Quote) -> None:
        if len(self._found) >= self._most:
            self._found.popitem(last=False)
        self._found[quote.id] = quote

    def take(self, id: UUID) -> Quote | None:
        """Once: who comes again reads what became of it."""
        return self._found.pop(id, None)
