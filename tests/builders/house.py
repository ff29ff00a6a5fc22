"""The whole hall over real servers, driven through its doors, for journeys."""

import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from domain.kernel.time import SHANGHAI
from infra.campaigns.points_catalog import publish_items, shipped_items
from infra.campaigns.publish import publish, publish_shipped
from infra.db.commit import GroupCommit
from infra.db.pool import open_pool
from infra.db.reconcile import reconcile
from infra.lounges.file import shipped_lounges
from infra.lounges.rows import publish_lounges
from infra.settings import Mode, Settings
from infra.wiring import make_app

PLAN_START = date(2026, 10, 1)
"""First active day of both plans in the journeys: a Thursday."""

WALLET = """
query Wallet { viewer { wallet { summary { available held expiringSoon }
  coupons(first: 100) { edges { node { id kind status title value minSpend validFrom expiresAt offer { code } } } } }
  choices { id chosen chooseBy offer { code } options { code title available } }
  deliveries(first: 100) { edges { node { id title status } } } } }
"""


def shanghai(text: str) -> datetime:
    """`2026-10-02T10:00:00` as a moment in Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


class House:
    """One running hall. Every helper goes through a door that an outside party has."""

    app: Any = None
    """The ASGI application, for who needs a socket."""

    def __init__(self, http: httpx.AsyncClient, dsn: str) -> None:
        self.http = http
        self.dsn = dsn
        self._tokens: dict[str, str] = {}
        self._sessions: dict[str, str] = {}
        self._events = 0

    # --- machines

    async def machine(self, client: str, scope: str) -> dict[str, str]:
        """Headers of a machine caller."""
        if client not in self._tokens:
            basic = base64.b64encode(f"{client}:{client}-sandbox".encode()).decode()
            answer = await self.http.post(
                "/oauth2/token",
                data={"grant_type": "client_credentials", "scope": scope},
                headers={"Authorization": f"Basic {basic}"},
            )
            assert answer.status_code == 200, answer.text
            self._tokens[client] = answer.json()["access_token"]
        return {"Authorization": f"Bearer {self._tokens[client]}"}

    async def send(self, *events: Mapping[str, Any]) -> dict[str, Any]:
        """POST /v1/events; the answer."""
        headers = await self.machine("card-core", "events")
        answer = await self.http.post(
            "/v1/events",
            content=json.dumps(events),
            headers={**headers, "Content-Type": "application/cloudevents-batch+json"},
        )
        assert answer.status_code == 202, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def tell(self, *events: Mapping[str, Any]) -> dict[str, Any]:
        """Send events, all of which must be taken, and wait until they are applied."""
        told = await self.send(*events)
        assert told["rejected"] == [], told
        await self.settle()
        return told

    def event(self, type: str, at: str | datetime, **data: Any) -> dict[str, Any]:
        """A CloudEvent of its own id; `at` is Shanghai's when it is a text."""
        self._events += 1
        moment = shanghai(at) if isinstance(at, str) else at
        return {
            "specversion": "1.0", "id": f"e{self._events}", "source": "journey", "type": type,
            "time": moment.isoformat(), "data": data,
        }  # fmt: skip

    async def settle(self) -> dict[str, int]:
        answer = await self.http.post("/sandbox/settle", timeout=70)
        assert answer.status_code == 200, answer.text
        told: dict[str, int] = answer.json()
        return told

    async def set_clock(self, at: str | datetime, *, frozen: bool = True) -> None:
        moment = shanghai(at) if isinstance(at, str) else at
        answer = await self.http.put("/sandbox/clock", json={"now": moment.isoformat(), "frozen": frozen})
        assert answer.status_code < 300, answer.text

    # --- customers

    async def sign_in(self, customer: str) -> dict[str, str]:
        if customer not in self._sessions:
            answer = await self.http.post("/sandbox/session", json={"customer": customer})
            assert answer.status_code == 200, answer.text
            self._sessions[customer] = answer.json()["accessToken"]
        return {"Authorization": f"Bearer {self._sessions[customer]}"}

    async def ask(
        self,
        customer: str | None,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        language: str = "zh-CN",
        device: str | None = None,
    ) -> Any:
        """POST /graphql; the data, which must come without errors."""
        headers = await self.sign_in(customer) if customer else {}
        if device is not None:
            headers["X-Device-Id"] = device
        answer = await self.http.post(
            "/graphql",
            json={"query": query, "variables": dict(variables or {})},
            headers={**headers, "Accept-Language": language},
        )
        told = answer.json()
        assert "errors" not in told, told
        return told["data"]

    async def wallet(self, customer: str) -> list[dict[str, Any]]:
        """The customer's coupons as (offer, value, status ...) objects."""
        data = await self.ask(customer, WALLET)
        return [edge["node"] for edge in data["viewer"]["wallet"]["coupons"]["edges"]]

    async def coupons(self, customer: str) -> list[tuple[str, int, str]]:
        """(offer, value, status) of each coupon, sorted."""
        return sorted((each["offer"]["code"], each["value"], each["status"]) for each in await self.wallet(customer))

    async def choices(self, customer: str) -> list[dict[str, Any]]:
        data = await self.ask(customer, WALLET)
        found: list[dict[str, Any]] = data["viewer"]["choices"]
        return found

    async def deliveries(self, customer: str) -> list[dict[str, Any]]:
        data = await self.ask(customer, WALLET)
        return [edge["node"] for edge in data["viewer"]["deliveries"]["edges"]]

    async def claim(
        self,
        customer: str,
        offer: str,
        request_id: str | None = None,
        language: str = "zh-CN",
        device: str | None = None,
    ) -> Any:
        variables = {"id": request_id or str(uuid4()), "offer": offer}
        data = await self.ask(customer, CLAIM, variables, language=language, device=device)
        return data["claimOffer"]

    async def choose(self, customer: str, choice: str, option: str, request_id: str | None = None) -> Any:
        variables = {"id": request_id or str(uuid4()), "choice": choice, "option": option}
        return (await self.ask(customer, CHOOSE, variables))["chooseReward"]

    async def publish(self, text: str, *, starts_on: date = PLAN_START, now: str = "2026-09-01T00:00:00") -> None:
        """Publish a campaign file beside those that are there."""
        pool = await open_pool(self.dsn, min_size=1, max_size=2)
        try:
            async with GroupCommit(self.dsn, in_flight=1) as ledger:
                await publish(
                    pool, ledger, text, file="test.yaml", starts_on=starts_on, author="test", reason="test",
                    now=shanghai(now),
                )  # fmt: skip
        finally:
            await pool.close()

    async def rows(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.dsn)
        try:
            found: list[asyncpg.Record] = await connection.fetch(sql, *arguments)
            return found
        finally:
            await connection.close()

    async def reconcile(self) -> None:
        """Every law holds over the database as it stands."""
        connection = await asyncpg.connect(self.dsn)
        try:
            broken = [law for law in await reconcile(connection) if not law.ok]
        finally:
            await connection.close()
        assert broken == []


