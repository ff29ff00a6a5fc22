"""The code of a branch flyer, entered when applying. Source: `flyer` of `card.approved` or of its `card.applied`."""

from dataclasses import dataclass
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import NO_NAMES, Facts, Naming
from domain.campaigns.terms import About, Reason
from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class Flyer(Rule):
    """codes: the ones accepted; empty: any."""

    kind: ClassVar[str] = "flyer"
    _about: ClassVar[About] = About.CUSTOMER
    _anchored: ClassVar[bool] = True

    codes: tuple[str, ...] = ()

    def judge(self, facts: Facts) -> bool:
        if facts.anchor is None or facts.anchor.flyer is None:
            return False
        return not self.codes or facts.anchor.flyer in self.codes

    def explain(self, facts: Facts) -> Reason | None:
        if self.judge(facts):
            return None
        message = Words("申请时未填写有效的网点宣传单编码", "No valid branch flyer code came with the application")
        if facts.anchor is None or facts.anchor.approved_at is None:
            remedy = Words("申请卡片时填写网点宣传单编码", "Enter the code of a branch flyer when you apply")
            return Reason("FLYER_NEEDED", message, remedy)
        return Reason("FLYER_NEEDED", message)

    def describe(self, names: Naming = NO_NAMES) -> Words:
        return Words("申请时填写网点宣传单编码", "the code of a branch flyer was entered when applying")
