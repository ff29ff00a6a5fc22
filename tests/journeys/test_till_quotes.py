"""A4, A7, A10, A11, B3 to B5, B12: discounts at the till, through the hall's own doors, over real servers."""

import asyncio
from typing import Any
from uuid import uuid4

from tests.builders.house import House
from tests.builders.till import (
    bought,
    capture,
    cardholder,
    free,
    merchant,
    offers,
    post,
    quote,
    release,
    reverse,
    till_door,
    why,
)

FRIDAY = "2026-10-02T12:00:00"
QUOTA = "quota|smart-life|friday"


async def friday(hall: House, *customers: str, at: str = FRIDAY) -> None:
    await hall.set_clock(at)
    await merchant(hall, "m-market", "friday-market")
    for customer in customers or ("an",):
        await cardholder(hall, customer)


async def quote_unswept(hall: House, at: str, amount: int, merchant: str = "m-market", **more: Any) -> dict[str, Any]:
    """What `an`'s card is quoted at that moment by a process whose clock alone shows it: nothing was swept for it."""
    body = {"card": "card-an", "merchant": merchant, "amount": amount, "paymentMethod": "CARD", **more}
    async with till_door(hall.dsn, at) as till:
        answer = await till.post("/v1/till/quotes", json=body, headers={"Idempotency-Key": str(uuid4())})
    told: dict[str, Any] = answer.json()
    return told


async def test_a4_on_friday_50_yuan_come_off_200_and_are_held_until_the_sale_is_made(hall: House) -> None:
    await friday(hall)

    quoted = await quote(hall, "an", 20_000)
    held = await free(hall, QUOTA)
    captured = await capture(hall, quoted["quote"], "t1")

    assert (quoted["discount"], quoted["payable"], offers(quoted)) == (5_000, 15_000, [("friday", 5_000)])
    assert quoted["expiresAt"] == "2026-10-02T12:02:00+08:00"
    assert held == 49_999
    assert captured.status_code == 200
    assert {name: captured.json()[name] for name in ("discount", "payable")} == {"discount": 5_000, "payable": 15_000}
    assert await free(hall, QUOTA) == 49_999


async def test_a4_a_card_has_one_discount_a_day_and_is_told_from_when_it_has_another(hall: House) -> None:
    await friday(hall)
    await bought(hall, "an", 20_000, "t1")

    again = await quote(hall, "an", 20_000)

    assert again["discount"] == 0
    assert [each for each in again["declined"] if each["offer"] == "friday"] == [
        {
            "offer": "friday", "code": "LIMIT_REACHED", "message": "本期优惠次数已用完",
            "nextAt": "2026-10-09T10:00:00+08:00",
        }
    ]  # fmt: skip


async def test_a4_who_had_the_discount_on_the_last_friday_is_promised_no_other(hall: House) -> None:
    await friday(hall, at="2026-12-25T12:00:00")
    await bought(hall, "an", 20_000, "t1")

    again = await quote(hall, "an", 20_000)

    (declined,) = [each for each in again["declined"] if each["offer"] == "friday"]
    assert (declined["code"], declined.get("nextAt")) == ("LIMIT_REACHED", None)


async def test_a4_what_does_not_apply_says_why_and_from_when_it_would(hall: House) -> None:
    await friday(hall, at="2026-10-01T12:00:00")

    quoted = await quote(hall, "an", 20_000, language="en")
    small = await quote(hall, "an", 19_999)

    (declined,) = [each for each in quoted["declined"] if each["offer"] == "friday"]
    assert (declined["code"], declined["nextAt"]) == ("OUTSIDE_WINDOW", "2026-10-02T10:00:00+08:00")
    assert why(small, "friday") == "AMOUNT_TOO_SMALL"
    assert why(quoted, "mall") == "OTHER_MERCHANT"


async def test_a4_a_hold_made_inside_the_window_is_honoured_after_22_o_clock(hall: House) -> None:
    """Seen to fail when the capture looks at the offer's window again."""
    await friday(hall, at="2026-10-02T21:59:30")
    quoted = await quote(hall, "an", 20_000)

    await hall.set_clock("2026-10-02T22:00:10")
    late = await quote(hall, "an", 20_000)
    captured = await capture(hall, quoted["quote"], "t1")

    assert late["discount"] == 0
    assert captured.status_code == 200


