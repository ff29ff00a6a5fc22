"""`subscription viewerEvents`: hints to look, each with the thing as it is now."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any, cast

import strawberry

from api.context import HallInfo
from api.fulfilment.queries import delivery_node
from api.fulfilment.types import Delivery
from api.lottery.queries import chance_node
from api.lottery.types import DrawChance
from api.node import node_id
from api.offers.queries import choice_node
from api.offers.types import RewardChoice
from api.points.queries import entry_node
from api.points.types import LedgerEntry, entry_id
from api.wallet.queries import coupon_node
from api.wallet.types import Coupon
from domain.kernel.errors import Busy
from domain.messaging.signals import ViewerSignal

KINDS = {"draw_chance": "chance"}
"""Kinds that two rooms name differently."""


@strawberry.type(
    description="A hint that something of the viewer's may have changed, with the thing as it is now. Hints can be "
    "lost or come twice: what counts is what is read."
)
class ViewerEvent:
    of: strawberry.Private[ViewerSignal]
    thing: strawberry.Private[str]
    kind: str = strawberry.field(
        description="What it is about: COUPON, ENTRY, DELIVERY, CHOICE, CHANCE, or another word; LOOK_AGAIN when hints "
        "may have been missed."
    )
    at: datetime = strawberry.field(description="When it was told.")

    @strawberry.field(description="The coupon; null for other kinds.")
    async def coupon(self, info: HallInfo) -> Coupon | None:
        return await coupon_node(info, node_id("Coupon", self.of.id)) if self.thing == "coupon" else None

    @strawberry.field(description="The points entry; null for other kinds.")
    async def entry(self, info: HallInfo) -> LedgerEntry | None:
        customer, n = info.context.customer, self.of.id
        if self.thing != "entry" or customer is None or not n.isdecimal():
            return None
        return await entry_node(info, entry_id(customer, int(n)))

    @strawberry.field(description="The delivery; null for other kinds.")
    async def delivery(self, info: HallInfo) -> Delivery | None:
        return await delivery_node(info, node_id("Delivery", self.of.id)) if self.thing == "delivery" else None

    @strawberry.field(description="The choice; null for other kinds.")
    async def choice(self, info: HallInfo) -> RewardChoice | None:
        return await choice_node(info, node_id("RewardChoice", self.of.id)) if self.thing == "choice" else None

    @strawberry.field(description="The chance to draw; null for other kinds, and once it was used.")
    async def chance(self, info: HallInfo) -> DrawChance | None:
        return await chance_node(info, node_id("DrawChance", self.of.id)) if self.thing == "chance" else None


def viewer_event(signal: ViewerSignal) -> ViewerEvent:
    thing = KINDS.get(signal.kind, signal.kind)
    return ViewerEvent(of=signal, thing=thing, kind=_screaming(thing), at=signal.at)


def _screaming(kind: str) -> str:
    """signUp -> SIGN_UP."""
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in kind).upper()


class ViewerEvents:
    """What one subscriber hears, as events."""

    def __init__(self, listening: Any) -> None:
        self._listening = listening

    def __aiter__(self) -> "ViewerEvents":
        return self

    async def __anext__(self) -> ViewerEvent:
        return viewer_event(await anext(self._listening))

    async def aclose(self) -> None:
        await self._listening.aclose()


@strawberry.type(description="What is told as it happens, over graphql-transport-ws.")
class Subscription:
    @strawberry.subscription(description="What happens to the signed-in customer, as it happens.")
    async def viewer_events(self, info: HallInfo) -> AsyncGenerator[ViewerEvent, None]:
        context = info.context
        if context.deps.signals is None:
            raise Busy("nobody listens here")
        # Not a generator of its own: it listens before the subscription is said to have begun.
        listening = await context.deps.signals.listen(context.signed_in().customer)
        return cast(AsyncGenerator[ViewerEvent, None], ViewerEvents(listening))
