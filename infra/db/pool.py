"""Connections to PostgreSQL: a pool for reads, and the ledger's own ones.

A read of the pool is one statement: nothing is left behind on a connection that would have to be reset, so giving one
back costs no round trip. Statements are prepared once a connection and kept.
"""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from domain.kernel.errors import HallError

CONNECT_TIMEOUT_S = 5.0

LEDGER_PLANS = {
    # The ledger's tables outgrow any plan made while they were small: by index, always; and one plan for every batch.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    "timezone": "UTC",
    # A batch that waits for another's row waits for a flush; who waits longer is in a circle.
    "idle_in_transaction_session_timeout": "60s",
}


class DatabaseUnreachable(HallError):
    """No connection to be had, or lost with the answer to a commit: whether that was done, a repetition will tell."""

    code = "UNAVAILABLE"


async def open_pool(dsn: str, *, application: str = "hall", min_size: int = 2, max_size: int = 8) -> Any:
    """A pool for reads (asyncpg's). Raises DatabaseUnreachable."""
    try:
        return await asyncpg.create_pool(
            dsn,
            min_size=min_size,
            max_size=max_size,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=30,
            reset=_nothing,
            statement_cache_size=1024,
            max_cached_statement_lifetime=0,
            max_inactive_connection_lifetime=0,
            server_settings={"application_name": application, "jit": "off"},
        )
    except _FAILURES as error:
        raise unreachable(dsn, error) from error


async def connect_ledger(dsn: str, *, application: str = "hall ledger") -> Any:
    """A connection of the ledger's own, with its planner settings (asyncpg's). Raises DatabaseUnreachable."""
    try:
        return await asyncpg.connect(
            dsn,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=30,
            statement_cache_size=256,
            max_cached_statement_lifetime=0,
            max_cacheable_statement_size=0,
            server_settings={"application_name": application, **LEDGER_PLANS},
        )
    except _FAILURES as error:
        raise unreachable(dsn, error) from error


def unreachable(dsn: str, error: BaseException) -> DatabaseUnreachable:
    """One sentence, without the password."""
    parts = urlsplit(dsn)
    where = parts.netloc.rpartition("@")[2] or "the local socket"
    why = str(error).split("\n", 1)[0] or type(error).__name__
    return DatabaseUnreachable(f"The database at {where} cannot be reached: {why}.")


_FAILURES = (OSError, asyncio.TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


async def _nothing(connection: Any) -> None:
    """What a connection needs before the next may have it: reads leave nothing behind."""


async def connect_plain(dsn: str, *, application: str) -> Any:
    """A connection of one's own, to listen on (asyncpg's). Raises DatabaseUnreachable."""
    try:
        return await asyncpg.connect(
            dsn, timeout=CONNECT_TIMEOUT_S, command_timeout=30, server_settings={"application_name": application}
        )
    except _FAILURES as error:
        raise unreachable(dsn, error) from error
