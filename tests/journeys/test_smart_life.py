"""Every story and claim rule of the plan `smart-life` (智享生活·卡惠全城), from event or tap to the wallet.

Each test is named after the rule's code. Active: 2026-10-01 to 2026-12-29; warm-up from 2026-09-21; closing phase to
2027-01-05. Figures are the campaign file's. Rules of the till, points, draws themselves and the weekly push stand
elsewhere.
"""

from random import Random
from uuid import uuid4

import pytest

from tests.builders.bank import Person, merchant
from tests.builders.house import House, shanghai


@pytest.fixture
async def malls(town: House) -> None:
    await town.tell(merchant(town, "m-mall", "mall"), merchant(town, "m-other", "everyday"))


# A1: binding ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["WECHAT", "ALIPAY"])
async def test_a1_a_new_customer_who_binds_gets_ten_yuan_of_phone_credit_good_for_30_days(
    town: House, provider: str
) -> None:
    lin = Person(town)

    await town.tell(lin.approved(), lin.bound("2026-10-03T11:00:00", provider))

    (coupon,) = await town.wallet(lin.name)
    assert (coupon["kind"], coupon["value"], coupon["status"]) == ("TOP_UP", 1_000, "AVAILABLE")
    assert coupon["expiresAt"] == "2026-11-05T00:00:00+08:00"  # the 30th day after today is its last
    assert coupon["offer"]["code"] == "bind-gift"


async def test_a1_the_30th_day_after_approval_counts_to_its_end(town: House) -> None:
    in_time, late = Person(town), Person(town)
    await town.set_clock("2026-11-02T12:00:00")

    await town.tell(
        in_time.approved("2026-10-02T09:00:00"), in_time.bound("2026-11-01T23:59:59"),
        late.approved("2026-10-02T09:00:00"), late.bound("2026-11-02T00:00:00"),
    )  # fmt: skip

    assert await in_time.coupons() == [(1_000, "AVAILABLE")]
    assert await late.coupons() == []
    assert await late.against("bind-gift") == ["TOO_LATE"]


async def test_a1_is_for_new_customers_of_this_campaign_who_applied_in_the_mobile_bank(town: House) -> None:
    existing, branch, before, first, platinum = (Person(town) for _ in range(5))
    await town.tell(
        existing.approved(newCustomer=False), branch.approved(channel="BRANCH"),
        before.approved("2026-09-20T23:59:59"), first.approved("2026-09-21T00:00:00"),
        platinum.approved(product="PLATINUM"),
    )  # fmt: skip

    await town.tell(*(each.bound("2026-10-03T11:00:00") for each in (existing, branch, before, first, platinum)))

    assert await existing.coupons() == await branch.coupons() == await before.coupons() == []
    assert await first.coupons() == [(1_000, "AVAILABLE")]
    assert await platinum.coupons() == []
    assert [await each.against("bind-gift") for each in (existing, branch, before)] == [
        ["NEW_CUSTOMERS_ONLY"], ["OTHER_APPLICATION_CHANNEL"], ["NEW_CUSTOMERS_ONLY"],
    ]  # fmt: skip


async def test_a1_nothing_is_earned_in_the_warm_up_or_after_the_active_phase(town: House) -> None:
    early, first, last, closing = (Person(town) for _ in range(4))
    await town.set_clock("2026-12-30T12:00:00")

    await town.tell(
        early.approved("2026-09-28T09:00:00"), early.bound("2026-09-30T23:59:59"),
        first.approved("2026-09-28T09:00:00"), first.bound("2026-10-01T00:00:00"),
        last.approved("2026-12-28T09:00:00"), last.bound("2026-12-29T23:59:59"),
        closing.approved("2026-12-28T09:00:00"), closing.bound("2026-12-30T00:00:00"),
    )  # fmt: skip

    assert [await each.coupons() for each in (early, first, last, closing)] == [
        [], [(1_000, "AVAILABLE")], [(1_000, "AVAILABLE")], [],
    ]  # fmt: skip


async def test_a1_is_given_once_however_many_wallets_are_bound_and_stays_when_one_is_unbound(town: House) -> None:
    lin = Person(town)
    bound = lin.bound("2026-10-03T11:00:00")

    await town.tell(lin.approved(), bound, lin.bound("2026-10-03T12:00:00", "ALIPAY"))
    await town.tell(lin.unbound("2026-10-04T11:00:00"), lin.bound("2026-10-04T12:00:00"), bound)

    assert await lin.coupons() == [(1_000, "AVAILABLE")]
    assert await lin.against("bind-gift") == ["ALREADY_RECEIVED"]


async def test_a1_a_binding_told_before_its_card_waits_and_one_told_long_after_still_counts(town: House) -> None:
    early, late = Person(town), Person(town)
    await town.tell(early.bound("2026-10-03T11:00:00"))
    before = await early.coupons()

    await town.tell(early.approved())
    await town.set_clock("2027-01-03T12:00:00")
    await town.tell(late.approved(), late.bound("2026-10-20T11:00:00"))

    assert before == []
    assert await early.coupons() == [(1_000, "EXPIRED")]
    assert await late.coupons() == [(1_000, "AVAILABLE")]


async def test_a1_an_approval_corrected_to_an_earlier_day_takes_the_coupon_back(town: House) -> None:
    lin = Person(town)
    await town.tell(lin.approved("2026-10-02T09:00:00"), lin.bound("2026-10-03T11:00:00"))

    await town.tell(lin.approved("2026-08-01T09:00:00"))

    assert await lin.coupons() == [(1_000, "VOIDED")]
    assert await lin.grants("bind-gift") == ["REVOKED"]
    assert await lin.cases() == []


