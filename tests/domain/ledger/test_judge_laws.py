"""The judge against a ledger that takes one unit at a time, on any units at all."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ledger.accounts import Account
from domain.ledger.judge import judge
from domain.ledger.unit import Committed, Result, Unit
from tests.builders.ledger import AnyUnits, SimpleLedger

seeds = st.integers(0, 2**32 - 1)
counts = st.integers(1, 30)


def judged_in_batches(ledger: SimpleLedger, units: list[Unit], sizes: random.Random) -> list[Result]:
    results: list[Result] = []
    while len(results) < len(units):
        batch = units[len(results) : len(results) + sizes.randint(1, 12)]
        judged = judge(batch, ledger.facts(batch))
        assert judged.results
        assert ledger.room(judged)
        ledger.write(judged)
        results += judged.results
    return results


@given(seeds, seeds, counts)
@settings(max_examples=200, deadline=None)
def test_a_batch_is_answered_and_written_as_its_units_one_by_one(seed: int, sizes: int, count: int) -> None:
    some = AnyUnits(random.Random(seed))
    units = [some.next() for _ in range(count)]
    one_by_one, batched = SimpleLedger(), SimpleLedger()

    expected = [one_by_one.commit(unit) for unit in units]
    results = judged_in_batches(batched, units, random.Random(sizes))

    assert results == expected
    assert batched == one_by_one


@given(seeds, counts)
@settings(max_examples=100, deadline=None)
def test_units_neither_make_nor_lose_anything(seed: int, count: int) -> None:
    some = AnyUnits(random.Random(seed))
    units = [some.next() for _ in range(count)]
    ledger = SimpleLedger()
    journal: dict[Account, int] = {}

    while units:
        batch = units[:8]
        judged = judge(batch, ledger.facts(batch))
        units = units[len(judged.results) :]
        ledger.write(judged)
        for _, _, op, _, source, target, quantity, *_ in judged.journal:
            if op not in (2, 4):
                journal[source] = journal.get(source, 0) - quantity
                journal[target] = journal.get(target, 0) + quantity

    kept: dict[Account, int] = {}
    for hold in ledger.holds.values():
        for leg in hold.legs:
            kept[leg.source] = kept.get(leg.source, 0) + leg.units
    for account, book in ledger.accounts.items():
        assert book.balance == book.opened + journal.get(account, 0)
        assert book.held == kept.get(account, 0)
        assert book.overdraw or book.balance - book.held >= book.floor


@given(seeds, seeds, counts, counts)
@settings(max_examples=300, deadline=None)
def test_where_the_write_finds_room_every_accepted_unit_was_admissible(
    seed: int, shift: int, before: int, count: int
) -> None:
    """Balances move between reading and writing. Whatever they are by then: if each account has room for the lowest
    point of the batch, the accepted units would all be accepted there, one after the other.

    Seen to fail with `low` taken from the last unit instead of the lowest.
    """
    some = AnyUnits(random.Random(seed))
    ledger = SimpleLedger()
    for _ in range(before):
        ledger.commit(some.next())
    batch = [some.next() for _ in range(count)]
    judged = judge(batch, ledger.facts(batch))

    moved = random.Random(shift)
    for book in ledger.accounts.values():
        book.balance += moved.randint(-3, 3)

    opened = {tally.account for tally in judged.tallies if tally.new}
    if ledger.room(judged) and not opened & ledger.accounts.keys():
        assert all(isinstance(ledger.commit(unit), Committed) for unit in judged.accepted)
