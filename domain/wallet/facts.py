"""What the wallet's tables keep, as the rooms pass it around. All moments are aware; amounts are fen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.campaigns.terms import CouponKind
from domain.kernel.money import Fen
from domain.kernel.words import Words


class CouponStatus(StrEnum):
    AVAILABLE = "AVAILABLE"
    HELD = "HELD"
    USED = "USED"
    EXPIRED = "EXPIRED"
    VOIDED = "VOIDED"


class ChoiceStatus(StrEnum):
    OPEN = "OPEN"
    CHOSEN = "CHOSEN"
    LAPSED = "LAPSED"
    VOIDED = "VOIDED"


class DeliveryStatus(StrEnum):
    PROMISED = "PROMISED"
    PROCESSING = "PROCESSING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    NEEDS_ADDRESS = "NEEDS_ADDRESS"
    SHIPPED = "SHIPPED"


@dataclass(slots=True)
class CouponFacts:
    """A coupon's row. `status` is the row's; `status_at` is what a customer sees once its end has passed."""

    id: UUID
    customer: str
    grant: UUID
    campaign: str
    version: int
    offer: str
    kind: CouponKind
    status: CouponStatus
    title: Words
    value: Fen
    min_spend: Fen
    merchant_groups: tuple[str, ...]
    valid_from: datetime
    expires_at: datetime

    def status_at(self, now: datetime) -> CouponStatus:
        """EXPIRED from `expires_at` on, even before the sweep has written it."""
        if self.status is CouponStatus.AVAILABLE and now >= self.expires_at:
            return CouponStatus.EXPIRED
        return self.status


@dataclass(frozen=True, slots=True)
class ChoiceOption:
    """One of the rewards to choose from. `code` is unique within the choice."""

    code: str
    title: Words


@dataclass(frozen=True, slots=True)
class ChoiceFacts:
    """A choice's row. Open until `choose_by` (exclusive)."""

    id: UUID
    customer: str
    grant: UUID
    campaign: str
    version: int
    offer: str
    hold: UUID
    status: ChoiceStatus
    options: tuple[ChoiceOption, ...]
    chosen: str | None
    choose_by: datetime

    def lapsed_at(self, now: datetime) -> bool:
        """From `choose_by` on where nothing was chosen, even before the sweep has written it."""
        return self.status is ChoiceStatus.LAPSED or (self.status is ChoiceStatus.OPEN and now >= self.choose_by)


@dataclass(slots=True)
class DeliveryFacts:
    """A promise's row. details: what the provider needs, without personal data."""

    id: UUID
    customer: str
    grant: UUID | None
    campaign: str
    offer: str
    kind: str
    title: Words
    status: DeliveryStatus
    details: Mapping[str, object]
    tracking_number: str | None
    at: datetime
