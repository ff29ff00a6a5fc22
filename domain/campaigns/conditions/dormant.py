"""Dormant customers: the earliest card approved at least 6 months before, and no purchase in the 6 months before."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import NO_NAMES, Facts, Naming
from domain.campaigns.terms import About, Reason
from domain.kernel.time import SHANGHAI, add_months, day_start, months_before
from domain.kernel.words import Words

_DAYS_ALIKE = 5
"""Looking back months from so many days in a row one may see the same day: 28 to 31 August see 28 February; and one."""


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

    def changes_at(self, facts: Facts) -> datetime | None:
        card, last = facts.anchor, facts.history.last_purchase_at
        if self.at is DormantAt.ACTIVATION and (card is None or card.activated_at is not None):
            return None  # judged at a moment that is past
        since = self._quiet_from(facts, last)
        if since is None:
            return None
        now = since <= months_before(facts.at, self.months)
        for at in _turns(since, self.months):
            if facts.at < at and (since <= months_before(at, self.months)) != now:
                return at
        return None

    def _was_dormant(self, facts: Facts, at: datetime, last_purchase_at: datetime | None) -> bool:
        since = self._quiet_from(facts, last_purchase_at)
        return since is not None and since <= months_before(at, self.months)

    def _quiet_from(self, facts: Facts, last_purchase_at: datetime | None) -> datetime | None:
        """From when on there was a card and no purchase; None: there is none. Whoever was so for months is dormant."""
        earliest = facts.history.earliest_approval()
        if earliest is None or last_purchase_at is None:
            return earliest
        return max(earliest, last_purchase_at + datetime.resolution)


def _turns(since: datetime, months: int) -> Iterator[datetime]:
    """Between these moments nothing turns: the time of day on each day that looks back on the day of `since`, and the
    midnights between.

    There are several such days at the end of a month, for not every month has a 31st: from midnight on the next of them
    looks back on the whole of that day again.
    """
    local = since.astimezone(SHANGHAI)
    first = add_months(local.date(), months)
    for days in range(_DAYS_ALIKE):
        day = first + timedelta(days=days)
        yield day_start(day)
        yield datetime.combine(day, local.timetz())
