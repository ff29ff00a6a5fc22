"""The closed lists of words a campaign file and the bank's events share, and why a rule did not hold.

The spelling of OfferKind, OfferState, ActionKind and CouponKind is the public schema's; that of products, channels,
payment methods, providers and instalment kinds is the events'.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.kernel.words import Words


class OfferKind(StrEnum):
    DISCOUNT = "DISCOUNT"
    COUPON = "COUPON"
    GIFT = "GIFT"
    POINTS = "POINTS"
    CASHBACK = "CASHBACK"
    FEE = "FEE"
    DRAW = "DRAW"
    PACK = "PACK"
    ENTITLEMENT = "ENTITLEMENT"
    APPLICATION = "APPLICATION"
    EVENT = "EVENT"


class OfferState(StrEnum):
    UPCOMING = "UPCOMING"
    OPEN = "OPEN"
    BETWEEN_WINDOWS = "BETWEEN_WINDOWS"
    SOLD_OUT = "SOLD_OUT"
    PAUSED = "PAUSED"
    ENDED = "ENDED"


class ActionKind(StrEnum):
    CLAIM = "CLAIM"
    PAY = "PAY"
    BIND = "BIND"
    DRAW = "DRAW"
    BOOK = "BOOK"
    APPLY = "APPLY"
    SIGN_UP = "SIGN_UP"
    NONE = "NONE"


class CouponKind(StrEnum):
    THRESHOLD = "THRESHOLD"
    CASH = "CASH"
    REPAYMENT = "REPAYMENT"
    EXCHANGE = "EXCHANGE"
    TOP_UP = "TOP_UP"


class DeliveryKind(StrEnum):
    """How a promise reaches the customer. Only a PARCEL needs an address."""

    PARCEL = "PARCEL"
    JD_ECARD = "JD_ECARD"
    PHONE_CREDIT = "PHONE_CREDIT"
    MEMBERSHIP = "MEMBERSHIP"
    SERVICE = "SERVICE"


class Product(StrEnum):
    CLASSIC = "CLASSIC"
    GOLD = "GOLD"
    PLATINUM = "PLATINUM"


class ApplicationChannel(StrEnum):
    MOBILE_BANK = "MOBILE_BANK"
    WEB = "WEB"
    BRANCH = "BRANCH"
    PARTNER = "PARTNER"


class SalesChannel(StrEnum):
    POS = "POS"
    ONLINE = "ONLINE"


class PaymentMethod(StrEnum):
    CARD = "CARD"
    WECHAT_PAY = "WECHAT_PAY"
    ALIPAY = "ALIPAY"
    QUICKPASS = "QUICKPASS"


class BindingProvider(StrEnum):
    WECHAT = "WECHAT"
    ALIPAY = "ALIPAY"


class InstalmentKind(StrEnum):
    BILL = "BILL"
    TRANSACTION = "TRANSACTION"


class Phase(StrEnum):
    WARM_UP = "WARM_UP"
    ACTIVE = "ACTIVE"
    CLOSING = "CLOSING"


class SubjectKind(StrEnum):
    """What an event of a customer's story is about."""

    PURCHASE = "PURCHASE"
    BINDING = "BINDING"
    INSTALMENT = "INSTALMENT"
    ACTIVATION = "ACTIVATION"
    APPROVAL = "APPROVAL"


class OwnDate(StrEnum):
    """A date of the customer's own that a rule may count from."""

    APPROVAL = "APPROVAL"
    ACTIVATION = "ACTIVATION"
    BINDING = "BINDING"
    BIRTHDAY = "BIRTHDAY"


class Per(StrEnum):
    """Whose allowance a limit is."""

    CUSTOMER = "CUSTOMER"
    PERSON = "PERSON"
    CARD = "CARD"
    DEVICE = "DEVICE"


class Period(StrEnum):
    """How long an allowance lasts; calendar days, weeks from Monday, months and years in Shanghai."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    YEAR = "YEAR"
    CAMPAIGN = "CAMPAIGN"


class Weekday(StrEnum):
    """In the order of `date.weekday()`."""

    MON = "MON"
    TUE = "TUE"
    WED = "WED"
    THU = "THU"
    FRI = "FRI"
    SAT = "SAT"
    SUN = "SUN"


WEEK: tuple[Weekday, ...] = tuple(Weekday)


class About(StrEnum):
    """What a condition needs in order to be judged."""

    CUSTOMER = "CUSTOMER"  # the customer alone: it can be judged at any moment
    TIME = "TIME"  # the moment alone
    SUBJECT = "SUBJECT"  # the purchase, instalment, ... itself
    TALLY = "TALLY"  # what has been counted for this offer


@dataclass(frozen=True, slots=True)
class Reason:
    """Why not: what failed, what would make it true, and from when it can be.

    remedy is None where nothing the customer does helps. Says nothing of risk rules or of other customers.
    """

    code: str
    message: Words
    remedy: Words | None = None
    next_at: datetime | None = None
