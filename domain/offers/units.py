"""Puts the parts of a decision together into one unit."""

from datetime import datetime

from domain.kernel.ids import new_id
from domain.ledger.unit import Change, Request, Unit
from domain.offers.award import Parts


def unit_of(
    parts: Parts,
    *,
    lane: int,
    at: datetime,
    request: Request | None = None,
    answer: str = "",
    changes: tuple[Change, ...] = (),
) -> Unit:
    """The unit that gives or takes everything in `parts`, or nothing of it. changes: come before those of the parts."""
    return Unit(
        id=new_id(lane, at),
        lane=lane,
        at=at,
        request=request,
        moves=parts.moves,
        opens=parts.opens,
        fresh=parts.fresh,
        new_holds=parts.new_holds,
        end_holds=parts.end_holds,
        changes=[*changes, *parts.changes],
        rows=parts.rows,
        answer=answer,
        signals=parts.signals,
    )
