"""The rule text says everything a customer must know, and its figures are the rule's own."""

import re
from datetime import time
from typing import Any

import pytest

from domain.campaigns.conditions import FirstPurchase, Flyer, MerchantGroup, NewCustomer, Purchases, Slot, Spend, Weekly
from domain.campaigns.facts import Naming
from domain.campaigns.model import (
    Apply,
    Audience,
    BasePoints,
    Cashback,
    Choice,
    CouponReward,
    Discount,
    Draw,
    DrawChance,
    EntitlementReward,
    Extension,
    FeeWaiver,
    Gift,
    Limit,
    Message,
    Notice,
    Offer,
    Place,
    PointsBonus,
    PointsRate,
    Prize,
    ReturnOn,
    Returns,
    Reward,
    Schedule,
    SignUp,
    Stacking,
    Till,
    Validity,
    WaiverBasis,
)
from domain.campaigns.terms import CouponKind, DeliveryKind, OwnDate, Per, Period, Phase, Product, SubjectKind, Weekday
from domain.campaigns.text import INSTALMENT, LIMITED, RuleText, reward_words, rule_text
from domain.kernel.words import Words
from tests.builders.campaigns import a_campaign, an_offer, called, cash_coupon, shanghai, story_offer

NAMES = Naming(
    groups={"market": Words("合作商超", "partner supermarkets")}, segments={"family": Words("家庭客群", "Family")}
)


def text_of(offer: Offer, **changes: Any) -> RuleText:
    return rule_text(offer, a_campaign(offer, **changes), NAMES)


def figures(text: str) -> list[str]:
    """Every number of a text, without the line numbers; times of day whole."""
    without_lines = re.sub(r"(?m)^\d+\. ", "", text)
    return re.findall(r"\d+(?:[.:]\d+)?", without_lines)


FRIDAY = an_offer(
    "friday",
    Discount(off=5_000),
    trigger=Till(),
    when=(Weekly((Slot((Weekday.FRI,), time(10), time(22)),)),),
    conditions=(MerchantGroup(("market",)), Spend(20_000)),
    limits=(Limit(Per.CARD, Period.DAY, 1),),
    quota=50_000,
)


def test_a_till_offer_reads_as_the_plan_says_it() -> None:
    found = text_of(FRIDAY)

    assert found.text.zh.splitlines() == [
        "1. 活动时间：2026年10月1日00:00至2026年12月30日00:00（不含），周五10:00-22:00（不含22:00整）（北京时间）。",
        "2. 参与对象：普卡、金卡持卡人。",
        "3. 参与方式：付款时立减，须同时满足：在合作商超消费；单笔消费满200元。",
        "4. 权益内容：立减50元。",
        "5. 次数限制：每卡每日限1次。",
        "6. 名额：共50000份。",
        "7. 不与本活动其他立减同享，系统自动选择优惠金额较大的一项。",
        "8. 全额退货后恢复同笔使用的优惠券、参与次数、名额，部分退货不恢复。",
    ]
    assert found.disclaimers == (LIMITED,)


def test_the_figures_of_the_text_are_the_rules_own() -> None:
    """Read back from the text, in order: window ends, hours, threshold, discount, limit, quota."""
    found = text_of(FRIDAY)

    dates = ["2026", "10", "1", "00:00", "2026", "12", "30", "00:00"]
    assert figures(found.text.zh) == [*dates, "10:00", "22:00", "22:00", "200", "50", "1", "50000"]
    english_dates = ["1", "2026", "00:00", "30", "2026", "00:00"]
    assert figures(found.text.en) == [*english_dates, "10:00", "22:00", "22:00", "200", "50", "1", "50000"]


COUPON = CouponReward(
    "c",
    CouponKind.THRESHOLD,
    called("c"),
    2_050,
    Validity(days=15),
    min_spend=10_000,
    merchant_groups=("market",),
    count=3,
)
GIFT = Gift("g", called("g"), DeliveryKind.PARCEL, 19_900)
REWARDS: list[tuple[Reward, list[str]]] = [
    (COUPON, ["3", "20.50", "100", "15"]),
    (cash_coupon(800, valid=Validity(until=shanghai("2026-12-31T18:30"))), ["8", "31", "2026", "18:30"]),
    (GIFT, ["199"]),
    (Choice((COUPON, GIFT), 30), ["1", "2", "30", "3", "20.50", "100", "15", "199"]),
    (PointsBonus(500_000), ["50"]),
    (Cashback("b", called("b"), 12_500, 10_000, Validity(days=90)), ["1.25", "100", "90"]),
    (Cashback("b", called("b"), 10_000, None, Validity(days=90)), ["1", "90"]),
    (FeeWaiver(WaiverBasis.INSTALMENT_FEE, 200_000), ["20"]),
    (FeeWaiver(WaiverBasis.PURCHASE_AMOUNT, 10_000), ["1"]),
    (DrawChance("d", 7, 2), ["2", "7"]),
    (EntitlementReward("v", called("v"), 6, Validity(days=365)), ["6", "365"]),
    (Extension(30), ["30"]),
    (Message(called("m"), called("m")), []),
    (Discount(ppm=150_000, cap=8_800), ["15", "88"]),
    (Place(called("p"), shanghai("2026-11-14T19:00"), called("w")), ["14", "2026", "19:00"]),
    (BasePoints(), ["2", "1", "3", "1"]),
]


