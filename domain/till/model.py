"""The till's words: a payment, the lines of a discount, a quote, a redemption, and what a call was answered.

Amounts are fen, moments aware. Source: contract section 4. Nothing here is altered once made; what every payment makes
is not `frozen` only because that costs a microsecond each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from domain.campaigns.terms import PaymentMethod, Reason
from domain.kernel.money import Fen
from domain.ledger.accounts import Account

QUOTE_LASTS = timedelta(seconds=120)


@dataclass(slots=True)
class Payment:
    """What is about to be paid: `amount` before any discount."""

    card: str
    merchant: str
    amount: Fen
    method: PaymentMethod


@dataclass(slots=True)
class Shares:
    """Who bears a discount. They sum to it."""

    bank: Fen
    merchant: Fen
    platform: Fen

    @property
    def total(self) -> Fen:
        return self.bank + self.merchant + self.platform

    def minus(self, other: "Shares") -> "Shares":
        return Shares(self.bank - other.bank, self.merchant - other.merchant, self.platform - other.platform)


class Allowance(NamedTuple):
    """A limit's account that a line takes one of. most: what it opens with; until: the end of its period, None: the
    campaign's."""

    account: Account
    most: int
    until: datetime | None


@dataclass(slots=True)
class Line:
    """One offer's part of a discount, allocated once and never spread anew.

    coupon: the one that is used; None: an automatic discount, which takes a quota place, allowances and budget itself.
    quota: whether it takes a place. budget: the line that its bank share is booked on; '' where a coupon's cost was
    booked when it was granted.
    """

    campaign: str
    version: int
    offer: str
    coupon: UUID | None
    discount: Fen
    shares: Shares
    quota: bool = False
    budget: str = ""
    allowances: tuple[Allowance, ...] = ()


@dataclass(slots=True)
class Quote:
    """status: OPEN, EMPTY (nothing applied, nothing held), CAPTURED, RELEASED, EXPIRED. Its hold has its id.

    plain: `lines` as rows keep them, so that a capture need not take them apart again.
    """

    id: UUID
    lane: int
    client: str
    customer: str
    card: str
    merchant: str
    amount: Fen
    discount: Fen
    status: str
    expires_at: datetime
    lines: tuple[Line, ...]
    plain: list[Any]

    @property
    def payable(self) -> Fen:
        return self.amount - self.discount


@dataclass(frozen=True, slots=True)
class Redemption:
    """A discount taken off a payment. refunded: of what was paid; taken_back: of the discount; back: of each line's
    shares.

    version: how many reversals there were. coupons: used, and not given back.
    """

    id: UUID
    lane: int
    client: str
    customer: str
    merchant: str
    transaction: str
    amount: Fen
    discount: Fen
    lines: tuple[Line, ...]
    coupons: tuple[str, ...]
    version: int
    refunded: Fen
    taken_back: Fen
    back: tuple[Shares, ...]
    whole: bool
    at: datetime

    @property
    def payable(self) -> Fen:
        return self.amount - self.discount


# --- what came of a call


@dataclass(frozen=True, slots=True, eq=False)
class Declined:
    """An offer (or a coupon of it) that did not apply.

    Equal to itself alone: those that every payment at a merchant has are made once, and what was written of one is
    found by it.
    """

    offer: str
    reason: Reason
    coupon: UUID | None = None


@dataclass(slots=True)
class Quoted:
    quote: Quote
    declined: tuple[Declined, ...]


@dataclass(slots=True)
class Captured:
    redemption: UUID
    discount: Fen
    payable: Fen


@dataclass(frozen=True, slots=True)
class Released:
    """Nothing is held any more."""

    quote: UUID


@dataclass(frozen=True, slots=True)
class Reversed:
    """taken_back: fen of the discount that this reversal took back. quota: whether a place came back."""

    redemption: UUID
    taken_back: Fen
    coupons: tuple[UUID, ...]
    quota: bool


@dataclass(frozen=True, slots=True)
class NoQuote:
    """No such quote of this client."""


@dataclass(frozen=True, slots=True)
class QuoteExpired:
    expired_at: datetime


@dataclass(frozen=True, slots=True)
class QuoteEnded:
    """It was captured for another transaction, or released."""

    status: str


@dataclass(frozen=True, slots=True)
class TransactionUsed:
    """The transaction has a redemption already."""


@dataclass(frozen=True, slots=True)
class NoRedemption:
    """No such redemption of this client."""


@dataclass(frozen=True, slots=True)
class TooMuch:
    """More than is left of what was paid."""

    left: Fen


@dataclass(frozen=True, slots=True)
class TooLittle:
    """Nothing, of a sale that something was paid for."""

    left: Fen


QuoteOutcome: TypeAlias = Quoted
CaptureOutcome: TypeAlias = Captured | NoQuote | QuoteExpired | QuoteEnded | TransactionUsed
ReleaseOutcome: TypeAlias = Released | NoQuote | QuoteEnded
ReverseOutcome: TypeAlias = Reversed | NoRedemption | TooMuch | TooLittle
Outcome: TypeAlias = Quoted | CaptureOutcome | ReleaseOutcome | ReverseOutcome


# --- the answer as it is kept


@dataclass(slots=True)
class Key:
    """Under which a client sends one call: as often as it likes, with one effect. digest: of the call and its body."""

    client: str
    key: str
    digest: int
    lane: int


class Told(NamedTuple):
    """An answer as the door gives it, kept for repetitions byte for byte. again: it was given before."""

    status: int
    body: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class KeyReused:
    """The key came before with another call."""


# --- plain data, as rows keep it


def lines_to_plain(lines: Sequence[Line]) -> list[Any]:
    return [
        [
            line.campaign, line.version, line.offer, None if line.coupon is None else str(line.coupon), line.discount,
            line.shares.bank, line.shares.merchant, line.shares.platform, line.quota, line.budget,
            [[*allowance.account, allowance.most, None if allowance.until is None else allowance.until.isoformat()]
             for allowance in line.allowances],
        ]
        for line in lines
    ]  # fmt: skip


def lines_from_plain(plain: Sequence[Sequence[Any]]) -> tuple[Line, ...]:
    return tuple(
        Line(
            row[0], row[1], row[2], None if row[3] is None else UUID(row[3]), row[4], Shares(row[5], row[6], row[7]),
            row[8], row[9],
            tuple(
                Allowance(Account(lane, key, shared), most, None if until is None else datetime.fromisoformat(until))
                for lane, key, shared, most, until in row[10]
            ),
        )
        for row in plain
    )  # fmt: skip


def quote_row(quote: Quote, at: datetime) -> Mapping[str, Any]:
    return {
        "lane": quote.lane, "id": quote.id, "client": quote.client, "customer": quote.customer, "card": quote.card,
        "merchant": quote.merchant, "amount": quote.amount, "discount": quote.discount, "status": quote.status,
        "expires_at": quote.expires_at, "lines": quote.plain, "at": at, "changed_at": at,
    }  # fmt: skip
