"""The rule text of every shipped offer, read back as a customer would: its figures are the file's, and no others."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
import yaml

from infra.campaigns.loader import HERE, SHIPPED
from tests.builders.bank import OFFER
from tests.builders.house import House

PLANS = {plan["code"]: plan for plan in (yaml.safe_load((HERE / name).read_text(encoding="utf-8")) for name in SHIPPED)}
OFFERS = [(plan["code"], offer["code"]) for plan in PLANS.values() for offer in plan["offers"]]
RUNS = {"active": ((2026, 10, 1), (2026, 12, 30)), "closing": ((2026, 12, 30), (2027, 1, 6))}
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December"]  # fmt: skip
UNSHOWN = {
    "code", "section", "title", "subtitle", "line", "cost", "priority", "affinity", "tags", "notes", "sku", "delivery",
    "phases", "body",
}  # fmt: skip
"""Keys whose figures are no rule of the customer's: inside the bank, or words printed as they are."""
HOURS = {"from", "to", "at", "startsAt", "cancelBy"}


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize(("plan", "code"), OFFERS)
async def test_every_figure_of_the_rule_stands_in_its_text_and_no_other(
    shared_hall: House, plan: str, code: str, language: str
) -> None:
    offer = next(each for each in PLANS[plan]["offers"] if each["code"] == code)

    told = (await shared_hall.ask(None, OFFER, {"code": code}, language=language))["offer"]["rules"]["text"]

    assert set(figures_said(told, offer, language)) == figures_of(offer, PLANS[plan]), told


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize(("plan", "code"), OFFERS)
async def test_every_text_begins_with_both_ends_of_its_run(
    shared_hall: House, plan: str, code: str, language: str
) -> None:
    offer = next(each for each in PLANS[plan]["offers"] if each["code"] == code)
    (phase,) = offer.get("phases", ["active"])
    opens, closes = RUNS[phase]
    hour = "00:00"
    if "signUp" in offer["trigger"]:  # until the event begins
        (place,) = (reward["place"] for reward in offer["rewards"])
        _, count, hour = place["startsAt"].split()
        begins = date(*opens) + timedelta(days=int(count) - 1)
        closes = (begins.year, begins.month, begins.day)

    told = (await shared_hall.ask(None, OFFER, {"code": code}, language=language))["offer"]

    first, second = written(opens, language), written(closes, language, hour)
    assert re.match(rf"1\. \S+ ?.*{first}.*{second}", told["rules"]["text"].split("\n")[0])
    assert told["opensAt"] == "{:04}-{:02}-{:02}T00:00:00+08:00".format(*opens)
    assert told["closesAt"] == "{:04}-{:02}-{:02}T{}:00+08:00".format(*closes, hour)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize(("plan", "code"), [each for each in OFFERS if each[1] in ("friday", "evening-leisure")])
async def test_a_recurring_window_says_both_ends_and_that_the_second_is_outside(
    shared_hall: House, plan: str, code: str, language: str
) -> None:
    offer = next(each for each in PLANS[plan]["offers"] if each["code"] == code)
    weekly = offer["when"]["weekly"]

    told = (await shared_hall.ask(None, OFFER, {"code": code}, language=language))["offer"]["rules"]["text"]

    outside = f"until just before {weekly['to']}" if language == "en" else f"不含{weekly['to']}整"
    assert f"{weekly['from']}-{weekly['to']}" in told
    assert outside in told


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize(("plan", "code"), [each for each in OFFERS if each[1].startswith("club-")])
async def test_days_counted_from_the_start_are_told_as_dates(
    shared_hall: House, plan: str, code: str, language: str
) -> None:
    offer = next(each for each in PLANS[plan]["offers"] if each["code"] == code)
    moments = [offer["trigger"]["signUp"]["cancelBy"], offer["rewards"][0]["place"]["startsAt"]]

    told = (await shared_hall.ask(None, OFFER, {"code": code}, language=language))["offer"]["rules"]["text"]

    for moment in moments:
        _, number, hour = moment.split()
        day = date(2026, 10, 1) + timedelta(days=int(number) - 1)
        assert written((day.year, day.month, day.day), language, hour) in told