# A2: first spend --------------------------------------------------------------------------------------------------


async def test_a2_lets_the_customer_choose_one_of_two_until_the_end_of_the_30th_day(town: House) -> None:
    wang = Person(town)

    await town.tell(wang.approved(), wang.bought(30_000, "2026-10-05T10:00:00", channel="ONLINE"))

    (choice,) = await wang.choices()
    assert [(option["code"], option["available"]) for option in choice["options"]] == [
        ("mall-100", True), ("thermos", True),
    ]  # fmt: skip
    assert (choice["offer"]["code"], choice["chosen"]) == ("first-spend", None)
    assert choice["chooseBy"] == "2026-11-05T00:00:00+08:00"


async def test_a2_the_chosen_coupon_is_in_the_wallet_and_the_chosen_cup_waits_for_its_address(town: House) -> None:
    coupon, cup = Person(town), Person(town)
    await town.tell(
        coupon.approved(), coupon.bought(30_000, "2026-10-05T10:00:00"),
        cup.approved(), cup.bought(30_000, "2026-10-05T10:00:00"),
    )  # fmt: skip

    (choice,) = await coupon.choices()
    await coupon.choose(choice, "mall-100")
    (choice,) = await cup.choices()
    await cup.choose(choice, "thermos")

    assert await coupon.coupons() == [(10_000, "AVAILABLE")]
    assert await coupon.deliveries() == []
    assert await cup.coupons() == []
    assert await cup.deliveries() == [("品牌保温杯", "NEEDS_ADDRESS")]


async def test_a2_a_first_purchase_that_is_too_small_spends_the_chance(town: House) -> None:
    small = Person(town)

    await town.tell(
        small.approved(), small.bought(29_999, "2026-10-04T10:00:00"), small.bought(90_000, "2026-10-05T10:00:00")
    )

    assert await small.choices() == []
    assert await small.against("first-spend") == ["FIRST_PURCHASE_MADE"]


async def test_a2_of_two_purchases_at_the_same_moment_the_first_is_the_one_whose_transaction_sorts_first(
    town: House,
) -> None:
    good, bad = Person(town), Person(town)
    at = "2026-10-05T10:00:00"

    await town.tell(
        good.approved(), bad.approved(),
        good.bought(100, at, "tie-1-b"), good.bought(30_000, at, "tie-1-a"),
        bad.bought(30_000, at, "tie-2-b"), bad.bought(100, at, "tie-2-a"),
    )  # fmt: skip

    assert len(await good.choices()) == 1
    assert await bad.choices() == []


async def test_a2_is_for_new_customers_and_the_active_phase(town: House) -> None:
    existing, platinum, early, closing = (Person(town) for _ in range(4))
    await town.set_clock("2026-12-31T12:00:00")

    await town.tell(
        existing.approved(newCustomer=False), existing.bought(30_000, "2026-10-05T10:00:00"),
        platinum.approved(product="PLATINUM"), platinum.bought(30_000, "2026-10-05T10:00:00"),
        early.approved("2026-09-25T09:00:00"), early.bought(30_000, "2026-09-30T23:59:59"),
        early.bought(30_000, "2026-10-01T00:00:00"),
        closing.approved("2026-12-29T09:00:00"), closing.bought(30_000, "2026-12-30T00:00:00"),
    )  # fmt: skip

    assert [await each.choices() for each in (existing, platinum, early, closing)] == [[], [], [], []]


async def test_a2_purchases_before_the_approval_are_not_the_first_after_it(town: House) -> None:
    wang = Person(town)

    await town.tell(
        wang.bought(100, "2026-10-02T08:59:59"), wang.approved("2026-10-02T09:00:00"),
        wang.bought(30_000, "2026-10-02T09:00:00"),
    )  # fmt: skip

    assert len(await wang.choices()) == 1


async def test_a2_an_earlier_purchase_told_later_takes_or_gives_the_choice(town: House) -> None:
    loses, gains = Person(town), Person(town)
    await town.tell(
        loses.approved(), loses.bought(30_000, "2026-10-05T10:00:00"),
        gains.approved(), gains.bought(100, "2026-10-05T10:00:00"),
    )  # fmt: skip
    before = (len(await loses.choices()), len(await gains.choices()))

    await town.tell(loses.bought(100, "2026-10-04T10:00:00"), gains.bought(30_000, "2026-10-04T10:00:00"))

    assert before == (1, 0)
    assert await loses.grants("first-spend") == ["REVOKED"]
    assert await loses.choices() == []
    assert await gains.grants("first-spend") == ["PENDING"]


async def test_a2_a_refund_that_leaves_300_yuan_changes_nothing_one_fen_more_takes_the_choice_back(
    town: House,
) -> None:
    wang = Person(town)
    bought = wang.bought(40_000, "2026-10-05T10:00:00")
    await town.tell(wang.approved(), bought)
    left = (await wang.offer("first-spend"))["quota"]["remaining"]

    await town.tell(wang.refunded(bought, 10_000, "2026-10-05T11:00:00"))
    kept = len(await wang.choices())
    await town.tell(wang.refunded(bought, 1, "2026-10-05T11:30:00"))

    assert kept == 1
    assert await wang.choices() == []
    assert await wang.grants("first-spend") == ["REVOKED"]
    assert (await wang.offer("first-spend"))["quota"]["remaining"] == left + 1
    assert await wang.cases() == []


