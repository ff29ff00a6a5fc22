"""Every story and claim rule of the plan `platinum` (邮储白金卡，尊享非凡礼遇), from event or tap to the wallet.

Each test is named after the rule's code. Active: 2026-10-01 to 2026-12-29; warm-up from 2026-09-21. Figures are the
campaign file's. Rules of the till, points, bookings, applications and sign-ups stand elsewhere.
"""

from typing import Any

import pytest

from tests.builders.bank import Event, Person
from tests.builders.house import House, shanghai

SUITCASE = "品牌行李箱"


def platinum(person: Person, at: str = "2026-10-02T09:00:00", **changes: Any) -> Event:
    return person.approved(at, product="PLATINUM", **changes)


def purchases(person: Person, *amounts: int, **changes: Any) -> list[Event]:
    """One a day from 2026-10-03 on."""
    return [
        person.bought(amount, f"2026-10-{day:02d}T10:00:00", **changes) for day, amount in enumerate(amounts, start=3)
    ]


# B1: the suitcase -------------------------------------------------------------------------------------------------


async def test_b1_three_purchases_of_999_yuan_bring_the_suitcase_once_and_it_asks_for_an_address(town: House) -> None:
    tang = Person(town)
    two = [platinum(tang), *purchases(tang, 99_900, 99_900)]
    await town.tell(*two)
    before, progress = await tang.deliveries(), await tang.mission("suitcase")

    await town.tell(*(tang.bought(99_900, f"2026-10-05T1{hour}:00:00") for hour in range(6)))

    assert before == []
    assert progress == (2, 3, "2026-11-02T00:00:00+08:00")
    assert await tang.deliveries() == [(SUITCASE, "NEEDS_ADDRESS")]
    assert await tang.mission("suitcase") == (3, 3, "2026-11-02T00:00:00+08:00")
    assert await tang.against("suitcase") == ["ALREADY_RECEIVED"]


async def test_b1_purchases_of_less_than_999_yuan_do_not_count(town: House) -> None:
    tang = Person(town)

    await town.tell(platinum(tang), *purchases(tang, 99_900, 99_899, 99_900, 99_899))

    assert await tang.deliveries() == []
    (reason,) = [each for each in await tang.reasons("suitcase", "en") if each["code"] == "MORE_PURCHASES_NEEDED"]
    assert reason["message"] == "2 of 3 purchases made"
    assert reason["remedy"].startswith("Make 1 more purchase (each: a payment of at least ¥999)")


async def test_b1_the_30th_day_after_approval_counts_to_its_end(town: House) -> None:
    in_time, late = Person(town), Person(town)
    await town.set_clock("2026-11-02T12:00:00")

    for each, last in ((in_time, "2026-11-01T23:59:59"), (late, "2026-11-02T00:00:00")):
        await town.tell(platinum(each), *purchases(each, 99_900, 99_900), each.bought(99_900, last))

    assert await in_time.deliveries() == [(SUITCASE, "NEEDS_ADDRESS")]
    assert await late.deliveries() == []
    assert await late.against("suitcase") == ["TOO_LATE"]
    assert await late.mission("suitcase") is None


async def test_b1_is_for_new_platinum_customers_in_the_active_phase(town: House) -> None:
    existing, gold, before, warm_up, counted = (Person(town) for _ in range(5))
    in_warm_up = warm_up.bought(99_900, "2026-09-30T23:59:59")
    await town.tell(
        platinum(existing, newCustomer=False), gold.approved(), platinum(before, "2026-09-20T23:59:59"),
        platinum(warm_up, "2026-09-21T00:00:00"), in_warm_up, platinum(counted, "2026-09-21T00:00:00"),
        counted.bought(99_900, "2026-10-01T00:00:00"),
    )  # fmt: skip

    for each in (existing, gold, before, warm_up, counted):
        await town.tell(*purchases(each, 99_900, 99_900))
    await town.tell(existing.bought(99_900, "2026-10-05T11:00:00"), gold.bought(99_900, "2026-10-05T11:00:00"))

    assert [await each.deliveries() for each in (existing, gold, before, warm_up)] == [[], [], [], []]
    assert await counted.deliveries() == [(SUITCASE, "NEEDS_ADDRESS")]


