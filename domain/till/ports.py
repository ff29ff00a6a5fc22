"""What the till reads. Without locks: the commit is the arbiter of everything read here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from domain.offers.catalog import Catalog
from domain.offers.take_back import Origin
from domain.stories.state import StoryState
from domain.till.model import Key, Outcome, Quote, Redemption, Told
from domain.wallet.facts import CouponFacts


@dataclass(frozen=True, slots=True)
class PayerFacts:
    """What the tables know of a card's customer. coupons: AVAILABLE and HELD ones for tills, soonest end first.

    frozen: their benefits are on hold.
    """

    customer: str
    story: StoryState | None
    coupons: tuple[CouponFacts, ...]
    frozen: bool = False


class ReadTill(Protocol):
    async def payer(self, card: str, now: datetime) -> PayerFacts | None:
        """Whose card it is, and what they have; None for a card nobody has told of."""
        ...

    async def coupon(self, customer: str, coupon: UUID) -> CouponFacts | None:
        """The customer's own coupon, in whatever state."""
        ...

    async def origin(self, coupon: CouponFacts, catalog: Catalog) -> Origin:
        """The grant that the coupon came of, as it stands now."""
        ...

    async def overdue(self, customer: str, now: datetime) -> Sequence[UUID]:
        """The customer's quotes past their end whose holds have not been given back yet."""
        ...

    async def quote(self, quote: UUID) -> Quote | None: ...

    async def redemption(self, redemption: UUID) -> Redemption | None: ...

    async def redeemed_for(self, quote: UUID) -> str | None:
        """The transaction that a quote was captured for."""
        ...

    async def first_answer(self, key: Key) -> tuple[int, Told] | None:
        """The digest and answer that the key came with first."""
        ...


@dataclass(frozen=True, slots=True)
class Presented:
    """What a payload says: signed by us, and not over yet. id: of this payload; it is taken once."""

    coupon: UUID
    id: UUID
    expires_at: datetime


Present: TypeAlias = Callable[[Outcome], Told]
"""The door's: turns an outcome into the answer that is kept."""

Remember: TypeAlias = Callable[[Quote], None]
"""Told of each quote made here, so that its capture need not read it."""

Row: TypeAlias = Mapping[str, Any]