async def test_a2_after_a_refund_the_next_purchase_is_not_the_first(town: House) -> None:
    wang = Person(town)
    bought = wang.bought(40_000, "2026-10-05T10:00:00")
    await town.tell(wang.approved(), bought, wang.refunded(bought, 40_000, "2026-10-05T10:30:00"))

    await town.tell(wang.bought(50_000, "2026-10-05T11:00:00"))

    assert await wang.choices() == []


async def test_a2_a_refund_voids_what_was_chosen_while_nothing_of_it_is_used(town: House) -> None:
    coupon, cup = Person(town), Person(town)
    bought = {each.name: each.bought(30_000, "2026-10-05T10:00:00") for each in (coupon, cup)}
    await town.tell(coupon.approved(), cup.approved(), *bought.values())
    for each, option in ((coupon, "mall-100"), (cup, "thermos")):
        (choice,) = await each.choices()
        await each.choose(choice, option)

    await town.tell(*(each.refunded(bought[each.name], 1, "2026-10-05T11:00:00") for each in (coupon, cup)))

    assert await coupon.coupons() == [(10_000, "VOIDED")]
    assert await cup.deliveries() == [("品牌保温杯", "FAILED")]
    assert await cup.give_address("品牌保温杯") == {"__typename": "TooLate", "code": "TOO_LATE"}
    assert await coupon.cases() == await cup.cases() == []


async def test_a2_a_refund_after_the_cup_was_packed_takes_nothing_and_opens_one_case(town: House) -> None:
    wang = Person(town)
    bought = wang.bought(30_000, "2026-10-05T10:00:00")
    await town.tell(wang.approved(), bought)
    (choice,) = await wang.choices()
    await wang.choose(choice, "thermos")
    await wang.give_address("品牌保温杯")
    await wang.providers_asked()
    left = (await wang.offer("first-spend"))["quota"]["remaining"]

    await town.tell(wang.refunded(bought, 10_000, "2026-10-05T11:00:00"))
    await town.tell(wang.refunded(bought, 10_000, "2026-10-05T11:30:00"))

    assert await wang.cases() == [("USED_BUT_NOT_EARNED", "first-spend")]
    assert await wang.grants("first-spend") == ["KEPT"]
    assert [status for _, status in await wang.deliveries()] != ["FAILED"]
    assert (await wang.offer("first-spend"))["quota"]["remaining"] == left


async def test_a2_whoever_chooses_again_is_told_what_closed_the_choice_and_when(town: House) -> None:
    chose, returned = Person(town), Person(town)
    bought = {each.name: each.bought(30_000, "2026-10-05T10:00:00") for each in (chose, returned)}
    await town.tell(chose.approved(), returned.approved(), *bought.values())
    (choice,), (other,) = await chose.choices(), await returned.choices()
    await town.set_clock("2026-10-06T12:00:00")
    await chose.choose(choice, "mall-100")
    await town.tell(returned.refunded(bought[returned.name], 1, "2026-10-06T11:00:00"))

    await town.set_clock("2026-12-01T12:00:00")  # the time to choose would be over, too
    again, gone = await chose.choose(choice, "thermos"), await returned.choose(other, "mall-100")

    assert (again["__typename"], again["code"]) == ("TooLate", "ALREADY_CHOSEN")
    assert (again["message"], again["deadline"]) == (
        "您已于2026-10-06 12:00选定，不能更改。", "2026-10-06T12:00:00+08:00"
    )  # fmt: skip
    assert (gone["__typename"], gone["code"]) == ("TooLate", "NO_LONGER_EARNED")
    assert gone["deadline"] == "2026-10-06T12:00:00+08:00"


async def test_a2_what_is_not_chosen_in_time_lapses_and_its_place_is_somebody_elses(town: House) -> None:
    wang, last = Person(town), Person(town)
    await town.tell(
        wang.approved(), wang.bought(30_000, "2026-10-05T10:00:00"),
        last.approved(), last.bought(30_000, "2026-10-05T10:00:00"),
    )  # fmt: skip
    (choice,), (other,) = await wang.choices(), await last.choices()
    left = (await wang.offer("first-spend"))["quota"]["remaining"]

    await town.set_clock("2026-11-04T23:59:59")
    in_time = await last.choose(other, "mall-100")
    await town.set_clock("2026-11-05T00:00:00")
    late = await wang.choose(choice, "mall-100")
    await town.settle()

    assert in_time["__typename"] == "RewardChosen"
    assert late == {"__typename": "TooLate", "code": "TOO_LATE", "message": late["message"],
                    "deadline": "2026-11-05T00:00:00+08:00"}  # fmt: skip
    assert await wang.grants("first-spend") == ["LAPSED"]
    assert await wang.coupons() == []
    for each, code in ((wang, "NOT_CHOSEN_IN_TIME"), (last, "ALREADY_RECEIVED")):
        told = (await each.offer("first-spend"))["eligibility"]
        assert (told["eligible"], [reason["code"] for reason in told["reasons"]]) == (False, [code])
    assert (await wang.offer("first-spend"))["quota"]["remaining"] > left  # other tests' choices lapse with it


# A3: the newcomer's instalment fee --------------------------------------------------------------------------------


async def test_a3_waives_a_fifth_of_the_fee_of_a_bill_instalment_of_3000_yuan(town: House) -> None:
    chen, small = Person(town), Person(town)

    await town.tell(
        chen.approved(), chen.instalment(300_000, "2026-10-05T10:00:00", periods=3, fee=5_404),
        small.approved(), small.instalment(299_999, "2026-10-05T10:00:00", periods=3),
    )  # fmt: skip

    assert await chen.waivers() == [1_080]  # a fifth, rounded down to the fen
    assert await small.waivers() == []


