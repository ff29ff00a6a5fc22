"""One batch as SQL: what is read before it is judged, and the one statement that writes it.

Both statements are put together from parts, one for each kind of thing a batch touches; parts that a batch does not
need are left out. Texts differ only by which parts they have, so connections keep them prepared. To keep the number of
texts small, a batch takes a known text that has a few parts more than it needs, and gives those nothing to do.

Every probe names its row's lane (`t.lane = q.lane`). `t.lane = any($lanes)` beside it, which a distributed database
wants, costs a tenth of the commit's time on a plain one: it is searched anew for each probe.

A statement is one transaction and one round trip. Order within a write: requests, ended holds, changed rows, new rows,
then `ledger_write` with the accounts; the same in every process, and sorted within, so that batches wait for each other
instead of locking each other out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

import orjson

from domain.ledger.accounts import Account
from domain.ledger.judge import Facts, HoldKey, Judgement, Leg, NetChange, OpenHold, RequestKey, RowKey, Tally, row_key
from domain.ledger.unit import Change, Row, Unit
from infra.db.literals import literal_of, moments, numbers, probe, texts, uuids
from infra.db.manifest import LEDGER_TABLES, STATE_KINDS, Columns, StateKind

SPARE_PARTS = 4
KNOWN_TEXTS = 128

P = TypeVar("P", bound="Part")


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """A piece of a statement. order: its place; name: of table or kind; columns: beyond those its SQL always has."""

    order: int
    what: str
    name: str
    columns: tuple[str, ...] = ()


class Texts(Generic[P]):
    """The statements made so far, by their parts."""

    def __init__(self, make: Callable[[Sequence[Part]], str]) -> None:
        self._make = make
        self._known: dict[frozenset[Part], tuple[str, tuple[Part, ...]]] = {}
        self._chosen: dict[frozenset[Part], tuple[str, tuple[Part, ...]]] = {}

    def of(self, needed: frozenset[Part]) -> tuple[str, tuple[Part, ...]]:
        """A statement with at least these parts, and its parts in the order of their parameters."""
        chosen = self._chosen.get(needed)
        if chosen is None:
            if len(self._chosen) > 16 * KNOWN_TEXTS:
                self._chosen.clear()
            wider = [known for known in self._known if needed <= known and len(known) <= len(needed) + SPARE_PARTS]
            if wider:
                chosen = self._known[min(wider, key=len)]
            else:
                if len(self._known) >= KNOWN_TEXTS:
                    self._known.clear()
                parts = tuple(sorted(needed))
                chosen = self._known[needed] = (self._make(parts), parts)
            self._chosen[needed] = chosen
        return chosen


# --- reading


class Wanted:
    """What must be known to judge some units: accounts, requests, holds, row states.

    trusting: rows that units change are taken to be where these saw them a moment ago, and are not read again; accounts
    that a unit says are fresh are not looked for.
    """

    __slots__ = ("_accounts", "holds", "own", "released", "requests", "rows", "shared", "trusting")

    def __init__(self, units: Iterable[Unit], *, trusting: bool = False) -> None:
        self.trusting = trusting
        accounts: set[Account] = set()
        fresh: list[Account] = []
        touch = accounts.add
        self.requests: dict[RequestKey, UUID] = {}
        self.holds: dict[HoldKey, UUID] = {}
        self.released: set[HoldKey] = set()  # of them, those whose `on_release` matters
        self.rows: dict[str, dict[RowKey, Any]] = {}
        for unit in units:
            lane = unit.lane
            request = unit.request
            if request is not None:
                self.requests[lane, request.owner, request.id.int] = request.id
            for move in unit.moves:
                touch(move[1])
                touch(move[2])
            for new in unit.new_holds:
                for move in new.moves:
                    touch(move[1])
                    touch(move[2])
            for end in unit.end_holds:
                self.holds[lane, end.id.int] = end.id
                if not end.capture:
                    self.released.add((lane, end.id.int))
            fresh += unit.fresh
            late = unit.late
            if not trusting or late is not None:
                for change in unit.changes:
                    self.want_row(change, lane)
            if late is not None:
                accounts.update(late.accounts)
                for row in late.rows:
                    self.want_row(row, lane)
        if trusting:
            accounts.difference_update(fresh)
        self._accounts: set[Account] = set()
        self.own: list[Account] = []
        self.shared: list[Account] = []
        self.want_accounts(accounts)

    def want_accounts(self, accounts: Iterable[Account]) -> None:
        for account in accounts:
            if account[1][0] != "~" and account not in self._accounts:
                self._accounts.add(account)
                (self.shared if account[2] else self.own).append(account)

    def want_row(self, change: Change | Row, unit_lane: int) -> None:
        key = row_key(change, unit_lane)
        self.rows.setdefault(change.kind, {})[key] = change.key


_ACCOUNTS_READ = """
 (select array_agg(q.n) {x}n, array_agg(a.balance) {x}b, array_agg(a.held) {x}h, array_agg(a.floor) {x}f,
   array_agg(a.overdraw) {x}o
  from unnest({lane}, {key}) with ordinality q (lane, key, n), lateral (select * from {table} t
   where t.lane = q.lane and t.key = q.key offset 0) a) {x}"""

_REQUESTS_READ = """
 (select array_agg(q.n) rn, array_agg(r.print) rp, array_agg(r.answer) ra
  from unnest({lane}, {owner}, {id}) with ordinality q (lane, owner, id, n), lateral (select * from request t
   where t.lane = q.lane and t.owner = q.owner and t.id = q.id offset 0) r) r"""

_HOLDS_READ = """
 (select array_agg(q.n) hn, array_agg(h.expires_at) he, array_agg(h.legs) hl, array_agg(h.on_release) ho
  from unnest({lane}, {id}) with ordinality q (lane, id, n), lateral (select * from hold t
   where t.lane = q.lane and t.id = q.id offset 0) h) h"""

_STATES_READ = """
 (select array_agg(q.n) {kind}_n, array_agg(s.{state}) {kind}_s
  from unnest({lane}, {keys}) with ordinality q (lane, {names}, n), lateral (select * from {table} t
   where t.lane = q.lane and {match} offset 0) s) {kind}"""


class Read:
    """Makes the statement that reads what a batch wants, and the facts of its answer."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._texts: Texts[Part] = Texts(self.sql)

    def sql(self, parts: Sequence[Part]) -> str:
        place = 0
        selects = []

        def next_probe(type_name: str) -> str:
            nonlocal place
            place += 1
            return probe(type_name, place)

        for part in parts:
            lane = next_probe("int")
            match part.what:
                case "accounts":
                    key, x = next_probe("text"), part.name[0]
                    selects.append(_ACCOUNTS_READ.format(lane=lane, key=key, table=part.name, x=x))
                case "requests":
                    owner, id = next_probe("text"), next_probe("uuid")
                    selects.append(_REQUESTS_READ.format(lane=lane, owner=owner, id=id))
                case "holds":
                    selects.append(_HOLDS_READ.format(lane=lane, id=next_probe("uuid")))
                case _:
                    kind = STATE_KINDS[part.name]
                    types = self._columns[kind.table]
                    selects.append(
                        _STATES_READ.format(
                            lane=lane,
                            kind=kind.kind,
                            table=kind.table,
                            state=kind.state,
                            keys=", ".join([next_probe(types[column]) for column in kind.key]),
                            names=", ".join(f"k_{column}" for column in kind.key),
                            match=" and ".join(f"t.{column} = q.k_{column}" for column in kind.key),
                        )
                    )
        return "select * from" + ",".join(selects)

    def statement(self, wanted: Wanted) -> tuple[str, list[str], tuple[Part, ...]] | None:
        """SQL, arguments, and the parts whose answers come back, in order. None: nothing is wanted."""
        needed = []
        if wanted.own:
            needed.append(_OWN)
        if wanted.shared:
            needed.append(_SHARED)
        if wanted.requests:
            needed.append(_REQUESTS)
        if wanted.holds:
            needed.append(_HOLDS)
        needed += [Part(4, "states", kind) for kind in wanted.rows]
        if not needed:
            return None
        sql, parts = self._texts.of(frozenset(needed))
        arguments: list[str] = []
        for part in parts:
            match part.what:
                case "accounts":
                    accounts = wanted.own if part == _OWN else wanted.shared
                    arguments.append(numbers([account[0] for account in accounts]))
                    arguments.append(texts([account[1] for account in accounts]))
                case "requests":
                    arguments.append(numbers([key[0] for key in wanted.requests]))
                    arguments.append(texts([key[1] for key in wanted.requests]))
                    arguments.append(uuids(tuple(wanted.requests.values())))
                case "holds":
                    arguments.append(numbers([key[0] for key in wanted.holds]))
                    arguments.append(uuids(tuple(wanted.holds.values())))
                case _:
                    rows = wanted.rows.get(part.name, {})
                    arguments.append(numbers([key[1] for key in rows]))
                    arguments += key_literals(STATE_KINDS[part.name], self._columns, tuple(rows.values()))
        return sql, arguments, parts

    def facts(self, wanted: Wanted, parts: tuple[Part, ...], answer: Sequence[Any]) -> Facts:
        """The answer's one row of arrays, back to back as the parts are, turned into what the judge reads."""
        accounts: dict[Account, Tally] = {}
        requests: dict[RequestKey, tuple[int, str]] = {}
        holds: dict[HoldKey, OpenHold] = {}
        states: dict[RowKey, str | int] = {}
        at = 0
        for part in parts:
            found = answer[at]
            match part.what:
                case "accounts":
                    if found:
                        names = wanted.own if part.name == "account" else wanted.shared
                        for n, balance, held, floor, overdraw in zip(*answer[at : at + 5], strict=True):
                            account = names[n - 1]
                            accounts[account] = Tally(account, balance, held, floor, overdraw, False)
                    at += 5
                case "requests":
                    if found:
                        asked = tuple(wanted.requests)
                        for n, fingerprint, first in zip(*answer[at : at + 3], strict=True):
                            requests[asked[n - 1]] = (fingerprint, first)
                    at += 3
                case "holds":
                    if found:
                        ids = tuple(wanted.holds.items())
                        for n, expires_at, legs, on_release in zip(*answer[at : at + 4], strict=True):
                            key, id = ids[n - 1]
                            holds[key] = OpenHold(
                                key[0],
                                id,
                                expires_at,
                                read_legs(legs),
                                self.read_changes(on_release) if key in wanted.released else (),
                            )
                    at += 4
                case _:
                    if found:
                        rows = tuple(wanted.rows[part.name])
                        for n, state in zip(*answer[at : at + 2], strict=True):
                            states[rows[n - 1]] = state
                    at += 2
        return Facts(accounts, requests, holds, states, wanted.trusting)

    def lock(self, wanted: Wanted, name: str) -> tuple[str, list[str]] | None:
        """SQL and arguments that lock the wanted rows of one table or kind, in sorted order. None: there are none."""
        keys: list[str]
        names: tuple[str, ...] = ("id",)
        types: tuple[str, ...] = ("uuid",)
        if name == "hold":
            ids = sorted(wanted.holds)
            lanes = [key[0] for key in ids]
            keys = [uuids([wanted.holds[key] for key in ids])]
            table = name
        elif name in STATE_KINDS:
            kind = STATE_KINDS[name]
            rows = sorted(wanted.rows.get(name, {}).items(), key=lambda item: item[0])
            lanes, names, table = [key[1] for key, _ in rows], kind.key, kind.table
            types = tuple(self._columns[table][column] for column in names)
            keys = key_literals(kind, self._columns, [key for _, key in rows])
        else:
            accounts = sorted(wanted.own if name == "account" else wanted.shared)
            lanes, names, types, table = [account[0] for account in accounts], ("key",), ("text",), name
            keys = [texts([account[1] for account in accounts])]
        if not lanes:
            return None
        return lock_sql(table, names, types), [numbers(lanes), *keys]

    def read_changes(self, text: str | None) -> tuple[Change, ...]:
        """A hold's `on_release`."""
        if text is None:
            return ()
        changes = []
        for kind, lane, key, old, new, values, tell in orjson.loads(text):
            types = self._columns[STATE_KINDS[kind].table]
            parts: list[Any] = [
                UUID(part) if types[column] == "uuid" else part
                for column, part in zip(STATE_KINDS[kind].key, key, strict=True)
            ]
            changes.append(Change(kind, parts[0] if len(parts) == 1 else tuple(parts), old, new, values, lane, tell))
        return tuple(changes)


