"""`hall run` keeps a hall up through the death of any of its processes, and leaves nothing behind at the end.

The supervisor and the servers are real, the application behind them is tests/builders/fake_hall.py.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from infra.home import Home

PATIENCE_S = 60


class Running:
    """One `hall run` in a process of its own."""

    def __init__(self, home: Path, port: int, **environment: str) -> None:
        self.home = home
        self.port = port
        self.base = f"http://127.0.0.1:{port}"
        self.output = home.with_name("output")
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.builders.fake_hall", "run"],
                env={**os.environ, "HALL_HOME": str(home), "HALL_PORT": str(port), "COLUMNS": "200", **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self) -> str:
        return self.output.read_text()

    def until_open(self) -> "Running":
        return self.until_open_again(1)

    def until_open_again(self, times: int) -> "Running":
        """Until all has been said, as often as this home was opened."""
        self.until(lambda: self.said.count("Ctrl-C ends it") == times)
        return self

    def until(self, true: Callable[[], Any]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            assert self.process.poll() is None, f"the hall ended: {self.said}"
            assert time.monotonic() < deadline, f"never happened: {self.said}"
            time.sleep(0.02)

    def until_ready(self) -> None:
        def ready() -> bool:
            with suppress(httpx.TransportError):
                return httpx.get(f"{self.base}/readyz", timeout=5).status_code == 200
            return False

        self.until(ready)

    def processes(self) -> dict[str, psutil.Process]:
        """Its children by what they are."""
        found = {}
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.Error):  # it died meanwhile
                line = child.cmdline()
                found[line[3] if line[2:3] == ["tests.builders.fake_hall"] else child.name()] = child
        return found

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, sign: signal.Signals) -> int:
        self.process.send_signal(sign)
        return self.process.wait(PATIENCE_S)

    def pid(self) -> int:
        return int(httpx.get(f"{self.base}/pid", timeout=PATIENCE_S).text)

    def write(self) -> int:
        return int(httpx.post(f"{self.base}/write", timeout=PATIENCE_S).raise_for_status().text)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(home: Path, port: int, **environment: str) -> Running:
    home.parent.mkdir(parents=True, exist_ok=True)
    return Running(home, port, **environment)


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One that serves all tests of this file which leave it up."""
    running = run(tmp_path_factory.mktemp("hall") / "home", free_port()).until_open()
    yield running
    running.end(signal.SIGTERM)


def test_a_new_hall_says_where_it_is_and_how_to_come_in(hall: Running) -> None:
    for line in (
        f"{hall.base}/graphql",
        f"{hall.base}/readyz",
        "TOKEN=a-demo-token",
        f"curl -s {hall.base}/graphql -H",
    ):
        assert line in hall.said


def test_a_killed_web_process_is_replaced_and_nobody_is_turned_away(hall: Running) -> None:
    before = hall.pid()
    os.kill(before, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(before)] if psutil.pid_exists(before) else [], timeout=PATIENCE_S)

    after = hall.pid()  # the listening socket stayed: this waits, it is not refused

    assert after != before


def test_a_killed_worker_is_replaced(hall: Running) -> None:
    before = hall.processes()["worker"]
    before.kill()

    hall.until(lambda: hall.processes().get("worker", before) != before)


def test_a_killed_postgresql_comes_back_with_all_that_was_acknowledged(hall: Running) -> None:
    written = hall.write()
    hall.processes()["postgres"].kill()
    hall.until_ready()

    assert hall.write() == written + 1


def test_a_killed_valkey_comes_back(hall: Running) -> None:
    before = hall.processes()["valkey-server"]
    before.kill()
    hall.until(lambda: hall.processes().get("valkey-server", before) != before)
    hall.until_ready()


def test_a_second_hall_of_the_same_home_is_turned_away_and_the_first_left_alone(hall: Running) -> None:
    family = {process.pid for process in hall.family()}
    second = subprocess.run(
        [sys.executable, "-m", "tests.builders.fake_hall", "run"],
        env={**os.environ, "HALL_HOME": str(hall.home), "HALL_PORT": str(free_port())},
        capture_output=True,
        text=True,
    )

    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert f"is in use by process {hall.process.pid} at {hall.base}" in second.stderr
    assert family <= {process.pid for process in hall.family()}
    assert hall.pid()


def test_a_taken_port_ends_the_start_before_anything_else_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "tests.builders.fake_hall", "run"],
            env={**os.environ, "HALL_HOME": str(tmp_path / "home"), "HALL_PORT": str(port)},
            capture_output=True,
            text=True,
        )

    assert ended.returncode == 1
    assert ended.stderr == (
        f"hall: Port {port} on 127.0.0.1 cannot be used (Address already in use): set HALL_PORT to another one.\n"
    )
    assert not (tmp_path / "home" / "postgres").exists()


def test_a_killed_hall_leaves_no_process_and_the_next_one_goes_on(tmp_path: Path) -> None:
    port = free_port()
    first = run(tmp_path / "home", port).until_open()
    written = first.write()
    family = first.family()
    first.end(signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=PATIENCE_S)
    assert not alive

    second = run(tmp_path / "home", port).until_open_again(2)
    assert second.write() == written + 1
    assert second.said.count("demo loading") == 1  # once for this database, not once for each start
    assert second.end(signal.SIGINT) == 0


async def test_a_request_under_way_is_answered_before_the_end(tmp_path: Path) -> None:
    hall = await asyncio.to_thread(lambda: run(tmp_path / "home", free_port()).until_open())
    family = hall.family()
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        answer = asyncio.create_task(client.get(f"{hall.base}/slow"))
        await asyncio.to_thread(hall.until, (hall.home / "entered").exists)
        hall.process.send_signal(signal.SIGTERM)

        assert (await answer).text == "finished"

    assert await asyncio.to_thread(hall.process.wait, PATIENCE_S) == 0
    _, alive = psutil.wait_procs(family, timeout=PATIENCE_S)
    assert not alive
    assert Home(hall.home).is_free()


async def test_given_servers_are_used_and_none_is_started(tmp_path: Path, pg_dsn: str, valkey_url: str) -> None:
    given = {"HALL_DATABASE_URL": pg_dsn, "HALL_REDIS_URL": valkey_url}
    hall = await asyncio.to_thread(lambda: run(tmp_path / "home", free_port(), **given).until_open())

    assert set(hall.processes()) == {"serve", "worker"}
    assert hall.write() == 1
    assert hall.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("child", ["serve", "worker"])
def test_a_child_that_cannot_start_ends_the_start_in_one_sentence(tmp_path: Path, child: str) -> None:
    hall = run(tmp_path / "home", free_port(), HALL_FAKE_FAIL=child)

    assert hall.process.wait(PATIENCE_S) == 1
    assert hall.said.rstrip().endswith(f"hall: {child} does not stay up: the lines above say why.")


def test_a_demo_that_fails_is_told_and_goes_on_at_the_next_start(tmp_path: Path) -> None:
    port = free_port()
    first = run(tmp_path / "home", port, HALL_FAKE_FAIL="demo").until_open()
    assert first.pid()
    assert "the demo people are not loaded (the bank did not answer)" in first.said
    assert first.end(signal.SIGTERM) == 0

    second = run(tmp_path / "home", port).until_open_again(2)
    assert second.said.count("demo loading") == 2
    assert second.end(signal.SIGTERM) == 0
