"""The bank's events, checked field by field, in the order in which a story is told.

Source: the contract's table of event types. Unknown keys are tolerated and dropped (the bank may add some), `null` is
the same as absent. Quick on purpose: the door checks a thousand of them a request.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from operator import attrgetter, eq
from typing import Any, ClassVar, TypeAlias, TypeVar

from domain.campaigns.terms import (
    ApplicationChannel,
    BindingProvider,
    InstalmentKind,
    PaymentMethod,
    Product,
    SalesChannel,
)
from domain.kernel.money import Fen
from domain.stories.countries import COUNTRIES

LARGEST = 10**14
"""Fen; a million million yuan. Anything above is a mistake, and would not fit where amounts are multiplied."""


class EventInvalid(Exception):
    """The event's data does not fit its type. `detail` says which field and what was expected."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class MerchantStatus(StrEnum):
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    TERMINATED = "TERMINATED"


# The events ------------------------------------------------------------------------------------------------------
# at: when it happened, in UTC. (source, id): its own name. rank, key: its place among events of the same moment.


@dataclass(frozen=True, slots=True)
class CustomerUpdated:
    """birthday, name and phone are empty in an event kept for the fold, which needs only the day of the year."""

    type: ClassVar[str] = "customer.updated"
    rank: ClassVar[int] = 0

    at: datetime
    source: str
    id: str
    customer: str
    birth_month: int
    birth_day: int
    person: str
    city: str | None = None
    occupation: str | None = None
    children: int | None = None
    assets_tier: int | None = None
    name: str = ""
    phone: str = ""
    birthday: date | None = None

    @property
    def key(self) -> str:
        return self.customer


@dataclass(frozen=True, slots=True)
class CardApplied:
    type: ClassVar[str] = "card.applied"
    rank: ClassVar[int] = 1

    at: datetime
    source: str
    id: str
    application: str
    customer: str | None
    product: Product
    channel: ApplicationChannel
    flyer: str | None = None

    @property
    def key(self) -> str:
        return self.application


@dataclass(frozen=True, slots=True)
class CardApproved:
    type: ClassVar[str] = "card.approved"
    rank: ClassVar[int] = 2

    at: datetime
    source: str
    id: str
    card: str
    customer: str
    product: Product
    new_customer: bool
    channel: ApplicationChannel
    last4: str
    flyer: str | None = None

    @property
    def key(self) -> str:
        return self.card


@dataclass(frozen=True, slots=True)
class CardActivated:
    type: ClassVar[str] = "card.activated"
    rank: ClassVar[int] = 3

    at: datetime
    source: str
    id: str
    card: str
    customer: str

    @property
    def key(self) -> str:
        return self.card


@dataclass(frozen=True, slots=True)
class WalletBound:
    type: ClassVar[str] = "wallet.bound"
    rank: ClassVar[int] = 4

    at: datetime
    source: str
    id: str
    card: str
    customer: str
    provider: BindingProvider

    @property
    def key(self) -> str:
        return f"{self.card}|{self.provider}"


@dataclass(slots=True)
class TransactionPosted:
    """Not frozen, only because nearly all events are this one: making one costs a quarter of a frozen one's."""

    type: ClassVar[str] = "transaction.posted"
    rank: ClassVar[int] = 5

    at: datetime
    source: str
    id: str
    transaction: str
    card: str
    customer: str
    amount: Fen
    currency: str
    merchant: str
    channel: SalesChannel
    method: PaymentMethod
    country: str
    mcc: str | None = None
    redemption: str | None = None

    @property
    def key(self) -> str:
        return self.transaction


@dataclass(frozen=True, slots=True)
class InstalmentCreated:
    type: ClassVar[str] = "instalment.created"
    rank: ClassVar[int] = 6

    at: datetime
    source: str
    id: str
    instalment: str
    card: str
    customer: str
    principal: Fen
    periods: int
    fee: Fen
    kind: InstalmentKind

    @property
    def key(self) -> str:
        return self.instalment


