"""The two shipped files say what the plans say: codes, figures, quotas, windows, limits."""

from datetime import date, time, timedelta
from functools import cache

import pytest

from domain.campaigns.conditions import (
    Country,
    Dormant,
    FirstPurchase,
    Flyer,
    Instalment,
    MerchantGroup,
    NewCustomer,
    Purchases,
    Rule,
    Spend,
    TotalSpend,
    Weekly,
    WithinDays,
)
from domain.campaigns.lint import Severity, forbidden
from domain.campaigns.model import (
    Apply,
    BasePoints,
    Campaign,
    Cashback,
    Choice,
    CouponReward,
    Discount,
    DrawChance,
    EntitlementReward,
    Extension,
    FeeWaiver,
    Gift,
    Holder,
    Limit,
    Offer,
    PointsBonus,
    SignUp,
    Story,
    Till,
    WaiverBasis,
)
from domain.campaigns.terms import (
    ActionKind,
    BindingProvider,
    CouponKind,
    InstalmentKind,
    OfferKind,
    OwnDate,
    Per,
    Period,
    Phase,
    Product,
    SubjectKind,
    Weekday,
)
from domain.campaigns.text import rule_text
from domain.kernel.time import day_start
from infra.campaigns.check import check
from infra.campaigns.loader import HERE, SHIPPED, load_campaign, shipped_segments

START = date(2026, 10, 1)
WEEKDAYS = (Weekday.MON, Weekday.TUE, Weekday.WED, Weekday.THU, Weekday.FRI)
WEEKEND = (Weekday.SAT, Weekday.SUN)


@cache
def campaign(name: str) -> Campaign:
    return load_campaign((HERE / name).read_text(encoding="utf-8"), file=name, starts_on=START).campaign


def a() -> Campaign:
    return campaign("smart-life.yaml")


def b() -> Campaign:
    return campaign("platinum.yaml")


def offer(code: str) -> Offer:
    found = a().offer(code) or b().offer(code)
    assert found is not None, code
    return found


def conditions(code: str, kind: type[Rule]) -> list[Rule]:
    return [rule for rule in offer(code).conditions if isinstance(rule, kind)]


def one(code: str, kind: type) -> object:
    (found,) = [reward for reward in offer(code).rewards if isinstance(reward, kind)]
    return found


def windows(code: str) -> list[tuple[tuple[Weekday, ...], time, time]]:
    return [
        (slot.days, slot.from_, slot.until)
        for rule in offer(code).when
        if isinstance(rule, Weekly)
        for slot in rule.slots
    ]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_plan_has_no_errors(name: str) -> None:
    checked = check((HERE / name).read_text(encoding="utf-8"), file=name, starts_on=START)

    assert checked.errors == ()


def test_every_offer_of_plan_a_has_its_code() -> None:
    assert {each.code for each in a().offers} == {
        "bind-gift", "first-spend", "instalment-fee", "friday", "instalment-cashback", "points-double",
        "birthday-points", "mall", "free-order", "mall-pack", "travel-ticket", "travel-hotel", "everyday-20-5",
        "everyday-100-20", "wake-up-draw", "come-back-pack", "flyer", "weekly-push", "extension", "two-more",
    }  # fmt: skip
    assert {draw.code for draw in a().draws} == {"free-order", "wake-up"}


def test_every_offer_of_plan_b_has_its_code() -> None:
    assert {each.code for each in b().offers} == {
        "suitcase", "lounge-visits", "weekday-dining", "weekend-shopping", "evening-leisure", "points-platinum",
        "birthday", "overseas-fee", "overseas-hotel", "club-wine", "club-art", "club-tour",
    }  # fmt: skip


def test_the_merchant_groups_are_those_of_the_contract() -> None:
    groups = {group.code for plan in (a(), b()) for group in plan.groups}

    assert groups == {
        "friday-market", "friday-dining", "mall", "travel", "everyday", "come-back", "dining", "shopping", "leisure",
        "points-online",
    }  # fmt: skip


