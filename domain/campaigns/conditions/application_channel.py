"""Where the card was applied for. Source: `channel` of `card.approved`."""

from dataclasses import dataclass
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import NO_NAMES, Facts, Naming
from domain.campaigns.terms import About, ApplicationChannel, Reason
from domain.campaigns.words import APPLICATION_CHANNEL, either
from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class ApplicationChannelIs(Rule):
    kind: ClassVar[str] = "applicationChannel"
    _about: ClassVar[About] = About.CUSTOMER
    _anchored: ClassVar[bool] = True

    channels: tuple[ApplicationChannel, ...]

    def judge(self, facts: Facts) -> bool:
        return facts.anchor is not None and facts.anchor.channel in self.channels

    def explain(self, facts: Facts) -> Reason | None:
        if self.judge(facts):
            return None
        rule = self.describe()
        message = Words(f"仅限{rule.zh}", f"Only for {rule.en}")
        if facts.anchor is None or facts.anchor.approved_at is None:
            named = either(APPLICATION_CHANNEL[channel] for channel in self.channels)
            remedy = Words(f"通过{named.zh}申请卡片并获批", f"Apply through {named.en} and have the card approved")
            return Reason("OTHER_APPLICATION_CHANNEL", message, remedy)
        return Reason("OTHER_APPLICATION_CHANNEL", message)

    def describe(self, names: Naming = NO_NAMES) -> Words:
        named = either(APPLICATION_CHANNEL[channel] for channel in self.channels)
        return Words(f"通过{named.zh}申请的卡片", f"cards applied for through {named.en}")
