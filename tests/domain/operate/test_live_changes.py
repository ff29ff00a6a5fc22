"""What a live change makes of a campaign, and whether it is in the customers' favour."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaigns.conditions import PaymentMethodIs, Spend
from domain.campaigns.model import Budget, BudgetLine, Campaign, Discount, DrawChance, Limit, Offer, Place, SignUp, Till
from domain.campaigns.terms import PaymentMethod, Per, Period
from domain.kernel.errors import InputInvalid
from domain.kernel.time import Interval
from domain.operate.changes import (
    Changed,
    EndEarly,
    Extend,
    LiveChange,
    NoSuchThing,
    NothingToChange,
    Pause,
    Refused,
    Resume,
    SetPaymentMethods,
    SetQuota,
    Stale,
    decide_change,
)
from domain.operate.classify import ALL_METHODS, Effect, differences, effect_of
from domain.operate.written import read_change, write_change
from tests.builders.campaigns import PHASES, a_campaign, an_offer, called, cash_coupon, shanghai

NOW = shanghai("2026-10-20T12:00:30")


def decided(change: LiveChange, *offers: Offer, **more: Any) -> Any:
    return decide_change(change, a_campaign(*(offers or (an_offer(quota=100),)), **more), NOW)


def till(**changes: Any) -> Offer:
    return an_offer("gift", Discount(off=1_000), trigger=Till(), conditions=(Spend(20_000),), **changes)


@pytest.mark.parametrize(("target", "effect"), [(101, Effect.FAVOURABLE), (99, Effect.ADVERSE)])
def test_more_places_are_in_the_customers_favour_and_fewer_are_not(target: int, effect: Effect) -> None:
    found = decided(SetQuota("gift", 100, target))

    assert isinstance(found, Changed)
    assert found.effect is effect
    assert found.after.offer("gift").quota == target  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "offer", "current"),
    [
        (SetQuota("gift", 99, 120), an_offer(quota=100), 100),
        (EndEarly("gift", NOW, None), an_offer(), "2026-12-30T00:00:00+08:00"),
        (Extend(None, NOW, NOW), an_offer(), "2026-12-30T00:00:00+08:00"),
        (SetPaymentMethods("gift", (PaymentMethod.CARD,), ALL_METHODS), till(), [m.value for m in ALL_METHODS]),
    ],
)
def test_a_stale_figure_is_answered_with_the_current_one(change: LiveChange, offer: Offer, current: object) -> None:
    assert decided(change, offer) == Stale(current)


def test_pausing_is_adverse_and_resuming_favourable_and_each_once() -> None:
    paused = decided(Pause("gift"))
    again = decided(Pause("gift"), an_offer(paused=True))
    resumed = decided(Resume("gift"), an_offer(paused=True))

    assert (paused.effect, again, resumed.effect) == (Effect.ADVERSE, NothingToChange(), Effect.FAVOURABLE)


def test_an_early_end_is_the_next_full_minute_unless_it_is_said() -> None:
    found = decided(EndEarly("gift", PHASES.ends_at, None))

    assert found.effect is Effect.ADVERSE
    assert found.change.target == shanghai("2026-10-20T12:01")
    assert found.after.offer("gift").between == Interval(PHASES.starts_at, shanghai("2026-10-20T12:01"))


@pytest.mark.parametrize("target", [shanghai("2026-10-20T12:00"), PHASES.ends_at, PHASES.ends_at + timedelta(days=1)])
def test_an_end_must_lie_between_now_and_the_end_there_is(target: Any) -> None:
    found = decided(EndEarly("gift", PHASES.ends_at, target))

    assert isinstance(found, Refused)
    assert found.code == "NOT_EARLIER"


def test_an_offer_with_dates_of_its_own_can_run_longer_within_its_phase() -> None:
    offer = an_offer(between=Interval(PHASES.starts_at, shanghai("2026-11-01")))

    longer = decided(Extend("gift", shanghai("2026-11-01"), shanghai("2026-12-01")), offer)
    too_long = decided(Extend("gift", shanghai("2026-11-01"), shanghai("2027-02-01")), offer)

    assert longer.effect is Effect.FAVOURABLE
    assert too_long.code == "BEYOND_ITS_PHASE"


def test_a_longer_campaign_moves_its_closing_phase_and_is_in_the_customers_favour() -> None:
    found = decided(Extend(None, PHASES.ends_at, PHASES.ends_at + timedelta(days=10)))

    assert found.effect is Effect.FAVOURABLE
    assert found.after.phases.closes_at == PHASES.closes_at + timedelta(days=10)


@pytest.mark.parametrize(
    ("was", "will", "effect"),
    [
        (ALL_METHODS, (PaymentMethod.CARD,), Effect.ADVERSE),
        ((PaymentMethod.CARD,), (PaymentMethod.CARD, PaymentMethod.ALIPAY), Effect.FAVOURABLE),
        ((PaymentMethod.CARD,), (PaymentMethod.ALIPAY,), Effect.ADVERSE),
    ],
)
def test_ways_of_paying_are_shut_out_or_let_in(
    was: tuple[PaymentMethod, ...], will: tuple[PaymentMethod, ...], effect: Effect
) -> None:
    offer = till()
    if was != ALL_METHODS:
        offer = replace(offer, conditions=(*offer.conditions, PaymentMethodIs(was)))

    found = decided(SetPaymentMethods("gift", was, will), offer)

    assert found.effect is effect
    rules = [rule for rule in found.after.offer("gift").conditions if isinstance(rule, PaymentMethodIs)]
    assert [set(rule.methods) for rule in rules] == [set(will)]


def test_nothing_that_brings_chances_in_a_started_draw_may_be_made_worse() -> None:
    offer = an_offer("gift", DrawChance("wheel", 30), line=None, quota=100)

    worse = decided(SetQuota("gift", 100, 50), offer)
    better = decided(SetQuota("gift", 100, 200), offer)
    before = decide_change(SetQuota("gift", 100, 50), a_campaign(offer), shanghai("2026-09-25"))

    assert worse.code == "DRAW_STARTED"
    assert better.effect is Effect.FAVOURABLE
    assert isinstance(before, Changed)


def test_what_is_not_there_cannot_be_changed() -> None:
    assert decided(Pause("other")) == NoSuchThing()
    assert decided(SetQuota("gift", 1, 2), an_offer()).code == "NO_QUOTA"


# --- classing any two versions


def effect(old: Campaign, new: Campaign) -> Effect:
    return effect_of(differences(old, new, NOW))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Effect.NEUTRAL),
        ({"title": called("new name")}, Effect.NEUTRAL),
        ({"priority": 5}, Effect.NEUTRAL),
        ({"conditions": (Spend(10_000),)}, Effect.ADVERSE),
        ({"limits": (Limit(Per.CUSTOMER, Period.DAY, 2),)}, Effect.FAVOURABLE),
        ({"limits": (Limit(Per.CUSTOMER, Period.DAY, 1), Limit(Per.CARD, Period.DAY, 1))}, Effect.ADVERSE),
        ({"limits": ()}, Effect.FAVOURABLE),
        ({"rewards": (cash_coupon(2_000),)}, Effect.FAVOURABLE),
        ({"rewards": (cash_coupon(500),)}, Effect.ADVERSE),
        ({"rewards": (cash_coupon(cost=1),)}, Effect.NEUTRAL),
        ({"rewards": (cash_coupon(), cash_coupon(code="more"))}, Effect.FAVOURABLE),
        ({"rewards": (Discount(off=1_000),), "trigger": Till()}, Effect.ADVERSE),
        ({"quota": None}, Effect.FAVOURABLE),
        ({"priority": 5, "quota": 99}, Effect.ADVERSE),
        ({"title": called("new"), "quota": 101}, Effect.FAVOURABLE),
    ],
)
def test_a_new_version_is_classed_by_its_worst_difference(changes: dict[str, Any], expected: Effect) -> None:
    offer = an_offer(quota=100, limits=(Limit(Per.CUSTOMER, Period.DAY, 1),))

    assert effect(a_campaign(offer), a_campaign(replace(offer, **changes))) is expected


def test_an_offer_that_comes_is_favourable_and_one_that_goes_adverse() -> None:
    one, two = a_campaign(an_offer()), a_campaign(an_offer(), an_offer("second"))

    assert (effect(one, two), effect(two, one)) == (Effect.FAVOURABLE, Effect.ADVERSE)


def test_a_budget_line_that_shrinks_is_adverse() -> None:
    less = a_campaign(an_offer(), budget=Budget(100_000_000, (BudgetLine("rewards", 1),)))

    assert effect(a_campaign(an_offer()), less) is Effect.ADVERSE
    assert effect(less, a_campaign(an_offer())) is Effect.FAVOURABLE


@given(
    st.lists(
        st.fixed_dictionaries(
            {"quota": st.none() | st.integers(1, 9), "paused": st.booleans(), "priority": st.integers(0, 3)}
        ),
        min_size=2,
        max_size=2,
    )
)
def test_what_is_favourable_one_way_is_adverse_the_other(pair: list[dict[str, Any]]) -> None:
    old, new = (a_campaign(an_offer(**each)) for each in pair)
    there, back = differences(old, new, NOW), differences(new, old, NOW)

    opposite = {Effect.FAVOURABLE: Effect.ADVERSE, Effect.ADVERSE: Effect.FAVOURABLE, Effect.NEUTRAL: Effect.NEUTRAL}
    assert {(each.path, each.effect) for each in there} == {(each.path, opposite[each.effect]) for each in back}
    assert (there == ()) == (old == new)


# --- how they are written

CHANGES: list[LiveChange] = [
    SetQuota("gift", 1, 2),
    Pause("gift"),
    Resume("gift"),
    EndEarly("gift", PHASES.ends_at, None),
    EndEarly("gift", PHASES.ends_at, PHASES.starts_at),
    Extend(None, PHASES.ends_at, PHASES.closes_at),
    Extend("gift", PHASES.ends_at, PHASES.closes_at),
    SetPaymentMethods("gift", ALL_METHODS, (PaymentMethod.CARD,)),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: type(change).__name__)
def test_a_change_is_read_as_it_was_written(change: LiveChange) -> None:
    assert read_change(write_change(change)) == change


@given(st.dictionaries(st.sampled_from(["kind", "offer", "current", "target"]), st.none() | st.integers() | st.text()))
def test_any_other_text_is_refused_and_never_our_bug(plain: dict[str, Any]) -> None:
    with suppress(InputInvalid):
        read_change(plain)


def test_a_sign_up_can_have_more_places() -> None:
    place = Place(called("tour"), shanghai("2026-12-01"), called("here"), cost=100)
    offer = an_offer("gift", place, trigger=SignUp(), quota=20)

    assert decided(SetQuota("gift", 20, 30), offer).effect is Effect.FAVOURABLE