def lock_sql(table: str, names: Sequence[str], types: Sequence[str]) -> str:
    """Locks rows in the order in which their lanes and keys are given."""
    probes = ", ".join(probe(type_name, n) for n, type_name in enumerate(("int", *types), 1))
    match_sql = " and ".join(f"t.{name} = q.k_{name}" for name in names)
    return (
        f"select count(*) from unnest({probes}) q (lane, {', '.join(f'k_{name}' for name in names)}),"
        f" lateral (select 1 from {table} t where t.lane = q.lane and {match_sql}"
        " for update) l"
    )


_OWN = Part(0, "accounts", "account")
_SHARED = Part(1, "accounts", "shared_account")
_REQUESTS = Part(2, "requests", "request")
_HOLDS = Part(3, "holds", "hold")


def key_literals(kind: StateKind, columns: Columns, keys: Sequence[Any]) -> list[str]:
    """One array for each key column of these rows."""
    types = columns[kind.table]
    if len(kind.key) == 1:
        return [literal_of(types[kind.key[0]])(keys)]
    return [literal_of(types[column])([key[n] for key in keys]) for n, column in enumerate(kind.key)]


def written_legs(legs: Iterable[Leg]) -> str:
    return orjson.dumps(
        [[*leg.source, *leg.target, leg.units, leg.reason] for leg in legs],
    ).decode()


