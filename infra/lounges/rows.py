"""Lounges as rows: those of the data file, those of a provider's feed, and the directory that a process holds.

A row that changes moves the catalog's version, in the same transaction; so every process follows as it follows a
campaign. What a feed has told of a lounge, with the moment, stands before what the file says of it.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import structlog

from domain.kernel.words import Words
from domain.lounge.directory import Directory
from domain.lounge.facts import Lounge, LoungeState, Policy
from domain.offers.ports import Catalogs
from infra.catalog import CHANNEL
from infra.db.statements import named
from infra.lounges.airports import airport
from infra.lounges.file import LoungeRow, shipped_lounges

log = structlog.get_logger(__name__)

ALL = named(
    "lounge.all",
    """
    select s.version stamp, l.code, l.airport, l.name_zh, l.name_en, l.terminal, l.airside, l.opens, l.closes, l.slot,
        l.capacity, l.amenities, l.state
    from catalog_stamp s left join lounge l on true
    """,
)
WRITE = named(
    "lounge.write",
    """
    insert into lounge as l (
        code, airport, name_zh, name_en, terminal, airside, opens, closes, slot, capacity, amenities, state, told_at
    ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    on conflict (code) do update set airport = excluded.airport, name_zh = excluded.name_zh,
        name_en = excluded.name_en, terminal = excluded.terminal, airside = excluded.airside, opens = excluded.opens,
        closes = excluded.closes, slot = excluded.slot, capacity = excluded.capacity, amenities = excluded.amenities,
        state = excluded.state, told_at = excluded.told_at
    where (l.told_at is null or excluded.told_at > l.told_at) and row(l.*) is distinct from row(excluded.*)
    returning 1
    """,
)
MOVE_STAMP = "update catalog_stamp set version = version + 1 returning version"


async def publish_lounges(pool: Any, lounges: Sequence[LoungeRow], *, told_at: datetime | None = None) -> int:
    """Write what has changed of these lounges; returns how many. Again, it changes nothing.

    told_at: when a feed said so; None for the data file. Lounges at no known airport are left out, with a warning.
    """
    changed = 0
    async with pool.acquire() as connection, connection.transaction():
        for lounge in lounges:
            if airport(lounge.airport) is None:
                log.warning("lounge at no known airport", lounge=lounge.code, airport=lounge.airport)
                continue
            changed += await connection.fetchval(WRITE, *_values(lounge), told_at) or 0
        if changed:
            stamp = await connection.fetchval(MOVE_STAMP)
            await connection.execute("select pg_notify($1, $2)", CHANNEL, str(stamp))
    return changed


def _values(lounge: LoungeRow) -> tuple[object, ...]:
    return (
        lounge.code, lounge.airport, lounge.name.zh, lounge.name.en, lounge.terminal, lounge.airside, lounge.opens,
        lounge.closes, lounge.slot, lounge.capacity, list(lounge.amenities), lounge.state.value,
    )  # fmt: skip


class LoungeDirectory:
    """Implements Lounges: read anew when the catalog's version has moved."""

    def __init__(self, pool: asyncpg.Pool, catalogs: Catalogs, policy: Policy | None = None) -> None:
        self._pool = pool
        self._catalogs = catalogs
        self._policy = policy or shipped_lounges().policy
        self._held: Directory | None = None
        self._reading = asyncio.Lock()

    async def latest(self) -> Directory:
        stamp = (await self._catalogs.latest()).stamp
        if self._held is None or self._held.stamp < stamp:
            async with self._reading:
                if self._held is None or self._held.stamp < stamp:
                    rows = await self._pool.fetch(ALL)
                    found = [lounge for row in rows if row["code"] is not None and (lounge := _lounge(row)) is not None]
                    self._held = Directory(found, self._policy, rows[0]["stamp"])
        return self._held


def _lounge(row: Any) -> Lounge | None:
    place = airport(row["airport"])
    if place is None:
        return None
    return Lounge(
        code=row["code"],
        name=Words(row["name_zh"], row["name_en"]),
        airport=place,
        terminal=row["terminal"],
        airside=row["airside"],
        opens=row["opens"],
        closes=row["closes"],
        slot=row["slot"],
        capacity=row["capacity"],
        amenities=tuple(_amenities(row["amenities"])),
        state=LoungeState(row["state"]),
    )


def _amenities(codes: Iterable[str]) -> Iterable[Words]:
    known = shipped_lounges().amenities
    for code in codes:
        yield known.get(code) or Words(code, code)  # a feed may know one that we have no words for
