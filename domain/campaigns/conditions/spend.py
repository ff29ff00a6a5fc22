"""The amount of a single purchase. Source: "pay at least 200"."""

from dataclasses import dataclass
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import NO_NAMES, Facts, Naming, PurchaseFacts
from domain.campaigns.terms import About, Reason
from domain.campaigns.words import money
from domain.kernel.money import Fen
from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class Spend(Rule):
    """`at_least` fen in one payment, and less than `below` where that is said. After refunds."""

    kind: ClassVar[str] = "spend"
    _about: ClassVar[About] = About.SUBJECT

    at_least: Fen = 0
    below: Fen | None = None

    def __post_init__(self) -> None:
        if self.at_least < 0 or (self.below is not None and self.below <= self.at_least):
            raise ValueError("atLeast cannot be negative, and below must be above it")

    def judge(self, facts: Facts) -> bool:
        subject = facts.subject
        if not isinstance(subject, PurchaseFacts) or subject.amount < self.at_least:
            return False
        return self.below is None or subject.amount < self.below

    def explain(self, facts: Facts) -> Reason | None:
        if facts.subject is None or self.judge(facts):
            return None
        rule = self.describe()
        remedy = Words(f"单笔消费{rule.zh.removeprefix('单笔消费')}", f"Pay {rule.en.removeprefix('a payment of ')}")
        if isinstance(facts.subject, PurchaseFacts) and facts.subject.amount >= self.at_least:
            return Reason("AMOUNT_TOO_LARGE", Words("金额超出范围", "The amount is above the range"), remedy)
        least = money(self.at_least)
        return Reason("AMOUNT_TOO_SMALL", Words(f"金额未满{least.zh}", f"The amount is below {least.en}"), remedy)

    def describe(self, names: Naming = NO_NAMES) -> Words:
        least = money(self.at_least)
        if self.below is None:
            return Words(f"单笔消费满{least.zh}", f"a payment of at least {least.en}")
        below = money(self.below)
        return Words(f"单笔消费满{least.zh}且低于{below.zh}", f"a payment of at least {least.en} and below {below.en}")
