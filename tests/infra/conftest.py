"""A database that a test may kill."""

import shutil
from collections.abc import AsyncIterator

import pytest

from infra.db.migrate import migrate
from infra.embedded import EmbeddedPostgres
from infra.home import Home, open_home


@pytest.fixture
async def mortal(test_home: Home) -> AsyncIterator[EmbeddedPostgres]:
    """Migrated, empty, and nobody else's."""
    home = open_home(test_home.path / "mortal")
    server = EmbeddedPostgres(home, durable=False)
    await server.start()
    await migrate(server.dsn)
    yield server
    await server.stop()
    shutil.rmtree(home.path)
