"""Forgets what can make no difference any more: sessions, assertions and shown codes long past their end."""

from datetime import datetime, timedelta

import asyncpg

from domain.kernel.ids import LANES
from infra.db.statements import named
from infra.db.stores.identity import PostgresSessions, UsedAssertions

KEPT = timedelta(days=1)
"""A shown code is refused for its age after a minute; a day leaves room for any clock."""

FORGET_SHOWN = named(
    "presentation_used.forget",
    "delete from presentation_used p where p.lane = any($1::int[]) and p.expires_at < $2",
)


class Housekeeping:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._sessions = PostgresSessions(pool)
        self._assertions = UsedAssertions(pool)

    async def forget(self, wall: datetime) -> None:
        """By the wall clock; safe to do anywhere, at once."""
        await self._sessions.forget(wall)
        await self._assertions.forget(wall)
        await self._pool.execute(FORGET_SHOWN, list(LANES), wall - KEPT)
