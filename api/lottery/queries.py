"""Draws by code, and what the draws' room says of the viewer."""

from typing import Annotated

import strawberry

from api.context import HallInfo
from api.lottery.types import Draw, DrawChance, DrawResult, draw_chances, draw_of, draw_result, loaders
from api.node import uuid_of
from domain.lottery.facts import find_draw


@strawberry.type
class LotteryQuery:
    @strawberry.field(description="The draw of this code, also before and after it runs; null where there is none.")
    async def draw(
        self, info: HallInfo, code: Annotated[str, strawberry.argument(description="The draw's code.")]
    ) -> Draw | None:
        context = info.context
        of = find_draw(await context.catalog(), code, context.now)
        if of is None:
            return None
        # Its stock is read in any case; the statement may tell of a newer catalog.
        await loaders(context).stands.load(of)
        newest = find_draw(await context.catalog(), code, context.now)
        return None if newest is None else draw_of(newest, context)


@strawberry.type
class LotteryOfViewer:
    """What this room adds to the viewer."""

    customer: strawberry.Private[str]

    @strawberry.field(description="Draw chances that can be drawn now, soonest end first, at most 100.")
    async def draw_chances(self, info: HallInfo) -> list[DrawChance]:
        context = info.context
        rows = list(await context.deps.draws.chances(self.customer, context.now))
        return draw_chances(rows, await context.catalog(), context)


async def chance_node(info: HallInfo, id: str) -> DrawChance | None:
    """The viewer's own chance of this node id, while it can be drawn."""
    key = uuid_of(id, "DrawChance")
    if key is None or info.context.customer is None:
        return None
    row = await loaders(info.context).chances_by_id.load(key)
    found = [] if row is None else draw_chances([row], await info.context.catalog(), info.context)
    return found[0] if found else None


async def result_node(info: HallInfo, id: str) -> DrawResult | None:
    """The viewer's own result of this node id; another's is null like one that never was."""
    key = uuid_of(id, "DrawResult")
    if key is None or info.context.customer is None:
        return None
    row = await loaders(info.context).results_by_id.load(key)
    return None if row is None else draw_result(row)
