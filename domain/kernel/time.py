"""Shanghai days and half-open intervals.

Moments are aware datetimes; days, weeks and months are Asia/Shanghai's (source: the campaign plans). Shanghai has had a
fixed offset of +08:00 since 1991, so the arithmetic here needs no time-zone database.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Protocol

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
DAY = timedelta(days=1)


class Clock(Protocol):
    """The hall's business clock. Security (tokens, signatures, leases) stays on the wall clock."""

    def now(self) -> datetime:
        """The present moment, aware."""
        ...


def business_day(at: datetime) -> date:
    """The Shanghai day that `at` falls on."""
    return at.astimezone(SHANGHAI).date()


def day_start(day: date) -> datetime:
    """The first moment of a Shanghai day."""
    return datetime.combine(day, time(), SHANGHAI)


def day_end(at: datetime, plus_days: int = 0) -> datetime:
    """The end (exclusive) of the Shanghai day `plus_days` after the day of `at`.

    "Within n days of X" is `< day_end(x, plus_days=n)`.
    """
    return day_start(business_day(at) + timedelta(days=plus_days + 1))


def month_start(day: date) -> datetime:
    return day_start(day.replace(day=1))


def add_months(day: date, months: int) -> date:
    """The same day `months` later (or earlier), or that month's last day where it has no such day."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def months_before(at: datetime, months: int) -> datetime:
    """The same time of day, `months` calendar months before, in Shanghai."""
    local = at.astimezone(SHANGHAI)
    return datetime.combine(add_months(local.date(), -months), local.timetz())


def iso(at: datetime) -> str:
    """ISO 8601 with Shanghai's offset, as every answer of the hall writes moments."""
    return at.astimezone(SHANGHAI).isoformat()


@dataclass(frozen=True, slots=True)
class Interval:
    """`[opens_at, closes_at)`."""

    opens_at: datetime
    closes_at: datetime

    def __contains__(self, at: datetime) -> bool:
        return self.opens_at <= at < self.closes_at

    def overlaps(self, other: "Interval") -> bool:
        return self.opens_at < other.closes_at and other.opens_at < self.closes_at