async def test_a_quote_that_was_not_captured_in_120_seconds_gives_everything_back_by_itself(hall: House) -> None:
    await friday(hall)
    quoted = await quote(hall, "an", 20_000)

    await hall.set_clock("2026-10-02T12:02:00")
    late = await capture(hall, quoted["quote"], "t1")
    released = await release(hall, quoted["quote"])
    again = await quote(hall, "an", 20_000)

    assert (late.status_code, late.json()["code"]) == (410, "QUOTE_EXPIRED")
    assert released.status_code == 200
    assert again["discount"] == 5_000


async def test_a_released_quote_gives_everything_back_at_once_and_may_be_released_again(hall: House) -> None:
    await friday(hall)
    quoted = await quote(hall, "an", 20_000)

    first = await release(hall, quoted["quote"])
    second = await release(hall, quoted["quote"])
    captured = await capture(hall, quoted["quote"], "t1")

    assert (first.status_code, second.status_code, captured.status_code) == (200, 200, 409)
    assert await free(hall, QUOTA) == 50_000
    assert (await quote(hall, "an", 20_000))["discount"] == 5_000


async def test_b12_the_platinum_card_is_recognised_and_a_gold_card_of_the_same_person_is_not_one(hall: House) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await merchant(hall, "m-eat", "dining")
    await cardholder(hall, "bo", "PLATINUM")
    await cardholder(hall, "an")

    platinum = await quote(hall, "bo", 30_000, "m-eat")
    gold = await quote(hall, "an", 30_000, "m-eat")
    unknown = await quote(hall, "nobody", 30_000, "m-eat")

    assert offers(platinum) == [("weekday-dining", 10_000)]
    assert (gold["discount"], why(gold, "weekday-dining")) == (0, "OTHER_CARD")
    assert (unknown["discount"], why(unknown, "weekday-dining")) == (0, "CARD_NOT_RECOGNISED")


async def test_b3_twice_a_month_and_no_third_time(hall: House) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await merchant(hall, "m-eat", "dining")
    await cardholder(hall, "bo", "PLATINUM")

    for n in range(2):
        await bought(hall, "bo", 30_000, f"t{n}", "m-eat")
    third = await quote(hall, "bo", 30_000, "m-eat")

    assert third["discount"] == 0
    assert [each["nextAt"] for each in third["declined"] if each["offer"] == "weekday-dining"] == [
        "2026-11-02T00:00:00+08:00"  # the 1st is a Sunday
    ]


async def test_a10_ticket_and_hotel_do_not_stack_and_the_better_one_counts(hall: House) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await merchant(hall, "m-travel", "travel")
    await cardholder(hall, "an")

    hotel = await quote(hall, "an", 80_000, "m-travel")
    ticket = await quote(hall, "an", 79_999, "m-travel")

    assert offers(hotel) == [("travel-hotel", 15_000)]
    assert why(hotel, "travel-ticket") == "NOT_BEST"
    assert offers(ticket) == [("travel-ticket", 3_000)]


async def test_a11_a_claimed_coupon_is_used_by_itself_and_is_used_once(hall: House) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await merchant(hall, "m-fuel", "everyday")
    await cardholder(hall, "an")
    for offer in ("everyday-20-5", "everyday-100-20"):
        await hall.claim("an", offer)
    ids = {each["offer"]["code"]: each["id"] for each in await hall.wallet("an")}

    large = await quote(hall, "an", 10_000, "m-fuel")
    meanwhile = await quote(hall, "an", 10_000, "m-fuel")
    held = await hall.coupons("an")
    captured = await capture(hall, large["quote"], "t1")

    assert large["lines"] == [{"offer": "everyday-100-20", "discount": 2_000, "coupon": ids["everyday-100-20"]}]
    assert offers(meanwhile) == [("everyday-20-5", 500)]
    assert held == [("everyday-100-20", 2_000, "HELD"), ("everyday-20-5", 500, "HELD")]
    assert captured.status_code == 200
    assert ("everyday-100-20", 2_000, "USED") in await hall.coupons("an")


