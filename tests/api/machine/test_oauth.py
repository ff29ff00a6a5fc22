"""POST /oauth2/token and the bearer check behind it, over a real database."""

from base64 import b64encode
from collections.abc import AsyncIterator

import httpx
import pytest
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc7523 import PrivateKeyJWT, private_key_jwt_sign
from joserfc.jwk import OKPKey

from api.machine.auth import bearer_of
from domain.identity.machine import MachineClient
from infra.security.oauth_clients import ClientRecord, sandbox_clients
from tests.builders.doors import TOKEN_URL, Doors, open_doors

PARTNER = OKPKey.generate_key("Ed25519", {"alg": "Ed25519"}, private=True)
RECORDS = (*sandbox_clients()[:2], ClientRecord(MachineClient("partner", frozenset({"voucher"})), None, (PARTNER,)))
GRANT = "grant_type=client_credentials"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def doors(pg_dsn: str) -> AsyncIterator[Doors]:
    async with open_doors(pg_dsn, clients=RECORDS) as opened:
        yield opened


def basic(id: str = "card-core", secret: str = "card-core-sandbox") -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{id}:{secret}".encode()).decode()}


async def ask(doors: Doors, body: str | bytes = GRANT, **headers: str) -> httpx.Response:
    return await doors.http.post("/oauth2/token", content=body, headers=FORM | basic() | headers)


async def ask_as(doors: Doors, client: ClientAuth) -> httpx.Response:
    """As a client does that somebody else wrote."""
    url, headers, body = client.prepare("POST", TOKEN_URL, dict(FORM), GRANT)
    return await doors.http.post(url, content=body, headers=headers)


async def test_a_client_gets_a_token_that_opens_its_door(doors: Doors) -> None:
    answer = await ask(doors)

    said = answer.json()
    assert answer.status_code == 200
    assert (said["token_type"], said["scope"]) == ("Bearer", "events")
    assert 0 < said["expires_in"] <= 300
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-trace-id"]
    token = doors.tokens.check_machine(said["access_token"])
    assert token is not None
    assert (token.client, token.scopes) == ("card-core", {"events"})


async def test_another_s_client_signs_in_by_secret(doors: Doors) -> None:
    answer = await ask_as(doors, ClientAuth("card-core", "card-core-sandbox", "client_secret_basic"))

    assert answer.json()["scope"] == "events"


async def test_another_s_client_signs_in_by_private_key_jwt(doors: Doors) -> None:
    soon = {"exp": int(doors.wall.now().timestamp()) + 120}

    answer = await ask_as(doors, ClientAuth("partner", PARTNER, PrivateKeyJWT(TOKEN_URL, soon, alg="Ed25519")))

    assert answer.json()["scope"] == "voucher"


async def test_an_assertion_sent_again_is_refused_in_every_process(doors: Doors, pg_dsn: str) -> None:
    now = int(doors.wall.now().timestamp())
    assertion = private_key_jwt_sign(
        PARTNER, client_id="partner", token_endpoint=TOKEN_URL, alg="Ed25519", issued_at=now, expires_at=now + 60
    )
    type_ = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    body = {"grant_type": "client_credentials", "client_assertion_type": type_, "client_assertion": assertion}

    async with open_doors(pg_dsn, clients=RECORDS) as elsewhere:
        answers = [await there.http.post("/oauth2/token", data=body) for there in (doors, doors, elsewhere)]

    assert [answer.status_code for answer in answers] == [200, 401, 401]
    assert answers[1].json()["error"] == "invalid_client"


