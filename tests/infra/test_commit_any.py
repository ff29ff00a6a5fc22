"""The group commit over PostgreSQL against a ledger that takes one unit at a time, on any units at all."""

import asyncio
import random
from typing import Any

import asyncpg
import pytest

from domain.kernel.ids import LANES
from domain.ledger.accounts import Account
from domain.ledger.unit import Unit
from infra.db import commit
from infra.db.commit import GroupCommit
from infra.db.reconcile import reconcile
from tests.builders.ledger import AnyUnits, Book, SimpleLedger

NEVER = 10**9


async def kept_in(dsn: str) -> dict[str, Any]:
    """What the tables say, in the simple ledger's words."""
    connection = await asyncpg.connect(dsn)
    try:
        accounts = {}
        for table, shared in (("account", False), ("shared_account", True)):
            for row in await connection.fetch(f"select lane, key, balance, floor, overdraw, held, opened from {table}"):
                lane, key, *rest = row
                accounts[Account(lane, key, shared)] = Book(*rest)
        states = await connection.fetch("select lane, customer, version from story")
        holds = await connection.fetch("select lane, id from hold")
        requests = await connection.fetch("select lane, owner, id, print, answer from request")
        assert (await reconcile(connection))[0].ok
        return {
            "accounts": accounts,
            "states": {("story", lane, customer): version for lane, customer, version in states},
            "holds": {(lane, id.int) for lane, id in holds},
            "requests": {(lane, owner, id.int): (seal, answer) for lane, owner, id, seal, answer in requests},
        }
    finally:
        await connection.close()


@pytest.mark.parametrize("locked", [False, True])
@pytest.mark.parametrize("seed", range(4))
async def test_units_are_answered_and_kept_as_if_each_came_alone(
    pg_dsn: str, seed: int, locked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """locked: as after several disturbed tries, with everything locked before it is read."""
    if locked:
        monkeypatch.setattr(commit, "PATIENT_TRIES", 0)
    chance = random.Random(seed)
    some, simple = AnyUnits(chance, longest_hold=NEVER), SimpleLedger()
    async with GroupCommit(pg_dsn, in_flight=1) as ledger:
        for _ in range(30):
            batch = [some.next() for _ in range(chance.randint(1, 12))]

            results = await asyncio.gather(*(ledger.commit(unit) for unit in batch))

            assert results == [simple.commit(unit) for unit in batch]
    assert await kept_in(pg_dsn) == {
        "accounts": simple.accounts,
        "states": simple.states,
        "holds": simple.holds.keys(),
        "requests": simple.requests,
    }


async def test_the_laws_hold_whatever_three_halls_do_at_once(pg_dsn: str) -> None:
    """Holds expire meanwhile, accounts open, stories come and go, requests repeat; nobody hears an error."""

    async def hall(number: int) -> None:
        some = AnyUnits(random.Random(number), LANES[:3], who=f"-{number}")
        async with GroupCommit(pg_dsn) as ledger:
            for _ in range(12):
                batch: list[Unit] = [some.next() for _ in range(20)]
                await asyncio.gather(*(ledger.commit(unit) for unit in batch))
                await ledger.release_expired_holds(batch[-1].at, 3)

    await asyncio.gather(*(hall(number) for number in range(3)))

    await kept_in(pg_dsn)
