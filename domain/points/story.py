"""What a customer's story does to the points: a purchase earns once, and is put right by one entry when it changes.

Pure. Source of the rules: contract section 6, "Points", plan rules A6, B6, B7.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from domain.kernel.money import Points
from domain.points.book import Book
from domain.stories.fold import PointsEarned


class Given(NamedTuple):
    """What a transaction's entries come to so far; occurred_at: when it was made."""

    points: Points
    occurred_at: datetime


def earn(book: Book, earned: Sequence[PointsEarned]) -> None:
    """Purchases nothing was booked of before."""
    for one in _once(earned):
        if one.total > 0:
            book.earn(one.total, one.transaction, one.at, how(one))


def put_right(book: Book, earned: Iterable[PointsEarned], given: Mapping[str, Given]) -> None:
    """Bring what was given to what the whole story earns: one entry for each transaction that differs."""
    left = dict(given)
    for one in _once(earned):
        before = left.pop(one.transaction, None)
        if before is None:
            if one.total > 0:
                book.earn(one.total, one.transaction, one.at, how(one))
            continue
        _differ(book, one.transaction, before, one.total)
    for transaction, before in left.items():
        _differ(book, transaction, before, 0)  # nothing of it is known any more that could earn


def how(one: PointsEarned) -> str:
    """How a purchase's points came about, as JSON. Codes hold no quotes (`domain.campaigns`)."""
    bonuses = ",".join([f'["{offer}",{ppm},{points}]' for offer, ppm, points in one.bonuses])
    return (
        f'{{"campaign":"{one.campaign}","version":{one.version},"amount":{one.amount},"base":{one.base},'
        f'"bonuses":[{bonuses}],"rounding":{one.rounding}}}'
    )


def _differ(book: Book, transaction: str, before: Given, total: Points) -> None:
    more = total - before.points
    details = json.dumps({"now": total, "before": before.points})
    if more > 0:
        book.earn(more, transaction, before.occurred_at, details, late=True)
    elif more < 0:
        book.take_back(-more, transaction, before.occurred_at, details)


def _once(earned: Iterable[PointsEarned]) -> Iterable[PointsEarned]:
    """A transaction that was told under two events counts once: its first word."""
    earned = list(earned)
    if len(earned) < 2:
        return earned
    first: dict[str, PointsEarned] = {}
    for one in earned:
        first.setdefault(one.transaction, one)
    return first.values()
