"""Money and points as whole numbers, and the one rounding the hall knows: down."""

from typing import TypeAlias

Fen: TypeAlias = int
"""Whole fen, 1/100 yuan. Never float."""

Points: TypeAlias = int
"""Whole points."""

PPM = 1_000_000


def share_of(amount: Fen, ppm: int) -> Fen:
    """`ppm` millionths of `amount`, rounded down to the fen; negative amounts are rounded towards zero."""
    if amount < 0:
        return -(-amount * ppm // PPM)
    return amount * ppm // PPM


def yuan(amount: Fen) -> str:
    """`12_345` fen as a customer reads it: `123.45`; whole yuan without decimals."""
    whole, cents = divmod(abs(amount), 100)
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole}.{cents:02d}" if cents else f"{sign}{whole}"
