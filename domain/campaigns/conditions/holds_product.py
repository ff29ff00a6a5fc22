"""The card's product. Source: the audience of a campaign or an offer."""

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import NO_NAMES, Facts, Naming
from domain.campaigns.terms import About, Product, Reason
from domain.campaigns.words import PRODUCT, either
from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class HoldsProduct(Rule):
    """The card it happens with has one of `products`; asked about nobody's payment: one of the open cards has."""

    kind: ClassVar[str] = "product"
    _about: ClassVar[About] = About.CUSTOMER

    products: tuple[Product, ...]

    def judge(self, facts: Facts) -> bool:
        card, anchor = facts.card, facts.anchor
        if card is not None:
            if card.product not in self.products:
                return False
            return anchor is None or anchor is card or anchor.product in self.products
        if anchor is not None:
            return anchor.product in self.products and anchor.closed_at is None
        return any(held.product in self.products and held.closed_at is None for held in facts.history.cards.values())

    def explain(self, facts: Facts) -> Reason | None:
        if self.judge(facts):
            return None
        return _card_needed(self.products) if facts.card is None else _other_card(self.products)

    def describe(self, names: Naming = NO_NAMES) -> Words:
        named = either(PRODUCT[product] for product in self.products)
        return Words(f"{named.zh}持卡人", f"holders of a {named.en} card")


# Kept: of all reasons these are told most, and they depend on the products alone.


@cache
def _card_needed(products: tuple[Product, ...]) -> Reason:
    named = either(PRODUCT[product] for product in products)
    return Reason(
        "CARD_NEEDED",
        Words(f"您还没有{named.zh}", f"You hold no {named.en} card"),
        Words(f"申请{named.zh}并获批", f"Apply for a {named.en} card and have it approved"),
    )


@cache
def _other_card(products: tuple[Product, ...]) -> Reason:
    named = either(PRODUCT[product] for product in products)
    return Reason(
        "OTHER_CARD",
        Words("所用卡片不参加本活动", "This card does not take part"),
        Words(f"请使用{named.zh}", f"Use a {named.en} card"),
    )
