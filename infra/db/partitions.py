"""Daily partitions: every table partitioned by RANGE (day) has one for each coming day, and a DEFAULT for the rest."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from domain.kernel.time import business_day

DAYS_AHEAD = 7
LOCK_TIMEOUT_MS = 3000
"""Rather later than in the way: attaching waits behind long readers of the DEFAULT partition, and others behind it."""

_LOCK = 0x6861_6C6C_0002
"""Ours among the advisory locks of the database."""


async def ensure_partitions(connection: Any, days_ahead: int = DAYS_AHEAD) -> list[str]:
    """Make the missing partitions of all such tables, yesterday to `days_ahead` days from now. Returns the names made.

    Days are the wall clock's in Shanghai. Rows of such a day that already fell into a DEFAULT partition move into the
    new one. Safe to run at the same time as itself and as writers. `connection` is asyncpg's.

    Raises asyncpg.LockNotAvailableError when it would have to wait long; nothing is made then.
    """
    today = business_day(datetime.now(UTC))
    days = [today + timedelta(days=offset) for offset in range(-1, days_ahead + 1)]
    made = []
    async with connection.transaction():
        await connection.execute(f"select pg_advisory_xact_lock({_LOCK})")
        await connection.execute(f"set local lock_timeout = {LOCK_TIMEOUT_MS}")
        for parent in await connection.fetch(_PARENTS):
            for day in days:
                name = partition_name(parent["name"], day)
                if name not in parent["children"]:
                    await _make(connection, parent["schema"], parent["name"], parent["default"], day)
                    made.append(name)
    return made


def partition_name(table: str, day: date) -> str:
    return f"{table}_y{day:%Y}m{day:%m}d{day:%d}"


_PARENTS = """
select n.nspname as schema, c.relname as name,
    coalesce((select array_agg(k.relname::text) from pg_inherits i join pg_class k on k.oid = i.inhrelid
              where i.inhparent = c.oid), '{}') as children,
    (select k.relname from pg_class k where k.oid = p.partdefid) as default
from pg_partitioned_table p
join pg_class c on c.oid = p.partrelid
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum = p.partattrs[0]
where p.partstrat = 'r' and p.partnatts = 1 and a.attname = 'day' and a.atttypid = 'date'::regtype
order by 1, 2
"""


async def _make(connection: Any, schema: str, table: str, default: str | None, day: date) -> None:
    """One day's partition, made beside the table and attached, which lets readers and writers of other days go on."""
    parent = f'"{schema}"."{table}"'
    name = f'"{schema}"."{partition_name(table, day)}"'
    after = day + timedelta(days=1)
    await connection.execute(f"create table {name} (like {parent} including all excluding identity)")
    if default:
        await connection.execute(f'lock table "{schema}"."{default}" in access exclusive mode')
        await connection.execute(
            f'with moved as (delete from "{schema}"."{default}" where day = \'{day}\' returning *) '
            f"insert into {name} select * from moved"
        )
    await connection.execute(f"alter table {parent} attach partition {name} for values from ('{day}') to ('{after}')")
