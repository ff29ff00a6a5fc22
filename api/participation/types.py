"""Applications and sign-ups as their customer sees them."""

from datetime import datetime

import strawberry

from api.context import Context
from api.node import Node, node_id
from api.offers.showcase import showcase
from api.offers.types import Offer
from domain.kernel.errors import Broken
from domain.offers.asked import ApplicationFacts, ApplicationStatus, SignUpFacts, SignUpStatus

strawberry.enum(ApplicationStatus, description="Whether a person at the bank has decided, and how.")
strawberry.enum(SignUpStatus, description="Whether the customer has a place, waits for one, or gave it back.")


@strawberry.type(description="Something the customer applied for; a person at the bank decides.")
class Application(Node):
    offer: Offer = strawberry.field(description="What was applied for.")
    status: ApplicationStatus = strawberry.field(description="Whether it is decided, and how.")
    at: datetime = strawberry.field(description="When it was submitted.")
    note: str | None = strawberry.field(description="What the bank says to it; null where it says nothing.")


@strawberry.type(description="A place at an event, or in its waiting list.")
class SignUp(Node):
    offer: Offer = strawberry.field(description="The event.")
    status: SignUpStatus = strawberry.field(description="A place, the waiting list, or given back.")
    position: int | None = strawberry.field(description="In the waiting list, from 1; null where there is no waiting.")


async def application(context: Context, facts: ApplicationFacts) -> Application:
    return Application(
        id=node_id("Application", facts.id),
        offer=await _offer(context, facts.campaign, facts.version, facts.offer),
        status=facts.status,
        at=facts.at,
        note=facts.note,
    )


async def sign_up(context: Context, facts: SignUpFacts) -> SignUp:
    return SignUp(
        id=node_id("SignUp", facts.id),
        offer=await _offer(context, facts.campaign, facts.version, facts.offer),
        status=facts.status,
        position=facts.position,
    )


async def _offer(context: Context, campaign: str, version: int, offer: str) -> Offer:
    catalog = await context.catalog()
    of = catalog.granted(campaign, version, offer, context.now)
    if of is None:
        raise Broken(f"no {offer} in {campaign} version {version}")  # versions are never taken away
    return showcase(catalog, context.language).offer(of)
