"""The customer's birthday month, in Shanghai. Source: the birthday of `customer.updated`."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import NO_NAMES, Facts, Naming
from domain.campaigns.terms import About, Reason
from domain.campaigns.words import moment
from domain.kernel.time import add_months, day_start, month_start
from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class BirthdayMonth(Rule):
    kind: ClassVar[str] = "birthdayMonth"
    _about: ClassVar[About] = About.CUSTOMER

    def judge(self, facts: Facts) -> bool:
        profile = facts.history.profile
        return profile is not None and profile.birth_month == facts.local.month

    def explain(self, facts: Facts) -> Reason | None:
        if self.judge(facts):
            return None
        profile = facts.history.profile
        message = Words("仅限生日当月", "Only in the month of your birthday")
        if profile is None:
            return Reason("NOT_BIRTHDAY_MONTH", message)
        today = facts.day
        year = today.year + (profile.birth_month < today.month)
        opens = day_start(date(year, profile.birth_month, 1))
        then = moment(opens)
        return Reason("NOT_BIRTHDAY_MONTH", message, Words(f"{then.zh}起可参加", f"Come back from {then.en}"), opens)

    def describe(self, names: Naming = NO_NAMES) -> Words:
        return Words("生日当月", "in the month of the birthday")

    def deadline(self, facts: Facts) -> datetime | None:
        return month_start(add_months(facts.day.replace(day=1), 1)) if self.judge(facts) else None

    def changes_at(self, facts: Facts) -> datetime | None:
        reason = self.explain(facts)
        return self.deadline(facts) if reason is None else reason.next_at