@dataclass(frozen=True, slots=True)
class TransactionRefunded:
    type: ClassVar[str] = "transaction.refunded"
    rank: ClassVar[int] = 7

    at: datetime
    source: str
    id: str
    refund: str
    transaction: str
    amount: Fen

    @property
    def key(self) -> str:
        return self.refund


@dataclass(frozen=True, slots=True)
class InstalmentCancelled:
    type: ClassVar[str] = "instalment.cancelled"
    rank: ClassVar[int] = 7

    at: datetime
    source: str
    id: str
    instalment: str

    @property
    def key(self) -> str:
        return self.instalment


@dataclass(frozen=True, slots=True)
class WalletUnbound:
    type: ClassVar[str] = "wallet.unbound"
    rank: ClassVar[int] = 8

    at: datetime
    source: str
    id: str
    card: str
    customer: str
    provider: BindingProvider

    @property
    def key(self) -> str:
        return f"{self.card}|{self.provider}"


@dataclass(frozen=True, slots=True)
class CardClosed:
    type: ClassVar[str] = "card.closed"
    rank: ClassVar[int] = 9

    at: datetime
    source: str
    id: str
    card: str
    customer: str

    @property
    def key(self) -> str:
        return self.card


@dataclass(frozen=True, slots=True)
class MerchantUpdated:
    """Belongs to no customer's story."""

    type: ClassVar[str] = "merchant.updated"
    rank: ClassVar[int] = 0

    at: datetime
    source: str
    id: str
    merchant: str
    name: str
    groups: tuple[str, ...]
    status: MerchantStatus
    mcc: str | None = None
    city: str | None = None

    @property
    def key(self) -> str:
        return self.merchant


StoryEvent: TypeAlias = (
    CustomerUpdated
    | CardApplied
    | CardApproved
    | CardActivated
    | WalletBound
    | TransactionPosted
    | InstalmentCreated
    | TransactionRefunded
    | InstalmentCancelled
    | WalletUnbound
    | CardClosed
    | MerchantUpdated
)

SortKey: TypeAlias = tuple[datetime, int, str, str, str]
_AT = attrgetter("at")


def sort_key(event: StoryEvent) -> SortKey:
    """The order of a story: by moment, then what must be known first, then the natural key as text."""
    return (event.at, event.rank, event.key, event.source, event.id)


def in_order(events: Iterable[StoryEvent]) -> list[StoryEvent]:
    """The events as a story is told. Only those of equal moments are compared by more than their moment."""
    told = sorted(events, key=_AT)
    if len(told) < 2:
        return told
    moments = [event.at for event in told]
    if any(map(eq, moments, moments[1:])):
        told.sort(key=sort_key)
    return told


def customer_of(event: StoryEvent) -> str | None:
    """Whose story the event says it belongs to; None where it names another thing (a refund: its transaction)."""
    match event:
        case TransactionRefunded() | InstalmentCancelled() | MerchantUpdated():
            return None
        case _:
            return event.customer


# Reading ---------------------------------------------------------------------------------------------------------
# Tokens become parts of account keys and of PostgreSQL text: no quotes, braces, control characters, lone surrogates.

_TOKEN = re.compile('[^"\\\\{}\x00-\x1f\x7f\ud800-\udfff]{1,64}').fullmatch
_TEXT = re.compile("[^\x00-\x1f\x7f\ud800-\udfff]{1,200}").fullmatch
_DIGITS4 = re.compile("[0-9]{4}").fullmatch
_CURRENCY = re.compile("[A-Z]{3}").fullmatch
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch

_E = TypeVar("_E", bound=StrEnum)
_Data: TypeAlias = Mapping[str, Any]


def _missing(field: str) -> EventInvalid:
    return EventInvalid(f"data.{field} is missing")


def _token(data: _Data, field: str) -> str:
    value = data.get(field)
    if type(value) is str and _TOKEN(value):
        return value
    if value is None:
        raise _missing(field)
    raise EventInvalid(
        f"data.{field} must be a text of 1 to 64 characters without quotes, \\, {{}} or control characters"
    )


def _maybe_token(data: _Data, field: str) -> str | None:
    return None if data.get(field) is None else _token(data, field)


