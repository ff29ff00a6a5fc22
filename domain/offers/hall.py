"""The home page: what is shown, on which shelf, in which order.

Shown are the offers of campaigns from warm-up to the end of their closing phase. Without personalisation they stand in
the files' own order. With it, in this order, each rule deciding what the one before left equal:

1. campaigns whose audience the customer belongs to, then the others;
2. what the customer can have now, also by doing what it asks, then what will open, then what can still become
   possible, then what is for others, last what is sold out, on hold or over;
3. what closes within `CLOSING_SOON`, sooner first;
4. what the customer is at least half way to;
5. what is liked in the customer's segments (the file's weights), then the file's priority, then the file's order.

A shelf stands where its first offer would. Risk, other customers and what an offer costs play no part in it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from domain.campaigns.facts import facts_at
from domain.campaigns.model import Section
from domain.campaigns.terms import OfferState
from domain.offers.catalog import Catalog, OfferOf
from domain.stories.explain import Eligibility
from domain.stories.state import StoryState

CLOSING_SOON = timedelta(days=3)

_NOT_YET = frozenset({"NOT_STARTED", "OUTSIDE_WINDOW"})
"""Reasons that say no more than the state does."""

_Rank: TypeAlias = tuple[int, float, bool, int, int]


@dataclass(frozen=True, slots=True)
class Shown:
    """An offer at one moment, for one customer or nobody.

    closes_at: the end of its window while one is open, else of its run. changes_at: when time may change its state or
    window. eligibility None: nobody is signed in. half_way: at least half of what it asks is done.
    """

    of: OfferOf
    state: OfferState
    closes_at: datetime
    changes_at: datetime | None
    eligibility: Eligibility | None = None
    half_way: bool = False


@dataclass(frozen=True, slots=True)
class Shelf:
    section: Section
    offers: tuple[OfferOf, ...]


def on_show(catalog: Catalog, now: datetime) -> tuple[OfferOf, ...]:
    """The offers to be seen at `now`, in the files' order."""
    return tuple(
        of
        for campaign in catalog.campaigns(now)
        if campaign.phases.warm_up_at <= now < campaign.phases.closes_at
        for of in catalog.offers_of(campaign).values()
    )


def own_campaigns(catalog: Catalog, story: StoryState | None, now: datetime) -> set[str]:
    """Codes of the campaigns whose audience a customer with this story belongs to."""
    facts = facts_at(now, story if story is not None else StoryState())
    facts.segments = catalog.plans.segment_rules
    own = set()
    for campaign in catalog.campaigns(now):
        phases = campaign.phases
        facts.campaign, facts.new_from, facts.new_until = campaign.code, phases.warm_up_at, phases.ends_at
        if all(condition.judge(facts) for condition in campaign.audience.conditions()):
            own.add(campaign.code)
    return own


def plain_shelves(offers: Iterable[OfferOf]) -> tuple[Shelf, ...]:
    """Shelves and offers in the order of the files; shelves of one code stand together under the first one's title."""
    return _shelves(list(offers))


def personal_shelves(
    shown: Sequence[Shown], now: datetime, *, mine: Collection[str], segments: Collection[str]
) -> tuple[Shelf, ...]:
    """Shelves and offers in the order of the module's rules.

    mine: codes of the campaigns whose audience the customer belongs to. segments: codes of the customer's segments.
    """
    ranks = {each.of.key: (each.of.campaign.code not in mine, _rank(each, now, segments)) for each in shown}
    shelves = _shelves(sorted((each.of for each in shown), key=lambda of: ranks[of.key]))
    return tuple(sorted(shelves, key=lambda shelf: ranks[shelf.offers[0].key]))


def next_change(catalog: Catalog, shown: Sequence[Shown], now: datetime, *, personalised: bool) -> datetime | None:
    """When time alone may next change something of the page: None when never."""
    moments: list[datetime | None] = []
    for campaign in catalog.campaigns(now):
        moments += [campaign.phases.warm_up_at, campaign.phases.closes_at]
    for each in shown:
        moments.append(each.changes_at)
        if each.eligibility is not None:
            moments.append(each.eligibility.next_at)
        if personalised:
            moments.append(each.closes_at - CLOSING_SOON)
    return min((moment for moment in moments if moment is not None and moment > now), default=None)


def _shelves(offers: Sequence[OfferOf]) -> tuple[Shelf, ...]:
    titles: dict[str, Section] = {}
    stands: dict[str, list[OfferOf]] = {}
    for of in offers:
        for section in of.campaign.sections:
            titles.setdefault(section.code, section)
        stands.setdefault(of.offer.section, []).append(of)
    order: Mapping[str, int] = {code: place for place, code in enumerate(titles)}
    return tuple(Shelf(titles[code], tuple(stands[code])) for code in sorted(stands, key=lambda code: order[code]))


def _rank(shown: Shown, now: datetime, segments: Collection[str]) -> _Rank:
    offer = shown.of.offer
    soon = shown.state is OfferState.OPEN and shown.closes_at < now + CLOSING_SOON
    liked = sum(weight for segment, weight in offer.affinity if segment in segments)
    return (
        _standing(shown),
        shown.closes_at.timestamp() if soon else float("inf"),
        not shown.half_way,
        -liked,
        -offer.priority,
    )


def _standing(shown: Shown) -> int:
    judged = shown.eligibility
    match shown.state:
        case OfferState.SOLD_OUT | OfferState.PAUSED | OfferState.ENDED:
            return 4
        case OfferState.OPEN if judged is None or judged.eligible:
            return 0
        case OfferState.OPEN | OfferState.UPCOMING | OfferState.BETWEEN_WINDOWS:
            against = [] if judged is None else [each for each in judged.reasons if each.code not in _NOT_YET]
            if not against:
                return 1
            return 2 if all(each.remedy is not None or each.next_at is not None for each in against) else 3
