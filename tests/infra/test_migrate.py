"""Migrations: in order, once, all or nothing, by however many processes at a time; and the days' partitions."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from domain.kernel.time import business_day
from infra.commands.worker import keep_partitions
from infra.db.migrate import MIGRATIONS, MigrationFailed, migrate, migration_files, pending
from infra.db.partitions import DAYS_AHEAD, ensure_partitions, partition_name
from infra.embedded import EmbeddedPostgres

TABLE = """
-- several statements; a function's own semicolons must not end one
create table stay (day date not null, guest text not null, room bigint generated always as identity)
    partition by range (day);
create table stay_default partition of stay default;
create index stay_guest on stay (guest);
create function guests(wanted date) returns bigint language plpgsql as $$
declare
    found bigint;
begin
    select count(*) into found from stay where day = wanted; -- 100% plain
    return found;
end;
$$;
"""


@pytest.fixture
async def empty_dsn(postgres: EmbeddedPostgres, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """A database without any table."""
    admin = await asyncpg.connect(postgres.dsn_of("postgres"))
    try:
        await admin.execute("create database migrate_test")
        yield postgres.dsn_of("migrate_test")
        await admin.execute("drop database migrate_test with (force)")
    finally:
        await admin.close()


@pytest.fixture
async def connection(empty_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(empty_dsn)
    yield connection
    await connection.close()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "0001_stay.sql").write_text(TABLE)
    (tmp_path / "0002_meal.sql").write_text("create table meal (id int); insert into meal values (1);")
    (tmp_path / "README.sql.txt").write_text("not a migration")
    return tmp_path


async def test_files_are_applied_by_name_and_once(empty_dsn: str, files: Path, connection: asyncpg.Connection) -> None:
    assert await pending(connection, directory=files) == ["0001_stay", "0002_meal"]

    assert await migrate(empty_dsn, directory=files) == ["0001_stay", "0002_meal"]
    assert await migrate(empty_dsn, directory=files) == []

    assert await pending(connection, directory=files) == []
    assert await connection.fetchval("select count(*) from meal") == 1
    assert await connection.fetchval("select guests(current_date)") == 0


async def test_a_later_file_is_applied_to_a_database_in_use(
    empty_dsn: str, files: Path, connection: asyncpg.Connection
) -> None:
    await migrate(empty_dsn, directory=files)
    (files / "0003_more.sql").write_text("alter table meal add price bigint not null default 5;")

    assert await migrate(empty_dsn, directory=files) == ["0003_more"]
    assert await connection.fetchval("select price from meal") == 5


async def test_a_failing_file_names_itself_and_takes_all_others_back(
    empty_dsn: str, files: Path, connection: asyncpg.Connection
) -> None:
    (files / "0003_wrong.sql").write_text("create table third (); create tabel fourth ();")

    with pytest.raises(MigrationFailed, match=r'^Migration 0003_wrong failed and nothing was applied: .* "tabel"'):
        await migrate(empty_dsn, directory=files)
    assert await connection.fetchval("select count(*) from pg_tables where schemaname = 'public'") == 0


async def test_processes_that_migrate_at_once_apply_each_file_once(empty_dsn: str, files: Path) -> None:
    """Seen to fail (a duplicate key in pg_type) without the advisory lock in infra/db/sqlfiles.py."""
    (files / "0000_slow.sql").write_text("select pg_sleep(0.2);")

    applied = await asyncio.gather(*(migrate(empty_dsn, directory=files) for _ in range(4)))

    assert sorted(len(names) for names in applied) == [0, 0, 0, 3]


async def test_every_day_from_yesterday_on_has_its_partition(
    empty_dsn: str, files: Path, connection: asyncpg.Connection
) -> None:
    await migrate(empty_dsn, directory=files)

    today = business_day(datetime.now(UTC))
    days = [today + timedelta(days=offset) for offset in range(-1, DAYS_AHEAD + 1)]
    await connection.executemany("insert into stay (day, guest) values ($1, 'a')", [(day,) for day in days])
    found = await connection.fetch("select tableoid::regclass::text as place from stay order by day")
    assert [row["place"] for row in found] == [partition_name("stay", day) for day in days]
    assert await ensure_partitions(connection) == []


async def test_rows_that_came_before_their_partition_move_into_it(
    empty_dsn: str, files: Path, connection: asyncpg.Connection
) -> None:
    await migrate(empty_dsn, directory=files)
    far = business_day(datetime.now(UTC)) + timedelta(days=DAYS_AHEAD + 2)
    await connection.executemany("insert into stay (day, guest) values ($1, $2)", [(far, "a"), (far, "b")])

    made = await ensure_partitions(connection, DAYS_AHEAD + 2)

    assert partition_name("stay", far) in made
    rows = await connection.fetch(f"select guest, room from {partition_name('stay', far)}")
    assert sorted((row["guest"], row["room"]) for row in rows) == [("a", 1), ("b", 2)]
    assert await connection.fetchval("select count(*) from stay_default") == 0
    await connection.execute("insert into stay (day, guest) values ($1, 'c')", far)
    assert await connection.fetchval("select max(room) from stay") == 3


async def test_partitions_are_made_once_by_several_at_a_time(empty_dsn: str, files: Path) -> None:
    """Seen to fail (a duplicate key in pg_type) without the advisory lock in `ensure_partitions`."""
    await migrate(empty_dsn, directory=files)

    async def make() -> list[str]:
        connection = await asyncpg.connect(empty_dsn)
        try:
            return await ensure_partitions(connection, DAYS_AHEAD + 5)
        finally:
            await connection.close()

    made = await asyncio.gather(*(make() for _ in range(4)))

    assert sorted(len(names) for names in made) == [0, 0, 0, 5]


async def test_writers_go_on_while_partitions_are_made(
    empty_dsn: str, files: Path, connection: asyncpg.Connection
) -> None:
    """Attaching beside them: `create table ... partition of` would wait for this open transaction."""
    await migrate(empty_dsn, directory=files)
    writer = await asyncpg.connect(empty_dsn)
    try:
        today = business_day(datetime.now(UTC))
        async with writer.transaction():
            await writer.execute("insert into stay (day, guest) values ($1, 'writing')", today)
            made = await ensure_partitions(connection, DAYS_AHEAD + 1)
            assert made == [partition_name("stay", today + timedelta(days=DAYS_AHEAD + 1))]
    finally:
        await writer.close()


async def test_a_worker_makes_the_partitions_that_are_missing(
    empty_dsn: str, files: Path, connection: asyncpg.Connection
) -> None:
    await migrate(empty_dsn, directory=files)
    missing = partition_name("stay", business_day(datetime.now(UTC)) + timedelta(days=DAYS_AHEAD))
    await connection.execute(f"drop table {missing}")
    stop = asyncio.Event()

    keeping = asyncio.create_task(keep_partitions(empty_dsn, stop))

    async with asyncio.timeout(30):
        for _ in count():
            if await connection.fetchval("select to_regclass($1) is not null", missing):
                break
            await asyncio.sleep(0.01)
    stop.set()
    await keeping


async def test_a_worker_outlives_a_database_that_is_away(unused_tcp_port: int) -> None:
    stop = asyncio.Event()
    keeping = asyncio.create_task(keep_partitions(f"postgresql://hall@127.0.0.1:{unused_tcp_port}/hall", stop))
    await asyncio.sleep(0)
    stop.set()

    await keeping


async def test_the_shipped_migrations_leave_nothing_pending(pg_dsn: str) -> None:
    connection = await asyncpg.connect(pg_dsn)
    try:
        left = await pending(connection)
        known = await connection.fetch("select name from tortoise_migrations order by name")
    finally:
        await connection.close()

    assert left == []
    assert [row["name"] for row in known] == [path.stem for path in migration_files(MIGRATIONS)]


def test_migrations_are_numbered_without_doubles() -> None:
    numbers = [path.stem.split("_")[0] for path in migration_files(MIGRATIONS)]

    assert len(set(numbers)) == len(numbers)
    assert all(len(number) == 4 for number in numbers)
