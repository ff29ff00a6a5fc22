"""A7, B4, B5: discounts of certain days and hours, from the customer's hall to the till and back."""

from typing import Any

import pytest

from tests.builders.bank import Person
from tests.builders.house import House
from tests.builders.till import bought, cardholder, free, merchant, offers, quote, reverse, why

NOVEMBER = "2026-11-01T00:00:00+08:00"


async def at(hall: House, moment: str, shop: str, amount: int, customer: str = "bo") -> dict[str, Any]:
    await hall.set_clock(moment)
    return await quote(hall, customer, amount, shop)


def next_at(quoted: dict[str, Any], offer: str) -> tuple[str, str | None]:
    """Why the offer was declined, and from when it would not be."""
    (found,) = [each for each in quoted["declined"] if each["offer"] == offer]
    return found["code"], found.get("nextAt")


@pytest.fixture
async def platinum(hall: House) -> House:
    await hall.set_clock("2026-10-05T12:00:00")
    await merchant(hall, "m-shop", "shopping")
    await merchant(hall, "m-bar", "leisure")
    await cardholder(hall, "bo", "PLATINUM")
    return hall


async def test_b4_at_weekends_200_yuan_come_off_500_at_the_named_shops(platinum: House) -> None:
    """From the first moment of Saturday to the last of Sunday."""
    friday = await at(platinum, "2026-10-09T23:59:59", "m-shop", 50_000)
    saturday = await at(platinum, "2026-10-10T00:00:00", "m-shop", 50_000)
    small = await at(platinum, "2026-10-10T12:00:00", "m-shop", 49_999)
    elsewhere = await at(platinum, "2026-10-10T12:00:00", "m-bar", 50_000)
    sunday = await at(platinum, "2026-10-11T23:59:59", "m-shop", 50_000)
    monday = await at(platinum, "2026-10-12T00:00:00", "m-shop", 50_000)

    assert next_at(friday, "weekend-shopping") == ("OUTSIDE_WINDOW", "2026-10-10T00:00:00+08:00")
    assert offers(saturday) == offers(sunday) == [("weekend-shopping", 20_000)]
    assert (saturday["discount"], saturday["payable"]) == (20_000, 30_000)
    assert (small["discount"], why(small, "weekend-shopping")) == (0, "AMOUNT_TOO_SMALL")
    assert (elsewhere["discount"], why(elsewhere, "weekend-shopping")) == (0, "OTHER_MERCHANT")
    assert next_at(monday, "weekend-shopping") == ("OUTSIDE_WINDOW", "2026-10-17T00:00:00+08:00")


async def test_b4_twice_a_month_as_the_hall_shows_and_again_next_month(platinum: House) -> None:
    bo = Person(platinum, "bo")
    await platinum.set_clock("2026-10-10T12:00:00")
    before = await bo.offer("weekend-shopping")
    await bought(platinum, "bo", 50_000, "t1", "m-shop")
    await bought(platinum, "bo", 60_000, "t2", "m-shop")

    third = await at(platinum, "2026-10-11T12:00:00", "m-shop", 50_000)
    after = await bo.offer("weekend-shopping")
    november = await at(platinum, "2026-11-01T00:00:00", "m-shop", 50_000)  # a Sunday

    assert (before["state"], before["eligibility"]["eligible"]) == ("OPEN", True)
    assert next_at(third, "weekend-shopping") == ("LIMIT_REACHED", NOVEMBER)
    assert [(each["code"], each["nextAt"]) for each in after["eligibility"]["reasons"]] == [("LIMIT_REACHED", NOVEMBER)]
    assert november["discount"] == 20_000


async def test_b4_what_is_returned_whole_gives_the_budget_back(platinum: House) -> None:
    await platinum.set_clock("2026-10-10T12:00:00")
    untouched = await free(platinum, "budget|platinum|discounts")
    redemption = await bought(platinum, "bo", 50_000, "t1", "m-shop")
    spent = await free(platinum, "budget|platinum|discounts")

    back = await reverse(platinum, redemption, 30_000)

    assert (untouched - spent, back.json()["reversed"]) == (20_000, 20_000)
    assert await free(platinum, "budget|platinum|discounts") == untouched


async def test_b5_from_19_to_22_o_clock_50_yuan_come_off_200_on_every_day(platinum: House) -> None:
    early = await at(platinum, "2026-10-05T18:59:59", "m-bar", 20_000)
    first = await at(platinum, "2026-10-05T19:00:00", "m-bar", 20_000)
    last = await at(platinum, "2026-10-10T21:59:59", "m-bar", 20_000)
    late = await at(platinum, "2026-10-10T22:00:00", "m-bar", 20_000)
    small = await at(platinum, "2026-10-11T20:00:00", "m-bar", 19_999)
    await cardholder(platinum, "an")
    gold = await at(platinum, "2026-10-11T20:00:00", "m-bar", 20_000, "an")

    assert next_at(early, "evening-leisure") == ("OUTSIDE_WINDOW", "2026-10-05T19:00:00+08:00")
    assert offers(first) == offers(last) == [("evening-leisure", 5_000)]
    assert next_at(late, "evening-leisure") == ("OUTSIDE_WINDOW", "2026-10-11T19:00:00+08:00")
    assert why(small, "evening-leisure") == "AMOUNT_TOO_SMALL"
    assert (gold["discount"], why(gold, "evening-leisure")) == (0, "OTHER_CARD")


async def test_b5_three_times_a_month_and_no_fourth_time(platinum: House) -> None:
    bo = Person(platinum, "bo")
    await platinum.set_clock("2026-10-05T20:00:00")
    for n in range(3):
        await bought(platinum, "bo", 20_000, f"t{n}", "m-bar")

    fourth = await at(platinum, "2026-10-31T20:00:00", "m-bar", 20_000)
    shown = await bo.offer("evening-leisure")
    november = await at(platinum, "2026-11-01T19:00:00", "m-bar", 20_000)

    assert fourth["discount"] == 0
    assert next_at(fourth, "evening-leisure") == ("LIMIT_REACHED", "2026-11-01T19:00:00+08:00")
    assert [(each["code"], each["nextAt"]) for each in shown["eligibility"]["reasons"]] == [
        ("LIMIT_REACHED", "2026-11-01T19:00:00+08:00")
    ]
    assert november["discount"] == 5_000


async def test_a7_at_weekends_100_yuan_come_off_500_at_the_three_malls_as_often_as_one_likes(hall: House) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await merchant(hall, "m-mall", "mall")
    await cardholder(hall, "an")

    friday = await at(hall, "2026-10-09T12:00:00", "m-mall", 50_000, "an")
    small = await at(hall, "2026-10-10T12:00:00", "m-mall", 49_999, "an")
    for n in range(3):
        await bought(hall, "an", 50_000, f"t{n}", "m-mall")
    again = await at(hall, "2026-10-11T23:59:59", "m-mall", 50_000, "an")

    assert next_at(friday, "mall") == ("OUTSIDE_WINDOW", "2026-10-10T00:00:00+08:00")
    assert why(small, "mall") == "AMOUNT_TOO_SMALL"
    assert (offers(again), again["payable"]) == ([("mall", 10_000)], 40_000)
