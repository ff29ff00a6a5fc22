"""What an instalment plan must be like. Source: "bill instalment of at least 3,000", "at least 12 periods"."""

from dataclasses import dataclass
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import NO_NAMES, Facts, InstalmentFacts, Naming
from domain.campaigns.terms import About, InstalmentKind, Reason
from domain.campaigns.words import INSTALMENT_KIND, either, money
from domain.kernel.money import Fen
from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class Instalment(Rule):
    """kinds: empty: any. first: none of these kinds came before it in this phase of the campaign.

    One that was cancelled, or was too small, was the first all the same.
    """

    kind: ClassVar[str] = "instalment"
    _about: ClassVar[About] = About.SUBJECT

    kinds: tuple[InstalmentKind, ...] = ()
    at_least: Fen = 0
    min_periods: int = 1
    first: bool = False

    def __post_init__(self) -> None:
        if self.at_least < 0 or self.min_periods < 1:
            raise ValueError("atLeast cannot be negative, and there is at least 1 period")

    def judge(self, facts: Facts) -> bool:
        subject = facts.subject
        return (
            isinstance(subject, InstalmentFacts)
            and (not self.kinds or subject.kind in self.kinds)
            and subject.principal >= self.at_least
            and subject.periods >= self.min_periods
            and (not self.first or not self._came_before(facts))
        )

    def explain(self, facts: Facts) -> Reason | None:
        if self.first and self._came_before(facts):
            return Reason(
                "NOT_THE_FIRST_INSTALMENT",
                Words("本阶段首笔分期已办理", "The first instalment of this phase has been made"),
            )
        if facts.subject is None or self.judge(facts):
            return None
        rule = self.describe()
        return Reason(
            "INSTALMENT_DOES_NOT_QUALIFY",
            Words("该笔分期不符合条件", "This instalment does not qualify"),
            Words(f"办理{rule.zh}", f"Set up {rule.en}"),
        )

    def describe(self, names: Naming = NO_NAMES) -> Words:
        kinds = either(INSTALMENT_KIND[kind] for kind in self.kinds or tuple(InstalmentKind))
        zh, en = f"单笔{kinds.zh}", f"a single {kinds.en}"
        if self.first:
            zh, en = f"本阶段首笔{kinds.zh}", f"the first {kinds.en} of the phase"
        if self.at_least:
            least = money(self.at_least)
            zh, en = f"{zh}本金满{least.zh}", f"{en}, principal at least {least.en}"
        if self.min_periods > 1:
            zh, en = f"{zh}且不少于{self.min_periods}期", f"{en}, at least {self.min_periods} periods"
        return Words(zh, en)

    def _came_before(self, facts: Facts) -> bool:
        if facts.record is None:
            return False
        return any(facts.record.instalments.get(kind) for kind in self.kinds or tuple(InstalmentKind))
