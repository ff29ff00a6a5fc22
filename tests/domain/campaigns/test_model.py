"""What a campaign can say: shapes, figures, and what follows from them."""

from collections.abc import Callable
from typing import Any

import pytest

from domain.campaigns.conditions import Condition, Purchases, TotalSpend
from domain.campaigns.model import (
    Action,
    Apply,
    Audience,
    BasePoints,
    BudgetLine,
    Cashback,
    Choice,
    Claim,
    CouponReward,
    Discount,
    Draw,
    DrawChance,
    EntitlementReward,
    Extension,
    FeeWaiver,
    Funding,
    Gift,
    Limit,
    Message,
    Offer,
    Phases,
    Place,
    PointsBonus,
    PointsRate,
    Prize,
    Reward,
    Schedule,
    Section,
    SegmentRule,
    SignUp,
    Story,
    Till,
    Trigger,
    Validity,
    WaiverBasis,
    cost_of,
    least_booked,
    worst_cost_of,
)
from domain.campaigns.terms import (
    ActionKind,
    ApplicationChannel,
    CouponKind,
    DeliveryKind,
    OfferKind,
    Per,
    Period,
    Phase,
    Product,
    SubjectKind,
)
from tests.builders.campaigns import PHASES, a_campaign, an_offer, called, cash_coupon, shanghai

GIFT = Gift("thermos", called("thermos"), DeliveryKind.PARCEL, 10_000, cost=8_000)
PLACE = Place(called("tasting"), shanghai("2026-11-01T19:00"), called("Shanghai"), cost=20_000)
VISITS = EntitlementReward("visits", called("visits"), 6, Validity(days=365), cost=90_000)
CHANCE = DrawChance("wake-up", 30)
BACK = Cashback("back", called("back"), 10_000, 10_000, Validity(days=90))
WAIVER = FeeWaiver(WaiverBasis.INSTALMENT_FEE, 200_000)
PURCHASE, INSTALMENT = Story(SubjectKind.PURCHASE), Story(SubjectKind.INSTALMENT)


@pytest.mark.parametrize(
    ("trigger", "rewards", "kind", "action"),
    [
        (Till(), (Discount(off=1),), OfferKind.DISCOUNT, ActionKind.PAY),
        (Claim(), (cash_coupon(),), OfferKind.COUPON, ActionKind.CLAIM),
        (Claim(), (cash_coupon(), cash_coupon()), OfferKind.PACK, ActionKind.CLAIM),
        (Claim(), (PointsBonus(1), GIFT), OfferKind.GIFT, ActionKind.CLAIM),
        (Claim(), (Extension(30),), OfferKind.COUPON, ActionKind.CLAIM),
        (PURCHASE, (Choice((cash_coupon(), GIFT), 30),), OfferKind.GIFT, ActionKind.PAY),
        (PURCHASE, (PointsBonus(1),), OfferKind.POINTS, ActionKind.PAY),
        (PURCHASE, (BasePoints(),), OfferKind.POINTS, ActionKind.PAY),
        (PURCHASE, (CHANCE,), OfferKind.DRAW, ActionKind.DRAW),
        (INSTALMENT, (BACK,), OfferKind.CASHBACK, ActionKind.NONE),
        (INSTALMENT, (WAIVER,), OfferKind.FEE, ActionKind.NONE),
        (Story(SubjectKind.BINDING), (cash_coupon(),), OfferKind.COUPON, ActionKind.BIND),
        (Story(SubjectKind.ACTIVATION), (VISITS,), OfferKind.ENTITLEMENT, ActionKind.BOOK),
        (Story(SubjectKind.APPROVAL), (cash_coupon(),), OfferKind.COUPON, ActionKind.NONE),
        (Apply(), (cash_coupon(),), OfferKind.APPLICATION, ActionKind.APPLY),
        (SignUp(), (PLACE,), OfferKind.EVENT, ActionKind.SIGN_UP),
        (Schedule(), (Message(called("news"), called("news")),), OfferKind.GIFT, ActionKind.NONE),
    ],
)
def test_kind_and_action_follow_from_trigger_and_rewards(
    trigger: Trigger, rewards: tuple[Reward, ...], kind: OfferKind, action: ActionKind
) -> None:
    offer = an_offer("o", *rewards, trigger=trigger)

    assert (offer.kind, offer.action_kind) == (kind, action)


def test_a_file_may_say_kind_and_action_itself() -> None:
    offer = an_offer(kind_is=OfferKind.EVENT, action=Action(ActionKind.NONE))

    assert (offer.kind, offer.action_kind) == (OfferKind.EVENT, ActionKind.NONE)


