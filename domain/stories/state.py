"""What the fold remembers of a customer: everything later events can still make a difference to, and nothing more.

Its size depends on how many cards, groups and offers there are, never on how many purchases. `Plain` says
how it is kept.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeAlias, TypedDict

from domain.campaigns.facts import CardFacts, First, History, Profile, Record
from domain.campaigns.terms import ApplicationChannel, BindingProvider, InstalmentKind, Phase, Product
from domain.kernel.money import Fen
from domain.stories.events import SortKey


@dataclass(slots=True)
class Tallied:
    """What an offer has counted in the period it is in."""

    period: str
    count: int = 0
    amount: Fen = 0


class Application(NamedTuple):
    """The latest application of this customer that no approval has answered yet."""

    product: Product
    flyer: str | None


_Card: TypeAlias = tuple[
    str, Product | None, bool, ApplicationChannel | None, str | None, str,
    datetime | None, datetime | None, datetime | None, datetime | None, First | None, First | None,
]  # fmt: skip
"""The fields of `CardFacts`, in their order."""


class Plain(TypedDict, total=False):
    """A state as plain data: what it looks like as JSON, where tuples are lists, and moments and enums are texts.

    cards, bindings, tallies and ordinals are rows, the key's parts first: JSON has no keys of several parts.
    """

    profile: Profile
    cards: list[_Card]
    bindings: list[tuple[str, BindingProvider, datetime]]
    lastPurchaseAt: datetime
    atGroups: dict[str, datetime]
    reached: dict[str, datetime]
    records: dict[str, dict[Phase, tuple[int, Fen, dict[InstalmentKind, int]]]]
    missed: list[str]
    upto: SortKey
    versions: dict[str, int]
    application: Application
    tallies: list[tuple[str, str, str, int, Fen]]
    ordinals: list[tuple[str, str, str, str, int]]


@dataclass(slots=True)
class StoryState(History):
    """upto: the place of the last event folded; None before the first. versions: campaign -> newest version known.

    tallies: (offer, anchor card or '') -> what was counted. ordinals: (offer, period kind, card or '') -> the present
    period and how many were given in it.
    `missed` is no outcome of the fold: whoever commits what it earned writes it down, and the next fold goes by it.
    """

    upto: SortKey | None = None
    versions: dict[str, int] = field(default_factory=dict)
    application: Application | None = None
    tallies: dict[tuple[str, str], Tallied] = field(default_factory=dict)
    ordinals: dict[tuple[str, str, str], tuple[str, int]] = field(default_factory=dict)

    def copy(self) -> "StoryState":
        """One that can be folded on without changing this."""
        return StoryState(
            self.profile,  # replaced, never changed
            {
                token: CardFacts(
                    card.card,
                    card.product,
                    card.new_customer,
                    card.channel,
                    card.flyer,
                    card.last4,
                    card.approved_at,
                    card.activated_at,
                    card.closed_at,
                    card.quiet_since,
                    card.first_since_approval,
                    card.first_since_activation,
                )
                for token, card in self.cards.items()
            },
            dict(self.bindings),
            self.last_purchase_at,
            dict(self.at_groups),
            dict(self.reached),
            {
                campaign: {
                    phase: Record(found.purchases, found.spend, dict(found.instalments))
                    for phase, found in phases.items()
                }
                for campaign, phases in self.records.items()
            },
            self.missed,
            self.upto,
            dict(self.versions),
            self.application,
            {key: Tallied(found.period, found.count, found.amount) for key, found in self.tallies.items()},
            dict(self.ordinals),
        )

    def to_plain(self) -> Plain:
        """Empty parts are left out. Shares its parts with this state: it is for spelling, at once."""
        plain = Plain()
        if self.profile is not None:
            plain["profile"] = self.profile
        if self.cards:
            plain["cards"] = [
                (
                    card.card,
                    card.product,
                    card.new_customer,
                    card.channel,
                    card.flyer,
                    card.last4,
                    card.approved_at,
                    card.activated_at,
                    card.closed_at,
                    card.quiet_since,
                    card.first_since_approval,
                    card.first_since_activation,
                )
                for card in self.cards.values()
            ]
        if self.bindings:
            plain["bindings"] = [(card, provider, at) for (card, provider), at in self.bindings.items()]
        if self.last_purchase_at is not None:
            plain["lastPurchaseAt"] = self.last_purchase_at
        if self.at_groups:
            plain["atGroups"] = self.at_groups
        if self.reached:
            plain["reached"] = self.reached
        if self.records:
            plain["records"] = {
                campaign: {phase: (found.purchases, found.spend, found.instalments) for phase, found in phases.items()}
                for campaign, phases in self.records.items()
            }
        if self.missed:
            plain["missed"] = sorted(self.missed)
        if self.upto is not None:
            plain["upto"] = self.upto
        if self.versions:
            plain["versions"] = self.versions
        if self.application is not None:
            plain["application"] = self.application
        if self.tallies:
            plain["tallies"] = [
                (offer, anchor, found.period, found.count, found.amount)
                for (offer, anchor), found in self.tallies.items()
            ]
        if self.ordinals:
            plain["ordinals"] = [(*key, *found) for key, found in self.ordinals.items()]
        return plain

    @classmethod
    def from_plain(cls, plain: Plain) -> "StoryState":
        """The state whose `to_plain` this was, after its journey through JSON. Takes over the parts of `plain`."""
        cards: dict[str, CardFacts] = {}
        bindings: dict[tuple[str, BindingProvider], datetime] = {}
        records: dict[str, dict[Phase, Record]] = {}
        tallies: dict[tuple[str, str], Tallied] = {}
        ordinals: dict[tuple[str, str, str], tuple[str, int]] = {}
        # Loops, not comprehensions: most are over nothing, and a comprehension is a call.
        for row in plain.get("cards", ()):
            cards[row[0]] = CardFacts(*row)
        for card, provider, at in plain.get("bindings", ()):
            bindings[card, provider] = at
        for campaign, phases in plain.get("records", {}).items():
            kept = records[campaign] = {}
            for phase, figures in phases.items():
                kept[phase] = Record(*figures)
        for offer, anchor, period, count, amount in plain.get("tallies", ()):
            tallies[offer, anchor] = Tallied(period, count, amount)
        for offer, kind, whose, period, count in plain.get("ordinals", ()):
            ordinals[offer, kind, whose] = (period, count)
        return cls(
            plain.get("profile"),
            cards,
            bindings,
            plain.get("lastPurchaseAt"),
            plain.get("atGroups") or {},
            plain.get("reached") or {},
            records,
            frozenset(plain.get("missed", ())),
            plain.get("upto"),
            plain.get("versions") or {},
            plain.get("application"),
            tallies,
            ordinals,
        )