@pytest.mark.parametrize(("plan", "code"), OFFERS)
async def test_the_disclaimers_the_law_asks_for_stand_beside_it(shared_hall: House, plan: str, code: str) -> None:
    offer = next(each for each in PLANS[plan]["offers"] if each["code"] == code)
    draws = [reward["drawChance"]["draw"] for reward in offer["rewards"] if "drawChance" in reward]

    told = (await shared_hall.ask(None, OFFER, {"code": code}))["offer"]["rules"]["disclaimers"]

    limited = "quota" in offer or bool(draws)
    assert ("名额有限，先到先得" in told) is limited
    assert any("折合年化利率" in each for each in told) is (offer["trigger"] == {"story": "instalment"})
    odds = [each for each in told if "中奖概率" in each]
    assert len(odds) == len(draws)
    for draw, said in zip(draws, odds, strict=True):
        prizes = next(each for each in PLANS[plan]["draws"] if each["code"] == draw)["prizes"]
        percents = [float(each) for each in re.findall(r"中奖概率([\d.]+)%", said)]
        assert percents == [int(each["odds"].split()[0].replace("_", "")) / 10_000 for each in prizes]
        assert sum(percents) == pytest.approx(100)
        assert re.findall(r"（价值(\d+)元，(?:(\d+)份|不限量)）", said) == [
            (figure(each["value"]), str(each.get("stock", "")).replace("_", "")) for each in prizes
        ]


# What the file says -----------------------------------------------------------------------------------------------


def figures_of(offer: dict[str, Any], plan: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    for key, value in offer.items():
        if key not in UNSHOWN and key != "trigger":
            found |= set(numbers_in(value))
    if any("basePoints" in reward for reward in offer["rewards"]):
        found |= {"1"} | {str(rate["perYuan"]) for rate in plan["points"]}  # so many for each ¥1
    choices = [reward["choice"] for reward in offer["rewards"] if "choice" in reward]
    found |= {str(len(choice["options"])) for choice in choices} | ({"1"} if choices else set())
    if any("drawChance" in reward for reward in offer["rewards"]):
        found.add("1")
    return found


def numbers_in(value: Any) -> list[str]:
    match value:
        case bool():
            return []
        case int():
            return [str(value)]
        case str():
            return [figure(value)] if re.fullmatch(r"[\d_.]+( ?\w+| %)?", value) else []
        case list():
            return [number for each in value for number in numbers_in(each)]
        case dict():
            return [number for key, each in value.items() if key not in UNSHOWN | HOURS for number in numbers_in(each)]
        case _:
            return []


def figure(text: str) -> str:
    return re.match(r"[\d_.]+", text).group().replace("_", "")  # type: ignore[union-attr]


# What the text says -----------------------------------------------------------------------------------------------


def figures_said(text: str, offer: dict[str, Any], language: str) -> list[str]:
    """The numbers in the text without its line numbers, moments, hours, and the titles that are words of the file."""
    text = re.sub(r"^\d+\. ", "", text, flags=re.M)
    for title in sorted(titles_of(offer), key=len, reverse=True):
        text = text.replace(title, "", 1)
    months = "|".join(MONTHS)
    text = re.sub(rf"\d+年\d+月\d+日\d\d:\d\d|\d+ (?:{months}) \d+ \d\d:\d\d|\d\d:\d\d", "", text)
    return re.findall(r"\d+(?:\.\d+)?", text)


def titles_of(value: Any) -> set[str]:
    match value:
        case {"zh": str(zh), "en": str(en)}:
            return {zh, en}
        case dict():
            return {title for each in value.values() for title in titles_of(each)}
        case list():
            return {title for each in value for title in titles_of(each)}
        case _:
            return set()


def written(day: tuple[int, int, int], language: str, hour: str = "00:00") -> str:
    year, month, number = day
    return f"{number} {MONTHS[month - 1]} {year} {hour}" if language == "en" else f"{year}年{month}月{number}日{hour}"
