"""What the viewer applied for and signed up for."""

import strawberry

from api.context import HallInfo
from api.node import uuid_of
from api.participation.types import Application, SignUp, application, sign_up


@strawberry.type
class ParticipationOfViewer:
    """What this room adds to the viewer."""

    customer: strawberry.Private[str]

    @strawberry.field(description="What the viewer applied for, newest first, at most 200.")
    async def applications(self, info: HallInfo) -> list[Application]:
        rows = await info.context.deps.applications.applications(self.customer)
        return [await application(info.context, row) for row in rows]

    @strawberry.field(description="What the viewer signed up for, newest first, at most 200.")
    async def sign_ups(self, info: HallInfo) -> list[SignUp]:
        rows = await info.context.deps.sign_ups.sign_ups(self.customer)
        return [await sign_up(info.context, row) for row in rows]


async def application_node(info: HallInfo, id: str) -> Application | None:
    """The viewer's own application of this node id; another's is null like one that never was."""
    key, customer = uuid_of(id, "Application"), info.context.customer
    row = None if key is None or customer is None else await info.context.deps.applications.application(customer, key)
    return None if row is None else await application(info.context, row)


async def sign_up_node(info: HallInfo, id: str) -> SignUp | None:
    """The viewer's own sign-up of this node id; another's is null like one that never was."""
    key, customer = uuid_of(id, "SignUp"), info.context.customer
    row = None if key is None or customer is None else await info.context.deps.sign_ups.sign_up(customer, key)
    return None if row is None else await sign_up(info.context, row)
