"""Judges a batch of units in order of arrival: what each is answered, and what the accepted ones change together.

Pure: what the store knew arrives as `Facts`, read without locks. The write that follows is relative and demands, for
each account, room for the lowest point it reached in the batch (`Tally.low`); so what was accepted here holds at
whatever balance the account has by then, or nothing is written and the batch is judged again. The same judge serves a
rehearsal.

This is the hot path: one call a batch, tuples and slots instead of dataclasses inside the loop.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from domain.ledger.accounts import Account
from domain.ledger.moves import Move, Op
from domain.ledger.unit import (
    Change,
    Committed,
    Gone,
    Moved,
    Opening,
    Repeated,
    Result,
    Reused,
    Row,
    Short,
    Unit,
)

NO_GUARD = 1 << 61
"""The `low` of an account that no accepted unit needed anything of; far above any quantity, far below 64 bits."""

_POST, _HOLD, _CAPTURE, _RELEASE, _REVERSE = (int(op) for op in Op)
_UNLIMITED = Opening()

RequestKey: TypeAlias = tuple[int, str, int]
"""lane, owner, the id as a number."""

HoldKey: TypeAlias = tuple[int, int]
"""lane, the id as a number."""

RowKey: TypeAlias = tuple[str, int, Any]
"""kind, lane, key (an id as a number)."""


class Leg(NamedTuple):
    """What a hold keeps on one account, and for which other."""

    source: Account
    target: Account
    units: int
    reason: str


class OpenHold(NamedTuple):
    lane: int
    id: UUID
    expires_at: datetime
    legs: tuple[Leg, ...]
    on_release: tuple[Change, ...] = ()


class Tally:
    """An account within a batch: how it was read, what the batch adds, and how low it came on the way.

    balance: as read, or as opened. free: what nobody held of it above its floor then; endless for an account that only
    captures and releases touch, which is not read. db, dh: what the batch adds to balance and held. low: the least
    db - dh after any accepted unit that needed room. written: an accepted unit touched it.
    """

    __slots__ = (
        "account",
        "balance",
        "db",
        "dh",
        "floor",
        "free",
        "held",
        "index",
        "low",
        "new",
        "overdraw",
        "written",
    )

    def __init__(self, account: Account, balance: int, held: int, floor: int, overdraw: bool, new: bool) -> None:
        self.account = account
        self.balance = balance
        self.held = held
        self.floor = floor
        self.overdraw = overdraw
        self.new = new
        self.free = balance - held - floor
        self.db = self.dh = 0
        self.low = NO_GUARD
        self.written = False
        self.index = 0


def unread(account: Account) -> Tally:
    """The tally of an account that is there but was not read: captures and releases need no room on it."""
    tally = Tally(account, 0, 0, 0, False, False)
    tally.free = NO_GUARD
    return tally


class Facts(NamedTuple):
    """What the store knew. The judge fills `accounts` (tallies made for this batch) and keeps the rest as it is.

    accounts: those that exist. requests: print and first answer. holds: those that are open. states: the state of each
    row that exists. trusting: a row that is to change was not read again: it is taken to be where its unit saw it, and
    the guarded write will tell if it is not.
    """

    accounts: dict[Account, Tally]
    requests: Mapping[RequestKey, tuple[int, str]]
    holds: Mapping[HoldKey, OpenHold]
    states: Mapping[RowKey, str | int]
    trusting: bool = False


JournalRow: TypeAlias = tuple[int, int, int, str, Account, Account, int, Tally | None, int, Tally | None, int]
"""One move of an accepted unit: the unit's number in `accepted` from 1, the move's from 0, op, reason, source, target,
units; then for source and target the tally (None: a sink) and what the batch had added to its balance after this
move."""


class NetChange:
    """What a batch does to one row in all: from the state in the store to the last one."""

    __slots__ = ("at", "key", "kind", "lane", "new", "old", "values")

    def __init__(self, change: Change, lane: int, at: datetime) -> None:
        self.kind = change.kind
        self.lane = lane
        self.key = change.key
        self.old = change.old
        self.new = change.new
        self.values: Mapping[str, Any] = change.values
        self.at = at


class Judgement:
    """What came of a batch.

    results: of the units judged, in order; fewer than were given when a unit must wait for the next batch (it changes a
    row that an earlier one of this batch inserts or deletes). accepted: the committed ones. short_of_held: some unit
    was short on an account that open holds keep something of; expired ones among them (by `short_at`, the latest moment
    of such a unit) must be released before it is told. doubtful: some unit was short whose rows nobody has read: if one
    of them has moved, it is to hear that instead.
    """

    __slots__ = (
        "accepted", "changes", "doubtful", "ended", "journal", "opened", "results", "short_at", "short_of_held",
        "tallies",
    )  # fmt: skip

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.accepted: list[Unit] = []
        self.journal: list[JournalRow] = []
        self.tallies: list[Tally] = []
        self.changes: dict[RowKey, NetChange] = {}
        self.opened: dict[HoldKey, OpenHold] = {}
        self.ended: dict[HoldKey, OpenHold] = {}
        self.doubtful = False
        self.short_of_held = False
        self.short_at: datetime | None = None


def row_key(change: Change | Row, unit_lane: int) -> RowKey:
    """Under which the state of the row is read and judged."""
    key = change.key
    return (
        change.kind,
        unit_lane if change.lane is None else change.lane,
        key.int if isinstance(key, UUID) else key,
    )


def judge(units: Sequence[Unit], facts: Facts) -> Judgement:
    """Judge `units` in order; a unit that is refused leaves no trace, not even for its neighbours.

    Raises:
        ValueError: a unit contradicts itself (a HOLD without a hold, an amount beyond its leg, a move that only ending
            a hold may make): our bug, whoever made it.
    """
    out = Judgement()
    results, accepted, journal, tallies = out.results, out.accepted, out.journal, out.tallies
    accounts, requests, holds, states, trusting = facts
    done: dict[RequestKey, tuple[int, str]] = {}
    for unit in units:
        request = unit.request
        if request is not None:
            request_key = (unit.lane, request.owner, request.id.int)
            first = requests.get(request_key) or done.get(request_key)
            if first is not None:
                results.append(Repeated(first[1]) if first[0] == request.print else Reused())
                continue
        is_late = unit.late is not None
        if unit.late is not None:
            decided = unit.late.decide(unit, _Standing(accounts, states, out, unit.at))
            if not isinstance(decided, Unit):
                results.append(decided)
                continue
            unit = decided  # judged, journaled and answered as if it had come like this

        moves: Iterable[tuple[int, Account, Account, int, str]] = unit.moves
        changes: Sequence[tuple[RowKey, Change]] = ()
        ends: Sequence[OpenHold] = ()
        if unit.end_holds:
            found = _holds_to_end(unit, holds, out)
            if isinstance(found, Gone):
                results.append(found)
                continue
            ends = found
            moves = _moves_with_ends(unit, ends, accounts)
        if unit.new_holds:
            moves = [*moves, *_holding(unit)]
        if unit.changes or ends:
            wanted = _changes(unit, ends, states, out, trusting=trusting and not is_late)
            if wanted is None:
                return out
            if isinstance(wanted, Moved):
                results.append(wanted)
                continue
            changes = wanted

        steps = []
        opens = unit.opens
        for op, source, target, quantity, reason in moves:
            a = b = None
            if source[1][0] != "~":
                a = accounts.get(source)
                if a is None:
                    opening = opens.get(source, _UNLIMITED)
                    a = accounts[source] = Tally(source, opening.balance, 0, opening.floor, opening.overdraw, True)
                if op == _POST or op == _REVERSE:  # noqa: SIM109  # plain comparisons are the faster ones here
                    a.db -= quantity
                elif op == _HOLD:
                    a.dh += quantity
                    if not unit.new_holds:
                        raise ValueError(f"a hold of {source.key} that nothing would end")
                elif not ends:
                    raise ValueError(f"a move {op} of {source.key} without the end of a hold")
                elif op == _CAPTURE:
                    a.db -= quantity
                    a.dh -= quantity
                else:
                    a.dh -= quantity
            if target[1][0] != "~":
                b = accounts.get(target)
                if b is None:
                    opening = opens.get(target, _UNLIMITED)
                    b = accounts[target] = Tally(target, opening.balance, 0, opening.floor, opening.overdraw, True)
                if op != _HOLD and op != _RELEASE:
                    b.db += quantity
            # The balances as they stand after this move: two moves of one unit on one account leave two.
            steps.append((op, source, target, quantity, reason, a, b, a.db if a else 0, b.db if b else 0))

        short = None
        for step in steps:
            a = step[5]
            if a is not None and a.free + a.db - a.dh < 0:
                op = step[0]
                if op <= _HOLD or (op == _REVERSE and not a.overdraw):
                    short = a
                    break
        if short is not None:
            for op, _, _, quantity, _, a, b, _, _ in steps:
                if a is not None:
                    if op == _POST or op == _REVERSE:  # noqa: SIM109
                        a.db += quantity
                    elif op == _HOLD:
                        a.dh -= quantity
                    elif op == _CAPTURE:
                        a.db += quantity
                        a.dh += quantity
                    else:
                        a.dh += quantity
                    if a.new and not a.written:
                        accounts.pop(a.account, None)  # opened by this unit alone: the next may open it otherwise
                if b is not None:
                    if op != _HOLD and op != _RELEASE:
                        b.db -= quantity
                    if b.new and not b.written:
                        accounts.pop(b.account, None)
            if short.held > 0:
                out.short_of_held = True
                if out.short_at is None or unit.at > out.short_at:
                    out.short_at = unit.at
            if trusting and unit.changes:
                out.doubtful = True
            results.append(Short(short.account))
            continue

        number = len(accepted) + 1
        n = 0
        for op, source, target, quantity, reason, a, b, source_db, target_db in steps:
            if a is not None:
                if not a.written:
                    a.written = True
                    tallies.append(a)
                if op <= _HOLD or (op == _REVERSE and not a.overdraw):
                    room = a.db - a.dh
                    if room < a.low:
                        a.low = room
            if b is not None:
                if op != _HOLD and op != _RELEASE:
                    if not b.written:
                        b.written = True
                        tallies.append(b)
                else:
                    if b.new and not b.written:  # opened with the hold, so that its capture need not ask
                        b.written = True
                        tallies.append(b)
                    b, target_db = None, 0
            journal.append((number, n, op, reason, source, target, quantity, a, source_db, b, target_db))
            n += 1  # noqa: SIM113  # enumerate makes a tuple a move
        if request is not None:
            done[request_key] = (request.print, unit.answer)
        if ends or unit.new_holds:
            _keep_holds(unit, ends, out)
        if changes:
            _keep_changes(unit, changes, out)
        accepted.append(unit)
        told = _told_of_releases(changes) if ends else ()
        results.append(Committed(unit.answer, [*unit.signals, *told]) if is_late or told else Committed(unit.answer))
    return out


def _told_of_releases(changes: Iterable[tuple[RowKey, Change]]) -> Sequence[tuple[str, str]]:
    return [(f"viewer:{change.tell}", f"{change.kind}:{change.key}") for _, change in changes if change.tell]


class _Standing:
    """What a late unit is decided on."""

    __slots__ = ("_accounts", "_at", "_out", "_states")

    def __init__(
        self, accounts: Mapping[Account, Tally], states: Mapping[RowKey, str | int], out: Judgement, at: datetime
    ) -> None:
        self._accounts = accounts
        self._states = states
        self._out = out
        self._at = at

    def free(self, account: Account) -> int:
        tally = self._accounts.get(account)
        return 0 if tally is None else tally.free + tally.db - tally.dh

    def has(self, account: Account, units: int) -> bool:
        tally = self._accounts.get(account)
        if tally is None:
            return units <= 0
        if tally.free + tally.db - tally.dh >= units:
            return True
        if tally.held > 0:
            self._out.short_of_held = True
            if self._out.short_at is None or self._at > self._out.short_at:
                self._out.short_at = self._at
        return False

    def state(self, row: Row) -> str | int | None:
        key = row_key(row, row.lane)
        net = self._out.changes.get(key)
        return self._states.get(key) if net is None else net.new


def _holds_to_end(unit: Unit, holds: Mapping[HoldKey, OpenHold], out: Judgement) -> list[OpenHold] | Gone:
    """The holds the unit ends, in its order; opened in this batch or before."""
    found: list[OpenHold] = []
    for end in unit.end_holds:
        key = (unit.lane, end.id.int)
        hold = None if key in out.ended else out.opened.get(key) or holds.get(key)
        if hold is None or hold in found or (end.capture and unit.at >= hold.expires_at):
            return Gone(end.id)
        found.append(hold)
    return found


def _moves_with_ends(
    unit: Unit, ends: Sequence[OpenHold], accounts: dict[Account, Tally]
) -> list[tuple[int, Account, Account, int, str]]:
    """The captures and releases of the ended holds, then the unit's own moves."""
    moves: list[tuple[int, Account, Account, int, str]] = []
    for end, hold in zip(unit.end_holds, ends, strict=True):
        amounts = end.amounts
        if amounts is None:
            amounts = tuple(leg.units for leg in hold.legs) if end.capture else (0,) * len(hold.legs)
        elif not end.capture or len(amounts) != len(hold.legs):
            raise ValueError(f"hold {hold.id} has {len(hold.legs)} legs, not {len(amounts)} to capture")
        for leg, amount in zip(hold.legs, amounts, strict=True):
            if not 0 <= amount <= leg.units:
                raise ValueError(f"hold {hold.id} keeps {leg.units} of {leg.source.key}, not {amount}")
            if amount:
                moves.append((_CAPTURE, leg.source, leg.target, amount, leg.reason))
            if amount < leg.units:
                moves.append((_RELEASE, leg.source, leg.target, leg.units - amount, leg.reason))
            for account in (leg.source, leg.target):
                if account.key[0] != "~" and account not in accounts:
                    accounts[account] = unread(account)  # opened with the hold at the latest
    for move in unit.moves:
        if move.op == _CAPTURE or move.op == _RELEASE:
            raise ValueError(f"a move {move.op} of {move.source.key} beside the end of a hold")
        moves.append(move)
    return moves


