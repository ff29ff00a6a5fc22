"""Redeeming points."""

from typing import Annotated, assert_never
from uuid import UUID

import strawberry

from api.context import HallInfo
from api.fulfilment.types import Delivery, delivery
from api.offers.mutations import LimitReached, NotOpen, limit_reached
from api.points import words
from api.points.types import LedgerEntry, presenter
from api.problems import AccountFrozen, NotFound, Problem, SoldOut, account_frozen, not_found, sold_out
from api.scalars import Points
from api.wallet.types import Coupon
from domain.offers import outcomes
from domain.points import redeem
from domain.points.redeem import RedeemPoints, redeem_points


@strawberry.type(description="The viewer has fewer points than it takes.")
class NotEnoughPoints(Problem):
    balance: Points = strawberry.field(description="What the viewer has.")
    cost: Points = strawberry.field(description="What it takes.")


@strawberry.input(description="What points are redeemed for.")
class RedeemPointsInput:
    request_id: UUID = strawberry.field(description="Sent again, it answers again and changes nothing.")
    item: str = strawberry.field(description="The item's code.")
    quantity: int = strawberry.field(default=1, description="How many pieces, 1 to 20.")


@strawberry.type(description="The points are used, and what they bought is on its way.")
class PointsRedeemed:
    entry: LedgerEntry = strawberry.field(description="What was taken from the points.")
    delivery: Delivery | None = strawberry.field(description="The promise to deliver it; the first of several.")
    coupon: Coupon | None = strawberry.field(description="The coupon that was put in the wallet, for such an item.")
    deliveries: list[Delivery] = strawberry.field(description="The promises, one for each piece.")


RedeemPointsResult = Annotated[
    PointsRedeemed | NotEnoughPoints | SoldOut | NotFound | AccountFrozen | LimitReached | NotOpen,
    strawberry.union("RedeemPointsResult", description="What came of a redemption."),
]


async def present_redemption(outcome: redeem.RedeemOutcome, customer: str, info: HallInfo) -> RedeemPointsResult:
    language = info.context.language
    match outcome:
        case redeem.PointsRedeemed(entry, sent):
            present = await presenter(info.context, customer)
            deliveries = [delivery(row, language) for row in sent]
            return PointsRedeemed(
                entry=present.entry(entry), delivery=deliveries[0], coupon=None, deliveries=deliveries
            )
        case redeem.NotEnoughPoints(balance, cost):
            message = words.NOT_ENOUGH.say(language, balance=balance, cost=cost)
            return NotEnoughPoints(code="NOT_ENOUGH_POINTS", message=message, balance=balance, cost=cost)
        case outcomes.SoldOut():
            return sold_out(language)
        case outcomes.LimitReached(limit, next_at):
            return limit_reached(language, limit, next_at)
        case outcomes.NotOpen(next_at):
            return NotOpen(code="NOT_OPEN", message=words.ITEM_PAUSED.say(language), next_at=next_at)
        case outcomes.NotFound():
            return not_found(language)
        case outcomes.AccountFrozen(appealable):
            return account_frozen(language, appealable=appealable)
    assert_never(outcome)


@strawberry.type
class PointsMutation:
    @strawberry.mutation(description="Redeem points. Safe to send again with the same requestId.")
    async def redeem_points(
        self,
        info: HallInfo,
        input: Annotated[RedeemPointsInput, strawberry.argument(description="Which item, and how many.")],
    ) -> RedeemPointsResult:
        context, deps = info.context, info.context.deps
        customer = context.signed_in().customer  # who: never from input
        command = RedeemPoints(input.request_id, customer, input.item, input.quantity, context.device)
        outcome = await redeem_points(command, read=deps.redemptions, ledger=deps.ledger, clock=deps.clock)
        context.changed()
        return await present_redemption(outcome, customer, info)
