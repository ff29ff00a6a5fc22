"""What has ended long ago is forgotten; what may still be asked for is not."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg

from domain.kernel.ids import lane_of, new_id
from infra.db.pool import open_pool
from infra.db.stores.identity import PostgresSessions, UsedAssertions
from infra.worker.housekeeping import Housekeeping

NOW = datetime(2026, 10, 1, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=2)


async def test_only_what_has_ended_is_forgotten(pg_dsn: str) -> None:
    pool: asyncpg.Pool = await open_pool(pg_dsn, min_size=1, max_size=1)
    try:
        sessions, assertions = PostgresSessions(pool), UsedAssertions(pool)
        lane = lane_of("lin")
        ended, live = new_id(lane, LONG_AGO), new_id(lane, NOW)
        await sessions.open(ended, "lin", b"a", LONG_AGO, LONG_AGO + timedelta(hours=1))
        await sessions.open(live, "lin", b"b", NOW, NOW + timedelta(days=30))
        await assertions.use("partner", str(uuid4()), LONG_AGO)
        await assertions.use("partner", "kept", NOW + timedelta(minutes=5))

        await Housekeeping(pool).forget(NOW)

        assert await pool.fetch("select id from session") == [(live,)]
        assert await pool.fetch("select jti from client_assertion") == [("kept",)]
    finally:
        await pool.close()
