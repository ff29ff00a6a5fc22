"""What the points' tables keep, as the rooms pass it around. Moments are aware; amounts are whole points."""

import json
from dataclasses import dataclass
from functools import lru_cache

from domain.campaigns.model import Limit
from domain.campaigns.terms import DeliveryKind, OfferState
from domain.kernel.ids import lane_of
from domain.kernel.money import Fen, Points
from domain.kernel.words import Words
from domain.ledger.accounts import Account, checked_key, sink

CATALOGUE = "points"
"""Stands where a campaign's code would: no campaign pays for what points buy."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the catalogue of what points can be redeemed for.

    position: its place in the file. stock: how many there are in all; None: no bound. limit: how many for whom in how
    long. listed: it stands in the file still. value: fen, what the provider delivers.
    """

    code: str
    position: int
    title: Words
    description: Words
    cost: Points
    delivery: DeliveryKind
    value: Fen
    sku: str | None
    stock: int | None
    limit: Limit | None
    paused: bool
    listed: bool = True

    def state(self, remaining: int | None) -> OfferState:
        if not self.listed:
            return OfferState.ENDED
        if self.paused:
            return OfferState.PAUSED
        return OfferState.SOLD_OUT if remaining is not None and remaining <= 0 else OfferState.OPEN


@dataclass(frozen=True, slots=True)
class Stocked:
    """An item and how many are left of it; None: no bound."""

    item: Item
    remaining: int | None


@lru_cache(maxsize=1024)
def stock(code: str) -> Account:
    """What is left of an item."""
    return Account(lane_of(f"item|{code}"), checked_key(f"goods|{code}"), shared=True)


@lru_cache(maxsize=1024)
def redeemed(code: str) -> Account:
    """Where an item's pieces go."""
    return sink(f"redeemed|goods|{code}")


def issued(code: str) -> Account:
    """Where an item's pieces come from."""
    return sink(f"issued|goods|{code}")


@lru_cache(maxsize=1024)
@lru_cache(maxsize=1024)
def remembered(code: str, zh: str, en: str, cost: Points, pieces: int) -> str:
    """What an entry remembers of what it bought, or of what came back: JSON text."""
    return json.dumps({"item": code, "title": [zh, en], "cost": cost, "pieces": pieces}, ensure_ascii=False)
