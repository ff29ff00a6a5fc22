"""Merchants as a customer sees them."""

import strawberry

from api.node import node_id
from domain.merchants.facts import MerchantFacts


@strawberry.type(description="A partner where benefits can be used.")
class Merchant:
    id: strawberry.ID = strawberry.field(description="Opaque and stable.")
    name: str = strawberry.field(description="The name on the door.")
    groups: list[str] = strawberry.field(description="The groups the campaign rules speak of.")
    city: str | None = strawberry.field(description="Where it is; null for one without a place.")


def merchant(facts: MerchantFacts) -> Merchant:
    return Merchant(id=node_id("Merchant", facts.merchant), name=facts.name, groups=list(facts.groups), city=facts.city)
