"""The connection or the whole database is lost while commits are under way: everything counts once, nothing that was
answered is lost.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import asyncpg
import pytest

from domain.kernel.ids import LANES
from domain.ledger.accounts import Account, sink
from domain.ledger.moves import post
from domain.ledger.unit import Committed, Repeated, Result, Unit
from infra.db.commit import CommitWatch, GroupCommit
from infra.db.pool import DatabaseUnreachable
from infra.db.reconcile import reconcile
from infra.embedded import EmbeddedPostgres
from tests.builders.killing import kill
from tests.builders.ledger import QUOTA, claim, publish, request_of, unit
from tests.builders.relay import Loss, Relay, relayed


class Watch(CommitWatch):
    def __init__(self) -> None:
        self.why: list[str] = []

    def again(self, why: str) -> None:
        self.why.append(why)


@pytest.fixture
async def db(pg_dsn: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(pg_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def relay(pg_dsn: str) -> AsyncIterator[tuple[Relay, GroupCommit, Watch]]:
    """One connection, through a relay."""
    watch = Watch()
    async with relayed(pg_dsn) as (relay, dsn), GroupCommit(dsn, in_flight=1, watch=watch) as ledger:
        yield relay, ledger, watch


def pay_in(units: int = 1) -> Unit:
    """Without a request: nothing in it tells whether it was done before."""
    return unit(moves=[post(units, sink("in"), Account(1, "purse"), "IN")])


@pytest.mark.parametrize("loss", [Loss.BEFORE, Loss.AFTER])
async def test_a_commit_whose_answer_is_lost_counts_once_and_is_answered(
    relay: tuple[Relay, GroupCommit, Watch], db: Any, loss: Loss
) -> None:
    """Guard: the mark. With `_reconnect` always saying "not durable", the purse has 2 after Loss.AFTER."""
    wire, ledger, watch = relay
    wire.lose = loss
    claimed = claim("C1")

    answers = await asyncio.gather(*(ledger.commit(unit) for unit in (publish(5), pay_in(), claimed)))

    assert wire.lost.is_set()
    assert watch.why == ["lost"]
    assert answers == [Committed(""), Committed(""), Committed(claimed.answer)]
    assert await db.fetchval("select balance from account where key = 'purse'") == 1
    assert await db.fetchval("select balance from shared_account where key = $1", QUOTA.key) == 4
    assert (await reconcile(db))[0].ok


async def test_a_commit_that_still_runs_when_its_connection_is_lost_counts_once(
    relay: tuple[Relay, GroupCommit, Watch], db: Any
) -> None:
    """The lost transaction waits for a lock and commits later, when the next connection already asks about it."""
    wire, ledger, _ = relay
    # By hand, so that the ledger has not prepared its statements yet.
    await db.execute("insert into account (lane, key, balance, opened) values (1, 'purse', 1, 1)")
    wire.lose = Loss.WHILE
    async with db.transaction():
        await db.execute("select 1 from account where key = 'purse' for update")
        paying = ledger.submit(pay_in())
        await wire.lost.wait()
        # The lost commit waits for us, the next connection for the lost commit.
        while await db.fetchval("select count(*) from pg_locks where not granted") < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    assert await paying == Committed("")
    assert await db.fetchval("select balance from account where key = 'purse'") == 2
    assert (await reconcile(db))[0].ok


async def test_a_lost_commit_that_has_not_come_far_is_kept_from_ever_counting(
    relay: tuple[Relay, GroupCommit, Watch], db: Any
) -> None:
    """The lost transaction waits for another one at its very beginning. The next connection does not wait for it: it
    moves the mark on, so that the lost one fails when it comes to its own mark.

    Guard: MOVE_MARK. Where the mark is only read, the lost transaction counts as well: the purse has 3.
    """
    wire, ledger, _ = relay
    await db.execute("insert into account (lane, key, balance, opened) values (1, 'purse', 1, 1)")
    asked = request_of("C1")
    wire.lose = Loss.WHILE
    other = db.transaction()
    await other.start()
    await db.execute("insert into request values ($1, 'C1', $2, 0, '', now())", LANES[1], asked.id)
    answers = [ledger.submit(unit(request=asked, answer='"mine"')), ledger.submit(pay_in())]
    await wire.lost.wait()
    while await db.fetchval("select count(*) from pg_locks where not granted") < 2:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await other.rollback()

    assert await asyncio.gather(*answers) == [Committed('"mine"'), Committed("")]
    assert await db.fetchval("select balance from account where key = 'purse'") == 2
    assert (await reconcile(db))[0].ok


async def test_a_connection_lost_between_commits_is_made_anew(pg_dsn: str, db: Any) -> None:
    async with GroupCommit(pg_dsn, in_flight=1) as ledger:
        await ledger.commit(pay_in())
        await db.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'hall ledger'"
        )

        assert await ledger.commit(pay_in()) == Committed("")

    assert await db.fetchval("select balance from account where key = 'purse'") == 2


async def test_a_ledger_whose_mark_is_gone_makes_another(pg_dsn: str, db: Any) -> None:
    async with GroupCommit(pg_dsn, in_flight=1) as ledger:
        await ledger.commit(pay_in())
        await db.execute("delete from commit_mark")

        assert await ledger.commit(pay_in()) == Committed("")
        assert await ledger.commit(pay_in()) == Committed("")


# --- a database of its own, to be killed


async def test_killing_the_database_under_load_loses_nothing_and_doubles_nothing(mortal: EmbeddedPostgres) -> None:
    """Callers who wait long enough do not even notice."""
    async with relayed(mortal.dsn) as (relay, dsn), GroupCommit(dsn, patience_s=60) as ledger:
        await ledger.commit(publish(10**6))
        answered: list[Unit] = []
        enough = asyncio.Event()

        async def customer(n: int) -> None:
            for turn in range(30):
                wanted = claim(f"C{n}-{turn}")
                assert await ledger.commit(wanted) == Committed(wanted.answer)
                answered.append(wanted)
                if len(answered) % 700 == 350:
                    enough.set()

        async def killer() -> None:
            for _ in range(2):
                await enough.wait()
                enough.clear()
                kill(mortal)
                relay.lead_to(await mortal.start())  # on another port, perhaps

        await asyncio.gather(killer(), *(customer(n) for n in range(60)))

        again = await asyncio.gather(*(ledger.commit(unit) for unit in answered))

    assert len(answered) == 1800
    assert again == [Repeated(unit.answer) for unit in answered]
    db = await asyncpg.connect(mortal.dsn)
    counts = "select (select count(*) from request), (select count(*) from coupon), (select count(*) from offer_grant)"
    assert set(await db.fetchrow(counts)) == {1800}
    assert [law for law in await reconcile(db) if not law.ok] == []
    await db.close()


async def test_who_got_no_answer_asks_again_and_gets_the_one_there_is(mortal: EmbeddedPostgres) -> None:
    """Without patience callers hear that the database cannot be reached; under the same request ids all is settled."""
    async with relayed(mortal.dsn) as (relay, dsn), GroupCommit(dsn, patience_s=0) as ledger:
        await ledger.commit(publish(10**6))
        wanted = [claim(f"C{n}") for n in range(2000)]
        answers: dict[int, Result] = {}

        async def customer(n: int) -> None:
            with suppress(DatabaseUnreachable):
                answers[n] = await ledger.commit(wanted[n])
                if len(answers) == 500:
                    kill(mortal)

        for start in range(0, len(wanted), 250):
            await asyncio.gather(*(customer(n) for n in range(start, start + 250)))
        relay.lead_to(await mortal.start())
        assert len(answers) < len(wanted)

        second = await asyncio.gather(*(ledger.commit(unit) for unit in wanted))

    for n, result in enumerate(second):
        assert isinstance(result, Committed | Repeated)
        assert result.answer == wanted[n].answer
        if n in answers:
            assert isinstance(result, Repeated)
    db = await asyncpg.connect(mortal.dsn)
    assert await db.fetchval("select count(*) from coupon") == len(wanted)
    assert [law for law in await reconcile(db) if not law.ok] == []
    await db.close()
