"""The home: one holder at a time, secrets made once, ports that stay."""

import os
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from infra.home import Home, HomeInUse, HouseError, open_home

HOLD = """
import sys
from pathlib import Path
from infra.home import Home
Home(Path(sys.argv[1])).lock().take("http://127.0.0.1:8000")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


def test_a_second_holder_is_told_who_the_first_is(home: Home) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout
        holder.stdout.readline()

        with pytest.raises(HomeInUse) as refused:
            home.lock().take()
        assert (refused.value.pid, refused.value.address) == (holder.pid, "http://127.0.0.1:8000")
        assert str(holder.pid) in str(refused.value)
        running = home.running()
        assert not home.is_free()
        assert running
        assert running.address == "http://127.0.0.1:8000"

        holder.kill()
    lock = home.lock()
    lock.take()
    lock.give_back()
    assert home.is_free()


def test_a_secret_is_made_once_and_is_its_owner_s_alone(home: Home) -> None:
    first = home.secret("key")

    path = home.path / "keys" / "key"
    assert home.secret("key") == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_those_who_make_a_secret_at_once_get_the_same(home: Home) -> None:
    """Seen to fail when the draft replaces the file instead of being linked to its name."""
    together = Barrier(8)

    def make() -> str:
        together.wait()
        return home.secret("key")

    with ThreadPoolExecutor(8) as threads:
        made = {future.result() for future in [threads.submit(make) for _ in range(8)]}

    assert len(made) == 1
    assert [path.name for path in (home.path / "keys").iterdir()] == ["key"]


def test_a_server_keeps_its_port_while_it_is_free(home: Home) -> None:
    port = home.port("postgres")

    assert home.port("postgres") == port
    assert home.ports() == {"postgres": port}

    with socket.create_server(("127.0.0.1", port)):
        assert home.port("postgres") != port


def test_torn_notes_of_ports_are_forgotten(home: Home) -> None:
    (home.path / "ports.json").write_text('{"postgres": 54')

    assert home.ports() == {}
    assert home.port("postgres") > 0


def test_a_home_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(HouseError, match="set HALL_HOME to a directory you may write"):
        open_home(tmp_path / "file" / "home")


def test_others_may_pass_through_a_home_but_not_read_it(home: Home) -> None:
    assert stat.S_IMODE(os.stat(home.path).st_mode) == 0o711
