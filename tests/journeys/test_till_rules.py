"""What a campaign file, an operator and the bank say of discounts while tills are open: stacking, ways of paying,
merchants that leave, and every reason for which a coupon that was named is refused."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from infra.wiring import run_worker
from tests.builders.desk import change, desk
from tests.builders.house import House, house_settings
from tests.builders.till import bought, capture, cardholder, free, merchant, offers, quote, reverse, why

NOON = "2026-10-05T12:00:00"
ALL = ["CARD", "WECHAT_PAY", "ALIPAY", "QUICKPASS"]

STACKING = """
code: tea
title: {zh: 茶, en: Tea}
phases: {warmUp: 1d, active: 30d, closing: 1d}
audience: {products: [GOLD]}
budget: {total: 100_000 yuan, lines: {main: 100_000 yuan}}
merchantGroups: {tea: {zh: 茶馆, en: Tea houses}}
sections: [{code: tea, title: {zh: 茶, en: Tea}}]
offers:
  - code: tea-base
    section: tea
    title: {zh: 立减, en: Off}
    trigger: till
    if: [{merchantGroup: [tea]}]
    rewards: [{discount: {amount: 10 yuan}}]
    line: main
  - code: tea-also
    section: tea
    title: {zh: 另减, en: Off too}
    trigger: till
    if: [{merchantGroup: [tea]}]
    rewards: [{discount: {amount: 8 yuan}}]
    line: main
  - code: tea-top
    section: tea
    title: {zh: 叠加, en: On top}
    trigger: till
    if: [{merchantGroup: [tea]}]
    rewards: [{discount: {amount: 3 yuan}}]
    line: main
    stacking: {stackable: true, exclusionGroup: on-top}
  - code: tea-tip
    section: tea
    title: {zh: 小费, en: Tip}
    trigger: till
    if: [{merchantGroup: [tea]}, {paymentMethod: [WECHAT_PAY]}]
    rewards: [{discount: {amount: 4 yuan}}]
    line: main
    stacking: {stackable: true, exclusionGroup: on-top}