async def test_a_named_coupon_is_honoured_or_refused_with_its_reason(hall: House) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await merchant(hall, "m-fuel", "everyday")
    await cardholder(hall, "an")
    await cardholder(hall, "bo")
    for offer in ("everyday-20-5", "everyday-100-20"):
        await hall.claim("an", offer)
    ids = {each["offer"]["code"]: each["id"] for each in await hall.wallet("an")}

    small = await quote(hall, "an", 10_000, "m-fuel", coupon=ids["everyday-20-5"])
    below = await quote(hall, "an", 9_999, "m-fuel", coupon=ids["everyday-100-20"])
    another = await quote(hall, "bo", 10_000, "m-fuel", coupon=ids["everyday-100-20"])
    held = await quote(hall, "an", 10_000, "m-fuel", coupon=ids["everyday-20-5"])

    assert offers(small) == [("everyday-20-5", 500)]
    assert (below["discount"], below["declined"][0]["code"]) == (0, "AMOUNT_TOO_SMALL")
    assert (another["discount"], another["declined"][0]["code"]) == (0, "COUPON_NOT_FOUND")
    assert (held["discount"], held["declined"][0]["code"]) == (0, "COUPON_HELD")


async def test_what_would_apply_without_a_refused_coupon_says_so_to_the_cashier(hall: House) -> None:
    """Seen to fail when the refused coupon stood alone: nobody learned of 50 yuan."""
    await friday(hall)
    await merchant(hall, "m-market", "friday-market", "everyday")
    await hall.claim("an", "everyday-20-5")
    (coupon,) = await hall.wallet("an")

    unknown = await quote(hall, "an", 20_000, coupon=str(uuid4()))
    small = await quote(hall, "an", 1_000, coupon=coupon["id"])
    without = await quote(hall, "an", 20_000)

    assert (unknown["discount"], unknown["lines"], unknown["declined"][0]["code"]) == (0, [], "COUPON_NOT_FOUND")
    assert why(unknown, "friday") == why(unknown, "everyday-20-5") == "COUPON_NAMED"
    assert why(unknown, "weekday-dining") not in ("COUPON_NAMED", "COUPON_NOT_FOUND")
    assert [each["code"] for each in small["declined"] if each.get("coupon")] == ["AMOUNT_TOO_SMALL"]
    assert without["discount"] >= 5_000


async def test_a_coupon_held_by_an_expired_quote_is_the_customers_again_before_anybody_swept(hall: House) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await merchant(hall, "m-fuel", "everyday")
    await cardholder(hall, "an")
    await hall.claim("an", "everyday-20-5")
    await quote(hall, "an", 10_000, "m-fuel")

    again = await quote_unswept(hall, "2026-10-05T12:02:00", 10_000, "m-fuel")

    assert await hall.coupons("an") == [("everyday-20-5", 500, "HELD")]
    assert offers(again) == [("everyday-20-5", 500)]


async def test_a_named_coupon_held_by_an_expired_quote_is_taken_at_once(hall: House) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await merchant(hall, "m-fuel", "everyday")
    await cardholder(hall, "an")
    await hall.claim("an", "everyday-20-5")
    (coupon,) = await hall.wallet("an")
    await quote(hall, "an", 10_000, "m-fuel", coupon=coupon["id"])

    again = await quote_unswept(hall, "2026-10-05T12:02:00", 10_000, "m-fuel", coupon=coupon["id"])

    assert offers(again) == [("everyday-20-5", 500)]


async def test_an_allowance_held_by_an_expired_quote_is_the_cards_again_before_anybody_swept(hall: House) -> None:
    await friday(hall)
    first = await quote(hall, "an", 20_000)

    again = await quote_unswept(hall, "2026-10-02T12:02:00", 20_000)

    assert offers(first) == offers(again) == [("friday", 5_000)]


async def test_whoever_sets_the_clock_past_a_quotes_end_sees_at_once_that_everything_came_back(hall: House) -> None:
    """Seen to fail when the clock's door ends nothing: HELD, and one place less, until a sweep."""
    await friday(hall)
    await merchant(hall, "m-fuel", "everyday")
    await hall.claim("an", "everyday-20-5")
    await quote(hall, "an", 20_000)
    await quote(hall, "an", 10_000, "m-fuel")
    held = await hall.coupons("an")

    await hall.set_clock("2026-10-02T12:02:00")

    back = await hall.ask("an", '{ offer(code: "friday") { quota { remaining } } }')
    assert held == [("everyday-20-5", 500, "HELD")]
    assert await hall.coupons("an") == [("everyday-20-5", 500, "AVAILABLE")]
    assert back["offer"]["quota"]["remaining"] == 50_000


