"""The wallet page and the home page over HTTP: the hall, signed in, against one json_agg behind a bare Starlette.

The hall is `hall serve` as it ships; the bound is `infra.bench.raw_app`. Both stand on the same tables, and both give
the same answer: that is checked before anything is measured. One process each, on the same PostgreSQL.
"""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson

from api.documents import DIRECTORY
from infra.bench.frame import Cell, Gate, Meter, Result, Sample, Servers, interleave, new_database
from infra.bench.hammer import END
from infra.bench.raw_app import TABLES
from infra.bench.readers import (
    COUPONS_EACH,
    comparable,
    copy_for_bound,
    fill_customers,
    fill_merchants,
    fill_wallets,
)
from infra.campaigns.publish import load_catalog
from infra.home import Home, open_home
from infra.settings import Mode, Settings
from infra.wiring import publish_shipped_plans

DOCUMENTS: Mapping[str, str] = {
    page: (DIRECTORY / f"{page}.graphql").read_text(encoding="utf-8") for page in ("wallet", "home")
}
VARIABLES: Mapping[str, dict[str, Any]] = {"wallet": {"first": 50}, "home": {}}

CUSTOMERS = 500
CONNECTIONS = 32
FEW = 4
START_TIMEOUT_S = 30.0

GATES = {
    # Rate against the bound; measured for a prototype without eligibility, rules or rate limits: 1.20 and 1.74.
    "wallet": 1.1,
    "home": 1.5,
}
P99_GATE = 0.6
"""p99 of the home page at 4 connections against the bound's."""


async def run(
    servers: Servers, *, rounds: int, seconds: float, quick: bool, say: Callable[[str], None]
) -> list[Result]:
    """Both pages. `quick` asks for fewer customers."""
    customers = [f"reader-{number:04d}" for number in range(50 if quick else CUSTOMERS)]
    home = open_home(servers.home / "hall")
    dsn = await new_database(servers, "bench_pages")
    say(f"{len(customers)} customers with {COUPONS_EACH} coupons each")
    await _fill(Settings(mode=Mode.SANDBOX, home=home.path, database_url=dsn), customers)
    hall = {
        "HALL_MODE": "sandbox",
        "HALL_HOME": str(home.path),
        "HALL_PORT": "{port}",
        "HALL_DATABASE_URL": dsn,
        "HALL_REDIS_URL": servers.valkey.url,
        "HALL_LOG_LEVEL": "WARNING",
    }
    async with web_process(home, "hall", ["-m", "infra.cli", "serve"], **hall) as ours:
        hall_pages = await HallPages.open(ours.port, customers)
        await _fill_bound(dsn, hall_pages, customers)
        raw = ["-m", "infra.bench.raw_app", "{port}"]
        async with web_process(home, "bound", raw, HALL_DATABASE_URL=dsn) as bound:
            await _check_same(hall_pages, bound.port, customers)
            return [
                await _measure(page, servers, ours, bound, hall_pages, customers, rounds, seconds, say)
                for page in DOCUMENTS
            ]


async def _measure(
    page: str,
    servers: Servers,
    ours: "Web",
    bound: "Web",
    hall_pages: "HallPages",
    customers: Sequence[str],
    rounds: int,
    seconds: float,
    say: Callable[[str], None],
) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        asked = {
            "hall": Path(folder, "hall"),
            "bound": Path(folder, "bound"),
        }
        asked["hall"].write_bytes(b"".join(hall_pages.request(page, customer) + END for customer in customers))
        asked["bound"].write_bytes(b"".join(_bound_request(page, customer) + END for customer in customers))
        webs = {"bound": bound, "hall": ours}

        def cell(name: str, connections: int) -> Cell:
            return lambda: _hammer(webs[name], asked[name], connections, seconds, servers.pg_pid)

        names = {
            f"{name}, {connections} connections": cell(name, connections)
            for connections in (CONNECTIONS, FEW)
            for name in webs
        }
        for warm in names.values():
            await warm()
        cells = await interleave(names, rounds, say=say)
    limit, found = cells[f"bound, {CONNECTIONS} connections"], cells[f"hall, {CONNECTIONS} connections"]
    gates = [Gate(f"{page} page, rate / json_agg", found.rate / limit.rate, GATES[page])]
    if page == "home":
        few = cells[f"hall, {FEW} connections"].extra["p99_ms"] / cells[f"bound, {FEW} connections"].extra["p99_ms"]
        gates.append(Gate(f"home page, p99 at {FEW} connections / json_agg", few, P99_GATE, at_least=False))
    return Result(
        name=f"pages.{page}",
        title=f"{page} page over HTTP, one process each",
        unit="pages",
        bound=f"bound, {CONNECTIONS} connections",
        cells=cells,
        gates=gates,
    )


async def _hammer(
    web: "Web", requests: Path, connections: int, seconds: float, pg_pid: int, *, once: bool = False
) -> Sample:
    meter = Meter(pg_pid, [web.pid])
    meter.start()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "infra.bench.hammer", str(web.port), str(connections), str(seconds), str(requests),
        *(["once"] if once else []),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"the load generator ended with {process.returncode}")
    found = orjson.loads(out)
    if found["failed"]:
        raise RuntimeError(f"{found['failed']} of {found['answered']} answers were not right")
    used = meter.stop(found["answered"])
    return Sample(
        found["rate"], used.own_us, used.pg_us,
        {"p50_ms": found["p50_ms"], "p99_ms": found["p99_ms"], "bytes": found["bytes"]},
    )  # fmt: skip


