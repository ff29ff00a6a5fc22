"""What operators ask of the hall, and what they are answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from domain.operate.changes import LiveChange, NoSuchThing, NothingToChange, Refused, Stale
from domain.operate.classify import Effect


class RequestStatus(StrEnum):
    PENDING = "PENDING"
    APPLIED = "APPLIED"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True)
class AskedChange:
    """id: of the request; sent again, it answers again."""

    id: UUID
    campaign: str
    change: LiveChange
    author: str
    reason: str


@dataclass(frozen=True, slots=True)
class ChangeFacts:
    """A change that was asked for. version: the one it became. second: who agreed, or rejected it."""

    id: UUID
    campaign: str
    change: dict[str, Any]
    effect: Effect
    status: RequestStatus
    author: str
    reason: str
    second: str | None
    version: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class RequestReusedFor:
    """The same id came before with another change."""


@dataclass(frozen=True, slots=True)
class NeedsAnother:
    """An adverse change needs a second person, who is not its author."""


@dataclass(frozen=True, slots=True)
class DecidedBefore:
    """It is applied or rejected already."""

    facts: ChangeFacts


ChangeOutcome: TypeAlias = (
    ChangeFacts | Stale | NothingToChange | Refused | NoSuchThing | RequestReusedFor | NeedsAnother | DecidedBefore
)


class LiveChanges(Protocol):
    async def ask(self, asked: AskedChange) -> ChangeOutcome:
        """Apply a change at once, or, where it is adverse, write down that it waits for a second person."""
        ...

    async def approve(self, id: UUID, second: str) -> ChangeOutcome: ...

    async def reject(self, id: UUID, second: str, reason: str) -> ChangeOutcome: ...

    async def listed(self, campaign: str | None, status: RequestStatus | None) -> Sequence[ChangeFacts]:
        """The newest first, at most 200."""
        ...


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What a person at the bank must look at."""

    id: UUID
    customer: str
    kind: str
    offer: str | None
    subject: str
    details: dict[str, Any]
    status: str
    at: datetime
    closed_at: datetime | None
    closed_by: str | None
    note: str | None


class ReadCases(Protocol):
    async def cases(
        self, status: str, kind: str | None, after: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[CaseFacts]:
        """Of all customers, the oldest first."""
        ...

    async def case_of(self, id: UUID) -> CaseFacts | None: ...


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing an operator did."""

    id: UUID
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    effect: Effect | None
    second: str | None
    details: dict[str, Any]


class ReadAudit(Protocol):
    async def audit(self, subject: str | None, limit: int) -> Sequence[AuditEntry]:
        """The newest first."""
        ...
