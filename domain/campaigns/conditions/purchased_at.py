"""A purchase at certain merchants not long ago. Source: "instalment interest-free on top" of a trip just paid for."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import NO_NAMES, Facts, Naming
from domain.campaigns.terms import About, Reason
from domain.kernel.time import day_end
from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class PurchasedAt(Rule):
    """The customer's latest purchase at merchants of `groups` is at most `within_days` days old."""

    kind: ClassVar[str] = "purchasedAt"
    _about: ClassVar[About] = About.CUSTOMER

    groups: tuple[str, ...]
    within_days: int

    def __post_init__(self) -> None:
        if self.within_days < 0:
            raise ValueError("within cannot be negative")

    def judge(self, facts: Facts) -> bool:
        ends = self.deadline(facts)
        return ends is not None and facts.at < ends

    def explain(self, facts: Facts) -> Reason | None:
        if self.judge(facts):
            return None
        named = facts.names.of_groups(self.groups)
        return Reason(
            "PURCHASE_NEEDED",
            Words(
                f"近{self.within_days}天内未在{named.zh}消费",
                f"No purchase in the last {self.within_days} days at: {named.en}",
            ),
            Words(f"先在{named.zh}消费", f"First make a purchase at: {named.en}"),
        )

    def describe(self, names: Naming = NO_NAMES) -> Words:
        named = names.of_groups(self.groups)
        return Words(
            f"{self.within_days}天内曾在{named.zh}消费",
            f"a purchase in the last {self.within_days} days at: {named.en}",
        )

    def deadline(self, facts: Facts) -> datetime | None:
        at_groups = facts.history.at_groups
        latest = max((at_groups[group] for group in self.groups if group in at_groups), default=None)
        return None if latest is None else day_end(latest, plus_days=self.within_days)
