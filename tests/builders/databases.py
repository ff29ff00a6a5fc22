"""A database of one's own, for fixtures that live longer than a test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import asyncpg

from infra.embedded import EmbeddedPostgres

_numbers = count()


@asynccontextmanager
async def cloned_database(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    """DSN of a fresh clone of `template`; dropped at the end."""
    name = f"shared_{next(_numbers)}"
    admin = await asyncpg.connect(postgres.dsn_of("postgres"))
    try:
        await admin.execute(f"create database {name} template {template} strategy file_copy")
        yield postgres.dsn_of(name)
        await admin.execute(f"drop database {name} with (force)")
    finally:
        await admin.close()
