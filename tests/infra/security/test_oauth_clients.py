"""How machine clients prove who they are."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from domain.identity.machine import MachineClient
from domain.kernel.errors import Busy
from infra.home import HouseError
from infra.security import oauth_clients
from infra.security.oauth_clients import (
    SANDBOX_SECRETS,
    ClientRecord,
    OAuthClients,
    hash_secret,
    read_clients,
    refuse_sandbox_secrets,
    sandbox_clients,
    secret_matches,
)
from tests.builders.doors import ISSUER, TOKEN_URL, SetClock

SECRET = "a-secret-of-the-till-s-own"
HASH = hash_secret(SECRET)
PARTNER = OKPKey.generate_key("Ed25519", {"kid": "p1", "alg": "Ed25519"}, private=True)
ELLIPTIC = ECKey.generate_key("P-256", {"kid": "p2", "alg": "ES256"}, private=True)


class Used:
    def __init__(self) -> None:
        self.jtis: set[tuple[str, str]] = set()

    async def use(self, client: str, jti: str, expires_at: object) -> bool:
        known = (client, jti) in self.jtis
        self.jtis.add((client, jti))
        return not known


RECORDS = (
    ClientRecord(MachineClient("till", frozenset({"till"})), HASH),
    ClientRecord(MachineClient("travel", frozenset({"voucher", "order"})), None, (PARTNER, ELLIPTIC)),
)
WALL = SetClock()


def clients(records: Any = RECORDS) -> OAuthClients:
    return OAuthClients(records, audiences=frozenset({TOKEN_URL, ISSUER}), used=Used(), wall=WALL)


# --- secrets


async def test_the_right_secret_is_the_client() -> None:
    found = await clients().by_secret("till", SECRET)

    assert found == MachineClient("till", frozenset({"till"}))


@pytest.mark.parametrize(
    ("id", "secret"),
    [
        ("till", "wrong"),
        ("till", ""),
        ("till", SECRET + " "),
        pytest.param("till", HASH, id="till-the-hash-itself"),
        ("nobody", SECRET),
        ("", ""),
        ("travel", ""),
        ("travel", SECRET),
        ("till", "x" * 10_000),
        ("till\0", SECRET),
        ("till", "\ud800"),
    ],
)
async def test_anything_else_is_nobody(id: str, secret: str) -> None:
    known = clients()
    await known.by_secret("till", SECRET)

    assert await known.by_secret(id, secret) is None


async def test_a_secret_that_matched_is_not_hashed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    known = clients()
    await known.by_secret("till", SECRET)
    monkeypatch.setattr(oauth_clients, "secret_matches", lambda *_: pytest.fail("hashed again"))

    assert await known.by_secret("till", SECRET)


async def test_a_crowd_of_wrong_secrets_is_told_to_come_back() -> None:
    known = clients()
    await known.by_secret("till", SECRET)

    answers = await asyncio.gather(
        *(known.by_secret("till", f"wrong-{n}") for n in range(40)),
        known.by_secret("till", SECRET),
        return_exceptions=True,
    )

    assert sum(isinstance(answer, Busy) for answer in answers) == 8
    assert answers[-1] == MachineClient("till", frozenset({"till"}))


def test_a_hash_shows_nothing_of_its_secret_and_has_its_own_salt() -> None:
    assert SECRET not in HASH
    assert hash_secret(SECRET) != HASH
    assert secret_matches(SECRET, HASH)


# --- assertions


def assertion(key: Any = PARTNER, header: dict[str, Any] | None = None, **claims: Any) -> str:
    now = int(WALL.now().timestamp())
    fit: dict[str, Any] = {"iss": "travel", "sub": "travel", "aud": TOKEN_URL, "exp": now + 60, "jti": "j1", "iat": now}
    said = {name: value for name, value in (fit | claims).items() if value is not None}
    head = {"alg": key.get("alg"), "kid": key.kid} | (header or {})
    return jwt.encode(
        {name: value for name, value in head.items() if value is not None}, said, key, algorithms=[head["alg"]]
    )


@pytest.mark.parametrize(
    "fit",
    [
        lambda: assertion(),
        lambda: assertion(ELLIPTIC),
        lambda: assertion(header={"kid": None}),
        lambda: assertion(header={"typ": "client-authentication+jwt"}),
        lambda: assertion(aud=ISSUER),
        lambda: assertion(aud=[TOKEN_URL]),
        lambda: assertion(iat=None),
    ],
)
async def test_a_signed_assertion_is_the_client(fit: Callable[[], str]) -> None:
    found = await clients().by_assertion(fit(), "travel")

    assert found == MachineClient("travel", frozenset({"voucher", "order"}))


async def test_an_assertion_works_once() -> None:
    known = clients()
    text = assertion()

    assert await known.by_assertion(text, None)
    assert await known.by_assertion(text, None) is None
    assert await known.by_assertion(assertion(exp=int(WALL.now().timestamp()) + 90), None) is None


def _now(offset: int) -> int:
    return int(WALL.now().timestamp()) + offset


STRANGER = OKPKey.generate_key("Ed25519", {"kid": "p1", "alg": "Ed25519"}, private=True)
RSA = RSAKey.generate_key(2048, {"kid": "p1", "alg": "RS256"}, private=True)
SYMMETRIC = OctKey.import_key("x" * 32, {"kid": "p1", "alg": "HS256"})


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: assertion(STRANGER),
        lambda: assertion(STRANGER, {"jwk": STRANGER.as_dict(private=False)}),
        lambda: assertion(RSA),
        lambda: assertion(SYMMETRIC),
        lambda: assertion(header={"kid": "p2"}),
        lambda: assertion(header={"kid": "p9"}),
        lambda: assertion(header={"typ": "at+jwt"}),
        lambda: assertion(header={"cty": "JWT"}),
        lambda: assertion(iss="till"),
        lambda: assertion(iss="till", sub="till"),
        lambda: assertion(sub="till"),
        lambda: assertion(iss="nobody", sub="nobody"),
        lambda: assertion(iss=None),
        lambda: assertion(aud=f"{ISSUER}/v1"),
        lambda: assertion(aud=[TOKEN_URL, "https://other.example"]),
        lambda: assertion(aud=[]),
        lambda: assertion(aud=None),
        lambda: assertion(aud={"a": 1}),
        lambda: assertion(aud=[{}]),
        lambda: assertion(exp=_now(0)),
        lambda: assertion(exp=_now(-60)),
        lambda: assertion(exp=_now(3_600)),
        lambda: assertion(exp=None),
        lambda: assertion(exp=str(_now(60))),
        lambda: assertion(exp=True),
        lambda: assertion(iat=_now(60)),
        lambda: assertion(iat=_now(-3_600)),
        lambda: assertion(nbf=_now(60)),
        lambda: assertion(jti=None),
        lambda: assertion(jti=""),
        lambda: assertion(jti=7),
        lambda: assertion(jti="x" * 129),
        lambda: assertion(jti="\0"),
        lambda: assertion()[:-3],
        lambda: assertion() + "=",
        lambda: "",
        lambda: "a.b.c",
        lambda: "x" * 100_000,
    ],
)
async def test_any_other_assertion_is_nobody(wrong: Callable[[], str]) -> None:
    assert await clients().by_assertion(wrong(), None) is None


async def test_an_assertion_is_for_the_client_that_the_request_names() -> None:
    assert await clients().by_assertion(assertion(), "till") is None


# --- the list in the settings


def _listed(**changes: Any) -> str:
    entry = {"id": "till", "scopes": ["till"], "secret": HASH} | changes
    return json.dumps([{name: value for name, value in entry.items() if value is not None}])


def test_clients_are_read_from_the_settings() -> None:
    public = PARTNER.as_dict(private=False) | {"alg": "Ed25519"}

    till, travel = read_clients(
        json.dumps([json.loads(_listed())[0], {"id": "travel", "scopes": ["order"], "keys": [public]}])
    )

    assert (till.client, till.secret) == (MachineClient("till", frozenset({"till"})), HASH)
    assert [key.kid for key in travel.keys] == ["p1"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[5]",
        _listed(id=None),
        _listed(id="a:b"),
        _listed(id="x" * 65),
        _listed(id="é"),
        _listed(scopes=[]),
        _listed(scopes=["everything"]),
        _listed(scopes="till"),
        _listed(secret="in the clear"),
        _listed(secret="scrypt$x$8$1$a$b"),
        _listed(secret=None),
        _listed(sceret="x"),
        _listed(keys=[PARTNER.as_dict(private=True)]),
        _listed(keys=[PARTNER.as_dict(private=False) | {"alg": "none"}]),
        _listed(keys=[{"kty": "oct", "k": "eHg", "alg": "RS256"}]),
        _listed(keys=[{"alg": "ES256"}]),
        _listed(keys=["x"]),
        json.dumps(json.loads(_listed()) * 2),
    ],
)
def test_a_list_that_cannot_be_used_ends_the_start_in_one_sentence(text: str) -> None:
    with pytest.raises(HouseError) as refused:
        read_clients(text)

    assert "\n" not in str(refused.value)
    assert SECRET not in str(refused.value)


# --- the sandbox's


@pytest.mark.parametrize(
    ("id", "secret", "scopes"),
    [
        ("card-core", "card-core-sandbox", "events"),
        ("till", "till-sandbox", "till"),
        ("travel", "travel-sandbox", "voucher order"),
        ("operator", "operator-sandbox", "operate"),
    ],
)
async def test_the_sandbox_has_the_contract_s_clients(id: str, secret: str, scopes: str) -> None:
    known = clients(sandbox_clients())

    assert await known.by_secret(id, secret) == MachineClient(id, frozenset(scopes.split()))


@pytest.mark.parametrize("secret", SANDBOX_SECRETS.values())
def test_production_refuses_a_client_with_a_sandbox_secret(secret: str) -> None:
    record = ClientRecord(MachineClient("another-name", frozenset({"till"})), hash_secret(secret))

    refuse_sandbox_secrets(RECORDS)
    with pytest.raises(HouseError, match="sandbox"):
        refuse_sandbox_secrets([*RECORDS, record])