def _bound_request(page: str, customer: str) -> bytes:
    return f"GET /{page}?customer={customer} HTTP/1.1\r\nHost: bound\r\n\r\n".encode()


# --- the hall, asked as its pages ask


@dataclass(frozen=True, slots=True)
class HallPages:
    """Signed-in customers of the running hall."""

    base_url: str
    tokens: Mapping[str, str]

    @classmethod
    async def open(cls, port: int, customers: Sequence[str]) -> "HallPages":
        base_url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=base_url, timeout=30) as http:
            tokens = {}
            for customer in customers:
                answer = await http.post("/sandbox/session", json={"customer": customer})
                tokens[customer] = str(answer.raise_for_status().json()["accessToken"])
        return cls(base_url, tokens)

    def body(self, page: str) -> bytes:
        persisted = {"version": 1, "sha256Hash": sha256(DOCUMENTS[page].encode()).hexdigest()}
        return orjson.dumps({"variables": VARIABLES[page], "extensions": {"persistedQuery": persisted}})

    def headers(self, customer: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.tokens[customer]}",
            "Content-Type": "application/json",
            "Accept-Language": "zh-CN",
            "X-Device-Id": f"device-of-{customer}",
        }

    def request(self, page: str, customer: str) -> bytes:
        body = self.body(page)
        lines = [f"{name}: {value}" for name, value in self.headers(customer).items()]
        head = "\r\n".join(["POST /graphql HTTP/1.1", "Host: hall", *lines, f"Content-Length: {len(body)}"])
        return f"{head}\r\n\r\n".encode() + body

    async def answer(self, page: str, customer: str, http: httpx.AsyncClient) -> dict[str, Any]:
        """Of a page, as the load generator asks for it; errors included."""
        answer = await http.post("/graphql", content=self.body(page), headers=self.headers(customer))
        found: dict[str, Any] = answer.json()
        return found

    async def ask(self, text: str, customer: str | None, variables: dict[str, Any]) -> dict[str, Any]:
        """Anything, in Chinese. Returns `data`; raises RuntimeError for errors."""
        headers = self.headers(customer) if customer else {"Accept-Language": "zh-CN"}
        async with httpx.AsyncClient(base_url=self.base_url, timeout=30) as http:
            answer = await http.post("/graphql", json={"query": text, "variables": variables}, headers=headers)
        found = answer.json()
        if "errors" in found:
            raise RuntimeError(f"the hall answers {found['errors']}")
        data: dict[str, Any] = found["data"]
        return data


async def _fill(settings: Settings, customers: Sequence[str]) -> None:
    await publish_shipped_plans(settings)
    connection = await asyncpg.connect(settings.database_url)
    try:
        now = datetime.now(UTC)
        await fill_merchants(connection)
        catalog = await load_catalog(connection)
        await fill_customers(connection, catalog, customers, now)
        await fill_wallets(connection, catalog, customers, now)
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()


async def _fill_bound(dsn: str, hall_pages: HallPages, customers: Sequence[str]) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(TABLES)
        await copy_for_bound(connection, await load_catalog(connection), customers, DOCUMENTS["home"], hall_pages.ask)
    finally:
        await connection.close()


async def _check_same(hall_pages: HallPages, bound_port: int, customers: Sequence[str]) -> None:
    """Raises RuntimeError when the bound and the hall disagree about a page of one of the first customers."""
    async with (
        httpx.AsyncClient(base_url=hall_pages.base_url, timeout=30) as hall,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{bound_port}", timeout=30) as bound,
    ):
        for page in DOCUMENTS:
            for customer in customers[:10]:
                ours = comparable(await hall_pages.answer(page, customer, hall))
                theirs = comparable((await bound.get(f"/{page}", params={"customer": customer})).json())
                if ours != theirs:
                    raise RuntimeError(f"the {page} page of {customer} differs from the bound's:\n{ours}\n{theirs}")


@dataclass(frozen=True, slots=True)
class Web:
    """A web process of ours."""

    pid: int
    port: int


@asynccontextmanager
async def web_process(home: Home, name: str, arguments: Sequence[str], **environment: str) -> AsyncIterator[Web]:
    """Run `python ARGUMENTS PORT` and wait until it takes connections. `{port}` in a value stands for the port."""
    port = home.port(f"bench-{name}")
    settings = {key: value.replace("{port}", str(port)) for key, value in environment.items()}
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HALL_")}
    with home.log(f"bench-{name}").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *(argument.replace("{port}", str(port)) for argument in arguments),
            env=kept | settings,
            stdout=log,
            stderr=log,
        )
    try:
        await _reachable(process, port, name, home)
        yield Web(process.pid, port)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(10):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def _reachable(process: asyncio.subprocess.Process, port: int, name: str, home: Home) -> None:
    async with asyncio.timeout(START_TIMEOUT_S):
        while True:
            if process.returncode is not None:
                raise RuntimeError(f"{name} ended: {home.log(f'bench-{name}').read_text()[-2000:]}")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return
