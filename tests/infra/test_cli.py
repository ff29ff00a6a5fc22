"""The command line: quick to help, one sentence for what is expected to go wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.cli import COMMANDS

QUICK_WITHOUT = ("asyncpg", "tortoise", "pydantic", "httpx", "strawberry", "infra.settings")


def hall(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {name: value for name, value in os.environ.items() if not name.startswith("HALL_")}
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-m", "infra.cli", *arguments],
        env={**given, "PYTHONPATH": str(root), "COLUMNS": "120", **environment},
        cwd=cwd,
        capture_output=True,
        text=True,
    )


def test_help_names_every_command() -> None:
    told = hall("--help")

    assert told.returncode == 0
    assert all(name in told.stdout for name in COMMANDS)


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nsys.argv = ['hall', '--help']\nfrom infra.cli import app\n"
        "try:\n    app()\nexcept SystemExit:\n    pass\n"
        f"heavy = [name for name in {QUICK_WITHOUT!r} if name in sys.modules]\nassert not heavy, heavy"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_an_unknown_command_is_a_usage_error() -> None:
    assert hall("fly").returncode == 2


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_serving_without_a_database_is_one_sentence(command: str, tmp_path: Path) -> None:
    ended = hall(command, cwd=tmp_path)

    assert ended.returncode == 1
    assert ended.stderr == (
        "hall: HALL_DATABASE_URL is not set: give postgresql://user:password@host:port/database, "
        "or start everything with `hall run`.\n"
    )


def test_production_without_keys_is_one_sentence(tmp_path: Path) -> None:
    ended = hall("serve", cwd=tmp_path, HALL_DATABASE_URL="postgresql://db/hall", HALL_REDIS_URL="redis://cache/0")

    assert ended.returncode == 1
    assert ended.stderr.startswith("hall: Production needs HALL_DATA_KEY or HALL_DATA_KEY_FILE: ")
    assert ended.stderr.count("\n") == 1


def test_migrating_nowhere_is_one_sentence(tmp_path: Path) -> None:
    ended = hall("migrate", cwd=tmp_path)

    assert ended.returncode == 1
    assert (
        ended.stderr == "hall: No hall runs in .hall and HALL_DATABASE_URL is not set: start `hall run`, or set it.\n"
    )


def test_migrating_says_what_it_did_and_that_nothing_is_left(pg_dsn: str, tmp_path: Path) -> None:
    ended = hall("migrate", cwd=tmp_path, HALL_DATABASE_URL=pg_dsn)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "nothing to apply\n", "")


def test_a_token_needs_a_running_hall(tmp_path: Path) -> None:
    ended = hall("token", "demo-1", cwd=tmp_path, HALL_PORT="1")

    assert ended.returncode == 1
    assert ended.stderr == "hall: No hall answers at http://127.0.0.1:1: start `hall run`, or set HALL_PORT.\n"
