"""One word for a database that does not answer."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from infra.db.pool import DatabaseUnreachable

UNREACHABLE = (
    OSError,  # refused, reset, timed out
    asyncpg.InterfaceError,  # the connection or the pool is closed
    asyncpg.InternalClientError,  # the connection was ended by the other side while nobody used it
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, or a statement that took too long
    asyncpg.InsufficientResourcesError,  # no connection or disk left
)


@contextmanager
def reaching() -> Iterator[None]:
    """Raise DatabaseUnreachable for whatever says that the database did not answer; anything else passes through."""
    try:
        yield
    except asyncpg.DataError:  # the driver's: a value that does not fit its type is our bug, not the database's absence
        raise
    except UNREACHABLE as error:
        raise DatabaseUnreachable(f"The database did not answer: {type(error).__name__}.") from error
