"""A22, A23: what a campaign may cost, what its words must and must not say, from the operator's file to the hall."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from tests.builders.bank import Person
from tests.builders.house import House
from tests.builders.plans import plan
from tests.builders.till import capture, cardholder, free, merchant, quote, release, why

ROOT = Path(__file__).parents[2]
A22_LINES = {"rewards": 2_500_000, "promotion": 1_500_000, "merchants": 800_000, "people": 150_000, "reserve": 50_000}
NARROW = """
code: tea
title: {zh: 茶, en: Tea}
phases: {warmUp: 1d, active: 30d, closing: 1d}
audience: {products: [GOLD]}
budget: {total: 25 yuan, lines: {main: 25 yuan}}
merchantGroups: {tea: {zh: 茶馆, en: Tea houses}}
sections: [{code: tea, title: {zh: 茶, en: Tea}}]
offers:
  - code: tea-off
    section: tea
    title: {zh: 立减, en: Off}
    trigger: till
    if: [{merchantGroup: [tea]}]
    rewards: [{discount: {amount: 10 yuan}}]
    line: main
"""


async def campaign(hall: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`hall campaign`, as the operator calls it."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("HALL_")}
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "infra.cli", "campaign", *arguments],
        env={**given, "PYTHONPATH": str(ROOT), "HALL_DATABASE_URL": hall.dsn, "HALL_MODE": "sandbox"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip


async def test_a22_the_five_lines_come_to_five_million_and_show_what_is_held_and_what_is_spent(hall: House) -> None:
    await hall.set_clock("2026-10-02T12:00:00")
    await merchant(hall, "m-market", "friday-market")
    for name in ("an", "bo", "cai"):
        await cardholder(hall, name)

    for name, settle in (("an", True), ("bo", False)):
        quoted = await quote(hall, name, 20_000)
        if settle:
            await capture(hall, quoted["quote"], f"t-{name}")
    given_up = await quote(hall, "cai", 20_000)
    await release(hall, given_up["quote"])
    told = (await campaign(hall, "show", "smart-life")).stdout

    assert "budget 5000000 yuan" in told
    for line, yuan in A22_LINES.items():
        left, held, spent = (yuan - 100, 50, 50) if line == "rewards" else (yuan, 0, 0)
        assert f"  {line}: {left} of {yuan} yuan are free, {held} held, {spent} spent\n" in told
    assert sum(A22_LINES.values()) == 5_000_000


async def test_a22_a_line_is_never_exceeded_by_a_fen_however_many_pay_at_once(hall: House) -> None:
    await hall.publish(NARROW)
    await hall.set_clock("2026-10-05T12:00:00")
    await merchant(hall, "m-tea", "tea")
    crowd = [f"c{n}" for n in range(6)]
    for name in crowd:
        await cardholder(hall, name)

    quoted = await asyncio.gather(*(quote(hall, name, 5_000, "m-tea") for name in crowd))
    sold = [each for each in quoted if each["discount"]]
    refused = next(each for each in quoted if not each["discount"])
    left = await free(hall, "budget|tea|main")
    await release(hall, sold[0]["quote"])
    again = await quote(hall, crowd[-1], 5_000, "m-tea")

    assert (sorted(each["discount"] for each in quoted), left) == ([0, 0, 0, 0, 1_000, 1_000], 500)
    assert why(refused, "tea-off") == "SOLD_OUT"
    assert again["discount"] == 1_000


async def test_a23_a_file_with_a_forbidden_superlative_is_not_published_and_says_where_and_what_instead(
    hall: House, tmp_path: Path
) -> None:
    file = tmp_path / "tea.yaml"
    an = Person(hall)
    await hall.set_clock("2026-10-05T12:00:00")
    await hall.tell(an.approved(newCustomer=False))

    file.write_text(plan(title="{zh: 全市最好的茶杯, en: Cup}"), encoding="utf-8")
    refused = await campaign(hall, "publish", str(file), "--reason", "tea", "--start", "2026-10-01")
    unseen = await an.offer("cup")
    file.write_text(plan(title="{zh: 最后一天的茶杯, en: Cup}"), encoding="utf-8")
    published = await campaign(hall, "publish", str(file), "--reason", "tea", "--start", "2026-10-01")
    seen = await an.offer("cup")

    assert (refused.returncode, unseen) == (1, None)
    assert f'{file}:13: offers[0].title.zh: "最" is a superlative' in refused.stderr
    assert "Say what the offer is, with its figures." in refused.stderr
    assert published.returncode == 0, published.stderr
    assert seen["title"] == "最后一天的茶杯"
    assert "名额有限，先到先得" in "".join(seen["rules"]["disclaimers"])
    assert (await an.claim("cup"))["__typename"] == "OfferClaimed"


async def test_a23_where_there_is_a_quota_it_says_so_and_instalments_disclose_their_fees(hall: House) -> None:
    an = Person(hall)
    await hall.set_clock("2026-10-05T12:00:00")
    shown = {
        code: "".join((await an.offer(code))["rules"]["disclaimers"])
        for code in ("bind-gift", "flyer", "instalment-fee", "instalment-cashback", "wake-up-draw")
    }

    assert "名额有限，先到先得" in shown["bind-gift"]
    assert "名额有限" not in shown["flyer"]
    for code in ("instalment-fee", "instalment-cashback"):
        assert "0.60%" in shown[code]
        assert "年化利率" in shown[code]
    assert "概率" in shown["wake-up-draw"]
