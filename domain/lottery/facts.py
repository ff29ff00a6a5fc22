"""What the draws' tables keep, as the rooms pass it around. All moments are aware; days are Shanghai's."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias
from uuid import UUID

from domain.campaigns.model import Campaign, Draw
from domain.kernel.money import Fen
from domain.kernel.time import business_day
from domain.offers.catalog import Catalog

DrawKey: TypeAlias = tuple[str, str]
"""(campaign code, draw code)."""


@dataclass(frozen=True, slots=True)
class DrawOf:
    """A draw and the campaign version it is read in."""

    campaign: Campaign
    draw: Draw

    @property
    def key(self) -> DrawKey:
        return self.campaign.code, self.draw.code

    @property
    def name(self) -> str:
        """How the chain calls it."""
        return f"{self.campaign.code}/{self.draw.code}"


@dataclass(frozen=True, slots=True)
class ChanceFacts:
    """A chance that can be drawn. basis: fen that a prize may be counted from. Good until `expires_at` (exclusive)."""

    id: UUID
    customer: str
    campaign: str
    offer: str
    draw: str
    basis: Fen
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Secret:
    """A draw's secret of one day, opened. Never shown while `repr`esented."""

    day: date
    commitment: str
    key: bytes

    def __repr__(self) -> str:
        return f"Secret({self.day}, {self.commitment})"


@dataclass(frozen=True, slots=True)
class ResultFacts:
    """What a customer drew, with what proves it. delivery, coupon: what the prize became; both None for mere thanks."""

    id: UUID
    customer: str
    campaign: str
    version: int
    offer: str
    draw: str
    prize: str
    coupon: UUID | None
    delivery: UUID | None
    sequence: int
    day: date
    nonce: str
    commitment: str
    previous: str
    hash: str
    at: datetime


def find_draw(catalog: Catalog, code: str, at: datetime) -> DrawOf | None:
    """The draw of this code in the versions in force at `at`, before and after it runs too."""
    for campaign in catalog.campaigns(at):
        draw = campaign.draw(code)
        if draw is not None:
            return DrawOf(campaign, draw)
    return None


def draws_of(catalog: Catalog, at: datetime) -> list[DrawOf]:
    return [DrawOf(campaign, draw) for campaign in catalog.campaigns(at) for draw in campaign.draws]


def day_to_commit(of: DrawOf, now: datetime) -> date:
    """The day whose secret the next draw uses: today's, or before the draw begins that of its first day."""
    return business_day(max(now, of.campaign.phases.starts_at))
