"""The outer form of a JWT (JWS compact serialisation, RFC 7515), read before any library sees it.

Text that is not the one canonical form of its bytes is refused: a token is what we remember it by, so two texts must
never be one token.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

import orjson

LONGEST = 2_048
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")


class TokenRefused(Exception):
    """The text says why: for the log of a test, never for the caller."""


@dataclass(frozen=True, slots=True)
class Compact:
    """A signed token taken apart. Nothing of it is to be believed before its signature was checked."""

    header: dict[str, Any]
    claims: dict[str, Any]


def take_apart(token: str) -> Compact:
    """Raises TokenRefused."""
    parts = _COMPACT.fullmatch(token) if len(token) <= LONGEST else None
    if parts is None:
        raise TokenRefused("not a compact JWS")
    decode_text(parts[3])
    return Compact(_object(parts[1]), _object(parts[2]))


def decode_text(part: str) -> bytes:
    """Base64url without padding, in its one canonical form. Raises TokenRefused."""
    try:
        raw = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise TokenRefused("base64") from None
    if encode_text(raw) != part:
        raise TokenRefused("not canonical")
    return raw


def encode_text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _object(part: str) -> dict[str, Any]:
    try:
        found = orjson.loads(decode_text(part))
    except orjson.JSONDecodeError:
        raise TokenRefused("not JSON") from None
    if type(found) is not dict:
        raise TokenRefused("not an object")
    return found
