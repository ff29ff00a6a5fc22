"""The machine and sandbox doors over a real database, spoken to over ASGI; and events as the bank sends them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any

import asyncpg
import httpx
import orjson
from joserfc.jwk import KeySet, OKPKey
from starlette.applications import Starlette

from api.machine.events import EventDeps, event_routes
from api.machine.oauth import OAuthDeps, oauth_routes
from api.machine.problems import TraceIds, exception_handlers
from api.sandbox.routes import SandboxDeps, sandbox_routes
from domain.identity.sessions import Sessions
from domain.intake.fit import unfit
from infra.clock import BusinessClock
from infra.db.pool import open_pool
from infra.db.stores.identity import PostgresSessions, RecentlyEnded, UsedAssertions
from infra.db.stores.inbox import EventInbox, load_print_key
from infra.security.keys import security_keys
from infra.security.oauth_clients import ClientRecord, OAuthClients, sandbox_clients
from infra.security.sealing import Sealer
from infra.security.tokens import OpaqueRefreshTokens, Tokens

ISSUER = "https://hall.test"
TOKEN_URL = f"{ISSUER}/oauth2/token"
BATCH = {"Content-Type": "application/cloudevents-batch+json"}
NOW = datetime(2026, 10, 2, 12, 0, tzinfo=UTC)


class SetClock:
    """A wall clock that a test turns by hand."""

    def __init__(self, now: datetime = NOW) -> None:
        self.at = now

    def now(self) -> datetime:
        return self.at

    def pass_(self, **time: float) -> None:
        self.at += timedelta(**time)


def data_key(byte: int = 1) -> bytes:
    return bytes([byte]) * 32


def token_key(kid: str = "first") -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"kid": kid}, private=True)


@dataclass
class Doors:
    """Everything behind the doors, for a test to reach past them."""

    pool: Any
    wall: SetClock
    sealer: Sealer
    tokens: Tokens
    sessions: Sessions
    ended: RecentlyEnded
    clients: OAuthClients
    inbox: EventInbox
    clock: BusinessClock
    http: httpx.AsyncClient
    reported: list[BaseException]

    def bearer(self, scope: str = "events", client: str = "card-core") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens.for_machine(client, frozenset(scope.split())).access}"}

    async def post(self, *events: Any, **headers: str) -> httpx.Response:
        """A batch, sent by the card core."""
        return await self.http.post("/v1/events", content=orjson.dumps(events), headers=BATCH | self.bearer() | headers)


@cache
def _sandbox() -> tuple[ClientRecord, ...]:
    """Their secrets are hashed once a run: that is dear on purpose."""
    return sandbox_clients()


async def _nothing_held() -> None: ...


async def _settled() -> dict[str, int]:
    return {"events": 0, "deliveries": 0}


@asynccontextmanager
async def open_doors(
    dsn: str,
    *,
    keys: Any = None,
    clients: tuple[ClientRecord, ...] | None = None,
    settle: Callable[[], Any] = _settled,
    requests_at_once: int = 64,
    **inbox: Any,
) -> AsyncIterator[Doors]:
    """One process of the hall, as far as these doors go."""
    pool = await open_pool(dsn, max_size=4)
    wall = SetClock(datetime.now(UTC))
    keys = keys or security_keys([data_key()], KeySet([token_key()]))
    sealer = Sealer(keys.data)
    ended = RecentlyEnded(pool)
    known = OAuthClients(
        _sandbox() if clients is None else clients,
        audiences=frozenset({TOKEN_URL, ISSUER}),
        used=UsedAssertions(pool),
        wall=wall,
    )
    tokens = Tokens(keys, issuer=ISSUER, wall=wall, ended=ended, clients=known.scopes)
    sessions = Sessions(PostgresSessions(pool, on_end=ended.add), tokens, OpaqueRefreshTokens(keys.data), wall)
    async with pool.acquire() as connection:
        print_key = await load_print_key(connection, sealer)
    taken = EventInbox(pool, print_key=print_key, sealer=sealer, unfit=unfit, **inbox)
    clock = BusinessClock(pool)
    reported: list[BaseException] = []
    routes = [
        *oauth_routes(OAuthDeps(known, tokens.for_machine)),
        *event_routes(EventDeps(taken, tokens.check_machine, requests_at_once)),
        *sandbox_routes(SandboxDeps(clock, sessions.issue, _nothing_held, settle)),
    ]
    rest = Starlette(routes=routes, exception_handlers=exception_handlers())
    rest.router.redirect_slashes = False
    app = TraceIds(rest, bind=lambda _: None, report=lambda error, _: reported.append(error))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as http:
        yield Doors(pool, wall, sealer, tokens, sessions, ended, known, taken, clock, http, reported)
    await taken.close()
    await pool.close()


_numbers = count(1)

DATA: dict[str, dict[str, Any]] = {
    "customer.updated": {
        "customer": "cust-1",
        "name": "张三丰",
        "phone": "13812345678",
        "birthday": "1990-05-17",
        "person": "9f86d081884c7d659a2feaa0c55ad015",
        "city": "上海",
        "occupation": "WHITE_COLLAR",
        "children": 1,
        "assetsTier": 3,
    },
    "card.applied": {"application": "app-1", "product": "GOLD", "channel": "MOBILE_BANK", "flyer": "F1"},
    "card.approved": {
        "card": "card-1",
        "customer": "cust-1",
        "product": "GOLD",
        "newCustomer": True,
        "channel": "MOBILE_BANK",
        "last4": "1234",
    },
    "card.activated": {"card": "card-1", "customer": "cust-1"},
    "card.closed": {"card": "card-1", "customer": "cust-1"},
    "wallet.bound": {"card": "card-1", "customer": "cust-1", "provider": "WECHAT"},
    "wallet.unbound": {"card": "card-1", "customer": "cust-1", "provider": "ALIPAY"},
    "transaction.posted": {
        "transaction": "txn-1",
        "card": "card-1",
        "customer": "cust-1",
        "amount": 20_000,
        "currency": "CNY",
        "merchant": "m-1",
        "mcc": "5411",
        "channel": "POS",
        "paymentMethod": "CARD",
        "country": "CN",
    },
    "transaction.refunded": {"refund": "ref-1", "transaction": "txn-1", "amount": 5_000},
    "instalment.created": {
        "instalment": "ins-1",
        "card": "card-1",
        "customer": "cust-1",
        "principal": 500_000,
        "periods": 12,
        "fee": 30_000,
        "kind": "BILL",
    },
    "instalment.cancelled": {"instalment": "ins-1"},
    "merchant.updated": {"merchant": "m-1", "name": "Corner shop", "groups": ["mall"], "status": "ACTIVE"},
}
"""A fit data of each type."""


def cloud_event(
    type: str = "transaction.posted", *, data: dict[str, Any] | None = None, **envelope: Any
) -> dict[str, Any]:
    """A fit event with an id of its own; `data` is merged into the fit one."""
    return {
        "specversion": "1.0",
        "id": f"event-{next(_numbers)}",
        "source": "urn:test:card-core",
        "type": type,
        "time": "2026-10-02T20:00:00+08:00",
        "data": DATA[type] | (data or {}),
        **envelope,
    }


@dataclass
class Counted:
    """Rows of the tables of events."""

    events: int
    inbox: int
    keys: list[tuple[str, str]] = field(default_factory=list)


async def counted(pool: asyncpg.Pool) -> Counted:
    keys = [(r["source"], r["id"]) for r in await pool.fetch("select source, id from event order by source, id")]
    queued = [(r["source"], r["id"]) for r in await pool.fetch("select source, id from inbox order by source, id")]
    assert len(set(keys)) == len(keys)
    assert len(set(queued)) == len(queued)
    return Counted(len(keys), len(queued), keys)
