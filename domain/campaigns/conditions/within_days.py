"""Within n days of a date of the customer's own: until the end of the n-th Shanghai day after the day of X."""

from calendar import isleap
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import NO_NAMES, Facts, Naming
from domain.campaigns.terms import About, OwnDate, Reason
from domain.campaigns.words import OWN_DATE, moment
from domain.kernel.time import business_day, day_end, day_start
from domain.kernel.words import Words


def birthday_in(year: int, month: int, day: int) -> date:
    """Whoever was born on 29 February has their birthday on the 28th in common years."""
    return date(year, month, 28 if (month, day) == (2, 29) and not isleap(year) else day)


def own_date(of: OwnDate, facts: Facts) -> datetime | None:
    """The moment counted from: of the anchor card, or the first of the latest birthday's Shanghai day."""
    card = facts.anchor
    match of:
        case OwnDate.APPROVAL:
            return None if card is None else card.approved_at
        case OwnDate.ACTIVATION:
            return None if card is None else card.activated_at
        case OwnDate.BINDING:
            bound = [at for (token, _), at in facts.history.bindings.items() if card is None or token == card.card]
            return min(bound, default=None)
        case OwnDate.BIRTHDAY:
            profile = facts.history.profile
            if profile is None:
                return None
            today = business_day(facts.at)
            birthday = birthday_in(today.year, profile.birth_month, profile.birth_day)
            if birthday > today:
                birthday = birthday_in(today.year - 1, profile.birth_month, profile.birth_day)
            return day_start(birthday)


@dataclass(frozen=True, slots=True)
class WithinDays(Rule):
    kind: ClassVar[str] = "within"
    _about: ClassVar[About] = About.CUSTOMER
    _anchored: ClassVar[bool] = True

    days: int
    of: OwnDate

    def __post_init__(self) -> None:
        if self.days < 0:
            raise ValueError("days cannot be negative")

    def judge(self, facts: Facts) -> bool:
        since = own_date(self.of, facts)
        # The difference of the moments settles most cases without calendar arithmetic.
        if since is None or facts.at < since:
            return False
        gone = facts.at - since
        if gone < timedelta(days=self.days):
            return True
        return gone <= timedelta(days=self.days + 1) and facts.at < day_end(since, plus_days=self.days)

    def explain(self, facts: Facts) -> Reason | None:
        if self.judge(facts):
            return None
        named = OWN_DATE[self.of]
        since = own_date(self.of, facts)
        if since is None or facts.at < since:
            return Reason(
                f"NO_{self.of}",
                Words(f"尚未{named.zh}", f"Not yet: {named.en}"),
                Words(f"先完成{named.zh}", f"First comes {named.en}") if self.of is not OwnDate.BIRTHDAY else None,
            )
        if self.of is OwnDate.BIRTHDAY:
            return Reason(
                "TOO_LATE",
                Words(f"已超过生日后{self.days}天", f"More than {self.days} days after the birthday"),
                next_at=self._next_birthday(facts),
            )
        ended = moment(day_end(since, plus_days=self.days))
        return Reason("TOO_LATE", Words(f"期限已于{ended.zh}截止", f"The time for this ended on {ended.en}"))

    def describe(self, names: Naming = NO_NAMES) -> Words:
        named = OWN_DATE[self.of]
        return Words(f"{named.zh}后{self.days}天内（含第{self.days}天）", f"within {self.days} days of {named.en}")

    def deadline(self, facts: Facts) -> datetime | None:
        since = own_date(self.of, facts)
        return None if since is None else day_end(since, plus_days=self.days)

    def changes_at(self, facts: Facts) -> datetime | None:
        since = own_date(self.of, facts)
        if since is None or facts.at < since:
            return since
        ends = day_end(since, plus_days=self.days)
        if facts.local < ends:
            return ends
        return self._next_birthday(facts) if self.of is OwnDate.BIRTHDAY else None

    def _next_birthday(self, facts: Facts) -> datetime | None:
        profile = facts.history.profile
        if profile is None:
            return None
        today = business_day(facts.at)
        years = (today.year, today.year + 1)
        days = [birthday_in(year, profile.birth_month, profile.birth_day) for year in years]
        return day_start(next(day for day in days if day > today))
