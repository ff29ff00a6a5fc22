"""What the recurring windows share: each says on which stretches of a Shanghai day it is open."""

from datetime import date, datetime, timedelta
from typing import ClassVar

from domain.campaigns.calendar import Calendar
from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import Facts
from domain.campaigns.terms import About, Reason
from domain.campaigns.words import moment
from domain.kernel.time import Interval, day_start
from domain.kernel.words import Words

HORIZON = 400
"""Days looked ahead for the next opening: every window that ever opens opens within a year and a month."""


def whole_day(day: date) -> Interval:
    return Interval(day_start(day), day_start(day + timedelta(days=1)))


class WindowRule(Rule):
    """A condition about the moment alone."""

    __slots__ = ()

    _about: ClassVar[About] = About.TIME

    def on_day(self, day: date, calendar: Calendar) -> list[Interval]:
        """The stretches that begin on this Shanghai day."""
        raise NotImplementedError

    def explain(self, facts: Facts) -> Reason | None:
        if self.judge(facts):
            return None
        rule = self.describe(facts.names)
        opens = next_opening(self, facts.at, facts.day, facts.calendar)
        message = Words(f"仅限{rule.zh}", f"Only: {rule.en}")
        if opens is None:
            return Reason("OUTSIDE_WINDOW", message)
        then = moment(opens)
        return Reason("OUTSIDE_WINDOW", message, Words(f"{then.zh}起可参加", f"Come back from {then.en}"), opens)

    def changes_at(self, facts: Facts) -> datetime | None:
        turns = next_closing if self.judge(facts) else next_opening
        return turns(self, facts.at, facts.day, facts.calendar)


def next_opening(window: WindowRule, at: datetime, day: date, calendar: Calendar) -> datetime | None:
    """When it opens next after `at`, of whose Shanghai day `day` is."""
    for ahead in range(HORIZON):
        opens = [found.opens_at for found in window.on_day(day + timedelta(days=ahead), calendar)]
        later = min((moment for moment in opens if moment > at), default=None)
        if later is not None:
            return later
    return None


def next_closing(window: WindowRule, at: datetime, day: date, calendar: Calendar) -> datetime | None:
    """When the stretch that is open at `at` ends, touching ones taken together; None where no end is in sight."""
    ends = at
    for ahead in range(-1, HORIZON):
        for found in sorted(window.on_day(day + timedelta(days=ahead), calendar), key=lambda one: one.opens_at):
            if found.opens_at <= ends < found.closes_at:
                ends = found.closes_at
        if ends < day_start(day + timedelta(days=ahead + 1)):
            break
    return ends if at < ends < day_start(day + timedelta(days=HORIZON)) else None
