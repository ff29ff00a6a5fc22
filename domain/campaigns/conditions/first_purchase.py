"""The first purchase since approval or activation. Source: "if it is too small the chance is gone"."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.conditions.within_days import own_date
from domain.campaigns.facts import NO_NAMES, Facts, First, Naming, PurchaseFacts
from domain.campaigns.terms import About, OwnDate, Reason
from domain.campaigns.words import OWN_DATE, moment, money
from domain.kernel.money import Fen
from domain.kernel.time import day_end
from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class FirstPurchase(Rule):
    """This purchase is the customer's first after the anchor's approval or activation, by time, on whichever card.

    It is at least `at_least` after refunds, and made within `within_days` where that is said.
    """

    kind: ClassVar[str] = "firstPurchase"
    _about: ClassVar[About] = About.CUSTOMER
    _anchored: ClassVar[bool] = True

    since: OwnDate
    at_least: Fen = 0
    within_days: int | None = None

    def __post_init__(self) -> None:
        if self.since not in (OwnDate.APPROVAL, OwnDate.ACTIVATION):
            raise ValueError("a first purchase is counted since APPROVAL or ACTIVATION")
        if self.at_least < 0 or (self.within_days or 0) < 0:
            raise ValueError("atLeast and within cannot be negative")

    def judge(self, facts: Facts) -> bool:
        subject = facts.subject
        if not isinstance(subject, PurchaseFacts) or subject.amount < self.at_least:
            return False
        since = own_date(self.since, facts)
        if since is None or facts.at < since:
            return False
        first = self._first(facts)
        if first is not None and first.transaction != subject.transaction:
            return False
        return self.within_days is None or facts.at < day_end(since, plus_days=self.within_days)

    def explain(self, facts: Facts) -> Reason | None:
        if facts.subject is not None and self.judge(facts):
            return None
        named = OWN_DATE[self.since]
        since = own_date(self.since, facts)
        if since is None or facts.at < since:
            return Reason(
                f"NO_{self.since}",
                Words(f"尚未{named.zh}", f"Not yet: {named.en}"),
                Words(f"先完成{named.zh}", f"First comes {named.en}"),
            )
        first = self._first(facts)
        mine = isinstance(facts.subject, PurchaseFacts) and first is not None
        if first is not None and not (mine and first.transaction == facts.subject.transaction):  # type: ignore[union-attr]
            return Reason(
                "FIRST_PURCHASE_MADE",
                Words(f"{named.zh}后的首笔消费已完成", f"The first purchase after {named.en} has been made"),
            )
        deadline = self.deadline(facts)
        if deadline is not None and facts.at >= deadline:
            ended = moment(deadline)
            return Reason("TOO_LATE", Words(f"期限已于{ended.zh}截止", f"The time for this ended on {ended.en}"))
        if facts.subject is None:
            return None
        least = money(self.at_least)
        message = Words(f"首笔消费未满{least.zh}", f"The first purchase is below {least.en}")
        made = isinstance(facts.subject, PurchaseFacts) and facts.subject.transaction
        remedy = None if made else Words(f"本次消费满{least.zh}", f"Pay at least {least.en} this time")
        return Reason("AMOUNT_TOO_SMALL", message, remedy)

    def describe(self, names: Naming = NO_NAMES) -> Words:
        named = OWN_DATE[self.since]
        zh, en = f"{named.zh}后首笔消费", f"the first purchase after {named.en}"
        if self.within_days is not None:
            zh = f"{named.zh}后{self.within_days}天内（含第{self.within_days}天）首笔消费"
            en += f", within {self.within_days} days of it"
        if self.at_least:
            least = money(self.at_least)
            zh, en = f"{zh}满{least.zh}", f"{en}, of at least {least.en}"
        return Words(zh, en)

    def deadline(self, facts: Facts) -> datetime | None:
        since = own_date(self.since, facts)
        if since is None or self.within_days is None:
            return None
        return day_end(since, plus_days=self.within_days)

    def changes_at(self, facts: Facts) -> datetime | None:
        since = own_date(self.since, facts)
        if since is None or facts.at < since:
            return since
        if self.within_days is None:
            return None
        ends = day_end(since, plus_days=self.within_days)
        return ends if facts.local < ends else None

    def _first(self, facts: Facts) -> First | None:
        card = facts.anchor
        if card is None:
            return None
        return card.first_since_approval if self.since is OwnDate.APPROVAL else card.first_since_activation
