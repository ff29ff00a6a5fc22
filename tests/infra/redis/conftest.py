"""A Valkey that a test may kill, stop and start again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from infra.embedded import EmbeddedValkey
from infra.home import open_home
from infra.redis.names import Names
from infra.redis.reach import Valkey

Back = Callable[[], Awaitable[None]]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedValkey]:
    server = EmbeddedValkey(open_home(tmp_path / "own"))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def valkey(server: EmbeddedValkey) -> AsyncIterator[Valkey]:
    valkey = Valkey(server.url, name="hall test")
    yield valkey
    await valkey.close()


@pytest.fixture
def names() -> Names:
    return Names(bytes(32))


@pytest.fixture
def back(valkey: Valkey) -> Back:
    """Waits until the hall has found Valkey again."""

    async def wait() -> None:
        async with asyncio.timeout(20):
            while not await valkey.is_there():  # noqa: ASYNC110 - Valkey cannot tell that it is back
                await asyncio.sleep(0.02)

    return wait