def test_rates_are_no_grants() -> None:
    offer = an_offer("o", PointsBonus(500_000), GIFT)

    assert offer.grants == (GIFT,)
    assert offer.bonus == PointsBonus(500_000)


@pytest.mark.parametrize(
    ("reward", "amount", "cost"),
    [
        (cash_coupon(500, count=3), 0, 1_500),
        (cash_coupon(500, count=3, cost=100), 0, 300),
        (GIFT, 0, 8_000),
        (Choice((cash_coupon(9_000), GIFT), 30), 0, 9_000),  # the dearest is held
        (BACK, 123, 123),
        (Discount(off=5_000), 4_000, 4_000),
        (VISITS, 0, 90_000),
        (PLACE, 0, 20_000),
        (CHANCE, 0, 0),
        (PointsBonus(1), 0, 0),
    ],
)
def test_what_a_reward_costs_when_it_is_held(reward: Reward, amount: int, cost: int) -> None:
    assert cost_of(reward, amount) == cost


def test_what_one_more_books_at_least() -> None:
    half = Funding(500_000, 500_000, 0)

    assert least_booked(an_offer("o", PointsBonus(500_000), GIFT)) == 8_000
    assert least_booked(an_offer("o", BACK, trigger=Story(SubjectKind.PURCHASE))) == 1
    assert least_booked(an_offer("o", Discount(off=5_000), trigger=Till())) == 5_000
    assert least_booked(an_offer("o", Discount(off=5_000), trigger=Till(), funding=half)) == 2_500
    assert least_booked(an_offer("o", Discount(ppm=100_000, cap=700), trigger=Till())) == 1
    assert least_booked(an_offer("o", CHANCE)) == 0


def test_what_a_reward_can_cost_at_most() -> None:
    prizes = (
        Prize(
            "free",
            called("free"),
            500_000,
            10,
            100_000,
            Cashback("f", called("f"), 1_000_000, 80_000, Validity(days=9)),
        ),
        Prize("thanks", called("thanks"), 500_000, None, 0, None, consolation=True),
    )
    draw = Draw("wake-up", called("wake-up"), prizes, "rewards")

    assert worst_cost_of(BACK) == 10_000
    assert worst_cost_of(WAIVER) is None
    assert worst_cost_of(Discount(off=5_000)) == 5_000
    assert worst_cost_of(Discount(ppm=100_000, cap=700)) == 700
    assert worst_cost_of(CHANCE, [draw]) == 80_000
    assert draw.consolation is prizes[1]


def test_amounts_are_rounded_down_and_never_above_their_cap_or_the_bill() -> None:
    assert BACK.amount(99) == 0
    assert BACK.amount(199) == 1
    assert BACK.amount(10**9) == 10_000
    assert Discount(off=5_000).amount(4_999) == 4_999
    assert Discount(ppm=100_000, cap=700).amount(6_999) == 699
    assert Discount(ppm=100_000, cap=700).amount(99_999) == 700


def test_a_coupon_lives_to_the_end_of_a_shanghai_day_or_a_moment_whichever_is_earlier() -> None:
    granted = shanghai("2026-03-15T00:30")

    assert Validity(days=7).expires_at(granted) == shanghai("2026-03-23")
    assert Validity(until=shanghai("2026-03-20")).expires_at(granted) == shanghai("2026-03-20")
    assert Validity(7, shanghai("2026-12-31")).expires_at(granted) == shanghai("2026-03-23")


def test_a_moment_is_in_one_phase_at_most() -> None:
    phases = {
        "2026-09-20T23:59": None,
        "2026-09-21": Phase.WARM_UP,
        "2026-10-01": Phase.ACTIVE,
        "2026-12-30": Phase.CLOSING,
        "2027-01-06": None,
    }

    assert {moment: PHASES.phase_at(shanghai(moment)) for moment in phases} == phases


def test_an_audience_asks_what_it_says_and_nothing_else() -> None:
    full = Audience((Product.GOLD,), ("family",), True, (ApplicationChannel.WEB,), True, ("F1",))

    assert Audience().conditions() == ()
    assert [condition.kind for condition in full.conditions()] == [
        "product",
        "newCustomer",
        "applicationChannel",
        "flyer",
        "segment",
    ]


def test_everything_that_must_hold_is_both_audiences_the_windows_and_the_conditions() -> None:
    count = Purchases(2)
    offer = an_offer(conditions=(count,), audience=Audience(segments=("family",)))
    campaign = a_campaign(offer)

    assert [condition.kind for condition in campaign.conditions_of(offer)] == ["product", "segment", "purchases"]
    assert offer.tally is count
    assert campaign.offer("gift") is offer
    assert campaign.offer("none") is None
    assert campaign.draw("none") is None


