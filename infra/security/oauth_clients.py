"""The machine clients of this hall and how each proves who it is.

A client has a secret, of which only a scrypt hash is kept, or public keys (private_key_jwt), each for the one algorithm
its JWK names. The contract's sandbox clients exist in sandbox mode only; in production a client that uses one of their
secrets is refused at the start.

`python -m infra.security.oauth_clients` asks for a secret and writes its hash.
"""

import asyncio
import json
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from getpass import getpass
from hashlib import blake2b, scrypt
from hmac import compare_digest
from secrets import token_bytes
from typing import Any, Protocol

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key

from domain.identity.machine import SCOPES, MachineClient
from domain.identity.tokens import SKEW
from domain.kernel.errors import Busy
from domain.kernel.time import Clock
from infra.home import HouseError
from infra.security.compact import Compact, TokenRefused, take_apart

SANDBOX_SECRETS: Mapping[str, str] = {
    "card-core": "card-core-sandbox",
    "till": "till-sandbox",
    "travel": "travel-sandbox",
    "operator": "operator-sandbox",
    "lounge": "lounge-sandbox",
}
_SANDBOX_SCOPES = {
    "card-core": "events",
    "till": "till",
    "travel": "voucher order",
    "operator": "operate",
    "lounge": "lounge",
}

ALGORITHMS = frozenset({"Ed25519", "EdDSA", "ES256", "PS256", "RS256"})
ASSERTION_LIFE = timedelta(minutes=5)
CHECKS_AT_ONCE = 2
CHECKS_WAITING = 32

_LONGEST_SECRET = 512
_COST = {"n": 2**14, "r": 8, "p": 1}
_MEMORY = 64 * 1024 * 1024
_REMEDY = 'give a JSON list of {"id", "scopes", and "secret" or "keys"}'


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """How a client is known: by `secret` (a hash made by `hash_secret`), by `keys`, or by either."""

    client: MachineClient
    secret: str | None = None
    keys: tuple[Key, ...] = ()


class UsedOnce(Protocol):
    async def use(self, client: str, jti: str, expires_at: datetime) -> bool:
        """False when this client used it before."""
        ...


# --- secrets


def hash_secret(secret: str) -> str:
    """`scrypt$n$r$p$salt$hash` of a new secret."""
    salt = token_bytes(16)
    n, r, p = _COST["n"], _COST["r"], _COST["p"]
    return "$".join(("scrypt", str(n), str(r), str(p), _plain(salt), _plain(_scrypt(secret, salt, n, r, p))))


def secret_matches(secret: str, hashed: str) -> bool:
    """About 40 ms of one core, whatever the answer."""
    _, n, r, p, salt, wanted = hashed.split("$")
    return compare_digest(_scrypt(secret, b64decode(salt), int(n), int(r), int(p)), b64decode(wanted))


