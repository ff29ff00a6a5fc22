"""Sessions kept and ended; the switch for personalisation."""

from datetime import datetime
from typing import Annotated, assert_never

import strawberry

from api.context import HallInfo
from api.identity import words
from api.problems import Problem
from api.viewer import Viewer
from domain.identity.sessions import Refreshed, RefreshRefused


@strawberry.input(description="A refresh token to be used up.")
class RefreshSessionInput:
    refresh_token: str = strawberry.field(description="The newest refresh token of the session.")


@strawberry.input(description="On or off.")
class SetPersonalisationInput:
    on: bool = strawberry.field(description="Whether the hall is arranged for the viewer.")


@strawberry.type(description="Signed in as a cardholder.")
class SignedIn:
    access_token: str = strawberry.field(description="For the Authorization header, as a bearer token.")
    refresh_token: str = strawberry.field(description="For `refreshSession`, once.")
    expires_at: datetime = strawberry.field(description="When the access token ends.")
    viewer: Viewer = strawberry.field(description="Who is signed in.")


@strawberry.type(
    description="Signed in with the provider, but not yet tied to a cardholder: go on with sendBindingCode."
)
class NotBound:
    ticket: str = strawberry.field(description="What `sendBindingCode` takes.")
    expires_at: datetime = strawberry.field(description="Until when the ticket is good.")


@strawberry.type(description="Not signed in; the customer begins anew.")
class SignInRefused(Problem):
    pass


SignInResult = Annotated[
    SignedIn | NotBound | SignInRefused,
    strawberry.union("SignInResult", description="What came of a sign-in."),
]


@strawberry.type
class IdentityMutation:
    @strawberry.mutation(
        description="New tokens for a refresh token. Sent again because the answer was lost, it answers the same."
    )
    async def refresh_session(
        self,
        info: HallInfo,
        input: Annotated[RefreshSessionInput, strawberry.argument(description="The refresh token.")],
    ) -> SignInResult:
        outcome = await info.context.deps.sessions.refresh(input.refresh_token)
        match outcome:
            case Refreshed(customer, session):
                info.context.show(customer)
                return SignedIn(
                    access_token=session.access,
                    refresh_token=session.refresh,
                    expires_at=session.expires_at,
                    viewer=Viewer.of(customer),
                )
            case RefreshRefused():
                message = words.SIGN_IN_AGAIN.say(info.context.language)
                return SignInRefused(code="SIGN_IN_REFUSED", message=message)
        assert_never(outcome)

    @strawberry.mutation(
        description="End this session, its refresh token and its access tokens. True when it is ended."
    )
    async def sign_out(self, info: HallInfo) -> bool:
        token = info.context.signed_in()
        await info.context.deps.sessions.sign_out(token)
        return True

    @strawberry.mutation(description="Whether the hall is arranged for the viewer. Again, it changes nothing.")
    async def set_personalisation(
        self,
        info: HallInfo,
        input: Annotated[SetPersonalisationInput, strawberry.argument(description="On or off.")],
    ) -> Viewer:
        customer = info.context.signed_in().customer
        await info.context.deps.personalisation.set_personalisation(customer, input.on)
        info.context.changed()
        return Viewer.of(customer)
