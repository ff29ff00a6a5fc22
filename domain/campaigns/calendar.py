"""Which days are workdays in China. The facts are passed in: the State Council decides them year by year."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Calendar:
    """holidays: weekdays off. workdays: Saturdays and Sundays worked in exchange. Else Monday to Friday are worked."""

    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()

    def is_workday(self, day: date) -> bool:
        if day in self.workdays:
            return True
        return day.weekday() < 5 and day not in self.holidays


WEEKDAYS_ONLY = Calendar()