def _text(data: _Data, field: str) -> str:
    value = data.get(field)
    if type(value) is str and _TEXT(value):
        return value
    if value is None:
        raise _missing(field)
    raise EventInvalid(f"data.{field} must be a text of 1 to 200 characters without control characters")


def _maybe_text(data: _Data, field: str) -> str | None:
    return None if data.get(field) is None else _text(data, field)


def _whole(data: _Data, field: str, least: int, most: int) -> int:
    value = data.get(field)
    if type(value) is int and least <= value <= most:  # a bool is not an int here
        return value
    if value is None:
        raise _missing(field)
    raise EventInvalid(f"data.{field} must be a whole number from {least} to {most}")


def _maybe_whole(data: _Data, field: str, least: int, most: int) -> int | None:
    return None if data.get(field) is None else _whole(data, field, least, most)


def _amount(data: _Data, field: str) -> Fen:
    return _whole(data, field, 1, LARGEST)


def _flag(data: _Data, field: str) -> bool:
    value = data.get(field)
    if type(value) is bool:
        return value
    if value is None:
        raise _missing(field)
    raise EventInvalid(f"data.{field} must be true or false")


def _one_of(data: _Data, field: str, values: Mapping[str, _E]) -> _E:
    value = data.get(field)
    if type(value) is str:
        found = values.get(value)
        if found is not None:
            return found
    if value is None:
        raise _missing(field)
    raise EventInvalid(f"data.{field} must be one of {', '.join(values)}")


def _matching(data: _Data, field: str, matches: Callable[[str], object], expected: str) -> str:
    value = data.get(field)
    if type(value) is str and matches(value):
        return value
    if value is None:
        raise _missing(field)
    raise EventInvalid(f"data.{field} must be {expected}")


def _mcc(data: _Data) -> str | None:
    return None if data.get("mcc") is None else _matching(data, "mcc", _DIGITS4, "a text of 4 digits")


_PRODUCTS = {value.value: value for value in Product}
_APPLICATION_CHANNELS = {value.value: value for value in ApplicationChannel}
_SALES_CHANNELS = {value.value: value for value in SalesChannel}
_METHODS = {value.value: value for value in PaymentMethod}
_PROVIDERS = {value.value: value for value in BindingProvider}
_INSTALMENTS = {value.value: value for value in InstalmentKind}
_STATUSES = {value.value: value for value in MerchantStatus}


def _customer_updated(at: datetime, source: str, id: str, data: _Data) -> CustomerUpdated:
    written = _matching(data, "birthday", _DAY, "a day written YYYY-MM-DD")
    try:
        birthday = date.fromisoformat(written)
    except ValueError:
        raise EventInvalid("data.birthday must be a day written YYYY-MM-DD") from None
    return CustomerUpdated(
        at=at,
        source=source,
        id=id,
        customer=_token(data, "customer"),
        birth_month=birthday.month,
        birth_day=birthday.day,
        person=_matching(
            data, "person", lambda value: len(value) <= 128 and _TEXT(value), "a text of 1 to 128 characters"
        ),
        city=_maybe_text(data, "city"),
        occupation=_maybe_token(data, "occupation"),
        children=_maybe_whole(data, "children", 0, 99),
        assets_tier=_maybe_whole(data, "assetsTier", 0, 9),
        name=_text(data, "name"),
        phone=_token(data, "phone"),
        birthday=birthday,
    )


def _card_applied(at: datetime, source: str, id: str, data: _Data) -> CardApplied:
    return CardApplied(
        at,
        source,
        id,
        _token(data, "application"),
        _maybe_token(data, "customer"),
        _one_of(data, "product", _PRODUCTS),
        _one_of(data, "channel", _APPLICATION_CHANNELS),
        _maybe_token(data, "flyer"),
    )


def _card_approved(at: datetime, source: str, id: str, data: _Data) -> CardApproved:
    return CardApproved(
        at,
        source,
        id,
        _token(data, "card"),
        _token(data, "customer"),
        _one_of(data, "product", _PRODUCTS),
        _flag(data, "newCustomer"),
        _one_of(data, "channel", _APPLICATION_CHANNELS),
        _matching(data, "last4", _DIGITS4, "a text of 4 digits"),
        _maybe_token(data, "flyer"),
    )


