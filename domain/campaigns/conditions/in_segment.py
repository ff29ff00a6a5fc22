"""Segments of customers. Source: the segment rules published beside the campaigns."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import NO_NAMES, Facts, Naming
from domain.campaigns.terms import About, Reason
from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class InSegment(Rule):
    """In any of `segments`, judged at the moment in question. A segment without a rule holds nobody."""

    kind: ClassVar[str] = "segment"
    _about: ClassVar[About] = About.CUSTOMER

    segments: tuple[str, ...]

    def judge(self, facts: Facts) -> bool:
        for code in self.segments:
            rules = facts.segments.get(code)
            if rules is not None and all(rule.judge(facts) for rule in rules):
                return True
        return False

    def explain(self, facts: Facts) -> Reason | None:
        if self.judge(facts):
            return None
        named = facts.names.of_segments(self.segments)
        return Reason("OTHER_SEGMENT", Words(f"本活动面向{named.zh}", f"This is for: {named.en}"))

    def changes_at(self, facts: Facts) -> datetime | None:
        inside = (rule for code in self.segments for rule in facts.segments.get(code, ()))
        return min((at for rule in inside if (at := rule.changes_at(facts)) is not None), default=None)

    def describe(self, names: Naming = NO_NAMES) -> Words:
        named = names.of_segments(self.segments)
        return Words(f"{named.zh}客户", f"customers of: {named.en}")
