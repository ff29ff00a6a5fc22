"""Sessions kept and ended through GraphQL, with real tokens."""

from tests.builders.hall_api import HallApi
from tests.builders.rows import add_customer

ALICE = "alice"
REFRESH = """
mutation ($token: String!) { refreshSession(input: {refreshToken: $token}) { __typename
  ... on SignedIn { accessToken refreshToken expiresAt viewer { maskedName } }
  ... on SignInRefused { code message }
} }
"""


async def test_a_refresh_token_brings_new_tokens_and_shows_whose_they_are(hall_api: HallApi) -> None:
    await add_customer(hall_api.db, ALICE)
    session = await hall_api.deps.sessions.issue(ALICE)

    told = (await hall_api.data(REFRESH, token=session.refresh))["refreshSession"]

    assert told["__typename"] == "SignedIn"
    assert told["viewer"] == {"maskedName": "张**"}
    assert told["refreshToken"] != session.refresh
    seen = await hall_api.data("{ viewer { maskedName } }", told["accessToken"])
    assert seen == {"viewer": {"maskedName": "张**"}}


async def test_a_refresh_token_sent_again_answers_the_same_again(hall_api: HallApi) -> None:
    session = await hall_api.deps.sessions.issue(ALICE)
    first = (await hall_api.data(REFRESH, token=session.refresh))["refreshSession"]

    again = (await hall_api.data(REFRESH, token=session.refresh))["refreshSession"]

    assert again["refreshToken"] == first["refreshToken"]


async def test_text_that_is_no_refresh_token_is_refused_in_words(hall_api: HallApi) -> None:
    for token in ("", "x", "a.b.c", "é" * 100):
        told = (await hall_api.data(REFRESH, token=token, language="en"))["refreshSession"]

        assert told == {
            "__typename": "SignInRefused",
            "code": "SIGN_IN_REFUSED",
            "message": "Your sign-in has ended. Please sign in again.",
        }


async def test_signing_out_ends_both_tokens(hall_api: HallApi) -> None:
    session = await hall_api.deps.sessions.issue(ALICE)

    out = await hall_api.data("mutation { signOut }", session.access)
    after = await hall_api.ask("{ viewer { id } }", session.access)
    refreshed = (await hall_api.data(REFRESH, token=session.refresh))["refreshSession"]

    assert out == {"signOut": True}
    assert after["errors"][0]["extensions"]["code"] == "NOT_SIGNED_IN"
    assert refreshed["__typename"] == "SignInRefused"


async def test_a_session_just_made_gives_no_right_to_act_in_the_same_request(hall_api: HallApi) -> None:
    session = await hall_api.deps.sessions.issue(ALICE)

    told = await hall_api.ask(
        """mutation ($token: String!) {
          refreshSession(input: {refreshToken: $token}) { __typename }
          setPersonalisation(input: {on: false}) { personalisation }
        }""",
        token=session.refresh,
    )

    assert [error["extensions"]["code"] for error in told["errors"]] == ["NOT_SIGNED_IN"]
