"""The readings of the plans, one by one: what a story earns, and under which name."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.campaigns.conditions import (
    Any,
    ApplicationChannelIs,
    BirthdayMonth,
    Country,
    Dormant,
    FirstPurchase,
    Flyer,
    Instalment,
    MerchantGroup,
    NewCustomer,
    Not,
    PaymentMethodIs,
    PurchasedAt,
    Purchases,
    Reached,
    Rule,
    SalesChannelIs,
    Slot,
    Spend,
    TotalSpend,
    TrackRecord,
    Weekly,
    WithinDays,
)
from domain.campaigns.model import (
    Apply,
    Audience,
    BasePoints,
    Campaign,
    Cashback,
    Claim,
    FeeWaiver,
    Gift,
    Limit,
    PointsBonus,
    PointsRate,
    Validity,
    WaiverBasis,
)
from domain.campaigns.terms import (
    ApplicationChannel,
    BindingProvider,
    DeliveryKind,
    InstalmentKind,
    OwnDate,
    PaymentMethod,
    Per,
    Period,
    Phase,
    Product,
    SalesChannel,
    SubjectKind,
    Weekday,
)
from domain.offers.story_change import difference
from domain.stories.events import StoryEvent
from domain.stories.fold import BonusPart
from domain.stories.merchants import MerchantHistory
from tests.builders.campaigns import a_campaign, an_offer, called, cash_coupon, plans_of, shanghai, story_offer
from tests.builders.grants import grants_of
from tests.builders.stories import (
    a_merchant,
    activated,
    applied,
    approved,
    bought,
    bound,
    cancelled,
    causes,
    closed,
    folded,
    instalment,
    merchants_in,
    newcomer,
    profile,
    refunded,
    unbound,
)

ONCE = (Limit(Per.CUSTOMER, Period.CAMPAIGN, 1),)
GIFT = Gift("gift", called("gift"), DeliveryKind.PARCEL, 10_000)


def on_purchase(*conditions: Rule, **changes: object):  # type: ignore[no-untyped-def]
    return a_campaign(story_offer(SubjectKind.PURCHASE, conditions=conditions, **changes))


# Binding -------------------------------------------------------------------------------------------------------------

BIND_GIFT = a_campaign(
    story_offer(
        SubjectKind.BINDING,
        conditions=(
            NewCustomer(),
            ApplicationChannelIs((ApplicationChannel.MOBILE_BANK,)),
            WithinDays(30, OwnDate.APPROVAL),
        ),
        limits=ONCE,
    )
)


@pytest.mark.parametrize(
    ("bound_at", "earns"),
    [
        ("2026-10-02T15:00", True),
        ("2026-11-01T23:59:59.999999", True),  # the end of the 30th Shanghai day after 2 October
        ("2026-11-02T00:00", False),
    ],
)
def test_within_30_days_lasts_to_the_end_of_the_30th_shanghai_day(bound_at: str, earns: bool) -> None:
    found = folded(BIND_GIFT, approved("2026-10-02T15:00"), bound(bound_at))

    assert causes(found) == (["campaign#1"] if earns else [])


@pytest.mark.parametrize(
    ("approved_at", "new", "earns"),
    [
        ("2026-09-20T23:59:59", True, False),  # before the warm-up
        ("2026-09-21T00:00", True, True),  # in the warm-up
        ("2026-12-29T23:59:59", True, True),
        ("2026-12-30T00:00", True, False),  # in the closing phase
        ("2026-10-02T00:00", False, False),
    ],
)
def test_a_new_customer_is_approved_as_one_in_the_warm_up_or_active_phase(
    approved_at: str, new: bool, earns: bool
) -> None:
    campaign = a_campaign(
        story_offer(SubjectKind.BINDING, conditions=(NewCustomer(),), phases=tuple(Phase), limits=ONCE)
    )

    found = folded(campaign, approved(approved_at, new_customer=new), bound("2026-12-31"))

    assert bool(found.earned) == earns


def test_the_card_must_have_been_applied_for_in_the_mobile_bank() -> None:
    found = folded(BIND_GIFT, approved("2026-10-02", channel=ApplicationChannel.BRANCH), bound("2026-10-03"))

    assert found.earned == []


def test_a_second_wallet_earns_nothing_more_under_a_limit_of_one() -> None:
    found = folded(
        BIND_GIFT,
        approved("2026-10-02"),
        bound("2026-10-03"),
        bound("2026-10-04", provider=BindingProvider.ALIPAY),
    )

    assert causes(found) == ["campaign#1"]
    assert found.earned[0].subject == "card-1|WECHAT"


def test_without_a_limit_a_binding_is_named_by_card_and_provider() -> None:
    campaign = a_campaign(story_offer(SubjectKind.BINDING))

    found = folded(campaign, approved("2026-10-02"), bound("2026-10-03"), unbound("2026-10-04"))

    assert causes(found) == ["card-1|WECHAT"]


# First purchase ------------------------------------------------------------------------------------------------------

FIRST_SPEND = on_purchase(NewCustomer(), FirstPurchase(OwnDate.APPROVAL, at_least=30_000), limits=ONCE)


def test_the_first_purchase_earns_when_it_is_large_enough() -> None:
    found = folded(FIRST_SPEND, *newcomer(), bought("2026-10-03", 300, "t1"), bought("2026-10-04", 900, "t2"))

    assert [(earned.cause, earned.subject, earned.basis) for earned in found.earned] == [("campaign#1", "t1", 30_000)]


def test_a_first_purchase_that_is_too_small_takes_the_chance_away() -> None:
    found = folded(FIRST_SPEND, *newcomer(), bought("2026-10-03", 299.99), bought("2026-10-04", 900))

    assert found.earned == []


def test_of_purchases_at_the_same_moment_the_first_is_the_first_by_transaction_as_text() -> None:
    same = "2026-10-03T12:00"

    small_first = folded(FIRST_SPEND, *newcomer(), bought(same, 900, "t2"), bought(same, 10, "t10"))
    large_first = folded(FIRST_SPEND, *newcomer(), bought(same, 900, "t10"), bought(same, 10, "t2"))

    assert small_first.earned == []  # "t10" comes before "t2"
    assert [earned.subject for earned in large_first.earned] == ["t10"]


def test_a_late_smaller_purchase_before_the_first_one_takes_the_reward_back() -> None:
    story = [*newcomer(), bought("2026-10-03", 900)]
    before = folded(FIRST_SPEND, *story)

    after = folded(FIRST_SPEND, *story, bought("2026-10-02T12:00", 5, "late"))

    found = difference(after.earned, grants_of(before.earned))
    assert found.gained == ()
    assert [(grant.offer, grant.cause) for grant in found.lost] == [("gift", "campaign#1")]


def test_a_refund_that_leaves_too_little_takes_the_reward_back() -> None:
    story = [*newcomer(), bought("2026-10-03", 310, "t1")]

    partly = folded(FIRST_SPEND, *story, refunded("2026-10-09", "t1", 10))
    too_much = folded(FIRST_SPEND, *story, refunded("2026-10-09", "t1", 10), refunded("2026-10-10", "t1", 0.01, "r2"))

    assert causes(partly) == ["campaign#1"]
    assert too_much.earned == []


def test_a_purchase_refunded_to_nothing_remains_the_first_one() -> None:
    found = folded(
        FIRST_SPEND,
        *newcomer(),
        bought("2026-10-03", 300, "t1"),
        refunded("2026-10-04", "t1", 300),
        bought("2026-10-05"),
    )

    assert found.earned == []


def test_a_refund_told_before_its_purchase_counts_all_the_same() -> None:
    found = folded(FIRST_SPEND, *newcomer(), refunded("2026-10-02T01:00", "t1", 300), bought("2026-10-03", 300, "t1"))

    assert found.earned == []


def test_the_first_purchase_may_be_made_with_another_card_of_the_audience() -> None:
    found = folded(
        FIRST_SPEND,
        *newcomer(),
        approved("2026-10-03", "card-2", new_customer=False),
        bought("2026-10-04", card="card-2"),
    )

    assert causes(found) == ["campaign#1"]
    assert found.earned[0].card == "card-2"


def test_a_first_purchase_with_a_card_of_another_product_uses_the_chance_up() -> None:
    found = folded(
        FIRST_SPEND,
        *newcomer(),
        approved("2026-10-03", "card-2", product=Product.PLATINUM),
        bought("2026-10-04", card="card-2"),
        bought("2026-10-05"),
    )

    assert found.earned == []


def test_a_new_card_of_another_product_makes_no_new_customer_of_this_campaign() -> None:
    found = folded(
        FIRST_SPEND,
        approved("2026-10-02", "card-1", new_customer=False),
        approved("2026-10-03", "card-2", product=Product.PLATINUM),
        bought("2026-10-04", card="card-1"),
    )

    assert found.earned == []


# Waking up -----------------------------------------------------------------------------------------------------------

COME_BACK = a_campaign(story_offer(SubjectKind.ACTIVATION, conditions=(Dormant(6),), limits=ONCE))
WAKE_UP = on_purchase(Dormant(6), FirstPurchase(OwnDate.ACTIVATION, at_least=10_000, within_days=7), limits=ONCE)


@pytest.mark.parametrize(
    ("approved_at", "purchase_at", "dormant"),
    [
        ("2026-04-10T10:00", None, True),  # exactly 6 calendar months before
        ("2026-04-10T10:00:01", None, False),
        ("2025-01-01", "2026-04-10T09:59:59", True),
        ("2025-01-01", "2026-04-10T10:00", False),  # a purchase in the 6 months before
    ],
)
def test_dormant_is_six_calendar_months_at_the_moment_of_activation(
    approved_at: str, purchase_at: str | None, dormant: bool
) -> None:
    story = [approved(approved_at, new_customer=False)]
    if purchase_at:
        story.append(bought(purchase_at))

    found = folded(COME_BACK, *story, activated("2026-10-10T10:00"))

    assert bool(found.earned) == dormant


@pytest.mark.parametrize(
    ("purchase_at", "yuan", "earns"),
    [
        ("2026-10-10T10:00", 100, True),
        ("2026-10-17T23:59:59", 100, True),  # the 7th day after 10 October
        ("2026-10-18T00:00", 100, False),
        ("2026-10-11", 99.99, False),
    ],
)
def test_a_dormant_customer_draws_for_the_first_purchase_within_7_days_of_activation(
    purchase_at: str, yuan: float, earns: bool
) -> None:
    story = [approved("2025-01-01", new_customer=False), activated("2026-10-10T10:00")]

    found = folded(WAKE_UP, *story, bought(purchase_at, yuan))

    assert bool(found.earned) == earns


def test_dormancy_is_looked_at_for_the_activated_card_and_its_first_purchase_together() -> None:
    found = folded(
        WAKE_UP,
        approved("2025-01-01", "card-1", new_customer=False),
        activated("2025-01-02", "card-1"),
        bought("2026-10-01", 50),  # awake again, before the second card is activated
        approved("2026-10-02", "card-2", new_customer=False),
        activated("2026-10-03", "card-2"),
        bought("2026-10-04", 500, card="card-2"),
    )

    assert found.earned == []


# Instalments ---------------------------------------------------------------------------------------------------------

FEE = a_campaign(
    story_offer(
        SubjectKind.INSTALMENT,
        FeeWaiver(WaiverBasis.INSTALMENT_FEE, 200_000),
        conditions=(NewCustomer(), Instalment((InstalmentKind.BILL,), at_least=300_000, first=True)),
        limits=ONCE,
    )
)
CASHBACK = a_campaign(
    story_offer(
        SubjectKind.INSTALMENT,
        Cashback("back", called("back"), ppm=10_000, cap=10_000, valid=Validity(days=90)),
        conditions=(Instalment(at_least=500_000, min_periods=12),),
    )
)


def test_a_fifth_of_the_fee_is_waived_rounded_down() -> None:
    found = folded(FEE, *newcomer(), instalment("2026-10-03", 3_000, fee=12_349))

    assert [(earned.cause, earned.amount) for earned in found.earned] == [("campaign#1", 2_469)]
    assert found.earned[0].rewards[0].cost == 2_469


@pytest.mark.parametrize(
    "first",
    [
        instalment("2026-10-03", 2_999.99, "small"),
        instalment("2026-10-03", 3_000, "cancelled"),
    ],
)
def test_only_the_first_bill_instalment_of_the_phase_counts(first) -> None:  # type: ignore[no-untyped-def]
    found = folded(
        FEE, *newcomer(), first, cancelled("2026-10-04", "cancelled"), instalment("2026-10-05", 9_000, "next")
    )

    assert found.earned == []


def test_another_kind_of_instalment_or_one_of_the_warm_up_is_not_the_first_of_the_phase() -> None:
    found = folded(
        FEE,
        approved("2026-09-22"),
        instalment("2026-09-25", 9_000, "in-the-warm-up"),
        instalment("2026-10-03", 9_000, "a-purchase", kind=InstalmentKind.TRANSACTION),
        instalment("2026-10-04", 9_000, "the-first"),
    )

    assert [earned.subject for earned in found.earned] == ["the-first"]


@pytest.mark.parametrize(
    ("yuan", "periods", "back"),
    [(5_000, 12, 5_000), (5_001.99, 12, 5_001), (50_000, 24, 10_000), (4_999.99, 12, None), (5_000, 11, None)],
)
def test_one_percent_of_the_principal_comes_back_up_to_the_cap(yuan: float, periods: int, back: int | None) -> None:
    found = folded(CASHBACK, *newcomer(), instalment("2026-10-03", yuan, periods=periods))

    assert [earned.amount for earned in found.earned] == ([] if back is None else [back])


def test_without_a_limit_an_instalment_is_named_by_itself() -> None:
    found = folded(CASHBACK, *newcomer(), instalment("2026-10-03", name="i1"), instalment("2026-10-04", name="i2"))

    assert causes(found) == ["i1", "i2"]


def test_a_cancelled_instalment_earns_nothing() -> None:
    found = folded(CASHBACK, *newcomer(), instalment("2026-10-03"), cancelled("2026-10-20"))

    assert found.earned == []


# Counting ------------------------------------------------------------------------------------------------------------

SUITCASE = on_purchase(
    NewCustomer(), WithinDays(30, OwnDate.APPROVAL), Purchases(3, each=(Spend(99_900),)), limits=ONCE, rewards=(GIFT,)
)


def test_three_purchases_of_999_within_30_days_earn_the_suitcase_once() -> None:
    purchases = [bought(f"2026-10-{day:02d}", 999, f"t{day}") for day in range(3, 12)]

    found = folded(SUITCASE, *newcomer(), *purchases)

    assert [(earned.cause, earned.subject) for earned in found.earned] == [("campaign#1", "t5")]


def test_purchases_that_are_too_small_or_too_late_do_not_count() -> None:
    found = folded(
        SUITCASE,
        *newcomer("2026-10-02"),
        bought("2026-10-03", 999),
        bought("2026-10-04", 998.99),
        bought("2026-10-05", 999),
        bought("2026-11-02", 999),
    )

    assert found.earned == []


def test_a_refund_in_between_makes_the_count_smaller() -> None:
    purchases = [bought(f"2026-10-0{day}", 1_000, f"t{day}") for day in (3, 4, 5)]

    found = folded(SUITCASE, *newcomer(), *purchases, refunded("2026-10-09", "t4", 1.01))

    assert found.earned == []


def test_a_count_may_be_completed_several_times_and_starts_anew_in_the_next_period() -> None:
    campaign = on_purchase(Purchases(2, period=Period.MONTH, rounds=2))
    october = [bought(f"2026-10-{day:02d}", 10, f"o{day}") for day in range(3, 9)]
    november = [bought(f"2026-11-{day:02d}", 10, f"n{day}") for day in (1, 2)]

    found = folded(campaign, *newcomer(), *october, *november)

    assert [(earned.cause, earned.subject) for earned in found.earned] == [
        ("2026-10#1", "o4"),
        ("2026-10#2", "o6"),
        ("2026-11#1", "n2"),
    ]


def test_one_large_purchase_may_complete_several_rounds_of_spending() -> None:
    campaign = on_purchase(TotalSpend(100_000, rounds=3))

    found = folded(campaign, *newcomer(), bought("2026-10-03", 500), bought("2026-10-04", 2_600))

    assert causes(found) == ["campaign#1", "campaign#2", "campaign#3"]


def test_an_offer_that_is_applied_for_counts_purchases_too() -> None:
    campaign = a_campaign(
        an_offer("hotel", trigger=Apply(), conditions=(TotalSpend(100_000, each=(Country(abroad=True),)),))
    )

    found = folded(campaign, *newcomer(), bought("2026-10-03", 600, country="JP"), bought("2026-10-04", 5_000))

    assert found.earned == []
    assert [tallied.amount for tallied in found.state.tallies.values()] == [60_000]


def test_purchases_count_only_while_the_offer_runs() -> None:
    campaign = on_purchase(Purchases(2))

    found = folded(campaign, approved("2026-09-22"), bought("2026-09-30T23:59"), bought("2026-10-01"))

    assert found.earned == []


# Limits --------------------------------------------------------------------------------------------------------------


def test_a_daily_limit_names_earnings_by_shanghai_day_and_ordinal() -> None:
    campaign = on_purchase(limits=(Limit(Per.CUSTOMER, Period.DAY, 2),))
    moments = ["2026-10-02T00:00", "2026-10-02T12:00", "2026-10-02T23:59:59", "2026-10-03T00:00"]

    found = folded(campaign, *newcomer(), *(bought(moment) for moment in moments))

    assert causes(found) == ["2026-10-02#1", "2026-10-02#2", "2026-10-03#1"]


def test_a_limit_by_card_counts_each_card_alone() -> None:
    campaign = on_purchase(limits=(Limit(Per.CARD, Period.DAY, 1),))
    day = "2026-10-05"

    found = folded(
        campaign,
        *newcomer(),
        approved("2026-10-03", "card-2"),
        bought(day, transaction="a"),
        bought(day, transaction="b"),
        bought(day, transaction="c", card="card-2"),
    )

    assert causes(found) == [f"{day}#1@card-1", f"{day}#1@card-2"]


def test_under_several_limits_every_one_must_have_room() -> None:
    campaign = on_purchase(limits=(Limit(Per.CUSTOMER, Period.CAMPAIGN, 3), Limit(Per.CUSTOMER, Period.WEEK, 2)))
    days = ["2026-10-05", "2026-10-06", "2026-10-07", "2026-10-12", "2026-10-13"]  # Monday the 5th, Monday the 12th

    found = folded(campaign, *newcomer(), *(bought(day) for day in days))

    assert causes(found) == ["week-2026-10-05#1", "week-2026-10-05#2", "week-2026-10-12#1"]


def test_a_late_event_of_an_earlier_day_takes_no_name_from_a_later_one() -> None:
    campaign = on_purchase(limits=(Limit(Per.CUSTOMER, Period.DAY, 1),))
    story = [*newcomer(), bought("2026-10-05")]
    before = folded(campaign, *story)

    after = folded(campaign, *story, bought("2026-10-04", transaction="late"), bought("2026-10-05T01:00"))

    found = difference(after.earned, grants_of(before.earned))
    assert [earned.cause for earned, _ in found.gained] == ["2026-10-04#1"]
    assert found.lost == ()


def test_a_reward_that_comes_to_nothing_uses_no_allowance() -> None:
    campaign = on_purchase(
        rewards=(FeeWaiver(WaiverBasis.PURCHASE_AMOUNT, 10_000),), limits=(Limit(Per.CUSTOMER, Period.DAY, 1),)
    )

    found = folded(campaign, *newcomer(), bought("2026-10-03T01:00", 0.99), bought("2026-10-03T02:00", 1))

    assert [(earned.cause, earned.amount) for earned in found.earned] == [("2026-10-03#1", 1)]


# Points --------------------------------------------------------------------------------------------------------------

RATES = (
    PointsRate((Product.CLASSIC, Product.GOLD), 1),
    PointsRate((Product.PLATINUM,), 2),
    PointsRate((Product.PLATINUM,), 3, ("online",)),
)


def points_campaign(**changes: object):  # type: ignore[no-untyped-def]
    everyone = Audience()
    double = story_offer(SubjectKind.PURCHASE, PointsBonus(1_000_000), code="double", audience=everyone)
    birthday = story_offer(
        SubjectKind.PURCHASE, PointsBonus(500_000), code="birthday", conditions=(BirthdayMonth(),), audience=everyone
    )
    return a_campaign(double, birthday, **({"points": RATES, "audience": everyone} | changes))


def test_bonuses_are_of_the_base_and_add_up() -> None:
    found = folded(points_campaign(), profile("2026-10-01", "10-31"), *newcomer(), bought("2026-10-03", 33.33, "t1"))

    points = found.points[0]
    assert points.total == 83  # floor(33.33 x 1 x 2.5)
    assert (points.base, points.bonuses) == (
        33,
        (BonusPart("double", 1_000_000, 33), BonusPart("birthday", 500_000, 16)),
    )
    assert points.base + sum(part.points for part in points.bonuses) + points.rounding == points.total


@pytest.mark.parametrize(
    ("product", "merchant", "total"),
    [
        (Product.CLASSIC, "elsewhere", 100),
        (Product.GOLD, "at-online", 100),
        (Product.PLATINUM, "elsewhere", 200),
        (Product.PLATINUM, "at-online", 300),
    ],
)
def test_the_base_rate_is_the_products_and_the_higher_one_of_a_group(
    product: Product, merchant: str, total: int
) -> None:
    campaign = a_campaign(points=RATES, audience=Audience())

    found = folded(
        campaign, approved("2026-10-02", product=product), bought("2026-10-03", 100, merchant=merchant),
        merchants=merchants_in("online"),
    )  # fmt: skip

    assert [points.total for points in found.points] == [total]


def test_base_points_are_earned_in_every_phase_and_bonuses_only_while_they_run() -> None:
    moments = ["2026-08-01", "2026-09-25", "2026-10-01", "2026-12-30", "2027-02-01"]

    found = folded(points_campaign(), approved("2026-07-01"), *(bought(moment, 100) for moment in moments))

    assert [points.total for points in found.points] == [100, 100, 200, 100, 100]


def test_after_a_refund_the_points_are_what_is_left_would_have_earned() -> None:
    story = [*newcomer(), bought("2026-10-03", 99.99, "t1"), bought("2026-10-04", 50, "t2")]
    before = folded(points_campaign(), *story)

    after = folded(
        points_campaign(), *story, refunded("2026-10-09", "t1", 66.66), refunded("2026-10-09", "t2", 50, "r2")
    )

    assert [(points.transaction, points.total) for points in before.points] == [("t1", 199), ("t2", 100)]
    assert [(points.transaction, points.total) for points in after.points] == [("t1", 66), ("t2", 0)]


def test_a_purchase_with_a_card_nobody_knows_yet_earns_points_once_the_card_is_known() -> None:
    unknown = folded(points_campaign(), bought("2026-10-03", 100, "t1"))

    known = folded(points_campaign(), bought("2026-10-03", 100, "t1"), approved("2026-10-03T01:00"))

    assert unknown.points == []
    assert [points.total for points in known.points] == [200]


def test_a_birthday_told_after_the_purchase_counts_for_it() -> None:
    found = folded(points_campaign(), *newcomer(), bought("2026-10-03", 100), profile("2026-11-01", "10-01"))

    assert [points.total for points in found.points] == [250]


def test_a_bonus_acts_on_purchases_whatever_the_trigger_and_no_limit_counts_it() -> None:
    birthday = an_offer(
        "birthday", PointsBonus(1_000_000), GIFT, trigger=Claim(), conditions=(BirthdayMonth(),),
        limits=(Limit(Per.CUSTOMER, Period.YEAR, 1),),
    )  # fmt: skip
    campaign = a_campaign(birthday, points=RATES)

    found = folded(campaign, profile("2026-10-01", "10-20"), *newcomer(), bought("2026-10-03"), bought("2026-10-04"))

    assert [points.total for points in found.points] == [600, 600]
    assert found.earned == []


def test_an_offer_that_shows_the_base_rates_gives_nothing_itself() -> None:
    campaign = a_campaign(story_offer(SubjectKind.PURCHASE, BasePoints()), points=RATES)

    found = folded(campaign, *newcomer(), bought("2026-10-03", 10))

    assert found.earned == []
    assert [points.total for points in found.points] == [10]


def test_of_two_campaigns_rates_the_higher_counts_and_of_equal_ones_the_first_by_code() -> None:
    low = a_campaign(code="a-low", points=(PointsRate((Product.GOLD,), 1),))
    high = a_campaign(code="b-high", points=(PointsRate((Product.GOLD,), 2),))
    same = a_campaign(code="c-same", points=(PointsRate((Product.GOLD,), 2),))
    found = folded(plans_of(same, high, low), *newcomer(), bought("2026-10-03", 10))

    assert [(points.campaign, points.total) for points in found.points] == [("b-high", 20)]


# Each purchase -------------------------------------------------------------------------------------------------------


def test_the_overseas_fee_is_one_percent_of_each_purchase_abroad_rounded_down() -> None:
    campaign = on_purchase(Country(abroad=True), rewards=(FeeWaiver(WaiverBasis.PURCHASE_AMOUNT, 10_000),))

    found = folded(
        campaign, *newcomer(), bought("2026-10-03", 123.45, "t1", country="JP"), bought("2026-10-04", 500, "t2")
    )

    assert [(earned.cause, earned.amount) for earned in found.earned] == [("t1", 123)]


def test_what_is_earned_each_time_leaves_nothing_in_the_state() -> None:
    campaign = on_purchase(Country(abroad=True), rewards=(FeeWaiver(WaiverBasis.PURCHASE_AMOUNT, 10_000),))
    purchases = [bought(shanghai("2026-10-03") + timedelta(hours=n), 100, f"t{n}", country="JP") for n in range(300)]

    few = folded(campaign, *newcomer(), *purchases[:2]).state
    many = folded(campaign, *newcomer(), *purchases).state

    assert len(repr(many.to_plain())) <= len(repr(few.to_plain())) + 20  # figures of more digits


@pytest.mark.parametrize(
    ("moment", "merchant", "yuan", "earns"),
    [
        ("2026-10-02T10:00", "at-market", 200, True),
        ("2026-10-02T09:59:59.999999", "at-market", 200, False),
        ("2026-10-02T21:59:59.999999", "at-market", 200, True),
        ("2026-10-02T22:00", "at-market", 200, False),
        ("2026-10-03T12:00", "at-market", 200, False),  # a Saturday
        ("2026-10-02T12:00", "elsewhere", 200, False),
        ("2026-10-02T12:00", "at-market", 199.99, False),
    ],
)
def test_friday_ten_to_ten_at_a_partner_for_200(moment: str, merchant: str, yuan: float, earns: bool) -> None:
    friday = story_offer(
        SubjectKind.PURCHASE,
        when=(
            Weekly((Slot((Weekday.FRI,), shanghai("2026-10-02T10:00").time(), shanghai("2026-10-02T22:00").time()),)),
        ),
        conditions=(MerchantGroup(("market", "dining")), Spend(20_000)),
    )

    found = folded(
        a_campaign(friday), approved("2026-10-01"), bought(moment, yuan, merchant=merchant),
        merchants=merchants_in("market", "dining"),
    )  # fmt: skip

    assert bool(found.earned) == earns


@pytest.mark.parametrize(
    ("condition", "changes", "earns"),
    [
        (SalesChannelIs((SalesChannel.ONLINE,)), {"channel": SalesChannel.ONLINE}, True),
        (SalesChannelIs((SalesChannel.ONLINE,)), {}, False),
        (PaymentMethodIs((PaymentMethod.QUICKPASS,)), {"method": PaymentMethod.QUICKPASS}, True),
        (PaymentMethodIs((PaymentMethod.QUICKPASS,)), {}, False),
        (Not(PaymentMethodIs((PaymentMethod.ALIPAY,))), {"method": PaymentMethod.ALIPAY}, False),
        (Any((Country(countries=("JP",)), Spend(100_000))), {"country": "JP"}, True),
        (Any((Country(countries=("JP",)), Spend(100_000))), {"country": "KR"}, False),
    ],
)
def test_how_and_where_it_was_paid(condition: Rule, changes: dict[str, object], earns: bool) -> None:
    found = folded(on_purchase(condition), *newcomer(), bought("2026-10-03", 300, **changes))

    assert bool(found.earned) == earns


# One after the other -------------------------------------------------------------------------------------------------


def test_an_offer_may_ask_for_an_earlier_one() -> None:
    first = story_offer(SubjectKind.BINDING, code="first")
    second = story_offer(SubjectKind.PURCHASE, code="second", conditions=(Reached(("first",), within_days=3),))
    campaign = a_campaign(first, second)

    found = folded(
        campaign,
        *newcomer(),
        bought("2026-10-03", transaction="too-early"),
        bound("2026-10-04"),
        bought("2026-10-07T23:59", transaction="in-time"),
        bought("2026-10-08", transaction="too-late"),
    )

    assert causes(found, "second") == ["in-time"]


def test_an_offer_may_ask_for_a_purchase_elsewhere_not_long_ago() -> None:
    campaign = a_campaign(story_offer(SubjectKind.INSTALMENT, conditions=(PurchasedAt(("travel",), 7),)))
    merchants = merchants_in("travel")
    trip = bought("2026-10-03", merchant="at-travel", transaction="trip")

    none = folded(campaign, *newcomer(), instalment("2026-10-04"), merchants=merchants)
    some = folded(campaign, *newcomer(), trip, instalment("2026-10-10"), merchants=merchants)
    late = folded(campaign, *newcomer(), trip, instalment("2026-10-11"), merchants=merchants)
    back = folded(
        campaign, *newcomer(), trip, refunded("2026-10-05", "trip", 300), instalment("2026-10-06"), merchants=merchants
    )

    assert [bool(found.earned) for found in (none, some, late, back)] == [False, True, False, False]


def test_the_closing_phase_may_look_back_on_the_active_one() -> None:
    campaign = on_purchase(
        TrackRecord(Phase.ACTIVE, purchases_at_least=2, spend_below=100_000),
        Purchases(2),
        phases=(Phase.CLOSING,),
        limits=ONCE,
    )
    active = [bought("2026-10-03", 100), bought("2026-10-04", 100)]
    closing = [bought("2026-12-30", 10), bought("2026-12-31", 10)]

    assert causes(folded(campaign, *newcomer(), *active, *closing)) == ["campaign#1"]
    assert causes(folded(campaign, *newcomer(), *active[:1], *closing)) == []
    assert causes(folded(campaign, *newcomer(), *active, bought("2026-10-05", 800), *closing)) == []


# Cards ---------------------------------------------------------------------------------------------------------------


def test_activating_another_card_is_not_activating_the_new_customers_card() -> None:
    campaign = a_campaign(story_offer(SubjectKind.ACTIVATION, conditions=(NewCustomer(),), limits=ONCE))

    other = folded(
        campaign,
        approved("2026-10-02"),
        approved("2026-10-03", "card-2", new_customer=False),
        activated("2026-10-04", "card-2"),
    )
    own = folded(campaign, approved("2026-10-02"), activated("2026-10-04"))

    assert (causes(other), causes(own)) == ([], ["campaign#1"])


def test_a_flyer_is_known_from_the_approval_or_the_application_before_it() -> None:
    campaign = a_campaign(story_offer(SubjectKind.APPROVAL, conditions=(NewCustomer(), Flyer()), limits=ONCE))

    assert causes(folded(campaign, approved("2026-10-02", flyer="F1"))) == ["campaign#1"]
    assert causes(folded(campaign, applied("2026-10-01", flyer="F1"), approved("2026-10-02"))) == ["campaign#1"]
    assert causes(folded(campaign, applied("2026-10-01"), approved("2026-10-02"))) == []
    other = applied("2026-10-01", flyer="F1", product=Product.CLASSIC)
    assert causes(folded(campaign, other, approved("2026-10-02"))) == []


def test_only_listed_flyers_count_where_the_file_lists_them() -> None:
    campaign = a_campaign(story_offer(SubjectKind.APPROVAL, audience=Audience(flyer_codes=("F1",))))

    assert causes(folded(campaign, approved("2026-10-02", flyer="F1"))) == ["card-1"]
    assert causes(folded(campaign, approved("2026-10-02", flyer="F2"))) == []


def test_an_approval_said_twice_is_taken_once() -> None:
    campaign = a_campaign(story_offer(SubjectKind.APPROVAL))
    twice = approved("2026-10-05", new_customer=False)

    found = folded(campaign, approved("2026-10-02"), twice)

    assert causes(found) == ["card-1"]
    assert found.state.cards["card-1"].new_customer


def test_a_closed_card_is_remembered_as_closed() -> None:
    found = folded(a_campaign(), *newcomer(), closed("2026-10-05"))

    assert found.state.cards["card-1"].closed_at == shanghai("2026-10-05")


def on_everything() -> Campaign:
    return a_campaign(
        *(
            story_offer(kind, code=kind.value.lower())
            for kind in (SubjectKind.BINDING, SubjectKind.ACTIVATION, SubjectKind.INSTALMENT, SubjectKind.PURCHASE)
        ),
        points=RATES,
    )


def on_the_card(day: str) -> list[StoryEvent]:
    return [activated(day), bound(day), bought(day, 100, "t1"), instalment(day, name="i1")]


def test_what_happens_on_a_card_after_its_closing_brings_nothing() -> None:
    found = folded(on_everything(), approved("2026-10-02"), closed("2026-10-05"), *on_the_card("2026-10-06"))

    assert found.earned == []
    assert [points.total for points in found.points] == [0]
    assert found.state.bindings == {}


def test_what_happened_on_a_card_until_its_closing_counts_however_late_it_is_told() -> None:
    found = folded(on_everything(), approved("2026-10-02"), closed("2026-10-05"), *on_the_card("2026-10-05"))

    assert {earned.offer for earned in found.earned} == {"binding", "activation", "instalment", "purchase"}
    assert [points.total for points in found.points] == [100]


def test_another_card_earns_on_after_one_is_closed() -> None:
    found = folded(
        on_everything(),
        approved("2026-10-02"),
        approved("2026-10-03", "card-2"),
        closed("2026-10-05"),
        bought("2026-10-06", 100, "t1", card="card-2"),
    )

    assert causes(found) == ["t1"]
    assert [points.total for points in found.points] == [100]


def test_a_closed_card_makes_no_new_customer_of_its_holder() -> None:
    campaign = on_purchase(NewCustomer(), Purchases(2, each=(Spend(5_000),)))
    old = approved("2026-01-05", "card-2", new_customer=False)
    story = [old, *newcomer(), bought("2026-10-03", card="card-2"), bought("2026-10-06", card="card-2")]

    assert len(folded(campaign, *story).earned) == 1
    assert folded(campaign, *story, closed("2026-10-05")).earned == []


def test_a_card_closed_twice_was_closed_the_first_time_and_keeps_no_binding() -> None:
    found = folded(
        a_campaign(), *newcomer(), bound("2026-10-03"), closed("2026-10-05"), replace(closed("2026-10-07"), id="again")
    )

    assert found.state.cards["card-1"].closed_at == shanghai("2026-10-05")
    assert found.state.bindings == {}


def test_cards_of_another_product_earn_nothing() -> None:
    found = folded(on_purchase(), approved("2026-10-02", product=Product.PLATINUM), bought("2026-10-03"))

    assert found.earned == []


def test_a_paused_offer_earns_nothing() -> None:
    found = folded(on_purchase(paused=True), *newcomer(), bought("2026-10-03"))

    assert found.earned == []


def test_a_pack_gives_all_its_rewards_in_one_earning() -> None:
    campaign = on_purchase(rewards=(cash_coupon(500, count=3), GIFT))

    found = folded(campaign, *newcomer(), bought("2026-10-03"))

    assert [resolved.cost for resolved in found.earned[0].rewards] == [1_500, 10_000]


def test_a_transaction_or_instalment_told_twice_counts_once_as_it_was_told_first() -> None:
    again = bought("2026-10-04", 900, "t1", source="another")
    campaign = a_campaign(
        story_offer(SubjectKind.PURCHASE, conditions=(TotalSpend(100_000),)),
        story_offer(SubjectKind.INSTALMENT, code="each"),
        points=RATES,
    )

    found = folded(
        campaign,
        *newcomer(),
        bought("2026-10-03", 300, "t1"),
        again,
        instalment("2026-10-03", name="i1"),
        instalment("2026-10-04", name="i1", source="another"),
    )

    assert [(points.transaction, points.amount) for points in found.points] == [("t1", 30_000)]
    assert causes(found) == ["i1"]


def test_a_refund_told_twice_counts_once_as_it_was_told_first_another_of_the_same_purchase_counts_too() -> None:
    again = replace(refunded("2026-10-06", "t1", 90, "r1"), id="told-again")
    of_another = replace(refunded("2026-10-06", "t2", 50, "r1"), id="of-another")
    story = [*newcomer(), bought("2026-10-03", 100, "t1"), bought("2026-10-03", 100, "t2")]

    found = folded(
        points_campaign(),
        *story,
        again,
        of_another,
        refunded("2026-10-05", "t1", 40, "r1"),
        refunded("2026-10-07", "t1", 10, "r2"),
    )

    assert [(points.transaction, points.amount) for points in found.points] == [("t1", 5_000), ("t2", 5_000)]


# Merchants -----------------------------------------------------------------------------------------------------------


def test_a_merchant_counts_by_its_groups_at_that_moment_the_first_ones_from_the_beginning() -> None:
    merchants = MerchantHistory(
        [a_merchant("m", "market", at="2026-10-10"), a_merchant("m", "dining", at="2026-10-20")]
    )
    campaign = on_purchase(MerchantGroup(("market",)))
    purchases = [bought(day, merchant="m", transaction=day) for day in ("2026-10-05", "2026-10-15", "2026-10-20")]

    found = folded(campaign, *newcomer(), *purchases, merchants=merchants)

    assert causes(found) == ["2026-10-05", "2026-10-15"]
