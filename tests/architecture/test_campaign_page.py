"""docs/campaigns.md against the code: every example loads, every kind has one, the tables are current."""

import json
import re
from datetime import date
from typing import Any

import pytest

from infra.campaigns.check import check
from infra.campaigns.conditions import CONDITIONS, WINDOWS
from infra.campaigns.loader import as_plain
from infra.campaigns.plan import CAMPAIGN, OFFER, TRIGGERS
from infra.campaigns.reference import PAGE, page
from infra.campaigns.rewards import REWARDS

TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
START = date(2027, 3, 1)

# What a fragment is put into: a campaign and an offer that are right in everything it does not speak of.
AROUND = as_plain("""
code: around
title: {zh: 例, en: Example}
phases: {warmUp: 10d, active: 90d, closing: 7d}
audience: {products: [CLASSIC, GOLD, PLATINUM]}
budget: {total: 1_000_000 yuan, lines: {gifts: 1_000_000 yuan}}
merchantGroups: {mall: {zh: 商圈, en: malls}, teahouse: {zh: 茶馆, en: tea houses}}
sections: [{code: shelf, title: {zh: 例, en: Examples}}]
draws:
  - code: lucky
    title: {zh: 抽奖, en: Draw}
    line: gifts
    prizes: [{code: thanks, title: {zh: 谢谢, en: Thanks}, odds: 1_000_000 ppm, value: 0 yuan}]
offers:
  - code: first-cup
    section: shelf
    title: {zh: 第一次茶歇, en: First cup}
    trigger: {story: purchase}
    limits: [{per: customer, period: campaign, max: 1}]
    rewards: [{drawChance: {draw: lucky, valid: 30d}}]
""")
EXAMPLE_OFFER = as_plain("""
code: example
section: shelf
title: {zh: 例, en: Example}
trigger: claim
limits: [{per: customer, period: campaign, max: 3}]
""")
EXAMPLE_REWARD = as_plain("""
rewards: [{coupon: {code: cup, kind: CASH, title: {zh: 券, en: Coupon}, value: 5 yuan, valid: 7d}}]
line: gifts
""")


def whole(example: str) -> str:
    """The file that the example stands for; JSON is YAML."""
    given: Any = as_plain(example)
    if {"offers", "budget"} <= given.keys():
        return json.dumps(given, ensure_ascii=False)
    around: Any = AROUND
    of_campaign = {
        key: value
        for key, value in given.items()
        if key in CAMPAIGN.fields and (key not in OFFER.fields or (isinstance(value, dict) and key == "phases"))
    }
    of_offer = {key: value for key, value in given.items() if key not in of_campaign}
    offers = [*around["offers"], *of_campaign.pop("offers", [])]
    if of_offer:
        reward = {} if "rewards" in of_offer else EXAMPLE_REWARD
        offers.append({**EXAMPLE_OFFER, **reward, **of_offer})  # type: ignore[dict-item]
    return json.dumps({**around, **of_campaign, "offers": offers}, ensure_ascii=False)


def keys_in(document: Any) -> set[str]:
    if isinstance(document, dict):
        return {*document, *(key for value in document.values() for key in keys_in(value))}
    if isinstance(document, list):
        return {key for value in document for key in keys_in(value)}
    return {document} if isinstance(document, str) else set()


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_loads(example: str) -> None:
    given: Any = as_plain(example)
    start = None if "starts" in given else START

    checked = check(whole(example), file="example.yaml", starts_on=start)

    assert checked.errors == ()


def test_the_whole_plan_has_not_even_a_warning_about_its_words_and_windows() -> None:
    checked = check(whole(EXAMPLES[0]), file="spring-tea.yaml", starts_on=START)

    assert checked.campaign is not None
    assert all("budget" in warning.path for warning in checked.warnings), checked.warnings


@pytest.mark.parametrize("kind", [*CONDITIONS, *WINDOWS, *REWARDS, *TRIGGERS])
def test_every_kind_has_an_example(kind: str) -> None:
    used = {key for example in EXAMPLES for key in keys_in(as_plain(example))}

    assert kind in used


@pytest.mark.parametrize("key", [*CAMPAIGN.fields, *OFFER.fields])
def test_every_key_of_a_campaign_and_an_offer_has_an_example(key: str) -> None:
    used = {found for example in EXAMPLES for found in keys_in(as_plain(example))}

    assert key in used


def test_the_reference_is_current() -> None:
    current = page() == TEXT

    assert current, "run: python -m infra.campaigns.reference"
