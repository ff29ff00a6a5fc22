"""So many purchases. Counted by the fold while the offer runs; this file says what is counted and when it is enough."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import NO_NAMES, Facts, Naming
from domain.campaigns.terms import About, Period, Reason
from domain.campaigns.words import PERIOD
from domain.kernel.money import Fen
from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class Purchases(Rule):
    """`count` purchases in one `period`, each meeting `each`; may be completed `rounds` times in the period.

    A purchase counts while the offer runs, on a card of the audience. Where purchases are the offer's own trigger, the
    offer's other conditions must hold for it too. Amounts are after refunds; one refunded to nothing is not counted.
    """

    kind: ClassVar[str] = "purchases"
    _about: ClassVar[About] = About.TALLY

    count: int
    each: tuple[Rule, ...] = ()
    period: Period = Period.CAMPAIGN
    rounds: int = 1

    def __post_init__(self) -> None:
        if self.count < 1 or self.rounds < 1:
            raise ValueError("count and rounds must be at least 1")
        if any(rule.about is About.TALLY for rule in self.each):
            raise ValueError("a count cannot stand inside a count")

    def completed(self, tallied: tuple[int, Fen]) -> int:
        """How many rounds are complete."""
        return min(tallied[0] // self.count, self.rounds)

    def judge(self, facts: Facts) -> bool:
        return self.completed(facts.tallied) > 0

    def explain(self, facts: Facts) -> Reason | None:
        if self.judge(facts):
            return None
        done = facts.tallied[0]
        missing = self.count - done
        rule = _each(self.each, facts.names)
        return Reason(
            "MORE_PURCHASES_NEEDED",
            Words(f"已完成{done}笔，共需{self.count}笔", f"{done} of {self.count} purchases made"),
            Words(
                f"再完成{missing}笔消费{rule.zh}",
                f"Make {missing} more purchase{'' if missing == 1 else 's'}{rule.en}",
            ),
        )

    def describe(self, names: Naming = NO_NAMES) -> Words:
        rule = _each(self.each, names)
        zh, en = f"累计消费{self.count}笔{rule.zh}", f"{self.count} purchase{'' if self.count == 1 else 's'}{rule.en}"
        if self.period is not Period.CAMPAIGN:
            zh, en = f"{PERIOD[self.period].zh}{zh}", f"{en}, in {PERIOD[self.period].en}"
        if self.rounds > 1:
            zh, en = f"{zh}（可完成{self.rounds}轮）", f"{en} (up to {self.rounds} rounds)"
        return Words(zh, en)

    def children(self) -> Iterable[Rule]:
        return self.each


def _each(rules: tuple[Rule, ...], names: Naming) -> Words:
    if not rules:
        return Words("", "")
    described = [rule.describe(names) for rule in rules]
    return Words(
        f"（每笔：{'，'.join(word.zh for word in described)}）", f" (each: {', '.join(word.en for word in described)})"
    )
