"""Access tokens: what is taken, and seventy ways of not being one."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from domain.identity.tokens import CUSTOMER_ACCESS, MACHINE_ACCESS
from domain.kernel.errors import NotSignedIn
from infra.home import HouseError
from infra.security import tokens as tokens_module
from infra.security.keys import security_keys
from infra.security.tokens import ALGORITHM, CUSTOMER_TYPE, MACHINE_TYPE, OpaqueRefreshTokens, Tokens
from tests.builders.doors import ISSUER, SetClock, data_key, token_key

SESSION = UUID("01998877-0000-7000-8000-000000000001")


class Ended:
    def __init__(self) -> None:
        self.sessions: set[UUID] = set()

    async def has(self, session: UUID) -> bool:
        return session in self.sessions


class House:
    """A hall's keys and everything a forger may know or have."""

    def __init__(self, *kids: str) -> None:
        self.keys = {kid: token_key(kid) for kid in kids or ("first",)}
        self.wall = SetClock()
        self.ended = Ended()
        self.scopes = {"card-core": frozenset({"events"}), "till": frozenset({"till"})}
        self.tokens = self.made(*self.keys)

    def made(self, *kids: str) -> Tokens:
        keys = security_keys([data_key()], KeySet([self.keys[kid] for kid in kids]))
        clients = lambda client: self.scopes.get(client, frozenset())  # noqa: E731
        return Tokens(keys, issuer=ISSUER, wall=self.wall, ended=self.ended, clients=clients)

    def customer(self) -> str:
        return self.tokens.for_customer("cust-1", SESSION, self.wall.now())[0]

    def machine(self) -> str:
        return self.tokens.for_machine("card-core", frozenset({"events"})).access

    def claims(self, **changes: Any) -> dict[str, Any]:
        """A fit customer's; None takes a claim away."""
        now = int(self.wall.now().timestamp())
        fit = {
            "iss": ISSUER,
            "aud": f"{ISSUER}/graphql",
            "sub": "cust-1",
            "scope": "hall",
            "jti": uuid4().hex,
            "sid": str(SESSION),
            "iat": now,
            "nbf": now,
            "exp": now + 900,
        }
        return {name: value for name, value in (fit | changes).items() if value is not None}

    def header(self, **changes: Any) -> dict[str, Any]:
        fit = {"alg": ALGORITHM, "kid": "first", "typ": CUSTOMER_TYPE}
        return {name: value for name, value in (fit | changes).items() if value is not None}

    def signed(self, header: dict[str, Any] | None = None, claims: Any = None) -> str:
        """Signed with the hall's own key, whatever stands in it: only the hall itself could make such a token."""
        head, body = b64(header or self.header()), b64(self.claims() if claims is None else claims)
        signature = self.keys["first"].private_key.sign(f"{head}.{body}".encode())
        return f"{head}.{body}.{b64(signature)}"

    def public_pem(self) -> bytes:
        return self.keys["first"].public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def b64(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@pytest.fixture
def house() -> House:
    return House()


# --- the forgeries


def _unsigned(alg: Any, signature: str = "") -> Callable[[House], str]:
    return lambda house: f"{b64(house.header(alg=alg))}.{b64(house.claims())}.{signature}"


def _hmac(key: Callable[[House], bytes], alg: str = "HS256") -> Callable[[House], str]:
    def forge(house: House) -> str:
        head, body = b64(house.header(alg=alg)), b64(house.claims())
        digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[alg]
        return f"{head}.{body}.{b64(hmac.new(key(house), f'{head}.{body}'.encode(), digest).digest())}"

    return forge


def _by_stranger(**header: Any) -> Callable[[House], str]:
    """Signed with a key of the forger's own, the header pointing at it in one way or another."""

    def forge(house: House) -> str:
        own = OKPKey.generate_key("Ed25519", {"kid": "first"}, private=True)
        filled = {name: own.as_dict(private=False) if value == "JWK" else value for name, value in header.items()}
        head, body = b64(house.header(**filled)), b64(house.claims())
        return f"{head}.{body}.{b64(own.private_key.sign(f'{head}.{body}'.encode()))}"

    return forge


def _other_algorithm(alg: str, key: Any) -> Callable[[House], str]:
    return lambda house: jwt.encode(house.header(alg=alg), house.claims(), key, algorithms=[alg])


def _header(**changes: Any) -> Callable[[House], str]:
    return lambda house: house.signed(header=house.header(**changes))


def _claims(**changes: Any) -> Callable[[House], str]:
    return lambda house: house.signed(claims=house.claims(**changes))


def _times(**offsets: int) -> Callable[[House], str]:
    """Seconds from now."""

    def forge(house: House) -> str:
        now = int(house.wall.now().timestamp())
        return house.signed(claims=house.claims(**{name: now + offset for name, offset in offsets.items()}))

    return forge


def _changed(change: Callable[[str], str]) -> Callable[[House], str]:
    return lambda house: change(house.customer())


def _payload_swapped(token: str) -> str:
    head, body, signature = token.split(".")
    claims = json.loads(unb64(body)) | {"sub": "cust-2"}
    return f"{head}.{b64(claims)}.{signature}"


def _last_bits(token: str) -> str:
    """Another text for the same bytes: the last character of 64 bytes carries four bits that mean nothing."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]


FORGED: dict[str, Callable[[House], str]] = {
    **{f"alg {alg!r}": _unsigned(alg) for alg in ("none", "None", "NONE", "nOnE", "", " none", "null", "none\0")},
    **{f"alg {alg!r}, kept signature": _unsigned(alg, b64(bytes(64))) for alg in ("none", "NONE")},
    "alg null": _header(alg=None),
    "alg a list": lambda house: house.signed(header=house.header() | {"alg": [ALGORITHM]}),
    "alg a number": _header(alg=1),
    "alg EdDSA, the older name": _header(alg="EdDSA"),
    "HS256 with the public PEM": _hmac(lambda house: house.public_pem()),
    "HS256 with the raw public key": _hmac(lambda house: unb64(house.keys["first"].as_dict()["x"])),
    "HS256 with the public JWK": _hmac(lambda house: json.dumps(house.keys["first"].as_dict(private=False)).encode()),
    "HS384 with the public PEM": _hmac(lambda house: house.public_pem(), "HS384"),
    "HS512 with the public PEM": _hmac(lambda house: house.public_pem(), "HS512"),
    "HS256 with an empty key": _hmac(lambda house: b""),
    "HS256 with the kid": _hmac(lambda house: b"first"),
    "HS256 by the library": _other_algorithm("HS256", OctKey.import_key("x" * 32)),
    "RS256": _other_algorithm("RS256", RSAKey.generate_key(2048)),
    "ES256": _other_algorithm("ES256", ECKey.generate_key("P-256")),
    "PS256": _other_algorithm("PS256", RSAKey.generate_key(2048)),
    "another key under our kid": _by_stranger(),
    "own jwk": _by_stranger(jwk="JWK"),
    "own jwk without kid": _by_stranger(jwk="JWK", kid=None),
    "jku": _by_stranger(jku="https://evil.example/jwks.json"),
    "x5u": _by_stranger(x5u="https://evil.example/cert.pem"),
    "x5c": _by_stranger(x5c=["MIIB"]),
    "x5t": _by_stranger(x5t="abc"),
    "kid missing": _header(kid=None),
    "kid unknown": _header(kid="second"),
    "kid a path": _header(kid="../../../../dev/null"),
    "kid SQL": _header(kid="first' or '1'='1"),
    "kid a number": _header(kid=0),
    "kid a list": lambda house: house.signed(header=house.header() | {"kid": ["first"]}),
    "crit unknown": _header(crit=["exp"]),
    "crit empty": lambda house: house.signed(header=house.header() | {"crit": []}),
    "b64 false": _header(b64=False, crit=["b64"]),
    "zip": _header(zip="DEF"),
    "cty JWT": _header(cty="JWT"),
    "our own jwk in the header": lambda house: house.signed(
        header=house.header(jwk=house.keys["first"].as_dict(private=False))
    ),
    "typ JWT": _header(typ="JWT"),
    "typ missing": _header(typ=None),
    "typ of a machine's": _header(typ=MACHINE_TYPE),
    "typ in capitals": _header(typ=CUSTOMER_TYPE.upper()),
    "a machine's token": lambda house: house.machine(),
    "audience of machines": _claims(aud=f"{ISSUER}/v1"),
    "audience a list": _claims(aud=[f"{ISSUER}/graphql"]),
    "audience missing": _claims(aud=None),
    "another issuer": _claims(iss="https://evil.example"),
    "issuer missing": _claims(iss=None),
    "expired": _times(iat=-1_000, nbf=-1_000, exp=-1),
    "expires now": _times(iat=-900, nbf=-900, exp=0),
    "exp missing": _claims(exp=None),
    "exp a text": _claims(exp="9999999999"),
    "exp broken": _claims(exp=9999999999.5),
    "exp true": _claims(exp=True),
    "exp huge": _claims(exp=10**400),
    "lives too long": _times(exp=901),
    "not yet valid": _times(nbf=60),
    "nbf missing": _claims(nbf=None),
    "issued tomorrow": _times(iat=86_400, nbf=86_400, exp=87_000),
    "iat missing": _claims(iat=None),
    "sub missing": _claims(sub=None),
    "sub empty": _claims(sub=""),
    "sub a number": _claims(sub=1),
    "sub a list": _claims(sub=["cust-1"]),
    "sid missing": _claims(sid=None),
    "sid no UUID": _claims(sid="first"),
    "scope missing": _claims(scope=None),
    "jti missing": _claims(jti=None),
    "a claim too many": _claims(admin=True),
    "claims a list": lambda house: house.signed(claims=[house.claims()]),
    "claims no JSON": lambda house: house.signed(claims=b"{"),
    "claims empty": lambda house: house.signed(claims={}),
    "another customer swapped in": _changed(_payload_swapped),
    "signature cut": _changed(lambda token: token[:-4]),
    "signature gone": _changed(lambda token: token.rpartition(".")[0] + "."),
    "signature left out": _changed(lambda token: token.rpartition(".")[0]),
    "signature of nothing": _changed(lambda token: token.rpartition(".")[0] + "." + b64(bytes(64))),
    "signature one bit off": _changed(lambda token: token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:]),
    "another text of the same bytes": _changed(_last_bits),
    "padded": _changed(lambda token: token + "=="),
    "four parts": _changed(lambda token: token + ".x"),
    "five parts, as if encrypted": _changed(lambda token: token + ".x.y"),
    "a space before": _changed(lambda token: " " + token),
    "a line end behind": _changed(lambda token: token + "\n"),
    "the other alphabet": _changed(lambda token: token.replace("_", "/").replace("-", "+") + "+"),
    "JSON serialisation": lambda house: json.dumps(
        dict(zip(("protected", "payload", "signature"), house.customer().split("."), strict=True))
    ),
    "twice": _changed(lambda token: f"{token},{token}"),
    "empty": lambda house: "",
    "dots": lambda house: "..",
    "no text for bytes": lambda house: "\ud800.\ud800.\ud800",
    "very long": lambda house: "a" * 1_000_000,
    "very deep": lambda house: house.signed(claims=b"[" * 1_200 + b"]" * 1_200),
}


def test_there_are_seventy_forgeries_and_more() -> None:
    assert len(FORGED) >= 70


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_or_wrong_token_is_nobody(house: House, name: str) -> None:
    token = FORGED[name](house)

    with pytest.raises(NotSignedIn):
        await house.tokens.check_customer(token)
    if name != "a machine's token":
        assert house.tokens.check_machine(token) is None


async def test_the_forger_s_own_tools_make_a_token_that_is_taken_when_nothing_is_wrong(house: House) -> None:
    """So none of the forgeries above was refused for the way it was made."""
    taken = await house.tokens.check_customer(house.signed())

    assert taken.customer == "cust-1"


# --- what is taken


async def test_a_customer_s_token_says_who_and_lives_a_quarter_of_an_hour(house: House) -> None:
    text, expires_at = house.tokens.for_customer("cust-1", SESSION, house.wall.now())

    taken = await house.tokens.check_customer(text)

    assert (taken.customer, taken.session, taken.expires_at) == ("cust-1", SESSION, expires_at)
    assert expires_at - house.wall.now() == CUSTOMER_ACCESS == timedelta(minutes=15)


def test_a_machine_s_token_says_which_and_lives_five_minutes(house: House) -> None:
    grant = house.tokens.for_machine("card-core", frozenset({"events"}))

    taken = house.tokens.check_machine(grant.access)

    assert taken is not None
    assert (taken.client, taken.scopes) == ("card-core", {"events"})
    assert taken.expires_at - house.wall.now() == MACHINE_ACCESS
    assert grant.expires_in == 300


async def test_a_customer_s_token_opens_no_machine_s_door(house: House) -> None:
    assert house.tokens.check_machine(house.customer()) is None
    with pytest.raises(NotSignedIn):
        await house.tokens.check_customer(house.machine())


@pytest.mark.parametrize("checked_before", [True, False])
async def test_a_token_ends_when_it_says_also_when_it_was_remembered(house: House, checked_before: bool) -> None:
    customer, machine = house.customer(), house.machine()
    if checked_before:
        await house.tokens.check_customer(customer)
        assert house.tokens.check_machine(machine)

    house.wall.pass_(minutes=5)
    assert house.tokens.check_machine(machine) is None
    house.wall.pass_(minutes=10)
    with pytest.raises(NotSignedIn):
        await house.tokens.check_customer(customer)


async def test_an_ended_session_s_token_is_refused_also_when_it_was_remembered(house: House) -> None:
    token = house.customer()
    await house.tokens.check_customer(token)

    house.ended.sessions.add(SESSION)

    with pytest.raises(NotSignedIn):
        await house.tokens.check_customer(token)


def test_a_client_that_was_taken_away_or_lost_a_scope_loses_it_at_once(house: House) -> None:
    token = house.tokens.for_machine("card-core", frozenset({"events"})).access
    del house.scopes["card-core"]

    assert house.tokens.check_machine(token) is None


async def test_another_machine_s_clock_may_be_a_little_ahead(house: House) -> None:
    token = house.customer()

    house.wall.pass_(seconds=-4)

    assert (await house.tokens.check_customer(token)).customer == "cust-1"


# --- keys


async def test_during_a_rotation_both_keys_hold_and_the_first_signs() -> None:
    house = House("new", "old")
    before, during, after = house.made("old"), house.made("new", "old"), house.made("new")
    old = before.for_customer("cust-1", SESSION, house.wall.now())[0]
    new = during.for_customer("cust-1", SESSION, house.wall.now())[0]

    assert await during.check_customer(old)
    assert await after.check_customer(new)
    with pytest.raises(NotSignedIn):
        await after.check_customer(old)
    with pytest.raises(NotSignedIn):
        await before.check_customer(new)


@pytest.mark.parametrize(
    "keys",
    [
        [RSAKey.generate_key(2048)],
        [ECKey.generate_key("P-256")],
        [OKPKey.generate_key("Ed448")],
        [OKPKey.generate_key("X25519")],
        [OKPKey.import_key(token_key().as_dict(private=False))],
        [token_key("same"), token_key("same")],
        [],
    ],
)
def test_keys_that_cannot_sign_tokens_end_the_start(keys: list[Any]) -> None:
    with pytest.raises(HouseError, match="HALL_TOKEN_KEY"):
        security_keys([data_key()], KeySet(keys))


# --- what is remembered


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens_module, "REMEMBERED", 3)
    return


async def test_the_memory_of_checked_tokens_is_bounded_and_forgetting_does_no_harm(
    house: House, small_memory: None
) -> None:
    tokens = [house.customer() for _ in range(10)]

    for token in tokens * 2:
        assert (await house.tokens.check_customer(token)).customer == "cust-1"

    assert len(house.tokens._customers._found) == 3


async def test_refused_tokens_are_not_remembered(house: House) -> None:
    for forge in FORGED.values():
        with pytest.raises(NotSignedIn):
            await house.tokens.check_customer(forge(house))

    assert len(house.tokens._customers._found) == 0


# --- refresh tokens


def refresh_tokens(*bytes_: int) -> OpaqueRefreshTokens:
    return OpaqueRefreshTokens(security_keys([data_key(byte) for byte in bytes_], KeySet([token_key()])).data)


def test_a_refresh_token_is_known_as_ours_and_read_back() -> None:
    made = refresh_tokens(1)
    token, hash = made.fresh(SESSION)

    presented = made.read(token)

    assert presented is not None
    assert (presented.session, presented.hash) == (SESSION, hash)


def test_two_refresh_tokens_of_one_session_share_nothing_to_guess_by() -> None:
    made = refresh_tokens(1)

    assert made.fresh(SESSION) != made.fresh(SESSION)


def test_the_successor_is_always_the_same_one_and_another_token() -> None:
    made = refresh_tokens(1)
    token, _ = made.fresh(SESSION)

    assert made.successor(token) == made.successor(token)
    assert made.successor(token)[0] != token
    assert made.read(made.successor(token)[0]) is not None


def test_refresh_tokens_of_the_key_before_are_still_ours() -> None:
    token, _ = refresh_tokens(1).fresh(SESSION)

    assert refresh_tokens(2, 1).read(token) is not None
    assert refresh_tokens(2).read(token) is None


@pytest.mark.parametrize("place", [0, 5, 21, 22, 40, 64, 70, 85])
def test_a_changed_refresh_token_was_never_issued(place: int) -> None:
    made = refresh_tokens(1)
    token, _ = made.fresh(SESSION)
    changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]

    assert made.read(changed) is None


@pytest.mark.parametrize("text", ["", "x", "=" * 86, "A" * 86, "A" * 10_000, "é" * 86, "\0" * 86, "\ud800" * 86])
def test_garbage_is_no_refresh_token(text: str) -> None:
    assert refresh_tokens(1).read(text) is None
