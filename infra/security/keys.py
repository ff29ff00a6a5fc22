"""One set of keys for a hall, and what each is used for.

The settings give two kinds: data keys (32 bytes; the first is the present one) and token keys (Ed25519; the first
signs). Every use of a data key has a key of its own derived from it (HKDF, RFC 5869), so that no two uses can be played
against each other. Rotation: put the new key first and keep the old one behind it until nothing made with it is left:
15 minutes for access tokens, 30 days for refresh tokens, for sealed fields until they are sealed anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc.jwk import KeySet, OKPKey

from infra.home import HouseError


def derive(key: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose."""
    return HKDF(SHA256(), length=32, salt=None, info=f"hall/{purpose}".encode()).derive(key)


@dataclass(frozen=True, slots=True, repr=False)
class DataKey:
    """`id` tells nothing about the key; it stands before what was sealed with it."""

    id: str
    seal: bytes
    refresh: bytes
    show: bytes
    """Of what a customer shows at a till."""


@dataclass(frozen=True, slots=True, repr=False)
class SecurityKeys:
    """`data[0]` and `token[0]` make; every one of them reads. Token keys are found by their `kid`."""

    data: tuple[DataKey, ...]
    token: tuple[OKPKey, ...]


def security_keys(data: Sequence[bytes], token: KeySet) -> SecurityKeys:
    """What the settings' keys are used for.

    Raises HouseError when a token key is not a private Ed25519 key, or two have one `kid`.
    """
    keys = []
    for key in token.keys:
        if not isinstance(key, OKPKey) or key.get("crv") != "Ed25519" or not key.is_private:
            raise HouseError("HALL_TOKEN_KEY cannot be used: give a private Ed25519 key.")
        key.ensure_kid()
        keys.append(key)
    if not keys or len({key.kid for key in keys}) != len(keys):
        raise HouseError("HALL_TOKEN_KEY cannot be used: give each key a `kid` of its own.")
    if not data:
        raise HouseError("HALL_DATA_KEY is missing: give 32 bytes in base64.")
    return SecurityKeys(tuple(_data_key(key) for key in data), tuple(keys))


def _data_key(key: bytes) -> DataKey:
    return DataKey(derive(key, "key-id")[:4].hex(), derive(key, "seal"), derive(key, "refresh"), derive(key, "show"))
