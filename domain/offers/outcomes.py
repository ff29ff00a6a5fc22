"""What can come of a claim or a choice. A refusal is an answer; the words for it are made at the door."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from domain.campaigns.terms import Reason
from domain.wallet.facts import CouponFacts, DeliveryFacts


@dataclass(frozen=True, slots=True)
class OfferClaimed:
    coupons: tuple[CouponFacts, ...]


@dataclass(frozen=True, slots=True)
class RewardChosen:
    """Exactly one of the two."""

    coupon: CouponFacts | None
    delivery: DeliveryFacts | None


@dataclass(frozen=True, slots=True)
class NotOpen:
    """next_at: from when it can be claimed; None when never again."""

    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class NotEligible:
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class LimitReached:
    """limit: how many in the period; next_at: from when it can be had again, None when never."""

    limit: int
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class SoldOut:
    """Quota or budget does not take another one."""


@dataclass(frozen=True, slots=True)
class AccountFrozen:
    appealable: bool


@dataclass(frozen=True, slots=True)
class NotFound:
    """No such thing, or not this customer's: the two are told apart for nobody."""


class Late(StrEnum):
    """What made it too late: the time given, a choice that was made, or that what was earned no longer is."""

    TOO_LATE = "TOO_LATE"
    ALREADY_CHOSEN = "ALREADY_CHOSEN"
    NO_LONGER_EARNED = "NO_LONGER_EARNED"


@dataclass(frozen=True, slots=True)
class TooLate:
    """deadline: until when it was possible."""

    deadline: datetime
    why: Late = Late.TOO_LATE


ClaimOutcome: TypeAlias = OfferClaimed | NotOpen | NotEligible | LimitReached | SoldOut | AccountFrozen | NotFound
ChooseOutcome: TypeAlias = RewardChosen | SoldOut | TooLate | NotFound | AccountFrozen
