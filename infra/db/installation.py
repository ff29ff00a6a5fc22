"""Whether the database can be used by this process, and what is noted down about it.

A database belongs to the mode that first used it: a sandbox's demo people never meet a production's customers.
"""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from infra.db.migrate import pending
from infra.home import HouseError
from infra.settings import Mode

CONNECT_TIMEOUT_S = 5.0


async def connect(dsn: str) -> Any:
    """A connection of asyncpg. Raises HouseError, one sentence, when there is none to be had."""
    parts = urlsplit(dsn)
    where = parts.netloc.rpartition("@")[2] or "the local socket"
    try:
        return await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT_S)
    except asyncpg.InvalidCatalogNameError:
        raise HouseError(
            f"There is no database {parts.path.lstrip('/')} at {where}: create it, or correct HALL_DATABASE_URL."
        ) from None
    except asyncpg.InvalidAuthorizationSpecificationError:
        raise HouseError(f"The database at {where} refuses this user: correct HALL_DATABASE_URL.") from None
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        why = str(error).split("\n", 1)[0] or type(error).__name__
        raise HouseError(
            f"The database at {where} cannot be reached ({why}): start it, or correct HALL_DATABASE_URL."
        ) from None


async def check_database(dsn: str, mode: Mode) -> None:
    """Raises HouseError when the database is unreachable, not migrated, or of the other mode."""
    connection = await connect(dsn)
    try:
        if missing := await pending(connection):
            raise HouseError(f"The database lacks the migration {missing[0]}: run `hall migrate` first.")
        await _claim(connection, mode)
    finally:
        await connection.close()


async def claim(dsn: str, mode: Mode) -> None:
    """Note whose database this is; the first note stays. Raises HouseError when it belongs to the other mode."""
    connection = await connect(dsn)
    try:
        await _claim(connection, mode)
    finally:
        await connection.close()


async def _claim(connection: Any, mode: Mode) -> None:
    await connection.execute(
        "insert into installation (name, value) values ('mode', $1) on conflict do nothing", mode.value
    )
    noted = await connection.fetchval("select value from installation where name = 'mode'")
    if noted != mode.value:
        why = "a sandbox's demo people" if mode is Mode.PRODUCTION else "a production's customers"
        raise HouseError(
            f"This database holds {why} and is refused in {mode.value}: give HALL_DATABASE_URL a database of its own."
        )


async def read_note(dsn: str, name: str) -> str | None:
    connection = await connect(dsn)
    try:
        found: str | None = await connection.fetchval("select value from installation where name = $1", name)
        return found
    finally:
        await connection.close()


async def write_note(dsn: str, name: str, value: str) -> None:
    connection = await connect(dsn)
    try:
        await connection.execute(
            "insert into installation (name, value) values ($1, $2) "
            "on conflict (name) do update set value = excluded.value",
            name,
            value,
        )
    finally:
        await connection.close()


async def wait_until_up(dsn: str, seconds: float) -> None:
    """Return when the database takes connections; the last HouseError when it does not within `seconds`."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            connection = await connect(dsn)
        except HouseError:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.2)
        else:
            await connection.close()
            return
