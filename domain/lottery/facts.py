"""What the draws' tables keep, as the rooms pass it around. All moments are aware; days are Shanghai's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import TypeAlias
from uuid import UUID

from domain.campaigns.model import Campaign, Cashback, Draw, Prize
from domain.kernel.money import Fen
from domain.kernel.time import business_day
from domain.ledger import keys
from domain.ledger.accounts import Account
from domain.ledger.unit import Row
from domain.offers.catalog import Catalog

DrawKey: TypeAlias = tuple[str, str]
"""(campaign code, draw code)."""


@dataclass(frozen=True, eq=False)
class DrawOf:
    """A draw and the campaign version it is read in; with what every draw needs to know of it worked out once."""

    campaign: Campaign
    draw: Draw

    @cached_property
    def key(self) -> DrawKey:
        return self.campaign.code, self.draw.code

    @cached_property
    def name(self) -> str:
        """How the chain calls it."""
        return f"{self.campaign.code}/{self.draw.code}"

    @cached_property
    def prizes(self) -> Mapping[str, Prize]:
        return {prize.code: prize for prize in self.draw.prizes}

    @cached_property
    def consolation(self) -> Prize | None:
        return self.draw.consolation

    @cached_property
    def odds(self) -> tuple[tuple[str, int], ...]:
        """(prize, millionths) in the order of the campaign file."""
        return tuple((prize.code, prize.odds_ppm) for prize in self.draw.prizes)

    @cached_property
    def budget(self) -> Account:
        return keys.budget(self.campaign.code, self.draw.line)

    @cached_property
    def endless(self) -> bool:
        """There is a consolation, as many as are drawn."""
        return self.consolation is not None and self.consolation.stock is None

    @cached_property
    def dearest(self) -> Fen | None:
        """What its dearest prize costs; None where that depends on the purchase behind the chance."""
        prizes = self.draw.prizes
        if any(isinstance(prize.reward, Cashback) for prize in prizes):
            return None
        return max(prize.cost for prize in prizes)

    @cached_property
    def stocks(self) -> Mapping[str, Account]:
        """The accounts of the prizes that have a stock."""
        return {
            prize.code: keys.stock(self.campaign.code, self.draw.code, prize.code)
            for prize in self.draw.prizes
            if prize.stock is not None
        }

    @cached_property
    def accounts(self) -> tuple[Account, ...]:
        """All that any draw may take from."""
        return (*self.stocks.values(), self.budget)

    @cached_property
    def chain(self) -> Row:
        return Row("draw_chain", self.key, self.budget.lane)


@dataclass(slots=True)
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


@dataclass(slots=True)
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
        place = ("draw", campaign.code, campaign.version, code)
        found: DrawOf | None = catalog.kept.get(place)
        if found is None:
            draw = campaign.draw(code)
            if draw is None:
                continue
            found = catalog.kept[place] = DrawOf(campaign, draw)
        return found
    return None


def draws_of(catalog: Catalog, at: datetime) -> list[DrawOf]:
    codes = [draw.code for campaign in catalog.campaigns(at) for draw in campaign.draws]
    return [of for code in dict.fromkeys(codes) if (of := find_draw(catalog, code, at)) is not None]


def day_to_commit(of: DrawOf, now: datetime) -> date:
    """The day whose secret the next draw uses: today's, or before the draw begins that of its first day."""
    return business_day(max(now, of.campaign.phases.starts_at))