def _card_activated(at: datetime, source: str, id: str, data: _Data) -> CardActivated:
    return CardActivated(at, source, id, _token(data, "card"), _token(data, "customer"))


def _card_closed(at: datetime, source: str, id: str, data: _Data) -> CardClosed:
    return CardClosed(at, source, id, _token(data, "card"), _token(data, "customer"))


def _wallet_bound(at: datetime, source: str, id: str, data: _Data) -> WalletBound:
    provider = _one_of(data, "provider", _PROVIDERS)
    return WalletBound(at, source, id, _token(data, "card"), _token(data, "customer"), provider)


def _wallet_unbound(at: datetime, source: str, id: str, data: _Data) -> WalletUnbound:
    provider = _one_of(data, "provider", _PROVIDERS)
    return WalletUnbound(at, source, id, _token(data, "card"), _token(data, "customer"), provider)


def _transaction_posted(at: datetime, source: str, id: str, data: _Data) -> TransactionPosted:
    return TransactionPosted(
        at,
        source,
        id,
        _token(data, "transaction"),
        _token(data, "card"),
        _token(data, "customer"),
        _whole(data, "amount", 1, LARGEST),
        _matching(data, "currency", _CURRENCY, "an ISO 4217 code of 3 capital letters"),
        _token(data, "merchant"),
        _one_of(data, "channel", _SALES_CHANNELS),
        _one_of(data, "paymentMethod", _METHODS),
        _matching(data, "country", COUNTRIES.__contains__, "an ISO 3166 alpha-2 code"),
        _mcc(data),
        _maybe_token(data, "redemption"),
    )


def _transaction_refunded(at: datetime, source: str, id: str, data: _Data) -> TransactionRefunded:
    return TransactionRefunded(
        at, source, id, _token(data, "refund"), _token(data, "transaction"), _amount(data, "amount")
    )


def _instalment_created(at: datetime, source: str, id: str, data: _Data) -> InstalmentCreated:
    return InstalmentCreated(
        at,
        source,
        id,
        _token(data, "instalment"),
        _token(data, "card"),
        _token(data, "customer"),
        _amount(data, "principal"),
        _whole(data, "periods", 1, 600),
        _whole(data, "fee", 0, LARGEST),
        _one_of(data, "kind", _INSTALMENTS),
    )


def _instalment_cancelled(at: datetime, source: str, id: str, data: _Data) -> InstalmentCancelled:
    return InstalmentCancelled(at, source, id, _token(data, "instalment"))


def _merchant_updated(at: datetime, source: str, id: str, data: _Data) -> MerchantUpdated:
    groups = data.get("groups")
    if groups is None:
        raise _missing("groups")
    if type(groups) is not list or len(groups) > 64 or not all(type(code) is str and _TOKEN(code) for code in groups):
        raise EventInvalid("data.groups must be a list of at most 64 texts of 1 to 64 characters")
    return MerchantUpdated(
        at,
        source,
        id,
        _token(data, "merchant"),
        _text(data, "name"),
        tuple(dict.fromkeys(groups)),
        _one_of(data, "status", _STATUSES),
        _mcc(data),
        _maybe_text(data, "city"),
    )


_READERS: dict[str, Callable[[datetime, str, str, _Data], StoryEvent]] = {
    "customer.updated": _customer_updated,
    "card.applied": _card_applied,
    "card.approved": _card_approved,
    "card.activated": _card_activated,
    "card.closed": _card_closed,
    "wallet.bound": _wallet_bound,
    "wallet.unbound": _wallet_unbound,
    "transaction.posted": _transaction_posted,
    "transaction.refunded": _transaction_refunded,
    "instalment.created": _instalment_created,
    "instalment.cancelled": _instalment_cancelled,
    "merchant.updated": _merchant_updated,
}
EVENT_TYPES = frozenset(_READERS)


