"""What sessions stand on: a store, a signer, a maker of secrets."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from domain.identity.refresh import SessionFacts
from domain.identity.tokens import CustomerToken


class EndedBy(StrEnum):
    SIGN_OUT = "SIGN_OUT"
    SIGN_OUT_EVERYWHERE = "SIGN_OUT_EVERYWHERE"
    REUSE = "REUSE"


class SessionStore(Protocol):
    """Writes are guarded: False when the session is no longer in the state the decision was made on."""

    async def open(self, id: UUID, customer: str, token: bytes, now: datetime, expires_at: datetime) -> None: ...

    async def read(self, id: UUID) -> SessionFacts | None: ...

    async def rotate(self, id: UUID, old: bytes, new: bytes, now: datetime, expires_at: datetime) -> bool:
        """`old`, the present token, becomes the previous one and `new` the present."""
        ...

    async def replace(self, id: UUID, previous: bytes, old: bytes, new: bytes, expires_at: datetime) -> bool:
        """`new` takes the place of `old`, which was never used; `previous` has had its second chance."""
        ...

    async def end(self, id: UUID, by: EndedBy) -> None: ...

    async def end_all(self, customer: str) -> None: ...


class AccessTokens(Protocol):
    def for_customer(self, customer: str, session: UUID, now: datetime) -> tuple[str, datetime]:
        """A signed token and when it expires."""
        ...


@dataclass(frozen=True, slots=True)
class PresentedRefresh:
    """A refresh token that we issued, for certain; whether it still counts is for `decide_refresh`."""

    session: UUID
    hash: bytes


class RefreshTokens(Protocol):
    """Refresh tokens are opaque: 256 bits nobody can guess, of which only a hash is kept."""

    def fresh(self, session: UUID) -> tuple[str, bytes]:
        """A new random token and its hash."""
        ...

    def successor(self, token: str) -> tuple[str, bytes]:
        """The one token that follows from `token`: always the same for the same one."""
        ...

    def read(self, token: str) -> PresentedRefresh | None:
        """None for text that we never issued."""
        ...


class CheckCustomer(Protocol):
    """The door's check of a bearer token."""

    async def __call__(self, bearer: str) -> CustomerToken:
        """Who it is. Raises NotSignedIn; Busy when ended sessions cannot be looked up just now."""
        ...
