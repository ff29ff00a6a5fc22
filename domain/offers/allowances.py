"""The accounts that keep what a customer has left of an offer they take themselves: by a claim, an application, a
sign-up, a payment at a till.

Pure. What the bank's events give is counted by the fold, see `domain/stories/explain.py`.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from domain.campaigns.model import Apply, Claim, Limit, SignUp, Till
from domain.campaigns.terms import Per
from domain.kernel.ids import lane_of
from domain.ledger import keys
from domain.ledger.accounts import Account
from domain.offers.catalog import OfferOf
from domain.offers.periods import next_period, period_of
from domain.stories.explain import UsedUp
from domain.stories.state import StoryState


@dataclass(frozen=True, slots=True)
class Allowance:
    """A limit's account in the present period. card: whose it is, where the limit counts by card."""

    account: Account
    limit: Limit
    card: str | None = None


_TAKEN = (Apply, Claim, SignUp, Till)
"""Triggers that take the limits' accounts when the customer does it."""


def allowances_of(of: OfferOf, customer: str, story: StoryState | None, now: datetime) -> tuple[Allowance, ...]:
    """What this customer would take from now by claiming, applying, signing up or paying: by card for each open one.

    Of devices nothing is said: the hall cannot know which one will be used.
    """
    if not of.offer.limits or not isinstance(of.offer.trigger, _TAKEN):
        return ()
    found = []
    lane = lane_of(customer)
    for limit in of.offer.limits:
        period = period_of(limit.period, now, of.campaign.code)
        for who, card in _whose(of, limit, customer, story):
            account = keys.limit(
                of.campaign.code, of.offer.code, per=limit.per.value.lower(), who=who, period=period, lane=lane
            )
            found.append(Allowance(account, limit, card))
    return tuple(found)


def _whose(of: OfferOf, limit: Limit, customer: str, story: StoryState | None) -> Iterator[tuple[str, str | None]]:
    """(by whom it counts, the card if it is one)."""
    match limit.per:
        case Per.CUSTOMER:
            yield customer, None
        case Per.PERSON if story is not None and story.profile is not None:
            yield story.profile.person, None
        case Per.CARD if story is not None and isinstance(of.offer.trigger, Till):  # the others are done without a card
            for card in story.cards.values():
                if card.closed_at is None:
                    yield card.card, card.card
        case _:
            pass


def used_up(
    allowances: Collection[Allowance], empty: Collection[Account], now: datetime, *, pending: bool = False
) -> tuple[UsedUp, ...]:
    """empty: accounts with nothing left. pending: an application for the offer waits for the bank's answer."""
    return tuple(
        UsedUp(each.limit.max, next_period(each.limit.period, now), each.card, pending)
        for each in allowances
        if each.account in empty
    )
