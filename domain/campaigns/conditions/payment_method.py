"""How it was paid. Source: `paymentMethod` of the purchase; operators restrict it while a campaign runs."""

from dataclasses import dataclass
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import NO_NAMES, Facts, Naming, PurchaseFacts
from domain.campaigns.terms import About, PaymentMethod, Reason
from domain.campaigns.words import PAYMENT_METHOD, either
from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class PaymentMethodIs(Rule):
    kind: ClassVar[str] = "paymentMethod"
    _about: ClassVar[About] = About.SUBJECT

    methods: tuple[PaymentMethod, ...]

    def judge(self, facts: Facts) -> bool:
        return isinstance(facts.subject, PurchaseFacts) and facts.subject.method in self.methods

    def explain(self, facts: Facts) -> Reason | None:
        if facts.subject is None or self.judge(facts):
            return None
        named = either(PAYMENT_METHOD[method] for method in self.methods)
        return Reason(
            "OTHER_PAYMENT_METHOD",
            Words("该支付方式不参加本活动", "This way of paying does not take part"),
            Words(f"请使用{named.zh}", f"Pay {named.en}"),
        )

    def describe(self, names: Naming = NO_NAMES) -> Words:
        named = either(PAYMENT_METHOD[method] for method in self.methods)
        return Words(f"限{named.zh}", f"paid {named.en}")
