"""`hall campaign`, called as an operator calls it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.campaigns.loader import HERE
from tests.builders.plans import plan

ROOT = Path(__file__).parents[3]


def hall(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {name: value for name, value in os.environ.items() if not name.startswith("HALL_")}
    return subprocess.run(
        [sys.executable, "-m", "infra.cli", "campaign", *arguments],
        env={**given, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tea.yaml"
    path.write_text(plan(), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["smart-life.yaml", "platinum.yaml"])
def test_a_shipped_plan_passes(name: str) -> None:
    told = hall("check", str(HERE / name))

    assert told.returncode == 0, told.stdout
    assert "0 errors" in told.stdout


def test_a_broken_file_ends_with_1_and_all_its_faults(file: Path) -> None:
    file.write_text(plan(quota="50k", lines="{gifts: 5}"), encoding="utf-8")

    told = hall("check", str(file))

    assert told.returncode == 1
    assert 'offers[0].quota: "50k" is not a whole number. Write 50_000.' in told.stdout
    assert "budget.lines.gifts" in told.stdout


def test_a_window_is_judged_by_the_first_day_and_which_one_that_was_is_said(file: Path) -> None:
    conditions = "when: {months: [10]}"
    file.write_text(plan(conditions=conditions, phases="{active: 20d}"), encoding="utf-8")

    october = hall("check", str(file), "--start", "2026-10-05")
    may = hall("check", str(file), "--start", "2026-05-05")
    today = hall("check", str(file))

    assert october.returncode == 0
    assert "as if it began" not in october.stdout
    assert "no window ever opens" in may.stdout
    assert "checked as if it began today" in today.stdout


def test_json_has_severity_line_and_remedy_of_each_finding(file: Path) -> None:
    file.write_text(plan(title="{zh: 最好的茶杯, en: Cup}"), encoding="utf-8")

    told = hall("check", str(file), "--json")

    assert told.returncode == 1
    found = json.loads(told.stdout)
    assert [(each["severity"], each["path"]) for each in found if each["severity"] == "error"] == [
        ("error", "offers[0].title.zh")
    ]
    assert all(each["line"] and each["remedy"] for each in found)


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be opened"), (b"code: \xff\xfe", "not UTF-8"), (b"", "a table of keys")]
)
def test_a_file_that_is_none_is_told_in_a_sentence(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "tea.yaml"
    if content is not None:
        path.write_bytes(content)

    told = hall("check", str(path))

    assert told.returncode == 1
    assert said in told.stdout


def test_an_operators_round(file: Path, pg_dsn: str) -> None:
    """Publish, publish again, change, list, show: all on one database."""
    on = {"HALL_DATABASE_URL": pg_dsn, "HALL_MODE": "sandbox"}
    words = ("--start", "2026-10-01", "--author", "li", "--reason", "autumn")

    first = hall("publish", str(file), *words, **on)
    again = hall("publish", str(file), *words, **on)
    file.write_text(plan(quota="7_777"), encoding="utf-8")
    changed = hall("publish", str(file), *words, **on)
    listed = hall("list", **on)
    shown = hall("show", "tea", **on)
    first_file = hall("show", "tea", "--version", "1", "--file", **on)
    unknown = hall("show", "coffee", **on)

    assert first.stdout == "tea is published.\n", first.stderr
    assert again.stdout == "tea is unchanged: this is version 1 already.\n"
    assert changed.stdout.startswith("tea version 2 is in force from ")
    assert len(listed.stdout.splitlines()) == 2
    assert "by li: autumn" in listed.stdout
    assert "7,777 of 7,777 places are free" in shown.stdout
    assert first_file.stdout.strip() == plan().strip()
    assert unknown.returncode == 1
    assert unknown.stderr == "hall: There is no coffee: see `hall campaign list`.\n"


def test_a_refused_publication_ends_with_1_and_the_reasons(file: Path, pg_dsn: str) -> None:
    file.write_text(plan(quota="many"), encoding="utf-8")

    told = hall("publish", str(file), "--start", "2026-10-01", "--reason", "x", HALL_DATABASE_URL=pg_dsn)

    assert told.returncode == 1
    assert "is not a whole number" in told.stderr
