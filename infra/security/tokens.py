"""Access tokens (JWT, RFC 9068 in shape) and refresh tokens.

One algorithm and one set of keys, fixed here; the token's header chooses nothing. A header has exactly `alg`, `kid`
and `typ`: whatever else a token brings (`crit`, `jwk`, `jku`, `x5u`, `x5c`, ...) it is refused for. Text that is not
the one canonical form of its bytes is refused as well. A token is checked once (about 90 us) and remembered by its hash
until it expires; whether its session was ended meanwhile is asked each time, from memory.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b, sha256
from hmac import compare_digest
from secrets import token_bytes
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import JoseError

from domain.identity.ports import PresentedRefresh
from domain.identity.tokens import (
    CUSTOMER_ACCESS,
    CUSTOMER_SCOPE,
    MACHINE_ACCESS,
    SKEW,
    CustomerToken,
    MachineGrant,
    MachineToken,
)
from domain.kernel.errors import NotSignedIn
from domain.kernel.time import Clock
from infra.security.compact import LONGEST, TokenRefused, decode_text, encode_text, take_apart
from infra.security.keys import DataKey, SecurityKeys

T = TypeVar("T")

ALGORITHM = "Ed25519"
"""RFC 9864: the fully specified name of what RFC 8037 called EdDSA."""

CUSTOMER_TYPE = "hall-customer+at+jwt"
MACHINE_TYPE = "hall-machine+at+jwt"
REMEMBERED = 50_000

_HEADER = {"alg", "kid", "typ"}
_CLAIMS = {"iss", "aud", "sub", "exp", "nbf", "iat", "jti", "scope"}


class EndedSessions(Protocol):
    async def has(self, session: UUID) -> bool:
        """Whether the session was ended, known at most 2 s late. Raises Busy when that cannot be told."""
        ...


@dataclass(frozen=True, slots=True)
class _Kind:
    type: str
    audience: str
    longest: timedelta
    claims: frozenset[str]


class Tokens:
    """Signs and checks access tokens.

    Args:
        issuer: who we are; the audiences are derived from it.
        wall: the wall clock.
        clients: scopes of each machine client that is known now; a token of any other is refused.
    """

    def __init__(
        self,
        keys: SecurityKeys,
        *,
        issuer: str,
        wall: Clock,
        ended: EndedSessions,
        clients: Callable[[str], frozenset[str]],
    ) -> None:
        self._issuer = issuer
        self._wall = wall
        self._ended = ended
        self._clients = clients
        self._keys = {str(key.kid): key for key in keys.token}
        self._signing = keys.token[0]
        self._customer = _Kind(CUSTOMER_TYPE, f"{issuer}/graphql", CUSTOMER_ACCESS, frozenset(_CLAIMS | {"sid"}))
        self._machine = _Kind(MACHINE_TYPE, f"{issuer}/v1", MACHINE_ACCESS, frozenset(_CLAIMS))
        self._customers = _Remembered[CustomerToken]()
        self._machines = _Remembered[MachineToken]()

    # --- signing

    def for_customer(self, customer: str, session: UUID, now: datetime) -> tuple[str, datetime]:
        """A token for the signed-in customer, and when it expires (whole seconds)."""
        return self._sign(self._customer, customer, CUSTOMER_SCOPE, now, sid=str(session))

    def for_machine(self, client: str, scopes: frozenset[str]) -> MachineGrant:
        token, _ = self._sign(self._machine, client, " ".join(sorted(scopes)), self._wall.now())
        return MachineGrant(token, int(MACHINE_ACCESS.total_seconds()), scopes)

    def _sign(self, kind: _Kind, subject: str, scope: str, now: datetime, **more: str) -> tuple[str, datetime]:
        issued = int(now.timestamp())
        expires = issued + int(kind.longest.total_seconds())
        claims = {"iss": self._issuer, "aud": kind.audience, "sub": subject, "scope": scope, "jti": uuid4().hex, **more}
        header = {"alg": ALGORITHM, "kid": str(self._signing.kid), "typ": kind.type}
        times = {"iat": issued, "nbf": issued, "exp": expires}
        token = jwt.encode(header, claims | times, self._signing, algorithms=[ALGORITHM])
        return token, datetime.fromtimestamp(expires, UTC)

    # --- checking

    async def check_customer(self, bearer: str) -> CustomerToken:
        """Whose token this is. Raises NotSignedIn, without saying why."""
        now = self._wall.now()
        known = self._customers.get(bearer, now)
        if known is None:
            try:
                claims = self._claims(self._customer, bearer, now)
                known = CustomerToken(claims["sub"], _session_of(claims), _expiry_of(claims))
            except TokenRefused:
                raise NotSignedIn from None
            self._customers.keep(bearer, known, known.expires_at)
        if await self._ended.has(known.session):
            raise NotSignedIn
        return known

    def check_machine(self, bearer: str) -> MachineToken | None:
        """Which client's token this is and what it may do; None for any other."""
        now = self._wall.now()
        known = self._machines.get(bearer, now)
        if known is None:
            try:
                claims = self._claims(self._machine, bearer, now)
            except TokenRefused:
                return None
            scopes = frozenset(claims["scope"].split(" "))
            known = MachineToken(claims["sub"], scopes & self._clients(claims["sub"]), _expiry_of(claims))
            self._machines.keep(bearer, known, known.expires_at)
        return known if known.scopes else None

    def _claims(self, kind: _Kind, token: str, now: datetime) -> dict[str, Any]:
        """The claims of a token of this kind that holds at `now`. Raises TokenRefused."""
        found = take_apart(token)
        header = found.header
        if set(header) != _HEADER or header["alg"] != ALGORITHM or header["typ"] != kind.type:
            raise TokenRefused("header")
        kid = header["kid"]
        key = self._keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise TokenRefused("key")
        try:
            jwt.decode(token, key, algorithms=[ALGORITHM])
        except (JoseError, ValueError):
            raise TokenRefused("signature") from None
        claims = found.claims
        self._judge(kind, claims, now)
        return claims

    def _judge(self, kind: _Kind, claims: dict[str, Any], now: datetime) -> None:
        times = [claims.get(name) for name in ("iat", "nbf", "exp")]
        words = [claims.get(name) for name in kind.claims - {"iat", "nbf", "exp"}]
        if set(claims) != kind.claims or not all(type(time) is int for time in times):
            raise TokenRefused("claims")
        if not all(type(word) is str and word for word in words):
            raise TokenRefused("claims")
        if claims["iss"] != self._issuer or claims["aud"] != kind.audience:
            raise TokenRefused("issuer or audience")
        issued, not_before, expires = claims["iat"], claims["nbf"], claims["exp"]
        at = now.timestamp()
        early = at + SKEW.total_seconds()
        if not (issued <= early and not_before <= early and at < expires):
            raise TokenRefused("not now")
        if not issued <= not_before < expires <= issued + kind.longest.total_seconds():
            raise TokenRefused("lives too long")


