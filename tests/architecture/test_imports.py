"""Imports point inwards: api -> domain <- integrations, infra -> domain; and inside domain only along `DOMAIN`.

The rules are the three tables below. A new room is one line in `DOMAIN`.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("api", "domain", "infra", "integrations")

GROUND = {"kernel", "ledger", "campaigns", "stories"}
GIVING = GROUND | {"identity", "merchants", "risk", "wallet", "offers"}
DOMAIN: dict[str, set[str]] = {
    "kernel": set(),
    "ledger": {"kernel"},
    "campaigns": {"kernel", "ledger"},
    "stories": {"kernel", "ledger", "campaigns"},
    "identity": GROUND | {"risk"},
    "intake": GROUND,
    "merchants": GROUND,
    "messaging": {"kernel"},
    "risk": {"kernel", "ledger"},
    "wallet": GROUND,
    "offers": GROUND | {"merchants", "wallet"},
    "lottery": GIVING,
    "lounge": GIVING,
    "operate": GROUND,
    "points": GIVING,
    "till": GIVING,
    "fulfilment": GIVING,
}
"""Room -> the rooms it may use. Without cycles; the standard library is all else that domain may use."""

ALLOWED = {"api": {"domain"}, "integrations": {"domain"}, "infra": {"domain"}}
"""Package -> the other packages it may use. An integration uses its own folder and no other's."""

DOORS = {
    "infra/wiring.py": {"api", "integrations"},
    "infra/bench/pages.py": {"api"},  # sends what our own apps send
    "infra/bench/till.py": {"api"},  # answers as the till's door does
    "infra/commands/serve.py": {"api"},
}
"""File -> what it alone may use beyond `ALLOWED`."""


def violations(root: Path) -> list[str]:
    """Every import under `root` that breaks a rule, as `file:line imports name: why`."""
    found = []
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            here = path.relative_to(root)
            for line, name in imports(path, here):
                if why := objection(here, name):
                    found.append(f"{here}:{line} imports {name}: {why}")
    return found


def imports(path: Path, here: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of each imported module, inside functions and under TYPE_CHECKING too."""
    parents = here.with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = (
                    ".".join((*parents[: len(parents) - level + 1], *([module] if module else []))) if level else module
                )
                for alias in names:  # `from domain import ledger` names a room by its alias
                    yield node.lineno, f"{base}.{alias.name}"


def objection(here: Path, name: str) -> str | None:
    package, target = here.parts[0], name.split(".")
    if target[0] == "tests":
        return "what runs does not lean on its tests"
    if package == "domain":
        if target[0] != "domain":
            return None if target[0] in sys.stdlib_module_names else "domain uses the standard library and itself"
        return objection_inside_domain(here, target)
    if target[0] not in PACKAGES:
        return None
    if target[0] == package:
        if package == "integrations" and target[1:2] != list(here.parts[1:2]):
            return "a provider knows nothing of the others"
        return None
    if target[0] in ALLOWED[package] | DOORS.get(here.as_posix(), set()):
        return None
    return f"{package} does not use {target[0]}"


def objection_inside_domain(here: Path, target: list[str]) -> str | None:
    room, other = here.parts[1], target[1]
    if room == other or len(here.parts) == 2:
        return None
    if room not in DOMAIN:
        return f"the room {room} is not in the table DOMAIN"
    return None if other in DOMAIN[room] else f"{room} does not use {other}"


def test_every_import_points_inwards() -> None:
    assert violations(ROOT) == []


def test_every_room_is_in_the_table() -> None:
    rooms = {path.parent.name for path in (ROOT / "domain").glob("*/__init__.py")}

    assert rooms <= set(DOMAIN)


def test_rooms_use_each_other_without_cycles() -> None:
    below: set[str] = set()
    waiting = dict(DOMAIN)
    while waiting:
        free = [room for room, uses in waiting.items() if uses <= below]
        assert free, f"a cycle among {sorted(waiting)}"
        below.update(free)
        for room in free:
            del waiting[room]


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("domain/ledger/unit.py", "import asyncpg"),
        ("domain/ledger/unit.py", "from infra.db import pool"),
        ("domain/ledger/unit.py", "from domain.campaigns import model"),
        ("domain/ledger/unit.py", "from ..campaigns import model"),
        ("domain/ledger/unit.py", "from domain import campaigns"),
        ("domain/kernel/time.py", "def late():\n    import domain.ledger"),
        ("domain/wallet/facts.py", "from domain.offers.claim import claim_offer"),
        ("domain/attic/things.py", "from domain.kernel import time"),
        ("api/app.py", "from infra.settings import Settings"),
        ("api/app.py", "from integrations.wechat import client"),
        ("integrations/wechat/client.py", "from infra.log import get_logger"),
        ("integrations/wechat/client.py", "from integrations.alipay import wire"),
        ("integrations/wechat/client.py", "from ..alipay import wire"),
        ("infra/run.py", "from integrations.wechat import client"),
        ("infra/db/pool.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from api.app import App"),
        ("infra/commands/serve.py", "from integrations.wechat import client"),
        ("infra/log.py", "from tests.builders import rows"),
    ],
)
def test_a_planted_import_is_found(tmp_path: Path, file: str, line: str) -> None:
    planted = tmp_path / file
    planted.parent.mkdir(parents=True)
    planted.write_text(line)

    [found] = violations(tmp_path)
    assert found.startswith(f"{file}:")


@pytest.mark.parametrize(
    ("file", "line"),
    [
        (
            "domain/ledger/unit.py",
            "from dataclasses import dataclass\nfrom domain.kernel import time\nfrom . import moves",
        ),
        ("domain/fulfilment/ports.py", "from domain.offers.claim import claim_offer"),
        ("api/app.py", "import strawberry\nfrom domain.kernel import time\nfrom api.health import health_routes"),
        ("integrations/wechat/client.py", "import httpx\nfrom integrations.wechat import wire\nfrom . import sandbox"),
        ("infra/wiring.py", "from integrations.wechat import client\nfrom api.app import app"),
        ("infra/commands/serve.py", "from api.app import app"),
    ],
)
def test_an_import_that_points_inwards_is_let_through(tmp_path: Path, file: str, line: str) -> None:
    planted = tmp_path / file
    planted.parent.mkdir(parents=True)
    planted.write_text(line)

    assert violations(tmp_path) == []
