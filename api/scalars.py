"""The schema's own scalars: DateTime, Date, UUID, Fen, Points.

Strict on the way in, because what is accepted here is trusted by everything behind: a moment has its offset, a whole
number is a JSON integer within what a JavaScript client can hold (+-(2^53 - 1)), a year is one the hall can calculate
with. Garbage is a coercion error of the client's, never an error of ours. GraphQL's own Int stops at 2,147,483,647,
which fen may pass.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, NewType, TypeAlias
from uuid import UUID

from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from domain.kernel.time import iso

if TYPE_CHECKING:
    # To a type checker they are the plain ints of the domain; to Strawberry two scalars with names of their own.
    Fen: TypeAlias = int
    Points: TypeAlias = int
else:
    Fen = NewType("Fen", int)
    Points = NewType("Points", int)

MAX_WHOLE = 2**53 - 1
"""The largest whole number that every JSON reader keeps exactly (RFC 8259, section 6)."""

YEARS = range(1900, 3000)
"""Years that arithmetic on days, months and offsets cannot push out of Python's calendar."""

_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")


def read_moment(value: object) -> datetime:
    """An aware moment from RFC 3339 text. Raises ValueError."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        if isinstance(value, str) and _LOCAL.fullmatch(value):
            raise ValueError("DateTime needs an offset, as in 2026-11-20T10:00:00+08:00.")
        raise ValueError("DateTime must be ISO 8601 with an offset, as in 2026-11-20T10:00:00+08:00.")
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("DateTime names no moment of the calendar.") from None
    if at.year not in YEARS:
        raise ValueError(f"DateTime must lie in the years {YEARS.start} to {YEARS.stop - 1}.")
    return at


def read_day(value: object) -> date:
    """A calendar day from YYYY-MM-DD. Raises ValueError."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("Date must be written YYYY-MM-DD.")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise ValueError("Date names no day of the calendar.") from None
    if day.year not in YEARS:
        raise ValueError(f"Date must lie in the years {YEARS.start} to {YEARS.stop - 1}.")
    return day


def read_uuid(value: object) -> UUID:
    """A UUID from its canonical 36 characters, and from no other spelling. Raises ValueError."""
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise ValueError("UUID must be written as 8-4-4-4-12 hexadecimal digits.")
    return UUID(value)


def whole(value: object) -> int:
    """A whole number within +-(2^53 - 1), in either direction. Raises ValueError."""
    if type(value) is not int:
        raise ValueError("A JSON integer is needed: no fraction, no text, no boolean.")
    if not -MAX_WHOLE <= value <= MAX_WHOLE:
        raise ValueError("A whole number must stay within 2^53 - 1.")
    return value


def write_moment(at: datetime) -> str:
    """ISO 8601 in Shanghai's offset. A naive moment is a bug of ours: ValueError, masked on its way out."""
    if at.tzinfo is None:
        raise ValueError("a naive moment cannot be answered")
    return iso(at)


def _scalar(name: str, description: str, *, write: object, read: object) -> ScalarDefinition:
    return ScalarDefinition(
        name=name,
        description=description,
        specified_by_url=None,
        serialize=write,  # type: ignore[arg-type]
        parse_value=read,  # type: ignore[arg-type]
        parse_literal=None,
    )


SCALARS: Mapping[object, ScalarDefinition] = {
    datetime: _scalar(
        "DateTime",
        "ISO 8601 with offset, e.g. 2026-11-20T10:00:00+08:00.",
        write=write_moment,
        read=read_moment,
    ),
    date: _scalar("Date", "A calendar day of Shanghai, YYYY-MM-DD.", write=date.isoformat, read=read_day),
    UUID: _scalar("UUID", "A UUID in its canonical 36 characters.", write=str, read=read_uuid),
    Fen: _scalar("Fen", "Whole fen (1/100 yuan), a JSON integer; may pass 32 bits.", write=whole, read=whole),
    Points: _scalar("Points", "Whole points, a JSON integer; may pass 32 bits.", write=whole, read=whole),
}


def schema_config() -> StrawberryConfig:
    """The configuration every schema of the hall is built with: our scalars under Python's own types."""
    return StrawberryConfig(scalar_map=SCALARS)
