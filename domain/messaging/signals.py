"""Signals: hints that something of a customer's may look different now.

A signal names the thing and says nothing of it: whoever hears it looks the thing up as its owner. Signals may be lost,
doubled or late, so nothing may depend on one. A unit carries them (`domain.ledger.unit.Unit.signals`) as the topic
`viewer:<customer>` with `<kind>:<id>`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

VIEWER = "viewer:"

LOOK_AGAIN = "look_again"
"""Kind of the signal that stands for those that may have been missed; it has no id."""


@dataclass(frozen=True, slots=True)
class ViewerSignal:
    """kind: as the unit said it (`coupon`, `entry`, ...). at: when it was told, on the hall's clock."""

    kind: str
    id: str
    at: datetime


class Listening(Protocol):
    def __aiter__(self) -> "Listening": ...

    async def __anext__(self) -> ViewerSignal: ...

    async def aclose(self) -> None:
        """Hear nothing more. May be called twice."""
        ...


class ListenToViewer(Protocol):
    async def listen(self, customer: str) -> Listening:
        """The customer's signals from now on. Returns once they are really heard, or soon after that cannot be told.

        Equal signals that wait together are one; after a gap comes `LOOK_AGAIN`.
        """
        ...