async def test_a3_looks_at_the_first_bill_instalment_of_the_active_phase_only(town: House) -> None:
    small_first, other_kind, warm_up, cancelled = (Person(town) for _ in range(4))
    gone = cancelled.instalment(300_000, "2026-10-04T10:00:00", fee=1_000)
    await town.tell(
        small_first.approved(), small_first.instalment(100_000, "2026-10-04T10:00:00"),
        other_kind.approved(), other_kind.instalment(300_000, "2026-10-04T10:00:00", kind="TRANSACTION", periods=3),
        warm_up.approved("2026-09-22T09:00:00"), warm_up.instalment(300_000, "2026-09-30T23:59:59"),
        cancelled.approved(), gone, cancelled.cancelled(gone, "2026-10-04T11:00:00"),
    )  # fmt: skip
    before = [await each.waivers() for each in (small_first, other_kind, warm_up, cancelled)]

    await town.tell(
        *(
            each.instalment(300_000, "2026-10-05T10:00:00", fee=1_000, periods=3)
            for each in (small_first, other_kind, warm_up, cancelled)
        )
    )

    assert before == [[], [], [], []]
    assert [await each.waivers() for each in (small_first, other_kind, warm_up, cancelled)] == [[], [200], [200], []]
    assert await small_first.against("instalment-fee") == ["NOT_THE_FIRST_INSTALMENT"]


async def test_a3_is_for_new_customers_and_given_once(town: House) -> None:
    existing, chen = Person(town), Person(town)

    await town.tell(
        existing.approved(newCustomer=False), existing.instalment(300_000, "2026-10-05T10:00:00", periods=3),
        chen.approved(), chen.instalment(300_000, "2026-10-04T10:00:00", periods=3, fee=1_000),
        chen.instalment(300_000, "2026-10-05T10:00:00", periods=3, fee=1_000),
    )  # fmt: skip

    assert await existing.waivers() == []
    assert await chen.waivers() == [200]


async def test_a3_a_waiver_the_bank_was_told_of_is_not_unsaid_by_a_cancellation_but_a_case(town: House) -> None:
    chen = Person(town)
    instalment = chen.instalment(300_000, "2026-10-04T10:00:00", periods=3, fee=1_000)
    await town.tell(chen.approved(), instalment)
    await chen.providers_asked()

    await town.tell(chen.cancelled(instalment, "2026-10-05T10:00:00"))

    assert await chen.waivers() == [200]
    assert await chen.grants("instalment-fee") == ["KEPT"]
    assert await chen.cases() == [("USED_BUT_NOT_EARNED", "instalment-fee")]


async def test_a3_a_waiver_the_bank_was_not_told_of_yet_goes_with_the_instalment(town: House) -> None:
    chen = Person(town)
    instalment = chen.instalment(300_000, "2026-10-04T10:00:00", periods=3, fee=1_000)
    await town.tell(chen.approved(), instalment)

    await town.tell(chen.cancelled(instalment, "2026-10-05T10:00:00"))

    assert await chen.waivers() == []
    assert await chen.grants("instalment-fee") == ["REVOKED"]
    assert await chen.cases() == []


# A5: cashback -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("principal", "periods", "back"),
    [
        (500_000, 12, [5_000]), (512_399, 24, [5_123]), (1_000_000, 12, [10_000]), (9_000_000, 12, [10_000]),
        (499_999, 12, []), (500_000, 11, []),
    ],
)  # fmt: skip
async def test_a5_one_percent_of_an_instalment_comes_back_up_to_100_yuan(
    town: House, principal: int, periods: int, back: list[int]
) -> None:
    he = Person(town)

    await town.tell(
        he.approved(newCustomer=False),
        he.instalment(principal, "2026-10-05T10:00:00", periods=periods, kind="TRANSACTION"),
    )

    found = await town.wallet(he.name)
    assert [(each["value"], each["kind"], each["expiresAt"]) for each in found] == [
        (value, "REPAYMENT", "2027-01-04T00:00:00+08:00") for value in back
    ]


async def test_a5_every_instalment_of_the_active_phase_brings_its_own(town: House) -> None:
    he = Person(town)
    await town.set_clock("2026-12-31T12:00:00")

    await town.tell(
        he.approved("2026-01-01T09:00:00", newCustomer=False),
        he.instalment(500_000, "2026-09-30T23:59:59"), he.instalment(600_000, "2026-10-01T00:00:00"),
        he.instalment(700_000, "2026-12-29T23:59:59"), he.instalment(800_000, "2026-12-30T00:00:00"),
    )  # fmt: skip

    assert await he.coupons("instalment-cashback") == [(6_000, "AVAILABLE"), (7_000, "AVAILABLE")]


async def test_a5_a_cancelled_instalment_takes_its_unused_coupon_back_and_returns_the_place(town: House) -> None:
    he = Person(town)
    gone, stays = he.instalment(500_000, "2026-10-04T10:00:00"), he.instalment(600_000, "2026-10-05T10:00:00")
    await town.tell(he.approved(newCustomer=False), gone, stays)
    left = (await he.offer("instalment-cashback"))["quota"]["remaining"]

    await town.tell(he.cancelled(gone, "2026-10-05T11:00:00"))

    assert await he.coupons() == [(5_000, "VOIDED"), (6_000, "AVAILABLE")]
    assert (await he.offer("instalment-cashback"))["quota"]["remaining"] == left + 1
    assert await he.cases() == []


