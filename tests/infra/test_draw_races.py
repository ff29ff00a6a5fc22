"""Draws over a real PostgreSQL: one chance one result, stock exact under a rush, the chain whole, secrets kept."""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from domain.ledger.unit import Committed, Moved, Repeated, Short
from domain.lottery.decide import DrawTurn
from domain.lottery.verify import verify
from infra.db.pool import DatabaseUnreachable
from infra.db.stores.lottery import DrawRecord
from infra.embedded import EmbeddedPostgres
from infra.worker.draws import DrawDays
from tests.builders.draws import AT, DAY, NONCE, Booth, of_draw, open_booth, open_ledger, shipped
from tests.builders.killing import kill


async def test_one_chance_is_one_result_however_many_draw_it_at_once(pg_dsn: str) -> None:
    """Fails without the change of the chance's row (`OPEN` to `DRAWN`) and the move of its account together."""
    async with open_booth(pg_dsn, shipped()) as booth:
        (chance,) = await booth.chances(1)
        turns = [await booth.turn(chance) for _ in range(50)]

        results = await asyncio.gather(*(booth.ledger.commit(turn) for turn in turns))

        assert Counter(type(result) for result in results) == {Committed: 1, Moved: 49}
        assert len(await booth.record()) == 1
        assert await booth.broken() == []


async def test_the_same_request_answers_the_same_prize(pg_dsn: str) -> None:
    async with open_booth(pg_dsn, shipped()) as booth:
        (chance,) = await booth.chances(1)
        request = uuid4()
        turns = [await booth.turn(chance, request=request) for _ in range(20)]

        results = await asyncio.gather(*(booth.ledger.commit(turn) for turn in turns))

        assert Counter(type(result) for result in results) == {Committed: 1, Repeated: 19}
        assert len({result.answer for result in results if isinstance(result, Committed | Repeated)}) == 1


async def test_a_rush_of_2000_draws_sells_a_prize_out_exactly_and_the_rest_is_consolation(pg_dsn: str) -> None:
    """Two ledgers, as in two processes. Fails (a unit is Short) when a prize that has run out is not made the
    consolation at its turn, and with a chain read before the batch instead of at the turn.
    """
    async with (
        open_booth(pg_dsn, shipped(jd_card_50=20, video_month=100)) as booth,
        open_booth(pg_dsn, shipped(jd_card_50=0, video_month=0)) as other,
    ):
        other.of = booth.of
        chances = await booth.chances(2_000)
        turns = [await booth.turn(chance, nonce=f"nonce of number {n}") for n, chance in enumerate(chances)]
        ledgers = (booth.ledger, other.ledger)

        results = await asyncio.gather(*(ledgers[n % 2].commit(turn) for n, turn in enumerate(turns)))

        assert Counter(type(result) for result in results) == {Committed: 2_000}
        given = Counter(turn.late.told.prize for turn in turns if isinstance(turn.late, DrawTurn) and turn.late.told)
        assert (given["jd-card-50"], given["video-month"]) == (20, 100)
        record = await booth.record()
        assert [entry.sequence for entry in record] == list(range(1, 2_001))
        days = await DrawRecord(booth.pool).days(booth.of.key)
        found = await DrawRecord(booth.pool).entries(booth.of.key, after=0, limit=3_000)
        assert verify(booth.of.name, days, [(digest, body) for _, _, digest, body in found]).faults == []
        assert await booth.broken() == []


async def test_a_prize_the_budget_does_not_pay_for_falls_to_the_consolation_and_says_so(pg_dsn: str) -> None:
    found = shipped().draw
    dear = tuple(
        prize if prize.consolation else replace(prize, reward=replace(prize.reward, cost=10**6))
        for prize in found.prizes
    )
    # Of 60 rolls that can be paid for as the consolation only, about 18 are of a dearer prize.
    async with open_booth(pg_dsn, of_draw(replace(found, prizes=dear)), budget=500 * 60) as booth:
        chances = await booth.chances(80)

        results = [await booth.draw(chance, nonce=f"nonce of number {n}") for n, chance in enumerate(chances)]

        record = await booth.record()
        assert {type(result) for result in results} == {Committed, Short}
        assert any(entry.closed and entry.prize == "repayment-5" for entry in record)
        assert await booth.broken() == []


async def test_a_free_order_without_a_purchase_to_count_from_is_the_consolation(pg_dsn: str) -> None:
    of = shipped("free-order")
    async with open_booth(pg_dsn, of) as booth:
        with_order, without = (await booth.chances(1, basis=50_000))[0], (await booth.chances(1))[0]

        await booth.draw(with_order)
        await booth.draw(without)

        first, second = await booth.record()
        assert (first.closed, second.closed) == ((), ("free-order",))


async def test_a_draw_decided_before_part_of_its_order_went_back_is_decided_again(pg_dsn: str) -> None:
    """Fails when a lowered chance stays the same row with another basis: the draw then counts from the old one."""
    async with open_booth(pg_dsn, shipped("free-order")) as booth:
        (chance,) = await booth.chances(1, basis=80_000)
        turn = await booth.turn(chance)

        await booth.lower(chance, 50_000)
        outcome = await booth.ledger.commit(turn)

        rows = await booth.pool.fetch("select status, basis, expires_at from draw_chance order by basis desc")
        assert outcome == Moved("draw_chance", chance.id)
        assert [(row["status"], row["basis"]) for row in rows] == [("VOIDED", 80_000), ("OPEN", 50_000)]
        assert rows[1]["expires_at"] == chance.expires_at
        assert await booth.broken() == []


