"""The viewer's messages, and whether the viewer wants promotions."""

from datetime import datetime
from typing import Annotated

import strawberry

from api.context import HallInfo
from api.node import node_id


@strawberry.type(description="Words to the customer.")
class Message:
    id: strawberry.ID = strawberry.field(description="Opaque and stable.")
    title: str = strawberry.field(description="Its heading.")
    body: str = strawberry.field(description="What it says.")
    at: datetime = strawberry.field(description="When it was sent.")


@strawberry.type
class MessagesOfViewer:
    """What this room adds to the viewer."""

    customer: strawberry.Private[str]

    @strawberry.field(description="What was told to the viewer, newest first, at most 100.")
    async def messages(self, info: HallInfo) -> list[Message]:
        context = info.context
        return [
            Message(
                id=node_id("Message", row.id),
                title=row.title.say(context.language),
                body=row.body.say(context.language),
                at=row.sent_at,
            )
            for row in await context.deps.messages.messages(self.customer)
        ]

    @strawberry.field(description="Whether the viewer agreed to promotions; false until they say so.")
    async def promotions(self, info: HallInfo) -> bool:
        return await info.context.deps.messages.agreed(self.customer)


@strawberry.input(description="Whether promotions are wanted.")
class SetPromotionsInput:
    on: bool = strawberry.field(description="True: agreed.")


@strawberry.type(description="What was kept.")
class Promotions:
    on: bool = strawberry.field(description="Whether promotions are wanted.")


@strawberry.type
class MessagingMutation:
    @strawberry.mutation(description="Agree to promotions, or no longer. Again changes nothing.")
    async def set_promotions(
        self, info: HallInfo, input: Annotated[SetPromotionsInput, strawberry.argument(description="Yes or no.")]
    ) -> Promotions:
        context = info.context
        customer = context.signed_in().customer  # who: never from input
        await context.deps.consent.set_agreed(customer, input.on, context.now)
        context.changed()
        return Promotions(on=input.on)
