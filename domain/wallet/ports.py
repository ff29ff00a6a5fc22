"""What the wallet is read from. Every read is of one customer; what belongs to another is not found."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from domain.kernel.pages import Page
from domain.wallet.facts import ChoiceFacts, CouponFacts, CouponStatus

EXPIRING_SOON = timedelta(days=7)
"""An available coupon whose end is nearer than this is expiring soon."""

RECENT_CHOICES = timedelta(days=90)
"""A choice that is not open is shown for so long after it last changed."""


@dataclass(frozen=True, slots=True)
class WalletCounts:
    """How many coupons; `expiring_soon` are among the available ones."""

    available: int
    held: int
    expiring_soon: int


@dataclass(frozen=True, slots=True)
class CouponMark:
    """A coupon's place in the wallet: soonest end first, then by id."""

    expires_at: datetime
    id: UUID


class ReadWallet(Protocol):
    async def counts(self, customer: str, now: datetime) -> WalletCounts: ...

    async def coupons(
        self,
        customer: str,
        now: datetime,
        *,
        statuses: Collection[CouponStatus] | None,
        first: int,
        after: CouponMark | None,
    ) -> Page[CouponFacts]:
        """Coupons by soonest end, then id. statuses: as the customer sees them at `now`; None: all."""
        ...

    async def coupons_by_id(self, customer: str, ids: Sequence[UUID]) -> list[CouponFacts]:
        """Those of `ids` that are the customer's, in no order."""
        ...

    async def choices(self, customer: str, now: datetime) -> list[ChoiceFacts]:
        """The open ones and the recent ones, newest first."""
        ...

    async def choices_by_id(self, customer: str, ids: Sequence[UUID]) -> list[ChoiceFacts]:
        """Those of `ids` that are the customer's, in no order."""
        ...