async def test_no_more_than_the_client_may_is_granted(doors: Doors) -> None:
    asked = await ask(doors, f"{GRANT}&scope=events")
    too_much = await ask(doors, f"{GRANT}&scope=events+till")

    assert asked.json()["scope"] == "events"
    assert (too_much.status_code, too_much.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize("scope", ["operate", "EVENTS", "events%20", "events++events", "%00", "%E5%8D%A1"])
async def test_an_unknown_or_badly_written_scope_is_refused(doors: Doors, scope: str) -> None:
    answer = await ask(doors, f"{GRANT}&scope={scope}")

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize(
    "headers",
    [
        basic("card-core", "wrong"),
        basic("card-core", ""),
        basic("nobody", "card-core-sandbox"),
        basic("till", "card-core-sandbox"),
        basic("partner", ""),
        {"Authorization": "Basic"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic " + b64encode(b"no-colon").decode()},
        {"Authorization": "Basic " + b64encode(b"\xff:\xff").decode()},
        {"Authorization": "Basic " + b64encode(b"%FF:%FF").decode()},
        {"Authorization": "Bearer abc"},
        {"Authorization": ""},
    ],
)
async def test_a_wrong_client_is_401_and_told_how(doors: Doors, headers: dict[str, str]) -> None:
    answer = await ask(doors, **headers)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert answer.headers["cache-control"] == "no-store"


async def test_without_any_proof_it_is_401(doors: Doors) -> None:
    answer = await doors.http.post("/oauth2/token", content=GRANT, headers=FORM)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_secrets_in_the_body_are_not_taken(doors: Doors) -> None:
    body = f"{GRANT}&client_id=card-core&client_secret=card-core-sandbox"

    answer = await doors.http.post("/oauth2/token", content=body, headers=FORM)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_id_and_secret_may_be_form_encoded_in_the_header(doors: Doors) -> None:
    answer = await ask(doors, **basic("card%2Dcore", "card-core%2dsandbox"))

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("", "invalid_request"),
        ("scope=events", "invalid_request"),
        ("grant_type=", "invalid_request"),
        (f"{GRANT}&{GRANT}", "invalid_request"),
        (f"{GRANT}&scope=events&scope=till", "invalid_request"),
        (f"{GRANT}&client_assertion=x", "invalid_request"),
        (f"{GRANT}&client_assertion=x&client_assertion_type=y", "invalid_request"),
        ("grant_type", "invalid_request"),
        (f"{GRANT}&&&=", "invalid_request"),
        (f"{GRANT}&" + "&".join(f"a{n}=1" for n in range(40)), "invalid_request"),
        (b"\xff\xfe", "invalid_request"),
        (f"{GRANT}&x=%ff", "invalid_request"),
        ('{"grant_type": "client_credentials"}', "invalid_request"),
        ("grant_type=authorization_code", "unsupported_grant_type"),
        ("grant_type=refresh_token&refresh_token=x", "unsupported_grant_type"),
        ("grant_type=Client_Credentials", "unsupported_grant_type"),
    ],
)
async def test_what_is_no_token_request_is_400(doors: Doors, body: str | bytes, error: str) -> None:
    answer = await ask(doors, body)

    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert not doors.reported


async def test_only_forms_are_taken(doors: Doors) -> None:
    answer = await ask(doors, **{"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_long_body_is_413(doors: Doors) -> None:
    answer = await ask(doors, f"{GRANT}&x=" + "y" * 20_000)

    assert (answer.status_code, answer.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")


async def test_only_post_is_taken(doors: Doors) -> None:
    answer = await doors.http.get("/oauth2/token")

    assert (answer.status_code, answer.json()["code"]) == (405, "METHOD_NOT_ALLOWED")


# --- the bearer check


async def test_without_a_token_the_door_says_what_it_wants(doors: Doors) -> None:
    answer = await doors.http.post("/v1/events")

    assert (answer.status_code, answer.json()["code"]) == (401, "TOKEN_MISSING")
    assert answer.headers["www-authenticate"] == 'Bearer realm="hall"'
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "value",
    ["Bearer abc", "Bearer", "Bearer ", "Basic YTpi", "abc", "", "Bearer a b", "Bearer a,Bearer b", "Bearer \xff"],
)
async def test_a_token_that_does_not_hold_is_401_invalid_token(doors: Doors, value: str) -> None:
    answer = await doors.http.post("/v1/events", headers={"Authorization": value.encode("latin-1")})  # type: ignore[dict-item]

    assert (answer.status_code, answer.json()["code"]) == (401, "INVALID_TOKEN")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_a_customer_s_token_is_no_machine_s(doors: Doors) -> None:
    session = await doors.sessions.issue("cust-1")

    answer = await doors.http.post("/v1/events", headers={"Authorization": f"Bearer {session.access}"})

    assert (answer.status_code, answer.json()["code"]) == (401, "INVALID_TOKEN")


async def test_a_token_without_the_scope_is_403_and_told_which(doors: Doors) -> None:
    answer = await doors.http.post("/v1/events", headers=doors.bearer("till", "till"))

    assert (answer.status_code, answer.json()["code"]) == (403, "INSUFFICIENT_SCOPE")
    assert answer.headers["www-authenticate"] == 'Bearer realm="hall", error="insufficient_scope", scope="events"'


def test_the_scheme_is_written_in_any_case() -> None:
    assert bearer_of([(b"authorization", b"bEARER  abc.def-_~+/=")]) == "abc.def-_~+/="


def test_of_two_tokens_neither_counts() -> None:
    assert bearer_of([(b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")]) == ""
    assert bearer_of([(b"accept", b"*/*")]) is None
