"""What the bank has looked at before and while a merchant takes part (plan rule A25).

The licence and credit report are reviewed and the undertaking is signed before; inspections follow week by week. A
false offer ends it at once: the merchant is terminated.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

INSPECT_EVERY = timedelta(days=7)


class Verdict(StrEnum):
    PASSED = "PASSED"
    FAULTS = "FAULTS"
    FALSE_OFFER = "FALSE_OFFER"


@dataclass(frozen=True, slots=True)
class Inspection:
    """id: the caller's own, so that one that is sent again is one. inspector: who wrote it down."""

    id: UUID
    day: date
    verdict: Verdict
    note: str
    inspector: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reviews:
    """What was reviewed or signed when; None: not yet."""

    licence_reviewed_on: date | None = None
    credit_reviewed_on: date | None = None
    undertaking_signed_on: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """status: as the bank or a false offer left it. inspections: newest first."""

    merchant: str
    name: str
    status: str
    reviews: Reviews
    inspections: tuple[Inspection, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """What should have come before."""
        found = {
            "LICENCE_REVIEW": self.reviews.licence_reviewed_on,
            "CREDIT_REVIEW": self.reviews.credit_reviewed_on,
            "UNDERTAKING": self.reviews.undertaking_signed_on,
        }
        return tuple(name for name, day in found.items() if day is None)

    def inspect_by(self) -> date | None:
        """When the next inspection is due; None before the first one."""
        return self.inspections[0].day + INSPECT_EVERY if self.inspections else None
