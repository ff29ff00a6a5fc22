"""The GraphQL rooms over a real database."""

from collections.abc import AsyncIterator
from typing import Any

import pytest


@pytest.fixture
async def hall_api(pg_dsn: str) -> AsyncIterator[Any]:
    """The hall's GraphQL with both shipped plans published and nobody known yet: a `HallApi`."""
    from tests.builders.hall_api import open_hall_api  # here: the doors beside the rooms need none of it

    async with open_hall_api(pg_dsn) as opened:
        yield opened
