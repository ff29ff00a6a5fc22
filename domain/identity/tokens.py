"""What a token says and how long it lives.

A customer's access token belongs to a session (one sign-in) and dies with it. A machine's belongs to nobody but the
client it was given to. The two are told apart by type and audience and never stand in for each other. Tokens live by
the wall clock, whatever the business clock says.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

CUSTOMER_ACCESS = timedelta(minutes=15)
MACHINE_ACCESS = timedelta(minutes=5)
REFRESH = timedelta(days=30)
RESEND = timedelta(seconds=30)
"""How long after its use a refresh token is answered with the same successor again."""

SKEW = timedelta(seconds=5)
"""By how much the clocks of two of our machines may differ."""

CUSTOMER_SCOPE = "hall"


@dataclass(frozen=True, slots=True)
class CustomerToken:
    """A checked access token of a customer."""

    customer: str
    session: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class MachineToken:
    """A checked access token of a machine client."""

    client: str
    scopes: frozenset[str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class MachineGrant:
    """A fresh access token for a machine. `expires_in`: whole seconds."""

    access: str
    expires_in: int
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Session:
    """What a customer's app is given at sign-in and at each refresh. `expires_at`: of the access token."""

    access: str
    refresh: str
    expires_at: datetime
