"""The bound of the pages: Starlette and asyncpg, nothing else. One statement builds the answer; no rules, no sign-in.

    HALL_DATABASE_URL=... python -m infra.bench.raw_app PORT

`GET /wallet?customer=...` and `GET /home?customer=...` give what the hall gives for the documents `wallet.graphql` and
`home.graphql`, with plain keys for ids and cursors. The bound reads its own copy of the catalog, and of every
customer's judged feed, from the schema `bench`: it may look up what the hall has to judge.
"""

import asyncio
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.kernel.ids import lane_of
from infra.commands.serve import listen, serve_app

CONNECTIONS = 8

TABLES = """
create schema bench;
create table bench.offer (
    campaign text, offer text, title text, subtitle text, kind text, state text,
    opens_at timestamptz, closes_at timestamptz, window_opens_at timestamptz, window_closes_at timestamptz,
    next_change_at timestamptz, quota_lane int, quota_key text, quota_total int,
    action_kind text, action_label text, action_link text, campaign_title text,
    primary key (campaign, offer)
);
create table bench.section (section text primary key, title text);
create table bench.partner (grp text, merchant text, name text, city text, primary key (grp, merchant));
create table bench.hall (customer text primary key, next_change_at timestamptz);
create table bench.feed (
    customer text, place int, section text, campaign text, offer text, eligible boolean, because json, reasons json,
    primary key (customer, place)
);
create table bench.mission (
    customer text, place int, campaign text, offer text, done int, needed int, deadline timestamptz,
    primary key (customer, place)
);
"""
"""What the hall holds in memory or works out, as tables would hold it."""

_SUMMARY = """
    select json_build_object(
        'available', count(*) filter (where c.status = 'AVAILABLE' and c.expires_at > now()),
        'held', count(*) filter (where c.status = 'HELD'),
        'expiringSoon', count(*) filter (where c.status = 'AVAILABLE' and c.expires_at > now()
            and c.expires_at < now() + interval '7 days'))
    from coupon c
    where c.lane = $1 and c.customer = $2
"""

WALLET = f"""
with page as (
    select c.id, c.kind, c.status, c.title_zh, c.value, c.min_spend, c.valid_from, c.expires_at, c.offer, c.campaign,
        c.merchant_groups, o.title offer_title, o.campaign_title, row_number() over (order by c.expires_at, c.id) n
    from coupon c
    join bench.offer o on o.campaign = c.campaign and o.offer = c.offer
    where c.lane = $1 and c.customer = $2
    order by c.expires_at, c.id limit 51
), partners as materialized (
    select g.merchant_groups,
        json_agg(json_build_object('id', p.merchant, 'name', p.name, 'city', p.city) order by p.merchant) merchants
    from (select distinct merchant_groups from page) g
    join bench.partner p on p.grp = any(g.merchant_groups)
    group by g.merchant_groups
)
select json_build_object('data', json_build_object('serverTime', now(), 'viewer', json_build_object('id', $2::text,
    'wallet', json_build_object('summary', ({_SUMMARY}), 'coupons', (
        select json_build_object(
            'edges', coalesce(json_agg(json_build_object('cursor', r.id, 'node', json_build_object(
                'id', r.id, 'kind', r.kind, 'status', r.status, 'title', r.title_zh, 'value', r.value,
                'minSpend', r.min_spend, 'validFrom', r.valid_from, 'expiresAt', r.expires_at,
                'offer', json_build_object('id', r.offer, 'code', r.offer, 'title', r.offer_title,
                    'campaign', json_build_object('code', r.campaign, 'title', r.campaign_title)),
                'merchants', coalesce(m.merchants, '[]')
            )) order by r.n) filter (where r.n <= 50), '[]'),
            'pageInfo', json_build_object('hasNextPage', count(*) > 50,
                'endCursor', max(r.id::text) filter (where r.n = 50))
        )
        from page r left join partners m on m.merchant_groups = r.merchant_groups
    )))))
"""

