"""Tells events as the bank's card core would: one method a type, with the fields of POST /v1/events.

Ids follow from what the event is about, so that the same story told again has the same ids.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from typing import Any

from domain.kernel.time import SHANGHAI, day_start
from infra.demo.merchants import Merchant, by_token

SOURCE = "urn:demo:card-core"
MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Event:
    """An event before it is put into its envelope. `at`: when it happened, Shanghai time, whole seconds."""

    id: str
    type: str
    at: datetime
    data: dict[str, Any]

    def envelope(self) -> dict[str, Any]:
        """As a CloudEvent."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": SOURCE,
            "type": self.type,
            "time": self.at.isoformat(),
            "data": self.data,
        }


@dataclass(frozen=True, slots=True)
class Card:
    token: str
    customer: str
    product: str


@dataclass(frozen=True, slots=True)
class Purchase:
    transaction: str
    card: Card
    amount: int
    at: datetime


@dataclass(slots=True)
class Teller:
    """Collects the events of one customer.

    `start` is the first active day of the plans. Days are counted back from `end`, 30 days later: `days_ago=1` is the
    last day of the month told.
    """

    customer: str
    start: date
    events: list[Event] = field(default_factory=list)
    _cards: int = 0
    _purchases: int = 0

    @property
    def end(self) -> datetime:
        return day_start(self.start) + MONTH

    def moment(self, days_ago: int, clock: str = "10:00") -> datetime:
        day = self.end.date() - timedelta(days=days_ago)
        return datetime.combine(day, time.fromisoformat(clock), SHANGHAI)

    def last(self, weekday: int, clock: str, *, weeks_ago: int = 0) -> datetime:
        """The last Monday (0) ... Sunday (6) before `end`, or one some weeks earlier."""
        yesterday = self.end.date() - timedelta(days=1)
        day = yesterday - timedelta(days=(yesterday.weekday() - weekday) % 7 + 7 * weeks_ago)
        return datetime.combine(day, time.fromisoformat(clock), SHANGHAI)

    def say(self, type: str, key: str, at: datetime, data: dict[str, Any]) -> None:
        self.events.append(Event(f"{type}:{key}", type, at, data))

    # --- who

    def profile(
        self,
        at: datetime,
        *,
        name: str,
        phone: str,
        birthday: date,
        city: str,
        occupation: str,
        children: int,
        assets_tier: int,
        edition: int = 1,
    ) -> None:
        self.say(
            "customer.updated",
            f"{self.customer}:{edition}",
            at,
            {
                "customer": self.customer,
                "name": name,
                "phone": phone,
                "birthday": birthday.isoformat(),
                "person": person_hash(self.customer),
                "city": city,
                "occupation": occupation,
                "children": children,
                "assetsTier": assets_tier,
            },
        )

    # --- cards

    def card(
        self,
        product: str,
        approved: datetime,
        *,
        new: bool,
        channel: str = "BRANCH",
        flyer: str | None = None,
        applied: datetime | None = None,
        known_when_applying: bool = True,
    ) -> Card:
        """An approved card, with its application before it where `applied` is given."""
        self._cards += 1
        card = Card(f"card-{self.customer}-{self._cards}", self.customer, product)
        more = {"flyer": flyer} if flyer else {}
        if applied:
            who = {"customer": self.customer} if known_when_applying else {}
            application = f"application-{self.customer}-{self._cards}"
            self.say(
                "card.applied",
                application,
                applied,
                {"application": application, "product": product, "channel": channel, **who, **more},
            )
        last4 = f"{int(sha256(card.token.encode()).hexdigest()[:8], 16) % 10_000:04d}"
        self.say(
            "card.approved",
            card.token,
            approved,
            {
                "card": card.token,
                "customer": self.customer,
                "product": product,
                "newCustomer": new,
                "channel": channel,
                "last4": last4,
                **more,
            },
        )
        return card

    def activates(self, card: Card, at: datetime) -> None:
        self.say("card.activated", card.token, at, {"card": card.token, "customer": self.customer})

    def closes(self, card: Card, at: datetime) -> None:
        self.say("card.closed", card.token, at, {"card": card.token, "customer": self.customer})

    def binds(self, card: Card, provider: str, at: datetime) -> None:
        self._wallet("wallet.bound", card, provider, at)

    def unbinds(self, card: Card, provider: str, at: datetime) -> None:
        self._wallet("wallet.unbound", card, provider, at)

    def _wallet(self, type: str, card: Card, provider: str, at: datetime) -> None:
        self.say(
            type,
            f"{card.token}:{provider}:{at:%Y%m%d%H%M%S}",
            at,
            {"card": card.token, "customer": self.customer, "provider": provider},
        )

    # --- money

    def buys(
        self,
        card: Card,
        fen: int,
        merchant: Merchant | str,
        at: datetime,
        *,
        channel: str = "POS",
        method: str = "CARD",
        country: str = "CN",
        currency: str = "CNY",
    ) -> Purchase:
        self._purchases += 1
        place = by_token(merchant) if isinstance(merchant, str) else merchant
        purchase = Purchase(f"txn-{self.customer}-{self._purchases:04d}", card, fen, at)
        self.say(
            "transaction.posted",
            purchase.transaction,
            at,
            {
                "transaction": purchase.transaction,
                "card": card.token,
                "customer": self.customer,
                "amount": fen,
                "currency": currency,
                "merchant": place.token,
                "mcc": place.mcc,
                "channel": channel,
                "paymentMethod": method,
                "country": country,
            },
        )
        return purchase

    def refunds(self, purchase: Purchase, fen: int, at: datetime, *, part: int = 1) -> None:
        refund = f"refund-{purchase.transaction}-{part}"
        data = {"refund": refund, "transaction": purchase.transaction, "amount": fen}
        self.say("transaction.refunded", refund, at, data)

    def instalment(
        self, card: Card, principal: int, at: datetime, *, periods: int, fee: int, kind: str = "BILL", number: int = 1
    ) -> str:
        instalment = f"instalment-{self.customer}-{number}"
        self.say(
            "instalment.created",
            instalment,
            at,
            {
                "instalment": instalment,
                "card": card.token,
                "customer": self.customer,
                "principal": principal,
                "periods": periods,
                "fee": fee,
                "kind": kind,
            },
        )
        return instalment

    def cancels(self, instalment: str, at: datetime) -> None:
        self.say("instalment.cancelled", instalment, at, {"instalment": instalment})


def person_hash(customer: str) -> str:
    """Stands for the hash of an identity document; there is no document."""
    return sha256(f"demo person {customer}".encode()).hexdigest()


def phone(number: int) -> str:
    """A phone number that nobody has: 154 is a prefix that was never opened. `number` below 100 million."""
    return f"154{number:08d}"