async def test_b1_purchases_before_the_approval_and_with_another_product_do_not_count(town: House) -> None:
    tang = Person(town)
    gold = f"{tang.card}-gold"

    await town.tell(
        tang.bought(99_900, "2026-10-02T08:59:59"), platinum(tang),
        tang.approved("2026-10-02T09:30:00", card=gold, newCustomer=False),
        tang.bought(99_900, "2026-10-03T09:00:00", card=gold), *purchases(tang, 99_900, 99_900),
    )  # fmt: skip

    assert await tang.deliveries() == []
    assert await tang.mission("suitcase") == (2, 3, "2026-11-02T00:00:00+08:00")


async def test_b1_events_in_any_order_and_told_twice_bring_the_same_suitcase(town: House) -> None:
    tang = Person(town)
    told = [platinum(tang), *purchases(tang, 99_900, 99_900, 99_900)]

    for event in reversed(told):
        await town.tell(event)
    await town.tell(*told)

    assert await tang.grants("suitcase") == ["GIVEN"]
    assert await tang.deliveries() == [(SUITCASE, "NEEDS_ADDRESS")]


async def test_b1_a_refund_takes_it_back_before_it_is_sent_and_another_purchase_earns_it_again(town: House) -> None:
    tang = Person(town)
    bought = purchases(tang, 99_900, 99_900, 99_900)
    await town.tell(platinum(tang), *bought)

    await town.tell(tang.refunded(bought[0], 1, "2026-10-05T11:00:00"))
    gone, progress = await tang.deliveries(), await tang.mission("suitcase")
    await town.tell(tang.bought(99_900, "2026-10-05T11:30:00"))

    assert gone == [(SUITCASE, "FAILED")]
    assert progress == (2, 3, "2026-11-02T00:00:00+08:00")
    assert sorted(status for _, status in await tang.deliveries()) == ["FAILED", "NEEDS_ADDRESS"]
    assert await tang.grants("suitcase") == ["REVOKED", "GIVEN"]
    assert await tang.cases() == []


async def test_b1_a_refund_after_it_was_packed_is_a_case_and_another_purchase_brings_no_second(town: House) -> None:
    tang = Person(town)
    bought = purchases(tang, 99_900, 99_900, 99_900)
    await town.tell(platinum(tang), *bought)
    await tang.give_address(SUITCASE)
    await tang.providers_asked()

    await town.tell(tang.refunded(bought[0], 99_900, "2026-10-05T11:00:00"))
    await town.tell(tang.bought(99_900, "2026-10-05T11:30:00"))

    assert await tang.grants("suitcase") == ["KEPT"]
    assert await tang.cases() == [("USED_BUT_NOT_EARNED", "suitcase")]
    assert len(await tang.deliveries()) == 1


async def test_b1_a_refund_before_anybody_was_asked_to_send_it_takes_it_back(town: House) -> None:
    tang = Person(town)
    bought = purchases(tang, 99_900, 99_900, 99_900)
    await town.tell(platinum(tang), *bought)
    await tang.give_address(SUITCASE)

    await town.tell(tang.refunded(bought[0], 99_900, "2026-10-05T11:00:00"))

    assert await tang.deliveries() == [(SUITCASE, "FAILED")]
    assert await tang.grants("suitcase") == ["REVOKED"]
    assert await tang.cases() == []


async def test_b1_a_refund_that_leaves_enough_purchases_changes_nothing(town: House) -> None:
    tang = Person(town)
    bought = purchases(tang, 99_900, 99_900, 99_900, 99_900)
    await town.tell(platinum(tang), *bought)

    await town.tell(tang.refunded(bought[0], 99_900, "2026-10-06T11:00:00"))

    assert await tang.deliveries() == [(SUITCASE, "NEEDS_ADDRESS")]
    assert await tang.grants("suitcase") == ["GIVEN"]


# B2: the lounge ---------------------------------------------------------------------------------------------------


