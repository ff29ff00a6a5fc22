"""WeChat or Alipay is bound. Source: `wallet.bound` and `wallet.unbound`."""

from dataclasses import dataclass
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import NO_NAMES, BindingFacts, Facts, Naming
from domain.campaigns.terms import About, BindingProvider, Reason
from domain.campaigns.words import PROVIDER, either
from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class Bound(Rule):
    """The binding is with one of `providers`; asked about anything else: one of them is bound at that moment."""

    kind: ClassVar[str] = "bound"
    _about: ClassVar[About] = About.CUSTOMER

    providers: tuple[BindingProvider, ...] = tuple(BindingProvider)

    def judge(self, facts: Facts) -> bool:
        if isinstance(facts.subject, BindingFacts):
            return facts.subject.provider in self.providers
        return any(provider in self.providers for _, provider in facts.history.bindings)

    def explain(self, facts: Facts) -> Reason | None:
        if self.judge(facts):
            return None
        named = either(PROVIDER[provider] for provider in self.providers)
        return Reason(
            "NOT_BOUND",
            Words(f"尚未绑定{named.zh}", f"{named.en} is not bound yet"),
            Words(f"绑定{named.zh}", f"Bind {named.en}"),
        )

    def describe(self, names: Naming = NO_NAMES) -> Words:
        named = either(PROVIDER[provider] for provider in self.providers)
        return Words(f"已绑定{named.zh}", f"{named.en} bound")
