"""A customer's points: lots that end, a balance, and the entries that explain it.

Pure. Points earned in a month end together, at the end of the month 24 months later: they are one lot, named by the
month in which it ends. The oldest lot is used first. The balance is the sum of the lots; below zero it is a debt, which
only taking back can bring about, and which the next points pay before they fill a lot.

A `Book` is opened on the customer's `Purse` as it was read, takes what happens in turn, and is closed into the parts of
one unit: the entries, the purse's next version (which is checked in the commit, so two can never both write), and one
move a reason on the customer's account. Source of the rules: contract section 6, "Points".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from domain.kernel.ids import lane_of
from domain.kernel.money import Points
from domain.kernel.time import SHANGHAI, add_months, day_start
from domain.ledger.accounts import Account, sink
from domain.ledger.moves import post, reverse
from domain.ledger.unit import Change, Opening
from domain.offers.award import Parts

LIFE_MONTHS = 24
NOTICE = timedelta(days=30)
"""So long before a lot ends its customer is told."""


class EntryKind(StrEnum):
    EARN = "EARN"
    """Of a purchase, when it became known."""
    BONUS = "BONUS"
    """An earlier purchase turned out to be worth more."""
    REDEEM = "REDEEM"
    REVERSE = "REVERSE"
    """An earlier purchase turned out to be worth less: a refund."""
    EXPIRE = "EXPIRE"
    ADJUST = "ADJUST"
    """Put right by the hall: what was redeemed could not be delivered."""


STORY_KINDS = (EntryKind.EARN, EntryKind.BONUS, EntryKind.REVERSE)
"""Entries whose subject is a transaction; their sum is what the transaction is worth now."""


class Lot(NamedTuple):
    """month: `2028-10`, in which it ends; ends sort as texts do."""

    month: str
    points: Points


@dataclass(slots=True)
class Purse:
    """A customer's points as they stand.

    version: checked when they change. entries: how many there are; the last one's number. lots: oldest first, none
    empty. noticed: the newest month about whose end the customer has been told.
    """

    version: int = 0
    balance: Points = 0
    entries: int = 0
    lots: tuple[Lot, ...] = ()
    noticed: str = ""

    def at(self, now: datetime) -> "Purse":
        """As the customer sees it at `now`: without what has ended, even before that is written down."""
        ended = sum([lot.points for lot in self.lots if ends(lot.month) <= now])
        if not ended:
            return self
        alive = tuple(lot for lot in self.lots if ends(lot.month) > now)
        return Purse(self.version, self.balance - ended, self.entries, alive, self.noticed)

    def ending_within(self, now: datetime, span: timedelta) -> Points:
        return sum(lot.points for lot in self.lots if now < ends(lot.month) <= now + span)


NO_PURSE = Purse()


class Entry(NamedTuple):
    """n: its number among the customer's. subject: the transaction, redemption or month it is about.

    occurred_at: when that happened (a purchase may become known later). details: how the figure came about, as JSON
    text: of EARN as `story.how` writes it, of BONUS and REVERSE `now` and `before`, of REDEEM and ADJUST as
    `facts.remembered` writes it.
    """

    n: int
    kind: EntryKind
    points: Points
    balance_after: Points
    at: datetime
    occurred_at: datetime
    subject: str
    details: str


@lru_cache(maxsize=1024)
def ends(month: str) -> datetime:
    """The end (exclusive) of a month `2028-10`, in Shanghai."""
    year, number = month.split("-")
    return day_start(add_months(date(int(year), int(number), 1), 1))


def month_of(at: datetime) -> str:
    local = at.astimezone(SHANGHAI)
    return f"{local.year}-{local.month:02d}"


def ends_in(at: datetime) -> str:
    """The month in which points earned at `at` end."""
    local = at.astimezone(SHANGHAI)
    return f"{local.year + LIFE_MONTHS // 12}-{local.month:02d}"


def earned_in(month: str) -> str:
    """The month in which the points of a lot were earned."""
    return f"{int(month[:4]) - LIFE_MONTHS // 12}{month[4:]}"


def due_at(lots: Sequence[Lot], noticed: str) -> datetime | None:
    """When time alone next asks for something: a notice, or the end of the oldest lot."""
    if not lots:
        return None
    month = lots[0].month
    return ends(month) if month <= noticed else ends(month) - NOTICE


# The accounts ----------------------------------------------------------------------------------------------------

EARNED = sink("points-earned")
REDEEMED = sink("points-redeemed")
EXPIRED = sink("points-expired")

_OVERDRAWN = Opening(overdraw=True)


def points_account(customer: str) -> Account:
    """The customer's balance. A reversal may take it below zero."""
    return Account(lane_of(customer), f"points|{customer}")