async def test_b2_a_new_customer_who_activates_has_six_lounge_visits_for_a_year_alone(town: House) -> None:
    shen = Person(town)
    await town.tell(platinum(shen))
    before, todo = await shen.entitlements("lounge-visits"), await shen.against("lounge-visits")

    await town.tell(shen.activated("2026-10-05T10:00:00"))
    await town.tell(
        platinum(shen, "2026-10-05T10:30:00", card=f"{shen.card}-2"),
        shen.activated("2026-10-05T11:00:00"), shen.activated("2026-10-05T11:00:00", f"{shen.card}-2"),
    )  # fmt: skip

    assert (before, todo) == ([], ["NO_ACTIVATION"])
    assert await shen.entitlements("lounge-visits") == [
        {"status": "OPEN", "total": 6, "holder": "CARDHOLDER", "expires_at": shanghai("2027-10-06T00:00:00"), "left": 6}
    ]


async def test_b2_is_for_new_platinum_customers_who_activate_in_the_active_phase(town: House) -> None:
    existing, gold, early, last, closing = (Person(town) for _ in range(5))
    await town.set_clock("2026-12-30T12:00:00")

    await town.tell(
        platinum(existing, newCustomer=False), existing.activated("2026-10-05T10:00:00"),
        gold.approved(), gold.activated("2026-10-05T10:00:00"),
        platinum(early, "2026-09-25T09:00:00"), early.activated("2026-09-30T23:59:59"),
        platinum(last, "2026-12-29T09:00:00"), last.activated("2026-12-29T23:59:59"),
        platinum(closing, "2026-12-29T09:00:00"), closing.activated("2026-12-30T00:00:00"),
    )  # fmt: skip

    assert [len(await each.entitlements("lounge-visits")) for each in (existing, gold, early, last, closing)] == [
        0, 0, 0, 1, 0,
    ]  # fmt: skip


async def test_b2_an_activation_told_before_its_approval_counts_once_the_card_is_known(town: House) -> None:
    shen = Person(town)
    await town.tell(shen.activated("2026-10-05T10:00:00"))
    before = await shen.entitlements("lounge-visits")

    await town.tell(platinum(shen))

    assert before == []
    assert [each["left"] for each in await shen.entitlements("lounge-visits")] == [6]


async def test_b2_a_correction_before_the_first_visit_takes_all_six_back(town: House) -> None:
    shen = Person(town)
    await town.tell(platinum(shen), shen.activated("2026-10-05T10:00:00"))

    await town.tell(platinum(shen, "2026-08-01T09:00:00"))

    assert [(each["status"], each["left"]) for each in await shen.entitlements("lounge-visits")] == [("VOIDED", 0)]


# B7: the birthday -------------------------------------------------------------------------------------------------


async def test_b7_the_birthday_gift_is_claimed_in_the_birthday_month_once_a_year(town: House) -> None:
    guo = Person(town)
    await town.tell(guo.described(birthday="1990-10-31"), platinum(guo, newCustomer=False))
    await town.set_clock("2026-10-31T23:59:59")

    claimed, again = await guo.claim("birthday"), await guo.claim("birthday")

    assert claimed == {"__typename": "OfferClaimed", "coupons": []}
    assert await guo.deliveries() == [("生日好礼", "NEEDS_ADDRESS")]
    # Their next birthday month is after the campaign's end.
    assert (again["__typename"], again["limit"], again["nextAt"]) == ("LimitReached", 1, None)


@pytest.mark.parametrize(
    ("birthday", "now", "opens"),
    [
        ("1990-11-30", "2026-10-31T23:59:59", "2026-11-01T00:00:00+08:00"),
        ("1990-10-01", "2026-11-01T00:00:00", None),  # after the campaign's end
        ("1992-02-29", "2026-10-05T12:00:00", None),
    ],
)
async def test_b7_another_month_is_refused_with_the_moment_from_which_it_can_be_if_it_can(
    town: House, birthday: str, now: str, opens: str | None
) -> None:
    guo = Person(town)
    await town.tell(guo.described(birthday=birthday), platinum(guo, newCustomer=False))
    await town.set_clock(now)

    refused = await guo.claim("birthday")

    assert refused["__typename"] == "NotEligible"
    assert [(each["code"], each["nextAt"]) for each in refused["reasons"]] == [("NOT_BIRTHDAY_MONTH", opens)]


