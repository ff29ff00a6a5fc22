"""An offer in time, worked out once for each stretch in which nothing changes."""

from dataclasses import replace
from datetime import datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.campaigns.calendar import WEEKDAYS_ONLY
from domain.campaigns.conditions import Slot, Spend, Weekly
from domain.campaigns.model import Audience, Budget, Campaign, Discount, Offer, Phases, Section, Till
from domain.campaigns.terms import OfferState, Weekday
from domain.kernel.words import Words
from domain.offers.timing import Timetable, timing_of
from tests.builders.rows import NOW

SAID = Words("话", "word")
FRIDAY = Offer(
    code="friday",
    title=SAID,
    section="first",
    trigger=Till(),
    rewards=(Discount(off=100),),
    when=(Weekly((Slot((Weekday.FRI,), time(10), time(22)),)),),
    conditions=(Spend(at_least=1),),
)
CAMPAIGN = Campaign(
    code="one",
    title=SAID,
    version=1,
    phases=Phases(NOW - timedelta(days=10), NOW, NOW + timedelta(days=20), NOW + timedelta(days=27)),
    audience=Audience(),
    budget=Budget(0, ()),
    sections=(Section("first", SAID),),
    offers=(FRIDAY, replace(FRIDAY, code="always", when=()), replace(FRIDAY, code="held", paused=True)),
)
MINUTES = st.integers(-20 * 24 * 60, 40 * 24 * 60)


@given(st.lists(MINUTES, min_size=1, max_size=20), st.sampled_from(CAMPAIGN.offers))
def test_a_timetable_says_what_is_worked_out_afresh_whatever_was_asked_before(minutes: list[int], offer: Offer) -> None:
    """A sandbox may set its clock back, so moments are asked in any order."""
    timetable = Timetable(WEEKDAYS_ONLY)

    for minute in minutes:
        now = NOW + timedelta(minutes=minute)
        assert timetable.timing(offer, CAMPAIGN, now) == timing_of(offer, CAMPAIGN, now, WEEKDAYS_ONLY)


@given(MINUTES, st.sampled_from(CAMPAIGN.offers))
def test_it_stays_as_it_is_until_the_moment_it_says_and_changes_then(minute: int, offer: Offer) -> None:
    now = NOW + timedelta(minutes=minute)
    timing = timing_of(offer, CAMPAIGN, now, WEEKDAYS_ONLY)

    if timing.stays_until is None:
        assert timing.state is OfferState.ENDED
        return
    just_before = timing_of(offer, CAMPAIGN, timing.stays_until - timedelta(microseconds=1), WEEKDAYS_ONLY)
    at = timing_of(offer, CAMPAIGN, timing.stays_until, WEEKDAYS_ONLY)
    assert just_before == timing
    assert (at.state, at.window) != (timing.state, timing.window)


@given(MINUTES, st.sampled_from(CAMPAIGN.offers))
def test_what_is_sold_out_stays_as_it_is_until_the_moment_it_says_and_changes_then(minute: int, offer: Offer) -> None:
    now = NOW + timedelta(minutes=minute)

    def seen(at: datetime) -> tuple[object, object]:
        timing = timing_of(offer, CAMPAIGN, at, WEEKDAYS_ONLY)
        return timing.state_with(0), timing.window

    until = timing_of(offer, CAMPAIGN, now, WEEKDAYS_ONLY).stays_with(0)

    if until is not None:
        assert seen(until - timedelta(microseconds=1)) == seen(now) != seen(until)


def test_it_closes_with_its_window_while_it_is_open_in_one() -> None:
    friday_noon = NOW + timedelta(days=1)

    opened = timing_of(FRIDAY, CAMPAIGN, friday_noon, WEEKDAYS_ONLY)
    waiting = timing_of(FRIDAY, CAMPAIGN, NOW, WEEKDAYS_ONLY)

    assert opened.window is not None
    assert opened.closes_at == opened.window.closes_at == friday_noon + timedelta(hours=10)
    assert waiting.closes_at == CAMPAIGN.phases.ends_at


def test_what_is_gone_is_sold_out_unless_it_is_on_hold_over_or_not_begun() -> None:
    always, held = CAMPAIGN.offers[1:]
    before, after = NOW - timedelta(days=1), CAMPAIGN.phases.closes_at

    def state(offer: Offer, at: object, left: int | None) -> OfferState:
        return timing_of(offer, CAMPAIGN, at, WEEKDAYS_ONLY).state_with(left)  # type: ignore[arg-type]

    assert state(always, NOW, 0) is OfferState.SOLD_OUT
    assert state(always, NOW, 1) is OfferState.OPEN
    assert state(always, NOW, None) is OfferState.OPEN
    assert state(FRIDAY, NOW, 0) is OfferState.SOLD_OUT
    assert timing_of(always, CAMPAIGN, NOW, WEEKDAYS_ONLY).state_with(1, spent=True) is OfferState.SOLD_OUT
    assert state(held, NOW, 0) is OfferState.PAUSED
    assert state(always, before, 0) is OfferState.UPCOMING
    assert state(always, after, 0) is OfferState.ENDED
