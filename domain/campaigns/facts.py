"""What a condition may look at: the customer's history, the moment, and the thing it is about.

Mutable and slotted for the fold's sake: one `Facts` is refilled for each offer and card, never kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from domain.campaigns.calendar import WEEKDAYS_ONLY, Calendar
from domain.campaigns.terms import (
    ApplicationChannel,
    BindingProvider,
    InstalmentKind,
    PaymentMethod,
    Phase,
    Product,
    SalesChannel,
)
from domain.kernel.money import Fen
from domain.kernel.time import SHANGHAI
from domain.kernel.words import Words

if TYPE_CHECKING:
    from domain.campaigns.conditions.base import Rule


# The customer ----------------------------------------------------------------------------------------------------


class Profile(NamedTuple):
    """The latest `customer.updated`, as far as rules need it."""

    birth_month: int
    birth_day: int
    person: str
    city: str | None = None
    occupation: str | None = None
    children: int = 0
    assets_tier: int = 0


class First(NamedTuple):
    """The first purchase since a date. amount: what is left of it after refunds."""

    transaction: str
    amount: Fen
    at: datetime


@dataclass(slots=True)
class CardFacts:
    """product None: only mentioned so far, its approval is not known.

    quiet_since: the customer's last purchase before the latest activation; None: none at all.
    """

    card: str
    product: Product | None = None
    new_customer: bool = False
    channel: ApplicationChannel | None = None
    flyer: str | None = None
    last4: str = ""
    approved_at: datetime | None = None
    activated_at: datetime | None = None
    closed_at: datetime | None = None
    quiet_since: datetime | None = None
    first_since_approval: First | None = None
    first_since_activation: First | None = None


@dataclass(slots=True)
class Record:
    """What happened in one phase of one campaign, on cards of its audience. Refunded-away purchases do not count."""

    purchases: int = 0
    spend: Fen = 0
    instalments: dict[InstalmentKind, int] = field(default_factory=dict)


@dataclass(slots=True)
class History:
    """The customer as the events tell it. reached: when each story offer was first earned, by offer code.

    missed: of these, offers of which nothing was left whenever they were earned, so that they were never had; no event
    tells that, but what was given does.
    bindings: (card, provider) -> when. at_groups: the last purchase at a merchant of each group.
    records: campaign -> phase -> what happened in it.
    """

    profile: Profile | None = None
    cards: dict[str, CardFacts] = field(default_factory=dict)
    bindings: dict[tuple[str, BindingProvider], datetime] = field(default_factory=dict)
    last_purchase_at: datetime | None = None
    at_groups: dict[str, datetime] = field(default_factory=dict)
    reached: dict[str, datetime] = field(default_factory=dict)
    records: dict[str, dict[Phase, Record]] = field(default_factory=dict)
    missed: frozenset[str] = frozenset()

    def earliest_approval(self) -> datetime | None:
        return min((card.approved_at for card in self.cards.values() if card.approved_at is not None), default=None)


# What it is about ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class PurchaseFacts:
    """A purchase reported by the bank, or one about to be made at the till (then `transaction` is empty).

    Not frozen for the fold's sake, which refills one. amount: after refunds. groups: of the merchant, at that moment.
    """

    amount: Fen
    groups: frozenset[str] = frozenset()
    channel: SalesChannel = SalesChannel.POS
    method: PaymentMethod = PaymentMethod.CARD
    country: str = "CN"
    transaction: str = ""


@dataclass(frozen=True, slots=True)
class InstalmentFacts:
    kind: InstalmentKind
    principal: Fen
    periods: int
    fee: Fen
    instalment: str = ""


@dataclass(frozen=True, slots=True)
class BindingFacts:
    provider: BindingProvider


@dataclass(frozen=True, slots=True)
class CardEventFacts:
    """An activation or an approval: the card says all."""


Subject: TypeAlias = PurchaseFacts | InstalmentFacts | BindingFacts | CardEventFacts


# Names a text needs ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Naming:
    """What codes are called. A code without a title is shown as it is; lint says so before publishing."""

    groups: Mapping[str, Words] = field(default_factory=dict)
    offers: Mapping[str, Words] = field(default_factory=dict)
    segments: Mapping[str, Words] = field(default_factory=dict)

    def of_groups(self, codes: tuple[str, ...]) -> Words:
        return _listed([self.groups.get(code, Words(code, code)) for code in codes])

    def of_offers(self, codes: tuple[str, ...]) -> Words:
        found = [self.offers.get(code, Words(code, code)) for code in codes]
        return _listed([Words(f"「{title.zh}」", f"“{title.en}”") for title in found])

    def of_segments(self, codes: tuple[str, ...]) -> Words:
        return _listed([self.segments.get(code, Words(code, code)) for code in codes])


def _listed(words: list[Words]) -> Words:
    return Words("、".join(word.zh for word in words), " or ".join(word.en for word in words))


NO_NAMES = Naming()


# All of it -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Facts:
    """at: the moment judged by, `local` the same in Shanghai. subject None: asked about the customer alone.

    card: of the subject. anchor: the card whose dates count ("within 30 days of approval": of which card?).
    Conditions that are `anchored` are judged for one anchor together, so that all of them speak of the same card.
    record: what happened in the campaign's present phase before the subject. tallied: (count, fen) the offer counted.
    new_from, new_until: the campaign's warm-up and active phase, in which an approval makes a new customer.
    """

    at: datetime
    local: datetime
    history: History
    subject: Subject | None = None
    card: CardFacts | None = None
    anchor: CardFacts | None = None
    campaign: str = ""
    record: Record | None = None
    tallied: tuple[int, Fen] = (0, 0)
    new_from: datetime | None = None
    new_until: datetime | None = None
    calendar: Calendar = WEEKDAYS_ONLY
    segments: "Mapping[str, tuple[Rule, ...]]" = field(default_factory=dict)
    names: Naming = NO_NAMES

    @property
    def day(self) -> date:
        return self.local.date()


def facts_at(at: datetime, history: History) -> Facts:
    """Facts of the customer alone at `at`; the caller fills in the rest."""
    return Facts(at, at.astimezone(SHANGHAI), history)
