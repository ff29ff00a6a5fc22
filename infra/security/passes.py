"""What a customer's screen shows at a lounge: a booking or an entitlement, an own id, an end, a tag; nothing personal.

`HL1.` and base64url of kind (1 byte), subject (16), own id (16), end in seconds (4), tag (16): 75 characters, a small
QR code. The tag is keyed BLAKE2b; only the hall has the key, which makes it and reads it. Lives `LASTS` on the wall
clock, so that a picture of it sent to somebody else is worth little, and is taken once: whoever checks it in writes its
own id down in the same commit.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from hmac import compare_digest
from uuid import UUID

from domain.kernel.ids import lane_of_id, new_id
from domain.kernel.time import Clock
from domain.lounge.visit import Pass
from infra.security.compact import TokenRefused, decode_text, encode_text

LASTS = timedelta(seconds=120)
PREFIX = "HL1."
_BOOKING, _ENTITLEMENT = b"B", b"E"
_TAG_BYTES = 16
_BYTES = 1 + 16 + 16 + 4 + _TAG_BYTES


class Passes:
    """keys: `derive`d for what customers show; the first makes, all of them read."""

    def __init__(self, keys: Sequence[bytes], wall: Clock) -> None:
        self._keys = tuple(keys)
        self._wall = wall

    def of_booking(self, id: UUID) -> tuple[str, datetime]:
        """A fresh payload and its end."""
        return self._make(_BOOKING, id)

    def of_entitlement(self, id: UUID) -> tuple[str, datetime]:
        """A fresh payload and its end, for one visit without a booking."""
        return self._make(_ENTITLEMENT, id)

    def _make(self, kind: bytes, subject: UUID) -> tuple[str, datetime]:
        now = self._wall.now()
        expires_at = (now + LASTS).replace(microsecond=0)
        own = new_id(lane_of_id(subject), now)
        body = kind + subject.bytes + own.bytes + int(expires_at.timestamp()).to_bytes(4, "big")
        return PREFIX + encode_text(body + _tag(self._keys[0], body)), expires_at

    def read(self, payload: str) -> Pass | None:
        """What it says; None for anything that is not a pass of ours, and once its time is over."""
        if not payload.startswith(PREFIX) or len(payload) > 200:
            return None
        try:
            raw = decode_text(payload.removeprefix(PREFIX))
        except (TokenRefused, ValueError):
            return None
        body, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
        if len(raw) != _BYTES or not any(compare_digest(_tag(key, body), tag) for key in self._keys):
            return None
        expires_at = datetime.fromtimestamp(int.from_bytes(body[33:37], "big"), UTC)
        if self._wall.now() >= expires_at:
            return None
        subject, own = UUID(bytes=body[1:17]), UUID(bytes=body[17:33])
        of_booking = body[:1] == _BOOKING
        return Pass(own, subject if of_booking else None, None if of_booking else subject, expires_at)


def _tag(key: bytes, body: bytes) -> bytes:
    return blake2b(body, key=key, person=b"hall-lounge", digest_size=_TAG_BYTES).digest()
