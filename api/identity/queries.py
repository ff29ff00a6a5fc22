"""Who is signed in."""

import strawberry

from api.context import HallInfo
from api.identity.types import Binding, Card, Freeze, Segment, bindings, cards, freeze, segment
from domain.stories.segments import segments_of


@strawberry.type
class IdentityOfViewer:
    """What this room adds to the viewer."""

    customer: strawberry.Private[str]

    @strawberry.field(description="The name as it may be shown, the rest hidden; empty until the bank tells it.")
    async def masked_name(self, info: HallInfo) -> str:
        return (await info.context.loaders.viewers.load(self.customer)).masked_name

    @strawberry.field(
        description="The phone number as it may be shown, the rest hidden; empty until the bank tells it."
    )
    async def masked_phone(self, info: HallInfo) -> str:
        return (await info.context.loaders.viewers.load(self.customer)).masked_phone

    @strawberry.field(description="The groups of customers the viewer belongs to at this moment.")
    async def segments(self, info: HallInfo) -> list[Segment]:
        context = info.context
        facts = await context.loaders.viewers.load(self.customer)
        catalog = await context.catalog()
        return [segment(rule, context.language) for rule in segments_of(facts.story, context.now, catalog.plans)]

    @strawberry.field(description="Whether the hall is arranged for the viewer.")
    async def personalisation(self, info: HallInfo) -> bool:
        return (await info.context.loaders.viewers.load(self.customer)).personalisation

    @strawberry.field(description="The viewer's cards that are not closed, oldest first.")
    async def cards(self, info: HallInfo) -> list[Card]:
        facts = await info.context.loaders.viewers.load(self.customer)
        return [] if facts.story is None else cards(facts.story)

    @strawberry.field(description="The providers the viewer's cards are bound to.")
    async def bindings(self, info: HallInfo) -> list[Binding]:
        facts = await info.context.loaders.viewers.load(self.customer)
        return [] if facts.story is None else bindings(facts.story)

    @strawberry.field(description="Why and since when the viewer's benefits are on hold; null while they are not.")
    async def frozen(self, info: HallInfo) -> Freeze | None:
        facts = await info.context.loaders.viewers.load(self.customer)
        return None if facts.frozen is None else freeze(facts.frozen, info.context.language)
