"""Events as they come in: what the door hands over, what it hears back, and the port between.

Source of the rules: docs/decisions/0004-events-in.md. An event is known by (source, id) for ever. The same event again
is a duplicate; another event under a known (source, id) is refused, whether or not it would be valid by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeAlias


@dataclass(slots=True)
class Incoming:
    """One event whose envelope is well formed; `data` has not been looked into.

    Not frozen: a thousand are made for one request, and freezing trebles the price of making one. Nobody changes them.
    """

    source: str
    id: str
    type: str
    at: datetime
    data: Mapping[str, Any]


class RejectCode(StrEnum):
    EVENT_INVALID = "EVENT_INVALID"
    EVENT_REUSED = "EVENT_REUSED"


@dataclass(frozen=True, slots=True)
class Accepted:
    """Durable now, and it was not before."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """It was durable before; nothing changed."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """`detail` tells the sender's programmer what to mend; it repeats no value of the event."""

    code: RejectCode
    detail: str


Verdict: TypeAlias = Accepted | Duplicate | Rejected


class Inbox(Protocol):
    async def accept(self, events: Sequence[Incoming], *, trace: str | None = None) -> list[Verdict]:
        """Take events, each once. Returns when all that are accepted are durable; one verdict for each, in order.

        Raises:
            Busy: more is waiting than the queue takes; nothing was done.
            HallError: with code UNAVAILABLE. Whether they were taken is not known; sending the same again is safe.
        """
        ...
