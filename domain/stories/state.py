"""What the fold remembers of a customer: everything later events can still make a difference to, and nothing more.

Its size depends on how many cards, groups and offers there are, never on how many purchases. As plain data it is lists,
dicts, texts, whole numbers and moments, which are ISO texts after a journey through JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.campaigns.facts import CardFacts, First, History, Profile, Record
from domain.campaigns.terms import ApplicationChannel, BindingProvider, InstalmentKind, Phase, Product
from domain.kernel.money import Fen
from domain.stories.events import SortKey

# By value: a lookup, where calling the enum would cost as much as all the rest of a field.
_PRODUCTS = {each.value: each for each in Product}
_CHANNELS = {each.value: each for each in ApplicationChannel}
_PROVIDERS = {each.value: each for each in BindingProvider}
_PHASES = {each.value: each for each in Phase}
_INSTALMENTS = {each.value: each for each in InstalmentKind}

_moment = datetime.fromisoformat


@dataclass(slots=True)
class Tallied:
    """What an offer has counted in the period it is in."""

    period: str
    count: int = 0
    amount: Fen = 0


@dataclass(slots=True)
class Application:
    """The latest application of this customer that no approval has answered yet."""

    product: Product
    flyer: str | None


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

    def to_plain(self) -> dict[str, Any]:
        """Plain data for orjson, which spells moments by itself; empty parts are left out."""
        profile, upto, application = self.profile, self.upto, self.application
        plain = {
            "profile": profile
            and [
                profile.birth_month,
                profile.birth_day,
                profile.person,
                profile.city,
                profile.occupation,
                profile.children,
                profile.assets_tier,
            ],
            "cards": [
                [
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
                    _first_to(card.first_since_approval),
                    _first_to(card.first_since_activation),
                ]
                for card in self.cards.values()
            ],
            "bindings": [[card, provider, at] for (card, provider), at in self.bindings.items()],
            "lastPurchaseAt": self.last_purchase_at,
            "atGroups": self.at_groups,
            "reached": self.reached,
            "records": {
                campaign: {
                    phase._value_: [  # `value` takes a detour through Python
                        found.purchases,
                        found.spend,
                        {kind._value_: count for kind, count in found.instalments.items()},
                    ]
                    for phase, found in phases.items()
                }
                for campaign, phases in self.records.items()
            },
            "missed": sorted(self.missed),
            "upto": upto,
            "versions": self.versions,
            "application": application and [application.product, application.flyer],
            "tallies": [[*key, found.period, found.count, found.amount] for key, found in self.tallies.items()],
            "ordinals": [[*key, *found] for key, found in self.ordinals.items()],
        }
        return {name: value for name, value in plain.items() if value}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "StoryState":
        """The state whose `to_plain` this was, after its journey through JSON."""
        get = plain.get
        profile, upto, application = get("profile"), get("upto"), get("application")
        return cls(
            profile and Profile(*profile),
            {
                row[0]: CardFacts(
                    row[0],
                    row[1] and _PRODUCTS[row[1]],
                    row[2],
                    row[3] and _CHANNELS[row[3]],
                    row[4],
                    row[5],
                    row[6] and _moment(row[6]),
                    row[7] and _moment(row[7]),
                    row[8] and _moment(row[8]),
                    row[9] and _moment(row[9]),
                    _first_from(row[10]),
                    _first_from(row[11]),
                )
                for row in get("cards", ())
            },
            {(card, _PROVIDERS[provider]): _moment(at) for card, provider, at in get("bindings", ())},
            _moment(last) if (last := get("lastPurchaseAt")) else None,
            {group: _moment(at) for group, at in get("atGroups", {}).items()},
            {offer: _moment(at) for offer, at in get("reached", {}).items()},
            {
                campaign: {
                    _PHASES[phase]: Record(row[0], row[1], {_INSTALMENTS[kind]: n for kind, n in row[2].items()})
                    for phase, row in phases.items()
                }
                for campaign, phases in get("records", {}).items()
            },
            frozenset(get("missed", ())),
            upto and (_moment(upto[0]), upto[1], upto[2], upto[3], upto[4]),
            dict(get("versions", {})),
            application and Application(_PRODUCTS[application[0]], application[1]),
            {(row[0], row[1]): Tallied(row[2], row[3], row[4]) for row in get("tallies", ())},
            {(row[0], row[1], row[2]): (row[3], row[4]) for row in get("ordinals", ())},
        )


def _first_to(first: First | None) -> list[Any] | None:
    return None if first is None else [first.transaction, first.amount, first.at]


def _first_from(row: list[Any] | None) -> First | None:
    return None if row is None else First(row[0], row[1], _moment(row[2]))
