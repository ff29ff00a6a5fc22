"""Files of SQL as migrations of Tortoise."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.context import TortoiseContext
from tortoise.exceptions import BaseORMException
from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.graph import MigrationKey
from tortoise.migrations.loader import MigrationLoader
from tortoise.migrations.migration import Migration
from tortoise.migrations.operations import RunSQL
from tortoise.transactions import in_transaction

from infra.db.migrate import APP, MigrationFailed, migration_files
from infra.db.partitions import ensure_partitions

_LOCK = 0x6861_6C6C_0001
"""Ours among the advisory locks of the database."""


async def apply(dsn: str, directory: Path) -> list[str]:
    """See `migrate`."""
    started: list[str] = []
    async with _transaction(dsn) as client:
        connection = client._connection
        await connection.execute(f"select pg_advisory_xact_lock({_LOCK})")
        executor = MigrationExecutor(client, {APP: {}})
        executor.loader = _Loader(directory, executor)
        # First: Tortoise asks for what is applied before it makes the table, and that would end the transaction.
        await executor.recorder.ensure_schema(executor._schema_editor(atomic=False))
        try:
            await executor.migrate(
                direction="forward",
                progress=lambda event, _, name: started.append(name) if event == "apply_start" else None,
            )
        except (BaseORMException, asyncpg.PostgresError) as error:
            raise MigrationFailed(started[-1] if started else "plan", str(error)) from error
        await ensure_partitions(connection)
    return started


class _Loader(MigrationLoader):
    """Finds migrations as files of SQL instead of modules; each depends on the one before it."""

    def __init__(self, directory: Path, executor: MigrationExecutor) -> None:
        super().__init__({APP: {}}, executor.recorder)
        self._directory = directory

    def load_disk(self) -> None:
        self.migrated_apps = {APP}
        self.disk_migrations = {}
        before: list[tuple[str, str]] = []
        for path in migration_files(self._directory):
            migration = Migration(path.stem, APP)
            migration.dependencies = before
            migration.operations = [RunSQL(path.read_text())]
            self.disk_migrations[MigrationKey(APP, path.stem)] = migration
            before = [(APP, path.stem)]


class _Client(AsyncpgDBClient):
    """Tortoise's client, connected by a DSN as asyncpg reads it (sockets, TLS, several hosts)."""

    def __init__(self, dsn: str) -> None:
        super().__init__(connection_name=APP)
        self._dsn = dsn

    async def create_pool(self, **_: object) -> Any:
        return await asyncpg.create_pool(self._dsn, min_size=1, max_size=1)


@asynccontextmanager
async def _transaction(dsn: str) -> AsyncIterator[TransactionWrapper]:
    client = _Client(dsn)
    async with TortoiseContext() as context:
        context.connections.set(APP, client)
        try:
            async with in_transaction(APP) as transaction:
                assert isinstance(transaction, TransactionWrapper)
                yield transaction
        finally:
            await client.close()