async def test_a_secret_is_sealed_committed_to_and_revealed_only_when_its_day_cannot_be_drawn_on(pg_dsn: str) -> None:
    """Fails when `REVEAL` and `TO_REVEAL` do not look at the chain's day."""
    async with open_booth(pg_dsn, shipped()) as booth:
        first, late = await booth.chances(2)
        await booth.draw(first)
        before = await DrawRecord(booth.pool).days(booth.of.key)
        straggler = await booth.turn(late)  # decided on the day before, committed after it has turned

        revealed_early = await booth.secrets.reveal(AT)
        days = DrawDays(booth.secrets, booth.ledger, _no_catalog)
        await days.turn(AT + timedelta(days=1))
        outcome = await booth.ledger.commit(straggler)

        after = await DrawRecord(booth.pool).days(booth.of.key)
        sealed = await booth.pool.fetchval("select sealed from draw_secret where day = $1", DAY)
        assert revealed_early == 0
        assert [day.secret for day in before] == [None]
        assert after[0].secret is not None
        assert after[1].secret is None
        assert after[0].secret not in sealed
        assert outcome == Moved("draw_chain", booth.of.key)  # its day's secret is known to everybody


async def _no_catalog() -> object:
    from domain.offers.catalog import Catalog
    from domain.stories.plans import Plans

    return Catalog(Plans([], stamp=1))


async def test_the_law_finds_a_changed_entry_a_missing_one_and_a_stock_that_does_not_add_up(pg_dsn: str) -> None:
    async with open_booth(pg_dsn, shipped(jd_card_50=50)) as booth:
        chances = await booth.chances(30)
        for n, chance in enumerate(chances):
            await booth.draw(chance, nonce=f"{NONCE} {n}")
        assert await booth.broken() == []
        connection = await asyncpg.connect(booth.dsn)
        try:
            for harm in (
                "update draw_entry set body = replace(body, 'nonce=sixteen', 'nonce=sixtees') where sequence = 7",
                "update draw_entry set hash = repeat('0', 64) where sequence = 30",
                "delete from draw_entry where sequence = 12",
                "delete from draw_entry where sequence = 30",
                "update draw_chain set head = '29' || substr(head, 3)",
                "update draw_result set prize = 'jd-card-50' where sequence = (select max(sequence) from draw_entry"
                " where prize <> 'jd-card-50')",
                # One chance drawn twice; the customers are in lanes of their own, so the chance is moved as well.
                "delete from draw_chance where id = (select chance from draw_result where sequence = 4);"
                " update draw_result r set chance = o.chance, lane = o.lane from draw_result o"
                " where o.sequence = 3 and r.sequence = 4",
                "update draw_chance set status = 'OPEN' where id = (select chance from draw_result limit 1)",
            ):
                transaction = connection.transaction()
                await transaction.start()
                await connection.execute(harm)
                broken = await _broken_within(connection)
                await transaction.rollback()

                assert broken, harm
        finally:
            await connection.close()


async def _broken_within(connection: asyncpg.Connection) -> list[str]:
    from infra.db.reconcile import _LAWS

    (law,) = [law for law in _LAWS if law.number == 6]
    return [text for sql in law.breaches for (text,) in await connection.fetch(sql)]


async def test_two_days_of_one_chain_follow_each_other(pg_dsn: str) -> None:
    async with open_booth(pg_dsn, shipped()) as booth:
        first, second = await booth.chances(2)

        await booth.draw(first)
        await booth.draw(second, day=DAY + timedelta(days=1))

        one, two = await booth.record()
        assert (one.day, two.day) == (DAY, DAY + timedelta(days=1))
        assert one.commitment != two.commitment
        assert await booth.broken() == []


@pytest.mark.parametrize("nonce", ["幸运数字一二三四五六七八九十甲乙丙", 'quotes " and \\ back', "a=b,c:d|e=f;g=h&i"])
async def test_any_printable_nonce_is_kept_as_it_is(pg_dsn: str, nonce: str) -> None:
    async with open_booth(pg_dsn, shipped()) as booth:
        (chance,) = await booth.chances(1)

        await booth.draw(chance, nonce=nonce)

        assert [entry.nonce for entry in await booth.record()] == [nonce]
        assert await booth.broken() == []


async def test_after_the_database_is_killed_in_the_middle_a_request_answers_the_same_prize(
    mortal: EmbeddedPostgres,
) -> None:
    """Asked again by another process: a ledger that knows nothing of the first one's batches."""
    answered: dict[int, str] = {}
    async with open_booth(mortal.dsn, shipped(jd_card_50=30)) as booth:
        chances = await booth.chances(900)
        requests = [uuid4() for _ in chances]

    async def customer(booth: Booth, n: int) -> None:
        with suppress(DatabaseUnreachable):
            result = await booth.draw(chances[n], request=requests[n], nonce=f"nonce of number {n}")
            assert isinstance(result, Committed)
            answered[n] = result.answer
            if len(answered) == 300:
                kill(mortal)

    async with open_ledger(mortal.dsn, booth.of) as first:
        for start in range(0, 900, 100):
            await asyncio.gather(*(customer(first, n) for n in range(start, start + 100)))
    assert 300 <= len(answered) < 900

    async with open_ledger(await mortal.start(), booth.of) as second:
        results = await asyncio.gather(
            *(second.draw(chances[n], request=requests[n], nonce=f"nonce of number {n}") for n in range(900))
        )

        for n, result in enumerate(results):
            assert isinstance(result, Repeated if n in answered else Committed | Repeated)
            assert result.answer == answered.get(n, result.answer)
        assert len(await second.record()) == 900
        assert await second.broken() == []
