"""A campaign file as a tree that knows where everything stands.

The text is read by PyYAML's event parser only: no tags, anchors, aliases or second document, so nothing in a file can
build an object or grow. Scalars stay text: `NO` is Norway, `10:00` a time and `200 yuan` money, because the shapes in
`shapes.py` decide what a text means and never a resolver. Everything wrong with a file is told at once.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import yaml

from domain.kernel.errors import HallError

SIZE_LIMIT = 512 * 1024
"""Bytes of a file in UTF-8."""

DEPTH_LIMIT = 24
NODE_LIMIT = 50_000

_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class FileError:
    """One thing wrong with a file. `line` and `column` count from 1; `path` is empty for the file as a whole."""

    file: str
    line: int
    column: int
    path: str
    message: str
    remedy: str

    def __str__(self) -> str:
        where = f" {self.path}:" if self.path else ""
        return f"{self.file}:{self.line}:{where} {self.message} {self.remedy}".rstrip()


class CampaignUnreadable(HallError):
    """The file cannot be a campaign. `errors`: everything wrong with it, in the order of its lines."""

    code = "CAMPAIGN_UNREADABLE"

    def __init__(self, errors: tuple[FileError, ...]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text as written, without its quotes."""

    path: str
    line: int
    column: int
    text: str


@dataclass(frozen=True, slots=True)
class Sequence:
    path: str
    line: int
    column: int
    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Table:
    """A YAML mapping. `line` and `column` of a table or sequence are those of the key (or dash) that it belongs to."""

    path: str
    line: int
    column: int
    entries: "Mapping[str, Entry]"


@dataclass(frozen=True, slots=True)
class Entry:
    """A key with where it stands, and its value."""

    key: str
    path: str
    line: int
    column: int
    value: "Node"


Node = Scalar | Sequence | Table


@dataclass(frozen=True, slots=True)
class Reference:
    """A code that must be declared elsewhere. kind: what it names, in words (`a budget line`)."""

    kind: str
    code: str
    at: Node


@dataclass(slots=True)
class Reading:
    """What is read, and everything found wrong so far. starts_on: the first active day, which `day 8` counts from."""

    file: str
    starts_on: date
    errors: list[FileError] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)

    def wrong(self, at: Node | Entry, message: str, remedy: str) -> None:
        self.errors.append(FileError(self.file, at.line, at.column, at.path, message, remedy))

    def finish(self) -> None:
        """Raises CampaignUnreadable if anything was wrong."""
        if self.errors:
            raise CampaignUnreadable(tuple(sorted(self.errors, key=lambda e: (e.line, e.column, e.path, e.message))))


def read_tree(text: str, reading: Reading) -> Table | None:
    """The file's tree; None after a fault that leaves nothing to read on (it is in `reading.errors`)."""

    def stop(line: int, column: int, message: str, remedy: str) -> None:
        reading.errors.append(FileError(reading.file, line, column, "", message, remedy))

    if len(text.encode("utf-8", "surrogatepass")) > SIZE_LIMIT:
        stop(1, 1, f"the file is larger than {SIZE_LIMIT // 1024} KiB.", "Split it into several campaigns.")
        return None
    try:
        root = _Builder(text, reading).document()
    except _Stop as fault:
        stop(fault.line, fault.column, fault.message, fault.remedy)
        return None
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        indent = re.match(r"\s*", text.splitlines()[line - 1]) if line <= len(text.splitlines()) else None
        tab = indent is not None and "\t" in indent.group()
        remedy = "Indent with spaces, not tabs." if tab else _yaml_remedy(str(fault.problem))
        stop(line, column, f"this is not YAML: {fault.problem}.", remedy)
        return None
    except yaml.reader.ReaderError as fault:
        line = text.count("\n", 0, fault.position) + 1 if isinstance(fault.position, int) else 1
        stop(line, 1, "the file has a character that no text should have.", "Remove it and save the file as UTF-8.")
        return None
    if isinstance(root, Table):
        return root
    line, column = (root.line, root.column) if root is not None else (1, 1)
    stop(line, column, "a campaign file is a table of keys.", "Start it with `code: my-campaign`.")
    return None


