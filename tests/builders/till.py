"""Sales at a till, spoken to over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from api.machine.till import TillApp, TillDeps
from domain.identity.tokens import MachineToken
from domain.till.words import PAYLOAD_REFUSED
from infra.campaigns.publish import load_catalog
from infra.catalog import CatalogHolder
from infra.db.commit import GroupCommit
from infra.db.pool import connect_plain, open_pool
from infra.db.stores.till import RecentQuotes, TillStore
from tests.builders.house import House, shanghai


async def post(hall: House, path: str, body: Any, key: str | None = None, **headers: str) -> httpx.Response:
    """POST as the sandbox's till, under a fresh key unless one is given."""
    machine = await hall.machine("till", "till")
    return await hall.http.post(path, json=body, headers={**machine, "Idempotency-Key": key or str(uuid4()), **headers})


async def quote(
    hall: House,
    customer: str,
    amount: int,
    merchant: str = "m-market",
    *,
    key: str | None = None,
    card: str | None = None,
    method: str = "CARD",
    language: str = "zh-CN",
    **more: Any,
) -> dict[str, Any]:
    """A quote that must be given."""
    body = {
        "card": card or f"card-{customer}", "merchant": merchant, "amount": amount, "paymentMethod": method, **more,
    }  # fmt: skip
    answer = await post(hall, "/v1/till/quotes", body, key, **{"Accept-Language": language})
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def capture(hall: House, quote: str, transaction: str, key: str | None = None) -> httpx.Response:
    return await post(hall, f"/v1/till/quotes/{quote}/capture", {"transaction": transaction}, key)


async def release(hall: House, quote: str, key: str | None = None) -> httpx.Response:
    return await post(hall, f"/v1/till/quotes/{quote}/release", {}, key)


async def reverse(hall: House, redemption: str, amount: int, key: str | None = None) -> httpx.Response:
    return await post(hall, f"/v1/till/redemptions/{redemption}/reversals", {"amount": amount}, key)


async def bought(hall: House, customer: str, amount: int, transaction: str, merchant: str = "m-market") -> str:
    """A quote and its capture; the redemption."""
    quoted = await quote(hall, customer, amount, merchant)
    answer = await capture(hall, quoted["quote"], transaction)
    assert answer.status_code == 200, answer.text
    redemption: str = answer.json()["redemption"]
    return redemption


async def merchant(
    hall: House, name: str, *groups: str, status: str = "ACTIVE", at: str = "2026-10-01T00:00:00"
) -> None:
    await hall.tell(hall.event("merchant.updated", at, merchant=name, name=name, groups=list(groups), status=status))


async def cardholder(hall: House, customer: str, product: str = "GOLD", at: str = "2026-03-02T09:00:00") -> None:
    """A customer of long standing with one open, active card."""
    card = {"card": f"card-{customer}", "customer": customer}
    await hall.tell(
        hall.event("card.approved", at, **card, product=product, newCustomer=False, channel="BRANCH", last4="4321"),
        hall.event("card.activated", at, **card),
    )


def offers(quoted: dict[str, Any]) -> list[tuple[str, int]]:
    return [(line["offer"], line["discount"]) for line in quoted["lines"]]


def why(quoted: dict[str, Any], offer: str) -> str:
    """The code with which an offer was declined."""
    return str(next(each["code"] for each in quoted["declined"] if each["offer"] == offer))


async def free(hall: House, key: str) -> int:
    """What is free of an account."""
    found = await hall.rows(
        "select balance - held n from shared_account where key = $1 union all select balance - held from account"
        " where key = $1",
        key,
    )
    return int(found[0]["n"])


# --- a till's door of its own, beside the hall's


@dataclass(frozen=True, slots=True)
class Standing:
    at: datetime

    def now(self) -> datetime:
        return self.at


@asynccontextmanager
async def till_door(
    dsn: str, at: str, *, patience_s: float = 5.0, queue_limit: int = 8192
) -> AsyncIterator[httpx.AsyncClient]:
    """The till's calls over a hall's database, at a moment that stands; the token `till` opens it."""
    pool = await open_pool(dsn, min_size=1, max_size=4)
    catalogs = CatalogHolder(pool, lambda: connect_plain(dsn, application="door"), load_catalog)
    await catalogs.start()
    bugs: list[BaseException] = []
    token = MachineToken("till", frozenset({"till"}), shanghai(at) + timedelta(days=1))
    try:
        async with GroupCommit(dsn, in_flight=1, queue_limit=queue_limit) as ledger:
            deps = TillDeps(
                check=lambda bearer: token if bearer == "till" else None, read=TillStore(pool, catalogs.seen),
                catalogs=catalogs, ledger=ledger, clock=Standing(shanghai(at)),
                recent=RecentQuotes(), read_payload=lambda _: PAYLOAD_REFUSED, patience_s=patience_s,
                bind_trace=lambda _: None, report=lambda bug, _: bugs.append(bug), observe=lambda *_: None,
            )  # fmt: skip
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(app=TillApp(deps)), base_url="http://till.test",
                headers={"Authorization": "Bearer till"},
            ) as http:  # fmt: skip
                yield http
        assert bugs == []
    finally:
        await catalogs.stop()
        await pool.close()
