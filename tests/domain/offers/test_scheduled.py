"""At which moments the clock gives an offer."""

from dataclasses import replace
from datetime import datetime, time
from typing import Any

from domain.campaigns.model import Campaign, Extension, Message, Offer, Schedule
from domain.campaigns.terms import Phase, Weekday
from domain.kernel.time import Interval
from domain.offers.catalog import Catalog
from domain.offers.scheduled import due, moments_of, running_once
from domain.stories.plans import Plans, Version
from tests.builders.campaigns import PHASES, a_campaign, an_offer, called, cash_coupon, shanghai

WEDNESDAYS = Schedule((Weekday.WED,), time(10))
WORDS = Message(called("news"), called("words"))


def weekly(*rewards: Any, **changes: Any) -> Offer:
    return an_offer("gift", *(rewards or (cash_coupon(),)), **({"trigger": WEDNESDAYS} | changes))


def catalog(*versions: tuple[Campaign, datetime]) -> Catalog:
    return Catalog(Plans([Version(*each) for each in versions], stamp=1))


def of(offer: Offer) -> Catalog:
    return catalog((a_campaign(offer), PHASES.warm_up_at))


def test_a_weekly_offer_is_given_at_its_hour_while_it_runs() -> None:
    offer = weekly(between=Interval(shanghai("2026-10-07T10:00"), shanghai("2026-10-21T10:00")))

    found = list(moments_of(offer, a_campaign(offer), shanghai("2026-12-01")))

    assert found == [shanghai("2026-10-07T10:00"), shanghai("2026-10-14T10:00")]


def test_nothing_is_given_before_its_moment() -> None:
    offer = weekly()
    first = shanghai("2026-10-07T10:00")

    assert list(moments_of(offer, a_campaign(offer), shanghai("2026-10-07T09:59:59"))) == []
    assert list(moments_of(offer, a_campaign(offer), first)) == [first]


def test_an_offer_without_weekdays_is_given_once_when_it_begins() -> None:
    offer = an_offer("gift", Extension(30), trigger=Schedule(), phases=(Phase.CLOSING,), line=None)

    found = list(moments_of(offer, a_campaign(offer), shanghai("2027-01-05")))

    assert found == [PHASES.ends_at]


def test_rewards_are_owed_however_late_and_words_a_day_at_most() -> None:
    late = shanghai("2026-10-22T09:00")

    rewards = [one.due_at for one in due(of(weekly()), late)]
    words = [one.due_at for one in due(of(weekly(WORDS, line=None)), late)]
    too_late = due(of(weekly(WORDS, line=None)), shanghai("2026-10-22T10:00"))

    assert rewards == [shanghai(f"2026-10-{day}T10:00") for day in ("07", "14", "21")]
    assert words == [shanghai("2026-10-21T10:00")]
    assert too_late == []


def test_the_version_in_force_at_the_moment_decides_and_a_pause_lets_it_pass_by() -> None:
    first, paused = a_campaign(weekly()), a_campaign(weekly(paused=True), version=2)
    resumed = replace(first, version=3)
    known = catalog((first, PHASES.warm_up_at), (paused, shanghai("2026-10-10")), (resumed, shanghai("2026-10-20")))

    found = [(one.version, one.due_at) for one in due(known, shanghai("2026-10-22"))]

    assert found == [(1, shanghai("2026-10-07T10:00")), (3, shanghai("2026-10-21T10:00"))]


def test_an_offer_that_is_given_once_is_looked_at_while_it_runs_in_the_version_in_force() -> None:
    offer = an_offer("gift", Extension(30), trigger=Schedule(), phases=(Phase.CLOSING,), line=None)
    known = catalog((a_campaign(offer), PHASES.warm_up_at), (a_campaign(offer, version=2), shanghai("2027-01-02")))

    def running(at: str) -> list[int]:
        return [found.campaign.version for found in running_once(known, shanghai(at))]

    assert (running("2026-12-29T23:59"), running("2026-12-30"), running("2027-01-03"), running("2027-01-06")) == (
        [],
        [1],
        [2],
        [],
    )
    assert running_once(of(weekly()), shanghai("2026-10-20")) == ()
