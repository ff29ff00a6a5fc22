"""Dormant customers: the earliest card approved at least 6 months before, and no purchase in the 6 months before."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import NO_NAMES, Facts, Naming
from domain.campaigns.terms import About, Reason
from domain.kernel.time import months_before
from domain.kernel.words import Words


class DormantAt(StrEnum):
    ACTIVATION = "ACTIVATION"
    NOW = "NOW"


@dataclass(frozen=True, slots=True)
class Dormant(Rule):
    """At the anchor's latest activation, or at the moment in question. Months are calendar months."""

    kind: ClassVar[str] = "dormant"
    _about: ClassVar[About] = About.CUSTOMER

    months: int
    at: DormantAt = DormantAt.ACTIVATION

    def __post_init__(self) -> None:
        if self.months < 1:
            raise ValueError("months must be at least 1")

    @property
    def anchored(self) -> bool:
        return self.at is DormantAt.ACTIVATION

    def judge(self, facts: Facts) -> bool:
        if self.at is DormantAt.NOW:
            return self._was_dormant(facts, facts.at, facts.history.last_purchase_at)
        card = facts.anchor
        if card is None or card.activated_at is None:
            return False
        return self._was_dormant(facts, card.activated_at, card.quiet_since)

    def explain(self, facts: Facts) -> Reason | None:
        if self.judge(facts):
            return None
        card = facts.anchor
        waiting = self.at is DormantAt.ACTIVATION and card is not None and card.activated_at is None
        if waiting and self._was_dormant(facts, facts.at, facts.history.last_purchase_at):
            return Reason(
                "NO_ACTIVATION",
                Words("尚未激活卡片", "The card is not activated yet"),
                Words("激活卡片", "Activate the card"),
            )
        return Reason(
            "NOT_DORMANT",
            Words(
                f"仅限{self.months}个月以上未消费的客户",
                f"Only for customers without a purchase for {self.months} months",
            ),
        )

    def describe(self, names: Naming = NO_NAMES) -> Words:
        when = Words("激活时", "at activation: ") if self.at is DormantAt.ACTIVATION else Words("", "")
        return Words(
            f"{when.zh}首张卡核卡满{self.months}个月且近{self.months}个月无消费",
            f"{when.en}first card approved at least {self.months} months before"
            f" and no purchase for {self.months} months",
        )

    def _was_dormant(self, facts: Facts, at: datetime, last_purchase_at: datetime | None) -> bool:
        earliest = facts.history.earliest_approval()
        if earliest is None:
            return False
        cutoff = months_before(at, self.months)
        return earliest <= cutoff and (last_purchase_at is None or last_purchase_at < cutoff)