def read_event(type: str, at: datetime, source: str, id: str, data: object) -> StoryEvent:
    """The event that these parts of a CloudEvent make.

    Raises:
        EventInvalid: unknown type, a naive moment, or data that does not fit the type.
    """
    reader = _READERS.get(type)
    if reader is None:
        raise EventInvalid(f"type must be one of {', '.join(sorted(EVENT_TYPES))}")
    if not isinstance(data, dict):
        raise EventInvalid("data must be an object")
    if at.tzinfo is not UTC:
        if at.tzinfo is None:
            raise EventInvalid("time must carry an offset")
        try:
            at = at.astimezone(UTC)
        except OverflowError:
            raise EventInvalid("time is out of range") from None
    return reader(at, source, id, data)


# Keeping ---------------------------------------------------------------------------------------------------------


def kept_data(event: StoryEvent) -> dict[str, Any]:
    """What of the event's data is kept for the fold, as plain JSON: no name, phone or year of birth.

    `kept_event` makes the event again from it.
    """
    if isinstance(event, CustomerUpdated):
        kept: dict[str, Any] = {
            "customer": event.customer,
            "birthMonth": event.birth_month,
            "birthDay": event.birth_day,
            "person": event.person,
            "city": event.city,
            "occupation": event.occupation,
            "children": event.children,
            "assetsTier": event.assets_tier,
        }
    else:
        # Keyed as the fields are called; the readers of the door are not asked again.
        kept = {name: getattr(event, name) for name in event.__slots__ if name not in ("at", "source", "id")}
    return {name: value for name, value in kept.items() if value is not None}


def kept_event(type: str, at: datetime, source: str, id: str, data: _Data) -> StoryEvent:
    """The event whose `kept_data` was `data`, without checking it again."""
    at = at.astimezone(UTC)
    get = data.get
    match type:
        case "transaction.posted":
            return TransactionPosted(
                at,
                source,
                id,
                data["transaction"],
                data["card"],
                data["customer"],
                data["amount"],
                data["currency"],
                data["merchant"],
                _SALES_CHANNELS[data["channel"]],
                _METHODS[data["method"]],
                data["country"],
                get("mcc"),
                get("redemption"),
            )
        case "transaction.refunded":
            return TransactionRefunded(at, source, id, data["refund"], data["transaction"], data["amount"])
        case "customer.updated":
            return CustomerUpdated(
                at,
                source,
                id,
                data["customer"],
                data["birthMonth"],
                data["birthDay"],
                data["person"],
                get("city"),
                get("occupation"),
                get("children"),
                get("assetsTier"),
            )
        case "card.applied":
            return CardApplied(
                at,
                source,
                id,
                data["application"],
                get("customer"),
                _PRODUCTS[data["product"]],
                _APPLICATION_CHANNELS[data["channel"]],
                get("flyer"),
            )
        case "card.approved":
            return CardApproved(
                at,
                source,
                id,
                data["card"],
                data["customer"],
                _PRODUCTS[data["product"]],
                data["new_customer"],
                _APPLICATION_CHANNELS[data["channel"]],
                data["last4"],
                get("flyer"),
            )
        case "card.activated":
            return CardActivated(at, source, id, data["card"], data["customer"])
        case "card.closed":
            return CardClosed(at, source, id, data["card"], data["customer"])
        case "wallet.bound":
            return WalletBound(at, source, id, data["card"], data["customer"], _PROVIDERS[data["provider"]])
        case "wallet.unbound":
            return WalletUnbound(at, source, id, data["card"], data["customer"], _PROVIDERS[data["provider"]])
        case "instalment.created":
            return InstalmentCreated(
                at,
                source,
                id,
                data["instalment"],
                data["card"],
                data["customer"],
                data["principal"],
                data["periods"],
                data["fee"],
                _INSTALMENTS[data["kind"]],
            )
        case "instalment.cancelled":
            return InstalmentCancelled(at, source, id, data["instalment"])
        case "merchant.updated":
            return MerchantUpdated(
                at,
                source,
                id,
                data["merchant"],
                data["name"],
                tuple(data["groups"]),
                _STATUSES[data["status"]],
                get("mcc"),
                get("city"),
            )
        case _:
            raise ValueError(f"no such kind of event: {type}")
