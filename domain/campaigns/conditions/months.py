"""Calendar months of the year, in Shanghai."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from domain.campaigns.calendar import Calendar
from domain.campaigns.conditions.window import WindowRule, whole_day
from domain.campaigns.facts import NO_NAMES, Facts, Naming
from domain.campaigns.words import either, month_name
from domain.kernel.time import Interval
from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class Months(WindowRule):
    """months: 1-12."""

    kind: ClassVar[str] = "months"

    months: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.months or not all(1 <= month <= 12 for month in self.months):
            raise ValueError("months are numbers from 1 to 12")

    def judge(self, facts: Facts) -> bool:
        return facts.local.month in self.months

    def on_day(self, day: date, calendar: Calendar) -> list[Interval]:
        return [whole_day(day)] if day.month in self.months else []

    def describe(self, names: Naming = NO_NAMES) -> Words:
        named = either(month_name(month) for month in self.months)
        return Words(named.zh, f"in {named.en}")
