"""The inbox under races, crowds and failures, over a real database."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from joserfc.jwk import KeySet

from domain.intake.fit import unfit
from domain.intake.model import Accepted, Duplicate, Incoming, Rejected, Verdict
from domain.kernel.errors import Broken, Busy
from domain.kernel.ids import lane_of
from infra.db.pool import DatabaseUnreachable, open_pool
from infra.db.stores.inbox import EventInbox, load_print_key
from infra.security.keys import security_keys
from infra.security.sealing import SealBroken, Sealer
from tests.builders.doors import DATA, NOW, counted, data_key, token_key

PRINT_KEY = bytes(32)


def sealer(*bytes_: int) -> Sealer:
    return Sealer(security_keys([data_key(byte) for byte in bytes_ or (1,)], KeySet([token_key()])).data)


def event(n: int = 1, **data: Any) -> Incoming:
    return Incoming(
        "urn:test", f"e{n}", "transaction.posted", NOW + timedelta(seconds=n), DATA["transaction.posted"] | data
    )


@pytest.fixture
async def pool(pg_dsn: str) -> AsyncIterator[Any]:
    opened = await open_pool(pg_dsn, max_size=10)
    yield opened
    await opened.close()


def inbox_over(pool: Any, **more: Any) -> EventInbox:
    return EventInbox(pool, print_key=PRINT_KEY, sealer=sealer(), unfit=unfit, **more)


def kinds(verdicts: Sequence[Verdict]) -> list[type]:
    return [type(verdict) for verdict in verdicts]


async def test_eight_processes_with_the_same_batch_accept_each_event_once(pool: Any) -> None:
    """The guard is the primary key of `event` (and of `inbox`): without both, events are accepted up to eight times."""
    processes = [inbox_over(pool) for _ in range(8)]
    batch = [event(n) for n in range(200)]

    answers = await asyncio.gather(*(process.accept(batch) for process in processes))

    accepted = [sum(type(answers[p][n]) is Accepted for p in range(8)) for n in range(200)]
    assert accepted == [1] * 200
    assert all(type(verdict) in (Accepted, Duplicate) for answer in answers for verdict in answer)
    assert (await counted(pool)).inbox == 200


async def test_batches_in_opposite_order_wait_for_each_other_but_never_in_a_circle(pool: Any) -> None:
    """The guard is the sort in `_columns`: without it PostgreSQL reports a deadlock.

    A third transaction holds the middle event until both batches stand before it, each behind its own half.
    """
    one, other = inbox_over(pool), inbox_over(pool)
    batch = sorted((event(n) for n in range(21)), key=lambda e: (lane_of(e.source + "\x1f" + e.id), e.id))
    middle = batch[10]
    async with pool.acquire() as third:
        holding = third.transaction()
        await holding.start()
        await third.execute(
            "insert into inbox (lane, source, id, type, at, data, due_at, received_at) "
            "values ($1, $2, $3, '', $4, '', $4, $4)",
            lane_of(middle.source + "\x1f" + middle.id),
            middle.source,
            middle.id,
            NOW,
        )
        answers = [asyncio.create_task(one.accept(batch)), asyncio.create_task(other.accept(batch[::-1]))]
        while await third.fetchval("select count(*) from pg_locks where not granted") < 2:
            pass
        await holding.rollback()

    assert sum(type(verdict) is Accepted for answer in await asyncio.gather(*answers) for verdict in answer) == 21
    assert (await counted(pool)).inbox == 21


async def test_of_two_different_events_under_one_name_one_is_taken(pool: Any) -> None:
    processes = [inbox_over(pool) for _ in range(6)]

    answers = await asyncio.gather(*(process.accept([event(amount=p + 1)]) for p, process in enumerate(processes)))

    assert sorted(kind.__name__ for answer in answers for kind in kinds(answer)) == ["Accepted", *["Rejected"] * 5]


async def test_callers_of_the_same_moment_travel_together_and_hear_their_own_answers(pool: Any) -> None:
    inbox = inbox_over(pool, in_flight=1)

    answers = await asyncio.gather(
        *(inbox.accept([event(n)]) for n in range(100)),
        inbox.accept([event(999, amount=-1), event(1), event(100), event(2, amount=7)]),
    )

    assert [kinds(answer) for answer in answers[:-1]] == [[Accepted]] * 100
    assert kinds(answers[-1]) == [Rejected, Duplicate, Accepted, Rejected]
    assert (await counted(pool)).events == 101
    assert await pool.fetchval("select count(distinct received_at) from event") == 1


async def test_the_inbox_and_the_register_are_written_together_or_not_at_all(pool: Any) -> None:
    await pool.execute("alter table inbox add constraint no_sevens check (id <> 'e7')")
    inbox = inbox_over(pool)

    with pytest.raises(asyncpg.CheckViolationError):
        await inbox.accept([event(6), event(7)])

    assert (await counted(pool)).events == 0


async def test_what_one_caller_breaks_is_not_the_others_loss(pool: Any) -> None:
    await pool.execute("alter table inbox add constraint no_sevens check (id <> 'e7')")
    inbox = inbox_over(pool, in_flight=1)
    first = asyncio.create_task(inbox.accept([event(0)]))
    await asyncio.sleep(0)

    answers = await asyncio.gather(*(inbox.accept([event(n)]) for n in range(1, 10)), return_exceptions=True)

    assert kinds(await first) == [Accepted]
    assert [n for n, answer in enumerate(answers, 1) if isinstance(answer, BaseException)] == [7]
    assert (await counted(pool)).events == 9


async def test_beyond_the_queue_callers_hear_busy_and_nothing_is_done(pool: Any) -> None:
    inbox = inbox_over(pool, in_flight=1, queue_events=10)
    async with pool.acquire() as blocker, blocker.transaction():
        await blocker.execute("lock table event in access exclusive mode")
        under_way = asyncio.create_task(inbox.accept([event(0)]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting = asyncio.create_task(inbox.accept([event(n) for n in range(1, 11)]))
        await asyncio.sleep(0)

        with pytest.raises(Busy):
            await inbox.accept([event(11)])

    assert kinds(await under_way) == [Accepted]
    assert kinds(await waiting) == [Accepted] * 10
    assert (await counted(pool)).events == 11


async def test_a_caller_who_leaves_takes_nobody_along(pool: Any) -> None:
    inbox = inbox_over(pool, in_flight=1)
    async with pool.acquire() as blocker, blocker.transaction():
        await blocker.execute("lock table event in access exclusive mode")
        first = asyncio.create_task(inbox.accept([event(0)]))
        gone = asyncio.create_task(inbox.accept([event(1)]))
        staying = asyncio.create_task(inbox.accept([event(2)]))
        for _ in range(3):
            await asyncio.sleep(0)
        gone.cancel()

    assert kinds(await first) == kinds(await staying) == [Accepted]


async def test_closing_answers_what_was_taken_and_takes_no_more(pool: Any) -> None:
    inbox = inbox_over(pool)
    taken = asyncio.create_task(inbox.accept([event(1)]))
    await asyncio.sleep(0)

    await inbox.close()

    assert kinds(await taken) == [Accepted]
    with pytest.raises(Busy):
        await inbox.accept([event(2)])


async def test_a_batch_rings_the_bell_once_and_a_repetition_does_not(pool: Any, pg_dsn: str) -> None:
    rung: list[str] = []
    heard = asyncio.Event()
    listener = await asyncpg.connect(pg_dsn)

    def hear(_: object, __: int, channel: str, payload: str) -> None:
        rung.append(channel)
        if payload == "last":
            heard.set()

    await listener.add_listener("hall_inbox", hear)
    inbox = inbox_over(pool)

    await inbox.accept([event(n) for n in range(50)])
    await inbox.accept([event(n) for n in range(50)])

    await pool.execute("select pg_notify('hall_inbox', 'last')")
    await heard.wait()
    await listener.close()
    assert rung == ["hall_inbox"] * 2


WAITING = """
    select count(*) from pg_locks
    where not granted and database = (select oid from pg_database where datname = current_database())