CLAIM = """
mutation Claim($id: UUID!, $offer: String!) { claimOffer(input: {requestId: $id, offer: $offer}) { __typename
  ... on OfferClaimed { coupons { id kind status value minSpend expiresAt offer { code } } }
  ... on NotOpen { code message nextAt } ... on NotEligible { code message reasons { code message remedy nextAt } }
  ... on LimitReached { code message limit nextAt } ... on SoldOut { code message } ... on NotFound { code message } } }
"""

CHOOSE = """
mutation Choose($id: UUID!, $choice: ID!, $option: String!) {
  chooseReward(input: {requestId: $id, choice: $choice, option: $option}) { __typename
  ... on RewardChosen { coupon { id kind value status } delivery { id status title } }
  ... on SoldOut { code message } ... on TooLate { code message deadline } ... on NotFound { code message } } }
"""


def house_settings(dsn: str, valkey_url: str, home: Path) -> Settings:
    return Settings(mode=Mode.SANDBOX, database_url=dsn, redis_url=valkey_url, home=home)


@asynccontextmanager
async def open_house(
    dsn: str, valkey_url: str, home: Path, *, starts_on: date = PLAN_START, plans: Sequence[str] = ()
) -> AsyncIterator[House]:
    """A hall with both shipped plans, whose first active day is `starts_on`. At the end every law must hold."""
    settings = house_settings(dsn, valkey_url, home)
    pool = await open_pool(dsn, min_size=1, max_size=2)
    try:
        async with GroupCommit(dsn, in_flight=1) as ledger:
            await publish_shipped(pool, ledger, starts_on=starts_on, now=shanghai("2026-09-01T00:00:00"))
            await publish_items(pool, ledger, shipped_items(), now=shanghai("2026-09-01T00:00:00"))
            await publish_lounges(pool, shipped_lounges().lounges)
    finally:
        await pool.close()
    app = await make_app(settings)
    async with (
        running(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hall.test") as http,
    ):
        house = House(http, dsn)
        house.app = app
        yield house
        await house.settle()
        await house.reconcile()


@asynccontextmanager
async def running(app: Any) -> AsyncIterator[None]:
    """The application's lifespan."""
    import asyncio

    inbox: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    task = asyncio.create_task(
        app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, inbox.get, outbox.put)
    )
    await inbox.put({"type": "lifespan.startup"})
    began = await outbox.get()
    assert began["type"] == "lifespan.startup.complete", began
    try:
        yield
    finally:
        await inbox.put({"type": "lifespan.shutdown"})
        await outbox.get()
        await task
