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
from domain.kernel.time import SHANGHAI, day_end
from domain.offers.catalog import Catalog, OfferOf
from domain.offers.ports import OfferKey
from domain.offers.timing import Timing
from domain.stories.explain import Asking, Eligibility, Progress, UsedUp, explain_many
from domain.stories.segments import segments_change_at, segments_of
from domain.stories.state import StoryState

CLOSING_SOON = timedelta(days=3)

_NOT_YET = frozenset({"NOT_STARTED", "OUTSIDE_WINDOW"})
"""Reasons that say no more than the state does."""

_NOBODY_HAS = (OfferState.SOLD_OUT, OfferState.PAUSED, OfferState.ENDED)
_FAR = float("inf")

_Rank: TypeAlias = tuple[int, float, bool, int, int]


@dataclass(slots=True)
class Shown:
    """An offer at one moment, for one customer or nobody. Never changed; not frozen, like `Eligibility`.

    closes_at: the end of its window while one is open, else of its run. changes_at: when time may next change its
    state, its window or its eligibility. eligibility None: nobody is signed in. way: where it is a mission of theirs.
    """

    of: OfferOf
    state: OfferState
    closes_at: datetime
    changes_at: datetime | None
    eligibility: Eligibility | None = None
    way: Progress | None = None

    @property
    def half_way(self) -> bool:
        """At least half of what it asks is done."""
        return self.way is not None and 2 * self.way.done >= self.way.needed


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


def seen_by_all(
    offers: Iterable[OfferOf],
    catalog: Catalog,
    now: datetime,
    left: Mapping[OfferKey, int | None],
    spent: Collection[OfferKey] = (),
) -> list[Shown]:
    """The offers as nobody in particular sees them. left: of each quota, where there is one. spent: those whose budget
    line does not take another one.
    """
    return [
        Shown(of, state, timing.closes_at, changes_at)
        for of, timing, state, changes_at in _timed(offers, catalog, now, left, spent)
    ]


def seen_by(
    story: StoryState | None,
    offers: Iterable[OfferOf],
    catalog: Catalog,
    now: datetime,
    left: Mapping[OfferKey, int | None],
    used_up: Mapping[OfferKey, Collection[UsedUp]],
    spent: Collection[OfferKey] = (),
) -> list[Shown]:
    """The offers as the customer with this story sees them. used_up: of each, their limits with nothing left."""
    timed = _timed(offers, catalog, now, left, spent)
    asked = [
        Asking(
            of.campaign,
            of.offer,
            used_up.get(of.key, ()) if used_up else (),
            state is OfferState.SOLD_OUT,
            waits=not spent or of.key not in spent,
        )
        for of, _, state, _ in timed
    ]
    judged = explain_many(asked, story, now, catalog.plans)
    return [
        Shown(of, state, timing.closes_at, sooner(changes_at, told.changes_at), told, way)
        for (of, timing, state, changes_at), (told, way) in zip(timed, judged, strict=True)
    ]


def sooner(one: datetime | None, other: datetime | None) -> datetime | None:
    """The earlier of two changes; None: there is none."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _timed(
    offers: Iterable[OfferOf],
    catalog: Catalog,
    now: datetime,
    left: Mapping[OfferKey, int | None],
    spent: Collection[OfferKey],
) -> list[tuple[OfferOf, Timing, OfferState, datetime | None]]:
    found = []
    here = now.astimezone(SHANGHAI)  # the plans' moments are Shanghai's, and those of one zone are compared fastest
    for of in offers:
        timing = catalog.timing(of, here)
        remaining = None if of.offer.quota is None else left.get(of.key)
        gone = bool(spent) and of.key in spent
        found.append((of, timing, timing.state_with(remaining, gone), timing.stays_with(remaining, gone)))
    return found


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
    soon = now.astimezone(SHANGHAI) + CLOSING_SOON
    ranked = [(each.of.campaign.code not in mine, *_rank(each, soon, segments)) for each in shown]
    order = sorted(range(len(shown)), key=ranked.__getitem__)  # what is equal stays in the files' order
    first: dict[str, int] = {}
    for place, index in enumerate(order):
        first.setdefault(shown[index].of.offer.section, place)
    shelves = _shelves([shown[index].of for index in order])
    return tuple(sorted(shelves, key=lambda shelf: ranked[order[first[shelf.section.code]]]))


def personal_page(
    catalog: Catalog, shown: Sequence[Shown], story: StoryState | None, now: datetime
) -> tuple[Shelf, ...]:
    """`personal_shelves` for the customer with this story."""
    segments = {rule.code for rule in segments_of(story, now, catalog.plans)}
    return personal_shelves(shown, now, mine=own_campaigns(catalog, story, now), segments=segments)


def next_change(
    catalog: Catalog, shown: Sequence[Shown], story: StoryState | None, now: datetime, *, personalised: bool
) -> datetime | None:
    """When time alone may next change something of the page: None when never. story: the customer's.

    With a customer, every midnight may: birthdays and audiences go by Shanghai's days. Segments, which say what is
    liked and whose a campaign is, may change between two of them.
    """
    here = now.astimezone(SHANGHAI)
    soonest: datetime | None = None
    moments: list[datetime | None] = []
    for campaign in catalog.campaigns(now):
        moments += [campaign.phases.warm_up_at, campaign.phases.closes_at]
    for each in shown:
        moments.append(each.changes_at)
        if personalised:
            moments.append(each.closes_at - CLOSING_SOON)
    if any(each.eligibility is not None for each in shown):
        moments.append(day_end(now))
    if personalised:
        moments.append(segments_change_at(story, now, catalog.plans))
    for moment in moments:
        if moment is not None and here < moment and (soonest is None or moment < soonest):
            soonest = moment
    return soonest


def _shelves(offers: Sequence[OfferOf]) -> tuple[Shelf, ...]:
    campaigns = {(of.campaign.code, of.campaign.version): of.campaign for of in offers}
    titles: dict[str, Section] = {}
    for campaign in campaigns.values():
        for section in campaign.sections:
            titles.setdefault(section.code, section)
    stands: dict[str, list[OfferOf]] = {}
    for of in offers:
        stands.setdefault(of.offer.section, []).append(of)
    return tuple(Shelf(section, tuple(stands[code])) for code, section in titles.items() if code in stands)


def _rank(shown: Shown, soon: datetime, segments: Collection[str]) -> _Rank:
    offer = shown.of.offer
    liked = sum(weight for segment, weight in offer.affinity if segment in segments) if offer.affinity else 0
    closes_soon = shown.state is OfferState.OPEN and shown.closes_at < soon
    return (
        _standing(shown),
        shown.closes_at.timestamp() if closes_soon else _FAR,
        not shown.half_way,
        -liked,
        -offer.priority,
    )


def _standing(shown: Shown) -> int:
    if shown.state in _NOBODY_HAS:
        return 4
    judged = shown.eligibility
    if judged is None or not judged.reasons:
        return 0 if shown.state is OfferState.OPEN else 1
    helpless = False
    waits = True
    for each in judged.reasons:
        if each.code not in _NOT_YET:
            waits = False
            helpless = helpless or (each.remedy is None and each.next_at is None)
    return 1 if waits else 3 if helpless else 2
