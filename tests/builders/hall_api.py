"""The hall's GraphQL over a real database with both shipped plans published, asked as a customer asks it.

The clock stands still where a test puts it. A bearer token without dots names its customer in clear, so that a test
need not sign in; one with dots is a real one and really checked.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson
from joserfc.jwk import KeySet, OKPKey

from api.context import ContextFactory, Deps
from api.graphql import GraphQLApp, RequestHead
from api.schema import build_schema
from domain.identity.sessions import Sessions
from domain.identity.tokens import CustomerToken
from domain.kernel.errors import NotSignedIn
from domain.kernel.ids import lane_of
from domain.kernel.words import Words
from domain.risk.freezes import FreezeCustomer, freeze_customer
from domain.stories.state import StoryState
from infra.campaigns.points_catalog import publish_items, shipped_items
from infra.campaigns.publish import load_catalog, publish_shipped
from infra.catalog import CatalogHolder
from infra.clock import WallClock
from infra.db.commit import GroupCommit
from infra.db.pool import open_pool
from infra.db.stores.commands import CommandStore
from infra.db.stores.freezes import FreezeStore
from infra.db.stores.fulfilment import DeliveryStore
from infra.db.stores.identity import PostgresSessions, RecentlyEnded
from infra.db.stores.lottery import DrawStore, SecretStore
from infra.db.stores.lounge import BookingStore
from infra.db.stores.messages import MessageStore
from infra.db.stores.offers import OfferStore
from infra.db.stores.participation import ParticipationStore, WaitingListStore
from infra.db.stores.points import PointsStore
from infra.db.stores.states import text_of
from infra.db.stores.stories import StoryStore
from infra.db.stores.viewer import ViewerStore
from infra.db.stores.wallet import WalletStore
from infra.lounges.file import shipped_lounges
from infra.lounges.rows import LoungeDirectory, publish_lounges
from infra.security.keys import security_keys
from infra.security.passes import Passes
from infra.security.presentations import Presentations
from infra.security.sealing import Sealer
from infra.security.tokens import OpaqueRefreshTokens, Tokens
from tests.builders.rows import NOW

FIRST_DAY = date(2026, 10, 1)
"""The first active day of both plans: NOW is two weeks into them."""

SCHEMA = build_schema()


@dataclass
class StandingClock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


class CountingPool:
    """A pool that remembers what it was asked."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    async def fetch(self, sql: str, *args: Any) -> Any:
        self.asked.append(sql)
        return await self._pool.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: Any) -> Any:
        self.asked.append(sql)
        return await self._pool.fetchrow(sql, *args)

    async def execute(self, sql: str, *args: Any) -> Any:
        self.asked.append(sql)
        return await self._pool.execute(sql, *args)


@dataclass
class HallApi:
    """`ask` sends one operation; `statements` are what the database was asked for it."""

    pool: CountingPool
    dsn: str
    clock: StandingClock
    catalogs: CatalogHolder
    ledger: GroupCommit
    deps: Deps
    app: GraphQLApp
    freezes: FreezeStore
    broken: list[BaseException]

    @property
    def db(self) -> Any:
        return self.pool._pool

    @property
    def statements(self) -> list[str]:
        return self.pool.asked

    async def freeze(self, customer: str, reason: Words, *, appealable: bool = True) -> None:
        command = FreezeCustomer(customer, reason, appealable, "test", "a test")
        assert await freeze_customer(command, read=self.freezes, ledger=self.ledger, clock=self.clock) is not None

    async def ask(
        self,
        query: str,
        customer: str | None = None,
        *,
        language: str | None = None,
        headers: Mapping[str, str] | None = None,
        **variables: Any,
    ) -> dict[str, Any]:
        """The whole answer, errors and all."""
        sent = {"content-type": "application/json", **(headers or {})}
        if customer is not None:
            sent["authorization"] = f"Bearer {customer}"
        if language is not None:
            sent["accept-language"] = language
        transport = httpx.ASGITransport(self.app)  # type: ignore[arg-type]
        self.pool.asked.clear()
        async with httpx.AsyncClient(transport=transport, base_url="http://hall") as client:
            answer = await client.post(
                "/graphql", content=orjson.dumps({"query": query, "variables": variables}), headers=sent
            )
        told: dict[str, Any] = answer.json()
        return told

    async def data(self, query: str, customer: str | None = None, **more: Any) -> Any:
        """`data` of an answer without errors."""
        told = await self.ask(query, customer, **more)
        assert "errors" not in told, (told["errors"], self.broken)
        return told["data"]

    async def tell_story(self, customer: str, state: StoryState) -> None:
        """Put a folded story into its table, as the worker would."""
        stamp, plain = self.catalogs.held.stamp, text_of(state)
        await self.db.execute(
            "insert into story (lane, customer, version, plans, upto, state) values ($1, $2, 1, $3, $4, $5)"
            " on conflict (lane, customer) do update set state = excluded.state",
            lane_of(customer),
            customer,
            stamp,
            self.clock.at,
            plain,
        )