async def test_a13_repayment_coupons_are_for_repayments_only_and_nothing_else_is(hall: House) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await merchant(hall, "m-bank", "repayment")
    await merchant(hall, "m-back", "come-back")
    card = {"card": "card-old", "customer": "old"}
    await hall.tell(
        hall.event("card.approved", "2025-01-05T09:00:00", **card, product="GOLD", newCustomer=False,
                   channel="BRANCH", last4="1111"),
        hall.event("card.activated", "2026-10-05T11:00:00", **card),
    )  # fmt: skip
    assert len(await hall.wallet("old")) == 4

    repaid = await quote(hall, "old", 100_000, "m-bank")
    bought = await quote(hall, "old", 5_000, "m-back")

    assert offers(repaid) == [("come-back-pack", 500)]
    assert offers(bought) == [("come-back-pack", 1_000)]


async def test_a25_a_merchant_that_is_suspended_gives_nothing_any_more(hall: House) -> None:
    await friday(hall)

    await merchant(hall, "m-market", "friday-market", status="SUSPENDED", at=FRIDAY)
    quoted = await quote(hall, "an", 20_000)
    unknown = await quote(hall, "an", 20_000, "m-nowhere")

    assert (quoted["discount"], why(quoted, "friday")) == (0, "MERCHANT_NOT_TAKING_PART")
    assert unknown["discount"] == 0


