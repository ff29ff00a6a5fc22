"""Points as tests need them: a purse, an item, a purchase's points."""

from datetime import datetime, timedelta
from typing import Any

from domain.campaigns.terms import DeliveryKind
from domain.kernel.time import SHANGHAI
from domain.kernel.words import Words
from domain.ledger.moves import Op
from domain.offers.award import Parts
from domain.points.book import Lot, Purse
from domain.points.facts import Item
from domain.stories.fold import BonusPart, PointsEarned

NOW = datetime(2026, 10, 15, 12, 0, tzinfo=SHANGHAI)


def purse(*lots: tuple[str, int], debt: int = 0, version: int = 3, entries: int = 5, noticed: str = "") -> Purse:
    """`purse(("2028-10", 120))`; a debt goes with no lots."""
    return Purse(version, sum(points for _, points in lots) - debt, entries, tuple(Lot(*lot) for lot in lots), noticed)


def item(**changes: Any) -> Item:
    known: dict[str, Any] = {
        "code": "tea", "position": 0, "title": Words("茶", "Tea"), "description": Words("好茶", "Good tea"),
        "cost": 100, "delivery": DeliveryKind.SERVICE, "value": 1_000, "sku": "TEA", "stock": 10,
        "limit": None, "paused": False,
    }  # fmt: skip
    return Item(**(known | changes))


def purchase(transaction: str, total: int, at: datetime = NOW - timedelta(hours=1)) -> PointsEarned:
    """Points of a purchase, half of them a bonus's, rounded by what is odd."""
    half = total // 2
    return PointsEarned(
        transaction, "smart-life", 1, at, "card-1", total * 100, half, (BonusPart("points-double", 1_000_000, half),),
        total - 2 * half, total,
    )  # fmt: skip


def flow(parts: Parts, key: str) -> int:
    """What the moves bring to an account, less what they take."""
    return sum(
        move.units * ((move.target.key == key) - (move.source.key == key)) for move in parts.moves if move.op != Op.HOLD
    )