HOME = f"""
select json_build_object('data', json_build_object(
    'hall', (
        select json_build_object('serverTime', now(), 'nextChangeAt', h.next_change_at, 'personalised', true,
            'sections', (
            select json_agg(json_build_object('code', s.section, 'title', s.title, 'offers', s.offers) order by s.place)
            from (
                select f.section, t.title, min(f.place) place, json_agg(json_build_object(
                    'id', o.offer, 'code', o.offer, 'title', o.title, 'subtitle', o.subtitle, 'kind', o.kind,
                    'state', o.state, 'opensAt', o.opens_at, 'closesAt', o.closes_at,
                    'window', case when o.window_opens_at is not null then
                        json_build_object('opensAt', o.window_opens_at, 'closesAt', o.window_closes_at) end,
                    'nextChangeAt', o.next_change_at,
                    'quota', case when a.key is not null then
                        json_build_object('total', o.quota_total, 'remaining', a.balance - a.held, 'asOf', now()) end,
                    'action', json_build_object('kind', o.action_kind, 'label', o.action_label, 'link', o.action_link),
                    'eligibility', json_build_object('eligible', f.eligible, 'because', f.because, 'reasons', f.reasons)
                ) order by f.place) offers
                from bench.feed f
                join bench.offer o on o.campaign = f.campaign and o.offer = f.offer
                join bench.section t on t.section = f.section
                left join shared_account a on a.lane = o.quota_lane and a.key = o.quota_key
                where f.customer = $2
                group by f.section, t.title
            ) s
        )) from bench.hall h where h.customer = $2),
    'viewer', (
        select json_build_object('id', v.customer, 'maskedName', v.masked_name, 'personalisation', v.personalisation,
            'wallet', json_build_object('summary', ({_SUMMARY})),
            'missions', (
                select coalesce(json_agg(json_build_object('offer', json_build_object('id', o.offer, 'title', o.title),
                    'done', x.done, 'needed', x.needed, 'deadline', x.deadline) order by x.place), '[]')
                from bench.mission x join bench.offer o on o.campaign = x.campaign and o.offer = x.offer
                where x.customer = $2))
        from customer v where v.lane = $1 and v.customer = $2)
))
"""


class Connections:
    """The last one given back is the next one used; statements are prepared once on each; nothing is reset."""

    def __init__(self, free: list[dict[str, Any]]) -> None:
        self._free = free
        self._waiting: deque[asyncio.Future[dict[str, Any]]] = deque()

    async def value(self, sql: str, *arguments: Any) -> bytes:
        if self._free:
            statements = self._free.pop()
        else:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            statements = await turn
        try:
            found: bytes = await statements[sql].fetchval(*arguments)
            return found
        finally:
            if self._waiting:
                self._waiting.popleft().set_result(statements)
            else:
                self._free.append(statements)


async def _connect(dsn: str) -> dict[str, Any]:
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "Asia/Shanghai"})
    # The bytes as PostgreSQL wrote them: neither read nor written again.
    await connection.set_type_codec("json", schema="pg_catalog", format="binary", encoder=bytes, decoder=bytes)
    return {sql: await connection.prepare(sql) for sql in (WALLET, HOME)}


def make_raw_app(dsn: str) -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.connections = Connections([await _connect(dsn) for _ in range(CONNECTIONS)])
        yield

    def page(sql: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            customer = request.query_params["customer"]
            found = await request.app.state.connections.value(sql, lane_of(customer), customer)
            return Response(found, media_type="application/json")

        return answer

    return Starlette(lifespan=lifespan, routes=[Route("/wallet", page(WALLET)), Route("/home", page(HOME))])


async def _serve(port: int) -> None:
    async def make() -> Starlette:
        return make_raw_app(os.environ["HALL_DATABASE_URL"])

    await serve_app(make, listen("127.0.0.1", port))


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
