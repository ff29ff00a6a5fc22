"""What a customer asks for: applications, which a person at the bank decides, and places to sign up for."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from domain.kernel.money import Fen
from domain.offers.outcomes import AccountFrozen, LimitReached, NotEligible, NotFound, NotOpen, SoldOut, TooLate


class ApplicationStatus(StrEnum):
    SUBMITTED = "SUBMITTED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


class SignUpStatus(StrEnum):
    CONFIRMED = "CONFIRMED"
    WAITING = "WAITING"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class ApplicationFacts:
    """note: the operator's word to the customer. person, device: what its limits were counted by."""

    id: UUID
    customer: str
    campaign: str
    version: int
    offer: str
    status: ApplicationStatus
    at: datetime
    note: str | None = None
    decided_by: str | None = None
    email_sealed: str | None = None
    person: str | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True)
class SignUpFacts:
    """position: from 1, in the waiting list; None where it does not wait. grant, cost, line: of a confirmed one."""

    id: UUID
    customer: str
    campaign: str
    version: int
    offer: str
    status: SignUpStatus
    at: datetime
    position: int | None = None
    person: str | None = None
    device: str | None = None
    grant: UUID | None = None
    cost: Fen = 0
    line: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    application: ApplicationFacts


@dataclass(frozen=True, slots=True)
class SignedUp:
    sign_up: SignUpFacts


@dataclass(frozen=True, slots=True)
class SignUpCancelled:
    sign_up: SignUpFacts


ApplyOutcome: TypeAlias = Applied | NotEligible | NotOpen | LimitReached | NotFound | AccountFrozen
SignUpOutcome: TypeAlias = SignedUp | NotEligible | NotOpen | LimitReached | SoldOut | NotFound | AccountFrozen
CancelSignUpOutcome: TypeAlias = SignUpCancelled | TooLate | NotFound
