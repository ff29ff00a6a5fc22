"""What the clock gives: at which moments, to whom, and what that changes.

An offer without weekdays is given once, when it begins; who comes to meet its conditions while it runs is given it when
their story changes. One with weekdays is given at each of its moments. Rewards are owed however late the hall is;
an offer that is nothing but words is not sent when it is more than a day late, and then only its newest moment counts.
Source of the rule: plan rules A14 and A16.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from domain.campaigns.model import Campaign, Extension, Message, Offer, Schedule
from domain.campaigns.schedule import opens_and_closes, runs_of
from domain.campaigns.terms import WEEK
from domain.kernel.prints import fingerprint
from domain.kernel.time import DAY, SHANGHAI, Interval, business_day, iso
from domain.ledger.unit import Request
from domain.offers.award import Award, Parts, award
from domain.offers.catalog import Catalog, OfferOf
from domain.stories.explain import explain
from domain.stories.state import StoryState
from domain.wallet.facts import CouponFacts

LATEST_WORDS = DAY
"""A message that is later than this is not sent."""

LOOK = "schedule.look"
"""Outbox topic: a customer's story changed while an offer runs that is given once; payload: customer."""

ONCE = "once"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One moment at which an offer is given to everybody who may have it."""

    campaign: str
    version: int
    offer: str
    due_at: datetime


def moments_of(offer: Offer, campaign: Campaign, until: datetime) -> Iterator[datetime]:
    """The moments, at most `until`, at which the offer is given."""
    trigger = offer.trigger
    assert isinstance(trigger, Schedule)
    for n, run in enumerate(runs_of(offer, campaign)):
        if not trigger.days:
            if n == 0 and run.opens_at <= until:
                yield run.opens_at
            continue
        day, last = business_day(run.opens_at), business_day(min(run.closes_at, until))
        while day <= last:
            at = datetime.combine(day, trigger.at, SHANGHAI)
            if WEEK[day.weekday()] in trigger.days and at in run and at <= until:
                yield at
            day += timedelta(days=1)


def due(catalog: Catalog, now: datetime) -> list[Occurrence]:
    """Every moment that has come, by the version that was in force then; a paused offer's moments pass by."""
    found = []
    for versions in catalog.plans.versions.values():
        newest = versions[-1].campaign
        for offer in newest.offers:
            if not isinstance(offer.trigger, Schedule):
                continue
            moments = list(moments_of(offer, newest, now))
            if all(isinstance(reward, Message) for reward in offer.grants):
                moments = [at for at in moments[-1:] if now - at < LATEST_WORDS]
            for at in moments:
                version = catalog.plans.version_at(newest.code, at)
                judged = None if version is None else version.campaign.offer(offer.code)
                if version is not None and judged is not None and not judged.paused and _gives(judged):
                    found.append(Occurrence(newest.code, version.campaign.version, offer.code, at))
    return found


def _gives(offer: Offer) -> bool:
    return isinstance(offer.trigger, Schedule) and bool(offer.grants)


def running_once(catalog: Catalog, now: datetime) -> tuple[OfferOf, ...]:
    """Offers that are given once, and run now: to be looked at when a customer's story changes."""
    offers: tuple[tuple[OfferOf, Interval], ...] | None = catalog.kept.get("scheduled once")
    if offers is None:
        offers = catalog.kept["scheduled once"] = tuple(
            (OfferOf(version.campaign, offer), opens_and_closes(offer, version.campaign))
            for versions in catalog.plans.versions.values()
            for version in versions
            for offer in version.campaign.offers
            if isinstance(offer.trigger, Schedule) and not offer.trigger.days and offer.grants and not offer.paused
        )
    return tuple(of for of, run in offers if now in run and _in_force(catalog, of, now))


def _in_force(catalog: Catalog, of: OfferOf, now: datetime) -> bool:
    present = catalog.plans.version_at(of.campaign.code, now)
    return present is not None and present.campaign.version == of.campaign.version


def cause_of(offer: Offer, at: datetime) -> str:
    trigger = offer.trigger
    assert isinstance(trigger, Schedule)
    return iso(at) if trigger.days else ONCE


def request_of(campaign: str, offer: Offer, customer: str, cause: str) -> Request:
    """The same for the same customer and moment, so that nobody is given it twice, by whichever worker."""
    parts = ("schedule", campaign, offer.code, customer, cause)
    return Request(f"schedule|{customer}", uuid5(NAMESPACE_URL, "|".join(parts)), fingerprint(*parts))


def order_for(
    of: OfferOf,
    customer: str,
    story: StoryState | None,
    coupons: tuple[CouponFacts, ...],
    catalog: Catalog,
    *,
    earned_at: datetime,
    now: datetime,
) -> tuple[Award, Parts] | None:
    """What the customer is given, as judged at `earned_at`; None where it is not for them, or there is nothing to give.

    coupons: the customer's, for an offer that extends them.
    """
    if not explain(of.offer, of.campaign, story, earned_at, catalog.plans).eligible:
        return None
    person = story.profile.person if story is not None and story.profile is not None else None
    order = Award(
        of.campaign, of.offer, customer, cause=cause_of(of.offer, earned_at), at=now, earned_at=earned_at,
        person=person, by="SCHEDULE", details={"person": person, "earnedAt": iso(earned_at)}, coupons=coupons,
    )  # fmt: skip
    parts = award(order)
    if extends(of.offer) and not parts.changes and len(of.offer.grants) == 1:
        return None  # nothing to extend: should they come to hold a coupon while it runs, they are given it then
    return order, parts


def extends(offer: Offer) -> bool:
    """Whether the customer's coupons must be known to give it."""
    return any(isinstance(reward, Extension) for reward in offer.grants)
