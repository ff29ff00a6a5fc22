"""What a value in a campaign file may look like: one definition that reads it and describes it as JSON Schema.

A shape reads a node into a value or notes what is wrong, with a remedy, and raises Unread; a record goes on to its next
field, so that every fault of a file is told at once. Units are part of the text (`200 yuan`, `7d`): a bare number never
stands for money or time.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Generic, TypeVar

from domain.kernel.money import Fen
from domain.kernel.time import SHANGHAI
from infra.campaigns.tree import Entry, Node, Reading, Reference, Scalar, Sequence, Table

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
E = TypeVar("E", bound=StrEnum)
Schema = dict[str, Any]


class Unread(Exception):
    """The value could not be read; why is in the reading's errors."""


@dataclass(slots=True)
class Definitions:
    """The named parts of a JSON Schema document, each written once."""

    parts: dict[str, Schema] = field(default_factory=dict)

    def refer(self, name: str, make: Callable[[], Schema]) -> Schema:
        if name not in self.parts:
            self.parts[name] = {}  # stands there before it is made: shapes may contain themselves
            self.parts[name] = make()
        return {"$ref": f"#/$defs/{name}"}


class Shape(ABC, Generic[T_co]):
    """How one kind of value is written."""

    @abstractmethod
    def read(self, node: Node, reading: Reading) -> T_co:
        """The value. Raises Unread after noting what is wrong."""

    @abstractmethod
    def schema(self, definitions: Definitions) -> Schema: ...

    @abstractmethod
    def written(self) -> str:
        """How it is written, in a few words of Markdown."""

    def inside(self) -> "Iterable[Shape[Any]]":
        """The shapes it is made of."""
        return ()


def refuse(reading: Reading, at: Node | Entry, message: str, remedy: str) -> Unread:
    reading.wrong(at, message, remedy)
    return Unread()


_SHOWN = 30


def nearest(word: str, known: Iterable[str]) -> str:
    """The remedy for a word nobody knows: the nearest one, else all of them."""
    known = list(known)
    folded = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in known}
    close = get_close_matches(re.sub(r"[^a-z0-9]", "", word.lower()), list(folded), n=1, cutoff=0.6)
    return (
        f"Did you mean {folded[close[0]]}?"
        if close
        else f"Known here: {', '.join(known[:_SHOWN])}{', ...' if len(known) > _SHOWN else '.'}"
    )


# --- single values ---


class _Written(Shape[T]):
    """A value written as one text."""

    what: str
    example: str
    pattern: str

    def read(self, node: Node, reading: Reading) -> T:
        if not isinstance(node, Scalar):
            raise refuse(reading, node, f"this should be {self.what}.", f"Write it as {self.example}.")
        value = self.parse(node.text)
        if value is None:
            shown = node.text if len(node.text) <= 40 else node.text[:40] + "…"
            remedy = self.suggest(node.text) or f"Write it as {self.example}."
            raise refuse(reading, node, f'"{shown}" is not {self.what}.', remedy)
        self.check(value, node, reading)
        return value

    @abstractmethod
    def parse(self, text: str) -> T | None: ...

    def suggest(self, text: str) -> str | None:
        return None

    def check(self, value: T, node: Node, reading: Reading) -> None:
        return None

    def schema(self, definitions: Definitions) -> Schema:
        return {"type": "string", "pattern": self.pattern}

    def written(self) -> str:
        return f"`{self.example}`"


def _whole(text: str) -> int | None:
    return int(text.replace("_", "")) if re.fullmatch(r"[0-9]+(_[0-9]{3})*", text) and len(text) <= 20 else None


def _grouped(number: int) -> str:
    return f"{number:_}"


def _guess_whole(text: str) -> int | None:
    """What a person may have meant by 50k, 5万, 50,000 or 50.000; only ever shown, never used."""
    match = re.fullmatch(r"([0-9]+)(k|K|m|M|w|W|万|百万)", text.strip())
    if match:
        factor = {"k": 10**3, "m": 10**6, "w": 10**4, "万": 10**4, "百万": 10**6}[match[2].lower()]
        return int(match[1]) * factor
    plain = re.sub(r"[ ,_']", "", text.strip())
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) <= 18 else None