"""


async def test_a_lost_database_is_unavailable_and_the_resent_events_are_told_apart(pg_dsn: str) -> None:
    pool = await open_pool(pg_dsn, max_size=2)
    inbox = inbox_over(pool)
    await inbox.accept([event(1)])
    killer = await asyncpg.connect(pg_dsn)
    async with killer.transaction():
        await killer.execute("lock table event")
        asked = asyncio.create_task(inbox.accept([event(1), event(2)]))
        while not await killer.fetchval(WAITING):  # noqa: ASYNC110 - a lock that is waited for tells nobody
            await asyncio.sleep(0)
        await killer.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where pid <> pg_backend_pid() and datname = current_database()"
        )

        with pytest.raises(DatabaseUnreachable):
            await asked
    while True:
        with suppress(DatabaseUnreachable):
            answer = await inbox.accept([event(1), event(2)])
            break

    assert DatabaseUnreachable.code == "UNAVAILABLE"
    assert kinds(answer) == [Duplicate, Accepted]
    await killer.close()
    await pool.close()


# --- prints


async def test_prints_outlive_the_keys_they_were_kept_under(pool: Any) -> None:
    first = await load_print_key(pool, sealer(1))
    rotated = await load_print_key(pool, sealer(2, 1))
    old_one_gone = await load_print_key(pool, sealer(2))

    assert first == rotated == old_one_gone
    with pytest.raises(SealBroken):
        await load_print_key(pool, sealer(3))
    assert issubclass(SealBroken, Broken)


async def test_two_processes_that_start_together_make_one_print_key(pool: Any) -> None:
    keys = await asyncio.gather(*(load_print_key(pool, sealer(1)) for _ in range(6)))

    assert len(set(keys)) == 1


async def test_prints_say_nothing_without_the_key(pool: Any) -> None:
    """Sixty-four bits of an unkeyed hash would give away a phone number to whoever tries them all."""
    one, other = inbox_over(pool), EventInbox(pool, print_key=bytes([1]) * 32, sealer=sealer(), unfit=unfit)

    await one.accept([event(1)])
    answer = await other.accept([event(1)])

    assert kinds(answer) == [Rejected]
