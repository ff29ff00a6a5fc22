"""Claiming an offer, choosing a reward."""

from datetime import datetime
from typing import Annotated, assert_never
from uuid import UUID

import strawberry

from api.context import HallInfo
from api.fulfilment.types import Delivery, delivery
from api.node import uuid_of
from api.offers import words
from api.offers.types import Reason, reasons
from api.problems import (
    AccountFrozen,
    NotFound,
    Problem,
    SoldOut,
    TooLate,
    account_frozen,
    not_found,
    sold_out,
    too_late,
)
from api.wallet.types import Coupon, presenter
from api.words import moment_words
from domain.kernel.time import iso
from domain.kernel.words import Language
from domain.offers import outcomes
from domain.offers.choose import ChooseReward, choose_reward
from domain.offers.claim import ClaimOffer, claim_offer


@strawberry.type(description="It is not open at this moment.")
class NotOpen(Problem):
    next_at: datetime | None = strawberry.field(description="From when it is; null when never again.")


@strawberry.type(description="It is not for this customer, or not yet.")
class NotEligible(Problem):
    reasons: list[Reason] = strawberry.field(description="Why not, and what would help.")


@strawberry.type(description="As many as one can have.")
class LimitReached(Problem):
    limit: int = strawberry.field(description="How many one can have in the period.")
    next_at: datetime | None = strawberry.field(description="From when one can have it again; null when never.")


@strawberry.input(description="Which offer is claimed.")
class ClaimOfferInput:
    request_id: UUID = strawberry.field(description="Sent again, it answers again and changes nothing.")
    offer: str = strawberry.field(description="The offer's code.")


@strawberry.input(description="Which reward is chosen.")
class ChooseRewardInput:
    request_id: UUID = strawberry.field(description="Sent again, it answers again and changes nothing.")
    choice: strawberry.ID = strawberry.field(description="The choice's id.")
    option: str = strawberry.field(description="The option's code.")


@strawberry.type(description="The offer's coupons are in the wallet.")
class OfferClaimed:
    coupons: list[Coupon] = strawberry.field(description="What was put there.")


@strawberry.type(description="The chosen reward is on its way; exactly one of the two.")
class RewardChosen:
    coupon: Coupon | None = strawberry.field(description="The coupon that was put in the wallet.")
    delivery: Delivery | None = strawberry.field(description="The promise to send it.")


ClaimOfferResult = Annotated[
    OfferClaimed | NotOpen | NotEligible | LimitReached | SoldOut | AccountFrozen | NotFound,
    strawberry.union("ClaimOfferResult", description="What came of a claim."),
]

ChooseRewardResult = Annotated[
    RewardChosen | SoldOut | TooLate | NotFound | AccountFrozen,
    strawberry.union("ChooseRewardResult", description="What came of a choice."),
]


def not_open(language: Language, next_at: datetime | None) -> NotOpen:
    if next_at is None:
        message = words.NOT_OPEN.say(language)
    else:
        message = words.NOT_OPEN_YET.say(language, next_at=moment_words(iso(next_at)))
    return NotOpen(code="NOT_OPEN", message=message, next_at=next_at)


def limit_reached(language: Language, limit: int, next_at: datetime | None) -> LimitReached:
    if next_at is None:
        message = words.LIMIT_REACHED.say(language, limit=limit)
    else:
        message = words.LIMIT_REACHED_UNTIL.say(language, limit=limit, next_at=moment_words(iso(next_at)))
    return LimitReached(code="LIMIT_REACHED", message=message, limit=limit, next_at=next_at)


async def present_claim(outcome: outcomes.ClaimOutcome, info: HallInfo) -> ClaimOfferResult:
    language = info.context.language
    match outcome:
        case outcomes.OfferClaimed(coupons):
            present = await presenter(info.context)
            return OfferClaimed(coupons=[present.coupon(row) for row in coupons])
        case outcomes.NotOpen(next_at):
            return not_open(language, next_at)
        case outcomes.NotEligible(found):
            return NotEligible(
                code="NOT_ELIGIBLE", message=words.NOT_ELIGIBLE.say(language), reasons=reasons(found, language)
            )
        case outcomes.LimitReached(limit, next_at):
            return limit_reached(language, limit, next_at)
        case outcomes.SoldOut():
            return sold_out(language)
        case outcomes.AccountFrozen(appealable):
            return account_frozen(language, appealable=appealable)
        case outcomes.NotFound():
            return not_found(language)
    assert_never(outcome)


async def present_choice(outcome: outcomes.ChooseOutcome, info: HallInfo) -> ChooseRewardResult:
    language = info.context.language
    match outcome:
        case outcomes.RewardChosen(coupon, sent):
            present = await presenter(info.context)
            return RewardChosen(
                coupon=present.coupon(coupon) if coupon is not None else None,
                delivery=delivery(sent, language) if sent is not None else None,
            )
        case outcomes.SoldOut():
            return sold_out(language)
        case outcomes.TooLate(deadline, why):
            return too_late(language, deadline, why)
        case outcomes.NotFound():
            return not_found(language)
        case outcomes.AccountFrozen(appealable):
            return account_frozen(language, appealable=appealable)
    assert_never(outcome)


@strawberry.type
class OffersMutation:
    @strawberry.mutation(description="Claim an offer. Safe to send again with the same requestId.")
    async def claim_offer(
        self,
        info: HallInfo,
        input: Annotated[ClaimOfferInput, strawberry.argument(description="Which offer.")],
    ) -> ClaimOfferResult:
        context, deps = info.context, info.context.deps
        customer = context.signed_in().customer  # who: never from input
        command = ClaimOffer(input.request_id, customer, input.offer, context.device)
        catalog = await context.catalog()
        outcome = await claim_offer(
            command, read=deps.claims, find=catalog.offer, frozen=await context.on_hold(), ledger=deps.ledger,
            clock=deps.clock,
        )  # fmt: skip
        context.changed()
        return await present_claim(outcome, info)

    @strawberry.mutation(description="Choose one of several rewards. Safe to send again with the same requestId.")
    async def choose_reward(
        self,
        info: HallInfo,
        input: Annotated[ChooseRewardInput, strawberry.argument(description="Which choice, and what of it.")],
    ) -> ChooseRewardResult:
        context, deps = info.context, info.context.deps
        customer = context.signed_in().customer  # who: never from input
        key = uuid_of(input.choice, "RewardChoice")
        if key is None:
            return not_found(context.language)
        command = ChooseReward(input.request_id, customer, key, input.option)
        outcome = await choose_reward(
            command, read=deps.choices, frozen=await context.on_hold(), ledger=deps.ledger, clock=deps.clock
        )
        context.changed()
        return await present_choice(outcome, info)
