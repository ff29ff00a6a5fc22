"""Applying, signing up, giving a place back."""

from typing import Annotated, assert_never
from uuid import UUID

import strawberry

from api.context import Context, HallInfo
from api.node import uuid_of
from api.offers import words
from api.offers.mutations import LimitReached, NotEligible, NotOpen, limit_reached, not_open
from api.offers.types import reasons
from api.participation.types import Application, SignUp, application, sign_up
from api.problems import AccountFrozen, NotFound, SoldOut, TooLate, account_frozen, not_found, sold_out, too_late
from domain.campaigns.model import Campaign, Offer
from domain.kernel.words import Language
from domain.offers import asked, outcomes
from domain.offers.apply import ApplyForOffer, apply_for_offer
from domain.offers.catalog import Catalog
from domain.offers.sign_up import CancelSignUp, FindVersion, SignUpFor, cancel_sign_up, sign_up_for

_REQUEST = "Sent again, it answers again and changes nothing."


@strawberry.input(description="What is applied for.")
class ApplyInput:
    request_id: UUID = strawberry.field(description=_REQUEST)
    offer: str = strawberry.field(description="The offer's code.")
    email: str | None = strawberry.field(
        default=strawberry.UNSET, description="Where the answer may go besides the phone the bank knows."
    )


@strawberry.input(description="What is signed up for.")
class SignUpInput:
    request_id: UUID = strawberry.field(description=_REQUEST)
    offer: str = strawberry.field(description="The offer's code.")


@strawberry.input(description="Which place is given back.")
class CancelSignUpInput:
    request_id: UUID = strawberry.field(description=_REQUEST)
    sign_up: strawberry.ID = strawberry.field(description="The sign-up's id.")


@strawberry.type(description="The application is with the bank.")
class Applied:
    application: Application = strawberry.field(description="The application, as it stands.")


@strawberry.type(description="The customer has a place, or waits for one.")
class SignedUp:
    sign_up: SignUp = strawberry.field(description="The sign-up, as it stands.")


@strawberry.type(description="The place is given back.")
class SignUpCancelled:
    sign_up: SignUp = strawberry.field(description="The sign-up, as it stands.")


ApplyResult = Annotated[
    Applied | NotEligible | NotOpen | LimitReached | NotFound | AccountFrozen,
    strawberry.union("ApplyResult", description="What came of applying."),
]
SignUpResult = Annotated[
    SignedUp | NotEligible | NotOpen | LimitReached | SoldOut | NotFound | AccountFrozen,
    strawberry.union("SignUpResult", description="What came of signing up."),
]
CancelSignUpResult = Annotated[
    SignUpCancelled | TooLate | NotFound,
    strawberry.union("CancelSignUpResult", description="What came of giving a place back."),
]


async def present_apply(outcome: asked.ApplyOutcome, context: Context) -> ApplyResult:
    language = context.language
    match outcome:
        case asked.Applied(facts):
            return Applied(application=await application(context, facts))
        case outcomes.NotEligible():
            return _not_eligible(outcome, language)
        case outcomes.NotOpen(next_at):
            return not_open(language, next_at)
        case outcomes.LimitReached(limit, next_at):
            return limit_reached(language, limit, next_at)
        case outcomes.NotFound():
            return not_found(language)
        case outcomes.AccountFrozen(appealable):
            return account_frozen(language, appealable=appealable)
    assert_never(outcome)


async def present_sign_up(outcome: asked.SignUpOutcome, context: Context) -> SignUpResult:
    language = context.language
    match outcome:
        case asked.SignedUp(facts):
            return SignedUp(sign_up=await sign_up(context, facts))
        case outcomes.NotEligible():
            return _not_eligible(outcome, language)
        case outcomes.NotOpen(next_at):
            return not_open(language, next_at)
        case outcomes.LimitReached(limit, next_at):
            return limit_reached(language, limit, next_at)
        case outcomes.SoldOut():
            return sold_out(language)
        case outcomes.NotFound():
            return not_found(language)
        case outcomes.AccountFrozen(appealable):
            return account_frozen(language, appealable=appealable)
    assert_never(outcome)


async def present_cancel(outcome: asked.CancelSignUpOutcome, context: Context) -> CancelSignUpResult:
    match outcome:
        case asked.SignUpCancelled(facts):
            return SignUpCancelled(sign_up=await sign_up(context, facts))
        case outcomes.TooLate(deadline):
            return too_late(context.language, deadline)
        case outcomes.NotFound():
            return not_found(context.language)
    assert_never(outcome)


def _not_eligible(outcome: outcomes.NotEligible, language: Language) -> NotEligible:
    return NotEligible(
        code="NOT_ELIGIBLE", message=words.NOT_ELIGIBLE.say(language), reasons=reasons(outcome.reasons, language)
    )


def _versions(catalog: Catalog) -> FindVersion:
    def find(code: str, version: int, offer: str) -> tuple[Campaign, Offer] | None:
        campaign = catalog.version(code, version)
        found = None if campaign is None else campaign.offer(offer)
        return None if campaign is None or found is None else (campaign, found)

    return find


@strawberry.type
class ParticipationMutation:
    @strawberry.mutation(description="Apply for an offer. Safe to send again with the same requestId.")
    async def apply(
        self, info: HallInfo, input: Annotated[ApplyInput, strawberry.argument(description="For which offer.")]
    ) -> ApplyResult:
        context, deps = info.context, info.context.deps
        customer = context.signed_in().customer  # who: never from input
        command = ApplyForOffer(input.request_id, customer, input.offer, input.email or None, context.device)
        outcome = await apply_for_offer(
            command,
            read=deps.applications,
            find=(await context.catalog()).offer,
            frozen=await context.on_hold(),
            seal=lambda email, id: deps.seal(email, "application", "email", id),
            ledger=deps.ledger,
            clock=deps.clock,
        )
        context.changed()
        return await present_apply(outcome, context)

    @strawberry.mutation(description="Sign up for an event. Safe to send again with the same requestId.")
    async def sign_up(
        self, info: HallInfo, input: Annotated[SignUpInput, strawberry.argument(description="For which event.")]
    ) -> SignUpResult:
        context, deps = info.context, info.context.deps
        customer = context.signed_in().customer  # who: never from input
        outcome = await sign_up_for(
            SignUpFor(input.request_id, customer, input.offer, context.device),
            read=deps.sign_ups,
            find=(await context.catalog()).offer,
            frozen=await context.on_hold(),
            ledger=deps.ledger,
            clock=deps.clock,
        )
        context.changed()
        return await present_sign_up(outcome, context)

    @strawberry.mutation(
        description="Give a place, or a place in the waiting list, back. Safe to send again with the same requestId."
    )
    async def cancel_sign_up(
        self, info: HallInfo, input: Annotated[CancelSignUpInput, strawberry.argument(description="Which place.")]
    ) -> CancelSignUpResult:
        context, deps = info.context, info.context.deps
        customer = context.signed_in().customer  # who: never from input
        key = uuid_of(input.sign_up, "SignUp")
        if key is None:
            return not_found(context.language)
        catalog = await context.catalog()
        outcome = await cancel_sign_up(
            CancelSignUp(input.request_id, customer, key),
            read=deps.sign_ups,
            lists=deps.waiting_lists,
            present=catalog.offer,
            find=_versions(catalog),
            ledger=deps.ledger,
            clock=deps.clock,
        )
        context.changed()
        return await present_cancel(outcome, context)
