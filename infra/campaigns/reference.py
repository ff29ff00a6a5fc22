"""The tables at the end of docs/campaigns.md: every key and kind, from the definitions the loader reads with.

`python -m infra.campaigns.reference` writes them into the page; a test says when that was forgotten.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.campaigns.conditions import CONDITIONS, WINDOWS, Kind
from infra.campaigns.plan import CAMPAIGN, TRIGGERS
from infra.campaigns.rewards import REWARDS
from infra.campaigns.shapes import Record, Shape

PAGE = Path(__file__).parents[2] / "docs" / "campaigns.md"
BEGIN = "<!-- reference: written by `python -m infra.campaigns.reference` -->"
END = "<!-- end of reference -->"


def tables() -> str:
    """The reference in Markdown."""
    found = [*_kinds("Triggers", TRIGGERS), *_kinds("Windows", WINDOWS)]
    found += _kinds("Conditions", {name: kind for name, kind in CONDITIONS.items() if name not in WINDOWS})
    found += [*_kinds("Rewards", REWARDS), "### Keys", ""]
    for record in _records(CAMPAIGN):
        found += [f"#### {record.name}", "", "| key | how it is written | what it means |", "|---|---|---|"]
        for name, field in record.fields.items():
            must = "**required** " if field.required else ""
            found.append(f"| `{name}` | {field.shape.written()} | {must}{field.says} |")
        found.append("")
    return "\n".join(found)


def page() -> str:
    """The whole page with its present tables."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{after}"


def _kinds(title: str, kinds: Mapping[str, Kind]) -> Iterator[str]:
    yield from (f"### {title}", "", "| kind | how it is written | what it means |", "|---|---|---|")
    for name, kind in kinds.items():
        yield f"| `{name}` | {kind.shape.written()} | {kind.says} |"
    yield ""


def _records(root: Record[Any]) -> Iterator[Record[Any]]:
    """`root` and every record that is reached from it, each once, those nearest first."""
    waiting: list[Shape[Any]] = [root]
    seen: set[str] = set()
    while waiting:
        shape = waiting.pop(0)
        if isinstance(shape, Record):
            if shape.name in seen or not shape.fields:
                continue
            seen.add(shape.name)
            yield shape
        waiting += shape.inside()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