def _session_of(claims: dict[str, Any]) -> UUID:
    try:
        return UUID(claims["sid"])
    except ValueError:
        raise TokenRefused("session") from None


def _expiry_of(claims: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(claims["exp"], UTC)


class _Remembered(Generic[T]):
    """Checked tokens by their hash, until they expire; at most `REMEMBERED`, the oldest going first."""

    def __init__(self) -> None:
        self._found: dict[bytes, tuple[T, datetime]] = {}

    def get(self, token: str, now: datetime) -> T | None:
        if len(token) > LONGEST:
            return None
        found = self._found.get(_digest(token))
        return found[0] if found is not None and now < found[1] else None

    def keep(self, token: str, value: T, until: datetime) -> None:
        if len(self._found) >= REMEMBERED:
            del self._found[next(iter(self._found))]
        self._found[_digest(token)] = (value, until)


def _digest(token: str) -> bytes:
    return blake2b(token.encode("utf-8", "replace"), digest_size=16).digest()


class OpaqueRefreshTokens:
    """Refresh tokens: the session's id, 32 secret bytes, and a tag that shows they are ours (base64url).

    Only a hash of the secret is stored. The tag tells a token that was used up from text nobody ever issued: only the
    first ends a session. A successor is derived from its predecessor with our key, so that the same refresh sent again
    is answered with the same token, though neither is kept.
    """

    def __init__(self, keys: Sequence[DataKey]) -> None:
        self._keys = [key.refresh for key in keys]

    def fresh(self, session: UUID) -> tuple[str, bytes]:
        return self._made(session, token_bytes(_SECRET_BYTES))

    def successor(self, token: str) -> tuple[str, bytes]:
        raw = decode_text(token)
        session, secret = raw[:16], raw[16:-_TAG_BYTES]
        return self._made(UUID(bytes=session), _keyed(self._keys[0], b"next", session + secret, _SECRET_BYTES))

    def read(self, token: str) -> PresentedRefresh | None:
        if len(token) != _REFRESH_CHARS or not token.isascii():
            return None
        try:
            raw = decode_text(token)
        except TokenRefused:
            return None
        body, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
        if not any(compare_digest(_keyed(key, b"tag", body, _TAG_BYTES), tag) for key in self._keys):
            return None
        return PresentedRefresh(UUID(bytes=body[:16]), _refresh_hash(body))

    def _made(self, session: UUID, secret: bytes) -> tuple[str, bytes]:
        body = session.bytes + secret
        return encode_text(body + _keyed(self._keys[0], b"tag", body, _TAG_BYTES)), _refresh_hash(body)


_SECRET_BYTES = 32
_TAG_BYTES = 16
_REFRESH_CHARS = len(encode_text(bytes(16 + _SECRET_BYTES + _TAG_BYTES)))


def _keyed(key: bytes, use: bytes, body: bytes, size: int) -> bytes:
    return blake2b(body, key=key, person=use, digest_size=size).digest()


def _refresh_hash(body: bytes) -> bytes:
    return sha256(body).digest()