class _Ranged(_Written[int]):
    """A whole number with bounds, shown in the value's own unit."""

    def __init__(self, least: int | None = None, most: int | None = None) -> None:
        self.least, self.most = least, most

    def show(self, value: int) -> str:
        return _grouped(value)

    def check(self, value: int, node: Node, reading: Reading) -> None:
        if self.least is not None and value < self.least:
            raise refuse(reading, node, f"{self.show(value)} is too little.", f"Write {self.show(self.least)} or more.")
        if self.most is not None and value > self.most:
            raise refuse(reading, node, f"{self.show(value)} is too much.", f"Write {self.show(self.most)} or less.")


class Whole(_Ranged):
    """`50_000`: a count without a unit."""

    what = "a whole number"
    example = "50_000"
    pattern = r"^[0-9]+(_[0-9]{3})*$"

    def parse(self, text: str) -> int | None:
        return _whole(text)

    def suggest(self, text: str) -> str | None:
        guess = _guess_whole(text)
        return None if guess is None else f"Write {_grouped(guess)}."

    def schema(self, definitions: Definitions) -> Schema:
        bounds = {"minimum": self.least or 0} | ({"maximum": self.most} if self.most is not None else {})
        return {"anyOf": [{"type": "integer", **bounds}, {"type": "string", "pattern": self.pattern}]}

    def written(self) -> str:
        return "number"


class Yuan(_Ranged):
    """`200 yuan`, `10.50 yuan` -> fen."""

    what = "an amount of money"
    example = "200 yuan"
    pattern = r"^[0-9]+(_[0-9]{3})*(\.[0-9]{2})? yuan$"

    def parse(self, text: str) -> Fen | None:
        match = re.fullmatch(r"([0-9_]+)(?:\.([0-9]{2}))? yuan", text)
        whole = _whole(match[1]) if match else None
        return None if match is None or whole is None else whole * 100 + int(match[2] or 0)

    def suggest(self, text: str) -> str | None:
        bare = re.sub(r"(?i)\s*(yuan|rmb|cny|元|块)$|^[¥￥]\s*", "", text.strip())
        if re.fullmatch(r"[0-9]+\.[0-9]{1,2}", bare):
            whole, cents = bare.split(".")
            return f"Write {_grouped(int(whole))}.{cents:0<2} yuan."
        guess = _guess_whole(bare)
        return None if guess is None else f"Write {_grouped(guess)} yuan."

    def show(self, value: int) -> str:
        whole, cents = divmod(value, 100)
        return f"{_grouped(whole)}.{cents:02d} yuan" if cents else f"{_grouped(whole)} yuan"


class _Counted(_Ranged):
    """A whole number and its unit."""

    def __init__(self, unit: str, what: str, example: int, least: int, most: int, *, glued: bool = False) -> None:
        super().__init__(least, most)
        self.unit = unit
        self.gap = "" if glued else " "
        self.what = what
        self.example = f"{example}{self.gap}{unit}"
        self.pattern = rf"^[0-9]+(_[0-9]{{3}})*{self.gap}{re.escape(unit)}$"

    def parse(self, text: str) -> int | None:
        number, unit = text[: -len(self.unit) - len(self.gap)], text[-len(self.unit) - len(self.gap) :]
        return _whole(number) if unit == self.gap + self.unit else None

    def suggest(self, text: str) -> str | None:
        digits = re.match(r"\s*([0-9]{1,6})\s*([A-Za-z%天月期个年]*)\s*$", text)
        if digits is None or (digits[2] and digits[2].lower() not in _SAID_FOR.get(self.unit, ())):
            return None
        return f"Write {digits[1]}{self.gap}{self.unit}."

    def show(self, value: int) -> str:
        return f"{_grouped(value)}{self.gap}{self.unit}"


_SAID_FOR = {
    "d": ("d", "day", "days", "天"),
    "months": ("m", "month", "months", "月", "个月"),
    "periods": ("p", "period", "periods", "期"),
    "ppm": ("ppm",),
}


def days(least: int = 0, most: int = 3660) -> _Counted:
    """`7d`: Shanghai days."""
    return _Counted("d", "a number of days", 7, least, most, glued=True)