async def test_the_same_key_is_answered_byte_for_byte_the_same_also_when_many_come_at_once(hall: House) -> None:
    """Seen to fail without the key's change in the unit: the others were then told of a bug of ours."""
    await friday(hall)
    body = {"card": "card-an", "merchant": "m-market", "amount": 20_000, "paymentMethod": "CARD"}
    key = str(uuid4())

    answers = await asyncio.gather(*(post(hall, "/v1/till/quotes", body, key) for _ in range(20)))
    later = await post(hall, "/v1/till/quotes", body, key)
    other = await post(hall, "/v1/till/quotes", {**body, "card": "card-other"}, key)

    assert {(answer.status_code, answer.content) for answer in [*answers, later]} == {(201, answers[0].content)}
    assert later.headers["idempotency-replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert await free(hall, QUOTA) == 49_999


async def test_refusals_too_are_the_first_answer_again(hall: House) -> None:
    await friday(hall)
    key, nowhere = str(uuid4()), str(uuid4())

    first = await capture(hall, nowhere, "t1", key)
    again = await capture(hall, nowhere, "t1", key)
    other = await capture(hall, nowhere, "t2", key)

    assert (first.status_code, first.json()["code"]) == (404, "QUOTE_NOT_FOUND")
    assert again.content == first.content
    assert other.status_code == 422


async def test_a_body_that_cannot_be_read_is_refused_and_its_key_stays_free(hall: House) -> None:
    await friday(hall)
    key = str(uuid4())
    body = {"card": "card-an", "merchant": "m-market", "amount": 20_000, "paymentMethod": "CARD"}

    bad = [
        await post(hall, "/v1/till/quotes", {**body, **wrong}, key)
        for wrong in ({"amount": 0}, {"amount": 1.5}, {"amount": True}, {"card": ""}, {"card": 'a"b'},
                      {"paymentMethod": "CASH"}, {"coupon": 7}, {"merchant": None})
    ]  # fmt: skip
    machine = await hall.machine("till", "till")
    keyless = await hall.http.post("/v1/till/quotes", json=body, headers=machine)
    good = await post(hall, "/v1/till/quotes", body, key)

    assert {answer.status_code for answer in bad} == {400}
    assert keyless.json()["code"] == "IDEMPOTENCY_KEY_MISSING"
    assert good.status_code == 201


async def test_a_whole_reversal_on_the_same_day_gives_place_and_allowance_back(hall: House) -> None:
    await friday(hall)
    redemption = await bought(hall, "an", 20_000, "t1")

    answer = await reverse(hall, redemption, 15_000)
    again = await reverse(hall, redemption, 1)

    assert answer.json() == {"reversed": 5_000, "restored": {"quota": True}}
    assert again.status_code == 422
    assert await free(hall, QUOTA) == 50_000
    assert (await quote(hall, "an", 20_000))["discount"] == 5_000


async def test_partial_reversals_take_back_in_proportion_and_the_last_one_the_rest(hall: House) -> None:
    await friday(hall)
    redemption = await bought(hall, "an", 20_000, "t1")

    parts = [(await reverse(hall, redemption, amount)).json() for amount in (5_000, 1, 4_999, 5_000)]

    assert [part["reversed"] for part in parts] == [1_666, 1, 1_666, 1_667]
    assert [part["restored"]["quota"] for part in parts] == [False, False, False, True]


async def test_a_reversal_of_nothing_is_told_so_unless_nothing_was_paid(hall: House) -> None:
    await friday(hall)
    redemption = await bought(hall, "an", 20_000, "t1")

    answer = await reverse(hall, redemption, 0)
    more = await reverse(hall, redemption, 15_001)

    assert (answer.status_code, answer.json()["code"], answer.json()["left"]) == (422, "REVERSAL_TOO_SMALL", 15_000)
    assert (more.status_code, more.json()["code"], more.json()["left"]) == (422, "REVERSAL_TOO_LARGE", 15_000)


async def test_a_coupon_comes_back_with_a_whole_reversal_while_it_is_valid(hall: House) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await merchant(hall, "m-fuel", "everyday")
    await cardholder(hall, "an")
    await hall.claim("an", "everyday-20-5")
    await hall.claim("an", "everyday-100-20")
    (small, large) = [each["id"] for each in sorted(await hall.wallet("an"), key=lambda each: int(each["value"]))]
    first = await bought(hall, "an", 10_000, "t1", "m-fuel")
    second = await bought(hall, "an", 10_000, "t2", "m-fuel")

    early = await reverse(hall, first, 8_000)
    await hall.set_clock("2026-10-13T12:00:00")
    late = await reverse(hall, second, 9_500)

    assert early.json() == {"reversed": 2_000, "restored": {"quota": False, "coupon": large, "coupons": [large]}}
    assert late.json() == {"reversed": 500, "restored": {"quota": False}}
    assert small
    assert await hall.coupons("an") == [("everyday-100-20", 2_000, "EXPIRED"), ("everyday-20-5", 500, "USED")]


async def test_two_captures_of_one_quote_make_one_redemption(hall: House) -> None:
    """Seen to fail when the capture neither ends the hold nor changes the quote's state: then the laws broke."""
    await friday(hall)
    quoted = await quote(hall, "an", 20_000)

    answers = await asyncio.gather(*(capture(hall, quoted["quote"], f"t{n}") for n in range(10)))

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    assert [row["n"] for row in await hall.rows("select count(*) n from redemption")] == [1]


async def test_a_transaction_has_one_redemption(hall: House) -> None:
    """Seen to fail without the change of `sale`, which then was our bug and a 500."""
    await friday(hall)
    await merchant(hall, "m-fuel", "everyday")
    await hall.claim("an", "everyday-20-5")
    one, other = await quote(hall, "an", 20_000), await quote(hall, "an", 2_000, "m-fuel")

    first = await capture(hall, one["quote"], "t1")
    second = await capture(hall, other["quote"], "t1")

    assert (first.status_code, second.status_code) == (200, 409)
    assert second.json()["code"] == "TRANSACTION_USED"
    assert (await release(hall, other["quote"])).status_code == 200


async def test_a_transaction_has_one_redemption_whoever_pays(hall: House) -> None:
    """Seen to fail where only the customer's own redemptions were looked at: eight times 200."""
    await friday(hall)
    customers = [f"c{n}" for n in range(8)]
    for customer in customers:
        await cardholder(hall, customer)
    quotes = [await quote(hall, customer, 20_000) for customer in customers]

    answers = await asyncio.gather(*(capture(hall, quoted["quote"], "t1") for quoted in quotes))
    late = await capture(hall, (await quote(hall, "an", 20_000))["quote"], "t1")

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert {answer.json()["code"] for answer in [*answers, late] if answer.status_code != 200} == {"TRANSACTION_USED"}
    assert [row["n"] for row in await hall.rows("select count(*) n from redemption")] == [1]


async def test_two_quotes_for_one_coupon_and_one_has_it(hall: House) -> None:
    """Seen to fail without the coupon's change AVAILABLE -> HELD and its hold."""
    await hall.set_clock("2026-10-05T12:00:00")
    await merchant(hall, "m-fuel", "everyday")
    await cardholder(hall, "an")
    await hall.claim("an", "everyday-20-5")

    quotes = await asyncio.gather(*(quote(hall, "an", 10_000, "m-fuel") for _ in range(10)))

    assert sorted(quoted["discount"] for quoted in quotes) == [0] * 9 + [500]


async def test_two_reversals_at_once_never_return_more_than_was_paid(hall: House) -> None:
    """Seen to fail without the redemption's version in the unit."""
    await friday(hall)
    redemption = await bought(hall, "an", 20_000, "t1")

    answers = await asyncio.gather(*(reverse(hall, redemption, 9_000) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [200, 422, 422, 422, 422]