async def test_a5_a_cancellation_told_before_its_instalment_waits_for_it(town: House) -> None:
    he = Person(town)
    gone = he.instalment(500_000, "2026-10-04T10:00:00")
    await town.tell(he.approved(newCustomer=False), he.cancelled(gone, "2026-10-05T11:00:00"))

    await town.tell(gone)

    assert await he.grants("instalment-cashback") == []


# A8: the free order's chance --------------------------------------------------------------------------------------


async def test_a8_every_payment_of_500_yuan_at_a_mall_brings_a_chance_to_win_that_order_back(
    town: House, malls: None
) -> None:
    qian, small, elsewhere = (Person(town) for _ in range(3))
    at = "2026-10-05T10:00:00"

    await town.tell(
        qian.approved(newCustomer=False), qian.bought(50_000, at, merchant="m-mall"),
        qian.bought(68_800, "2026-10-05T11:00:00", merchant="m-mall"),
        small.approved(newCustomer=False), small.bought(49_999, at, merchant="m-mall"),
        elsewhere.approved(newCustomer=False), elsewhere.bought(50_000, at, merchant="m-other"),
    )  # fmt: skip

    expires_at = shanghai("2026-11-05T00:00:00")
    assert sorted(await qian.chances("free-order"), key=lambda chance: chance["basis"]) == [
        {"status": "OPEN", "basis": 50_000, "expires_at": expires_at, "left": 1},
        {"status": "OPEN", "basis": 68_800, "expires_at": expires_at, "left": 1},
    ]
    assert await small.chances("free-order") == await elsewhere.chances("free-order") == []


async def test_a8_a_refund_takes_the_chance_back_once_less_than_500_yuan_is_left(town: House, malls: None) -> None:
    qian = Person(town)
    bought = qian.bought(60_000, "2026-10-05T10:00:00", merchant="m-mall")
    await town.tell(qian.approved(newCustomer=False), bought)

    await town.tell(qian.refunded(bought, 10_000, "2026-10-05T11:00:00"))
    kept = {(chance["status"], chance["basis"]) for chance in await qian.chances("free-order")}
    await town.tell(qian.refunded(bought, 1, "2026-10-05T11:30:00"))

    # What can be won back is what is left of the payment: the chance is given anew.
    assert kept == {("VOIDED", 60_000), ("OPEN", 50_000)}
    assert {(chance["status"], chance["left"]) for chance in await qian.chances("free-order")} == {("VOIDED", 0)}
    assert await qian.cases() == []


async def test_a8_a_mall_that_the_bank_tells_of_later_counts_for_payments_made_there_before(town: House) -> None:
    qian = Person(town)
    await town.tell(qian.approved(newCustomer=False), qian.bought(50_000, "2026-10-04T10:00:00", merchant="m-new"))
    before = await qian.chances("free-order")

    await town.tell(merchant(town, "m-new", "mall", at="2026-10-01T00:00:00"))

    assert before == []
    assert [chance["status"] for chance in await qian.chances("free-order")] == ["OPEN"]


# A9, A11: what is claimed -----------------------------------------------------------------------------------------


async def test_a9_the_mall_pack_is_two_coupons_once_a_calendar_month(town: House) -> None:
    sun = Person(town)
    await town.tell(sun.approved(newCustomer=False))
    await town.set_clock("2026-10-31T23:59:59")

    first = await sun.claim("mall-pack")
    again = await sun.claim("mall-pack", language="en")
    await town.set_clock("2026-11-01T00:00:00")
    next_month = await sun.claim("mall-pack")

    assert sorted((coupon["kind"], coupon["value"], coupon["expiresAt"]) for coupon in first["coupons"]) == [
        ("CASH", 1_000, "2026-12-01T00:00:00+08:00"), ("CASH", 2_000, "2026-12-01T00:00:00+08:00"),
    ]  # fmt: skip
    assert (again["__typename"], again["limit"], again["nextAt"]) == ("LimitReached", 1, "2026-11-01T00:00:00+08:00")
    assert next_month["__typename"] == "OfferClaimed"
    assert len(await sun.coupons("mall-pack")) == 4


async def test_a9_is_open_in_the_active_phase_only_and_to_its_cards_only(town: House) -> None:
    sun, platinum, nobody = (Person(town) for _ in range(3))
    await town.tell(sun.approved("2026-09-25T09:00:00"), platinum.approved(product="PLATINUM"))
    await town.set_clock("2026-09-30T23:59:59")
    early = await sun.claim("mall-pack")
    await town.set_clock("2026-12-30T00:00:00")
    late = await sun.claim("mall-pack")
    await town.set_clock("2026-10-01T00:00:00")
    others = [await each.claim("mall-pack") for each in (platinum, nobody)]

    first = await sun.claim("mall-pack")

    assert (early["__typename"], early["nextAt"]) == ("NotOpen", "2026-10-01T00:00:00+08:00")
    assert (late["__typename"], late["nextAt"]) == ("NotOpen", None)
    assert [(each["__typename"], each["reasons"][0]["code"]) for each in others] == [("NotEligible", "CARD_NEEDED")] * 2
    assert first["__typename"] == "OfferClaimed"


async def test_a1_a6_a_card_that_is_closed_brings_nothing_more_and_what_came_before_stays(town: House) -> None:
    song = Person(town)
    before, after = song.bought(10_000, "2026-10-03T10:00:00"), song.bought(50_000, "2026-10-04T11:00:00")
    await town.tell(song.approved(), song.bound("2026-10-03T09:00:00", "ALIPAY"))
    await town.tell(after)

    await town.tell(town.event("card.closed", "2026-10-04T10:00:00", card=song.card, customer=song.name))
    await town.tell(before, song.bound("2026-10-05T10:00:00"), song.bought(30_000, "2026-10-05T10:00:00"))

    viewer = (await town.ask(song.name, "{ viewer { bindings { provider } points { balance } } }"))["viewer"]
    assert viewer == {"bindings": [], "points": {"balance": 200}}
    assert await song.coupons("bind-gift") == [(1_000, "AVAILABLE")]