def test_phases_are_ten_ninety_and_seven_days() -> None:
    phases = a().phases

    assert phases.starts_at == day_start(START)
    assert phases.starts_at - phases.warm_up_at == timedelta(days=10)
    assert phases.ends_at - phases.starts_at == timedelta(days=90)
    assert phases.closes_at - phases.ends_at == timedelta(days=7)


def test_audiences_are_the_plans_cards() -> None:
    assert a().audience.products == (Product.CLASSIC, Product.GOLD)
    assert b().audience.products == (Product.PLATINUM,)


def test_the_budget_of_plan_a_is_the_plans() -> None:
    lines = {line.code: line.amount // 100 for line in a().budget.lines}

    assert a().budget.total == 500_000_000
    assert lines == {
        "rewards": 2_500_000,
        "promotion": 1_500_000,
        "merchants": 800_000,
        "people": 150_000,
        "reserve": 50_000,
    }


@pytest.mark.parametrize(
    ("code", "quota"),
    [("bind-gift", 100_000), ("first-spend", 50_000), ("friday", 50_000), ("instalment-cashback", 20_000)],
)
def test_a_quota_is_the_plans(code: str, quota: int) -> None:
    assert offer(code).quota == quota


def test_a1_binding_within_30_days_gives_10_yuan_of_phone_credit() -> None:
    gift = one("bind-gift", CouponReward)

    assert offer("bind-gift").trigger == Story(SubjectKind.BINDING)
    assert conditions("bind-gift", NewCustomer)
    assert conditions("bind-gift", WithinDays) == [WithinDays(30, OwnDate.APPROVAL)]
    assert (gift.kind, gift.value) == (CouponKind.TOP_UP, 1_000)
    assert offer("bind-gift").action_kind is ActionKind.BIND
    assert {found.value for found in BindingProvider} == {"WECHAT", "ALIPAY"}


def test_a2_the_first_purchase_of_300_lets_choose_a_coupon_or_a_cup() -> None:
    choice = one("first-spend", Choice)

    assert conditions("first-spend", FirstPurchase) == [FirstPurchase(OwnDate.APPROVAL, 30_000)]
    assert choice.choose_within_days == 30
    assert [(type(option), option.value) for option in choice.options] == [(CouponReward, 10_000), (Gift, 10_000)]


def test_a3_waives_a_fifth_of_the_first_instalments_fee() -> None:
    assert one("instalment-fee", FeeWaiver) == FeeWaiver(WaiverBasis.INSTALMENT_FEE, 200_000)
    assert conditions("instalment-fee", Instalment) == [Instalment((InstalmentKind.BILL,), 300_000, first=True)]
    assert offer("instalment-fee").phases == (Phase.ACTIVE,)


def test_a4_friday_takes_50_off_200_once_a_card_and_day() -> None:
    assert windows("friday") == [((Weekday.FRI,), time(10), time(22))]
    assert conditions("friday", MerchantGroup) == [MerchantGroup(("friday-market", "friday-dining"))]
    assert conditions("friday", Spend) == [Spend(20_000)]
    assert offer("friday").limits == (Limit(Per.CARD, Period.DAY, 1),)
    assert offer("friday").rewards == (Discount(off=5_000),)


def test_a5_gives_one_percent_back_at_most_100_yuan() -> None:
    back = one("instalment-cashback", Cashback)

    assert (back.ppm, back.cap) == (10_000, 10_000)
    assert conditions("instalment-cashback", Instalment) == [Instalment((), 500_000, 12)]


def test_a6_and_b7_add_up_to_the_plans_bonuses() -> None:
    assert offer("points-double").rewards == (PointsBonus(1_000_000),)
    assert offer("birthday-points").rewards == (PointsBonus(500_000),)
    assert one("birthday", PointsBonus) == PointsBonus(1_000_000)


def test_a7_weekends_at_the_malls_take_100_off_500() -> None:
    assert windows("mall") == [(WEEKEND, time(), time())]
    assert conditions("mall", Spend) == [Spend(50_000)]
    assert offer("mall").rewards == (Discount(off=10_000),)


def test_a8_and_a12_give_a_chance_in_their_draws() -> None:
    assert one("free-order", DrawChance).draw == "free-order"
    assert one("wake-up-draw", DrawChance).draw == "wake-up"


def test_a10_travel_takes_30_off_tickets_and_150_off_hotels_of_800() -> None:
    assert offer("travel-ticket").rewards == (Discount(off=3_000),)
    assert offer("travel-hotel").rewards == (Discount(off=15_000),)
    assert conditions("travel-hotel", Spend) == [Spend(80_000)]


@pytest.mark.parametrize(
    ("code", "least", "value"), [("everyday-20-5", 2_000, 500), ("everyday-100-20", 10_000, 2_000)]
)
def test_a11_everyday_coupons_are_claimed(code: str, least: int, value: int) -> None:
    coupon = one(code, CouponReward)

    assert (coupon.kind, coupon.min_spend, coupon.value) == (CouponKind.THRESHOLD, least, value)
    assert offer(code).action_kind is ActionKind.CLAIM


def test_a12_wakes_a_dormant_customer_with_100_within_7_days() -> None:
    assert conditions("wake-up-draw", Dormant) == [Dormant(6)]
    assert conditions("wake-up-draw", FirstPurchase) == [FirstPurchase(OwnDate.ACTIVATION, 10_000, 7)]


def test_a12_every_draw_wins() -> None:
    draw = a().draw("wake-up")

    assert draw is not None
    assert all(prize.reward is not None for prize in draw.prizes)
    assert draw.consolation is not None
    assert draw.consolation.stock is None


@pytest.mark.parametrize("code", ["wake-up", "free-order"])
def test_odds_make_a_million(code: str) -> None:
    draw = a().draw(code)

    assert draw is not None
    assert sum(prize.odds_ppm for prize in draw.prizes) == 1_000_000


def test_a13_gives_three_repayment_coupons_and_one_for_the_named_merchants() -> None:
    found = [
        (reward.kind, reward.count, reward.value, reward.min_spend, reward.valid.days)
        for reward in offer("come-back-pack").rewards
        if isinstance(reward, CouponReward)
    ]

    assert found == [(CouponKind.REPAYMENT, 3, 500, 0, 15), (CouponKind.THRESHOLD, 1, 1_000, 5_000, 15)]
    assert offer("come-back-pack").trigger == Story(SubjectKind.ACTIVATION)


def test_a15_a_flyers_code_gives_20_yuan_of_phone_credit_once() -> None:
    coupon = one("flyer", CouponReward)

    assert conditions("flyer", Flyer) == [Flyer()]
    assert (coupon.kind, coupon.value) == (CouponKind.TOP_UP, 2_000)
    assert offer("flyer").limits == (Limit(Per.CUSTOMER, Period.CAMPAIGN, 1),)


def test_a16_the_closing_phase_extends_by_30_days_and_asks_for_two_more() -> None:
    assert offer("extension").phases == offer("two-more").phases == (Phase.CLOSING,)
    assert one("extension", Extension).days == 30
    assert offer("extension").audience.segments == ("premium",)
    assert conditions("two-more", Purchases) == [Purchases(2)]
    assert one("two-more", CouponReward).value == 5_000


def test_b1_three_purchases_of_999_within_30_days_give_a_suitcase() -> None:
    assert conditions("suitcase", Purchases) == [Purchases(3, (Spend(99_900),))]
    assert conditions("suitcase", WithinDays) == [WithinDays(30, OwnDate.APPROVAL)]
    assert one("suitcase", Gift).needs_address


def test_b2_gives_six_visits_to_the_cardholder() -> None:
    visits = one("lounge-visits", EntitlementReward)

    assert (visits.total, visits.holder) == (6, Holder.CARDHOLDER)
    assert offer("lounge-visits").trigger == Story(SubjectKind.ACTIVATION)


@pytest.mark.parametrize(
    ("code", "slot", "least", "off", "times"),
    [
        ("weekday-dining", (WEEKDAYS, time(), time()), 30_000, 10_000, 2),
        ("weekend-shopping", (WEEKEND, time(), time()), 50_000, 20_000, 2),
        ("evening-leisure", (tuple(Weekday), time(19), time(22)), 20_000, 5_000, 3),
    ],
)
def test_b3_to_b5_take_off_so_often_a_month(
    code: str, slot: tuple[tuple[Weekday, ...], time, time], least: int, off: int, times: int
) -> None:
    assert windows(code) == [slot]
    assert conditions(code, Spend) == [Spend(least)]
    assert offer(code).rewards == (Discount(off=off),)
    assert [(limit.period, limit.max) for limit in offer(code).limits] == [(Period.MONTH, times)]


def test_b6_base_rates_are_one_two_and_three_points_a_yuan() -> None:
    rates = [(rate.products, rate.per_yuan, rate.merchant_groups) for plan in (a(), b()) for rate in plan.points]

    assert rates == [
        ((Product.CLASSIC, Product.GOLD), 1, ()),
        ((Product.PLATINUM,), 2, ()),
        ((Product.PLATINUM,), 3, ("points-online",)),
    ]
    assert offer("points-platinum").rewards == (BasePoints(),)


def test_b7_gives_one_gift_a_year() -> None:
    assert one("birthday", Gift)
    assert offer("birthday").limits == (Limit(Per.CUSTOMER, Period.YEAR, 1),)


def test_b8_waives_one_percent_of_purchases_abroad() -> None:
    assert one("overseas-fee", FeeWaiver) == FeeWaiver(WaiverBasis.PURCHASE_AMOUNT, 10_000)
    assert conditions("overseas-fee", Country) == [Country(abroad=True)]


def test_b9_is_applied_for_once_purchases_abroad_reach_a_figure() -> None:
    (spend,) = conditions("overseas-hotel", TotalSpend)

    assert isinstance(offer("overseas-hotel").trigger, Apply)
    assert spend.each == (Country(abroad=True),)


@pytest.mark.parametrize("code", ["club-wine", "club-art", "club-tour"])
def test_b10_the_club_has_places_and_a_waiting_list(code: str) -> None:
    trigger = offer(code).trigger

    assert isinstance(trigger, SignUp)
    assert trigger.waiting_list
    assert offer(code).quota
    assert offer(code).kind is OfferKind.EVENT


def test_discounts_are_the_tills() -> None:
    till = {each.code for plan in (a(), b()) for each in plan.offers if isinstance(each.trigger, Till)}

    assert till == {
        "friday", "mall", "travel-ticket", "travel-hotel", "weekday-dining", "weekend-shopping", "evening-leisure"
    }  # fmt: skip


def test_the_fridays_quota_fits_its_budget_line_to_the_fen() -> None:
    friday = offer("friday")
    line = next(each for each in a().budget.lines if each.code == friday.line)
    others = [each.code for each in a().offers if each.line == friday.line and each is not friday]

    assert (friday.quota or 0) * 5_000 == line.amount
    assert others == []


@pytest.mark.parametrize("name", SHIPPED)
def test_no_shipped_file_holds_the_syllable_of_a_superlative(name: str) -> None:
    text = (HERE / name).read_text(encoding="utf-8")

    assert not [word for word in ("最", "第一", "顶级", "唯一", "best") if word in text]


def test_no_rule_text_of_a_shipped_offer_holds_a_superlative() -> None:
    """The generated words are advertising too."""
    found = [
        (each.code, words)
        for plan in (a(), b())
        for each in plan.offers
        for text in [rule_text(each, plan)]
        for words in (text.text, *text.disclaimers)
        if any(severity is Severity.ERROR for language in (words.zh, words.en) for severity, _ in forbidden(language))
    ]

    assert found == []


def test_the_segments_are_the_plans() -> None:
    assert [rule.code for rule in shipped_segments()] == ["white-collar", "family", "premium", "dormant"]
