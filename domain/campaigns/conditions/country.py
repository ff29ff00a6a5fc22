"""Where in the world it was paid. Source: `country` of the purchase (ISO 3166 alpha-2)."""

from dataclasses import dataclass
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import NO_NAMES, Facts, Naming, PurchaseFacts
from domain.campaigns.terms import About, Reason
from domain.kernel.words import Words

HOME = "CN"


@dataclass(frozen=True, slots=True)
class Country(Rule):
    """Abroad (anywhere but mainland China), or in one of `countries`."""

    kind: ClassVar[str] = "country"
    _about: ClassVar[About] = About.SUBJECT

    abroad: bool = False
    countries: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.abroad == bool(self.countries):
            raise ValueError("say either abroad or the countries")

    def judge(self, facts: Facts) -> bool:
        if not isinstance(facts.subject, PurchaseFacts):
            return False
        if self.abroad:
            return facts.subject.country != HOME
        return facts.subject.country in self.countries

    def explain(self, facts: Facts) -> Reason | None:
        if facts.subject is None or self.judge(facts):
            return None
        rule = self.describe()
        return Reason(
            "OTHER_COUNTRY",
            Words("消费所在国家或地区不符", "Not paid in a country that takes part"),
            Words(f"限{rule.zh}", f"It must be {rule.en}"),
        )

    def describe(self, names: Naming = NO_NAMES) -> Words:
        if self.abroad:
            return Words("境外消费", "paid abroad")
        return Words(f"在{'、'.join(self.countries)}消费", f"paid in {' or '.join(self.countries)}")