def months(least: int = 1, most: int = 120) -> _Counted:
    return _Counted("months", "a number of months", 6, least, most)


def periods(least: int = 1, most: int = 60) -> _Counted:
    return _Counted("periods", "a number of instalment periods", 12, least, most)


class Percent(_Ranged):
    """`1 %`, `0.5 %` -> millionths."""

    what = "a percentage"
    example = "1 %"
    pattern = r"^[0-9]+(\.[0-9]{1,4})? %$"

    def parse(self, text: str) -> int | None:
        match = re.fullmatch(r"([0-9]{1,6})(?:\.([0-9]{1,4}))? %", text)
        return None if match is None else int(match[1]) * 10_000 + int((match[2] or "").ljust(4, "0"))

    def suggest(self, text: str) -> str | None:
        match = re.fullmatch(r"\s*([0-9]{1,6}(?:\.[0-9]{1,4})?)\s*(?:%|％|percent|pct)?\s*", text)
        return None if match is None else f"Write {match[1]} %."

    def show(self, value: int) -> str:
        whole, rest = divmod(value, 10_000)
        return f"{whole}.{rest:04d}".rstrip("0").rstrip(".") + " %"


class _Ppm(_Counted):
    def suggest(self, text: str) -> str | None:
        percent = Percent().parse(re.sub(r"\s*[%％]$", " %", text))
        return super().suggest(text) if percent is None else f"Write {self.show(percent)}."


def ppm(least: int = 0, most: int = 1_000_000) -> _Counted:
    """`50 ppm`: millionths."""
    return _Ppm("ppm", "a share in millionths", 50, least, most)


class TimeOfDay(_Written[time]):
    """`"10:00"`, Shanghai."""

    what = "a time of day"
    example = '"10:00"'
    pattern = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"

    def parse(self, text: str) -> time | None:
        return time.fromisoformat(text) if re.fullmatch(self.pattern, text) else None

    def suggest(self, text: str) -> str | None:
        match = re.fullmatch(r"([0-9]{1,2})[:.h]?([0-5][0-9])?", text.strip())
        return f'Write "{int(match[1]):02d}:{match[2] or "00"}".' if match and int(match[1]) < 24 else None


class Day(_Written[date]):
    """`2026-10-01`: a Shanghai day."""

    what = "a day"
    example = "2026-10-01"
    pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"

    def parse(self, text: str) -> date | None:
        try:
            return date.fromisoformat(text) if re.fullmatch(self.pattern, text) else None
        except ValueError:
            return None


class YesNo(_Written[bool]):
    """`true` or `false`."""

    what = "true or false"
    example = "true"
    pattern = r"^(true|false)$"

    def parse(self, text: str) -> bool | None:
        return {"true": True, "false": False}.get(text)

    def suggest(self, text: str) -> str | None:
        meant = {"yes": "true", "on": "true", "1": "true", "no": "false", "off": "false", "0": "false"}.get(
            text.lower()
        )
        return f"Write {meant}." if meant else None

    def schema(self, definitions: Definitions) -> Schema:
        return {"type": "boolean"}

    def written(self) -> str:
        return "`true`, `false`"


class Only(_Written[bool]):
    """`true` and nothing else: a key whose presence is the statement."""

    what = "true"
    example = "true (or leave the key out)"
    pattern = r"^true$"

    def parse(self, text: str) -> bool | None:
        return True if text == "true" else None

    def schema(self, definitions: Definitions) -> Schema:
        return {"const": True}

    def written(self) -> str:
        return "`true`"


class Text(_Written[str]):
    """A sentence, at most `most` characters, on one line unless `lines`."""

    what = "a text"
    example = "plain text"
    pattern = r"^\S"

    def __init__(self, most: int = 200) -> None:
        self.most = most

    def parse(self, text: str) -> str | None:
        return text.strip() or None

    def check(self, value: str, node: Node, reading: Reading) -> None:
        if len(value) > self.most:
            raise refuse(reading, node, f"the text has {len(value)} characters.", f"Shorten it to {self.most}.")

    def schema(self, definitions: Definitions) -> Schema:
        return {"type": "string", "minLength": 1, "maxLength": self.most}

    def written(self) -> str:
        return f"text, at most {self.most} characters"


