"""News of lounges from a provider, in our words."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.kernel.words import Words
from domain.lounge.facts import LoungeState


@dataclass(frozen=True, slots=True)
class LoungeNews:
    """A lounge as its provider tells it. hours: as `06:00-23:00`; stay: minutes a guest may stay, if it says so.

    It does not say how many seats are ours: that is agreed, and stays what it was.
    """

    code: str
    airport: str
    name: Words
    terminal: str
    airside: bool
    hours: str
    amenities: tuple[str, ...]
    stay: int | None
    state: LoungeState
    told_at: datetime


class FeedFailed(Exception):
    """The provider could not be reached, or answered what cannot be read. What came before it has been applied."""


class LoungeFeed(Protocol):
    def news(self, since: datetime | None) -> AsyncIterator[list[LoungeNews]]:
        """Pages of what has changed since; all there is without. Raises FeedFailed."""
        ...
