"""The journal keeps the balance after each move, so that an account's history is a chain without gaps."""

from datetime import UTC, datetime

from domain.kernel.ids import new_id
from domain.ledger.accounts import Account, sink
from domain.ledger.judge import Facts, Tally, judge
from domain.ledger.moves import post
from domain.ledger.unit import Unit

NOW = datetime(2026, 10, 1, tzinfo=UTC)


def test_two_moves_of_one_unit_on_one_account_leave_two_balances() -> None:
    budget = Account(0, "budget|c|rewards", shared=True)
    facts = Facts({budget: Tally(budget, 100, 0, 0, False, False)}, {}, {}, {})
    moves = [post(30, budget, sink("spent"), "BUDGET"), post(20, budget, sink("spent"), "BUDGET")]

    judged = judge([Unit(id=new_id(0, NOW), lane=0, at=NOW, moves=moves)], facts)

    assert [row[8] for row in judged.journal] == [-30, -50]