async def test_a9_a_closed_card_claims_nothing(town: House) -> None:
    sun = Person(town)
    await town.tell(sun.approved(), town.event("card.closed", "2026-10-04T10:00:00", card=sun.card, customer=sun.name))

    refused = await sun.claim("mall-pack")

    assert (refused["__typename"], refused["reasons"][0]["code"]) == ("NotEligible", "CARD_NEEDED")


@pytest.mark.parametrize(
    ("offer", "value", "spend"), [("everyday-20-5", 500, 2_000), ("everyday-100-20", 2_000, 10_000)]
)
async def test_a11_an_everyday_coupon_can_be_claimed_each_shanghai_day(
    town: House, offer: str, value: int, spend: int
) -> None:
    sun = Person(town)
    await town.tell(sun.approved(newCustomer=False))
    await town.set_clock("2026-10-05T23:59:59")
    claimed = await sun.claim(offer)
    refused = await sun.claim(offer)
    await town.set_clock("2026-10-06T00:00:00")

    again = await sun.claim(offer)

    (coupon,) = claimed["coupons"]
    assert (coupon["kind"], coupon["value"], coupon["minSpend"]) == ("THRESHOLD", value, spend)
    assert coupon["expiresAt"] == "2026-10-13T00:00:00+08:00"
    assert (refused["__typename"], refused["nextAt"]) == ("LimitReached", "2026-10-06T00:00:00+08:00")
    assert again["__typename"] == "OfferClaimed"


async def test_a11_who_claimed_on_the_last_day_is_promised_no_other(town: House) -> None:
    sun = Person(town)
    await town.tell(sun.approved(newCustomer=False))
    await town.set_clock("2026-12-29T12:00:00")
    await sun.claim("everyday-20-5")

    refused = await sun.claim("everyday-20-5")

    assert (refused["__typename"], refused["nextAt"]) == ("LimitReached", None)


async def test_a11_what_comes_by_itself_cannot_be_claimed_and_what_is_not_there_is_not_found(town: House) -> None:
    sun = Person(town)
    await town.tell(sun.approved())

    by_itself, missing = await sun.claim("bind-gift"), await sun.claim("no-such-offer")

    assert (by_itself["__typename"], [each["code"] for each in by_itself["reasons"]]) == (
        "NotEligible", ["NOT_CLAIMABLE"],
    )  # fmt: skip
    assert missing["__typename"] == "NotFound"


async def test_a11_a_claim_sent_again_after_midnight_is_answered_as_it_was(town: House) -> None:
    sun, request = Person(town), str(uuid4())
    await town.tell(sun.approved())
    first = await town.claim(sun.name, "everyday-20-5", request)
    await town.set_clock("2026-10-06T12:00:00")

    again = await town.claim(sun.name, "everyday-20-5", request)

    assert again == first
    assert len(await sun.coupons()) == 1


# A12, A13: dormant customers --------------------------------------------------------------------------------------


async def test_a13_a_dormant_customer_who_activates_gets_the_pack_for_15_days_once(town: House) -> None:
    zhao = Person(town)
    await town.tell(zhao.dormant())
    before = await zhao.against("come-back-pack")

    await town.tell(zhao.activated("2026-10-05T10:00:00"))
    await town.tell(zhao.activated("2026-10-05T11:00:00"))

    assert before == ["NO_ACTIVATION"]
    assert sorted((each["kind"], each["value"], each["minSpend"]) for each in await town.wallet(zhao.name)) == [
        ("REPAYMENT", 500, 0), ("REPAYMENT", 500, 0), ("REPAYMENT", 500, 0), ("THRESHOLD", 1_000, 5_000),
    ]  # fmt: skip
    assert {each["expiresAt"] for each in await town.wallet(zhao.name)} == {"2026-10-21T00:00:00+08:00"}


@pytest.mark.parametrize(
    ("approved_at", "bought_at", "activated_at", "dormant"),
    [
        ("2026-04-05T10:00:00", None, "2026-10-05T10:00:00", True),  # six months to the second
        ("2026-04-05T10:00:01", None, "2026-10-05T10:00:00", False),
        ("2026-01-15T10:00:00", "2026-04-05T09:59:59", "2026-10-05T10:00:00", True),
        ("2026-01-15T10:00:00", "2026-04-05T10:00:00", "2026-10-05T10:00:00", False),
        ("2026-01-15T10:00:00", "2026-10-05T09:59:59", "2026-10-05T10:00:00", False),
        ("2026-01-15T10:00:00", "2026-10-05T10:00:00", "2026-10-05T10:00:00", True),  # of one moment: activation first
        ("2026-04-30T10:00:00", None, "2026-10-31T10:00:00", True),  # a month without a 31st ends on its last day
        ("2026-04-30T10:00:01", None, "2026-10-31T10:00:00", False),
    ],
)
async def test_a13_dormant_is_six_calendar_months_since_the_first_card_and_without_a_purchase(
    town: House, approved_at: str, bought_at: str | None, activated_at: str, dormant: bool
) -> None:
    zhao = Person(town)
    bought = [] if bought_at is None else [zhao.bought(100, bought_at)]
    await town.set_clock("2026-11-01T12:00:00")

    await town.tell(zhao.approved(approved_at, newCustomer=False), *bought, zhao.activated(activated_at))

    assert len(await zhao.coupons()) == (4 if dormant else 0)


