"""What time alone does to points: a notice 30 days before a lot ends, and its end.

Pure. One unit a customer, guarded by the purse's version: done twice, or by two at once, it happens once; cut short, it
goes on with the customers that are left.
"""

from datetime import datetime, timedelta
from typing import Any

from domain.kernel.ids import lane_of, new_id
from domain.kernel.time import business_day
from domain.ledger.unit import Unit
from domain.offers.award import MESSAGE, Parts, promise
from domain.offers.units import unit_of
from domain.points.book import NOTICE, Book, Lot, Purse, ends
from domain.points.facts import CATALOGUE
from domain.points.words import ENDING_BODY, ENDING_TITLE


def passing(customer: str, purse: Purse, now: datetime) -> Unit | None:
    """The unit that writes down what is so by `now`; None when nothing is."""
    parts = Parts()
    book = Book(purse, now)
    ending = [lot for lot in book.lots if lot.month > purse.noticed and now >= ends(lot.month) - NOTICE]
    if ending:
        book.noticed = ending[-1].month
        for lot in ending:
            _tell(parts, customer, lot, now)
    book.close(customer, parts)
    return unit_of(parts, lane=lane_of(customer), at=now) if parts.changes else None


def _tell(parts: Parts, customer: str, lot: Lot, now: datetime) -> None:
    last_day = business_day(ends(lot.month) - timedelta(days=1)).isoformat()
    body: list[Any] = [
        ENDING_BODY.zh.format(points=lot.points, day=last_day),
        ENDING_BODY.en.format(points=lot.points, day=last_day),
    ]
    payload = {
        "id": str(new_id(lane_of(customer), now)), "customer": customer, "kind": "SERVICE", "campaign": CATALOGUE,
        "offer": CATALOGUE, "via": [], "email": None, "title": [ENDING_TITLE.zh, ENDING_TITLE.en], "body": body,
    }  # fmt: skip
    promise(parts, customer, MESSAGE, payload, now)
