"""The viewer's deliveries."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from api.context import HallInfo
from api.fulfilment.types import CURSOR, Delivery, DeliveryConnection, delivery, delivery_page
from api.node import uuid_of
from api.pages import DEFAULT_FIRST, page_size, read_cursor_id


@strawberry.type
class FulfilmentOfViewer:
    """What this room adds to the viewer."""

    customer: strawberry.Private[str]

    @strawberry.field(description="Promises to the viewer, newest first.")
    async def deliveries(
        self,
        info: HallInfo,
        first: Annotated[int | None, strawberry.argument(description="How many, at most 100.")] = DEFAULT_FIRST,
        after: Annotated[str | None, strawberry.argument(description="The cursor to go on behind.")] = UNSET,
    ) -> DeliveryConnection:
        mark = read_cursor_id(CURSOR, after)
        page = await info.context.deps.deliveries.deliveries(self.customer, first=page_size(first), after=mark)
        return delivery_page(page, mark, info.context.language)


async def delivery_node(info: HallInfo, id: str) -> Delivery | None:
    """The viewer's own delivery of this node id; another's is null like one that never was."""
    key = uuid_of(id, "Delivery")
    if key is None or info.context.customer is None:
        return None
    row = await info.context.loaders.deliveries.load(key)
    return None if row is None else delivery(row, info.context.language)