def places(root: Table) -> dict[str, int]:
    """The line of every path: `offers[3].quota` -> 41."""
    return dict(_places(root))


def _places(node: Node) -> Iterator[tuple[str, int]]:
    match node:
        case Table(entries=entries):
            for entry in entries.values():
                yield entry.path, entry.line
                yield from _places(entry.value)
        case Sequence(items=items):
            for item in items:
                yield item.path, item.line
                yield from _places(item)
        case Scalar():
            return


def plain(node: Node) -> object:
    """The tree as an ordinary YAML reader gives it to a schema validator: whole numbers and booleans are themselves."""
    match node:
        case Table(entries=entries):
            return {key: plain(entry.value) for key, entry in entries.items()}
        case Sequence(items=items):
            return [plain(item) for item in items]
        case Scalar(text=text):
            if text in ("true", "false"):
                return text == "true"
            digits = text.replace("_", "")
            return int(digits) if digits.isascii() and digits.isdecimal() and text[0] != "_" else text


class _Stop(Exception):
    def __init__(self, at: "_Spot", message: str, remedy: str) -> None:
        super().__init__(message)
        self.line, self.column = at
        self.message, self.remedy = message, remedy


_Spot = tuple[int, int]
"""Line and column, from 1."""


def _spot(event: Any) -> _Spot:
    return event.start_mark.line + 1, event.start_mark.column + 1


class _Builder:
    """Events to nodes, stopping before a deep or endless file is built."""

    def __init__(self, text: str, reading: Reading) -> None:
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=_Loader))
        self._reading = reading
        self._nodes = 0

    def document(self) -> Node | None:
        next(self._events)  # stream start
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            return None
        if event.version or event.tags:
            raise _Stop(_spot(event), "a campaign file has no % directives.", "Remove the line.")
        root = self._node(next(self._events), "", 0, None)
        next(self._events)  # document end
        more = next(self._events)
        if not isinstance(more, yaml.StreamEndEvent):
            raise _Stop(_spot(more), "the file holds a second document.", "Remove `---`: one campaign a file.")
        return root

    def _node(self, event: Any, path: str, depth: int, owner: _Spot | None) -> Node:
        at = _spot(event)
        self._nodes += 1
        if self._nodes > NODE_LIMIT:
            raise _Stop(at, f"the file has more than {NODE_LIMIT} values.", "Split it into several campaigns.")
        if depth > DEPTH_LIMIT:
            raise _Stop(at, f"the file is nested deeper than {DEPTH_LIMIT} levels.", "Flatten `all`, `any` and `not`.")
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise _Stop(at, "anchors and aliases (& and *) are not read.", "Write the value out where it is used.")
        if event.tag is not None:
            raise _Stop(at, f"the tag {event.tag} is not read.", "Remove it: plain values only.")
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(path, *at, event.value)
        if isinstance(event, yaml.SequenceStartEvent):
            return Sequence(path, *(owner or at), tuple(self._items(path, depth)))
        return Table(path, *(owner or at), self._entries(path, depth))

    def _items(self, path: str, depth: int) -> Iterator[Node]:
        number = 0
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._node(event, f"{path}[{number}]", depth + 1, None)
            number += 1

    def _entries(self, path: str, depth: int) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            at = _spot(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise _Stop(at, "a key is a plain word.", "Write `key: value`.")
            if event.anchor is not None or event.tag is not None:
                raise _Stop(at, "a key is a plain word, without tag or anchor.", "Write `key: value`.")
            key = event.value
            below = f"{path}.{key}" if path else key
            entry = Entry(key, below, *at, self._node(next(self._events), below, depth + 1, at))
            if key in entries:
                first = entries[key].line
                self._reading.wrong(entry, f"{key} is written twice (first in line {first}).", "Keep one of them.")
            else:
                entries[key] = entry
        return entries


def _yaml_remedy(problem: str) -> str:
    if "mapping values are not allowed" in problem:
        return "Put a text that holds a colon in double quotes; or line this key up with its neighbours."
    if "expected <block end>" in problem or "did not find expected key" in problem:
        return "Line the keys up: this one is indented differently from its neighbours."
    return "Check quotes, brackets and indentation of this line and the one before."
