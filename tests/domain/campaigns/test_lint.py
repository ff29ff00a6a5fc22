"""What lint says of a plan, and what it leaves alone."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaigns.conditions import (
    Instalment,
    MerchantGroup,
    Months,
    Purchases,
    Reached,
    Slot,
    Spend,
    Weekly,
)
from domain.campaigns.lint import PRIZE_LIMIT, Finding, Severity, forbidden, lint, lint_change
from domain.campaigns.model import (
    Audience,
    Budget,
    BudgetLine,
    Campaign,
    Cashback,
    Discount,
    Draw,
    DrawChance,
    Gift,
    Limit,
    Offer,
    PointsBonus,
    Prize,
    Reward,
    SignUp,
    Stacking,
    Till,
    Validity,
)
from domain.campaigns.model import Place as PlaceReward
from domain.campaigns.terms import CouponKind, DeliveryKind, Per, Period, Phase, Product, SubjectKind, Weekday
from domain.kernel.time import Interval
from domain.kernel.words import Words
from tests.builders.campaigns import a_campaign, an_offer, called, cash_coupon, shanghai, story_offer

ONCE = (Limit(Per.CUSTOMER, Period.CAMPAIGN, 1),)
RATES = Words("手续费率每期0.60%，折合年化利率（单利）约13.0%", "0.60 % a period, about 13.0 % a year")
ACTIVE = shanghai("2026-10-10")


def claimed(code: str = "gift", **changes: Any) -> Offer:
    return an_offer(code, **({"limits": ONCE} | changes))


def at_till(code: str = "cup", **changes: Any) -> Offer:
    parts: dict[str, Any] = {"trigger": Till(), "conditions": (Spend(20_000),)}
    return an_offer(code, Discount(off=1_000), **(parts | changes))


def a_draw(*prizes: Prize, code: str = "kettles") -> Draw:
    return Draw(code, called(code), prizes or (a_prize(1_000_000),), "rewards")


def a_prize(odds: int, code: str = "kettle", **changes: Any) -> Prize:
    parts: dict[str, Any] = {"stock": None, "value": 0, "reward": None}
    return Prize(code, called(code), odds, **(parts | changes))


def chance() -> Offer:
    return an_offer("chance", DrawChance("kettles", 30), line=None, limits=ONCE)


def drawing(*prizes: Prize) -> Campaign:
    return a_campaign(chance(), draws=(a_draw(*prizes),))


def errors(campaign: Campaign) -> list[str]:
    return [found.path for found in lint(campaign) if found.severity is Severity.ERROR]


def warnings(campaign: Campaign) -> list[str]:
    return [found.path for found in lint(campaign) if found.severity is Severity.WARNING]


def test_a_sound_plan_has_no_errors() -> None:
    assert errors(a_campaign(claimed(), at_till())) == []


def test_a_finding_has_the_line_of_its_path_or_of_the_nearest_around_it() -> None:
    campaign = a_campaign(claimed(title=Words("最好的礼物", "gift")))

    assert [found.line for found in lint(campaign, {"offers[0]": 7}) if found.path.endswith("zh")] == [7]
    assert [found.line for found in lint(campaign, {"offers[0].title.zh": 9}) if found.path.endswith("zh")] == [9]
    assert [found.line for found in lint(campaign, {}) if found.path.endswith("zh")] == [1]


# Wording ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["全城最低价", "最好的礼物", "第一品牌", "国家级享受", "世界级服务", "顶级餐厅", "销量冠军", "唯一的选择",
     "全网底价", "NO.1", "本行拥有最终解释权", "解释权归本行",
     "The best tea in town", "the cheapest hotels", "number one"],
)  # fmt: skip
def test_a_superlative_is_an_error(text: str) -> None:
    assert Severity.ERROR in [severity for severity, _ in forbidden(text)]


@pytest.mark.parametrize(
    "text",
    ["最高返100元", "最多可领3张", "最后一天", "最后3天", "最终到账金额", "最近一次消费", "第一次消费",
     "第一笔分期", "第一天", "第一周", "唯一码", "at most 100 yuan back", "first purchase", "best before 2027"],
)  # fmt: skip
def test_bounds_and_points_in_time_are_no_superlatives(text: str) -> None:
    assert forbidden(text) == []


def test_a_superlative_beside_an_innocent_word_is_still_found() -> None:
    assert [word for _, word in forbidden("第一次来最好的店")] == ["最"]


@given(st.text(max_size=30))
def test_any_text_can_be_looked_at(text: str) -> None:
    forbidden(text)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"title": Words("最好", "x")}, "offers[0].title.zh"),
        ({"subtitle": Words("x", "the best")}, "offers[0].subtitle.en"),
        ({"notes": (Words("最好", "x"),)}, "offers[0].notes[0].zh"),
        ({"tags": ("最热",)}, "offers[0].tags[0].zh"),
        ({"rewards": (cash_coupon(title=Words("最好", "x")),)}, "offers[0].rewards[0].zh"),
    ],
)
def test_every_text_a_customer_reads_is_looked_at(changes: dict[str, Any], path: str) -> None:
    assert errors(a_campaign(replace(claimed(), **changes))) == [path]


# Draws ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("odds", [999_999, 0])
def test_odds_below_a_million_are_an_error(odds: int) -> None:
    assert "draws[0].prizes" in errors(drawing(a_prize(odds)))


def test_odds_above_a_million_are_an_error() -> None:
    assert errors(drawing(a_prize(600_000), a_prize(600_000, "pot"))) == ["draws[0].prizes"]


def test_a_prize_of_50000_yuan_is_allowed_and_one_fen_more_is_not() -> None:
    assert errors(drawing(a_prize(1_000_000, value=PRIZE_LIMIT))) == []
    assert errors(drawing(a_prize(1_000_000, value=PRIZE_LIMIT + 1))) == ["draws[0].prizes[0].value"]


def test_stock_without_a_consolation_is_a_warning() -> None:
    assert "draws[0].prizes" in warnings(drawing(a_prize(1_000_000, stock=5)))
    assert "draws[0].prizes" not in warnings(
        drawing(a_prize(1_000, stock=5), a_prize(999_000, "thanks", consolation=True))
    )


def test_a_consolation_that_can_run_out_is_a_warning() -> None:
    assert warnings(drawing(a_prize(1_000_000, stock=5, consolation=True))) == ["draws[0].prizes[0].stock"]


def test_a_draw_without_chances_is_a_warning() -> None:
    assert "draws[0].code" in warnings(a_campaign(claimed(), draws=(a_draw(),)))


# Disclaimers ------------------------------------------------------------------------------------------------------


def test_an_instalment_offer_discloses_its_annualised_rate() -> None:
    bare = story_offer(SubjectKind.INSTALMENT, conditions=(Instalment(at_least=300_000),), limits=ONCE)

    assert errors(a_campaign(bare)) == ["offers[0].notes"]
    assert errors(a_campaign(replace(bare, notes=(RATES,)))) == []


def test_words_without_a_figure_disclose_nothing() -> None:
    vague = story_offer(SubjectKind.INSTALMENT, limits=ONCE, notes=(Words("年化利率以页面为准", "see the page"),))

    assert errors(a_campaign(vague)) == ["offers[0].notes"]


# Firing -----------------------------------------------------------------------------------------------------------


def test_an_offer_outside_its_phases_never_runs() -> None:
    late = Interval(shanghai("2027-01-01"), shanghai("2027-01-02"))

    assert errors(a_campaign(claimed(between=late))) == ["offers[0].between"]
    assert errors(a_campaign(claimed(between=late, phases=(Phase.CLOSING,)))) == []


def test_a_window_that_never_opens_is_an_error() -> None:
    assert errors(a_campaign(claimed(when=(Months((6,)),)))) == ["offers[0].when"]
    assert errors(a_campaign(claimed(when=(Months((12,)),)))) == []


def test_two_windows_that_never_open_together_are_an_error() -> None:
    weekend = Weekly((Slot((Weekday.SAT,)),))
    friday = Weekly((Slot((Weekday.FRI,)),))

    assert errors(a_campaign(claimed(when=(weekend, friday)))) == ["offers[0].when"]


def test_a_window_among_the_conditions_is_looked_at_too() -> None:
    assert errors(a_campaign(claimed(conditions=(Months((6,)),)))) == ["offers[0].if[0]"]


@pytest.mark.parametrize("condition", [Spend(100), MerchantGroup(("mall",)), Instalment()])
def test_a_claim_looks_at_no_payment(condition: Any) -> None:
    found = errors(a_campaign(claimed(conditions=(condition,), notes=(RATES,))))

    assert found == ["offers[0].if[0]"]


def test_a_claim_may_count_payments() -> None:
    assert errors(a_campaign(claimed(conditions=(Purchases(3, (Spend(100),)),)))) == []


def test_a_points_bonus_looks_at_payments_whatever_its_trigger() -> None:
    bonus = an_offer("bonus", PointsBonus(500_000), conditions=(MerchantGroup(("mall",)),), line=None)

    assert errors(a_campaign(bonus)) == []


def test_a_gift_beside_a_points_bonus_still_looks_at_no_payment() -> None:
    both = an_offer("both", PointsBonus(500_000), cash_coupon(), conditions=(MerchantGroup(("mall",)),), limits=ONCE)

    assert errors(a_campaign(both)) == ["offers[0].if[0]"]


def test_an_offer_cannot_wait_for_itself_or_for_a_claim() -> None:
    waits = story_offer(SubjectKind.PURCHASE, code="waits", limits=ONCE)

    assert errors(a_campaign(replace(waits, conditions=(Reached(("waits",)),)))) == ["offers[0].if[0]"]
    assert errors(a_campaign(replace(waits, conditions=(Reached(("gift",)),)), claimed())) == ["offers[0].if[0]"]


def test_cards_outside_the_campaigns_audience_are_an_error() -> None:
    assert errors(a_campaign(claimed(audience=Audience(products=(Product.PLATINUM,))))) == ["offers[0].audience"]


def test_an_amount_that_cannot_be_is_an_error() -> None:
    assert errors(a_campaign(at_till(conditions=(Spend(20_000), Spend(0, 10_000))))) == ["offers[0].if"]


def test_a_discount_as_large_as_the_payment_is_a_warning() -> None:
    assert "offers[0].rewards" in warnings(a_campaign(at_till(conditions=(Spend(999),))))
    assert "offers[0].rewards" not in warnings(a_campaign(at_till(conditions=(Spend(1_000),))))


def test_places_cannot_be_given_back_after_the_beginning() -> None:
    begins = shanghai("2026-11-01T19:00")
    evening = PlaceReward(called("evening"), begins, called("here"))

    late = an_offer("evening", evening, trigger=SignUp(cancel_by=shanghai("2026-11-02")), quota=9, limits=ONCE)
    early = replace(late, trigger=SignUp(cancel_by=begins))

    assert errors(a_campaign(late)) == ["offers[0].trigger"]
    assert errors(a_campaign(early)) == []


# For everybody by accident ----------------------------------------------------------------------------------------


def test_a_claim_without_limit_or_quota_is_an_error() -> None:
    assert errors(a_campaign(an_offer())) == ["offers[0].trigger"]
    assert errors(a_campaign(an_offer(quota=100))) == []


def test_every_event_earning_it_without_limit_is_a_warning() -> None:
    assert "offers[0].trigger" in warnings(a_campaign(story_offer(SubjectKind.PURCHASE)))
    assert "offers[0].trigger" not in warnings(a_campaign(story_offer(SubjectKind.PURCHASE, limits=ONCE)))


def test_a_limit_that_a_wider_one_overtakes_is_a_warning() -> None:
    limits = (Limit(Per.CUSTOMER, Period.DAY, 3), Limit(Per.CUSTOMER, Period.MONTH, 2))

    assert "offers[0].limits[0]" in warnings(a_campaign(claimed(limits=limits)))
    assert "offers[0].limits[1]" in warnings(a_campaign(claimed(limits=limits[::-1])))


def test_a_limit_above_the_quota_is_a_warning() -> None:
    limits = (Limit(Per.CUSTOMER, Period.CAMPAIGN, 11),)

    assert warnings(a_campaign(claimed(limits=limits, quota=10))) == ["offers[0].limits[0].max"]


# Budget -----------------------------------------------------------------------------------------------------------


def budget(amount: int) -> Budget:
    return Budget(amount, (BudgetLine("rewards", amount),))


def test_quotas_that_a_line_cannot_pay_are_a_warning() -> None:
    offer = claimed(rewards=(cash_coupon(1_000),), quota=10)

    assert warnings(a_campaign(offer, budget=budget(9_999))) == ["budget.lines.rewards"]
    assert warnings(a_campaign(offer, budget=budget(10_000))) == []


def test_what_only_the_line_bounds_is_a_warning() -> None:
    assert warnings(a_campaign(claimed(quota=None), budget=budget(10**9))) == ["budget.lines.rewards"]


def test_prizes_count_against_the_draws_line() -> None:
    prize = a_prize(1_000, stock=10, reward=cash_coupon(1_000))
    campaign = drawing(prize, a_prize(999_000, "thanks", consolation=True))

    assert "budget.lines.rewards" in warnings(replace(campaign, budget=budget(9_999)))
    assert "budget.lines.rewards" not in warnings(replace(campaign, budget=budget(10_000)))


# Overlaps ---------------------------------------------------------------------------------------------------------


def on(*days: Weekday) -> tuple[Weekly]:
    return (Weekly((Slot(days),)),)


def at(group: str) -> tuple[Spend, MerchantGroup]:
    return Spend(20_000), MerchantGroup((group,))


def test_discounts_that_meet_and_do_not_stack_are_a_warning() -> None:
    assert warnings(a_campaign(at_till("one", quota=1), at_till("two", quota=1))) == ["offers[0].stacking"]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"stacking": Stacking(stackable=True)}, {}),
        ({"conditions": at("mall")}, {"conditions": at("tea")}),
        ({"when": on(Weekday.FRI)}, {"when": on(Weekday.SAT)}),
        ({"phases": (Phase.CLOSING,)}, {}),
        ({"audience": Audience(products=(Product.GOLD,))}, {"audience": Audience(products=(Product.CLASSIC,))}),
    ],
)
def test_discounts_that_stack_or_never_meet_are_left_alone(one: dict[str, Any], two: dict[str, Any]) -> None:
    assert warnings(a_campaign(at_till("one", quota=1, **one), at_till("two", quota=1, **two))) == []


def test_an_exclusion_group_excludes_stackable_offers_too() -> None:
    together = Stacking(stackable=True, exclusion_group="tea")

    found = warnings(a_campaign(at_till("one", quota=1, stacking=together), at_till("two", quota=1, stacking=together)))

    assert found == ["offers[0].stacking"]


# A draw that runs -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "after",
    [
        (a_prize(1_000, stock=9, value=100), a_prize(999_000, "thanks", consolation=True)),
        (a_prize(999, stock=10, value=100), a_prize(999_001, "thanks", consolation=True)),
        (a_prize(1_000, stock=10, value=99), a_prize(999_000, "thanks", consolation=True)),
        (a_prize(1_000_000, "thanks", consolation=True),),
    ],
)
def test_a_running_draw_is_not_changed_to_the_customers_disadvantage(after: tuple[Prize, ...]) -> None:
    before = drawing(a_prize(1_000, stock=10, value=100), a_prize(999_000, "thanks", consolation=True))

    assert lint_change(before, drawing(*after), ACTIVE)
    assert lint_change(before, drawing(*after), shanghai("2026-09-25")) == []


def test_a_running_draw_may_become_better() -> None:
    before = drawing(a_prize(1_000, stock=10, value=100), a_prize(999_000, "thanks", consolation=True))
    after = drawing(a_prize(2_000, stock=None, value=200), a_prize(998_000, "thanks", consolation=True))

    assert lint_change(before, after, ACTIVE) == []


COUPON = cash_coupon(2_000, merchant_groups=("mall",), valid=Validity(days=30))
BACK = Cashback("back", called("back"), 500_000, 10_000, Validity(days=30))
CARD = Gift("card", called("card"), DeliveryKind.JD_ECARD, 5_000, sku="jd-50")


@pytest.mark.parametrize(
    ("before", "later"),
    [
        (COUPON, None),
        (COUPON, CARD),
        (COUPON, replace(COUPON, value=1_999)),
        (COUPON, replace(COUPON, min_spend=1)),
        (COUPON, replace(COUPON, merchant_groups=("tea",))),
        (COUPON, replace(COUPON, valid=Validity(days=29))),
        (COUPON, replace(COUPON, valid=Validity(days=30, until=ACTIVE))),
        (COUPON, replace(COUPON, kind=CouponKind.REPAYMENT)),
        (replace(COUPON, merchant_groups=()), COUPON),
        (replace(COUPON, count=2), COUPON),
        (BACK, replace(BACK, ppm=499_999)),
        (BACK, replace(BACK, cap=9_999)),
        (replace(BACK, cap=None), BACK),
        (CARD, replace(CARD, sku="jd-20")),
        (CARD, replace(CARD, value=4_999)),
    ],
)
def test_a_prize_of_a_running_draw_delivers_no_less_under_the_same_value(before: Reward, later: Reward | None) -> None:
    def with_reward(reward: Reward | None) -> Campaign:
        return drawing(a_prize(1_000, value=100, reward=reward), a_prize(999_000, "thanks", consolation=True))

    assert lint_change(with_reward(before), with_reward(later), ACTIVE)
    if later is not None:
        assert lint_change(with_reward(before), with_reward(before), ACTIVE) == []


@pytest.mark.parametrize(
    ("before", "later"),
    [
        (None, COUPON),
        (COUPON, replace(COUPON, value=2_001, merchant_groups=("mall", "tea"), valid=Validity(days=31), cost=5)),
        (COUPON, replace(COUPON, merchant_groups=(), title=called("other words"))),
        (BACK, replace(BACK, ppm=1_000_000, cap=None)),
        (CARD, replace(CARD, title=called("other words"), cost=1)),
    ],
)
def test_a_prize_of_a_running_draw_may_deliver_more(before: Reward | None, later: Reward) -> None:
    rest = a_prize(999_000, "thanks", consolation=True)

    assert (
        lint_change(drawing(a_prize(1_000, reward=before), rest), drawing(a_prize(1_000, reward=later), rest), ACTIVE)
        == []
    )


def test_the_consolation_of_a_running_draw_is_not_replaced_by_less() -> None:
    before = drawing(a_prize(1_000, value=100), a_prize(999_000, "tea", value=50, consolation=True))
    without = drawing(a_prize(1_000, value=100), a_prize(999_000, "tea", value=50))
    cheaper = drawing(
        a_prize(1_000, value=100), a_prize(999_000, "tea", value=50), a_prize(0, "thanks", consolation=True)
    )

    assert lint_change(before, without, ACTIVE)
    assert lint_change(before, cheaper, ACTIVE)
    assert lint_change(before, before, ACTIVE) == []


def test_a_running_draw_cannot_be_taken_away() -> None:
    assert lint_change(drawing(), a_campaign(chance()), ACTIVE)


def test_findings_come_in_the_order_of_the_file() -> None:
    campaign = a_campaign(an_offer("one"), an_offer("two"))

    found: list[Finding] = lint(campaign, {"offers[0]": 20, "offers[1]": 10})

    assert [each.line for each in found if each.path.endswith("trigger")] == [10, 20]


def test_a_coupon_for_a_threshold_is_no_finding() -> None:
    coupon = cash_coupon(500, kind=CouponKind.THRESHOLD, min_spend=2_000, valid=Validity(days=7))

    assert errors(a_campaign(claimed(rewards=(coupon,)))) == []
