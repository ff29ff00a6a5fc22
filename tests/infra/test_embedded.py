"""The embedded servers start anywhere, die with their starter, and come back from whatever a kill left."""

import os
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis.asyncio as redis
from redis.exceptions import AuthenticationError

from infra import embedded
from infra.embedded import EmbeddedPostgres, EmbeddedValkey, running_at
from infra.home import Home, HomeInUse, HouseError, open_home
from tests.builders.killing import kill

# tmp_path may be entered by its owner alone: as root, PostgreSQL's own user has to be let through.

HOLDER = """
import asyncio, sys
from pathlib import Path
from infra import embedded
from infra.home import open_home
if sys.argv[2] == "orphans":
    embedded.dies_with_parent = lambda by: lambda: None
async def hold():
    home = open_home(Path(sys.argv[1]))
    postgres, valkey = embedded.EmbeddedPostgres(home), embedded.EmbeddedValkey(home)
    await postgres.start()
    await valkey.start()
    print(postgres.pid, valkey.pid, flush=True)
    sys.stdin.read()
asyncio.run(hold())
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


@pytest.fixture
async def server(home: Home) -> AsyncIterator[EmbeddedPostgres]:
    """Not started yet; stopped at the end."""
    server = EmbeddedPostgres(home, durable=False)
    yield server
    await server.stop()


async def ask(dsn: str, statement: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def capabilities(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1], 16) for line in lines if line.startswith("CapEff"))


def kill_holder(home: Home, kind: str) -> list[psutil.Process]:
    """Start both servers in a process of their own, kill that process, and return the servers' processes."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home.path), kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout
        servers = [psutil.Process(int(pid)) for pid in holder.stdout.readline().split()]
        holder.kill()
    return servers


async def test_it_is_a_durable_postgresql_18_on_loopback_only(home: Home) -> None:
    server = EmbeddedPostgres(home)
    dsn = await server.start()

    try:
        assert int(str(await ask(dsn, "show server_version_num"))) // 10000 == 18
        assert [await ask(dsn, f"show {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")] == [
            "on",
            "on",
            "on",
        ]
        assert server.pid
        listening = [found for found in psutil.Process(server.pid).net_connections() if found.status == "LISTEN"]
        assert {found.laddr.ip for found in listening} == {"127.0.0.1"}
        assert not list(home.path.rglob(".s.PGSQL*"))
    finally:
        await server.stop()


async def test_nobody_gets_in_without_the_password(server: EmbeddedPostgres, home: Home) -> None:
    dsn = await server.start()

    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(dsn.replace(home.secret("postgres-password"), "guess"))
    assert not list(home.path.glob("postgres.password"))


async def test_postgres_never_runs_as_root_nor_with_more_than_one_capability(server: EmbeddedPostgres) -> None:
    await server.start()

    assert server.pid
    assert psutil.Process(server.pid).uids().effective != 0
    assert capabilities(server.pid).bit_count() <= 1


async def test_what_was_written_is_there_after_a_restart_on_the_same_port(server: EmbeddedPostgres) -> None:
    dsn = await server.start()
    await ask(dsn, "create table kept as select 7 as n")
    await server.stop()

    assert await server.start() == dsn
    assert await ask(dsn, "select n from kept") == 7


async def test_a_killed_server_starts_again_with_all_it_acknowledged(server: EmbeddedPostgres) -> None:
    dsn = await server.start()
    await ask(dsn, "create table kept as select 7 as n")
    kill(server)

    assert not server.alive
    assert await server.start() == dsn
    assert await ask(dsn, "select n from kept") == 7


async def test_the_servers_die_with_a_killed_starter(home: Home) -> None:
    servers = kill_holder(home, "bound")

    _, alive = psutil.wait_procs(servers, timeout=10)
    assert not alive