async def test_b7_the_first_moment_of_the_month_counts_and_a_gold_card_or_an_unknown_birthday_does_not(
    town: House,
) -> None:
    guo, gold, unknown = (Person(town) for _ in range(3))
    await town.tell(
        guo.described(birthday="1990-11-30"), platinum(guo, newCustomer=False),
        gold.described(birthday="1990-11-30"), gold.approved(), platinum(unknown),
    )  # fmt: skip
    await town.set_clock("2026-11-01T00:00:00")

    first, other, nobody = [await each.claim("birthday") for each in (guo, gold, unknown)]

    assert first["__typename"] == "OfferClaimed"
    assert [each["code"] for each in other["reasons"]] == ["CARD_NEEDED"]
    assert [(each["code"], each["nextAt"]) for each in nobody["reasons"]] == [("NOT_BIRTHDAY_MONTH", None)]


# B8: the overseas fee ---------------------------------------------------------------------------------------------


async def test_b8_one_percent_of_each_purchase_abroad_is_waived(town: House) -> None:
    cao, gold = Person(town), Person(town)
    await town.tell(platinum(cao, newCustomer=False), gold.approved())

    await town.tell(
        *purchases(cao, 100_000, country="JP"), cao.bought(12_399, "2026-10-04T10:00:00", country="HK"),
        cao.bought(99, "2026-10-04T11:00:00", country="US"), cao.bought(500_000, "2026-10-04T12:00:00", country="CN"),
        gold.bought(100_000, "2026-10-04T12:00:00", country="JP"),
    )  # fmt: skip

    assert sorted(await cao.waivers()) == [123, 1_000]  # rounded down to the fen: of 99 fen nothing is left
    assert await gold.waivers() == []


async def test_b8_counts_from_the_first_to_the_last_moment_of_the_active_phase(town: House) -> None:
    cao = Person(town)
    await town.set_clock("2026-12-30T12:00:00")

    await town.tell(
        platinum(cao, "2026-01-10T09:00:00", newCustomer=False),
        *(
            cao.bought(amount, at, country="JP")
            for amount, at in (
                (10_000, "2026-09-30T23:59:59"), (20_000, "2026-10-01T00:00:00"),
                (30_000, "2026-12-29T23:59:59"), (40_000, "2026-12-30T00:00:00"),
            )
        ),
    )  # fmt: skip

    assert sorted(await cao.waivers()) == [200, 300]


@pytest.mark.parametrize("refund", [40_000, 100_000])
async def test_b8_a_waiver_the_bank_was_told_of_is_never_given_twice_a_refund_makes_it_a_case(
    town: House, refund: int
) -> None:
    cao = Person(town)
    (bought,) = purchases(cao, 100_000, country="JP")
    await town.tell(platinum(cao, newCustomer=False), bought)
    await cao.providers_asked()

    await town.tell(cao.refunded(bought, refund, "2026-10-04T10:00:00"))
    await town.tell(cao.bought(10_000, "2026-10-05T10:00:00"))

    assert await cao.waivers() == [1_000]
    assert await cao.grants("overseas-fee") == ["KEPT"]
    assert await cao.cases() == [("USED_BUT_NOT_EARNED", "overseas-fee")]


@pytest.mark.parametrize(("refund", "left"), [(40_000, [600]), (100_000, [])])
async def test_b8_a_waiver_the_bank_was_not_told_of_yet_follows_what_is_left_of_the_purchase(
    town: House, refund: int, left: list[int]
) -> None:
    cao = Person(town)
    (bought,) = purchases(cao, 100_000, country="JP")
    await town.tell(platinum(cao, newCustomer=False), bought)

    await town.tell(cao.refunded(bought, refund, "2026-10-04T10:00:00"))

    assert await cao.waivers() == left
    assert await cao.cases() == []


async def test_b8_a_refund_that_is_told_first_leaves_no_case(town: House) -> None:
    cao = Person(town)
    (bought,) = purchases(cao, 100_000, country="JP")
    await town.tell(platinum(cao, newCustomer=False), cao.refunded(bought, 40_000, "2026-10-04T10:00:00"))

    await town.tell(bought)

    assert await cao.waivers() == [600]
    assert await cao.cases() == []
