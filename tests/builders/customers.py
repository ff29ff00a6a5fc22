"""Folded stories of customers, as the hall's read side finds them."""

from datetime import datetime, timedelta

from domain.campaigns.facts import CardFacts, Profile
from domain.campaigns.terms import ApplicationChannel, BindingProvider, Product
from domain.stories.state import StoryState
from tests.builders.rows import NOW


def card(
    token: str = "card-1",
    *,
    product: Product = Product.GOLD,
    last4: str = "1234",
    approved_at: datetime | None = NOW - timedelta(days=5),
    activated_at: datetime | None = NOW - timedelta(days=4),
    closed_at: datetime | None = None,
    new_customer: bool = False,
) -> CardFacts:
    return CardFacts(
        token,
        product,
        new_customer,
        ApplicationChannel.MOBILE_BANK,
        last4=last4,
        approved_at=approved_at,
        activated_at=activated_at,
        closed_at=closed_at,
    )


def story(*cards: CardFacts, occupation: str | None = None, children: int = 0) -> StoryState:
    """A customer with these cards, born on a 20th of May."""
    state = StoryState(cards={each.card: each for each in cards})
    state.profile = Profile(5, 20, "p" * 64, occupation=occupation, children=children)
    return state


def bound(state: StoryState, provider: BindingProvider, at: datetime = NOW - timedelta(days=1)) -> StoryState:
    state.bindings[next(iter(state.cards)), provider] = at
    return state
