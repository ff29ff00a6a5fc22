"""Lanes and ids.

Every customer-scoped row lives in a lane, one of 64 numbers that is a pure function of the customer's token. The
numbers are not 0-63: each of these falls alone into its 64th of PostgreSQL's `hashint4`, so that lanes spread evenly
over the shards of a distributed database later (see docs/decisions/0003-lanes.md; a test recomputes it).

Ids are UUIDv7 that carry the lane's index in their random bits, so that a coupon's or quote's id finds its lane alone.
"""

import os
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from uuid import UUID, SafeUUID

LANES: tuple[int, ...] = (
    *range(0, 14), 16, 17, 18, 19, 21, 22, 24, 27, 28, 31, 36, 37, 39, 41, 43, 44, 45, 46, 48, 50, 52, 58, 59, 60, 62,
    66, 70, 79, 80, 82, 83, 85, 88, 89, 92, 95, 96, 99, 101, 109, 112, 113, 136, 149, 166, 168, 170, 172, 179, 351,
)  # fmt: skip


@lru_cache(maxsize=16_384)  # a decision asks for the same customer's several times
def lane_of(token: str) -> int:
    """The lane of a customer (or of any other own key: a card, an event's id, a campaign's code)."""
    return LANES[blake2b(token.encode(), digest_size=8).digest()[0] & 63]


def public_id(type_name: str, key: str | UUID) -> str:
    """How one thing is named to those outside; api/node.py reads it."""
    return urlsafe_b64encode(f"{type_name}:{key}".encode()).decode().rstrip("=")


def lane_of_id(id: UUID) -> int:
    """The lane written into an id made by `new_id`."""
    return LANES[id.int >> 56 & 63]


_INDEX = {lane: index for index, lane in enumerate(LANES)}


_random: Iterator[int] = iter(())
"""Numbers of 72 random bits: asking the system for each of them alone costs as much as all the rest of an id."""


def _forget_random() -> None:
    global _random
    _random = iter(())


os.register_at_fork(after_in_child=_forget_random)  # or parent and child would give the same ids

_make, _set, _unknown = object.__new__, object.__setattr__, SafeUUID.unknown


def new_id(lane: int, at: datetime) -> UUID:
    """A fresh UUIDv7 in `lane`; ids of later milliseconds sort later."""
    global _random
    random = next(_random, None)
    if random is None:
        raw = os.urandom(9 * 512)
        random, *more = [int.from_bytes(raw[place : place + 9], "big") for place in range(0, len(raw), 9)]
        _random = iter(more)
    high = int(at.timestamp() * 1000) << 16 | 0x7000 | random >> 60
    id = _make(UUID)  # its own way in checks what cannot be wrong here
    _set(id, "int", high << 64 | (0x80 | _INDEX[lane]) << 56 | random & 0x00FF_FFFF_FFFF_FFFF)
    _set(id, "is_safe", _unknown)
    return id


def derived_id(lane: int, at: datetime, *parts: str) -> UUID:
    """The same id for the same parts: for rows that an event's repetition must find again, never double."""
    digest = blake2b("\x1f".join(parts).encode(), digest_size=10).digest()
    raw = bytearray(int(at.timestamp() * 1000).to_bytes(6, "big") + digest)
    raw[6] = 0x70 | (raw[6] & 0x0F)
    raw[8] = 0x80 | _INDEX[lane]
    return UUID(bytes=bytes(raw))
