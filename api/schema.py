"""The schema, put together from the rooms. A new room adds its bases and its node types here, and nothing elsewhere."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

import strawberry

from api.context import HallInfo
from api.fulfilment.mutations import FulfilmentMutation
from api.fulfilment.queries import delivery_node
from api.fulfilment.types import Delivery
from api.identity.mutations import IdentityMutation
from api.lottery.mutations import LotteryMutation
from api.lottery.queries import LotteryQuery, chance_node, result_node
from api.lottery.types import DrawChance, DrawResult
from api.lounge.mutations import LoungeMutation
from api.lounge.queries import LoungeQuery, booking_node, entitlement_node, lounge_node
from api.lounge.types import Booking, Entitlement, Lounge
from api.messaging.room import MessagingMutation
from api.node import Node, read_id
from api.offers.mutations import OffersMutation
from api.offers.queries import OffersQuery, campaign_node, choice_node, offer_node
from api.offers.types import Campaign, Offer, RewardChoice
from api.participation.mutations import ParticipationMutation
from api.participation.queries import application_node, sign_up_node
from api.participation.types import Application, SignUp
from api.points.mutations import PointsMutation
from api.points.queries import PointsQuery, entry_node, item_node
from api.points.types import CatalogItem, LedgerEntry
from api.scalars import schema_config
from api.signals.subscription import Subscription
from api.viewer import Viewer, viewer_id
from api.wallet.queries import coupon_node
from api.wallet.types import Coupon


async def viewer_node(info: HallInfo, id: str) -> Viewer | None:
    customer = info.context.customer
    return Viewer.of(customer) if customer is not None and viewer_id(customer) == id else None


NODES: Mapping[str, Callable[[Any, str], Awaitable[Node | None]]] = {
    "Application": application_node,
    "Booking": booking_node,
    "Campaign": campaign_node,
    "CatalogItem": item_node,
    "Coupon": coupon_node,
    "Delivery": delivery_node,
    "DrawChance": chance_node,
    "DrawResult": result_node,
    "Entitlement": entitlement_node,
    "LedgerEntry": entry_node,
    "Lounge": lounge_node,
    "Offer": offer_node,
    "RewardChoice": choice_node,
    "SignUp": sign_up_node,
    "Viewer": viewer_node,
}
"""How each type's thing is found by its id; every one of them looks at the owner."""


@strawberry.type(description="What can be asked.")
class Query(OffersQuery, PointsQuery, LotteryQuery, LoungeQuery):
    @strawberry.field(description="The hall's own clock.")
    def server_time(self, info: HallInfo) -> datetime:
        return info.context.now

    @strawberry.field(description="The signed-in customer; null when signed out.")
    def viewer(self, info: HallInfo) -> Viewer | None:
        customer = info.context.customer
        return None if customer is None else Viewer.of(customer)

    @strawberry.field(description="Anything by its id; null for another customer's as for one that never was.")
    async def node(
        self, info: HallInfo, id: Annotated[strawberry.ID, strawberry.argument(description="The id of anything.")]
    ) -> Node | None:
        read = read_id(id)
        find = NODES.get(read[0]) if read is not None else None
        return await find(info, id) if find is not None else None


@strawberry.type(description="What can be done. Every write that gives, takes or spends carries a requestId.")
class Mutation(
    IdentityMutation,
    OffersMutation,
    FulfilmentMutation,
    ParticipationMutation,
    MessagingMutation,
    PointsMutation,
    LotteryMutation,
    LoungeMutation,
):
    pass


def build_schema() -> strawberry.Schema:
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[
            Application,
            Booking,
            Campaign,
            CatalogItem,
            Coupon,
            Delivery,
            DrawChance,
            DrawResult,
            Entitlement,
            LedgerEntry,
            Lounge,
            Offer,
            RewardChoice,
            SignUp,
            Viewer,
        ],
        config=schema_config(),
    )
