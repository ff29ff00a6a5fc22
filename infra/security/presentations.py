"""What a customer's screen shows at a till: a coupon's id, an id of its own, an end and a tag, without personal data.

`HB1.` and base64url of coupon (16 bytes), own id (16), end in seconds (4), tag (16): 74 characters, a small QR code.
The tag is keyed BLAKE2b under a key of its own that only the hall has, which makes it and reads it. Lives `LASTS` on
the wall clock. Taken once: the till writes the own id down in the commit that uses it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from hmac import compare_digest
from uuid import UUID

from domain.campaigns.terms import Reason
from domain.kernel.ids import lane_of_id, new_id
from domain.kernel.time import Clock
from domain.till import words
from domain.till.ports import Presented
from infra.security.compact import TokenRefused, decode_text, encode_text

LASTS = timedelta(seconds=60)
PREFIX = "HB1."
_TAG_BYTES = 16
_BYTES = 16 + 16 + 4 + _TAG_BYTES


class Presentations:
    """keys: `derive`d for this purpose; the first makes, all of them read."""

    def __init__(self, keys: Sequence[bytes], wall: Clock) -> None:
        self._keys = tuple(keys)
        self._wall = wall

    def make(self, coupon: UUID) -> tuple[str, datetime]:
        """A fresh payload and its end."""
        now = self._wall.now()
        expires_at = (now + LASTS).replace(microsecond=0)
        own = new_id(lane_of_id(coupon), now)
        body = coupon.bytes + own.bytes + int(expires_at.timestamp()).to_bytes(4, "big")
        return PREFIX + encode_text(body + _tag(self._keys[0], body)), expires_at

    def read(self, payload: str) -> Presented | Reason:
        """What it says, or why it says nothing. Whether it was taken before, the commit says."""
        if not payload.startswith(PREFIX) or len(payload) > 200:
            return words.PAYLOAD_REFUSED
        try:
            raw = decode_text(payload.removeprefix(PREFIX))
        except (TokenRefused, ValueError):
            return words.PAYLOAD_REFUSED
        body, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
        if len(raw) != _BYTES or not any(compare_digest(_tag(key, body), tag) for key in self._keys):
            return words.PAYLOAD_REFUSED
        expires_at = datetime.fromtimestamp(int.from_bytes(body[32:36], "big"), UTC)
        if self._wall.now() >= expires_at:
            return words.PAYLOAD_EXPIRED
        return Presented(UUID(bytes=body[:16]), UUID(bytes=body[16:32]), expires_at)


def _tag(key: bytes, body: bytes) -> bytes:
    return blake2b(body, key=key, person=b"hall-till", digest_size=_TAG_BYTES).digest()
