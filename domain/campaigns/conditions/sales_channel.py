"""Paid in store or online. Source: `channel` of the purchase."""

from dataclasses import dataclass
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import NO_NAMES, Facts, Naming, PurchaseFacts
from domain.campaigns.terms import About, Reason, SalesChannel
from domain.campaigns.words import SALES_CHANNEL, either
from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class SalesChannelIs(Rule):
    kind: ClassVar[str] = "channel"
    _about: ClassVar[About] = About.SUBJECT

    channels: tuple[SalesChannel, ...]

    def judge(self, facts: Facts) -> bool:
        return isinstance(facts.subject, PurchaseFacts) and facts.subject.channel in self.channels

    def explain(self, facts: Facts) -> Reason | None:
        if facts.subject is None or self.judge(facts):
            return None
        named = either(SALES_CHANNEL[channel] for channel in self.channels)
        return Reason(
            "OTHER_SALES_CHANNEL",
            Words(f"仅限{named.zh}消费", f"Only for payments made {named.en}"),
            Words(f"改为{named.zh}支付", f"Pay {named.en}"),
        )

    def describe(self, names: Naming = NO_NAMES) -> Words:
        named = either(SALES_CHANNEL[channel] for channel in self.channels)
        return Words(f"{named.zh}消费", f"paid {named.en}")
