"""A14 and A16: what the clock gives, to whom, and when words may go out."""

import asyncio

from tests.builders.desk import approve_card, buy, mine, promotions
from tests.builders.house import House

TITLE = "本周专属福利"


async def holder(hall: House, customer: str, tier: int = 6) -> None:
    """A holder of a gold card; of tier 6: a premium customer."""
    await approve_card(hall, customer, product="GOLD")
    told = {"customer": customer, "name": "张三", "phone": "13800000000", "birthday": "1990-05-01", "person": customer}
    await hall.tell(hall.event("customer.updated", "2026-10-02T09:30:00", **told, assetsTier=tier))


async def titles(hall: House, customer: str) -> list[str]:
    return [each["title"] for each in (await mine(hall, customer))["messages"]]


# --- A14: the weekly push


async def test_a14_the_weekly_push_goes_to_those_who_agreed(hall: House) -> None:
    await hall.set_clock("2026-10-06T12:00:00")  # a Tuesday
    await holder(hall, "lin")
    await holder(hall, "wang")
    await promotions(hall, "lin", True)
    await hall.settle()
    assert await titles(hall, "lin") == []

    await hall.set_clock("2026-10-07T10:00:00")
    await hall.settle()
    await hall.settle()

    assert await titles(hall, "lin") == [TITLE]
    assert await titles(hall, "wang") == []
    assert (await mine(hall, "wang"))["promotions"] is False


async def test_a14_the_next_week_brings_the_next_one_and_who_withdrew_hears_no_more(hall: House) -> None:
    await hall.set_clock("2026-10-06T10:00:00")
    await holder(hall, "lin")
    await promotions(hall, "lin", True)
    await hall.set_clock("2026-10-07T10:01:00")
    await hall.settle()
    await hall.set_clock("2026-10-14T10:00:00")
    await hall.settle()
    two = await titles(hall, "lin")

    await promotions(hall, "lin", False)
    await hall.set_clock("2026-10-21T10:00:00")
    await hall.settle()

    assert two == [TITLE, TITLE]
    assert await titles(hall, "lin") == two


async def test_a14_nobody_is_written_to_at_night(hall: House) -> None:
    """The hall was down on Wednesday, and comes back at night."""
    await hall.set_clock("2026-10-07T09:00:00")
    await holder(hall, "lin")
    await holder(hall, "wang")
    await promotions(hall, "lin", True)
    await promotions(hall, "wang", True)

    await hall.set_clock("2026-10-07T22:00:00")
    await hall.settle()
    at_night = await titles(hall, "lin")
    await promotions(hall, "wang", False)
    await hall.set_clock("2026-10-08T08:59:59")
    await hall.settle()
    before_nine = await titles(hall, "lin")
    await hall.set_clock("2026-10-08T09:00:00")
    await hall.settle()

    assert at_night == before_nine == []
    assert await titles(hall, "lin") == [TITLE]
    assert await titles(hall, "wang") == []


async def test_a14_a_push_that_is_more_than_a_day_late_is_not_sent(hall: House) -> None:
    await hall.set_clock("2026-10-06T09:00:00")
    await holder(hall, "lin")
    await promotions(hall, "lin", True)

    await hall.set_clock("2026-10-08T10:00:00")
    await hall.settle()

    assert await titles(hall, "lin") == []


async def test_a14_a_clock_set_back_before_the_push_sends_it_to_those_who_have_not_had_it(hall: House) -> None:
    await hall.set_clock("2026-10-06T09:00:00")
    await holder(hall, "lin")
    await promotions(hall, "lin", True)
    await hall.set_clock("2026-10-07T10:00:00")
    await hall.settle()

    await hall.set_clock("2026-10-06T09:00:00")
    await holder(hall, "wang")
    await promotions(hall, "wang", True)
    await hall.settle()
    before = await titles(hall, "wang")
    await hall.set_clock("2026-10-07T10:00:00")
    await hall.settle()

    assert (before, await titles(hall, "wang"), await titles(hall, "lin")) == ([], [TITLE], [TITLE])


# --- A16: the closing phase, from 30 December


async def end_of(hall: House, customer: str) -> list[str]:
    return sorted(each["expiresAt"] for each in await hall.wallet(customer) if each["status"] == "AVAILABLE")


