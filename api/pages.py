"""Relay connections: cursors, page sizes and the edges.

A cursor is the sort key of its row, packed; a page goes on after that key, wherever the row is by then, and never
counts rows it does not show. A cursor gives no right to anything: every page is of the signed-in customer.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Any
from uuid import UUID

import strawberry

from domain.kernel.errors import InputInvalid

DEFAULT_FIRST = 20
MOST_FIRST = 100
"""A page holds no more, `hasNextPage` says so. `api/graphql/limits.py` reckons with the same number."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_AT_AND_ID = Struct(">cq16s")
_ID = Struct(">c16s")
_LATEST = datetime(3000, 1, 1, tzinfo=UTC)


class PageInvalid(InputInvalid):
    """A page that cannot be asked for: its size, or a cursor that is none of the list's."""

    code = "BAD_USER_INPUT"


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more follow the last edge.")
    has_previous_page: bool = strawberry.field(description="Whether this page began after a cursor.")
    start_cursor: str | None = strawberry.field(description="The first edge's cursor; null on an empty page.")
    end_cursor: str | None = strawberry.field(
        description="The last edge's cursor, to go on with; null on an empty page."
    )


def page_info(cursors: list[str], *, more: bool, after: object | None) -> PageInfo:
    return PageInfo(
        has_next_page=more,
        has_previous_page=after is not None,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )


def page_size(first: int | None) -> int:
    """How many to show: at most 100, whatever was asked for; 0 is an empty page. Raises PageInvalid below 0."""
    if first is None:
        return DEFAULT_FIRST
    if first < 0:
        raise PageInvalid("`first` must not be below 0.")
    return min(first, MOST_FIRST)


def cursor_at(kind: bytes, at: datetime, id: UUID) -> str:
    """A row's place in a list sorted by (moment, id). kind: one byte, so that a list takes its own cursors only."""
    return _text(_AT_AND_ID.pack(kind, (at - _EPOCH) // _MICROSECOND, id.bytes))


def read_cursor_at(kind: bytes, cursor: str | None) -> tuple[datetime, UUID] | None:
    """The place a cursor names; None without one (null, or not given). Raises PageInvalid for text that is no cursor of
    this list.
    """
    if not isinstance(cursor, str):
        return None
    found, microseconds, id = _unpacked(_AT_AND_ID, cursor)
    if found != kind or not 0 <= microseconds <= (_LATEST - _EPOCH) // _MICROSECOND:
        raise _not_a_cursor()
    return _EPOCH + microseconds * _MICROSECOND, UUID(bytes=id)


def cursor_id(kind: bytes, id: UUID) -> str:
    """A row's place in a list sorted by id."""
    return _text(_ID.pack(kind, id.bytes))


def read_cursor_id(kind: bytes, cursor: str | None) -> UUID | None:
    """The id a cursor names; None without one. Raises PageInvalid for text that is no cursor of this list."""
    if not isinstance(cursor, str):
        return None
    found, id = _unpacked(_ID, cursor)
    if found != kind:
        raise _not_a_cursor()
    return UUID(bytes=id)


def _text(packed: bytes) -> str:
    return urlsafe_b64encode(packed).decode().rstrip("=")


def _unpacked(shape: Struct, cursor: str) -> tuple[Any, ...]:
    try:
        packed = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except (NotBase64, ValueError):
        raise _not_a_cursor() from None
    if len(packed) != shape.size or _text(packed) != cursor:
        raise _not_a_cursor()
    return shape.unpack(packed)


def _not_a_cursor() -> PageInvalid:
    return PageInvalid("`after` is not a cursor of this list.")
