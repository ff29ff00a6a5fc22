"""A unit: moves, rows, promises and an answer, all or nothing, once per request.

There is one way that commits units (`Ledger`), and it is the only way a quantity changes hands.

A unit and its parts are never altered once made; they are not `frozen` only because that costs a microsecond each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from domain.ledger.accounts import Account
from domain.ledger.moves import Move


@dataclass(frozen=True, slots=True)
class Request:
    """Who asked under which id with what input. `print`: signed 64-bit fingerprint of the input."""

    owner: str
    id: UUID
    print: int


@dataclass(frozen=True, slots=True)
class Opening:
    """How an account that is not there yet begins; an account never mentioned begins at 0 with floor 0."""

    balance: int = 0
    floor: int = 0
    overdraw: bool = False


@dataclass(slots=True)
class NewHold:
    """Keeps its HOLD moves together under this id until `expires_at` (half-open: at that moment it is gone).

    on_release: what changes with it when it is given back or expires, in the same commit (a choice LAPSES, a coupon is
    AVAILABLE again). A row that is no longer in `old` by then is left as it is, and one that the releasing unit changes
    itself is left to that unit. `values` must be JSON; a capture ignores them.
    """

    id: UUID
    expires_at: datetime
    moves: Sequence[Move] = ()
    on_release: "Sequence[Change]" = ()


@dataclass(slots=True)
class EndHold:
    """Ends an open hold of the unit's lane: captured, or given back.

    amounts: what is captured of each leg, in the order of the hold's moves; the rest of a leg is released. None: all of
    it. A hold past its end can only be released.
    """

    id: UUID
    capture: bool
    amounts: tuple[int, ...] | None = None


@dataclass(slots=True)
class Change:
    """A row moves from the state it was read in to another; judged `Moved` if it is no longer there.

    kind: a state kind of the manifest ('coupon', 'choice', 'story', ...). key: the row's id or token.
    old None: the row must not exist yet (its insert stands in `rows`, in state `new`).
    new None: the row is deleted. values: further columns to set; the kind's "changed at" column is set to the unit's
    moment by itself. lane: the row's, where it is not the unit's (an inbox row's is that of its source and id).
    tell: the customer whom a hold's release tells of it; a unit tells of its own changes in `signals`.
    """

    kind: str
    key: UUID | str | tuple[str, ...]
    old: str | int | None
    new: str | int | None
    values: Mapping[str, Any] = field(default_factory=dict)
    lane: int | None = None
    tell: str | None = None


class Row(NamedTuple):
    """A row whose state a unit is decided on: of a state kind of the manifest, in its own lane."""

    kind: str
    key: UUID | str | tuple[str, ...]
    lane: int


class Standing(Protocol):
    """How things stand at a unit's turn in its batch: what the store knew, and what the units before it changed."""

    def free(self, account: Account) -> int:
        """What nobody has or holds of it; 0 where there is no such account."""
        ...

    def has(self, account: Account, units: int) -> bool:
        """Whether so much of it is free. Holds that have expired are released before this is answered for good."""
        ...

    def state(self, row: Row) -> str | int | None:
        """None: there is no such row."""
        ...


class Late(Protocol):
    """Decides a unit only when its turn has come, where the order decides what it is (a draw's sequence, its chain).

    Pure: a batch that is judged again decides again. accounts, rows: all that the decision looks at or the decided unit
    touches beyond the undecided one's own moves and changes; what is not named is taken for not there.
    """

    @property
    def accounts(self) -> Sequence[Account]: ...

    @property
    def rows(self) -> Sequence[Row]: ...

    def decide(self, unit: "Unit", standing: Standing) -> "Unit | Short | Moved":
        """The unit to judge in place of `unit`, with the same id, lane and request; or why there is none."""
        ...


@dataclass(slots=True, eq=False)
class Unit:
    """All or nothing.

    id: names the unit in the journal. at: the business moment it is decided. lane: of the customer (or other owner).
    request: None only where the unit's own rows or changes make it unrepeatable (an expiry, a story's next version). A
    commit whose answer was lost on the way is settled without it: each batch leaves a mark (`infra.db.commit`).
    moves: posts and reversals; holds stand in `new_holds`, captures and releases come from `end_holds`.
    fresh: accounts that cannot be there yet, being named by ids made for this unit: nobody looks for them first.
    rows: table -> rows, each a mapping of columns, `lane` too; a mapping or list in a text column is kept as JSON.
    answer: JSON text kept for repetitions.
    signals: told to listeners after the commit is durable: (topic, payload) pairs; never promises, those are rows of
    outbox.
    late: decides the rest of it at its turn.
    """

    id: UUID
    lane: int
    at: datetime
    request: Request | None = None
    moves: Sequence[Move] = ()
    opens: Mapping[Account, Opening] = field(default_factory=dict)
    fresh: Sequence[Account] = ()
    new_holds: Sequence[NewHold] = ()
    end_holds: Sequence[EndHold] = ()
    changes: Sequence[Change] = ()
    rows: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    answer: str = ""
    signals: Sequence[tuple[str, str]] = ()
    late: Late | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """Durable now. signals: to be told, where they are more than the undecided unit's own: it was decided late, or a
    hold's release changed something.
    """

    answer: str
    signals: Sequence[tuple[str, str]] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same request was committed before; nothing changed. The first answer."""

    answer: str


@dataclass(frozen=True, slots=True)
class Reused:
    """The request's id was committed before with another input; nothing changed."""


@dataclass(frozen=True, slots=True)
class Short:
    """`account` does not have it; nothing changed."""

    account: Account


@dataclass(frozen=True, slots=True)
class Gone:
    """The hold was ended, or has passed its end; nothing changed."""

    hold: UUID


@dataclass(frozen=True, slots=True)
class Moved:
    """A row is not in the state the decision was made on: read again and decide again. Nothing changed."""

    kind: str
    key: UUID | str | tuple[str, ...]


Result = Committed | Repeated | Reused | Short | Gone | Moved


class Ledger(Protocol):
    async def commit(self, unit: Unit) -> Result:
        """Commit one unit; it travels with those of other callers.

        Raises:
            Busy: more is waiting than the queue takes; nothing was done.
            Broken: the unit breaks a constraint: our bug; nothing was written.
        """
        ...
