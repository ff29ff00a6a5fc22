"""Moves: an integer quantity from one account to another. Never edited; another move answers it."""

from enum import IntEnum
from typing import NamedTuple

from domain.ledger.accounts import Account


class Op(IntEnum):
    POST = 1
    """Moves at once; the source must have it free."""
    HOLD = 2
    """Keeps it on the source for the unit's hold; nobody else can have it."""
    CAPTURE = 3
    """Moves what a hold kept. Never short."""
    RELEASE = 4
    """Gives back what a hold kept. Never short."""
    REVERSE = 5
    """Moves back what an earlier move brought; may take an `overdraw` account below its floor, any other is short."""


class Move(NamedTuple):
    """`units` > 0, from `source` to `target`; `reason` is a word the journal keeps (GRANT, QUOTA, BUDGET, ...).

    Made by `post`, `hold` and `reverse`; captures and releases come from ending a hold.
    """

    op: Op
    source: Account
    target: Account
    units: int
    reason: str


def post(units: int, source: Account, target: Account, reason: str) -> Move:
    return Move(Op.POST, source, target, _positive(units), reason)


def hold(units: int, source: Account, target: Account, reason: str) -> Move:
    return Move(Op.HOLD, source, target, _positive(units), reason)


def reverse(units: int, source: Account, target: Account, reason: str) -> Move:
    return Move(Op.REVERSE, source, target, _positive(units), reason)


def _positive(units: int) -> int:
    if units <= 0:
        raise ValueError(f"a move of {units}")
    return units
