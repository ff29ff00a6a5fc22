"""What the draws are read from, and where their secrets are made."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from domain.kernel.money import Fen
from domain.kernel.pages import Page
from domain.ledger.unit import Repeated, Request, Reused
from domain.lottery.facts import ChanceFacts, DrawKey, DrawOf, ResultFacts, Secret


@dataclass(frozen=True, slots=True)
class Stands:
    """How a draw stands. left: of each prize with a stock; budget: free fen of its line."""

    left: Mapping[str, int]
    budget: Fen


class ReadDraws(Protocol):
    """Every read of chances and results is of one customer; what belongs to another is not found."""

    async def chances(self, customer: str, now: datetime, draw: str | None = None) -> Sequence[ChanceFacts]:
        """Those that can be drawn at `now`, soonest end first, at most 100. draw: of this code only."""
        ...

    async def chances_by_id(self, customer: str, ids: Collection[UUID], now: datetime) -> Sequence[ChanceFacts]: ...

    async def results(self, customer: str, key: DrawKey, *, first: int, after: UUID | None) -> Page[ResultFacts]:
        """Newest first."""
        ...

    async def results_by_id(self, customer: str, ids: Collection[UUID]) -> Sequence[ResultFacts]: ...

    async def stands(self, draws: Collection[DrawOf]) -> Mapping[DrawKey, Stands]:
        """How each draw stands, in one statement; it sees the catalog's version too."""
        ...

    async def revealed(self, days: Collection[tuple[DrawKey, date]]) -> Mapping[tuple[DrawKey, date], str]:
        """The secrets of these days that have been revealed, in hexadecimal."""
        ...

    async def answer_to(self, request: Request, lane: int) -> Repeated | Reused | None:
        """What the same request was answered when it was committed before."""
        ...


class DrawSecrets(Protocol):
    async def secrets(self, key: DrawKey, lane: int, day: date, *, anew: bool = False) -> Mapping[date, Secret]:
        """The secret of `day`, and of the day in use where the chain is ahead of it; made where there is none yet.

        anew: what this process remembers is not enough.
        """
        ...