def _holding(unit: Unit) -> list[Move]:
    """The moves of the unit's new holds."""
    if any(move.op == _HOLD for move in unit.moves):
        raise ValueError(f"unit {unit.id} holds beside its holds")
    moves = [move for new in unit.new_holds for move in new.moves]
    if any(move.op != _HOLD for move in moves):
        raise ValueError(f"a hold of unit {unit.id} does more than hold")
    return moves


def _changes(
    unit: Unit, ends: Sequence[OpenHold], states: Mapping[RowKey, str | int], out: Judgement, *, trusting: bool
) -> list[tuple[RowKey, Change]] | Moved | None:
    """What the unit changes, its own and what released holds bring along.

    None: it must wait for the next batch, since it concerns a row that an earlier unit of this one inserts or deletes.
    """
    changes: list[tuple[RowKey, Change]] = []
    own: dict[RowKey, Change] = {}
    for change in unit.changes:
        key = row_key(change, unit.lane)
        earlier = own.get(key)
        if earlier is not None:
            if earlier.old is None or earlier.new is None:
                raise ValueError(f"{change.kind} {change.key} comes or goes and changes in one unit")
            state: str | int | None = earlier.new
        else:
            net = out.changes.get(key)
            if net is not None and (net.old is None or net.new is None):
                return None
            state = net.new if net is not None else states.get(key, change.old if trusting else None)
        if state != change.old:
            return Moved(change.kind, change.key)
        own[key] = change
        changes.append((key, change))
    for end, hold in zip(unit.end_holds, ends, strict=True):
        if end.capture or not hold.on_release:
            continue
        if (hold.lane, hold.id.int) in out.opened:
            return None  # its rows may be inserted in this batch
        for change in hold.on_release:
            key = row_key(change, hold.lane)
            if key in own:
                continue
            net = out.changes.get(key)
            if net is not None and (net.old is None or net.new is None):
                return None
            if (states.get(key) if net is None else net.new) == change.old:
                own[key] = change
                changes.append((key, change))
    return changes


def _keep_holds(unit: Unit, ends: Sequence[OpenHold], out: Judgement) -> None:
    """One opened and ended in the same batch never comes to the store; the journal tells of it."""
    for hold in ends:
        key = (hold.lane, hold.id.int)
        if out.opened.pop(key, None) is None:
            out.ended[key] = hold
    for new in unit.new_holds:
        legs = tuple(Leg(move.source, move.target, move.units, move.reason) for move in new.moves)
        out.opened[unit.lane, new.id.int] = OpenHold(unit.lane, new.id, new.expires_at, legs, tuple(new.on_release))


def _keep_changes(unit: Unit, changes: Sequence[tuple[RowKey, Change]], out: Judgement) -> None:
    for key, change in changes:
        net = out.changes.get(key)
        if net is None:
            out.changes[key] = NetChange(change, key[1], unit.at)
        else:
            net.new = change.new
            net.at = unit.at
            if change.values:
                net.values = {**net.values, **change.values}
