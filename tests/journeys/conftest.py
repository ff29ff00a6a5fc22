"""A whole hall for each journey."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.builders.house import House, open_house


@pytest.fixture
async def hall(pg_dsn: str, valkey_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """Both shipped plans, active from 2026-10-01 to 2026-12-29; at the end of the test every law must hold."""
    async with open_house(pg_dsn, valkey_url, tmp_path) as house:
        yield house
