"""The signed-in customer: who, which cards, which bindings, which segments, on hold or not."""

from datetime import datetime

import strawberry

from api.node import node_id, veiled
from domain.campaigns.facts import CardFacts, History
from domain.campaigns.model import SegmentRule
from domain.campaigns.terms import BindingProvider
from domain.kernel.words import Language
from domain.risk.freezes import FreezeFacts

Provider = strawberry.enum(BindingProvider, name="Provider", description="Where a customer signs in or pays with.")


@strawberry.type(description="A group of customers the viewer belongs to at this moment.")
class Segment:
    code: str = strawberry.field(description="Stable; the segment file's.")
    title: str = strawberry.field(description="What it is called.")


@strawberry.type(description="A card of the viewer's that is not closed.")
class Card:
    id: strawberry.ID = strawberry.field(description="Opaque and stable; not the card's number or token.")
    masked_number: str = strawberry.field(description="The last four digits, the rest hidden.")
    product: str = strawberry.field(description="CLASSIC, GOLD or PLATINUM.")
    approved_at: datetime | None = strawberry.field(description="When the bank approved it; null while unknown.")
    activated_at: datetime | None = strawberry.field(description="When it was activated; null before.")


@strawberry.type(description="A card of the viewer's bound to a provider.")
class Binding:
    provider: BindingProvider = strawberry.field(description="The provider.")
    bound_at: datetime = strawberry.field(description="Since when.")


@strawberry.type(description="Why and since when the viewer's benefits are on hold.")
class Freeze:
    since: datetime = strawberry.field(description="Since when.")
    reason: str = strawberry.field(description="Why, in the words the rules allow.")
    appealable: bool = strawberry.field(description="Whether the viewer can appeal.")


def cards(history: History) -> list[Card]:
    """Open cards whose approval is known, oldest first."""
    known = [card for card in history.cards.values() if card.product is not None and card.closed_at is None]
    return [_card(card) for card in sorted(known, key=lambda card: (str(card.approved_at), card.card))]


def _card(card: CardFacts) -> Card:
    return Card(
        id=node_id("Card", veiled("card", card.card)),
        masked_number=f"**** {card.last4}",
        product=card.product.value if card.product is not None else "",
        approved_at=card.approved_at,
        activated_at=card.activated_at,
    )


def bindings(history: History) -> list[Binding]:
    """Each provider once, since the earliest card still bound to it."""
    since: dict[BindingProvider, datetime] = {}
    for (_, provider), at in history.bindings.items():
        since[provider] = min(at, since.get(provider, at))
    return [Binding(provider=provider, bound_at=at) for provider, at in sorted(since.items())]


def segment(rule: SegmentRule, language: Language) -> Segment:
    return Segment(code=rule.code, title=rule.title.say(language))


def freeze(facts: FreezeFacts, language: Language) -> Freeze:
    return Freeze(since=facts.since, reason=facts.reason.say(language), appealable=facts.appealable)
