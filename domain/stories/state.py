"""What the fold remembers of a customer: everything later events can still make a difference to, and nothing more.

Its size depends on how many cards, groups and offers there are, never on how many purchases. As plain data it is lists,
dicts, texts and whole numbers, moments being microseconds since 1970.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.campaigns.facts import CardFacts, First, History, Profile, Record
from domain.campaigns.terms import ApplicationChannel, BindingProvider, InstalmentKind, Phase, Product
from domain.kernel.money import Fen
from domain.stories.events import SortKey

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


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
        """JSON-able; empty parts are left out."""
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
                    _to(card.approved_at),
                    _to(card.activated_at),
                    _to(card.closed_at),
                    _to(card.quiet_since),
                    _first_to(card.first_since_approval),
                    _first_to(card.first_since_activation),
                ]
                for card in self.cards.values()
            ],
            "bindings": [[card, provider, _to(at)] for (card, provider), at in self.bindings.items()],
            "lastPurchaseAt": _to(self.last_purchase_at),
            "atGroups": {group: _to(at) for group, at in self.at_groups.items()},
            "reached": {offer: _to(at) for offer, at in self.reached.items()},
            "records": {
                campaign: {
                    phase.value: [
                        found.purchases,
                        found.spend,
                        {kind.value: count for kind, count in found.instalments.items()},
                    ]
                    for phase, found in phases.items()
                }
                for campaign, phases in self.records.items()
            },
            "missed": sorted(self.missed),
            "upto": upto and [_to(upto[0]), *upto[1:]],
            "versions": self.versions,
            "application": application and [application.product, application.flyer],
            "tallies": [[*key, found.period, found.count, found.amount] for key, found in self.tallies.items()],
            "ordinals": [[*key, *found] for key, found in self.ordinals.items()],
        }
        return {name: value for name, value in plain.items() if value}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "StoryState":
        """The state whose `to_plain` this was, also after a journey through JSON."""
        get = plain.get
        profile, upto, application = get("profile"), get("upto"), get("application")
        return cls(
            profile and Profile(*profile),
            {
                row[0]: CardFacts(
                    row[0],
                    row[1] and Product(row[1]),
                    row[2],
                    row[3] and ApplicationChannel(row[3]),
                    row[4],
                    row[5],
                    _from(row[6]),
                    _from(row[7]),
                    _from(row[8]),
                    _from(row[9]),
                    _first_from(row[10]),
                    _first_from(row[11]),
                )
                for row in get("cards", ())
            },
            {(card, BindingProvider(provider)): _moment(at) for card, provider, at in get("bindings", ())},
            _from(get("lastPurchaseAt")),
            {group: _moment(at) for group, at in get("atGroups", {}).items()},
            {offer: _moment(at) for offer, at in get("reached", {}).items()},
            {
                campaign: {
                    Phase(phase): Record(row[0], row[1], {InstalmentKind(kind): n for kind, n in row[2].items()})
                    for phase, row in phases.items()
                }
                for campaign, phases in get("records", {}).items()
            },
            frozenset(get("missed", ())),
            upto and (_moment(upto[0]), upto[1], upto[2], upto[3], upto[4]),
            dict(get("versions", {})),
            application and Application(Product(application[0]), application[1]),
            {(row[0], row[1]): Tallied(row[2], row[3], row[4]) for row in get("tallies", ())},
            {(row[0], row[1], row[2]): (row[3], row[4]) for row in get("ordinals", ())},
        )


def _to(at: datetime | None) -> int | None:
    return None if at is None else (at - _EPOCH) // _MICROSECOND


def _moment(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


def _from(value: int | None) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(microseconds=value)


def _first_to(first: First | None) -> list[Any] | None:
    return None if first is None else [first.transaction, first.amount, _to(first.at)]


def _first_from(row: list[Any] | None) -> First | None:
    return None if row is None else First(row[0], row[1], _moment(row[2]))
