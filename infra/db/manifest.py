"""Every table, in one class; and every kind of row whose state a unit may change.

A new kind is one line in `STATE_KINDS`, a new table one name in `TABLES`. tests/architecture/test_tables.py holds this
against the catalog of the migrated database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeAlias


class TableClass(StrEnum):
    LANE = "lane"
    """Rows of customers and other owners: `lane` first in every key; one day spread over nodes by it."""
    CATALOG = "catalog"
    """The same for all, rarely written; one day a copy on every node."""
    LOCAL = "local"
    """Of one database; never joined with a lane table."""


_NAMES = {
    TableClass.LANE: (
        "account choice client_assertion coupon customer delivery draw_chance entitlement event general_event hold "
        "inbox journal offer_grant operator_case outbox reference request session shared_account story story_event"
        " draw_chain draw_entry draw_result draw_secret"
        " points_account points_entry points_redemption"
        " booking lounge_pass lounge_visit"
        " presentation_used redemption sale settlement_entry settlement_statement till_key till_quote"
        " application audit change_request customer_freeze message message_consent schedule_run sign_up"
    ),
    TableClass.CATALOG: (
        "campaign_version catalog_item catalog_stamp lounge merchant merchant_inspection merchant_standing"
    ),
    TableClass.LOCAL: "commit_mark installation sandbox_clock tortoise_migrations",
}

TABLES: Mapping[str, TableClass] = MappingProxyType(
    {table: kind for kind, names in _NAMES.items() for table in names.split()}
)

LEDGER_TABLES = frozenset({"account", "shared_account", "journal", "hold", "request", "commit_mark"})
"""Written by the commit alone, never by a unit's `rows`."""


@dataclass(frozen=True, slots=True)
class StateKind:
    """Rows of `table` that a unit changes from one state to another. key: its columns beside lane.

    changed_at: the column set to the unit's moment with every change. Every row named in a unit's changes is read by
    that key and judged by `state`; what a change deletes must still be in the state it was read in. Two kinds may look
    at one table by different keys, but one unit, or one batch, must not change the same row through both.
    """

    kind: str
    table: str
    key: tuple[str, ...] = ("id",)
    state: str = "status"
    changed_at: str | None = "changed_at"


STATE_KINDS: Mapping[str, StateKind] = MappingProxyType(
    {
        kind.kind: kind
        for kind in (
            StateKind("coupon", "coupon"),
            StateKind("choice", "choice"),
            StateKind("delivery", "delivery"),
            StateKind("draw_chance", "draw_chance"),
            StateKind("draw_chain", "draw_chain", key=("campaign", "draw"), state="head"),
            StateKind("entitlement", "entitlement"),
            StateKind("booking", "booking"),
            StateKind("lounge_visit", "lounge_visit", key=("client", "visit"), state="state"),
            StateKind("lounge_pass", "lounge_pass", state="visit", changed_at=None),
            StateKind("application", "application"),
            StateKind("sign_up", "sign_up"),
            StateKind("customer_freeze", "customer_freeze", key=("customer",)),
            StateKind("offer_grant", "offer_grant", changed_at=None),
            StateKind("operator_case", "operator_case", changed_at=None),
            StateKind("till_key", "till_key", key=("client", "key"), state="digest", changed_at=None),
            StateKind("till_quote", "till_quote"),
            StateKind("redemption", "redemption", state="version"),
            StateKind("sale", "sale", key=("transaction",), changed_at=None),
            StateKind("presentation_used", "presentation_used", state="used", changed_at=None),
            StateKind("points", "points_account", key=("customer",), state="version", changed_at=None),
            StateKind("points_redemption", "points_redemption"),
            StateKind("story", "story", key=("customer",), state="version", changed_at=None),
            StateKind("inbox", "inbox", key=("source", "id"), state="state", changed_at=None),
            StateKind("outbox", "outbox", state="state", changed_at=None),
        )
    }
)

Columns: TypeAlias = Mapping[str, Mapping[str, str]]
"""table -> column -> type, as the database's catalog spells it ('bigint', 'timestamp with time zone', 'text[]')."""

_COLUMNS = """
select c.relname, a.attname, format_type(a.atttypid, null)
from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.oid = any(select to_regclass(name) from unnest($1::text[]) names (name)) and a.attnum > 0 and not a.attisdropped
order by c.relname, a.attnum
"""


async def read_columns(connection: Any) -> Columns:
    """The columns of every table of the manifest that exists, from the catalog. `connection` is asyncpg's."""
    columns: dict[str, dict[str, str]] = {}
    for table, column, type_name in await connection.fetch(_COLUMNS, list(TABLES)):
        columns.setdefault(table, {})[column] = type_name
    return columns
