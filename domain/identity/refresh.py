"""What a refresh token is worth when it comes in. Pure.

Each use replaces the token. Two things pull against each other: every write may be sent again after a lost answer, and
a stolen token must be noticed. So, for a token of an open session:

- the present one: replaced by its successor;
- the one before, within 30 s of its use: the same successor again, however often (a lost answer, two tabs at once);
- the one before, later, while its successor was never used: a new successor, once; the old successor no longer counts
  (an answer lost in a tunnel). If somebody comes with that one after all, two parties hold this session: it ends;
- any other that we once issued: it was used up, so it is in two hands: the session ends, access tokens and all.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from domain.identity.tokens import RESEND


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What the store knew. Hashes are of refresh tokens; None for `previous` and `rotated_at`: never refreshed yet."""

    customer: str
    current: bytes
    previous: bytes | None
    rotated_at: datetime | None
    resent: bool
    expires_at: datetime
    ended: bool


class RefreshDecision(Enum):
    ROTATE = auto()
    """Make the successor the present one."""

    REPEAT = auto()
    """Answer with the present successor again; nothing changes."""

    REPLACE = auto()
    """Put another successor in the place of the one that was never used."""

    END = auto()
    """In two hands: end the session."""

    REFUSE = auto()
    """Over, or unknown: nothing changes."""


def decide_refresh(
    facts: SessionFacts | None, presented: bytes, successor_of_presented: bytes, now: datetime
) -> RefreshDecision:
    """Hashes: of the token presented and of the successor that was made from it."""
    if facts is None or facts.ended or now >= facts.expires_at:
        return RefreshDecision.REFUSE
    if presented == facts.current:
        return RefreshDecision.ROTATE
    if presented != facts.previous or facts.resent:
        return RefreshDecision.END
    in_time = facts.rotated_at is not None and now < facts.rotated_at + RESEND
    return RefreshDecision.REPEAT if in_time and successor_of_presented == facts.current else RefreshDecision.REPLACE
