"""A real PostgreSQL and a real Valkey for the tests, one pair for each pytest worker, gone when it ends.

The servers start with the first test that asks. A database is migrated once and cloned for each test. Their directory
is taken away at the end, also after Ctrl-C; what a killed run left is taken away by the next one.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio as redis

from infra.db.migrate import migrate
from infra.embedded import EmbeddedPostgres, EmbeddedValkey
from infra.home import Home, HomeInUse, open_home

PREFIX = "hall-test-"
MEMORY = "/dev/shm"
_numbers = count()


@pytest.fixture(scope="session")
def test_home() -> Iterator[Home]:
    """The directory of this worker's servers. Not under pytest's own, which only its owner may enter."""
    with _one_at_a_time():
        _sweep()
        home = open_home(Path(tempfile.mkdtemp(prefix=PREFIX, dir=_directory())))
        home.path.chmod(0o711)
        lock = home.lock()
        lock.take()
    atexit.register(shutil.rmtree, home.path, ignore_errors=True)  # when a second Ctrl-C cuts the ending short
    yield home
    shutil.rmtree(home.path, ignore_errors=True)
    lock.give_back()


def _directory() -> str:
    """Memory where there is plenty: cloning a database takes 15 ms there and 120 ms on a disk."""
    with suppress(OSError):
        if shutil.disk_usage(MEMORY).free > 2 * 1024**3 and os.access(MEMORY, os.W_OK):
            return MEMORY
    return tempfile.gettempdir()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """A directory just made is not locked yet: another worker's sweep would take it for a killed run's."""
    with open(Path(tempfile.gettempdir()) / f".hall-tests-{os.getuid()}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _sweep() -> None:
    """Take away the directories of killed runs: those whose lock nobody holds any more."""
    for left in (*Path(tempfile.gettempdir()).glob(f"{PREFIX}*"), *Path(MEMORY).glob(f"{PREFIX}*")):
        with suppress(HomeInUse, OSError):
            lock = Home(left).lock()
            lock.take()
            shutil.rmtree(left, ignore_errors=True)
            lock.give_back()


@pytest.fixture(scope="session")
async def postgres(test_home: Home) -> AsyncIterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(test_home, durable=False)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(scope="session")
async def valkey(test_home: Home) -> AsyncIterator[EmbeddedValkey]:
    server = EmbeddedValkey(test_home)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(scope="session")
async def template_database(postgres: EmbeddedPostgres) -> str:
    """The name of a migrated, empty database that nobody is connected to."""
    admin = await asyncpg.connect(postgres.dsn_of("postgres"))
    try:
        await admin.execute("create database template_hall")
    finally:
        await admin.close()
    await migrate(postgres.dsn_of("template_hall"))
    return "template_hall"


@pytest.fixture
async def pg_dsn(postgres: EmbeddedPostgres, template_database: str) -> AsyncIterator[str]:
    """DSN of a fresh, migrated, empty database of this test."""
    name = f"test_{next(_numbers)}"
    admin = await asyncpg.connect(postgres.dsn_of("postgres"))
    try:
        await admin.execute(f"create database {name} template {template_database} strategy file_copy")
        yield postgres.dsn_of(name)
        await admin.execute(f"drop database {name} with (force)")
    finally:
        await admin.close()


@pytest.fixture
async def valkey_url(valkey: EmbeddedValkey) -> str:
    """URL of a flushed Valkey."""
    client = redis.from_url(valkey.url)
    try:
        await client.flushall()
    finally:
        await client.aclose()
    return valkey.url