"""


async def tea_house(hall: House) -> None:
    await hall.publish(STACKING)
    await hall.set_clock(NOON)
    await merchant(hall, "m-tea", "tea")
    await cardholder(hall, "an")


# --- stacking


async def test_what_is_stackable_comes_on_top_and_of_an_exclusion_group_the_best_alone(hall: House) -> None:
    await tea_house(hall)

    by_card = await quote(hall, "an", 5_000, "m-tea")
    by_phone = await quote(hall, "an", 5_000, "m-tea", method="WECHAT_PAY")

    assert offers(by_card) == [("tea-base", 1_000), ("tea-top", 300)]
    assert (why(by_card, "tea-also"), why(by_card, "tea-tip")) == ("NOT_BEST", "OTHER_PAYMENT_METHOD")
    assert offers(by_phone) == [("tea-base", 1_000), ("tea-tip", 400)]
    assert (by_phone["discount"], by_phone["payable"]) == (1_400, 3_600)


async def test_no_more_comes_off_than_is_to_be_paid_and_a_sale_that_cost_nothing_is_returned_by_nothing(
    hall: House,
) -> None:
    await tea_house(hall)

    quoted = await quote(hall, "an", 1_200, "m-tea")
    captured = await capture(hall, quoted["quote"], "t1")
    back = await reverse(hall, captured.json()["redemption"], 0)
    again = await reverse(hall, captured.json()["redemption"], 0)

    assert (offers(quoted), quoted["payable"]) == ([("tea-base", 1_000), ("tea-top", 200)], 0)
    assert back.json()["reversed"] == 1_200
    assert (again.status_code, again.json()["code"]) == (422, "REVERSAL_TOO_LARGE")
    assert await free(hall, "budget|tea|main") == 10_000_000


async def test_stacked_discounts_are_taken_back_line_by_line_and_sum_to_what_was_taken(hall: House) -> None:
    await tea_house(hall)
    redemption = await bought(hall, "an", 5_000, "t1", "m-tea")

    parts = [(await reverse(hall, redemption, amount)).json()["reversed"] for amount in (1_000, 1_000, 1_700)]

    assert parts == [351, 351, 598]
    assert await free(hall, "budget|tea|main") == 10_000_000


# --- ways of paying


async def test_a18_a_way_of_paying_that_operators_shut_out_gets_nothing_and_is_told_which_would(hall: House) -> None:
    await hall.set_clock("2026-10-02T12:00:00")
    await merchant(hall, "m-market", "friday-market")
    await cardholder(hall, "an")
    before = await quote(hall, "an", 20_000, method="ALIPAY")
    asked = await change(hall, "smart-life", "paymentMethods", offer="friday", current=ALL, target=["CARD"])
    agreed = await desk(hall, "POST", f"/v1/changes/{asked.json()['id']}/approve", {}, operator="wang")
    assert agreed.status_code == 200, agreed.text

    honoured = await capture(hall, before["quote"], "t1")
    await cardholder(hall, "bo")
    refused = await quote(hall, "bo", 20_000, method="ALIPAY")
    allowed = await quote(hall, "bo", 20_000, method="CARD")

    assert (before["discount"], honoured.status_code) == (5_000, 200)
    assert (refused["discount"], why(refused, "friday")) == (0, "OTHER_PAYMENT_METHOD")
    assert allowed["discount"] == 5_000


# --- merchants


@pytest.fixture
async def working(hall: House, pg_dsn: str, valkey_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """The hall with a worker beside it, which applies events by itself."""
    stop = asyncio.Event()
    worker = asyncio.create_task(run_worker(house_settings(pg_dsn, valkey_url, tmp_path), stop))
    yield hall
    stop.set()
    await worker


@pytest.mark.parametrize("status", ["SUSPENDED", "TERMINATED"])
async def test_a25_within_2_seconds_of_the_banks_event_a_merchant_that_left_gives_nothing(
    working: House, status: str
) -> None:
    hall = working
    await hall.set_clock("2026-10-02T12:00:00")
    await merchant(hall, "m-market", "friday-market")
    await cardholder(hall, "an")
    left = hall.event(
        "merchant.updated", "2026-10-02T11:59:59", merchant="m-market", name="Market", groups=["friday-market"],
        status=status,
    )  # fmt: skip

    assert (await quote(hall, "nobody", 20_000))["declined"][0]["code"] == "CARD_NOT_RECOGNISED"
    await hall.send(left)
    async with asyncio.timeout(2):
        while (await quote(hall, "nobody", 20_000))["declined"][0]["code"] != "MERCHANT_NOT_TAKING_PART":
            pass
    refused = await quote(hall, "an", 20_000)

    assert (refused["discount"], why(refused, "friday")) == (0, "MERCHANT_NOT_TAKING_PART")


# --- coupons that were named


async def test_a_coupon_that_was_named_and_cannot_be_used_says_why(hall: House) -> None:
    await hall.set_clock(NOON)
    await merchant(hall, "m-fuel", "everyday")
    await merchant(hall, "m-eat", "dining")
    await cardholder(hall, "an")
    for offer in ("everyday-20-5", "everyday-100-20"):
        await hall.claim("an", offer)
    ids = {each["offer"]["code"]: each["id"] for each in await hall.wallet("an")}
    small, large = ids["everyday-20-5"], ids["everyday-100-20"]

    async def refused(coupon: str, at: str = "m-fuel", amount: int = 10_000) -> Any:
        quoted = await quote(hall, "an", amount, at, coupon=coupon)
        assert (quoted["discount"], quoted["lines"]) == (0, [])
        return quoted["declined"][0]["code"]

    elsewhere = await refused(small, "m-eat")
    sold = await quote(hall, "an", 10_000, "m-fuel", coupon=small)
    assert (await capture(hall, sold["quote"], "t1")).status_code == 200
    used = await refused(small)
    nonsense = await refused("HB1.nothing-of-ours")
    nobodys = await refused("00000000-0000-4000-8000-000000000000")
    await hall.set_clock("2026-12-01T12:00:00")
    expired = await refused(large)

    assert (elsewhere, used, expired) == ("OTHER_MERCHANT", "COUPON_USED", "COUPON_EXPIRED")
    assert (nonsense, nobodys) == ("PRESENTATION_REFUSED", "COUPON_NOT_FOUND")
