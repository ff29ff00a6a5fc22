"""Columns of values as PostgreSQL array literals.

The driver asks of each element of an array whether it is a container itself, which costs more than judging the unit it
belongs to. So arrays travel as one text each (`$1::text::bigint[]`). An array literal is written almost as JSON is, so
orjson spells a whole column in a few nanoseconds a value; what differs is told below.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

Column = Sequence[Any]


def numbers(values: Column) -> str:
    """Whole numbers and booleans; None is null."""
    return "{" + orjson.dumps(values)[1:-1].decode() + "}"


def texts(values: Column) -> str:
    """Texts of any content but NUL, which PostgreSQL does not take either; None is null, a mapping or list is JSON.

    Raises ValueError for a NUL, TypeError for what is neither text nor JSON.
    """
    try:
        joined = "".join(values)
    except TypeError:  # not only texts
        values = [value if value is None or isinstance(value, str) else _text(value) for value in values]
        joined = "".join([value for value in values if value is not None])
    try:
        spelled = orjson.dumps(values)
    except TypeError:
        return _texts_one_by_one(values)
    # JSON and PostgreSQL spell a quote and a backslash alike, but not control characters, which JSON escapes, too.
    if spelled.count(b"\\") != joined.count('"') + 2 * joined.count("\\"):
        return _texts_one_by_one(values)
    return "{" + spelled[1:-1].decode() + "}"


def _texts_one_by_one(values: Column) -> str:
    return "{" + ",".join(["null" if value is None else _quoted(_text(value)) for value in values]) + "}"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if type(value) is dict:  # nearly always; asking a Mapping what it is costs as much as spelling it
        return orjson.dumps(value).decode()
    if isinstance(value, Mapping):
        value = dict(value)
    if isinstance(value, dict | list | tuple):
        return orjson.dumps(value).decode()
    raise TypeError(f"a {type(value).__name__} where a text belongs")


def _quoted(value: str) -> str:
    if "\0" in value:
        raise ValueError("a text with a NUL")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def uuids(values: Column) -> str:
    """Ids, also as texts; None is null."""
    return "{" + orjson.dumps(values, default=_id)[1:-1].decode() + "}"


def _id(value: Any) -> str:
    if isinstance(value, UUID):  # the driver's own kind
        return str(value)
    raise TypeError(f"a {type(value).__name__} where an id belongs")


def moments(values: Column) -> str:
    """Aware moments or days, also as ISO texts; None is null."""
    return "{" + orjson.dumps(values)[1:-1].decode() + "}"


def arrays(values: Column) -> str:
    """Arrays of texts, each spelled as a text of its own: unnest would take an array of arrays apart."""
    spelled: dict[tuple[str, ...], str] = {}
    parts: list[str | None] = []
    for value in values:
        if value is None:
            parts.append(None)
            continue
        key = tuple(value)
        text = spelled.get(key)
        if text is None:
            text = spelled[key] = texts(key)
        parts.append(text)
    return texts(parts)


def _anything(values: Column) -> str:
    return texts([None if value is None else _plain(value) for value in values])


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    return str(value)


_BY_TYPE: dict[str, Callable[[Column], str]] = {
    "bigint": numbers,
    "integer": numbers,
    "smallint": numbers,
    "boolean": numbers,
    "text": texts,
    "uuid": uuids,
    "timestamp with time zone": moments,
    "date": moments,
    "text[]": arrays,
}


def literal_of(type_name: str) -> Callable[[Column], str]:
    """What spells a column of this type (as the catalog names it)."""
    return _BY_TYPE.get(type_name, _anything)


def probe(type_name: str, place: int) -> str:
    """The parameter that carries such a column: `$3::text::bigint[]`; an array of arrays comes as texts."""
    element = "text" if type_name.endswith("[]") else type_name
    return f"${place}::text::{element}[]"
