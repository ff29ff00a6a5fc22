"""The chain of a draw's results: each entry is a text of plain lines that names the hash of the one before it.

The text is what is published, hashed and verified; nothing in it tells who drew. Changing, leaving out or slipping in
an entry changes every hash after it, and the last hash is known to whoever drew last.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

FORMAT = "hall-draw/1"

_NAMES = (
    "draw", "day", "commitment", "sequence", "at", "result", "version", "nonce", "odds", "stock", "closed",
    "consolation", "roll", "won", "prize", "previous",
)  # fmt: skip
_HASH = re.compile(r"[0-9a-f]{64}")
_LEFT_ANY = "-"


class EntryUnreadable(ValueError):
    """A text that is no entry of a chain."""


@dataclass(slots=True)
class Head:
    """How far a chain has come. sequence: of the last entry, 0 before the first. day: whose secret is in use."""

    sequence: int
    day: date
    hash: str

    def text(self) -> str:
        return f"{self.sequence}|{self.day}|{self.hash}"


def read_head(text: str) -> Head:
    sequence, day, digest = text.split("|")
    return Head(int(sequence), date.fromisoformat(day), digest)


def beginning(draw: str) -> str:
    """What the first entry names as the one before it. draw: `<campaign>/<draw>`."""
    return sha256(f"{FORMAT}\n{draw}".encode()).hexdigest()


@dataclass(slots=True)
class Entry:
    """One draw.

    draw: `<campaign>/<draw>`. day: the Shanghai day whose secret was used, by its commitment. result: the id of the
    customer's result. version: of the campaign file whose odds these are. stock: what was left of each prize before
    this draw; None: as many as are drawn. closed: prizes that could not be given for another reason (the budget, no
    purchase to count from). won: what the roll stands for; prize: what was given.
    """

    draw: str
    day: date
    commitment: str
    sequence: int
    at: datetime
    result: UUID
    version: int
    nonce: str
    odds: tuple[tuple[str, int], ...]
    stock: tuple[tuple[str, int | None], ...]
    closed: tuple[str, ...]
    consolation: str
    roll: int
    won: str
    prize: str
    previous: str

    def text(self) -> str:
        stock = ",".join([f"{code}:{_LEFT_ANY if left is None else left}" for code, left in self.stock])
        return (
            f"{FORMAT}\ndraw={self.draw}\nday={self.day}\ncommitment={self.commitment}\nsequence={self.sequence}\n"
            f"at={_moment(self.at)}\nresult={self.result}\nversion={self.version}\nnonce={self.nonce}\n"
            f"odds={_odds(self.odds)}\nstock={stock}\n"
            f"closed={','.join(self.closed)}\nconsolation={self.consolation}\nroll={self.roll}\nwon={self.won}\n"
            f"prize={self.prize}\nprevious={self.previous}"
        )


def hash_of(text: str) -> str:
    """SHA-256 of an entry's text in UTF-8, in hexadecimal: what the next entry names."""
    return sha256(text.encode()).hexdigest()


def read_entry(text: str) -> Entry:
    """The entry of a text. Raises EntryUnreadable for any text that `Entry.text` would not write."""
    head, *lines = text.split("\n")
    values = [line.partition("=") for line in lines]
    if head != FORMAT or tuple(name for name, _, _ in values) != _NAMES:
        raise EntryUnreadable("not an entry of a draw's chain")
    found = {name: value for name, _, value in values}
    try:
        entry = Entry(
            draw=found["draw"],
            day=date.fromisoformat(found["day"]),
            commitment=_hash(found["commitment"]),
            sequence=int(found["sequence"]),
            at=datetime.fromisoformat(found["at"]),
            result=UUID(found["result"]),
            version=int(found["version"]),
            nonce=found["nonce"],
            odds=tuple((code, int(ppm)) for code, ppm in _pairs(found["odds"])),
            stock=tuple((code, None if left == _LEFT_ANY else int(left)) for code, left in _pairs(found["stock"])),
            closed=tuple(found["closed"].split(",")) if found["closed"] else (),
            consolation=found["consolation"],
            roll=int(found["roll"]),
            won=found["won"],
            prize=found["prize"],
            previous=_hash(found["previous"]),
        )
    except ValueError as problem:
        raise EntryUnreadable(str(problem)) from None
    if entry.text() != text:
        raise EntryUnreadable("not spelled as entries are")
    return entry


def _pairs(text: str) -> Iterable[tuple[str, str]]:
    for part in text.split(","):
        code, colon, value = part.rpartition(":")
        if not colon:
            raise ValueError(f"{part!r} is not a prize and a number")
        yield code, value


def _hash(text: str) -> str:
    if not _HASH.fullmatch(text):
        raise ValueError(f"{text!r} is not a hash")
    return text


@lru_cache(maxsize=256)  # the same in every entry of a campaign's version
def _odds(odds: tuple[tuple[str, int], ...]) -> str:
    return ",".join([f"{code}:{ppm}" for code, ppm in odds])


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
