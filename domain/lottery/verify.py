"""Recomputes a draw's record: every hash, every link, every roll whose secret is known, every prize.

Pure and offline: all it needs is the published record. The page of `/draws/verify` does the same in JavaScript.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from domain.kernel.money import PPM
from domain.lottery.chain import Entry, EntryUnreadable, beginning, hash_of, read_entry
from domain.lottery.odds import prize_at
from domain.lottery.roll import commitment_of, roll


@dataclass(frozen=True, slots=True)
class Day:
    """A day's commitment, and its secret in hexadecimal once it is revealed."""

    day: date
    commitment: str
    secret: str | None


@dataclass(slots=True)
class Verdict:
    """faults: sentences, each naming the entry. entries: how many were read; rolled: those whose roll was recomputed;
    whole: the record begins with the first entry. head: the last hash.
    """

    entries: int = 0
    rolled: int = 0
    whole: bool = False
    head: str = ""
    faults: list[str] = field(default_factory=list)


def verify(draw: str, days: Iterable[Day], record: Iterable[tuple[str, str]]) -> Verdict:
    """draw: `<campaign>/<draw>`. record: (hash, text) of the entries in order; from the first one on, or a part."""
    verdict = Verdict()
    known = {day.day: day for day in days}
    for day in known.values():
        if day.secret is not None and commitment_of(bytes.fromhex(day.secret)) != day.commitment:
            verdict.faults.append(f"day {day.day}: the revealed secret is not the one that was committed to")
    before: Entry | None = None
    for digest, text in record:
        verdict.entries += 1
        if hash_of(text) != digest:
            verdict.faults.append(f"entry {verdict.entries}: its text does not have the hash it is listed with")
        try:
            entry = read_entry(text)
        except EntryUnreadable as problem:
            verdict.faults.append(f"entry {verdict.entries}: {problem}")
            verdict.head = digest
            before = None
            continue
        verdict.whole = entry.sequence == 1 if verdict.entries == 1 else verdict.whole
        verdict.faults += [f"entry {entry.sequence}: {fault}" for fault in _faults(draw, entry, before, verdict.head)]
        verdict.faults += [f"entry {entry.sequence}: {fault}" for fault in _roll_faults(entry, known, verdict)]
        verdict.head, before = digest, entry
    return verdict


def _faults(draw: str, entry: Entry, before: Entry | None, head: str) -> Iterable[str]:
    if entry.draw != draw:
        yield f"it belongs to {entry.draw}"
    if entry.sequence == 1 and entry.previous != beginning(draw):
        yield "it does not begin the chain"
    if head and entry.previous != head:
        yield "it does not follow the entry before it"
    if before is not None and entry.sequence != before.sequence + 1:
        yield f"it comes after {before.sequence}"
    if before is not None and entry.day < before.day:
        yield "its day is before that of the entry before it"
    if sum(ppm for _, ppm in entry.odds) != PPM or any(ppm < 0 for _, ppm in entry.odds):
        yield "its odds do not sum to a million"
        return
    if not 0 <= entry.roll < PPM or prize_at(entry.odds, entry.roll) != entry.won:
        yield f"a roll of {entry.roll} does not stand for {entry.won}"
    left = dict(entry.stock)
    gone = left.get(entry.won) == 0 or entry.won in entry.closed
    if entry.prize != (entry.consolation if gone else entry.won):
        yield f"{entry.prize} was given for {entry.won}"
    if left.get(entry.prize) == 0:
        yield f"{entry.prize} was given and had run out"
    if before is not None:
        yield from _stock_faults(entry, before)


def _stock_faults(entry: Entry, before: Entry) -> Iterable[str]:
    """Stock may have been added in between, never taken away."""
    left = dict(entry.stock)
    for code, stood in before.stock:
        if stood is None:
            continue
        least = stood - (before.prize == code)
        now = left.get(code, 0)
        if now is not None and now < least:
            yield f"{least} of {code} were left and {now} are"


def _roll_faults(entry: Entry, known: Mapping[date, Day], verdict: Verdict) -> Iterable[str]:
    day = known.get(entry.day)
    if day is None:
        yield f"there is no commitment of {entry.day}"
        return
    if day.commitment != entry.commitment:
        yield f"its commitment is not that of {entry.day}"
    if day.secret is None:
        return
    verdict.rolled += 1
    rolled = roll(bytes.fromhex(day.secret), entry.draw, entry.sequence, entry.nonce)
    if rolled != entry.roll:
        yield f"the secret rolls {rolled}, and {entry.roll} was read"