@asynccontextmanager
async def open_hall_api(dsn: str) -> AsyncIterator[HallApi]:
    """Publish the shipped plans, wire the rooms to the database, and take everything down again."""
    pool = await open_pool(dsn, min_size=1, max_size=4)
    ledger = GroupCommit(dsn)
    await ledger.start()
    clock = StandingClock()
    await publish_shipped(pool, ledger, starts_on=FIRST_DAY, now=NOW - timedelta(days=30))
    await publish_items(pool, ledger, shipped_items(), now=NOW - timedelta(days=30))
    await publish_lounges(pool, shipped_lounges().lounges)
    catalogs = CatalogHolder(pool, lambda: asyncpg.connect(dsn), load_catalog)
    await catalogs.start()
    counting = CountingPool(pool)
    viewers = ViewerStore(counting, catalogs.seen)  # type: ignore[arg-type]
    commands = CommandStore(counting, catalogs.seen, viewers, catalogs)  # type: ignore[arg-type]
    participation = ParticipationStore(counting, commands, viewers, catalogs, StoryStore(pool), dict)  # type: ignore[arg-type]
    messages = MessageStore(counting)  # type: ignore[arg-type]
    points = PointsStore(counting)  # type: ignore[arg-type]
    freezes = FreezeStore(counting)  # type: ignore[arg-type]
    wall = WallClock()
    keys = security_keys([bytes(32)], KeySet([OKPKey.generate_key("Ed25519", {"kid": "test"}, private=True)]))
    ended = RecentlyEnded(pool)
    tokens = Tokens(keys, issuer="https://hall.test", wall=wall, ended=ended, clients=lambda _: frozenset())
    sessions = Sessions(PostgresSessions(pool, on_end=ended.add), tokens, OpaqueRefreshTokens(keys.data), wall)

    async def check_customer(bearer: str) -> CustomerToken:
        if "." in bearer:
            return await tokens.check_customer(bearer)
        if bearer == "forged":
            raise NotSignedIn
        return CustomerToken(bearer, UUID(int=0), NOW + timedelta(minutes=15))

    offers = OfferStore(counting, catalogs.seen)  # type: ignore[arg-type]
    deps = Deps(
        clock=clock,
        check_customer=check_customer,
        sessions=sessions,
        catalogs=catalogs,
        viewers=viewers,
        personalisation=viewers,
        freezes=freezes,
        wallet=WalletStore(counting, catalogs.seen),  # type: ignore[arg-type]
        deliveries=DeliveryStore(counting),  # type: ignore[arg-type]
        quotas=offers,
        limits=offers,
        claims=commands,
        choices=commands,
        addressed=commands,
        applications=participation,
        sign_ups=participation,
        waiting_lists=WaitingListStore(pool),
        messages=messages,
        consent=messages,
        points=points,
        redemptions=points,
        present_coupon=Presentations([bytes(32)], wall).make,
        draws=DrawStore(counting, catalogs.seen),  # type: ignore[arg-type]
        draw_secrets=SecretStore(counting, Sealer(keys.data)),  # type: ignore[arg-type]
        lounges=LoungeDirectory(counting, catalogs),  # type: ignore[arg-type]
        bookings=BookingStore(counting),  # type: ignore[arg-type]
        seats=BookingStore(counting),  # type: ignore[arg-type]
        present_pass=Passes([bytes(32)], wall),
        seal=lambda text, *place: f"sealed:{len(text)}:{'/'.join(place)}",
        ledger=ledger,
    )
    broken: list[BaseException] = []

    def report(problem: BaseException, trace: str) -> None:
        broken.append(problem)

    app = GraphQLApp(SCHEMA, context_for=ContextFactory(deps), report=report, sandbox=True)
    try:
        yield HallApi(counting, dsn, clock, catalogs, ledger, deps, app, freezes, broken)
    finally:
        await catalogs.stop()
        await ledger.close()
        await pool.close()


def head_of(**headers: str) -> RequestHead:
    """A request's head with these headers."""
    from domain.kernel.words import Language

    raw = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return RequestHead("POST", b"/graphql", raw, "127.0.0.1", "0" * 32, Language.ZH)