async def test_a16_coupons_of_premium_customers_live_30_days_longer_from_the_closing_phase_on(hall: House) -> None:
    await hall.set_clock("2026-12-28T12:00:00")
    await holder(hall, "rich")
    await holder(hall, "other", tier=1)
    await hall.claim("rich", "everyday-20-5")
    await hall.claim("other", "everyday-20-5")
    (before,) = await end_of(hall, "rich")

    await hall.set_clock("2026-12-30T00:00:00")
    await hall.settle()
    await hall.settle()

    assert (before, await end_of(hall, "rich")) == ("2027-01-05T00:00:00+08:00", ["2027-02-04T00:00:00+08:00"])
    assert await end_of(hall, "other") == [before]


async def test_a16_who_comes_to_qualify_in_the_closing_phase_is_given_it_then_and_once(hall: House) -> None:
    await hall.set_clock("2026-12-29T12:00:00")
    await holder(hall, "late", tier=1)
    await hall.claim("late", "everyday-20-5")
    (before,) = await end_of(hall, "late")
    await hall.set_clock("2026-12-30T12:00:00")
    await hall.settle()
    assert await end_of(hall, "late") == [before]

    await hall.tell(
        hall.event(
            "customer.updated", "2026-12-30T11:00:00", customer="late", name="张三", phone="13800000000",
            birthday="1990-05-01", person="late", assetsTier=6,
        )
    )  # fmt: skip
    await hall.tell(buy(hall, "late", "2026-12-30T11:30:00", 100, "t1"))
    await asyncio.gather(*(hall.settle() for _ in range(5)))

    assert (before, await end_of(hall, "late")) == ("2027-01-06T00:00:00+08:00", ["2027-02-05T00:00:00+08:00"])
    assert len(await hall.rows("select 1 from offer_grant where offer = 'extension'")) == 1


async def test_a16_a_clock_that_was_in_the_closing_phase_and_back_comes_to_it_again(hall: House) -> None:
    await hall.set_clock("2026-12-28T12:00:00")
    await holder(hall, "early")
    await hall.claim("early", "everyday-20-5")
    await hall.set_clock("2026-12-30T12:00:00")
    await hall.settle()
    extended = await end_of(hall, "early")

    await hall.set_clock("2026-12-28T12:00:00")
    await holder(hall, "late")
    await hall.claim("late", "everyday-20-5")
    (before,) = await end_of(hall, "late")
    await hall.set_clock("2026-12-30T12:00:00")
    await hall.settle()

    assert (before, await end_of(hall, "late")) == ("2027-01-05T00:00:00+08:00", ["2027-02-04T00:00:00+08:00"])
    assert await end_of(hall, "early") == extended


async def test_a16_a_coupon_alive_when_the_phase_began_is_extended_however_late_the_hall_is(hall: House) -> None:
    await hall.set_clock("2026-12-28T12:00:00")
    await holder(hall, "rich")
    await hall.claim("rich", "everyday-20-5")
    (before,) = await end_of(hall, "rich")

    await hall.set_clock("2027-01-05T12:00:00")
    await hall.settle()

    assert (before, await end_of(hall, "rich")) == ("2027-01-05T00:00:00+08:00", ["2027-02-04T00:00:00+08:00"])


async def test_a16_two_more_purchases_in_the_closing_phase_bring_50_yuan_to_who_missed_the_first_gift(
    hall: House,
) -> None:
    await hall.set_clock("2026-12-31T12:00:00")
    await approve_card(hall, "he", product="GOLD", newCustomer=True)
    await hall.tell(buy(hall, "he", "2026-10-10T10:00:00", 5_000, "t0"))

    await hall.tell(buy(hall, "he", "2026-12-30T10:00:00", 1_000, "t1"))
    missions = await hall.ask("he", "{ viewer { missions { offer { code } done needed } } }")
    await hall.tell(buy(hall, "he", "2026-12-31T10:00:00", 1_000, "t2"))

    on_the_way = {each["offer"]["code"]: (each["done"], each["needed"]) for each in missions["viewer"]["missions"]}
    assert on_the_way["two-more"] == (1, 2)
    assert await hall.coupons("he") == [("two-more", 5_000, "AVAILABLE")]
