"""The signed-in customer as the customer sees themself, and the ports this is read and kept through."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.kernel.words import Words
from domain.stories.state import StoryState


@dataclass(frozen=True, slots=True)
class FreezeFacts:
    """Why and since when the customer's benefits are on hold. reason: what may be told of it."""

    since: datetime
    reason: Words
    appealable: bool


@dataclass(frozen=True, slots=True)
class ViewerFacts:
    """masked_*: what may be shown. story: the fold of the customer's events; None before the first one."""

    customer: str
    masked_name: str
    masked_phone: str
    personalisation: bool
    story: StoryState | None


class ReadViewer(Protocol):
    async def viewer(self, customer: str) -> ViewerFacts:
        """Somebody nothing has been heard of yet is a customer without name, cards or story."""
        ...


class ReadFreezes(Protocol):
    async def freeze_of(self, customer: str) -> FreezeFacts | None:
        """None while the customer is free to take part."""
        ...


class KeepPersonalisation(Protocol):
    async def set_personalisation(self, customer: str, on: bool) -> None:
        """Durable when it returns; again changes nothing."""
        ...
