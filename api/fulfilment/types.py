"""Promises to a customer being kept: E-cards, phone credit, memberships, parcels."""

from datetime import datetime

import strawberry

from api.node import Node, node_id
from api.pages import PageInfo, cursor_id, page_info
from domain.kernel.pages import Page
from domain.kernel.words import Language
from domain.wallet.facts import DeliveryFacts, DeliveryStatus

CURSOR = b"D"

strawberry.enum(DeliveryStatus, description="How far a promise is kept.")


@strawberry.type(description="A promise being kept by a provider: an E-card, phone credit, a membership, a parcel.")
class Delivery(Node):
    title: str = strawberry.field(description="What is delivered.")
    status: DeliveryStatus = strawberry.field(description="How far it is.")
    at: datetime = strawberry.field(description="When it was promised.")
    tracking_number: str | None = strawberry.field(description="The carrier's number of a parcel under way.")


@strawberry.type(description="A delivery's place in a page.")
class DeliveryEdge:
    cursor: str = strawberry.field(description="Give it as `after` to go on behind this delivery.")
    node: Delivery = strawberry.field(description="The delivery.")


@strawberry.type(description="A page of deliveries, newest first.")
class DeliveryConnection:
    edges: list[DeliveryEdge] = strawberry.field(description="The deliveries of this page.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")


def delivery(row: DeliveryFacts, language: Language) -> Delivery:
    return Delivery(
        id=node_id("Delivery", row.id),
        title=row.title.say(language),
        status=row.status,
        at=row.at,
        tracking_number=row.tracking_number,
    )


def delivery_page(page: Page[DeliveryFacts], after: object | None, language: Language) -> DeliveryConnection:
    edges = [DeliveryEdge(cursor=cursor_id(CURSOR, row.id), node=delivery(row, language)) for row in page.items]
    cursors = [edge.cursor for edge in edges]
    return DeliveryConnection(edges=edges, page_info=page_info(cursors, more=page.more, after=after))
