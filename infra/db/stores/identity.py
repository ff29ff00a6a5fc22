"""Keeps sessions, knows which were ended lately, and remembers the assertions machine clients signed in with."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

import asyncpg

from domain.identity.ports import EndedBy
from domain.identity.refresh import SessionFacts
from domain.identity.tokens import CUSTOMER_ACCESS, SKEW
from domain.kernel.errors import Busy
from domain.kernel.ids import LANES, lane_of, lane_of_id
from infra.db.reach import UNREACHABLE, reaching
from infra.db.statements import named

OPEN = named(
    "session.open",
    """
    insert into session (lane, id, customer, token_hash, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)
    """,
)

READ = named(
    "session.read",
    """
    select s.customer, s.token_hash, s.previous_hash, s.rotated_at, s.resent, s.expires_at, s.ended_at
    from session s where s.lane = $1 and s.id = $2
    """,
)

ROTATE = named(
    "session.rotate",
    """
    update session s
    set token_hash = $4, previous_hash = $3, rotated_at = $5, expires_at = $6, resent = false
    where s.lane = $1 and s.id = $2 and s.token_hash = $3 and s.ended_at is null
    """,
)

REPLACE = named(
    "session.replace",
    """
    update session s
    set token_hash = $5, expires_at = $6, resent = true
    where s.lane = $1 and s.id = $2 and s.previous_hash = $3 and s.token_hash = $4 and not s.resent
        and s.ended_at is null
    """,
)

# The moment is the database's own, so that readers can follow it whatever the clocks of the processes say.
END = named(
    "session.end",
    """
    update session s set ended_at = now(), ended_by = $3
    where s.lane = $1 and s.id = $2 and s.ended_at is null
    """,
)

END_ALL = named(
    "session.end_all",
    """
    update session s set ended_at = now(), ended_by = 'SIGN_OUT_EVERYWHERE'
    where s.lane = $1 and s.customer = $2 and s.ended_at is null
    returning s.id
    """,
)

ENDED_SINCE = named(
    "session.ended_since",
    """
    select s.id, s.ended_at from session s
    where s.ended_at > coalesce($1::timestamptz, now() - $2::interval)
    """,
    all_lanes=True,
)

FORGET_SESSIONS = named("session.forget", "delete from session s where s.lane = any($1::int[]) and s.expires_at < $2")

USE_ASSERTION = named(
    "client_assertion.use",
    """
    insert into client_assertion (lane, client, jti, expires_at) values ($1, $2, $3, $4) on conflict do nothing
    """,
)

FORGET_ASSERTIONS = named(
    "client_assertion.forget", "delete from client_assertion a where a.lane = any($1::int[]) and a.expires_at < $2"
)

READ_EVERY_S = 1.0
"""Ended sessions are known this late at most in every process, and the promise is 2 s."""

_MEMORY = CUSTOMER_ACCESS + 2 * SKEW
"""No access token outlives its session by more."""

_OVERLAP = timedelta(seconds=30)
"""An ending is visible at its commit, a little after the moment it carries: the newest moments are read again."""


class PostgresSessions:
    """`domain.identity.ports.SessionStore`. Raises DatabaseUnreachable where the database does not answer."""

    def __init__(self, pool: asyncpg.Pool, *, on_end: Callable[[UUID], None] = lambda _: None) -> None:
        """on_end: told each session ended here, once that is durable (`RecentlyEnded.add`)."""
        self._pool = pool
        self._on_end = on_end

    async def open(self, id: UUID, customer: str, token: bytes, now: datetime, expires_at: datetime) -> None:
        with reaching():
            await self._pool.execute(OPEN, lane_of_id(id), id, customer, token, now, expires_at)

    async def read(self, id: UUID) -> SessionFacts | None:
        with reaching():
            r = await self._pool.fetchrow(READ, lane_of_id(id), id)
        if r is None:
            return None
        return SessionFacts(
            customer=r["customer"],
            current=r["token_hash"],
            previous=r["previous_hash"],
            rotated_at=r["rotated_at"],
            resent=r["resent"],
            expires_at=r["expires_at"],
            ended=r["ended_at"] is not None,
        )

    async def rotate(self, id: UUID, old: bytes, new: bytes, now: datetime, expires_at: datetime) -> bool:
        with reaching():
            done: str = await self._pool.execute(ROTATE, lane_of_id(id), id, old, new, now, expires_at)
        return done == "UPDATE 1"

    async def replace(self, id: UUID, previous: bytes, old: bytes, new: bytes, expires_at: datetime) -> bool:
        with reaching():
            done: str = await self._pool.execute(REPLACE, lane_of_id(id), id, previous, old, new, expires_at)
        return done == "UPDATE 1"

    async def end(self, id: UUID, by: EndedBy) -> None:
        with reaching():
            await self._pool.execute(END, lane_of_id(id), id, by.value)
        self._on_end(id)

    async def end_all(self, customer: str) -> None:
        with reaching():
            ended = await self._pool.fetch(END_ALL, lane_of(customer), customer)
        for r in ended:
            self._on_end(r["id"])

    async def forget(self, now: datetime) -> int:
        """Delete sessions whose refresh tokens have all expired; returns how many. Nothing can be done with those."""
        return int((await self._pool.execute(FORGET_SESSIONS, list(LANES), now)).split()[-1])


class RecentlyEnded:
    """Which sessions were ended within the life of an access token, read from the database once a second at most.

    Whoever asks after that second waits for the one reading under way; nobody asks: nothing is read. When the database
    does not answer, what was read less than 2 s ago still counts, and after that nobody is let in.
    """

    def __init__(self, pool: asyncpg.Pool, *, now: Callable[[], float] = monotonic) -> None:
        """now: seconds that only go forward."""
        self._pool = pool
        self._now = now
        self._ended: dict[UUID, float] = {}
        self._newest: datetime | None = None
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    def add(self, session: UUID) -> None:
        """Known here already, without asking."""
        self._ended[session] = self._now()

    async def has(self, session: UUID) -> bool:
        """Raises Busy."""
        if self._now() - self._read_at >= READ_EVERY_S:
            await self._refresh()
        return session in self._ended

    async def _refresh(self) -> None:
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
            self._reading.add_done_callback(self._done)
        try:
            await asyncio.shield(self._reading)
        except UNREACHABLE:
            if self._now() - self._read_at >= 2 * READ_EVERY_S:
                raise Busy from None

    def _done(self, task: asyncio.Task[None]) -> None:
        self._reading = None
        if not task.cancelled():
            task.exception()  # each that waited has it

    async def _read(self) -> None:
        began = self._now()
        since = self._newest - _OVERLAP if self._newest else None
        async with asyncio.timeout(READ_EVERY_S):
            rows = await self._pool.fetch(ENDED_SINCE, since, _MEMORY)
        for r in rows:
            self._ended.setdefault(r["id"], began)
            if self._newest is None or r["ended_at"] > self._newest:
                self._newest = r["ended_at"]
        self._read_at = began
        forgotten = began - (_MEMORY + _OVERLAP).total_seconds()
        while self._ended and next(iter(self._ended.values())) < forgotten:
            del self._ended[next(iter(self._ended))]


class UsedAssertions:
    """Each assertion of a machine client works once. PostgreSQL decides: DatabaseUnreachable, no token."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def use(self, client: str, jti: str, expires_at: datetime) -> bool:
        """False when it was used before."""
        lane = lane_of(f"{client}|{jti}")
        with reaching():
            done: str = await self._pool.execute(USE_ASSERTION, lane, client, jti, expires_at)
        return done == "INSERT 0 1"

    async def forget(self, now: datetime) -> int:
        """Delete what has expired; returns how many."""
        return int((await self._pool.execute(FORGET_ASSERTIONS, list(LANES), now)).split()[-1])
