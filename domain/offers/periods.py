"""The names of the periods a limit counts by, as accounts and causes write them."""

from datetime import date, datetime
from functools import lru_cache

from domain.campaigns.terms import Period
from domain.kernel.time import DAY, add_months, business_day, day_start


def period_of(period: Period, at: datetime, campaign: str) -> str:
    """`2026-10-02`, `2026-W40`, `2026-10`, `2026` or the campaign's code: the period of `at`, in Shanghai."""
    return _name(period, business_day(at), campaign)


@lru_cache(maxsize=1024)
def _name(period: Period, day: date, campaign: str) -> str:
    match period:
        case Period.DAY:
            return day.isoformat()
        case Period.WEEK:
            year, week, _ = day.isocalendar()
            return f"{year}-W{week:02d}"
        case Period.MONTH:
            return f"{day:%Y-%m}"
        case Period.YEAR:
            return f"{day:%Y}"
        case Period.CAMPAIGN:
            return campaign


def next_period(period: Period, at: datetime) -> datetime | None:
    """When the period after that of `at` begins; None after a campaign's."""
    return _next(period, business_day(at))


@lru_cache(maxsize=1024)
def _next(period: Period, day: date) -> datetime | None:
    match period:
        case Period.DAY:
            return day_start(day + DAY)
        case Period.WEEK:
            return day_start(day + (7 - day.weekday()) * DAY)
        case Period.MONTH:
            return day_start(add_months(day.replace(day=1), 1))
        case Period.YEAR:
            return day_start(day.replace(year=day.year + 1, month=1, day=1))
        case Period.CAMPAIGN:
            return None
