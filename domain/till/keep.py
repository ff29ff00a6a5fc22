"""One call, one effect, however often it is sent: the key's row is written in the commit of what was asked.

Whoever comes second under a key finds the row and gives the first answer, byte for byte; with another call it is told
so. Nothing is looked up beforehand: the commit says that the row is there (docs/decisions/0010-till.md).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.kernel.errors import Broken
from domain.kernel.ids import new_id
from domain.ledger.accounts import Account
from domain.ledger.moves import Move
from domain.ledger.unit import Change, Committed, EndHold, Ledger, Moved, NewHold, Opening, Result, Unit
from domain.till.model import Key, KeyReused, Told
from domain.till.ports import ReadTill

TRIES = 12
"""Each further try means that another call, durable by now, changed what this one was decided on."""


def key_change(key: Key) -> Change:
    return Change("till_key", (key.client, key.key), None, key.digest, lane=key.lane)


def unit_with(
    key: Key,
    told: Told,
    *,
    lane: int,
    at: datetime,
    id: UUID | None = None,
    moves: Sequence[Move] = (),
    opens: Mapping[Account, Opening] | None = None,
    new_holds: Sequence[NewHold] = (),
    end_holds: Sequence[EndHold] = (),
    changes: Sequence[Change] = (),
    rows: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    signals: Sequence[tuple[str, str]] = (),
) -> Unit:
    """The unit that does it and keeps the answer. The key comes first, so that a repetition is told as one."""
    kept = {
        "lane": key.lane, "client": key.client, "key": key.key, "digest": key.digest, "status": told.status,
        "answer": told.body, "at": at,
    }  # fmt: skip
    return Unit(
        id=id or new_id(lane, at),
        lane=lane,
        at=at,
        moves=moves,
        opens=opens or {},
        new_holds=new_holds,
        end_holds=end_holds,
        changes=(key_change(key), *changes),
        rows={**(rows or {}), "till_key": (kept,)},
        signals=signals,
    )


async def answer_only(key: Key, told: Told, at: datetime, *, read: ReadTill, ledger: Ledger) -> Told | KeyReused:
    """Keep an answer that changes nothing else."""
    result = await ledger.commit(unit_with(key, told, lane=key.lane, at=at))
    if isinstance(result, Committed):
        return told
    if came_before(result):
        return await first_of(key, read)
    raise Broken(f"an answer of the till met {type(result).__name__}")


def came_before(result: Result) -> bool:
    return isinstance(result, Moved) and result.kind == "till_key"


async def first_of(key: Key, read: ReadTill) -> Told | KeyReused:
    found = await read.first_answer(key)
    if found is None:
        raise Broken("a key was there and is not")
    digest, told = found
    return told if digest == key.digest else KeyReused()
