"""The roll: what a secret, a place in the draw's sequence and the customer's own words come to.

Anybody who has the secret computes the same number; nobody who has only its hash can. Source: the published way of
drawing (docs/draws.md); the page of `/draws/verify` does the same in JavaScript.
"""

import hmac
from hashlib import sha256
from itertools import count

from domain.kernel.money import PPM

_WORDS_END = 2**32 // PPM * PPM
"""Words of 32 bits from here on are thrown away: what is left divides by a million, so no number is favoured."""


def roll(secret: bytes, draw: str, sequence: int, nonce: str) -> int:
    """0 to 999,999, each as likely. draw: `<campaign>/<draw>`. nonce: the customer's.

    HMAC-SHA256 of `draw, sequence, nonce, try` (a line each) under the secret, read as eight big-endian words; the
    first word below 4,294,000,000 counts, modulo a million. Where none of the eight is (once in 10^29), the next try.
    """
    for attempt in count():
        digest = hmac.digest(secret, f"{draw}\n{sequence}\n{nonce}\n{attempt}".encode(), "sha256")
        for place in range(0, 32, 4):
            word = int.from_bytes(digest[place : place + 4], "big")
            if word < _WORDS_END:
                return word % PPM
    raise AssertionError("unreachable")


def commitment_of(secret: bytes) -> str:
    """The hash that is published before the secret is used: SHA-256 of its 32 bytes, in hexadecimal."""
    return sha256(secret).hexdigest()