async def test_a13_a_new_card_does_not_make_a_customer_of_long_ago_less_dormant(town: House) -> None:
    zhao = Person(town)
    new_card = f"{zhao.card}-2"

    await town.tell(
        zhao.dormant(product="CLASSIC"), zhao.approved("2026-10-03T10:00:00", card=new_card, newCustomer=False),
        zhao.activated("2026-10-05T10:00:00", new_card),
    )  # fmt: skip

    assert len(await zhao.coupons()) == 4


async def test_a13_a_purchase_told_later_takes_the_pack_back_and_one_fully_refunded_still_is_a_purchase(
    town: House,
) -> None:
    told_later, refunded = Person(town), Person(town)
    bought = refunded.bought(5_000, "2026-09-01T10:00:00")
    await town.tell(
        told_later.dormant(), told_later.activated("2026-10-05T10:00:00"),
        refunded.dormant(), bought, refunded.refunded(bought, 5_000, "2026-09-02T10:00:00"),
        refunded.activated("2026-10-05T10:00:00"),
    )  # fmt: skip
    before = len(await told_later.coupons())

    await town.tell(told_later.bought(100, "2026-09-01T10:00:00"))

    assert before == 4
    assert {status for _, status in await told_later.coupons()} == {"VOIDED"}
    assert await refunded.coupons() == []


async def test_a12_the_first_purchase_of_100_yuan_within_7_days_of_activation_brings_one_draw(town: House) -> None:
    zhao, late, small = (Person(town) for _ in range(3))
    await town.set_clock("2026-10-13T12:00:00")
    await town.tell(*(each.dormant() for each in (zhao, late, small)))
    await town.tell(*(each.activated("2026-10-05T10:00:00") for each in (zhao, late, small)))

    await town.tell(
        zhao.bought(10_000, "2026-10-12T23:59:59"), zhao.bought(10_000, "2026-10-13T10:00:00"),
        late.bought(10_000, "2026-10-13T00:00:00"),
        small.bought(9_999, "2026-10-05T11:00:00"), small.bought(10_000, "2026-10-05T12:00:00"),
    )  # fmt: skip

    assert [(each["status"], each["left"], each["expires_at"]) for each in await zhao.chances("wake-up")] == [
        ("OPEN", 1, shanghai("2026-11-13T00:00:00"))
    ]
    assert await late.chances("wake-up") == await small.chances("wake-up") == []
    assert await small.against("wake-up-draw") == ["FIRST_PURCHASE_MADE"]


async def test_a12_needs_a_dormant_customer_and_an_activation_before_the_purchase(town: House) -> None:
    awake, too_soon = Person(town), Person(town)

    await town.tell(
        awake.approved(), awake.activated("2026-10-04T10:00:00"), awake.bought(20_000, "2026-10-05T10:00:00"),
        too_soon.dormant(), too_soon.bought(20_000, "2026-10-04T10:00:00"), too_soon.activated("2026-10-05T10:00:00"),
        too_soon.bought(20_000, "2026-10-05T11:00:00"),
    )  # fmt: skip

    assert await awake.chances("wake-up") == await too_soon.chances("wake-up") == []


async def test_a12_a_refund_takes_the_chance_back_and_an_unused_chance_ends_with_its_30th_day(town: House) -> None:
    refunded, idle = Person(town), Person(town)
    bought = refunded.bought(10_000, "2026-10-05T11:00:00")
    await town.tell(
        refunded.dormant(), refunded.activated("2026-10-05T10:00:00"), bought,
        idle.dormant(), idle.activated("2026-10-05T10:00:00"), idle.bought(10_000, "2026-10-05T11:00:00"),
    )  # fmt: skip

    await town.tell(refunded.refunded(bought, 1, "2026-10-05T11:30:00"))
    await town.set_clock("2026-11-05T00:00:00")
    await town.settle()

    assert [(each["status"], each["left"]) for each in await refunded.chances("wake-up")] == [("VOIDED", 0)]
    assert [(each["status"], each["left"]) for each in await idle.chances("wake-up")] == [("EXPIRED", 0)]


# A15: flyers ------------------------------------------------------------------------------------------------------


async def test_a15_a_flyers_code_brings_20_yuan_of_phone_credit_wherever_it_was_told(town: House) -> None:
    in_approval, in_application, without, existing = (Person(town) for _ in range(4))

    await town.tell(
        in_approval.approved(flyer="FLY-1", channel="BRANCH"),
        in_application.applied("2026-10-01T09:00:00", flyer="FLY-2"), in_application.approved(),
        without.applied("2026-10-01T09:00:00"), without.approved(),
        existing.approved(newCustomer=False, flyer="FLY-3"),
    )  # fmt: skip

    assert await in_approval.coupons() == await in_application.coupons() == [(2_000, "AVAILABLE")]
    assert await without.coupons() == await existing.coupons() == []


async def test_a15_an_application_told_after_its_approval_still_brings_it_and_a_second_card_brings_no_second(
    town: House,
) -> None:
    zheng = Person(town)
    await town.tell(zheng.approved("2026-10-02T09:00:00"))
    before = await zheng.coupons()

    await town.tell(zheng.applied("2026-10-01T09:00:00", flyer="FLY-1"))
    await town.tell(
        zheng.approved(
            "2026-10-05T09:00:00", card=f"{zheng.card}-2", product="CLASSIC", newCustomer=True, flyer="FLY-2"
        )
    )

    assert before == []
    assert await zheng.coupons() == [(2_000, "AVAILABLE")]


