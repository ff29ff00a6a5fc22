"""Sessions of customers: opened, refreshed, ended. All of it on the wall clock."""

from dataclasses import dataclass
from typing import TypeAlias

from domain.identity.ports import AccessTokens, EndedBy, RefreshTokens, SessionStore
from domain.identity.refresh import RefreshDecision, decide_refresh
from domain.identity.tokens import REFRESH, CustomerToken, Session
from domain.kernel.errors import Broken
from domain.kernel.ids import lane_of, new_id
from domain.kernel.time import Clock

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Refreshed:
    customer: str
    session: Session


@dataclass(frozen=True, slots=True)
class RefreshRefused:
    """Unknown, expired, ended or used before: the customer signs in again. Which of these is told to nobody."""


RefreshOutcome: TypeAlias = Refreshed | RefreshRefused


class Sessions:
    """The one way a customer is signed in and out."""

    def __init__(self, store: SessionStore, access: AccessTokens, refresh: RefreshTokens, wall: Clock) -> None:
        self._store = store
        self._access = access
        self._refresh = refresh
        self._wall = wall

    async def issue(self, customer: str) -> Session:
        """Open a session. The caller has made sure who this is."""
        now = self._wall.now()
        id = new_id(lane_of(customer), now)
        token, hash = self._refresh.fresh(id)
        await self._store.open(id, customer, hash, now, now + REFRESH)
        access, expires_at = self._access.for_customer(customer, id, now)
        return Session(access, token, expires_at)

    async def refresh(self, token: str) -> RefreshOutcome:
        """New tokens for a refresh token, by the rules of `domain.identity.refresh`. Safe to send again."""
        presented = self._refresh.read(token)
        if presented is None:
            return RefreshRefused()
        id = presented.session
        for _ in range(_TRIES):
            now = self._wall.now()
            next, next_hash = self._refresh.successor(token)
            facts = await self._store.read(id)
            decision = decide_refresh(facts, presented.hash, next_hash, now)
            if facts is None or decision is RefreshDecision.REFUSE:
                return RefreshRefused()
            match decision:
                case RefreshDecision.ROTATE:
                    done = await self._store.rotate(id, facts.current, next_hash, now, now + REFRESH)
                case RefreshDecision.REPLACE:
                    next, next_hash = self._refresh.fresh(id)
                    done = await self._store.replace(id, presented.hash, facts.current, next_hash, now + REFRESH)
                case RefreshDecision.REPEAT:
                    done = True
                case RefreshDecision.END:
                    await self._store.end(id, EndedBy.REUSE)
                    return RefreshRefused()
            if done:
                access, expires_at = self._access.for_customer(facts.customer, id, now)
                return Refreshed(facts.customer, Session(access, next, expires_at))
        raise Broken("a session moved at each of several tries")

    async def sign_out(self, token: CustomerToken) -> None:
        """End this session: its refresh token at once, its access tokens within 2 s in every process."""
        await self._store.end(token.session, EndedBy.SIGN_OUT)

    async def sign_out_everywhere(self, customer: str) -> None:
        """End every session of the customer, as `sign_out` does."""
        await self._store.end_all(customer)
