"""What was redeemed could finally not be delivered: the points go back to the lots they came from.

Pure, but for the use case at the end. Whoever writes a delivery FAILED may take the parts into the same unit; what was
not given back that way is found by the sweep (`infra.worker.points`). The redemption's own state sees to it that it
happens once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.kernel.errors import Broken, Busy
from domain.kernel.ids import lane_of
from domain.kernel.money import Points
from domain.kernel.time import Clock
from domain.ledger.accounts import Account
from domain.ledger.moves import reverse
from domain.ledger.unit import Change, Committed, Ledger, Moved
from domain.offers.award import Parts
from domain.offers.units import unit_of
from domain.points.book import Book, Lot, Purse
from domain.points.facts import Item, redeemed, remembered, stock

REDO = 100


@dataclass(frozen=True, slots=True)
class RedeemedPiece:
    """A redemption's row with its item and the customer's purse. id: the delivery's. status: OPEN or RETURNED.

    allowance: the limit it was counted by.
    """

    id: UUID
    customer: str
    item: Item
    points: Points
    lots: Sequence[Lot]
    stocked: bool
    allowance: Account | None
    status: str
    purse: Purse


class ReadPieces(Protocol):
    async def piece(self, customer: str, delivery: UUID) -> RedeemedPiece | None:
        """The redemption that this delivery answers; None for a delivery that no points paid for."""
        ...


def give_back(piece: RedeemedPiece, at: datetime) -> Parts:
    """Points, stock and allowance of one piece. Only of one that is OPEN."""
    parts = Parts()
    book = Book(piece.purse, at)
    item = piece.item
    details = remembered(item.code, item.title.zh, item.title.en, piece.points, 1)
    book.give_back(piece.lots, str(piece.id), details)
    book.close(piece.customer, parts)
    parts.changes.append(Change("points_redemption", piece.id, "OPEN", "RETURNED"))
    if piece.stocked:
        parts.moves.append(reverse(1, redeemed(item.code), stock(item.code), "STOCK"))
    if piece.allowance is not None:
        parts.moves.append(reverse(1, redeemed(item.code), piece.allowance, "LIMIT"))
    return parts


async def give_back_points(customer: str, delivery: UUID, *, read: ReadPieces, ledger: Ledger, clock: Clock) -> bool:
    """Give back what this delivery cost, once, however often it is called. False: nothing (more) to give back."""
    for _ in range(REDO):
        piece = await read.piece(customer, delivery)
        if piece is None or piece.status != "OPEN":
            return False
        now = clock.now()
        match await ledger.commit(unit_of(give_back(piece, now), lane=lane_of(customer), at=now)):
            case Committed():
                return True
            case Moved():
                continue
            case other:
                raise Broken(f"giving points back answered {type(other).__name__}")
    raise Busy("a customer's points kept moving")
