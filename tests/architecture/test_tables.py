"""Every table obeys its class, every statement names its lanes: what keeps the schema ready for many machines.

Read from the catalog of the migrated database and from the plans of all registered statements. The reasons stand in
docs/decisions/0003-lanes.md.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from domain.kernel.ids import LANES
from infra.db.batch import statements_of
from infra.db.manifest import LEDGER_TABLES, STATE_KINDS, TABLES, TableClass, read_columns
from infra.db.pool import connect_ledger
from infra.db.statements import Statement, statements

ROOT = Path(__file__).parents[2]
LANE_TABLES = frozenset(table for table, kind in TABLES.items() if kind is TableClass.LANE)
KEYLESS = frozenset({"journal"})
"""Append-only, written once by one statement, never looked up by key."""


@pytest.fixture
async def db(pg_dsn: str) -> AsyncIterator[Any]:
    """With the ledger's planner settings: by index wherever one serves, as with tables that have grown."""
    connection = await connect_ledger(pg_dsn)
    yield connection
    await connection.close()


def registered() -> dict[str, Statement]:
    """Every statement of the house; importing a module registers its own."""
    for path in sorted(ROOT.glob("infra/**/*.py")):
        if re.search(r"^from infra\.db\.statements import", path.read_text(), re.MULTILINE):
            import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return {statement.name: statement for statement in statements()}


# --- tables


async def test_every_table_is_in_the_manifest_and_every_name_of_it_is_a_table(db: Any) -> None:
    found = await db.fetch(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
        " and not relispartition"
    )

    assert {name for (name,) in found} == set(TABLES)


async def test_every_lane_table_has_a_lane(db: Any) -> None:
    found = await db.fetch(
        "select attrelid::regclass::text, format_type(atttypid, null), attnotnull from pg_attribute"
        " where attname = 'lane' and attrelid = any($1::text[]::regclass[])",
        sorted(LANE_TABLES),
    )

    assert {table: (kind, bound) for table, kind, bound in found} == dict.fromkeys(LANE_TABLES, ("integer", True))


async def test_lane_is_first_in_every_key_of_a_lane_table(db: Any) -> None:
    """Primary keys, unique constraints and indexes, exclusion constraints."""
    found = await db.fetch(
        """
        select i.indrelid::regclass::text as table, i.indexrelid::regclass::text as index, i.indisprimary as is_primary,
            array(select a.attname::text from unnest(i.indkey) with ordinality k (attnum, place)
                join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum order by k.place) as columns
        from pg_index i
        where i.indrelid = any($1::text[]::regclass[]) and (i.indisunique or i.indisexclusion)
        """,
        sorted(LANE_TABLES),
    )

    assert [row["index"] for row in found if row["columns"][:1] != ["lane"]] == []
    assert {row["table"] for row in found if row["is_primary"]} == LANE_TABLES - KEYLESS


async def test_no_lane_table_has_a_trigger(db: Any) -> None:
    found = await db.fetch(
        "select tgrelid::regclass::text, tgname from pg_trigger where not tgisinternal"
        " and tgrelid = any($1::text[]::regclass[])",
        sorted(LANE_TABLES),
    )

    assert found == []


async def test_numbers_that_the_database_gives_are_bigint(db: Any) -> None:
    found = await db.fetch(
        """
        select a.attrelid::regclass::text, a.attname from pg_attribute a
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = any($1::text[]::regclass[]) and a.atttypid <> 'bigint'::regtype
            and (a.attidentity <> '' or pg_get_expr(d.adbin, d.adrelid) like 'nextval(%')
        """,
        sorted(LANE_TABLES),
    )

    assert found == []


async def test_foreign_keys_stay_in_their_lane(db: Any) -> None:
    """Lane to lane with lane in the same place on both sides; lane to catalog freely; never from elsewhere to lane."""
    found = await db.fetch(
        """
        select c.conname, c.conrelid::regclass::text as child, c.confrelid::regclass::text as parent,
            c.confdeltype::text || c.confupdtype::text as actions,
            array(select a.attname::text from unnest(c.conkey) with ordinality k (n, place)
                join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.n order by place) as columns,
            array(select a.attname::text from unnest(c.confkey) with ordinality k (n, place)
                join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.n order by place) as referred
        from pg_constraint c where c.contype = 'f' and c.conparentid = 0
        """
    )

    wrong = []
    for row in found:
        child, parent = TABLES[row["child"]], TABLES[row["parent"]]
        together = ("lane", "lane") in zip(row["columns"], row["referred"], strict=True)
        resets = set(row["actions"]) & {"n", "d"} and "lane" in row["columns"]
        if parent is TableClass.LANE and (child is not TableClass.LANE or not together or resets):
            wrong.append(row["conname"])
    assert wrong == []


async def test_each_lane_falls_alone_into_its_64th_of_the_hash(db: Any) -> None:
    found = await db.fetchval(
        "select count(distinct (hashint4(lane)::bigint + 2147483648) >> 26) from unnest($1::int[]) lanes (lane)", LANES
    )

    assert (found, len(LANES), len(set(LANES))) == (64, 64, 64)


