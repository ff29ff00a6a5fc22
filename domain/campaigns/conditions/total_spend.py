"""So much spent in all. Counted by the fold while the offer runs; this file says what counts and when it is enough."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import NO_NAMES, Facts, Naming
from domain.campaigns.terms import About, Period, Reason
from domain.campaigns.words import PERIOD, money
from domain.kernel.money import Fen
from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class TotalSpend(Rule):
    """`at_least` fen in one `period` over purchases that meet `each`; may be reached `rounds` times in the period.

    What counts is said in `Purchases`.
    """

    kind: ClassVar[str] = "totalSpend"
    _about: ClassVar[About] = About.TALLY

    at_least: Fen
    each: tuple[Rule, ...] = ()
    period: Period = Period.CAMPAIGN
    rounds: int = 1

    def __post_init__(self) -> None:
        if self.at_least < 1 or self.rounds < 1:
            raise ValueError("atLeast and rounds must be at least 1")
        if any(rule.about is About.TALLY for rule in self.each):
            raise ValueError("a count cannot stand inside a count")

    def completed(self, tallied: tuple[int, Fen]) -> int:
        """How many rounds are complete."""
        return min(tallied[1] // self.at_least, self.rounds)

    def judge(self, facts: Facts) -> bool:
        return self.completed(facts.tallied) > 0

    def explain(self, facts: Facts) -> Reason | None:
        if self.judge(facts):
            return None
        done, missing = money(facts.tallied[1]), money(self.at_least - facts.tallied[1])
        rule = self._each(facts.names)
        return Reason(
            "MORE_SPEND_NEEDED",
            Words(f"已累计消费{done.zh}", f"{done.en} spent so far"),
            Words(f"再消费{missing.zh}{rule.zh}", f"Spend {missing.en} more{rule.en}"),
        )

    def describe(self, names: Naming = NO_NAMES) -> Words:
        least, rule = money(self.at_least), self._each(names)
        zh, en = f"累计消费满{least.zh}{rule.zh}", f"at least {least.en} spent in all{rule.en}"
        if self.period is not Period.CAMPAIGN:
            zh, en = f"{PERIOD[self.period].zh}{zh}", f"{en}, in {PERIOD[self.period].en}"
        if self.rounds > 1:
            zh, en = f"{zh}（可达成{self.rounds}次）", f"{en} (up to {self.rounds} times)"
        return Words(zh, en)

    def children(self) -> Iterable[Rule]:
        return self.each

    def _each(self, names: Naming) -> Words:
        if not self.each:
            return Words("", "")
        described = [rule.describe(names) for rule in self.each]
        return Words(
            f"（限：{'，'.join(word.zh for word in described)}）",
            f" (counting: {', '.join(word.en for word in described)})",
        )
