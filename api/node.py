"""The Node interface and its ids: opaque, global, one spelling each.

An id says which type and which thing; it gives nobody a right to it. Every room answers for its own types and looks at
the owner; a stranger's thing and a thing that never was get the same null.
"""

from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from hashlib import blake2b
from uuid import UUID

import strawberry

from domain.kernel.ids import public_id

LONGEST = 200
"""Characters of an id; ours are shorter, whatever they name."""


@strawberry.interface(description="Anything that can be asked for again by its id.")
class Node:
    id: strawberry.ID = strawberry.field(description="Opaque and stable; never taken apart by a client.")


def node_id(type_name: str, key: str | UUID) -> strawberry.ID:
    """The id of one thing; `read_id` is its inverse."""
    return strawberry.ID(public_id(type_name, key))


def read_id(id: str) -> tuple[str, str] | None:
    """(type name, key) of an id made by `node_id`; None for any other text."""
    if not 0 < len(id) <= LONGEST or "=" in id:
        return None
    try:
        text = urlsafe_b64decode(id.encode("ascii") + b"=" * (-len(id) % 4)).decode()
    except (NotBase64, ValueError):
        return None
    type_name, colon, key = text.partition(":")
    # Spare bits and foreign characters decode to the same text: only the one spelling we made is taken.
    return (type_name, key) if colon and node_id(type_name, key) == id else None


def uuid_of(id: str, type_name: str) -> UUID | None:
    """The UUID in the id of a thing of this type; None for any other text."""
    read = read_id(id)
    if read is None or read[0] != type_name:
        return None
    try:
        found = UUID(read[1])
    except ValueError:
        return None
    return found if str(found) == read[1] else None


def veiled(*parts: str) -> str:
    """A stable name for something whose own token stays inside: the bank's tokens of customers and cards."""
    return blake2b("\x1f".join(parts).encode(), digest_size=16, person=b"hall-node").hexdigest()
