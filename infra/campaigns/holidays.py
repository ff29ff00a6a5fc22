"""China's workdays, as the State Council decides them each autumn for the year to come.

Source: the package `chinesecalendar`. In a year it does not know yet, Monday to Friday are workdays; a newer release of
the package brings it.
"""

from functools import cache

from chinese_calendar.constants import holidays, workdays  # type: ignore[import-untyped]

from domain.campaigns.calendar import Calendar


@cache
def china() -> Calendar:
    """Weekdays off and weekends worked."""
    return Calendar(
        holidays=frozenset(day for day in holidays if day.weekday() < 5),
        workdays=frozenset(day for day in workdays if day.weekday() >= 5),
    )