@pytest.mark.parametrize(("reward", "expected"), REWARDS, ids=lambda value: type(value).__name__)
def test_every_figure_of_a_reward_stands_in_its_words(reward: Reward, expected: list[str]) -> None:
    rates = (PointsRate((Product.GOLD,), 2), PointsRate((Product.GOLD,), 3, ("market",)))
    words = reward_words(reward, a_campaign(points=rates), NAMES)

    assert figures(words.en) == expected
    assert set(expected) <= set(figures(words.zh))
    assert not re.search(r"[\u4e00-\u9fff]", words.en)


def test_every_kind_of_reward_is_tried() -> None:
    assert {type(reward) for reward, _ in REWARDS} == set(Reward.__args__)  # type: ignore[attr-defined]


def test_a_group_is_called_by_its_title_never_by_its_code() -> None:
    words = reward_words(COUPON, a_campaign(), NAMES)

    assert "合作商超" in words.zh
    assert "market" not in words.en.replace("supermarkets", "")


def test_who_how_and_how_often_are_said() -> None:
    offer = story_offer(
        SubjectKind.PURCHASE,
        audience=Audience(segments=("family",)),
        conditions=(NewCustomer(), Flyer(), FirstPurchase(OwnDate.APPROVAL, 30_000), Purchases(3)),
        limits=(Limit(Per.PERSON, Period.YEAR, 2),),
        phases=(Phase.CLOSING,),
    )
    text = text_of(offer).text

    for said in ("普卡、金卡持卡人", "家庭客群客户", "核卡的新客户", "网点宣传单", "核卡后首笔消费满300元", "消费3笔",
                 "每人（按有效证件）每年限2次", "2026年12月30日00:00至2027年1月6日00:00"):  # fmt: skip
        assert said in text.zh
    for said in (
        "Classic or Gold",
        "Family",
        "new customers",
        "flyer",
        "first purchase",
        "¥300",
        "3 purchases",
        "2 per",
    ):
        assert said in text.en


def test_each_trigger_says_what_to_do() -> None:
    place = Place(called("p"), shanghai("2026-11-14T19:00"), called("w"))
    said = {
        "领取": an_offer(),
        "付款时立减": FRIDAY,
        "经银行审批后以电子邮件、短信通知": an_offer(trigger=Apply((Notice.EMAIL, Notice.SMS))),
        "额满可候补，2026年11月12日00:00前可取消": an_offer(
            "tour", place, trigger=SignUp(True, shanghai("2026-11-12")), quota=20
        ),
        "每周一10:00自动发放": an_offer(trigger=Schedule((Weekday.MON,))),
        "活动开始后自动发放": an_offer(trigger=Schedule()),
        "绑定微信或支付宝后自动获得": story_offer(SubjectKind.BINDING),
        "激活卡片后自动获得": story_offer(SubjectKind.ACTIVATION),
        "核卡后自动获得": story_offer(SubjectKind.APPROVAL),
    }

    for words, offer in said.items():
        assert words in text_of(offer).text.zh


def test_what_comes_back_at_a_reversal_is_what_the_return_policy_says() -> None:
    def lines(**changes: Any) -> str:
        return text_of(an_offer("o", Discount(off=1), trigger=Till(), quota=1, **changes)).text.zh

    assert "退货后优惠不予恢复" in lines(returns=Returns(on=ReturnOn.NEVER))
    assert "恢复同笔使用的优惠券，" in lines(returns=Returns(quota=False))
    assert "恢复同笔使用的优惠券、名额" in lines()
    assert "可与其他优惠同享" in lines(stacking=Stacking(stackable=True))
    assert "同类优惠仅享优惠金额较大的一项" in lines(stacking=Stacking(stackable=True, exclusion_group="g"))
    assert "也不与其他活动的同类优惠同享" in lines(stacking=Stacking(exclusion_group="g"))
    assert "同类" not in lines()


def test_a_limit_beside_a_rate_says_that_it_does_not_touch_it() -> None:
    both = an_offer("o", PointsBonus(1_000_000), GIFT, limits=(Limit(Per.CUSTOMER, Period.YEAR, 1),))

    assert "积分加赠不受次数限制" in text_of(both).text.zh


# Disclaimers ---------------------------------------------------------------------------------------------------------

PRIZES = (
    Prize("card", called("card"), 2_000, 100, 5_000, GIFT),
    Prize("thanks", called("thanks"), 998_000, None, 500, cash_coupon(500), consolation=True),
)


def test_odds_stocks_and_values_of_a_draw_are_published() -> None:
    offer = story_offer(SubjectKind.PURCHASE, DrawChance("d", 30))
    found = text_of(offer, draws=(Draw("d", called("the draw"), PRIZES, "rewards"),))

    limited, odds = found.disclaimers
    assert limited == LIMITED
    assert figures(odds.zh) == figures(odds.en) == ["50", "100", "0.2", "5", "99.8"]
    assert "改发thanks" in odds.zh


def test_a_draw_of_unlimited_prizes_is_not_limited() -> None:
    offer = story_offer(SubjectKind.PURCHASE, DrawChance("d", 30))

    found = text_of(offer, draws=(Draw("d", called("d"), PRIZES[1:], "rewards"),))

    assert LIMITED not in found.disclaimers


def test_instalments_disclose_that_they_cost_something() -> None:
    offer = story_offer(SubjectKind.INSTALMENT, FeeWaiver(WaiverBasis.INSTALMENT_FEE, 200_000))

    assert text_of(offer).disclaimers == (INSTALMENT,)


def test_what_the_file_adds_comes_last_and_what_nothing_calls_for_is_not_said() -> None:
    assert text_of(an_offer(quota=1, notes=(called("note"),))).disclaimers == (LIMITED, called("note"))
    assert text_of(an_offer()).disclaimers == ()
