"""Several halls on one database want the same things at the same moment.

"At the same moment" is made sure of: a gate lets every hall read and judge, and opens when all of them stand before it
to write. Each guard named here was taken out once, and the test was seen to fail.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import pairwise
from typing import Any

import asyncpg
import pytest

from domain.kernel.ids import LANES, lane_of, new_id
from domain.ledger.accounts import Account, sink
from domain.ledger.moves import post
from domain.ledger.unit import Change, Committed, Moved, Opening, Repeated, Result, Reused, Short, Unit
from infra.db.commit import CommitWatch, GroupCommit
from infra.db.reconcile import reconcile
from tests.builders.ledger import AT, QUOTA, allowance, claim, coupon_of, grant_row, publish, request_of, unit


class Watch(CommitWatch):
    def __init__(self) -> None:
        self.why: Counter[str] = Counter()

    def again(self, why: str) -> None:
        self.why[why] += 1


@pytest.fixture
async def halls(pg_dsn: str) -> AsyncIterator[tuple[list[GroupCommit], Watch]]:
    """Four halls, each with its own queue and two connections."""
    watch = Watch()
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(GroupCommit(pg_dsn, watch=watch)) for _ in range(4)], watch


@pytest.fixture
async def db(pg_dsn: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(pg_dsn)
    yield connection
    await connection.close()


async def spread(halls: list[GroupCommit], units: list[Unit], db: Any, gate: str) -> list[Result]:
    """All at once, one after the other to the next hall; nobody writes to the table `gate` before all have judged."""
    async with db.transaction():
        await db.execute(f"lock table {gate} in exclusive mode")
        answers = asyncio.gather(*(halls[n % len(halls)].commit(unit) for n, unit in enumerate(units)))
        while await db.fetchval("select count(*) from pg_locks where not granted") < len(halls):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    return await answers


async def broken_laws(db: Any) -> list[str]:
    return [f"{law.name}: {law.detail}" for law in await reconcile(db) if not law.ok]


async def test_a_sell_out_gives_exactly_what_there_is(halls: tuple[list[GroupCommit], Watch], db: Any) -> None:
    """Guards: `a.balance - a.held - a.floor + r.low >= 0` of shared accounts in ledger_write, and behind it the check
    account_above_floor of the table. Without both it oversells.
    """
    hall, watch = halls
    await hall[0].commit(publish(300))
    wanted = [claim(f"C{n}") for n in range(800)]

    first = await spread(hall, wanted, db, "request")
    again = [await hall[0].commit(unit) for unit in wanted]

    assert Counter(type(result) for result in first) == {Committed: 300, Short: 500}
    for one, result, repeated in zip(wanted, first, again, strict=True):
        assert repeated == (Repeated(one.answer) if isinstance(result, Committed) else Short(QUOTA))
    assert await db.fetchrow("select balance, held from shared_account") == (0, 0)
    assert await db.fetchval("select count(*) from coupon") == 300
    assert watch.why["moved"] > 0
    assert await broken_laws(db) == []


async def test_a_sell_out_with_the_same_people_in_all_halls_gives_exactly_what_there_is(
    halls: tuple[list[GroupCommit], Watch], db: Any
) -> None:
    hall, _ = halls
    await hall[0].commit(publish(300))
    requests = {f"C{n}": new_id(lane_of(f"C{n}"), AT) for n in range(900)}
    units = [claim(person, requests[person]) for person in random.Random(1).choices(list(requests), k=2000)]

    answers = Counter(type(answer) for answer in await spread(hall, units, db, "request"))

    assert answers[Committed] == 300
    assert set(answers) == {Committed, Repeated, Short}
    assert await db.fetchval("select count(*) from coupon") == 300
    assert await broken_laws(db) == []


async def test_the_same_request_a_hundred_times_at_once_has_one_effect_and_one_answer(
    halls: tuple[list[GroupCommit], Watch], db: Any
) -> None:
    """Guard: the primary key of `request`; nothing else in these units would meet."""
    hall, _ = halls
    purse, request = Account(lane_of("C1"), "purse"), request_of("C1")
    pay_in = [post(1, sink("in"), purse, "IN")]
    await hall[0].commit(unit(purse.lane, moves=pay_in))
    units = [unit(purse.lane, request=request, moves=pay_in, answer=f'"{n}"') for n in range(100)]

    results = await spread(hall, units, db, "request")

    assert Counter(type(result) for result in results) == {Committed: 1, Repeated: 99}
    assert len({result.answer for result in results if isinstance(result, Committed | Repeated)}) == 1
    assert await db.fetchval("select balance from account") == 2
    assert await broken_laws(db) == []


async def test_one_request_with_two_inputs_at_once_counts_for_one_of_them(
    halls: tuple[list[GroupCommit], Watch], db: Any
) -> None:
    hall, _ = halls
    await hall[0].commit(publish(300))
    request = new_id(lane_of("C1"), AT)

    results = await spread(hall, [claim("C1", request, print=1 + n // 20) for n in range(40)], db, "request")

    assert Counter(type(result) for result in results) == {Committed: 1, Repeated: 19, Reused: 20}


async def test_a_customers_limit_holds_in_all_halls_at_once(halls: tuple[list[GroupCommit], Watch], db: Any) -> None:
    """Behind the limit's account stands the unique constraint of the grants, too."""
    hall, _ = halls
    await hall[0].commit(publish(300))

    results = await spread(hall, [claim("C1") for _ in range(40)], db, "request")

    assert Counter(type(result) for result in results) == {Committed: 1, Short: 39}
    assert {result.account for result in results if isinstance(result, Short)} == {allowance("C1")}
    assert await broken_laws(db) == []


