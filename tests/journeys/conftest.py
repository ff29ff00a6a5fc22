"""A whole hall for each journey, or one that the journeys of a module share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis.asyncio as redis

from infra.embedded import EmbeddedPostgres, EmbeddedValkey
from tests.builders.databases import cloned_database
from tests.builders.house import House, open_house


@pytest.fixture
async def hall(pg_dsn: str, valkey_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """Both shipped plans, active from 2026-10-01 to 2026-12-29; at the end of the test every law must hold."""
    async with open_house(pg_dsn, valkey_url, tmp_path) as house:
        yield house


@pytest.fixture(scope="module")
async def shared_hall(
    postgres: EmbeddedPostgres, valkey: EmbeddedValkey, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """The same, one for all journeys of a module: each brings customers of its own, and asks for `town`."""
    client = redis.from_url(valkey.url)
    try:
        await client.flushall()
    finally:
        await client.aclose()
    home = tmp_path_factory.mktemp("town")
    async with cloned_database(postgres, template_database) as dsn, open_house(dsn, valkey.url, home) as house:
        yield house


@pytest.fixture
async def town(shared_hall: House) -> AsyncIterator[House]:
    """The shared hall at noon of 2026-10-05; at the end of the test every law must hold."""
    await shared_hall.set_clock("2026-10-05T12:00:00")
    yield shared_hall
    await shared_hall.settle()
    await shared_hall.reconcile()
