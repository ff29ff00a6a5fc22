"""A person at the bank closes a case: what was to be looked at has been."""

from dataclasses import dataclass
from uuid import UUID

from domain.kernel.errors import Broken, InputInvalid
from domain.kernel.ids import lane_of_id, new_id
from domain.kernel.time import Clock
from domain.ledger.unit import Change, Committed, Ledger, Moved, Unit
from domain.operate.ports import CaseFacts, ReadCases

NOTE_CHARS = 1_000


@dataclass(frozen=True, slots=True)
class CloseCase:
    case: UUID
    operator: str
    note: str


async def close_case(command: CloseCase, *, read: ReadCases, ledger: Ledger, clock: Clock) -> CaseFacts | None:
    """The case as it stands by then, closed; closing it again changes nothing. None: no such case.

    Raises:
        InputInvalid: the note says nothing, or too much.
        Busy: too much is waiting; nothing was done.
    """
    if not 0 < len(command.note.strip()) <= NOTE_CHARS:
        raise InputInvalid(f"a note of at most {NOTE_CHARS} characters says how the case was settled")
    case = await read.case_of(command.case)
    if case is None or case.status != "OPEN":
        return case
    now, lane = clock.now(), lane_of_id(command.case)
    closed = {"closed_at": now, "closed_by": command.operator, "note": command.note}
    entry = {
        "lane": lane,
        "id": new_id(lane, now),
        "at": now,
        "actor": command.operator,
        "action": "case closed",
        "subject": str(command.case),
        "reason": command.note,
        "details": {"customer": case.customer, "kind": case.kind},
    }
    unit = Unit(
        id=new_id(lane, now),
        lane=lane,
        at=now,
        changes=[Change("operator_case", command.case, "OPEN", "CLOSED", closed)],
        rows={"audit": [entry]},
    )
    match await ledger.commit(unit):
        case Committed() | Moved():
            return await read.case_of(command.case)
        case other:
            raise Broken(f"closing a case answered {type(other).__name__}")
