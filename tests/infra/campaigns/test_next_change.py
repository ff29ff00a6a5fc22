"""The home page of the demo's people stays as it is until the moment it names: states, reasons, order and segments."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.kernel.time import SHANGHAI
from domain.offers.catalog import Catalog
from domain.offers.hall import next_change, on_show, personal_page, seen_by
from domain.stories.events import read_event
from domain.stories.fold import fold_all
from domain.stories.plans import Plans, Version
from domain.stories.segments import segments_of
from domain.stories.state import StoryState
from infra.campaigns.holidays import china
from infra.campaigns.loader import HERE, load_campaign, shipped_segments
from infra.demo.personas import PERSONAS
from infra.demo.teller import SOURCE

START = date(2026, 10, 1)
TOLD = datetime(2026, 11, 1, tzinfo=SHANGHAI)
"""Everything the demo tells has happened by then."""


@cache
def catalog() -> Catalog:
    """One plan alone: the other one's daily window would hide what is missed between two days."""
    text = (HERE / "smart-life.yaml").read_text(encoding="utf-8")
    campaign = load_campaign(text, file="smart-life.yaml", starts_on=START, elsewhere=None).campaign
    version = Version(campaign, campaign.phases.warm_up_at)
    return Catalog(Plans([version], stamp=1, calendar=china(), segments=shipped_segments()))


@cache
def story(persona: int) -> StoryState:
    told = PERSONAS[persona].tell(START)
    events = [read_event(each.type, each.at, SOURCE, each.id, each.data) for each in told]
    return fold_all(events, catalog().plans, catalog().told).state


def shown(persona: int, now: datetime) -> list[tuple[Any, datetime | None]]:
    """Each offer as it is seen, and when that may change."""
    here = catalog()
    seen = seen_by(story(persona), on_show(here, now), here, now, {}, {})
    return [
        ((each.state, here.timing(each.of, now).window, replace(each.eligibility, changes_at=None)), each.changes_at)
        for each in seen
        if each.eligibility is not None
    ]


def page(persona: int, now: datetime) -> tuple[Any, datetime | None]:
    here, state = catalog(), story(persona)
    offers = on_show(here, now)
    shown = seen_by(state, offers, here, now, {}, {})
    seen = (
        [(each.of.key, each.state, here.timing(each.of, now).window, each.eligibility, each.way) for each in shown],
        personal_page(here, shown, state, now),
        segments_of(state, now, here.plans),
    )
    return seen, next_change(here, shown, state, now, personalised=True)


@given(
    persona=st.integers(0, len(PERSONAS) - 1),
    minutes=st.integers(0, 67 * 24 * 60),
    part=st.floats(0, 1, exclude_max=True),
)
@settings(max_examples=150, deadline=None)  # a busy machine takes its time over a page
@example(persona=0, minutes=28_913, part=0.9)  # a newcomer's 30 days end between two windows
@example(persona=3, minutes=85_742, part=0.9)  # a birthday month begins
def test_the_page_stays_as_it_is_until_the_moment_it_names(persona: int, minutes: int, part: float) -> None:
    """Seen to fail without deadlines and midnights among the moments."""
    now = TOLD + timedelta(minutes=minutes)
    seen, changes_at = page(persona, now)

    if changes_at is not None:
        assert changes_at > now
        later = now + (changes_at - now - timedelta(microseconds=1)) * part
        assert page(persona, later)[0] == seen
        assert page(persona, changes_at - timedelta(microseconds=1))[0] == seen


@given(
    persona=st.integers(0, len(PERSONAS) - 1),
    place=st.integers(0, len(catalog().campaigns(TOLD)[0].offers) - 1),
    minutes=st.integers(0, 60 * 24 * 60),
    part=st.floats(0, 1, exclude_max=True),
)
@settings(max_examples=150, deadline=None)  # a busy machine takes its time over a page
def test_an_offer_stays_as_it_is_until_the_moment_it_names(persona: int, place: int, minutes: int, part: float) -> None:
    """Its state, its window and whether this customer may have it. All are on show until the campaign closes."""
    now = TOLD + timedelta(minutes=minutes)
    seen, changes_at = shown(persona, now)[place]
    until = catalog().campaigns(now)[0].phases.closes_at if changes_at is None else changes_at
    until -= timedelta(microseconds=1)

    assert until >= now
    for later in (now + (until - now) * part, until):
        assert shown(persona, later)[place][0] == seen