async def test_a_coupon_is_used_in_one_hall_only(halls: tuple[list[GroupCommit], Watch], db: Any) -> None:
    """Guard: `t.status = u.old` in the change, whose count is demanded (p_missing in ledger_write)."""
    hall, _ = halls
    await hall[0].commit(publish(1))
    claimed = claim("C1")
    await hall[0].commit(claimed)
    purse, coupon = Account(claimed.lane, "uses"), coupon_of(claimed)
    await hall[0].commit(unit(claimed.lane, moves=[post(1, sink("used"), purse, "USE")]))
    use = [
        unit(
            claimed.lane,
            moves=[post(1, sink("used"), purse, "USE")],
            changes=[Change("coupon", coupon, "AVAILABLE", "HELD")],
        )
        for _ in range(40)
    ]

    results = await spread(hall, use, db, "coupon")

    assert Counter(type(result) for result in results) == {Committed: 1, Moved: 39}
    assert await db.fetchval("select balance from account where key = 'uses'") == 2


async def test_two_workers_who_fold_the_same_story_give_its_grants_once(
    halls: tuple[list[GroupCommit], Watch], db: Any
) -> None:
    """The second one's grant breaks a unique constraint before its story is found moved: still Moved, not Broken.

    Guard: reading again after a unique violation (`conflicts` in `_persist`).
    """
    hall, watch = halls
    units = []
    for _ in range(8):
        lane = lane_of("C1")
        story = {"lane": lane, "customer": "C1", "version": 1, "plans": 1, "upto": AT, "state": "{}"}
        rows = {"story": [story], "offer_grant": [grant_row("C1", new_id(lane, AT))]}
        units.append(unit(lane, changes=[Change("story", "C1", None, 1)], rows=rows))

    results = await spread(hall, units, db, "offer_grant")

    assert Counter(type(result) for result in results) == {Committed: 1, Moved: 7}
    assert await db.fetchval("select count(*) from offer_grant") == 1
    assert watch.why["unique"] > 0


