"""Limits count by customer, person, card or device; what a device or a person has had, nobody gets through it again."""

from typing import Any

import pytest

from tests.builders.bank import Person
from tests.builders.house import House
from tests.builders.plans import plan

_OFFER = """
  - code: {code}
    section: tea
    title: {{zh: 茶杯, en: Cup}}
    trigger: claim
    limits: [{{per: {per}, period: {period}, max: 1}}]
    rewards: [{{coupon: {{code: {code}, kind: CASH, title: {{zh: 券, en: Coupon}}, value: 1 yuan, valid: 30d}}}}]
    line: gifts
"""
LIMITED = plan(
    more="".join(
        _OFFER.format(code=f"{per}-{period}", per=per, period=period)
        for per, period in (("device", "day"), ("person", "week"), ("customer", "month"))
    )
)


@pytest.fixture
async def tea(hall: House) -> House:
    await hall.publish(LIMITED)
    await hall.set_clock("2026-10-09T23:00:00")  # a Friday
    return hall


async def holder(hall: House, person: str | None = None) -> Person:
    one = Person(hall)
    known = {} if person is None else {"person": person}
    await hall.tell(one.described(**known), one.approved(newCustomer=False))
    return one


async def claim(who: Person, offer: str, device: str = "phone") -> dict[str, Any]:
    """With this device in hand."""
    found: dict[str, Any] = await who.claim(offer, device=device)
    return found


def said(answer: dict[str, Any]) -> tuple[str, str | None]:
    return answer["__typename"], answer.get("nextAt")


async def test_a_limit_by_device_holds_for_whoever_has_it_in_hand_until_the_next_day(tea: House) -> None:
    people = [await holder(tea) for _ in range(4)]

    first = await claim(people[0], "device-day")
    others = [await claim(each, "device-day") for each in people[1:]]
    elsewhere = await claim(people[1], "device-day", "tablet")
    await tea.set_clock("2026-10-10T00:00:00")
    next_day = await claim(people[2], "device-day")

    assert said(first) == said(elsewhere) == said(next_day) == ("OfferClaimed", None)
    assert [said(each) for each in others] == [("LimitReached", "2026-10-10T00:00:00+08:00")] * 3


async def test_a_limit_by_device_is_not_avoided_by_leaving_the_device_out(tea: House) -> None:
    """Seen to fail (a coupon for every claim) when a claim that no device made is not asked for one."""
    nobody_s = await holder(tea)

    refused = await tea.claim(nobody_s.name, "device-day")
    others = await tea.claim(nobody_s.name, "customer-month")

    assert (refused["__typename"], [each["code"] for each in refused["reasons"]]) == ("NotEligible", ["DEVICE_NEEDED"])
    assert others["__typename"] == "OfferClaimed"


async def test_a_limit_by_person_holds_for_every_name_the_bank_has_for_them_until_the_next_week(tea: House) -> None:
    names = [await holder(tea, person="one-and-the-same") for _ in range(4)]
    somebody_else = await holder(tea)

    first = await claim(names[0], "person-week")
    others = [await claim(each, "person-week", f"phone-{n}") for n, each in enumerate(names[1:])]
    free = await claim(somebody_else, "person-week")
    await tea.set_clock("2026-10-12T00:00:00")  # a Monday
    next_week = await claim(names[3], "person-week")

    assert said(first) == said(free) == said(next_week) == ("OfferClaimed", None)
    assert [said(each) for each in others] == [("LimitReached", "2026-10-12T00:00:00+08:00")] * 3


async def test_a_limit_by_customer_asks_for_no_device_and_begins_again_with_the_month(tea: House) -> None:
    one, other = await holder(tea), await holder(tea)

    answers = [
        said(await claim(who, "customer-month", device)) for who, device in ((one, "a"), (one, "b"), (other, "a"))
    ]
    await tea.set_clock("2026-11-01T00:00:00")
    again = await claim(one, "customer-month", "a")

    assert answers == [
        ("OfferClaimed", None), ("LimitReached", "2026-11-01T00:00:00+08:00"), ("OfferClaimed", None),
    ]  # fmt: skip
    assert said(again) == ("OfferClaimed", None)
