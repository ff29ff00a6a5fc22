"""What the bank knows of the customer. Source: `customer.updated`."""

from dataclasses import dataclass
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import NO_NAMES, Facts, Naming
from domain.campaigns.terms import About, Reason
from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class ProfileIs(Rule):
    """Everything that is said must hold; an empty tuple and None ask nothing. Mostly for segments."""

    kind: ClassVar[str] = "profile"
    _about: ClassVar[About] = About.CUSTOMER

    cities: tuple[str, ...] = ()
    occupations: tuple[str, ...] = ()
    min_children: int | None = None
    min_assets_tier: int | None = None

    def judge(self, facts: Facts) -> bool:
        profile = facts.history.profile
        if profile is None:
            return False
        return (
            (not self.cities or profile.city in self.cities)
            and (not self.occupations or profile.occupation in self.occupations)
            and (self.min_children is None or profile.children >= self.min_children)
            and (self.min_assets_tier is None or profile.assets_tier >= self.min_assets_tier)
        )

    def explain(self, facts: Facts) -> Reason | None:
        if self.judge(facts):
            return None
        # What the bank holds about a person is not told back to them here, only that the offer is for others.
        return Reason("OTHER_CUSTOMERS", Words("本活动面向特定客户", "This is for particular customers"))

    def describe(self, names: Naming = NO_NAMES) -> Words:
        zh, en = [], []
        if self.cities:
            zh.append(f"所在城市为{'、'.join(self.cities)}")
            en.append(f"living in {' or '.join(self.cities)}")
        if self.occupations or self.min_children is not None or self.min_assets_tier is not None:
            zh.append("银行邀请的客户")
            en.append("invited by the bank")
        return Words("，".join(zh), ", ".join(en))
