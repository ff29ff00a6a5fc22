"""How often somebody may do something. A limit protects the hall, never a quantity: those are accounts."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rate:
    """`amount` in any `seconds`, all of it at once when it was quiet before; it comes back evenly."""

    amount: int
    seconds: float = 10.0


class Rates(Protocol):
    async def take(self, who: str, scope: str, weight: int, rate: Rate) -> float | None:
        """Take `weight` from what `who` may do in `scope`.

        Returns:
            0 when it was taken; the seconds after which it would be, when not; None when that cannot be told.
        """
        ...
