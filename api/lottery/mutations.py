"""Drawing."""

from typing import Annotated, assert_never
from uuid import UUID

import strawberry

from api.context import HallInfo
from api.lottery import words
from api.lottery.types import DrawResult, draw_result
from api.offers.mutations import NotOpen, not_open
from api.problems import AccountFrozen, NotFound, Problem, account_frozen, not_found
from domain.lottery import draw as drawing
from domain.offers import outcomes


@strawberry.type(description="There is no chance to draw with.")
class NoChance(Problem):
    pass


@strawberry.input(description="Which draw, and what the customer mixes into it.")
class DrawInput:
    request_id: UUID = strawberry.field(description="Sent again, it answers again and changes nothing.")
    draw: str = strawberry.field(description="The draw's code.")
    client_nonce: str = strawberry.field(
        description="16-64 characters of the customer's own choosing, mixed into the result."
    )


@strawberry.type(description="The chance won something.")
class Drawn:
    result: DrawResult = strawberry.field(description="What it won.")


DrawOutcome = Annotated[
    Drawn | NoChance | NotOpen | AccountFrozen | NotFound,
    strawberry.union("DrawOutcome", description="What came of a draw."),
]


def present(outcome: drawing.DrawOutcome, info: HallInfo) -> DrawOutcome:
    language = info.context.language
    match outcome:
        case drawing.Drawn(result):
            return Drawn(result=draw_result(result))
        case drawing.NoChance():
            return NoChance(code="NO_CHANCE", message=words.NO_CHANCE.say(language))
        case outcomes.NotOpen(next_at):
            if next_at is None:
                return NotOpen(code="NOT_OPEN", message=words.CLOSED.say(language), next_at=None)
            return not_open(language, next_at)
        case outcomes.AccountFrozen(appealable):
            return account_frozen(language, appealable=appealable)
        case outcomes.NotFound():
            return not_found(language)
    assert_never(outcome)


@strawberry.type
class LotteryMutation:
    @strawberry.mutation(
        description="Draw with the chance that ends first. Safe to send again with the same requestId."
    )
    async def draw(
        self,
        info: HallInfo,
        input: Annotated[DrawInput, strawberry.argument(description="Which draw.")],
    ) -> DrawOutcome:
        context, deps = info.context, info.context.deps
        customer = context.signed_in().customer  # who: never from input
        command = drawing.DrawPrize(input.request_id, customer, input.draw, input.client_nonce)
        outcome = await drawing.draw_prize(
            command,
            read=deps.draws,
            secrets=deps.draw_secrets,
            catalogs=deps.catalogs,
            freezes=deps.freezes,
            ledger=deps.ledger,
            clock=deps.clock,
        )
        context.changed()
        return present(outcome, info)