def _offer(*conditions: Condition, **changes: Any) -> Callable[[], Offer]:
    return lambda: an_offer(conditions=conditions, **changes)


def _prize(code: str = "p", **changes: Any) -> Prize:
    parts: dict[str, Any] = {"odds_ppm": 1_000_000, "stock": None, "value": 0, "reward": None}
    return Prize(code, called(code), **(parts | changes))


NONSENSE: dict[str, Callable[[], object]] = {
    "a code with capitals": lambda: an_offer("Gift"),
    "a code that is too long": lambda: an_offer("x" * 49),
    "no reward": lambda: Offer(code="o", title=called("o"), section="all", trigger=Claim(), rewards=()),
    "no phase": _offer(phases=()),
    "a quota below zero": _offer(quota=-1),
    "two counts": _offer(Purchases(1), TotalSpend(1)),
    "a till without a discount": _offer(trigger=Till()),
    "a discount without a till": lambda: an_offer("o", Discount(off=1)),
    "a place without a sign-up": lambda: an_offer("o", PLACE),
    "a sign-up without a place": _offer(trigger=SignUp()),
    "a cashback of nothing bought": lambda: an_offer("o", BACK, trigger=Story(SubjectKind.BINDING)),
    "a waiver on a claim": lambda: an_offer("o", WAIVER),
    "a limit of none": lambda: Limit(Per.CARD, Period.DAY, 0),
    "a coupon of negative value": lambda: cash_coupon(-1),
    "no coupons": lambda: cash_coupon(count=0),
    "a threshold below the value": lambda: cash_coupon(kind=CouponKind.THRESHOLD, min_spend=1_000),
    "a top-up without delivery": lambda: cash_coupon(kind=CouponKind.TOP_UP),
    "a cash coupon with delivery": lambda: cash_coupon(delivery=DeliveryKind.PARCEL),
    "a choice of one": lambda: Choice((GIFT,), 30),
    "a choice of twins": lambda: Choice((GIFT, GIFT), 30),
    "a choice without time": lambda: Choice((GIFT, cash_coupon()), 0),
    "a bonus of nothing": lambda: PointsBonus(0),
    "more than all back": lambda: Cashback("b", called("b"), 1_000_001, None, Validity(days=1)),
    "a cap of nothing": lambda: Cashback("b", called("b"), 1, 0, Validity(days=1)),
    "a waiver of nothing": lambda: FeeWaiver(WaiverBasis.INSTALMENT_FEE, 0),
    "no chance": lambda: DrawChance("d", 30, 0),
    "no visits": lambda: EntitlementReward("v", called("v"), 0, Validity(days=1)),
    "no longer": lambda: Extension(0),
    "a discount of both kinds": lambda: Discount(off=1, ppm=1, cap=1),
    "a discount of neither kind": lambda: Discount(),
    "a share off without a cap": lambda: Discount(ppm=1),
    "no validity": lambda: Validity(),
    "phases out of order": lambda: Phases(PHASES.starts_at, PHASES.warm_up_at, PHASES.ends_at, PHASES.closes_at),
    "an active phase of no time": lambda: Phases(*[PHASES.starts_at] * 4),
    "odds above one": lambda: _prize(odds_ppm=1_000_001),
    "a stock below zero": lambda: _prize(stock=-1),
    "a draw without prizes": lambda: Draw("d", called("d"), (), "rewards"),
    "twin prizes": lambda: Draw("d", called("d"), (_prize(), _prize()), "rewards"),
    "two consolations": lambda: Draw(
        "d", called("d"), (_prize(consolation=True), _prize("q", consolation=True)), "rewards"
    ),
    "funding of less than all": lambda: Funding(500_000, 400_000, 0),
    "a rate for no product": lambda: PointsRate((), 1),
    "a rate below zero": lambda: PointsRate((Product.GOLD,), -1),
    "a line below zero": lambda: BudgetLine("rewards", -1),
    "a section without a code": lambda: Section("", called("s")),
    "a segment without a code": lambda: SegmentRule("", called("s"), ()),
    "a coupon without a code": lambda: CouponReward("", CouponKind.CASH, called("c"), 1, Validity(days=1)),
    "twin offers": lambda: a_campaign(an_offer(), an_offer()),
    "version 0": lambda: a_campaign(version=0),
}


@pytest.mark.parametrize("make", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_cannot_be_built_and_says_what_is_wrong(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        make()
