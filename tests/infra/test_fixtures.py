"""The fixtures every other test stands on."""

import asyncpg
import pytest
import redis.asyncio as redis


@pytest.mark.parametrize("nth", range(2))
async def test_every_test_gets_a_migrated_database_of_its_own(pg_dsn: str, nth: int) -> None:
    connection = await asyncpg.connect(pg_dsn)
    try:
        migrated = await connection.fetchval("select count(*) from tortoise_migrations")
        mine = await connection.fetchval("select to_regclass('left_by_another_test') is null")
        await connection.execute("create table left_by_another_test ()")
    finally:
        await connection.close()

    assert migrated > 0
    assert mine


@pytest.mark.parametrize("nth", range(2))
async def test_every_test_gets_an_empty_valkey(valkey_url: str, nth: int) -> None:
    async with redis.from_url(valkey_url) as client:
        found = await client.dbsize()
        await client.set("left", "behind")

    assert found == 0
