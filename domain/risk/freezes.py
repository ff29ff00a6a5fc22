"""A customer's benefits on hold: who puts them there, and who takes part in nothing meanwhile.

A frozen customer keeps what they have and goes on earning; they claim, choose, draw, redeem, book and pay with nothing
until the freeze is lifted. What was promised before (a quote under way, a booked seat) is honoured. Source of the rule:
plan rule A17; docs/decisions/0017-freezes.md says why it stops there.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from domain.kernel.errors import Broken, InputInvalid
from domain.kernel.ids import lane_of, new_id
from domain.kernel.time import Clock
from domain.kernel.words import Words
from domain.ledger.unit import Change, Committed, Ledger, Moved, Unit

REASON_CHARS = 100
NOTE_CHARS = 1_000


@dataclass(frozen=True, slots=True)
class FreezeFacts:
    """Why and since when the customer's benefits are on hold. reason: what may be told of it."""

    since: datetime
    reason: Words
    appealable: bool


class ReadFreezes(Protocol):
    async def freeze_of(self, customer: str) -> FreezeFacts | None:
        """None while the customer is free to take part."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """How it is with a customer. known: the bank has told of them. freeze: the last one. lifted: it is over."""

    known: bool
    freeze: FreezeFacts | None
    lifted: bool

    @property
    def frozen(self) -> FreezeFacts | None:
        return None if self.lifted else self.freeze


class ReadStandings(Protocol):
    async def standing_of(self, customer: str) -> Standing: ...


@dataclass(frozen=True, slots=True)
class FreezeCustomer:
    """reason: told to the customer. note: for the record alone."""

    customer: str
    reason: Words
    appealable: bool
    operator: str
    note: str


@dataclass(frozen=True, slots=True)
class LiftFreeze:
    customer: str
    operator: str
    note: str


async def freeze_customer(
    command: FreezeCustomer, *, read: ReadStandings, ledger: Ledger, clock: Clock
) -> FreezeFacts | None:
    """The freeze as it stands by then: one that stands already is left as it is. None: no such customer.

    Raises:
        InputInvalid: reason or note says nothing, or too much.
        Busy: too much is waiting; nothing was done.
    """
    for text, least, most in (
        (command.reason.zh, 1, REASON_CHARS), (command.reason.en, 1, REASON_CHARS), (command.note, 1, NOTE_CHARS),
    ):  # fmt: skip
        if not least <= len(text.strip()) <= most:
            raise InputInvalid(f"a reason in both languages, of at most {REASON_CHARS} characters, and a note")
    now, lane = clock.now(), lane_of(command.customer)
    before = await read.standing_of(command.customer)
    if not before.known:
        return None
    if before.frozen is not None:
        return before.frozen
    told = {"reason_zh": command.reason.zh, "reason_en": command.reason.en, "appealable": command.appealable}
    row = {"lane": lane, "customer": command.customer, "status": "FROZEN", "since": now, "changed_at": now} | told
    if before.freeze is None:
        change, rows = Change("customer_freeze", command.customer, None, "FROZEN"), [row]
    else:
        change, rows = Change("customer_freeze", command.customer, "LIFTED", "FROZEN", told | {"since": now}), []
    unit = _unit(command.customer, now, command.operator, "customer frozen", command.note, told, change, rows)
    return await _settled(unit, command.customer, read, ledger)


async def lift_freeze(command: LiftFreeze, *, read: ReadStandings, ledger: Ledger, clock: Clock) -> bool:
    """Whether the bank knows such a customer, who is free by then; again changes nothing.

    Raises:
        InputInvalid: the note says nothing, or too much.
        Busy: too much is waiting; nothing was done.
    """
    if not 0 < len(command.note.strip()) <= NOTE_CHARS:
        raise InputInvalid(f"a note of at most {NOTE_CHARS} characters says why")
    before = await read.standing_of(command.customer)
    if not before.known or before.frozen is None:
        return before.known
    unit = _unit(
        command.customer, clock.now(), command.operator, "freeze lifted", command.note, {},
        Change("customer_freeze", command.customer, "FROZEN", "LIFTED"), [],
    )  # fmt: skip
    await _settled(unit, command.customer, read, ledger)
    return True


def _unit(
    customer: str,
    now: datetime,
    operator: str,
    action: str,
    note: str,
    details: dict[str, Any],
    change: Change,
    freezes: list[dict[str, Any]],
) -> Unit:
    lane = lane_of(customer)
    entry = {
        "lane": lane, "id": new_id(lane, now), "at": now, "actor": operator, "action": action, "subject": customer,
        "reason": note, "details": details,
    }  # fmt: skip
    return Unit(
        id=new_id(lane, now),
        lane=lane,
        at=now,
        changes=[change],
        rows={"audit": [entry]} | ({"customer_freeze": freezes} if freezes else {}),
        signals=[(f"viewer:{customer}", f"freeze:{customer}")],
    )


async def _settled(unit: Unit, customer: str, read: ReadStandings, ledger: Ledger) -> FreezeFacts | None:
    """Moved: somebody else did the same, or the opposite, a moment before; how it stands now is the answer."""
    match await ledger.commit(unit):
        case Committed() | Moved():
            return (await read.standing_of(customer)).frozen
        case other:
            raise Broken(f"freezing answered {type(other).__name__}")
