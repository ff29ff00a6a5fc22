"""The demo's events go in through the hall's own doors, however often, and whatever happens on the way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from domain.kernel.time import day_start
from infra.demo.load import DemoNotLoaded, Loaded, load_demo, settle
from infra.demo.story import story
from infra.settings import Mode, Settings
from infra.wiring import make_app

START = date(2026, 10, 1)
NOW = day_start(START) + timedelta(days=1)


@pytest.fixture
async def doors(pg_dsn: str, tmp_path: Path) -> AsyncIterator[httpx.ASGITransport]:
    """The web process's application over a fresh database."""
    settings = Settings(mode=Mode.SANDBOX, home=tmp_path, database_url=pg_dsn)
    async with _lifespan(await make_app(settings)) as app:
        yield httpx.ASGITransport(app)


@asynccontextmanager
async def _lifespan(app: Any) -> AsyncIterator[Any]:
    """Run an ASGI application's start-up and its end, as a server does."""
    inward: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    outward: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    running = asyncio.create_task(app({"type": "lifespan"}, inward.get, outward.put))
    await inward.put({"type": "lifespan.startup"})
    assert (await outward.get())["type"] == "lifespan.startup.complete"
    yield app
    await inward.put({"type": "lifespan.shutdown"})
    assert (await outward.get())["type"] == "lifespan.shutdown.complete"
    await running


async def _load(doors: httpx.AsyncBaseTransport, **changes: Any) -> Loaded:
    given: dict[str, Any] = {
        "start": START,
        "now": NOW,
        "progress": lambda sent, total: None,
        "client_id": "card-core",
        "secret": "card-core-sandbox",
        "transport": doors,
    }
    return await load_demo("http://hall", **given | changes)


async def _registered(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval("select count(*) from event"))
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def ids() -> list[str]:
    """Of all that has happened by NOW, in the order in which it is sent."""
    return [event.id for event in story(START) if event.at <= NOW]


async def test_every_event_is_accepted_once_and_what_comes_twice_is_a_duplicate(
    doors: httpx.ASGITransport, pg_dsn: str, ids: list[str]
) -> None:
    loaded = await _load(doors)

    assert loaded.rejected == ()
    assert (loaded.sent, loaded.accepted) == (len(ids), len(set(ids)))
    assert loaded.duplicates == len(ids) - len(set(ids)) > 0
    assert await _registered(pg_dsn) == len(set(ids))


async def test_loading_again_changes_nothing(doors: httpx.ASGITransport, pg_dsn: str) -> None:
    first = await _load(doors)
    before = await _registered(pg_dsn)

    again = await _load(doors)

    assert (again.accepted, again.duplicates) == (0, first.sent)
    assert await _registered(pg_dsn) == before


async def test_a_load_cut_short_goes_on_where_it_stopped(
    doors: httpx.ASGITransport, pg_dsn: str, ids: list[str]
) -> None:
    class Cut(Exception):
        pass

    def cut(sent: int, total: int) -> None:
        if sent > total // 2:
            raise Cut

    with pytest.raises(Cut):
        await _load(doors, progress=cut)
    halfway = await _registered(pg_dsn)

    loaded = await _load(doors)

    assert 0 < halfway < await _registered(pg_dsn)
    assert loaded.accepted == len(set(ids)) - halfway


async def test_what_has_not_happened_yet_is_not_sent(doors: httpx.ASGITransport, pg_dsn: str) -> None:
    await _load(doors)

    connection = await asyncpg.connect(pg_dsn)
    latest = await connection.fetchval("select max(at) from inbox")
    await connection.close()
    assert latest <= NOW


async def test_a_busy_hall_a_lost_answer_and_an_expired_token_are_lived_through(
    doors: httpx.ASGITransport, ids: list[str]
) -> None:
    loaded = await _load(Unwilling(doors))

    # The answer to the first batch was lost after it had been taken.
    assert loaded.sent == loaded.accepted + loaded.duplicates
    assert loaded.duplicates > len(ids) - len(set(ids))


class Unwilling(httpx.AsyncBaseTransport):
    """The way to the doors on a bad day."""

    def __init__(self, doors: httpx.ASGITransport) -> None:
        self._doors = doors
        self._batches = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path != "/v1/events":
            return await self._doors.handle_async_request(request)
        self._batches += 1
        match self._batches:
            case 1:
                await self._doors.handle_async_request(request)
                raise httpx.ReadError("the answer is lost", request=request)
            case 3:
                return httpx.Response(503, headers={"Retry-After": "0"})
            case 4:
                return httpx.Response(401)
        return await self._doors.handle_async_request(request)


async def test_a_hall_that_refuses_the_client_is_said_in_one_sentence(doors: httpx.ASGITransport) -> None:
    with pytest.raises(DemoNotLoaded, match="gives card-core no token: 401"):
        await _load(doors, secret="another")


async def test_after_settling_nothing_is_left_to_apply(doors: httpx.ASGITransport, pg_dsn: str) -> None:
    await _load(doors, now=day_start(START) - timedelta(days=80))

    await settle("http://hall", transport=doors)

    connection = await asyncpg.connect(pg_dsn)
    due, applied = await connection.fetchrow(
        "select (select count(*) from inbox where state = 'DUE'), (select count(*) from story_event)"
    )
    await connection.close()
    assert due == 0
    assert applied > 100
