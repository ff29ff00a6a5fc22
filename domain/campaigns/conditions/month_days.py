"""Days of the month, in Shanghai. Source: a member day such as the 18th of every month."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from domain.campaigns.calendar import Calendar
from domain.campaigns.conditions.window import WindowRule, whole_day
from domain.campaigns.facts import NO_NAMES, Facts, Naming
from domain.kernel.time import Interval
from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class MonthDays(WindowRule):
    """days: 1-31; a month that has no such day is passed over."""

    kind: ClassVar[str] = "monthDays"

    days: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.days or not all(1 <= day <= 31 for day in self.days):
            raise ValueError("days of the month are numbers from 1 to 31")

    def judge(self, facts: Facts) -> bool:
        return facts.local.day in self.days

    def on_day(self, day: date, calendar: Calendar) -> list[Interval]:
        return [whole_day(day)] if day.day in self.days else []

    def describe(self, names: Naming = NO_NAMES) -> Words:
        numbers = [str(day) for day in self.days]
        return Words(f"每月{'、'.join(numbers)}日", f"on day {' or '.join(numbers)} of every month")
