"""New customers. Source: `card.approved` with `newCustomer: true` inside the campaign's warm-up or active phase."""

from dataclasses import dataclass
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import NO_NAMES, Facts, Naming
from domain.campaigns.terms import About, Reason
from domain.kernel.words import Words

_MESSAGE = Words("仅限活动期间核卡的新客户", "Only for customers new in this campaign")
_FIRST_CARD = Reason(
    "NEW_CUSTOMERS_ONLY",
    _MESSAGE,
    Words("在活动期间申请首张卡片并获批", "Have your first card approved while the campaign runs"),
)
_TOO_LATE = Reason("NEW_CUSTOMERS_ONLY", _MESSAGE)


@dataclass(frozen=True, slots=True)
class NewCustomer(Rule):
    """The anchor's approval made the customer a new one, in this campaign's warm-up or active phase."""

    kind: ClassVar[str] = "newCustomer"
    _about: ClassVar[About] = About.CUSTOMER
    _anchored: ClassVar[bool] = True

    def judge(self, facts: Facts) -> bool:
        card = facts.anchor
        if card is None or not card.new_customer or card.approved_at is None or facts.new_from is None:
            return False
        return facts.new_from <= card.approved_at and (facts.new_until is None or card.approved_at < facts.new_until)

    def explain(self, facts: Facts) -> Reason | None:
        if self.judge(facts):
            return None
        open_still = facts.new_until is not None and facts.at < facts.new_until
        if open_still and facts.history.earliest_approval() is None:
            return _FIRST_CARD
        return _TOO_LATE

    def describe(self, names: Naming = NO_NAMES) -> Words:
        return Words("活动预热期或活动期内核卡的新客户", "new customers approved in the warm-up or active phase")