def read_legs(text: str) -> tuple[Leg, ...]:
    return tuple(
        Leg(Account(source_lane, source, source_shared), Account(target_lane, target, target_shared), units, reason)
        for source_lane, source, source_shared, target_lane, target, target_shared, units, reason in orjson.loads(text)
    )


def written_changes(changes: Iterable[Change], lane: int) -> str | None:
    """A hold's `on_release` as text. Raises TypeError for values that are not JSON."""
    rows = [
        [
            change.kind,
            lane if change.lane is None else change.lane,
            [str(part) for part in (change.key if isinstance(change.key, tuple) else (change.key,))],
            change.old,
            change.new,
            dict(change.values),
            change.tell,
        ]
        for change in changes
    ]
    return orjson.dumps(rows, default=_refuse, option=orjson.OPT_PASSTHROUGH_DATETIME).decode() if rows else None


def _refuse(value: object) -> None:
    raise TypeError(f"{type(value).__name__} cannot be kept with a hold")


# --- writing

_ACCOUNT_ARRAYS = ("int", "text", "bigint", "bigint", "bigint")
_OPENED_ARRAYS = ("int", "text", "bigint", "bigint", "boolean", "bigint", "bigint")
_FUNCTION_ARRAYS = (
    *_ACCOUNT_ARRAYS,
    *_OPENED_ARRAYS,
    *_ACCOUNT_ARRAYS,
    *_OPENED_ARRAYS,
    *("uuid", "int", "timestamptz"),
    *("int", "text"),
    *("int", "smallint", "smallint", "text", "bigint", "int", "bigint", "int", "bigint"),
)  # fmt: skip
_FIRST_PART_PLACE = 4 + len(_FUNCTION_ARRAYS)

