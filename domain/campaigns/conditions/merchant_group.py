"""Where it was paid. Source: the groups of the merchant's own event, at that moment."""

from dataclasses import dataclass
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import NO_NAMES, Facts, Naming, PurchaseFacts
from domain.campaigns.terms import About, Reason
from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class MerchantGroup(Rule):
    """The merchant is in any of `groups`."""

    kind: ClassVar[str] = "merchantGroup"
    _about: ClassVar[About] = About.SUBJECT

    groups: tuple[str, ...]

    def judge(self, facts: Facts) -> bool:
        subject = facts.subject
        if not isinstance(subject, PurchaseFacts):
            return False
        held = subject.groups
        return any(group in held for group in self.groups)

    def explain(self, facts: Facts) -> Reason | None:
        if facts.subject is None or self.judge(facts):
            return None
        named = facts.names.of_groups(self.groups)
        return Reason(
            "OTHER_MERCHANT",
            Words("该商户不参加本活动", "This merchant does not take part"),
            Words(f"请在{named.zh}消费", f"Pay at: {named.en}"),
        )

    def describe(self, names: Naming = NO_NAMES) -> Words:
        named = names.of_groups(self.groups)
        return Words(f"在{named.zh}消费", f"paid at: {named.en}")
