"""Brings a database to the present shape: the SQL files of `migrations/` by name, then the partitions.

Tortoise's migration tool plans, runs and records (table `tortoise_migrations`); a migration of ours is a file of plain
SQL. Everything happens in one transaction behind one lock: two processes may migrate at once, and a killed one leaves
nothing half done. Forward only: a wrong migration is answered by another one, never edited.
"""

from pathlib import Path
from typing import Any

from infra.db.partitions import ensure_partitions
from infra.home import HouseError

__all__ = ["APP", "MIGRATIONS", "MigrationFailed", "ensure_partitions", "migrate", "migration_files", "pending"]

MIGRATIONS = Path(__file__).parent / "migrations"
APP = "hall"


class MigrationFailed(HouseError):
    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"Migration {name} failed and nothing was applied: {why}.")


async def migrate(dsn: str, *, directory: Path = MIGRATIONS) -> list[str]:
    """Apply what is missing and make the coming days' partitions. Returns the names applied, oldest first.

    Raises MigrationFailed (nothing was applied then), and asyncpg's errors when the database cannot be reached.
    """
    from infra.db.sqlfiles import apply  # here: it brings Tortoise, which a serving process has no use for

    return await apply(dsn, directory)


async def pending(connection: Any, *, directory: Path = MIGRATIONS) -> list[str]:
    """The names `migrate` would apply. Changes nothing. `connection` is asyncpg's."""
    known = await connection.fetchval("select to_regclass('tortoise_migrations') is not null")
    rows = await connection.fetch("select name from tortoise_migrations where app = $1", APP) if known else []
    done = {row["name"] for row in rows}
    return [path.stem for path in migration_files(directory) if path.stem not in done]


def migration_files(directory: Path) -> list[Path]:
    return sorted(directory.glob("[0-9]*.sql"))
