"""When an offer is open: phases, stages, recurring windows, all half-open and in Shanghai."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.campaigns.calendar import Calendar
from domain.campaigns.conditions import MonthDays, Months, Slot, Weekly, Window, Workday
from domain.campaigns.facts import History, facts_at
from domain.campaigns.model import Offer, Place, SignUp
from domain.campaigns.schedule import is_open, opens_and_closes, runs_of, state_of, window
from domain.campaigns.terms import OfferState, Phase, Weekday
from domain.kernel.time import Interval
from tests.builders.campaigns import PHASES, a_campaign, an_offer, called, shanghai

FRIDAY = Weekly((Slot((Weekday.FRI,), time(10), time(22)),))
WEEKEND = Weekly((Slot((Weekday.SAT, Weekday.SUN)),))
NIGHT = Weekly((Slot((Weekday.FRI,), time(22), time(2)),))
GOLDEN_WEEK = Calendar(holidays=frozenset(date(2026, 10, day) for day in range(1, 8)))


def state(offer: Offer, now: str, **changes: Any) -> tuple[OfferState, datetime | None]:
    found = state_of(offer, a_campaign(offer), shanghai(now), **changes)
    return found.state, found.next_change_at


@pytest.mark.parametrize(
    ("now", "expected", "changes_at"),
    [
        ("2026-09-30T23:59:59", OfferState.UPCOMING, "2026-10-01"),
        ("2026-10-01", OfferState.OPEN, "2026-12-30"),
        ("2026-12-29T23:59:59", OfferState.OPEN, "2026-12-30"),
        ("2026-12-30", OfferState.ENDED, None),
    ],
)
def test_an_offer_runs_in_the_active_phase(now: str, expected: OfferState, changes_at: str | None) -> None:
    assert state(an_offer(), now) == (expected, shanghai(changes_at) if changes_at else None)


def test_phases_that_touch_are_one_run_and_those_apart_are_two() -> None:
    touching = an_offer(phases=(Phase.CLOSING, Phase.ACTIVE))
    apart = an_offer(phases=(Phase.WARM_UP, Phase.CLOSING))

    assert runs_of(touching, a_campaign(touching)) == (Interval(PHASES.starts_at, PHASES.closes_at),)
    assert len(runs_of(apart, a_campaign(apart))) == 2
    assert state(apart, "2026-11-01") == (OfferState.BETWEEN_WINDOWS, PHASES.ends_at)


def test_a_stage_cuts_the_phase() -> None:
    newcomer_week = an_offer(between=Interval(shanghai("2026-09-01"), shanghai("2026-10-08")))

    assert opens_and_closes(newcomer_week, a_campaign(newcomer_week)) == Interval(
        shanghai("2026-10-01"), shanghai("2026-10-08")
    )
    assert state(newcomer_week, "2026-10-08") == (OfferState.ENDED, None)


def test_a_stage_outside_its_phase_never_runs() -> None:
    never = an_offer(between=Interval(shanghai("2025-01-01"), shanghai("2025-02-01")))

    assert runs_of(never, a_campaign(never)) == ()
    assert state(never, "2026-10-08") == (OfferState.ENDED, None)


@pytest.mark.parametrize(
    ("when", "now", "expected", "changes_at"),
    [
        (FRIDAY, "2026-10-02T09:59:59", OfferState.BETWEEN_WINDOWS, "2026-10-02T10:00"),
        (FRIDAY, "2026-10-02T10:00", OfferState.OPEN, "2026-10-02T22:00"),
        (FRIDAY, "2026-10-02T22:00", OfferState.BETWEEN_WINDOWS, "2026-10-09T10:00"),
        (FRIDAY, "2026-12-25T22:00", OfferState.ENDED, None),  # the last Friday is over
        (FRIDAY, "2026-09-30", OfferState.UPCOMING, "2026-10-01"),
        (WEEKEND, "2026-10-03", OfferState.OPEN, "2026-10-05"),
        (WEEKEND, "2026-10-04T23:59", OfferState.OPEN, "2026-10-05"),
        (NIGHT, "2026-10-03T01:59", OfferState.OPEN, "2026-10-03T02:00"),
        (NIGHT, "2026-10-03T02:00", OfferState.BETWEEN_WINDOWS, "2026-10-09T22:00"),
        (Months((11,)), "2026-10-05", OfferState.BETWEEN_WINDOWS, "2026-11-01"),
        (Months((11,)), "2026-11-15", OfferState.OPEN, "2026-12-01"),
        (Months((10, 11, 12)), "2026-11-15", OfferState.OPEN, "2026-12-30"),
        (MonthDays((8, 18)), "2026-10-08T12:00", OfferState.OPEN, "2026-10-09"),
        (MonthDays((8, 18)), "2026-10-09", OfferState.BETWEEN_WINDOWS, "2026-10-18"),
    ],
)
def test_recurring_windows_open_and_close_by_shanghai_clocks(
    when: Window, now: str, expected: OfferState, changes_at: str | None
) -> None:
    assert state(an_offer(when=(when,)), now) == (expected, shanghai(changes_at) if changes_at else None)


def test_workdays_follow_the_holiday_calendar() -> None:
    offer = an_offer(when=(Workday(),))

    assert state(offer, "2026-10-02", calendar=GOLDEN_WEEK) == (OfferState.BETWEEN_WINDOWS, shanghai("2026-10-08"))
    assert state(offer, "2026-10-08", calendar=GOLDEN_WEEK) == (OfferState.OPEN, shanghai("2026-10-10"))


def test_several_windows_must_all_be_open() -> None:
    offer = an_offer(when=(WEEKEND, MonthDays((18,))))  # 18 October is a Sunday

    assert state(offer, "2026-10-03") == (OfferState.BETWEEN_WINDOWS, shanghai("2026-10-18"))
    assert window(offer, a_campaign(offer), shanghai("2026-10-18T12:00")) == Interval(
        shanghai("2026-10-18"), shanghai("2026-10-19")
    )


def test_the_window_is_the_present_one_else_the_next_and_cut_to_the_run() -> None:
    offer = an_offer(when=(WEEKEND,), between=Interval(shanghai("2026-10-04T12:00"), shanghai("2026-10-18T12:00")))
    campaign = a_campaign(offer)

    def found(now: str) -> Interval | None:
        return window(offer, campaign, shanghai(now))

    assert found("2026-10-01") == Interval(shanghai("2026-10-04T12:00"), shanghai("2026-10-05"))
    assert found("2026-10-05") == Interval(shanghai("2026-10-10"), shanghai("2026-10-12"))
    assert found("2026-10-17T06:00") == Interval(shanghai("2026-10-17"), shanghai("2026-10-18T12:00"))
    assert found("2026-10-18T12:00") is None


def test_a_window_of_a_month_is_shown_whole_on_any_of_its_days() -> None:
    offer = an_offer(when=(Months((11, 12)),), phases=tuple(Phase))

    found = window(offer, a_campaign(offer), shanghai("2026-12-28"))

    assert found == Interval(shanghai("2026-11-01"), shanghai("2027-01-01"))


def test_an_offer_without_recurring_windows_has_none() -> None:
    assert window(an_offer(), a_campaign(), shanghai("2026-10-05")) is None


def test_a_place_is_signed_up_for_until_its_event_begins() -> None:
    begins = shanghai("2026-11-14T19:00")
    offer = an_offer("tasting", Place(called("tasting"), begins, called("here")), trigger=SignUp(), quota=40)
    campaign = a_campaign(offer)

    assert opens_and_closes(offer, campaign) == Interval(PHASES.starts_at, begins)
    assert state(offer, "2026-11-14T18:59") == (OfferState.OPEN, begins)
    assert state(offer, "2026-11-14T19:00") == (OfferState.ENDED, None)


def test_paused_shows_only_while_the_offer_could_run() -> None:
    paused = an_offer(paused=True)

    assert state(paused, "2026-10-05") == (OfferState.PAUSED, PHASES.ends_at)
    assert state(paused, "2026-09-25")[0] is OfferState.UPCOMING
    assert state(paused, "2026-12-30")[0] is OfferState.ENDED


def test_what_recurs_and_is_paused_is_over_when_its_last_window_closes() -> None:
    offer = an_offer(when=(WEEKEND,), paused=True)  # the active phase ends on a Tuesday
    last = shanghai("2026-12-28")

    assert state(offer, "2026-10-06") == (OfferState.PAUSED, last)
    assert state(offer, "2026-12-27T23:59") == (OfferState.PAUSED, last)
    assert state(offer, "2026-12-28") == (OfferState.ENDED, None)


WINDOWS = st.one_of(
    st.builds(
        lambda days, from_, until: Weekly((Slot(tuple(days), time(from_), time(until)),)),
        st.sets(st.sampled_from(Weekday), min_size=1),
        st.integers(0, 23),
        st.integers(0, 23),
    ),
    st.builds(lambda days: MonthDays(tuple(days)), st.sets(st.integers(1, 31), min_size=1)),
    st.builds(lambda months: Months(tuple(months)), st.sets(st.integers(9, 12), min_size=1)),
    st.builds(Workday, st.booleans()),
)


@settings(deadline=None)  # two windows that never meet are looked for over a year
@given(st.lists(WINDOWS, min_size=1, max_size=2), st.integers(-5 * 24 * 60, 100 * 24 * 60))
def test_what_is_open_is_what_the_conditions_say_and_stays_so_until_the_next_change(
    when: list[Window], minutes: int
) -> None:
    offer = an_offer(when=tuple(when))
    campaign = a_campaign(offer)
    now = PHASES.starts_at + timedelta(minutes=minutes)

    def conditions_hold(at: datetime) -> bool:
        facts = facts_at(at, History())
        facts.calendar = GOLDEN_WEEK
        return PHASES.starts_at <= at < PHASES.ends_at and all(rule.judge(facts) for rule in when)

    assert is_open(offer, campaign, now, GOLDEN_WEEK) == conditions_hold(now)
    found = state_of(offer, campaign, now, GOLDEN_WEEK)
    if found.next_change_at is not None:
        assert found.next_change_at > now
        assert (
            state_of(offer, campaign, found.next_change_at - timedelta(minutes=1) / 60, GOLDEN_WEEK).state
            is found.state
        )
        if found.state in (OfferState.OPEN, OfferState.BETWEEN_WINDOWS):
            assert is_open(offer, campaign, found.next_change_at, GOLDEN_WEEK) != (found.state is OfferState.OPEN)


def test_the_moment_may_come_in_any_zone() -> None:
    offer = an_offer(when=(FRIDAY,))

    assert is_open(offer, a_campaign(offer), datetime(2026, 10, 2, 2, 0, tzinfo=UTC))
    assert not is_open(offer, a_campaign(offer), datetime(2026, 10, 2, 14, 0, tzinfo=UTC))