async def test_halls_that_want_the_same_accounts_in_any_order_never_lock_each_other_out(
    halls: tuple[list[GroupCommit], Watch], db: Any
) -> None:
    """Guard: the sorting in `_account_arrays`. Without it PostgreSQL reports deadlocks here."""
    hall, watch = halls
    own = [Account(LANES[n % 5], f"a|{n}") for n in range(12)]
    shared = [Account(LANES[n], f"s|{n}", shared=True) for n in range(5)]
    filling = [post(10**6, sink("in"), account, "IN") for account in [*own, *shared]]
    await hall[0].commit(unit(moves=filling))
    chance = random.Random(2)

    def some_unit() -> Unit:
        accounts = [*chance.sample(own, 4), *chance.sample(shared, 3)]
        chance.shuffle(accounts)
        moves = [post(1, source, target, "M") for source, target in pairwise(accounts)]
        return unit(moves=moves)

    async def customer(n: int) -> None:
        for _ in range(25):
            assert await hall[n % 4].commit(some_unit()) == Committed("")

    await asyncio.gather(*(customer(n) for n in range(60)))

    assert watch.why["deadlock"] == 0
    assert (await reconcile(db))[0].ok


async def test_under_steady_disturbance_a_batch_comes_to_its_end(
    halls: tuple[list[GroupCommit], Watch], db: Any
) -> None:
    """An account at its limit moves all the time; each unit is answered, by locks in the end.

    Everybody pays one in and takes one out, so that after all of them nothing has changed.
    """
    hall, _ = halls
    box = Account(LANES[0], "box", shared=True)
    await hall[0].commit(unit(moves=[post(1, sink("in"), box, "IN")]))

    async def customer(n: int) -> int:
        taken = 0
        for _ in range(20):
            if isinstance(await hall[n % 4].commit(unit(moves=[post(1, box, sink("out"), "OUT")])), Committed):
                taken += 1
                assert await hall[n % 4].commit(unit(moves=[post(1, sink("in"), box, "IN")])) == Committed("")
        return taken

    taken = await asyncio.gather(*(customer(n) for n in range(24)))

    assert sum(taken) > 0
    assert await db.fetchval("select balance from shared_account") == 1
    assert (await reconcile(db))[0].ok


async def test_two_batches_of_one_hall_are_under_way_at_once(pg_dsn: str, db: Any) -> None:
    """One batch waits for a lock that somebody else holds; those who come later do not wait for it."""
    stuck, free = Account(LANES[0], "stuck"), Account(LANES[0], "free")
    async with GroupCommit(pg_dsn, in_flight=2) as ledger:
        await ledger.commit(unit(moves=[post(5, sink("in"), account, "IN") for account in (stuck, free)]))
        async with db.transaction():
            await db.execute("select 1 from account where key = 'stuck' for update")
            waiting = ledger.submit(unit(moves=[post(1, stuck, sink("out"), "OUT")]))
            while not await db.fetchval("select count(*) from pg_locks where not granted"):  # noqa: ASYNC110
                await asyncio.sleep(0)

            other = await ledger.commit(unit(moves=[post(1, free, sink("out"), "OUT")]))

            assert other == Committed("")
            assert not waiting.done()
        assert await waiting == Committed("")


async def test_an_account_is_opened_by_whoever_comes_first(halls: tuple[list[GroupCommit], Watch], db: Any) -> None:
    """Guard: the primary key of `account`."""
    hall, _ = halls
    box = Account(LANES[0], "box")
    units = [unit(moves=[post(1, box, sink("out"), "OUT")], opens={box: Opening(5)}) for _ in range(20)]

    results = await spread(hall, units, db, "commit_mark")

    assert Counter(type(result) for result in results) == {Committed: 5, Short: 15}
    assert await db.fetchrow("select opened, balance from account") == (5, 0)


async def test_quota_added_while_it_sells_out_is_given_too(halls: tuple[list[GroupCommit], Watch], db: Any) -> None:
    hall, _ = halls
    await hall[0].commit(publish(50))
    units = [claim(f"C{n}") for n in range(400)]
    units.insert(200, publish(70))

    results = Counter(type(result) for result in await spread(hall, units, db, "request"))
    later = Counter([type(await hall[n % 4].commit(claim(f"D{n}"))) for n in range(100)])

    assert results[Committed] - 1 + later[Committed] == 120
    assert await db.fetchval("select balance from shared_account where key = $1", QUOTA.key) == 0
