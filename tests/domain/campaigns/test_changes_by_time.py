"""A condition answers the same until the moment it names: for every kind, whatever the facts, at whatever moment."""

from copy import deepcopy
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.campaigns.conditions import (
    All,
    Any,
    BirthdayMonth,
    Dormant,
    DormantAt,
    InSegment,
    Instalment,
    NewCustomer,
    Not,
    Rule,
    TrackRecord,
    WithinDays,
)
from domain.campaigns.facts import Facts, Profile
from domain.campaigns.terms import OwnDate
from domain.kernel.time import SHANGHAI
from tests.builders.campaigns import PHASES, shanghai
from tests.domain.campaigns.test_conditions import FAILS, FRIDAY, HOLDS, MICRO, card, facts

NOW = Dormant(6, DormantAt.NOW)
LEAP = Profile(2, 29, "p")

PHASED = (Instalment, NewCustomer, TrackRecord)
"""They go by the campaign's phases, whose ends the offer's explanation names."""

OTHERS: list[tuple[Rule, Facts]] = [
    (All((BirthdayMonth(), Not(FRIDAY))), facts(history={"profile": LEAP})),
    (Any((FRIDAY, BirthdayMonth())), facts(history={"profile": LEAP})),
    (Not(WithinDays(3, OwnDate.BIRTHDAY)), facts(history={"profile": LEAP})),
    (WithinDays(3, OwnDate.APPROVAL), facts(anchor=card(approved_at=shanghai("2026-12-01T09:00")))),
    (InSegment(("sleepers",)), facts(segments={"sleepers": (NOW,)}, anchor=card(activated_at=None))),
    (Dormant(1), facts(anchor=card(activated_at=None))),
]
CASES = [(rule, found) for rule, found, *_ in (*HOLDS, *FAILS, *OTHERS) if not isinstance(rule, PHASED)]


def at(given_facts: Facts, moment: datetime) -> Facts:
    found = deepcopy(given_facts)
    found.at, found.local = moment, moment.astimezone(SHANGHAI)
    return found


def answer(rule: Rule, given_facts: Facts, moment: datetime) -> object:
    then = at(given_facts, moment)
    return rule.judge(then), rule.explain(then)


@settings(max_examples=300)
@given(case=st.sampled_from(CASES), minutes=st.integers(0, 400 * 24 * 60), part=st.floats(0, 1))
def test_a_condition_stays_as_it_is_until_the_moment_it_names(
    case: tuple[Rule, Facts], minutes: int, part: float
) -> None:
    """Seen to fail without `changes_at` of windows, birthdays, segments and dormancy, one by one."""
    rule, found = case
    now = PHASES.warm_up_at + timedelta(minutes=minutes)
    changes_at = rule.changes_at(at(found, now))

    until = now + timedelta(days=400) if changes_at is None else changes_at - MICRO
    assert until >= now
    assert answer(rule, found, now + (until - now) * part) == answer(rule, found, now)
    assert answer(rule, found, until) == answer(rule, found, now)


DAYS = st.integers(0, 500)
SECONDS = st.integers(0, 86_399)
OF_A_DAY = st.one_of(st.just(0), SECONDS)


@settings(max_examples=500)
@given(
    approved=DAYS,
    bought=st.none() | DAYS,
    looked=DAYS,
    hours=st.tuples(OF_A_DAY, OF_A_DAY, OF_A_DAY),
    part=st.floats(0, 1),
)
@example(
    approved=0, bought=58, looked=240, hours=(0, 43_200, 50_000), part=0.5
)  # bought on 28 February, seen on 29 August
def test_who_becomes_dormant_does_at_the_moment_that_is_named_and_not_before(
    approved: int, bought: int | None, looked: int, hours: tuple[int, int, int], part: float
) -> None:
    """Also across the ends of months, where a later day may look back on the same one. Every moment of the story counts
    to the microsecond: seen to fail with midnights alone."""
    first = shanghai("2026-01-01")
    opened, shopped, now = (
        first + timedelta(days=day or 0, seconds=second)
        for day, second in zip((approved, bought, approved + looked), hours, strict=True)
    )
    found = facts(
        now,
        anchor=card(approved_at=opened, activated_at=None),
        history={"last_purchase_at": None if bought is None else shopped},
    )
    changes_at = NOW.changes_at(found)

    if changes_at is None:
        assert NOW.judge(at(found, now + timedelta(days=400)))
        assert NOW.judge(at(found, now + timedelta(days=400) * part)) == NOW.judge(found)
        return
    assert changes_at > now
    assert NOW.judge(at(found, changes_at)) != NOW.judge(found)
    assert NOW.judge(at(found, now + (changes_at - MICRO - now) * part)) == NOW.judge(found)


@pytest.mark.parametrize(
    ("now", "changes_at"),
    [
        ("2026-04-05T11:00", "2026-04-10T15:30:00.000001"),  # a purchase as long ago as six months is still within them
        ("2026-04-10T15:30:00.000001", None),
    ],
)
def test_six_months_after_a_purchase_end_at_its_time_of_day(now: str, changes_at: str | None) -> None:
    found = facts(
        now,
        anchor=card(approved_at=shanghai("2025-01-01T09:00")),
        history={"last_purchase_at": shanghai("2025-10-10T15:30")},
    )

    assert NOW.changes_at(found) == (None if changes_at is None else shanghai(changes_at))


def test_the_end_of_a_month_looks_back_on_the_same_day_again() -> None:
    """28 February is six months before 28, 29, 30 and 31 August, each at its own time of day."""
    found = facts(
        "2026-08-01",
        anchor=card(approved_at=shanghai("2025-01-01T09:00")),
        history={"last_purchase_at": shanghai("2026-02-28T12:00")},
    )
    turns = []
    while (changes_at := NOW.changes_at(found)) is not None:
        turns.append(changes_at.replace(microsecond=0))
        found = at(found, changes_at)

    days = [shanghai(f"2026-08-{day}") for day in (28, 29, 30, 31)]
    noons = [day + timedelta(hours=12) for day in days]
    assert turns == [moment for pair in zip(noons, [*days[1:], None], strict=True) for moment in pair if moment]
