"""The signed-in customer as the customer sees themself, and the ports this is read and kept through."""

from dataclasses import dataclass
from typing import Protocol

from domain.risk.freezes import FreezeFacts
from domain.stories.state import StoryState


@dataclass(frozen=True, slots=True)
class ViewerFacts:
    """masked_*: what may be shown. story: the fold of the customer's events; None before the first one.

    frozen: why the customer's benefits are on hold; None while they are not.
    """

    customer: str
    masked_name: str
    masked_phone: str
    personalisation: bool
    story: StoryState | None
    frozen: FreezeFacts | None = None


class ReadViewer(Protocol):
    async def viewer(self, customer: str) -> ViewerFacts:
        """Somebody nothing has been heard of yet is a customer without name, cards or story."""
        ...


class KeepPersonalisation(Protocol):
    async def set_personalisation(self, customer: str, on: bool) -> None:
        """Durable when it returns; again changes nothing."""
        ...