class Token(_Written[str]):
    """A word of a fixed form: a code, a country, a flyer."""

    def __init__(self, what: str, example: str, pattern: str) -> None:
        self.what, self.example, self.pattern = what, example, pattern

    def parse(self, text: str) -> str | None:
        return text if re.fullmatch(self.pattern, text) else None

    def suggest(self, text: str) -> str | None:
        lowered = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
        if lowered and lowered != text and re.fullmatch(self.pattern, lowered):
            return f"Write {lowered}."
        upper = text.upper()
        return f"Write {upper}." if upper != text and re.fullmatch(self.pattern, upper) else None


CODE = Token("a code (small letters, digits and hyphens, at most 48)", "friday-dining", r"^[a-z0-9][a-z0-9-]{0,47}$")
COUNTRY = Token("an ISO 3166 country", "HK", r"^[A-Z]{2}$")


class CodeOf(Token):
    """The code of something that is declared elsewhere; the loader checks that it is. kind: `a budget line`."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"the code of {kind}", CODE.example, CODE.pattern)
        self.kind = kind

    def check(self, value: str, node: Node, reading: Reading) -> None:
        reading.references.append(Reference(self.kind, value, node))

    def written(self) -> str:
        return self.what


class Moment(_Written[datetime]):
    """`2026-11-20 19:00` or `day 8 19:00` (the 8th active day), Shanghai."""

    what = "a moment"
    example = "`day 8 19:00` (the 8th active day) or `2026-11-20 19:00`"
    pattern = r"^(day [1-9][0-9]{0,3}|[0-9]{4}-[0-9]{2}-[0-9]{2}) ([01][0-9]|2[0-3]):[0-5][0-9]$"

    def parse(self, text: str) -> datetime | None:
        raise AssertionError("a moment needs the reading")  # pragma: no cover

    def read(self, node: Node, reading: Reading) -> datetime:
        moment = self._moment(node.text, reading.starts_on) if isinstance(node, Scalar) else None
        if moment is None:
            shown = f'"{node.text[:40]}"' if isinstance(node, Scalar) else "this"
            raise refuse(reading, node, f"{shown} is not {self.what}.", f"Write it as {self.example}.")
        return moment

    def _moment(self, text: str, starts_on: date) -> datetime | None:
        if not re.fullmatch(self.pattern, text):
            return None
        day, hour = text.rsplit(" ", 1)
        try:
            number = day.removeprefix("day ")
            on = date.fromisoformat(day) if number == day else starts_on + timedelta(days=int(number) - 1)
        except ValueError:
            return None
        return datetime.combine(on, time.fromisoformat(hour), SHANGHAI)

    def written(self) -> str:
        return "`day 8 19:00`, `2026-11-20 19:00`"


class Choice(_Written[E]):
    """One word of an enumeration. `said`: the spelling in files where it is not the value in capitals."""

    def __init__(self, kind: type[E], said: Mapping[str, E] | None = None) -> None:
        self.words: dict[str, E] = dict(said) if said else {member.value: member for member in kind}
        self.what = "one of " + ", ".join(self.words)
        self.example = next(iter(self.words))
        self.pattern = "^(" + "|".join(map(re.escape, self.words)) + ")$"

    def parse(self, text: str) -> E | None:
        return self.words.get(text)

    def suggest(self, text: str) -> str | None:
        return nearest(text, tuple(self.words))

    def schema(self, definitions: Definitions) -> Schema:
        return {"enum": list(self.words)}

    def written(self) -> str:
        return ", ".join(f"`{word}`" for word in self.words)


# --- collections ---


class ListOf(Shape[tuple[T, ...]]):
    """A list; every item is read even after a bad one."""

    def __init__(self, item: Shape[T], *, least: int = 1, most: int = 500, repeats: bool = False) -> None:
        self.item, self.least, self.most, self.repeats = item, least, most, repeats

    def read(self, node: Node, reading: Reading) -> tuple[T, ...]:
        if not isinstance(node, Sequence):
            raise refuse(reading, node, "this should be a list.", "Write [one, two] or one `- item` a line.")
        if not self.least <= len(node.items) <= self.most:
            size = f"between {self.least} and {self.most}" if self.least else f"at most {self.most}"
            raise refuse(reading, node, f"the list has {len(node.items)}.", f"Give it {size}.")
        values: list[T] = []
        failed = False
        for item in node.items:
            try:
                value = self.item.read(item, reading)
            except Unread:
                failed = True
                continue
            if not self.repeats and value in values:
                reading.wrong(item, "this stands in the list twice.", "Remove one of them.")
                failed = True
            values.append(value)
        if failed:
            raise Unread
        return tuple(values)

    def schema(self, definitions: Definitions) -> Schema:
        return {"type": "array", "items": self.item.schema(definitions), "minItems": self.least, "maxItems": self.most}

    def written(self) -> str:
        return f"list: {self.item.written()}"

    def inside(self) -> Iterable[Shape[Any]]:
        return (self.item,)


class Named(Shape[dict[str, T]]):
    """A table whose keys the file chooses: `lines: {rewards: 2_500_000 yuan}`."""

    def __init__(self, key: _Written[Any], value: Shape[T], *, least: int = 1) -> None:
        self.key, self.value, self.least = key, value, least

    def read(self, node: Node, reading: Reading) -> dict[str, T]:
        if not isinstance(node, Table) or len(node.entries) < self.least:
            raise refuse(reading, node, "this should be a table.", f"Write {{{self.key.example}: ...}}.")
        values: dict[str, T] = {}
        failed = False
        for entry in node.entries.values():
            try:
                key = self.key.read(Scalar(entry.path, entry.line, entry.column, entry.key), reading)
                values[str(key)] = self.value.read(entry.value, reading)
            except Unread:
                failed = True
        if failed:
            raise Unread
        return values

    def schema(self, definitions: Definitions) -> Schema:
        keys = self.key.schema(definitions)
        return {
            "type": "object",
            "propertyNames": keys,
            "additionalProperties": self.value.schema(definitions),
            "minProperties": self.least,
        }

    def written(self) -> str:
        return f"table: {self.key.written()} to {self.value.written()}"

    def inside(self) -> Iterable[Shape[Any]]:
        return (self.value,)


@dataclass(frozen=True, slots=True)
class Field:
    """A key of a record. `says`: its line in the reference; `default`: what its absence means."""

    shape: Shape[Any]
    says: str
    required: bool = False
    default: Any = None


@dataclass(frozen=True, slots=True)
class Got:
    """What a record's keys were read as, and where the record stands."""

    node: Table
    values: Mapping[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    def has(self, key: str) -> bool:
        return key in self.node.entries

    def at(self, key: str) -> Node | Entry:
        """Where the key stands, else the record."""
        return self.node.entries.get(key, self.node)


Build = Callable[[Got, Reading], T]


class Record(Shape[T]):
    """A table with known keys. `build` makes the value and may refuse what only several keys together show."""

    def __init__(self, name: str, fields: Mapping[str, Field], build: Build[T], example: str = "") -> None:
        self.name, self.fields, self.build, self.example = name, dict(fields), build, example

    def read(self, node: Node, reading: Reading) -> T:
        if not isinstance(node, Table):
            remedy = f"Write {self.example}." if self.example else f"Known keys: {', '.join(self.fields)}."
            raise refuse(reading, node, "this should be a table of keys.", remedy)
        failed = False
        for entry in node.entries.values():
            if entry.key in self.fields:
                continue
            empty = isinstance(entry.value, Scalar) and not entry.value.text
            cut = empty and any(other.line == entry.line and other is not entry for other in node.entries.values())
            remedy = (
                "Put the text before it in double quotes: it holds a comma." if cut else nearest(entry.key, self.fields)
            )
            reading.wrong(entry, f"{entry.key} is not a key that is known here.", remedy)
            failed = True
        values: dict[str, Any] = {}
        for name, expected in self.fields.items():
            found = node.entries.get(name)
            if found is None:
                values[name] = expected.default
                if expected.required:
                    remedy = f"Add `{name}: ...`: {expected.says}"
                    reading.wrong(node, f"{name} is missing.", remedy)
                    failed = True
                continue
            try:
                values[name] = expected.shape.read(found.value, reading)
            except Unread:
                failed = True
        if failed:
            raise Unread
        return self.build(Got(node, values), reading)

    def properties(self, definitions: Definitions) -> Schema:
        return {
            name: {**expected.shape.schema(definitions), "description": expected.says}
            for name, expected in self.fields.items()
        }

    def schema(self, definitions: Definitions) -> Schema:
        return definitions.refer(
            self.name,
            lambda: {
                "type": "object",
                "properties": self.properties(definitions),
                "required": [name for name, expected in self.fields.items() if expected.required],
                "additionalProperties": False,
            },
        )

    def written(self) -> str:
        return f"[{self.name}](#{self.name.lower()})" if self.fields else "no settings"

    def inside(self) -> Iterable[Shape[Any]]:
        return tuple(field.shape for field in self.fields.values())


class OneKind(Shape[T]):
    """A table with exactly one key, which names the kind: `{merchantGroup: [mall]}`."""

    def __init__(self, name: str, what: str, kinds: Mapping[str, Shape[T]], says: Mapping[str, str]) -> None:
        self.name, self.what, self.kinds, self.says = name, what, dict(kinds), dict(says)

    def read(self, node: Node, reading: Reading) -> T:
        if not isinstance(node, Table) or len(node.entries) != 1:
            raise refuse(
                reading,
                node,
                f"this should be {self.what}: a table with one key.",
                f"Write each as its own item, `- kind: ...`. Kinds: {', '.join(self.kinds)}.",
            )
        (entry,) = node.entries.values()
        shape = self.kinds.get(entry.key)
        if shape is None:
            message = f"{entry.key} is not {self.what} that is known."
            raise refuse(reading, entry, message, nearest(entry.key, list(self.kinds)))
        return shape.read(entry.value, reading)

    def schema(self, definitions: Definitions) -> Schema:
        return definitions.refer(
            self.name,
            lambda: {
                "type": "object",
                "properties": {
                    kind: {**shape.schema(definitions), "description": self.says[kind]}
                    for kind, shape in self.kinds.items()
                },
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": False,
            },
        )

    def written(self) -> str:
        return self.what

    def inside(self) -> Iterable[Shape[Any]]:
        return tuple(self.kinds.values())


def made(node: Node | Entry, reading: Reading, make: Callable[[], T]) -> T:
    """What `make` makes; the sentence of its ValueError becomes a fault of the file."""
    try:
        return make()
    except ValueError as fault:
        raise refuse(reading, node, f"{fault}.", "Change it or remove it.") from None


class WordOr(Shape[T]):
    """A word that says it all (`any`, `abroad`), else another shape."""

    def __init__(self, word: str, meaning: T, other: Shape[T]) -> None:
        self.word, self.meaning, self.other = word, meaning, other

    def read(self, node: Node, reading: Reading) -> T:
        if isinstance(node, Scalar):
            if node.text == self.word:
                return self.meaning
            raise refuse(reading, node, f'"{node.text[:40]}" is not read here.', f"Write {self.word}, or a list.")
        return self.other.read(node, reading)

    def schema(self, definitions: Definitions) -> Schema:
        return {"anyOf": [{"const": self.word}, self.other.schema(definitions)]}

    def written(self) -> str:
        return f"`{self.word}`, or {self.other.written()}"

    def inside(self) -> Iterable[Shape[Any]]:
        return (self.other,)


class Later(Shape[T]):
    """A shape that is only known once others are: what `all` and `not` hold."""

    def __init__(self, what: str, make: Callable[[], Shape[T]]) -> None:
        self.what, self.make = what, make

    def read(self, node: Node, reading: Reading) -> T:
        return self.make().read(node, reading)

    def schema(self, definitions: Definitions) -> Schema:
        return self.make().schema(definitions)

    def written(self) -> str:
        return self.what


class Adapted(Shape[T]):
    """Another shape's value made into something."""

    def __init__(self, shape: Shape[Any], make: Callable[[Any], T]) -> None:
        self.shape, self.make = shape, make

    def read(self, node: Node, reading: Reading) -> T:
        return self.make(self.shape.read(node, reading))

    def schema(self, definitions: Definitions) -> Schema:
        return self.shape.schema(definitions)

    def written(self) -> str:
        return self.shape.written()

    def inside(self) -> Iterable[Shape[Any]]:
        return (self.shape,)
