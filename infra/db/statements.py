"""The register of SQL statements: what a store asks has a name, so that a test can look at each plan.

A statement on a lane table names the lane (`lane = $1`, `lane = any($1::int[])`, or a probe's `x.lane = q.lane`); one
that asks all lanes at once says so and locks nothing. tests/architecture/test_tables.py explains every one of them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Statement:
    """`all_lanes`: a report over every lane; exempt from naming one."""

    name: str
    sql: str
    all_lanes: bool = False


_STATEMENTS: dict[str, Statement] = {}


def named(name: str, sql: str, all_lanes: bool = False) -> str:
    """Register `sql` under `name` and return it. Raises ValueError when the name stands for another text already."""
    known = _STATEMENTS.get(name)
    if known is not None and known.sql != sql:
        raise ValueError(f"two statements are called {name}")
    _STATEMENTS[name] = Statement(name, sql, all_lanes)
    return sql


def statements() -> tuple[Statement, ...]:
    """Every statement registered so far, by name."""
    return tuple(_STATEMENTS[name] for name in sorted(_STATEMENTS))
