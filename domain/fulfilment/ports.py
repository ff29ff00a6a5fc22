"""What the promises to a customer are read from. Every read is of one customer; another's are not found."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from domain.kernel.pages import Page
from domain.wallet.facts import DeliveryFacts


class ReadDeliveries(Protocol):
    async def deliveries(self, customer: str, *, first: int, after: UUID | None) -> Page[DeliveryFacts]:
        """Newest first."""
        ...

    async def deliveries_by_id(self, customer: str, ids: Sequence[UUID]) -> list[DeliveryFacts]:
        """Those of `ids` that are the customer's, in no order."""
        ...
