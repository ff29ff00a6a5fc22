"""An earlier offer was earned, and there was something left of it. Source: the fold's own record of what it gave."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import NO_NAMES, Facts, Naming
from domain.campaigns.terms import About, Reason
from domain.kernel.time import day_end
from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class Reached(Rule):
    """Any of `offers` (offers the bank's events give, of any campaign) was earned, within `within_days` where said."""

    kind: ClassVar[str] = "reached"
    _about: ClassVar[About] = About.CUSTOMER

    offers: tuple[str, ...]
    within_days: int | None = None

    def __post_init__(self) -> None:
        if not self.offers or (self.within_days or 0) < 0:
            raise ValueError("name the earlier offers; within cannot be negative")

    def judge(self, facts: Facts) -> bool:
        latest = self._latest(facts)
        if latest is None:
            return False
        return self.within_days is None or facts.at < day_end(latest, plus_days=self.within_days)

    def explain(self, facts: Facts) -> Reason | None:
        if self.judge(facts):
            return None
        named = facts.names.of_offers(self.offers)
        if facts.history.missed.issuperset(self.offers):
            return Reason("EARLIER_OFFER_NEEDED", Words(f"尚未获得{named.zh}", f"Not received yet: {named.en}"))
        if self._latest(facts) is not None:
            return Reason("TOO_LATE", Words(f"距获得{named.zh}已超过期限", f"Too long after receiving {named.en}"))
        return Reason(
            "EARLIER_OFFER_NEEDED",
            Words(f"尚未获得{named.zh}", f"Not received yet: {named.en}"),
            Words(f"先获得{named.zh}", f"First earn {named.en}"),
        )

    def describe(self, names: Naming = NO_NAMES) -> Words:
        named = names.of_offers(self.offers)
        if self.within_days is None:
            return Words(f"已获得{named.zh}", f"having received {named.en}")
        return Words(
            f"获得{named.zh}后{self.within_days}天内", f"within {self.within_days} days of receiving {named.en}"
        )

    def deadline(self, facts: Facts) -> datetime | None:
        latest = self._latest(facts)
        if latest is None or self.within_days is None:
            return None
        return day_end(latest, plus_days=self.within_days)

    def _latest(self, facts: Facts) -> datetime | None:
        reached, missed = facts.history.reached, facts.history.missed
        return max((reached[offer] for offer in self.offers if offer in reached and offer not in missed), default=None)