def _scrypt(secret: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return scrypt(secret.encode("utf-8", "replace"), salt=salt, n=n, r=r, p=p, maxmem=_MEMORY, dklen=32)


def _plain(raw: bytes) -> str:
    return b64encode(raw).decode()


# --- the settings' list


def sandbox_clients() -> tuple[ClientRecord, ...]:
    """The clients the contract names, with the secrets it names."""
    return tuple(
        ClientRecord(MachineClient(id, frozenset(_SANDBOX_SCOPES[id].split())), hash_secret(secret))
        for id, secret in SANDBOX_SECRETS.items()
    )


def read_clients(text: str) -> tuple[ClientRecord, ...]:
    """The clients a JSON document lists: `[{"id", "scopes": [...], "secret"?: hash, "keys"?: [JWK, ...]}, ...]`.

    Raises HouseError, one sentence.
    """
    try:
        listed = json.loads(text)
    except ValueError:
        raise HouseError(f"HALL_CLIENTS is not JSON: {_REMEDY}.") from None
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise HouseError(f"HALL_CLIENTS is not a list of clients: {_REMEDY}.")
    records = tuple(_record(entry) for entry in listed)
    if len({record.client.id for record in records}) != len(records):
        raise HouseError("HALL_CLIENTS names a client twice: give each an id of its own.")
    return records


def refuse_sandbox_secrets(records: Iterable[ClientRecord]) -> None:
    """For production. Raises HouseError when a client has a secret that stands in the contract for all to read."""
    for record in records:
        if record.secret and any(secret_matches(secret, record.secret) for secret in SANDBOX_SECRETS.values()):
            raise HouseError(f"The client {record.client.id} uses a sandbox secret: give it one of its own.")


def _record(entry: dict[str, Any]) -> ClientRecord:
    id = entry.get("id")
    if not isinstance(id, str) or not 0 < len(id) <= 64 or not id.isascii() or not id.isprintable() or ":" in id:
        raise HouseError(f"A client of HALL_CLIENTS has no usable id: {_REMEDY}.")
    if unknown := set(entry) - {"id", "scopes", "secret", "keys"}:
        raise HouseError(f"The client {id} has an unknown entry {min(unknown)}: {_REMEDY}.")
    scopes = entry.get("scopes")
    if not isinstance(scopes, list) or not scopes or not all(scope in SCOPES for scope in scopes):
        raise HouseError(f"The scopes of client {id} cannot be used: give some of {', '.join(sorted(SCOPES))}.")
    keys = tuple(_key(id, jwk) for jwk in entry.get("keys") or ())
    secret = entry.get("secret")
    if secret is not None and not _is_hash(secret):
        raise HouseError(
            f"The secret of client {id} is no scrypt hash: make one with `python -m infra.security.oauth_clients`."
        )
    if secret is None and not keys:
        raise HouseError(f"The client {id} has neither a secret nor keys: {_REMEDY}.")
    return ClientRecord(MachineClient(id, frozenset(scopes)), secret, keys)


def _is_hash(secret: object) -> bool:
    if not isinstance(secret, str):
        return False
    try:
        secret_matches("", secret)
    except (ValueError, MemoryError, OverflowError):
        return False
    return True


def _key(id: str, jwk: object) -> Key:
    try:
        if not isinstance(jwk, dict) or jwk.get("alg") not in ALGORITHMS or "d" in jwk or jwk.get("kty") == "oct":
            raise ValueError
        return import_key(jwk)
    except (JoseError, ValueError, TypeError, KeyError):
        wanted = ", ".join(sorted(ALGORITHMS))
        raise HouseError(f"A key of client {id} cannot be used: give a public JWK with an `alg` of {wanted}.") from None


# --- proving it


class OAuthClients:
    """`domain.identity.machine.MachineClients` over a fixed list.

    Args:
        audiences: what an assertion may name as its audience: our token endpoint, our issuer.
        used: remembers assertions; it decides, and when it does not answer nobody gets in.
    """

    def __init__(
        self, records: Iterable[ClientRecord], *, audiences: frozenset[str], used: UsedOnce, wall: Clock
    ) -> None:
        self._records = {record.client.id: record for record in records}
        self._audiences = audiences
        self._used = used
        self._wall = wall
        self._nobody = hash_secret(token_bytes(32).hex())
        # Secrets that matched, by a hash under a key that lives in this process only: scrypt is paid once.
        self._proven: dict[str, bytes] = {}
        self._proof_key = token_bytes(32)
        self._checking = asyncio.Semaphore(CHECKS_AT_ONCE)
        self._waiting = 0

    def scopes(self, id: str) -> frozenset[str]:
        """What a client may do now; nothing for an unknown one."""
        record = self._records.get(id)
        return record.client.scopes if record else frozenset()

    async def by_secret(self, id: str, secret: str) -> MachineClient | None:
        if len(secret) > _LONGEST_SECRET:
            return None
        record = self._records.get(id)
        hashed = record.secret if record else None
        proof = blake2b(secret.encode("utf-8", "replace"), key=self._proof_key).digest()
        if record and compare_digest(self._proven.get(id, b""), proof):
            return record.client
        # A stranger waits as long as a client with a wrong secret does.
        matches = await self._matches(secret, hashed or self._nobody)
        if record is None or hashed is None or not matches:
            return None
        self._proven[id] = proof
        return record.client

    async def _matches(self, secret: str, hashed: str) -> bool:
        if self._waiting >= CHECKS_WAITING:
            raise Busy
        self._waiting += 1
        try:
            async with self._checking:
                return await asyncio.to_thread(secret_matches, secret, hashed)
        finally:
            self._waiting -= 1

    async def by_assertion(self, assertion: str, id: str | None) -> MachineClient | None:
        try:
            found = take_apart(assertion)
            record = self._records.get(str(found.claims.get("iss")))
            if record is None or id not in (None, record.client.id):
                raise TokenRefused("client")
            self._verify(assertion, found, record)
            jti, expires_at = self._judge(found.claims, record.client.id)
        except TokenRefused:
            return None
        if not await self._used.use(record.client.id, jti, expires_at + SKEW):
            return None
        return record.client

    def _verify(self, assertion: str, found: Compact, record: ClientRecord) -> None:
        header = found.header
        if not {"alg"} <= set(header) <= {"alg", "typ", "kid"}:
            raise TokenRefused("header")
        if header.get("typ", "JWT") not in ("JWT", "client-authentication+jwt"):
            raise TokenRefused("type")
        kid = header.get("kid")
        for key in record.keys:
            if key.get("alg") != header["alg"] or (kid is not None and key.get("kid") != kid):
                continue
            try:
                jwt.decode(assertion, key, algorithms=[header["alg"]])
            except (JoseError, ValueError):
                continue
            return
        raise TokenRefused("signature")

    def _judge(self, claims: dict[str, Any], id: str) -> tuple[str, datetime]:
        now = self._wall.now()
        audience, jti, expires = claims.get("aud"), claims.get("jti"), claims.get("exp")
        if isinstance(audience, list) and len(audience) == 1:
            audience = audience[0]
        if claims.get("iss") != id or claims.get("sub") != id:
            raise TokenRefused("issuer or subject")
        if not isinstance(audience, str) or audience not in self._audiences:
            raise TokenRefused("audience")
        if not isinstance(jti, str) or not 0 < len(jti) <= 128 or "\0" in jti:
            raise TokenRefused("jti")
        at = now.timestamp()
        skew, life = SKEW.total_seconds(), ASSERTION_LIFE.total_seconds()
        if type(expires) is not int or not at < expires <= at + life + skew:
            raise TokenRefused("exp")
        for name in ("iat", "nbf"):
            moment = claims.get(name, int(at))
            if type(moment) is not int or not at - life - skew <= moment <= at + skew:
                raise TokenRefused(name)
        return jti, now + timedelta(seconds=expires - at)


if __name__ == "__main__":
    sys.stdout.write(hash_secret(getpass("Secret: ")) + "\n")
