"""Campaign files to campaigns: everything that is wrong with a file, with its line and a remedy, or the frozen data.

Source of the format: `plan.py`, `conditions.py`, `rewards.py`. Words for operators: docs/campaigns.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from domain.campaigns.model import Campaign, SegmentRule
from infra.campaigns.plan import CAMPAIGN, SEGMENTS, codes_in
from infra.campaigns.shapes import Day, Record, Unread, nearest
from infra.campaigns.tree import CampaignUnreadable, FileError, Reading, Scalar, Table, places, plain, read_tree

HERE = Path(__file__).parent
SHIPPED: tuple[str, ...] = ("smart-life.yaml", "platinum.yaml")
"""The campaign files that come with the hall."""

_NO_DAY = date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Codes that other campaigns have: an offer may build on theirs, and may not take them.

    offers, draws: code -> campaign.
    """

    offers: Mapping[str, str] = field(default_factory=dict)
    draws: Mapping[str, str] = field(default_factory=dict)


NOTHING_ELSEWHERE = Elsewhere()


@dataclass(frozen=True, slots=True)
class Loaded:
    """A campaign as its file says it. lines: path -> line, for lint."""

    campaign: Campaign
    starts_on: date
    lines: Mapping[str, int]


def load_campaign(
    text: str,
    *,
    file: str,
    starts_on: date | None = None,
    version: int = 1,
    elsewhere: Elsewhere | None = NOTHING_ELSEWHERE,
) -> Loaded:
    """The campaign in `text`, its first active day being `starts_on`, else what the file says under `starts`.

    elsewhere: None for a file that was published before: what it names in other campaigns is not looked up again.

    Raises:
        CampaignUnreadable: with everything that is wrong with the file.
    """
    reading = Reading(file, starts_on or _NO_DAY)
    root = read_tree(text, reading)
    if root is None:
        reading.finish()
        raise AssertionError("a file without a tree has an error")  # pragma: no cover
    day = starts_on or _starts(root)
    if day is None and "starts" not in root.entries:
        reading.wrong(root, "the first active day is not known.", "Add `starts: 2026-10-01`, or publish with --start.")
    reading.starts_on = day or _NO_DAY
    found = _read(CAMPAIGN, root, reading)
    _check_references(root, reading, elsewhere)
    reading.finish()
    return Loaded(replace(found, version=version), reading.starts_on, places(root))


def load_segments(text: str, *, file: str) -> tuple[SegmentRule, ...]:
    """The segments in `text`. Raises CampaignUnreadable."""
    reading = Reading(file, _NO_DAY)
    root = read_tree(text, reading)
    rules: tuple[SegmentRule, ...] = () if root is None else _read(SEGMENTS, root, reading)
    reading.finish()
    return rules


@cache
def shipped_segments() -> tuple[SegmentRule, ...]:
    """The hall's segments."""
    return load_segments((HERE / "segments.yaml").read_text(encoding="utf-8"), file="segments.yaml")


def as_plain(text: str) -> object:
    """The file as a JSON Schema validator wants it. Raises CampaignUnreadable where it is not readable as a tree."""
    reading = Reading("campaign.yaml", _NO_DAY)
    root = read_tree(text, reading)
    reading.finish()
    return None if root is None else plain(root)


@dataclass(frozen=True, slots=True)
class Head:
    """What can be told of a file before all of it is read; empty where it cannot."""

    code: str
    starts: date | None
    offers: tuple[str, ...]
    draws: tuple[str, ...]


def head_of(text: str) -> Head:
    root = read_tree(text, Reading("", _NO_DAY))
    if root is None:
        return Head("", None, (), ())
    code = root.entries.get("code")
    return Head(
        code.value.text if code is not None and isinstance(code.value, Scalar) else "",
        _starts(root),
        tuple(found.text for found in _codes(root, "offers")),
        tuple(found.text for found in _codes(root, "draws")),
    )


def _read(shape: Record[Any], root: Table, reading: Reading) -> Any:
    try:
        return shape.read(root, reading)
    except Unread:
        return None


def _starts(root: Table) -> date | None:
    entry = root.entries.get("starts")
    return Day().parse(entry.value.text) if entry is not None and isinstance(entry.value, Scalar) else None


def _codes(root: Table, key: str) -> list[Scalar]:
    entry = root.entries.get(key)
    return [] if entry is None else codes_in(entry.value)


def _keys(root: Table, *path: str) -> list[str]:
    node: object = root
    for key in path:
        entry = node.entries.get(key) if isinstance(node, Table) else None
        node = entry.value if entry is not None else None
    return list(node.entries) if isinstance(node, Table) else []


def _check_references(root: Table, reading: Reading, elsewhere: Elsewhere | None) -> None:
    published = elsewhere is None
    elsewhere = elsewhere or NOTHING_ELSEWHERE
    offers, draws = _codes(root, "offers"), _codes(root, "draws")
    declared: dict[str, list[str]] = {
        "an offer": [found.text for found in offers] + list(elsewhere.offers),
        "a draw": [found.text for found in draws],
        "a section": [found.text for found in _codes(root, "sections")],
        "a budget line": _keys(root, "budget", "lines"),
        "a merchant group": _keys(root, "merchantGroups"),
        "a segment": [rule.code for rule in shipped_segments()],
    }
    where = {
        "a draw": "Declare it under `draws`.",
        "a section": "Declare it under `sections`.",
        "a budget line": "Declare it under `budget.lines`.",
        "a merchant group": "Declare it under `merchantGroups`.",
    }
    for found in reading.references:
        known = declared[found.kind]
        if not known and found.kind in ("a section", "a budget line"):
            continue  # all of them are missing, which has been said
        if found.code in known or (published and found.kind in ("an offer", "a segment")):
            continue
        remedy = nearest(found.code, known) if known else where.get(found.kind, "Remove it.")
        if remedy.startswith("Known") and found.kind in where:
            remedy = f"{where[found.kind]} {remedy}"
        reading.wrong(found.at, f"{found.code} is not the code of {found.kind} that is known.", remedy)
    for codes, others, what in ((offers, elsewhere.offers, "an offer"), (draws, elsewhere.draws, "a draw")):
        for code in codes:
            if code.text in others:
                message = f"the campaign {others[code.text]} has {what} {code.text} already."
                reading.wrong(code, message, "Codes are known to customers and partners: choose another.")


__all__ = [
    "HERE",
    "SHIPPED",
    "CampaignUnreadable",
    "Elsewhere",
    "FileError",
    "Head",
    "Loaded",
    "as_plain",
    "head_of",
    "load_campaign",
    "load_segments",
    "shipped_segments",
]  # fmt: skip
