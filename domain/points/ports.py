"""What points are read from. Every read is of one customer; another's are not found."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from domain.kernel.money import Points
from domain.kernel.pages import Page
from domain.points.book import Entry, Purse
from domain.points.facts import Stocked

EXPIRING_SOON = timedelta(days=30)
"""Points whose end is no farther than this are expiring soon."""


@dataclass(frozen=True, slots=True)
class PurseFacts:
    """held: kept by something under way."""

    purse: Purse
    held: Points


class ReadPoints(Protocol):
    async def purse(self, customer: str) -> PurseFacts:
        """Somebody who never had points has none."""
        ...

    async def entries(self, customer: str, *, first: int, before: int | None) -> Page[Entry]:
        """Newest first; `before`: the number of the last entry seen."""
        ...

    async def entry(self, customer: str, n: int) -> Entry | None: ...

    async def items(self, *, first: int, after: int | None) -> Page[Stocked]:
        """The listed items in the file's order, from behind the position `after`."""
        ...

    async def item(self, code: str) -> Stocked | None:
        """Also one that is listed no more."""
        ...
