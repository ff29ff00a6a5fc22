"""Recurring hours of the week. Source: "Friday 10:00-22:00", "daily 19:00-22:00"; half-open, in Shanghai."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import ClassVar

from domain.campaigns.calendar import Calendar
from domain.campaigns.conditions.window import WindowRule
from domain.campaigns.facts import NO_NAMES, Facts, Naming
from domain.campaigns.terms import WEEK, Weekday
from domain.campaigns.words import WEEKDAY, clock, either
from domain.kernel.time import SHANGHAI, Interval
from domain.kernel.words import Words

MIDNIGHT = time()


@dataclass(frozen=True, slots=True)
class Slot:
    """`[from_, until)` on these weekdays. An end not after the start is the next day's; 00:00-00:00 is all day."""

    days: tuple[Weekday, ...] = WEEK
    from_: time = MIDNIGHT
    until: time = MIDNIGHT

    def __post_init__(self) -> None:
        if not self.days:
            raise ValueError("a weekly window needs days")

    def on_day(self, day: date) -> Interval | None:
        if WEEK[day.weekday()] not in self.days:
            return None
        ends = day if self.until > self.from_ else day + timedelta(days=1)
        return Interval(datetime.combine(day, self.from_, SHANGHAI), datetime.combine(ends, self.until, SHANGHAI))

    def holds(self, local: datetime) -> bool:
        weekday, hour = local.weekday(), local.time()
        if self.until > self.from_:
            return WEEK[weekday] in self.days and self.from_ <= hour < self.until
        return (WEEK[weekday] in self.days and hour >= self.from_) or (
            WEEK[weekday - 1] in self.days and hour < self.until
        )


@dataclass(frozen=True, slots=True)
class Weekly(WindowRule):
    """During any of `slots`."""

    kind: ClassVar[str] = "weekly"

    slots: tuple[Slot, ...]

    def __post_init__(self) -> None:
        if not self.slots:
            raise ValueError("a weekly window needs slots")

    def judge(self, facts: Facts) -> bool:
        return any(slot.holds(facts.local) for slot in self.slots)

    def on_day(self, day: date, calendar: Calendar) -> list[Interval]:
        return [found for slot in self.slots if (found := slot.on_day(day)) is not None]

    def describe(self, names: Naming = NO_NAMES) -> Words:
        described = [_slot(slot) for slot in self.slots]
        return Words("、".join(word.zh for word in described), " and ".join(word.en for word in described))


def _slot(slot: Slot) -> Words:
    days = _days(slot.days)
    if slot.from_ == slot.until == MIDNIGHT:
        return Words(f"{days.zh}全天", f"{days.en}, all day")
    until = "24:00" if slot.until == MIDNIGHT else clock(slot.until)
    if MIDNIGHT < slot.until <= slot.from_:
        return Words(
            f"{days.zh}{clock(slot.from_)}至次日{until}（不含{until}整）",
            f"{days.en} {clock(slot.from_)} to {until} of the next day (until just before {until})",
        )
    return Words(
        f"{days.zh}{clock(slot.from_)}-{until}（不含{until}整）",
        f"{days.en} {clock(slot.from_)}-{until} (until just before {until})",
    )


def _days(days: tuple[Weekday, ...]) -> Words:
    ordered = tuple(day for day in WEEK if day in days)
    if ordered == WEEK:
        return Words("每天", "every day")
    if ordered == WEEK[:5]:
        return Words("周一至周五", "Monday to Friday")
    return either(WEEKDAY[day] for day in ordered)
