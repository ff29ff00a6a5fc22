"""Words to a customer as the message page shows them, and the ports they are read and agreed to through."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class MessageFacts:
    id: UUID
    title: Words
    body: Words
    sent_at: datetime


class ReadMessages(Protocol):
    async def messages(self, customer: str) -> list[MessageFacts]:
        """Those of the last year, newest first, at most 100."""
        ...

    async def agreed(self, customer: str) -> bool:
        """Whether the customer wants promotions; a customer who never said so does not."""
        ...


class KeepConsent(Protocol):
    async def set_agreed(self, customer: str, on: bool, at: datetime) -> None:
        """Durable when it returns; again changes nothing."""
        ...
