"""Sessions over a real database: opened, refreshed, ended, and told apart in several processes."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from joserfc.jwk import KeySet

from domain.identity.ports import EndedBy
from domain.identity.refresh import RefreshDecision, SessionFacts, decide_refresh
from domain.identity.sessions import Refreshed, RefreshRefused
from domain.identity.tokens import RESEND, Session
from domain.kernel.errors import Busy, NotSignedIn
from domain.kernel.ids import lane_of, new_id
from infra.db.pool import open_pool
from infra.db.stores.identity import READ_EVERY_S, PostgresSessions, RecentlyEnded, UsedAssertions
from infra.security.keys import security_keys
from tests.builders.doors import NOW, Doors, data_key, open_doors, token_key

KEYS = security_keys([data_key()], KeySet([token_key()]))


@pytest.fixture
async def hall(pg_dsn: str) -> AsyncIterator[Doors]:
    async with open_doors(pg_dsn, keys=KEYS) as opened:
        yield opened


async def refreshed(hall: Doors, token: str) -> Session:
    outcome = await hall.sessions.refresh(token)
    assert isinstance(outcome, Refreshed)
    assert outcome.customer == "cust-1"
    return outcome.session


async def assert_ended(hall: Doors, *sessions: Session) -> None:
    for session in sessions:
        with pytest.raises(NotSignedIn):
            await hall.tokens.check_customer(session.access)
        assert await hall.sessions.refresh(session.refresh) == RefreshRefused()


async def test_a_session_is_the_customer_s(hall: Doors) -> None:
    session = await hall.sessions.issue("cust-1")

    token = await hall.tokens.check_customer(session.access)

    assert token.customer == "cust-1"
    assert token.expires_at == session.expires_at


async def test_a_refresh_replaces_both_tokens(hall: Doors) -> None:
    first = await hall.sessions.issue("cust-1")

    second = await refreshed(hall, first.refresh)
    third = await refreshed(hall, second.refresh)

    assert len({first.refresh, second.refresh, third.refresh}) == 3
    for session in (first, second, third):
        assert (await hall.tokens.check_customer(session.access)).customer == "cust-1"


async def test_only_hashes_of_refresh_tokens_are_kept(hall: Doors) -> None:
    first = await hall.sessions.issue("cust-1")
    second = await refreshed(hall, first.refresh)

    row = str(await hall.pool.fetchrow("select s::text from session s"))

    for token in (first.refresh, second.refresh):
        assert token not in row
        assert token[30:60] not in row


async def test_a_refresh_sent_again_soon_is_answered_with_the_same_token(hall: Doors) -> None:
    first = await hall.sessions.issue("cust-1")
    second = await refreshed(hall, first.refresh)

    hall.wall.at += RESEND - timedelta(seconds=1)
    again = [(await refreshed(hall, first.refresh)).refresh for _ in range(3)]

    assert again == [second.refresh] * 3
    assert await refreshed(hall, second.refresh)


async def test_a_refresh_sent_many_times_at_once_has_one_successor(hall: Doors) -> None:
    first = await hall.sessions.issue("cust-1")

    tokens = {session.refresh for session in await asyncio.gather(*(refreshed(hall, first.refresh) for _ in range(20)))}

    assert len(tokens) == 1
    assert await refreshed(hall, tokens.pop())


async def test_a_decision_made_on_an_older_state_changes_nothing(hall: Doors) -> None:
    """Guards: `token_hash = $3` in session.rotate, `token_hash = $4` in session.replace, `ended_at is null` in each.

    Without them a refresh that was held up between its reading and its writing brings an old token back.
    """
    store = PostgresSessions(hall.pool)
    until = NOW + timedelta(days=30)
    id = new_id(lane_of("cust-1"), NOW)
    await store.open(id, "cust-1", b"1", NOW, until)
    assert await store.rotate(id, b"1", b"2", NOW, until)
    assert await store.rotate(id, b"2", b"3", NOW, until)

    late_rotation = await store.rotate(id, b"1", b"2", NOW, until)
    late_replacement = await store.replace(id, b"1", b"2", b"4", until)
    replacement = await store.replace(id, b"2", b"3", b"4", until)
    second_replacement = await store.replace(id, b"2", b"4", b"5", until)
    await store.end(id, EndedBy.SIGN_OUT)
    after_the_end = await store.rotate(id, b"4", b"5", NOW, until)

    assert (late_rotation, late_replacement) == (False, False)
    assert (replacement, second_replacement, after_the_end) == (True, False, False)
    facts = await store.read(id)
    assert facts is not None
    assert (facts.current, facts.previous, facts.ended) == (b"4", b"2", True)


async def test_an_answer_lost_for_long_is_made_good_once(hall: Doors) -> None:
    first = await hall.sessions.issue("cust-1")
    lost = await refreshed(hall, first.refresh)
    hall.wall.at += RESEND

    second = await refreshed(hall, first.refresh)

    assert second.refresh != lost.refresh
    assert await refreshed(hall, second.refresh)


async def test_who_takes_the_lost_one_s_place_ends_the_session_for_both(hall: Doors) -> None:
    first = await hall.sessions.issue("cust-1")
    customer_s = await refreshed(hall, first.refresh)
    hall.wall.at += RESEND
    thief_s = await refreshed(hall, first.refresh)

    assert await hall.sessions.refresh(customer_s.refresh) == RefreshRefused()
    await assert_ended(hall, first, customer_s, thief_s)


async def test_a_late_resend_is_made_good_only_once(hall: Doors) -> None:
    first = await hall.sessions.issue("cust-1")
    await refreshed(hall, first.refresh)
    hall.wall.at += RESEND
    second = await refreshed(hall, first.refresh)

    assert await hall.sessions.refresh(first.refresh) == RefreshRefused()
    await assert_ended(hall, first, second)


async def test_a_token_that_was_used_up_ends_its_session(hall: Doors) -> None:
    first = await hall.sessions.issue("cust-1")
    second = await refreshed(hall, first.refresh)
    third = await refreshed(hall, second.refresh)
    other_device = await hall.sessions.issue("cust-1")

    assert await hall.sessions.refresh(first.refresh) == RefreshRefused()
    await assert_ended(hall, first, second, third)
    assert await hall.tokens.check_customer(other_device.access)
    assert await refreshed(hall, other_device.refresh)


async def test_a_refresh_token_lives_thirty_days_from_its_making(hall: Doors) -> None:
    session = await hall.sessions.issue("cust-1")

    hall.wall.pass_(days=29)
    session = await refreshed(hall, session.refresh)
    hall.wall.pass_(days=30)

    assert await hall.sessions.refresh(session.refresh) == RefreshRefused()


@pytest.mark.parametrize("text", ["", "x", "A" * 86, "\0", "é" * 50, "x" * 100_000])
async def test_what_was_never_issued_is_refused_and_ends_nothing(hall: Doors, text: str) -> None:
    session = await hall.sessions.issue("cust-1")

    assert await hall.sessions.refresh(text) == RefreshRefused()
    assert await refreshed(hall, session.refresh)


async def test_an_access_token_is_no_refresh_token(hall: Doors) -> None:
    session = await hall.sessions.issue("cust-1")

    assert await hall.sessions.refresh(session.access) == RefreshRefused()


async def test_signing_out_ends_this_session_and_no_other(hall: Doors) -> None:
    here, there = await hall.sessions.issue("cust-1"), await hall.sessions.issue("cust-1")

    await hall.sessions.sign_out(await hall.tokens.check_customer(here.access))

    await assert_ended(hall, here)
    assert await hall.tokens.check_customer(there.access)
    assert await refreshed(hall, there.refresh)


async def test_signing_out_everywhere_ends_every_session_of_this_customer(hall: Doors) -> None:
    sessions = [await hall.sessions.issue("cust-1") for _ in range(3)]
    neighbour = await hall.sessions.issue("cust-2")

    await hall.sessions.sign_out_everywhere("cust-1")

    await assert_ended(hall, *sessions)
    assert await hall.tokens.check_customer(neighbour.access)


async def test_another_process_learns_of_a_sign_out_within_two_seconds(hall: Doors, pg_dsn: str) -> None:
    """`RecentlyEnded` reads again after a second at most; here the second is passed by its own clock."""
    seconds = [0.0]
    elsewhere = RecentlyEnded(hall.pool, now=lambda: seconds[0])
    session = await hall.tokens.check_customer((await hall.sessions.issue("cust-1")).access)
    assert not await elsewhere.has(session.session)

    await hall.sessions.sign_out(session)
    seconds[0] += READ_EVERY_S

    assert await elsewhere.has(session.session)
    assert READ_EVERY_S < 2


async def test_a_hundred_checks_at_once_read_once(hall: Doors) -> None:
    read: list[str] = []
    ended = RecentlyEnded(_Counting(hall.pool, read))  # type: ignore[arg-type]

    await asyncio.gather(*(ended.has(UUID(int=n)) for n in range(100)))

    assert len(read) == 1


class _Counting:
    def __init__(self, pool: asyncpg.Pool, read: list[str]) -> None:
        self._pool = pool
        self._read = read

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        self._read.append(sql)
        return await self._pool.fetch(sql, *args)


async def test_when_ended_sessions_cannot_be_looked_up_nobody_is_let_in(pg_dsn: str) -> None:
    seconds = [0.0]
    pool = await open_pool(pg_dsn, max_size=2)
    ended = RecentlyEnded(pool, now=lambda: seconds[0])
    assert not await ended.has(UUID(int=1))
    await pool.close()

    seconds[0] = 1.5
    assert not await ended.has(UUID(int=1))
    seconds[0] = 2.0

    with pytest.raises(Busy):
        await ended.has(UUID(int=1))


async def test_ended_sessions_are_forgotten_when_their_tokens_are_long_over(hall: Doors) -> None:
    seconds = [0.0]
    ended = RecentlyEnded(hall.pool, now=lambda: seconds[0])
    ended.add(UUID(int=1))

    seconds[0] = 3_600
    assert not await ended.has(UUID(int=1))


async def test_sessions_past_their_end_are_deleted(hall: Doors) -> None:
    store = PostgresSessions(hall.pool)
    await hall.sessions.issue("cust-1")
    hall.wall.pass_(days=20)
    await hall.sessions.issue("cust-1")
    hall.wall.pass_(days=11)

    assert await store.forget(hall.wall.now()) == 1
    assert await hall.pool.fetchval("select count(*) from session") == 1


async def test_an_assertion_is_used_once_in_all_processes(pg_dsn: str) -> None:
    """The guard is the primary key of client_assertion."""
    pool = await open_pool(pg_dsn, max_size=8)
    until = NOW + timedelta(minutes=5)

    used = await asyncio.gather(*(UsedAssertions(pool).use("travel", "j1", until) for _ in range(8)))

    assert sorted(used) == [False] * 7 + [True]
    assert await UsedAssertions(pool).use("till", "j1", until)
    assert await UsedAssertions(pool).forget(until + timedelta(seconds=1)) == 2
    await pool.close()


# --- the decision by itself


def facts(**changes: object) -> SessionFacts:
    fit = {
        "customer": "cust-1",
        "current": b"2",
        "previous": b"1",
        "rotated_at": NOW,
        "resent": False,
        "expires_at": NOW + timedelta(days=30),
        "ended": False,
    }
    return SessionFacts(**(fit | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "presented", "after", "expected"),
    [
        (facts(), b"2", timedelta(), RefreshDecision.ROTATE),
        (facts(previous=None, rotated_at=None), b"2", timedelta(), RefreshDecision.ROTATE),
        (facts(), b"1", RESEND - timedelta(microseconds=1), RefreshDecision.REPEAT),
        (facts(), b"1", RESEND, RefreshDecision.REPLACE),
        (facts(current=b"3"), b"1", timedelta(), RefreshDecision.REPLACE),
        (facts(resent=True), b"1", timedelta(), RefreshDecision.END),
        (facts(), b"0", timedelta(), RefreshDecision.END),
        (facts(ended=True), b"2", timedelta(), RefreshDecision.REFUSE),
        (facts(ended=True), b"0", timedelta(), RefreshDecision.REFUSE),
        (facts(), b"2", timedelta(days=30), RefreshDecision.REFUSE),
        (None, b"2", timedelta(), RefreshDecision.REFUSE),
    ],
)
def test_what_a_refresh_token_is_worth(
    known: SessionFacts | None, presented: bytes, after: timedelta, expected: RefreshDecision
) -> None:
    successor = b"2" if presented == b"1" else b"x"

    assert decide_refresh(known, presented, successor, NOW + after) is expected
