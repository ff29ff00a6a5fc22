"""Personal fields, sealed before they are stored (AES-256-GCM; source: JR/T 0171-2020, class C2).

A seal is bound to where it stands (table, column, customer): moved to another row it does not open. Its text is
`<key id>.<nonce and ciphertext, base64url>`. Nonces are random, 96 bits: rotate a key before it has sealed 2**32
values.
"""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.kernel.errors import Broken
from infra.security.keys import DataKey

_NONCE_BYTES = 12


class SealBroken(Broken):
    """It was sealed elsewhere, with a key we no longer have, or was changed since."""


class Sealer:
    """Seals with the first key, opens with every one."""

    def __init__(self, keys: Sequence[DataKey]) -> None:
        self._ciphers = {key.id: AESGCM(key.seal) for key in keys}
        self._id = keys[0].id
        self._cipher = self._ciphers[self._id]

    def seal(self, text: str, *place: str) -> str:
        """`place`: table, column and customer (or whose it is)."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, text.encode(), _bound(place))
        return f"{self._id}.{urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, *place: str) -> str:
        """Raises SealBroken."""
        id, _, encoded = sealed.partition(".")
        cipher = self._ciphers.get(id)
        if cipher is None:
            raise SealBroken(f"no key {id!r}")
        try:
            raw = urlsafe_b64decode(encoded)
            return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _bound(place)).decode()
        except (InvalidTag, ValueError):
            raise SealBroken("a seal does not open here") from None

    def is_current(self, sealed: str) -> bool:
        """False: sealed with an older key, and due to be sealed anew."""
        return sealed.partition(".")[0] == self._id


def _bound(place: Sequence[str]) -> bytes:
    # Lengths first: ("ab", "c") and ("a", "bc") are different places.
    return b"".join(len(part := item.encode()).to_bytes(4, "big") + part for item in place)
