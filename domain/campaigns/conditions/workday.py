"""Workdays or days off by the Chinese holiday calendar, with its exchanged weekends."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from domain.campaigns.calendar import Calendar
from domain.campaigns.conditions.window import WindowRule, whole_day
from domain.campaigns.facts import NO_NAMES, Facts, Naming
from domain.kernel.time import Interval
from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class Workday(WindowRule):
    """working False: days off."""

    kind: ClassVar[str] = "workday"

    working: bool = True

    def judge(self, facts: Facts) -> bool:
        return facts.calendar.is_workday(facts.day) == self.working

    def on_day(self, day: date, calendar: Calendar) -> list[Interval]:
        return [whole_day(day)] if calendar.is_workday(day) == self.working else []

    def describe(self, names: Naming = NO_NAMES) -> Words:
        if self.working:
            return Words("法定工作日", "on official workdays")
        return Words("法定节假日及休息日", "on official days off")
