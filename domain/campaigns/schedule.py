"""When an offer is open: its phases, its own stretch of them, its recurring windows. All half-open, in Shanghai."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.campaigns.calendar import WEEKDAYS_ONLY, Calendar
from domain.campaigns.conditions import Window
from domain.campaigns.model import Campaign, Offer, Place
from domain.campaigns.terms import OfferState
from domain.kernel.time import Interval, business_day, day_start

_SPANS = (9, 70, 400)
"""Days looked at on either side, as far as needed: a weekly window is found in the first, a month's in the second."""


@dataclass(frozen=True, slots=True)
class OfferTimes:
    """state: for everybody, at that moment. next_change_at: when time alone may next change it."""

    state: OfferState
    next_change_at: datetime | None


def runs_of(offer: Offer, campaign: Campaign) -> tuple[Interval, ...]:
    """When the offer runs, recurring windows aside: its phases, touching ones joined, cut to its own `between`.

    A place at an event is signed up for until the event begins.
    """
    phases = [campaign.phases.interval(phase) for phase in set(offer.phases)]
    runs = _merged(phase for phase in phases if phase.opens_at < phase.closes_at)
    if offer.between is not None:
        runs = _intersected(runs, [offer.between])
    begins = [reward.starts_at for reward in offer.rewards if isinstance(reward, Place)]
    if begins and runs:
        runs = _intersected(runs, [Interval(runs[0].opens_at, min(begins))])
    return tuple(runs)


def opens_and_closes(offer: Offer, campaign: Campaign) -> Interval:
    """From the first moment it runs to the last; an offer that never runs is given its campaign's end."""
    runs = runs_of(offer, campaign)
    if not runs:
        return Interval(campaign.phases.closes_at, campaign.phases.closes_at)
    return Interval(runs[0].opens_at, runs[-1].closes_at)


def window(offer: Offer, campaign: Campaign, now: datetime, calendar: Calendar = WEEKDAYS_ONLY) -> Interval | None:
    """The recurring window open at `now`, else the next one while the offer still runs; None where there is none."""
    if not offer.when:
        return None
    runs = runs_of(offer, campaign)
    for days in _SPANS:
        day, span = business_day(now), timedelta(days=days)
        reach = Interval(day_start(day - span), day_start(day + span))
        for found in _windows(offer.when, reach, calendar):
            if found.closes_at <= now:
                continue
            if found.closes_at == reach.closes_at or found.opens_at == reach.opens_at:
                break  # it may go on outside: look further
            if clipped := [part for part in _intersected(runs, [found]) if part.closes_at > now]:
                return clipped[0]
    reach = Interval(runs[0].opens_at, runs[-1].closes_at) if runs else reach
    return next(
        (part for part in _intersected(runs, _windows(offer.when, reach, calendar)) if part.closes_at > now), None
    )


def state_of(offer: Offer, campaign: Campaign, now: datetime, calendar: Calendar = WEEKDAYS_ONLY) -> OfferTimes:
    """What everybody sees of the offer at `now`; its quota, which only the ledger knows, aside."""
    runs = [run for run in runs_of(offer, campaign) if run.closes_at > now]
    if not runs:
        return OfferTimes(OfferState.ENDED, None)
    recurring = window(offer, campaign, now, calendar)
    if offer.when and recurring is None:
        return OfferTimes(OfferState.ENDED, None)  # it runs on, but never opens again
    if now < opens_and_closes(offer, campaign).opens_at:
        return OfferTimes(OfferState.UPCOMING, runs[0].opens_at)
    if offer.paused:
        return OfferTimes(OfferState.PAUSED, _last_close(offer, runs, calendar))
    present = recurring if recurring is not None else runs[0]
    if now < present.opens_at:
        return OfferTimes(OfferState.BETWEEN_WINDOWS, present.opens_at)
    return OfferTimes(OfferState.OPEN, min(present.closes_at, runs[0].closes_at))


def _last_close(offer: Offer, runs: list[Interval], calendar: Calendar) -> datetime:
    """When the last of its windows closes: what recurs is over from then on, though its run may last longer."""
    whole = Interval(runs[0].opens_at, runs[-1].closes_at)
    return _intersected(runs, _windows(offer.when, whole, calendar))[-1].closes_at


def is_open(offer: Offer, campaign: Campaign, now: datetime, calendar: Calendar = WEEKDAYS_ONLY) -> bool:
    return state_of(offer, campaign, now, calendar).state is OfferState.OPEN


def _windows(rules: Iterable[Window], reach: Interval, calendar: Calendar) -> list[Interval]:
    """The stretches inside `reach` in which all of `rules` hold."""
    open_in = [reach]
    first, last = business_day(reach.opens_at) - timedelta(days=1), business_day(reach.closes_at)
    days = [first + timedelta(days=count) for count in range((last - first).days + 1)]
    for rule in rules:
        stretches = _merged(stretch for day in days for stretch in rule.on_day(day, calendar))
        open_in = _intersected(open_in, stretches)
    return open_in


def _merged(intervals: Iterable[Interval]) -> list[Interval]:
    """In order, those that touch or overlap joined."""
    joined: list[Interval] = []
    for found in sorted(intervals, key=lambda interval: interval.opens_at):
        if joined and found.opens_at <= joined[-1].closes_at:
            last = joined.pop()
            joined.append(Interval(last.opens_at, max(last.closes_at, found.closes_at)))
        else:
            joined.append(found)
    return joined


def _intersected(left: Iterable[Interval], right: Iterable[Interval]) -> list[Interval]:
    """What lies in one of `left` and one of `right`; both in order."""
    others = list(right)
    cut = [
        Interval(max(one.opens_at, other.opens_at), min(one.closes_at, other.closes_at))
        for one in left
        for other in others
    ]
    return [found for found in cut if found.opens_at < found.closes_at]