_WRITE_REQUESTS = Part(0, "requests", "request")
_WRITE_ENDED = Part(1, "ended", "hold")
_WRITE_HOLDS = Part(4, "holds", "hold")
_REQUEST_COLUMNS = ("lane", "owner", "id", "print", "answer", "at")
_HOLD_COLUMNS = ("lane", "id", "expires_at", "legs", "on_release")


class Write:
    """Makes the statement that writes what a batch comes to."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._texts: Texts[Part] = Texts(self.sql)

    def sql(self, parts: Sequence[Part]) -> str:
        """$1 mark, $2 batch, $3 rows expected, then the function's arrays, then the parts'."""
        place = _FIRST_PART_PLACE
        ctes = []
        for number, part in enumerate(parts):
            types = self._columns[part.name if part.what not in ("change", "delete") else STATE_KINDS[part.name].table]
            match part.what:
                case "change" | "delete":
                    sql, place = self._change_sql(part, STATE_KINDS[part.name], types, place)
                case "ended":
                    sql = (
                        f"delete from hold t using unnest({probe('int', place)}, {probe('uuid', place + 1)})"
                        " u (lane, id) where t.lane = u.lane and t.id = u.id"
                    )
                    place += 2
                case _:
                    columns = {"requests": _REQUEST_COLUMNS, "holds": _HOLD_COLUMNS}.get(part.what, part.columns)
                    sql = _insert_sql(part.name, columns, types, place)
                    place += len(columns)
            ctes.append(f"p{number} as ({sql} returning 1)")
        found = " + ".join(f"(select count(*) from p{number})" for number in range(len(parts))) or "0"
        arrays_sql = ", ".join(f"${n}::text::{t}[]" for n, t in enumerate(_FUNCTION_ARRAYS, 4))
        head = f"with {', '.join(ctes)} " if ctes else ""
        return f"{head}select ledger_write($1::uuid, $2::bigint, $3::bigint - ({found}), {arrays_sql})"

    @staticmethod
    def _change_sql(part: Part, kind: StateKind, types: Mapping[str, str], place: int) -> tuple[str, int]:
        names = ["lane", *(f"k_{column}" for column in kind.key), "old"]
        probes = ["int", *(types[column] for column in kind.key), types[kind.state]]
        if part.what == "change":
            names += ["new", "at", *(f"v_{column}" for column in part.columns)]
            probes += [types[kind.state], "timestamptz", *(types[column] for column in part.columns)]
        unnested = ", ".join(probe(type_name, place + n) for n, type_name in enumerate(probes))
        source = f"unnest({unnested}) u ({', '.join(names)})"
        match_sql = " and ".join(
            [
                "t.lane = u.lane",
                *(f"t.{column} = u.k_{column}" for column in kind.key),
                f"t.{kind.state} = u.old",
            ]
        )
        place += len(probes)
        if part.what == "delete":
            return f"delete from {kind.table} t using {source} where {match_sql}", place
        sets = [f"{kind.state} = u.new"]
        if kind.changed_at:
            sets.append(f"{kind.changed_at} = u.at")
        sets += [f"{column} = {_cast(f'u.v_{column}', types[column])}" for column in part.columns]
        return f"update {kind.table} t set {', '.join(sets)} from {source} where {match_sql}", place

    def statement(self, judged: Judgement, mark: UUID, batch: int) -> tuple[str, list[Any]]:
        """SQL and arguments. Raises KeyError, TypeError or ValueError for a unit that names what there is not."""
        accepted = judged.accepted
        filled: dict[Part, list[str]] = {}
        expected = 0

        asked = [unit for unit in accepted if unit.request is not None]
        if asked:
            filled[_WRITE_REQUESTS] = _request_arrays(asked)
            expected += len(asked)
        if judged.ended:
            ended = sorted(judged.ended)
            filled[_WRITE_ENDED] = [
                numbers([key[0] for key in ended]),
                uuids([judged.ended[key].id for key in ended]),
            ]
            expected += len(ended)
        if judged.changes:
            expected += self._change_arrays(judged.changes, filled)
        expected += self._row_arrays(accepted, filled)
        if judged.opened:
            holds = judged.opened.values()
            filled[_WRITE_HOLDS] = [
                numbers([hold.lane for hold in holds]),
                uuids([hold.id for hold in holds]),
                moments([hold.expires_at for hold in holds]),
                texts([written_legs(hold.legs) for hold in holds]),
                texts([written_changes(hold.on_release, hold.lane) for hold in holds]),
            ]
            expected += len(holds)

        sql, parts = self._texts.of(frozenset(filled))
        arguments: list[Any] = [mark, batch, expected]
        arguments += _account_arrays(judged)
        for part in parts:
            arguments += filled.get(part) or self._nothing(part)
        return sql, arguments

    def _nothing(self, part: Part) -> list[str]:
        match part.what:
            case "ended":
                width = 2
            case "requests":
                width = len(_REQUEST_COLUMNS)
            case "holds":
                width = len(_HOLD_COLUMNS)
            case "insert":
                width = len(part.columns)
            case "delete":
                width = 2 + len(STATE_KINDS[part.name].key)
            case _:
                width = 4 + len(STATE_KINDS[part.name].key) + len(part.columns)
        return ["{}"] * width

    def _change_arrays(self, changes: Mapping[RowKey, NetChange], filled: dict[Part, list[str]]) -> int:
        """Fills the parts of changed and deleted rows; returns how many rows that are."""
        groups: dict[tuple[str, ...] | str, list[NetChange]] = {}
        for key in sorted(changes):  # by kind, lane and key
            change = changes[key]
            if change.old is None:
                continue  # its row is inserted with the others
            alike = change.kind if change.new is None else (change.kind, *sorted(change.values))
            known = groups.get(alike)
            if known is None:
                groups[alike] = [change]
            else:
                known.append(change)
        count = 0
        for alike, group in groups.items():
            part = Part(2, "delete", alike) if isinstance(alike, str) else Part(2, "change", alike[0], alike[1:])
            kind = STATE_KINDS[part.name]
            types = self._columns[kind.table]
            state = literal_of(types[kind.state])
            literals = [
                numbers([change.lane for change in group]),
                *key_literals(kind, self._columns, [change.key for change in group]),
                state([change.old for change in group]),
            ]
            if part.what == "change":
                literals.append(state([change.new for change in group]))
                literals.append(moments([change.at for change in group]))
                literals += [literal_of(types[c])([change.values[c] for change in group]) for c in part.columns]
            filled[part] = literals
            count += len(group)
        return count

    def _row_arrays(self, accepted: Iterable[Unit], filled: dict[Part, list[str]]) -> int:
        """Fills the parts of new rows; returns how many rows that are."""
        tables: dict[str, list[Mapping[str, Any]]] = {}
        for unit in accepted:
            for table, rows in unit.rows.items():
                known = tables.get(table)
                if known is None:
                    tables[table] = [*rows]
                else:
                    known += rows
        count = 0
        for table, rows in tables.items():
            if not rows:
                continue
            if table in LEDGER_TABLES:
                raise ValueError(f"{table} is written by the ledger alone")
            types = self._columns[table]
            count += len(rows)
            for columns, values in _by_columns(rows):
                filled[Part(3, "insert", table, columns)] = [
                    literal_of(types[column])(column_values)
                    for column, column_values in zip(columns, values, strict=True)
                ]
        return count


def _insert_sql(table: str, columns: Sequence[str], types: Mapping[str, str], place: int) -> str:
    # unnest in the select list hands on a row at a time; in the from list it would first lay all of them by.
    unnested = ", ".join(f"unnest({probe(types[column], place + n)}) as {column}" for n, column in enumerate(columns))
    values = ", ".join(_cast(f"u.{column}", types[column]) for column in columns)
    return f"insert into {table} ({', '.join(columns)}) select {values} from (select {unnested}) u"


def _cast(value: str, type_name: str) -> str:
    return f"{value}::{type_name}" if type_name.endswith("[]") else value


_Columns: TypeAlias = tuple[tuple[str, ...], Sequence[Sequence[Any]]]


def _by_columns(rows: Sequence[Mapping[str, Any]]) -> Iterable[_Columns]:
    """The names and values of the columns that the rows give: once, or once for each set of names."""
    if len(set(map(len, rows))) == 1:
        with suppress(KeyError):  # as many, but others
            return [_columns_of(rows)]
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(sorted(row)), []).append(row)
    return [_columns_of(alike) for alike in groups.values()]


def _columns_of(rows: Sequence[Mapping[str, Any]]) -> _Columns:
    columns = tuple(sorted(rows[0]))
    if len(columns) == 1:
        return columns, [[row[columns[0]] for row in rows]]
    return columns, list(zip(*map(itemgetter(*columns), rows), strict=True))


def _by_request(unit: Unit) -> tuple[int, str, int]:
    request = unit.request
    assert request is not None
    return (unit.lane, request.owner, request.id.int)


def _request_arrays(asked: list[Unit]) -> list[str]:
    asked = sorted(asked, key=_by_request)
    requests: list[Any] = [unit.request for unit in asked]
    return [
        numbers([unit.lane for unit in asked]),
        texts([request.owner for request in requests]),
        uuids([request.id for request in requests]),
        numbers([request.print for request in requests]),
        texts([unit.answer for unit in asked]),
        moments([unit.at for unit in asked]),
    ]


_account_of = attrgetter("account")


def _account_arrays(judged: Judgement) -> list[str]:
    """The function's arrays: accounts own and shared, there and opened; units; journal."""
    groups: tuple[list[Tally], list[Tally], list[Tally], list[Tally]] = ([], [], [], [])
    for tally in judged.tallies:
        groups[2 * tally.account[2] + tally.new].append(tally)
    arguments: list[str] = []
    place = 0
    for number, group in enumerate(groups):
        group.sort(key=_account_of)
        for tally in group:
            place += 1
            tally.index = place
        accounts = [tally.account for tally in group]
        arguments.append(numbers([account[0] for account in accounts]))
        arguments.append(texts([account[1] for account in accounts]))
        if number & 1:
            arguments.append(numbers([tally.balance for tally in group]))
            arguments.append(numbers([tally.floor for tally in group]))
            arguments.append(numbers([tally.overdraw for tally in group]))
        arguments.append(numbers([tally.db for tally in group]))
        arguments.append(numbers([tally.dh for tally in group]))
        if not number & 1:
            arguments.append(numbers([tally.low for tally in group]))
    accepted = judged.accepted
    arguments.append(uuids([unit.id for unit in accepted]))
    arguments.append(numbers([unit.lane for unit in accepted]))
    arguments.append(moments([unit.at for unit in accepted]))
    if not judged.journal:
        return arguments + ["{}"] * 11
    unit, n, op, reason, source, target, units, source_tally, source_db, target_tally, target_db = zip(
        *judged.journal, strict=True
    )
    sinks: dict[Account, int] = {}

    def places(accounts: Sequence[Account], tallies: Sequence[Tally | None]) -> list[int]:
        return [
            sinks.setdefault(account, place + 1 + len(sinks)) if tally is None else tally.index
            for account, tally in zip(accounts, tallies, strict=True)
        ]

    source_places, target_places = places(source, source_tally), places(target, target_tally)
    return [
        *arguments,
        numbers([account[0] for account in sinks]),
        texts([account[1] for account in sinks]),
        numbers(unit),
        numbers(n),
        numbers(op),
        texts(reason),
        numbers(units),
        numbers(source_places),
        numbers(source_db),
        numbers(target_places),
        numbers(target_db),
    ]


def statements_of(columns: Columns) -> dict[str, str]:
    """Statements that have every part there is, by name: for a look at their plans."""
    kinds = sorted(STATE_KINDS)
    reads = [_OWN, _SHARED, _REQUESTS, _HOLDS, *(Part(4, "states", kind) for kind in kinds)]
    writes = [_WRITE_REQUESTS, _WRITE_ENDED, _WRITE_HOLDS]
    for kind in kinds:
        writes += [Part(2, "change", kind), Part(2, "delete", kind)]
    found = {"commit.read": Read(columns).sql(reads), "commit.write": Write(columns).sql(writes)}
    for table in sorted(columns.keys() - LEDGER_TABLES):
        found[f"commit.insert.{table}"] = Write(columns).sql([Part(3, "insert", table, tuple(columns[table]))])
    for kind in kinds:
        table, names = STATE_KINDS[kind].table, STATE_KINDS[kind].key
        found[f"commit.lock.{kind}"] = lock_sql(table, names, [columns[table][name] for name in names])
    for table in ("account", "shared_account"):
        found[f"commit.lock.{table}"] = lock_sql(table, ["key"], ["text"])
    found["commit.lock.hold"] = lock_sql("hold", ["id"], ["uuid"])
    return found