# A16: two more in the closing phase -------------------------------------------------------------------------------


async def test_a16_two_more_purchases_in_the_closing_phase_bring_50_yuan(town: House) -> None:
    feng = Person(town)
    await town.set_clock("2026-12-31T12:00:00")
    await town.tell(
        feng.approved(newCustomer=False), feng.bought(1_000, "2026-12-29T23:59:59"),
        feng.bought(1_000, "2026-12-30T00:00:00"),
    )  # fmt: skip
    before, progress = await feng.coupons(), await feng.mission("two-more")

    await town.tell(feng.bought(1_000, "2026-12-31T10:00:00"))
    await town.tell(feng.bought(1_000, "2026-12-31T11:00:00"), feng.bought(1_000, "2026-12-31T11:30:00"))

    assert before == []
    assert progress == (1, 2, "2027-01-06T00:00:00+08:00")
    assert await feng.coupons() == [(5_000, "AVAILABLE")]
    assert await feng.mission("two-more") == (2, 2, "2027-01-06T00:00:00+08:00")


async def test_a16_is_for_those_who_bought_in_the_active_phase_and_missed_the_first_spend_gift(town: House) -> None:
    newcomer, idle, too_small = (Person(town) for _ in range(3))
    await town.set_clock("2027-01-05T12:00:00")
    for each, before in ((newcomer, [30_000]), (idle, []), (too_small, [29_999])):
        await town.tell(each.approved(), *(each.bought(amount, "2026-10-05T10:00:00") for amount in before))

    await town.tell(
        *(each.bought(1_000, f"2026-12-3{day}T10:00:00") for each in (newcomer, idle, too_small) for day in (0, 1))
    )

    assert await newcomer.coupons("two-more") == await idle.coupons("two-more") == []
    assert await too_small.coupons("two-more") == [(5_000, "AVAILABLE")]
    assert await newcomer.against("two-more") == ["EXCLUDED"]
    assert await idle.against("two-more") == ["OTHER_TRACK_RECORD"]


async def test_a16_counts_until_the_closing_phase_ends_and_not_what_was_refunded(town: House) -> None:
    late, refunded = Person(town), Person(town)
    await town.set_clock("2027-01-06T12:00:00")
    second = refunded.bought(1_000, "2027-01-02T10:00:00")
    await town.tell(
        late.approved(newCustomer=False), late.bought(1_000, "2026-10-05T10:00:00"),
        late.bought(1_000, "2027-01-05T23:59:59"), late.bought(1_000, "2027-01-06T00:00:00"),
        refunded.approved(newCustomer=False), refunded.bought(1_000, "2026-10-05T10:00:00"),
        refunded.bought(1_000, "2027-01-01T10:00:00"), second,
    )  # fmt: skip
    before = await refunded.coupons()

    await town.tell(refunded.refunded(second, 1_000, "2027-01-03T10:00:00"))
    gone = await refunded.coupons()
    await town.tell(refunded.bought(1_000, "2027-01-04T10:00:00"))

    assert await late.coupons() == []
    assert (before, gone) == ([(5_000, "AVAILABLE")], [(5_000, "VOIDED")])
    assert await refunded.coupons() == [(5_000, "AVAILABLE"), (5_000, "VOIDED")]
    assert await refunded.grants("two-more") == ["REVOKED", "GIVEN"]


# B18: whatever the order ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
async def test_b18_a_story_told_in_any_order_piece_by_piece_and_twice_comes_to_the_same_benefits(
    town: House, malls: None, seed: int
) -> None:
    zhu = Person(town)
    gone = zhu.instalment(700_000, "2026-10-04T15:00:00", kind="TRANSACTION")
    at_the_mall = zhu.bought(60_000, "2026-10-04T10:00:00", merchant="m-mall")
    refunded = zhu.bought(55_000, "2026-10-04T11:00:00", merchant="m-mall")
    story = [
        zhu.described(children=1), zhu.applied("2026-10-01T09:00:00", flyer="FLY-7"), zhu.approved(),
        zhu.bound("2026-10-02T10:00:00"), zhu.unbound("2026-10-03T10:00:00"), zhu.bought(30_000, "2026-10-03T11:00:00"),
        at_the_mall, zhu.refunded(at_the_mall, 5_000, "2026-10-04T12:00:00"),
        refunded, zhu.refunded(refunded, 55_000, "2026-10-04T13:00:00"),
        zhu.instalment(512_300, "2026-10-04T14:00:00", kind="TRANSACTION"),
        gone, zhu.cancelled(gone, "2026-10-04T16:00:00"),
    ]  # fmt: skip
    order = Random(seed)
    order.shuffle(story)

    while story:
        piece = [story.pop() for _ in range(min(len(story), order.randint(1, 4)))]
        await town.tell(*piece)
        await town.tell(*order.sample(piece, len(piece)))

    kept = [(offer, value) for offer, value, status in await town.coupons(zhu.name) if status != "VOIDED"]
    assert kept == [("bind-gift", 1_000), ("flyer", 2_000), ("instalment-cashback", 5_123)]
    assert [choice["offer"]["code"] for choice in await zhu.choices()] == ["first-spend"]
    chances = [chance for chance in await zhu.chances("free-order") if chance["status"] != "VOIDED"]
    assert [(chance["status"], chance["basis"], chance["left"]) for chance in chances] == [("OPEN", 55_000, 1)]
    assert await zhu.segments() == ["family"]
    assert await zhu.cases() == []