async def test_orphans_of_a_killed_starter_are_stopped_before_a_new_start(home: Home) -> None:
    orphans = kill_holder(home, "orphans")
    assert all(orphan.is_running() for orphan in orphans)
    postgres, valkey = EmbeddedPostgres(home, durable=False), EmbeddedValkey(home)

    dsn, url = await postgres.start(), await valkey.start()

    try:
        assert not any(orphan.is_running() and orphan.status() != psutil.STATUS_ZOMBIE for orphan in orphans)
        assert await ask(dsn, "select 1") == 1
        async with redis.from_url(url) as client:
            assert await client.ping()
    finally:
        await postgres.stop()
        await valkey.stop()


@pytest.mark.parametrize("left", [f"{os.getpid()}\n", "", "12"], ids=["a stranger's", "empty", "torn"])
async def test_a_stale_pid_file_is_no_hindrance(server: EmbeddedPostgres, home: Home, left: str) -> None:
    dsn = await server.start()
    await server.stop()
    (home.path / "postgres" / "postmaster.pid").write_text(left)

    assert await server.start() == dsn


async def test_a_half_made_cluster_is_made_again(server: EmbeddedPostgres, home: Home) -> None:
    half = home.path / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18")

    assert await ask(await server.start(), "select 1") == 1
    assert not half.exists()


async def test_a_port_taken_meanwhile_is_changed(server: EmbeddedPostgres, home: Home) -> None:
    dsn = await server.start()
    await server.stop()

    with socket.create_server(("127.0.0.1", home.ports()["postgres"])):
        other = await server.start()
    assert other != dsn
    assert await ask(other, "select 1") == 1


async def test_two_of_the_same_home_do_not_meet(server: EmbeddedPostgres, home: Home) -> None:
    dsn = await server.start()

    with pytest.raises(HomeInUse):
        await EmbeddedPostgres(home).start()
    assert await ask(dsn, "select 1") == 1


async def test_data_of_another_version_is_refused_in_one_sentence(server: EmbeddedPostgres, home: Home) -> None:
    data = home.path / "postgres"
    data.mkdir()
    (data / "PG_VERSION").write_text("17\n")

    with pytest.raises(HouseError, match="was made by PostgreSQL 17 and this is 18"):
        await server.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
async def test_a_closed_home_of_root_is_refused_in_one_sentence_when_nobody_can_be_let_through(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_permitted_capabilities", lambda: 0)

    with pytest.raises(HouseError, match="set HALL_HOME to a directory that everyone may pass through"):
        await server.start()


async def test_valkey_wants_the_password_and_keeps_nothing(home: Home) -> None:
    server = EmbeddedValkey(home)
    url = await server.start()
    async with redis.from_url(url) as client:
        await client.set("hint", 1)
    async with redis.from_url(url.replace(home.secret("valkey-password"), "guess")) as stranger:
        with pytest.raises(AuthenticationError):
            await stranger.ping()
    assert server.pid
    assert home.secret("valkey-password") not in " ".join(psutil.Process(server.pid).cmdline())
    kill(server)

    try:
        assert await server.start() == url
        async with redis.from_url(url) as client:
            assert await client.dbsize() == 0
        assert not list((home.path / "valkey").iterdir())
    finally:
        await server.stop()


async def test_a_running_hall_s_servers_are_found_by_its_home(home: Home) -> None:
    lock = home.lock()
    lock.take()
    postgres, valkey = EmbeddedPostgres(home, durable=False), EmbeddedValkey(home)
    try:
        wanted = await postgres.start(), await valkey.start()

        assert running_at(home) == wanted
    finally:
        await postgres.stop()
        await valkey.stop()
        lock.give_back()
    assert running_at(home) is None


async def test_logs_and_passwords_are_the_owner_s_alone(server: EmbeddedPostgres, home: Home) -> None:
    await server.start()

    for private in (home.path / "logs", home.path / "keys", home.path / "postgres"):
        assert stat.S_IMODE(private.stat().st_mode) == 0o700


@pytest.fixture(autouse=True)
async def nothing_is_left(home: Home) -> AsyncIterator[None]:
    yield
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            assert not process.cwd().startswith(str(home.path)), f"{process} was left behind"
