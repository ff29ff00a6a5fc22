"""`hall campaign` and `hall cases` on a hall that runs, as the bank's people call them."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from domain.kernel.ids import lane_of, new_id
from tests.builders.campaigns import shanghai
from tests.builders.house import House, open_house

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def house(pg_dsn: str, valkey_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(pg_dsn, valkey_url, tmp_path) as house:
        await house.set_clock("2026-10-20T12:00:00")
        yield house


async def hall(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    given = {name: value for name, value in os.environ.items() if not name.startswith("HALL_")}
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "infra.cli", *arguments],
        env={**given, "PYTHONPATH": str(ROOT), "HALL_DATABASE_URL": house.dsn, "HALL_MODE": "sandbox"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip


async def test_a_quota_is_raised_and_shown_and_a_stale_figure_refused(house: House) -> None:
    raised = await hall(
        house,
        "campaign",
        "quota",
        "smart-life",
        "friday",
        "--current",
        "50000",
        "--target",
        "60000",
        "--reason",
        "rush",
    )
    stale = await hall(
        house,
        "campaign",
        "quota",
        "smart-life",
        "friday",
        "--current",
        "50000",
        "--target",
        "70000",
        "--reason",
        "rush",
    )
    shown = await hall(house, "campaign", "show", "smart-life")

    assert "version 2 is in force (FAVOURABLE)" in raised.stdout, raised.stderr
    assert (stale.returncode, "another one by now: 60000" in stale.stderr) == (1, True)
    assert "60,000 of 60,000 places are free" in shown.stdout
    assert re.search(r"rewards: 2500000 of 2500000 yuan are free, 0 held, 0 spent", shown.stdout), shown.stdout


async def test_a_pause_waits_for_a_second_person(house: House) -> None:
    asked = await hall(house, "campaign", "pause", "smart-life", "friday", "--reason", "abuse", "--by", "li")
    id = asked.stdout.split()[-1]
    alone = await hall(house, "campaign", "agree", id, "--by", "li")
    listed = await hall(house, "campaign", "changes", "--waiting")
    agreed = await hall(house, "campaign", "agree", id, "--by", "wang")

    assert alone.returncode == 1
    assert id in listed.stdout
    assert "version 2 is in force (ADVERSE)" in agreed.stdout


async def test_a_file_that_is_adverse_needs_a_second_person(house: House, tmp_path: Path) -> None:
    shown = await hall(house, "campaign", "show", "smart-life", "--file")
    file = tmp_path / "changed.yaml"
    file.write_text(shown.stdout.replace("quota: 50_000", "quota: 40_000"), encoding="utf-8")

    alone = await hall(house, "campaign", "publish", str(file), "--reason", "less", "--author", "li")
    both = await hall(house, "campaign", "publish", str(file), "--reason", "less", "--author", "li", "--second", "wang")

    assert alone.returncode == 1
    assert "friday.quota" in alone.stderr
    assert "version 2" in both.stdout, both.stderr


async def test_a_case_is_listed_and_closed(house: House) -> None:
    at = shanghai("2026-10-20T11:00")
    lane = lane_of("lin")
    id = new_id(lane, at)
    connection = await asyncpg.connect(house.dsn)
    await connection.execute(
        "insert into operator_case (lane, id, customer, kind, offer, subject, at)"
        " values ($1, $2, 'lin', 'USED_BUT_NOT_EARNED', 'friday', 'g1', $3)",
        lane, id, at,
    )  # fmt: skip
    await connection.close()

    listed = await hall(house, "cases", "list")
    closed = await hall(house, "cases", "close", str(id), "--note", "waived", "--by", "li")
    after = await hall(house, "cases", "list")
    unknown = await hall(house, "cases", "close", "nothing", "--note", "x")

    assert "USED_BUT_NOT_EARNED of lin, friday, g1" in listed.stdout
    assert closed.stdout.strip() == "Closed by li: waived"
    assert after.stdout.strip() == "There are none."
    assert unknown.returncode == 1