class Book:
    """What one decision does to a customer's points. Opening it ends what has ended by `at`, first of all."""

    __slots__ = ("_came", "_lots", "_purse", "_went", "at", "balance", "entries", "noticed")

    def __init__(self, purse: Purse | None, at: datetime) -> None:
        self._purse = purse = purse or NO_PURSE
        self.at = at
        self.balance = purse.balance
        self.noticed = purse.noticed
        self.entries: list[Entry] = []
        self._lots: dict[str, Points] = dict(purse.lots)
        self._came: dict[tuple[Account, str], Points] = {}
        self._went: dict[tuple[Account, str], Points] = {}
        if purse.lots and ends(purse.lots[0].month) <= at:
            self._expire()

    @property
    def lots(self) -> tuple[Lot, ...]:
        return tuple([Lot(month, self._lots[month]) for month in sorted(self._lots)])

    def earn(self, points: Points, subject: str, occurred_at: datetime, details: str, *, late: bool = False) -> None:
        """Points of a purchase. late: besides what it brought before."""
        self._fill(ends_in(occurred_at), points, self._debt)
        self._add(self._came, EARNED, "EARN", points)
        self._write(EntryKind.BONUS if late else EntryKind.EARN, points, subject, occurred_at, details)

    def take_back(self, points: Points, subject: str, occurred_at: datetime, details: str) -> None:
        """A purchase's points that are no longer earned: of the lot they came into, then of the others, then a debt."""
        self._draw(points, first=ends_in(occurred_at))
        self._add(self._went, EARNED, "REVERSE", points)
        self._write(EntryKind.REVERSE, -points, subject, occurred_at, details)

    def redeem(self, pieces: Sequence[Points], subject: str, details: str) -> list[tuple[Lot, ...]]:
        """Use points, the oldest first; one entry for all pieces. Which lots each piece was taken from.

        Raises ValueError when there are not so many: whoever decides looks at `balance` first.
        """
        points = sum(pieces)
        if points > self.balance:
            raise ValueError(f"{points} points of {self.balance}")
        self._add(self._went, REDEEMED, "REDEEM", points)
        taken = [self._draw(piece) for piece in pieces]
        self._write(EntryKind.REDEEM, -points, subject, self.at, details)
        return taken

    def give_back(self, lots: Iterable[Lot], subject: str, details: str) -> None:
        """What was spent comes back to the lots it came from; what came from one that has ended, to next month's."""
        next_month = month_of(ends(month_of(self.at)))
        points, debt = 0, self._debt
        for lot in lots:
            debt = self._fill(lot.month if ends(lot.month) > self.at else next_month, lot.points, debt)
            points += lot.points
        self._add(self._came, REDEEMED, "RETURN", points)
        self._write(EntryKind.ADJUST, points, subject, self.at, details)

    def close(self, customer: str, parts: Parts) -> None:
        """Add everything that happened to `parts`; nothing when nothing did."""
        if not self.entries and self.noticed == self._purse.noticed:
            return
        lane = lane_of(customer)
        account = Account(lane, f"points|{customer}")
        if self._came or self._went:
            parts.opens[account] = _OVERDRAWN
            for (other, reason), points in self._came.items():
                parts.moves.append(post(points, other, account, reason))
            # What goes is there: the purse was read, and its version is checked. In a unit that ends in a debt the
            # account would be found short for it all the same.
            leave = post if self.balance >= 0 else reverse
            for (other, reason), points in self._went.items():
                parts.moves.append((reverse if reason == "REVERSE" else leave)(points, account, other, reason))
        purse, lots = self._purse, self.lots
        values: dict[str, Any] = {
            "balance": self.balance,
            "entries": purse.entries + len(self.entries),
            "lots": lots_text(lots),
            "noticed": self.noticed,
            "due_at": due_at(lots, self.noticed),
        }
        if purse.version:
            parts.changes.append(Change("points", customer, purse.version, purse.version + 1, values))
        else:
            parts.changes.append(Change("points", customer, None, 1))
            parts.add("points_account", {"lane": lane, "customer": customer, "version": 1, **values})
        rows = parts.rows.setdefault("points_entry", [])
        for entry in self.entries:
            rows.append({
                "lane": lane, "customer": customer, "n": entry.n, "kind": entry.kind.value, "points": entry.points,
                "balance_after": entry.balance_after, "at": entry.at, "occurred_at": entry.occurred_at,
                "subject": entry.subject, "details": entry.details,
            })  # fmt: skip
            parts.signals.append((f"viewer:{customer}", f"entry:{entry.n}"))

    # --- steps

    def _expire(self) -> None:
        for month in sorted(self._lots):
            if ends(month) > self.at:
                break
            points = self._lots.pop(month)
            self._add(self._went, EXPIRED, "EXPIRE", points)
            self._write(EntryKind.EXPIRE, -points, month, ends(month), "{}")

    @property
    def _debt(self) -> Points:
        return -self.balance if self.balance < 0 else 0

    def _fill(self, month: str, points: Points, debt: Points) -> Points:
        """Pay the debt, put what is left into the lot; returns the debt that is left."""
        if points <= debt:
            return debt - points
        self._lots[month] = self._lots.get(month, 0) + points - debt
        return 0

    def _draw(self, points: Points, first: str | None = None) -> tuple[Lot, ...]:
        """Take points out of the lots, `first` before the oldest; fewer where there are no more."""
        left, taken = points, []
        months = sorted(self._lots)
        if first in self._lots:
            months.remove(first)
            months.insert(0, first)
        for month in months:
            if not left:
                break
            have = self._lots[month]
            part = have if have < left else left
            left -= part
            taken.append(Lot(month, part))
            if part == have:
                del self._lots[month]
            else:
                self._lots[month] = have - part
        return tuple(taken)

    @staticmethod
    def _add(flows: dict[tuple[Account, str], Points], account: Account, reason: str, points: Points) -> None:
        if points <= 0:
            raise ValueError(f"an entry of {points} points")
        key = (account, reason)
        flows[key] = flows.get(key, 0) + points

    def _write(self, kind: EntryKind, points: Points, subject: str, occurred_at: datetime, details: str) -> None:
        self.balance += points
        number = self._purse.entries + len(self.entries) + 1
        self.entries.append(Entry(number, kind, points, self.balance, self.at, occurred_at, subject, details))


def purse_of(version: int, balance: Points, entries: int, lots: Iterable[Sequence[Any]], noticed: str) -> Purse:
    """A purse as its row says it. lots: `[["2028-10", 120], ...]`."""
    return Purse(version, balance, entries, tuple([Lot(month, points) for month, points in lots]), noticed)


def lots_text(lots: Iterable[Lot]) -> str:
    """As rows keep them, JSON: `[["2028-10",120]]`."""
    return "[" + ",".join([f'["{month}",{points}]' for month, points in lots]) + "]"


def read_lots(plain: Iterable[Sequence[Any]]) -> tuple[Lot, ...]:
    return tuple(Lot(month, points) for month, points in plain)
