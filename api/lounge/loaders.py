"""Reads of the lounges' room, gathered within a request."""

from datetime import datetime

from strawberry.dataloader import DataLoader

from api.context import Context
from domain.lounge.ports import Seats


def seats_by_slot(context: Context) -> DataLoader[tuple[str, datetime], Seats | None]:
    """Of (lounge, start); None for a slot nobody has asked for yet."""
    return DataLoader(load_fn=context.deps.seats.seats)