async def test_every_state_kind_is_a_table_that_units_may_change(db: Any) -> None:
    columns = await read_columns(db)

    for kind in STATE_KINDS.values():
        assert TABLES[kind.table] is TableClass.LANE
        assert kind.table not in LEDGER_TABLES
        needed = {*kind.key, kind.state, *([kind.changed_at] if kind.changed_at else [])}
        assert needed <= columns[kind.table].keys()


async def test_the_key_of_a_state_kind_finds_one_row(db: Any) -> None:
    found = await db.fetch(
        """
        select i.indrelid::regclass::text as table,
            array(select a.attname::text from unnest(i.indkey) k (attnum)
                join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum) as columns
        from pg_index i where i.indisunique
        """
    )

    keys = {(row["table"], frozenset(row["columns"])) for row in found}
    assert [k.kind for k in STATE_KINDS.values() if (k.table, frozenset({"lane", *k.key})) not in keys] == []


# --- statements


def scans(plan: Any) -> Iterator[Any]:
    """Every node of a plan that reads a table."""
    if "Relation Name" in plan and plan["Node Type"] != "ModifyTable":
        yield plan
    for part in plan.get("Plans", ()):
        yield from scans(part)


def nodes(plan: Any) -> Iterator[str]:
    yield plan["Node Type"]
    for part in plan.get("Plans", ()):
        yield from nodes(part)


CONDITIONS = ("Index Cond", "Recheck Cond", "Filter")


def names_a_lane(scan: Any) -> bool:
    """Whether a condition of the scan compares the lane: with a value, some values, or another row's."""
    conditions = " ".join(str(scan.get(condition, "")) for condition in CONDITIONS)
    return bool(re.search(r"\blane = |\blane\)? = | = \(?(\w+\.)?lane\b", conditions))


async def plan_of(db: Any, sql: str) -> Any:
    explain = await db.prepare(f"explain (generic_plan, format json) {sql}")
    return json.loads(await explain.fetchval(*(None for _ in explain.get_parameters())))[0]["Plan"]


async def parents_of_partitions(db: Any) -> dict[str, str]:
    found = await db.fetch("select inhrelid::regclass::text, inhparent::regclass::text from pg_inherits")
    return {child: parent for child, parent in found if parent in TABLES}


async def test_every_statement_names_the_lane_of_every_lane_table_it_reads(db: Any) -> None:
    partitions = await parents_of_partitions(db)
    wanted = {name: one.sql for name, one in registered().items() if not one.all_lanes}
    wanted |= statements_of(await read_columns(db))

    nameless = []
    for name, sql in wanted.items():
        for scan in scans(await plan_of(db, sql)):
            table = partitions.get(scan["Relation Name"], scan["Relation Name"])
            if table in LANE_TABLES and not names_a_lane(scan):
                nameless.append(f"{name}: {table}")
    assert nameless == []


async def test_reports_over_all_lanes_change_and_lock_nothing(db: Any) -> None:
    reports = [one for one in registered().values() if one.all_lanes]

    acting = [one.name for one in reports if {"ModifyTable", "LockRows"} & set(nodes(await plan_of(db, one.sql)))]
    assert reports
    assert acting == []


async def test_what_a_distributed_database_refuses_is_not_used(db: Any) -> None:
    """MERGE; a lane that changes; a function in the SET of an upsert."""
    wanted = {name: one.sql for name, one in registered().items()} | statements_of(await read_columns(db))

    wrong = []
    for name, sql in wanted.items():
        sets = re.findall(
            r"(?is)(do\s+update\s+|update\s+\S+(?:\s+\w+)?\s+)set\s(.*?)(?=\bwhere\b|\bfrom\b|\breturning\b|$)", sql
        )
        if re.search(r"(?i)\bmerge\s+into\b", sql) or any(re.search(r"(?i)\blane\s*=", to) for _, to in sets):
            wrong.append(name)
        if any(how.lower().startswith("do") and re.search(r"\b(?!excluded|values)\w+\(", to) for how, to in sets):
            wrong.append(name)
    assert wrong == []


async def test_functions_name_the_lane_too(db: Any) -> None:
    found = await db.fetch("select proname, prosrc from pg_proc where pronamespace = 'public'::regnamespace")

    nameless = []
    for name, body in found:
        for statement in body.split(";"):
            touched = re.findall(r"(?i)\b(?:update|delete\s+from|from|join)\s+(\w+)", statement)
            if LANE_TABLES & set(touched) and not re.search(r"\blane = ", statement):
                nameless.append(f"{name}: {statement.strip()}")
    assert [name for name, _ in found] == ["ledger_write"]
    assert nameless == []


def test_a_name_stands_for_one_statement() -> None:
    assert len(registered()) == len({statement.sql for statement in statements()})
