"""Whatever happens in whatever order: balance = entries = lots, or a debt; and what the rules say of each step."""

import json
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.kernel.time import SHANGHAI
from domain.offers.award import Parts
from domain.points.book import NOTICE, Book, EntryKind, Lot, Purse, due_at, ends, ends_in
from domain.points.passing import passing
from domain.points.story import Given, earn, put_right
from tests.builders.points import NOW, flow, purchase, purse

START = datetime(2026, 1, 1, tzinfo=SHANGHAI)


class Customer:
    """Applies books as the commit does, and keeps what a slow bookkeeper would."""

    def __init__(self) -> None:
        self.purse = Purse()
        self.account = 0
        self.entries: list[Any] = []
        self.told: list[str] = []
        self.pieces: list[tuple[Lot, ...]] = []

    def commit(self, book: Book) -> None:
        parts = Parts()
        book.close("c", parts)
        self.take(parts)

    def take(self, parts: Parts) -> None:
        if not parts.changes:
            return
        (change,) = parts.changes
        assert change.old == (self.purse.version or None)
        values = change.values or parts.rows["points_account"][0]
        self.account += flow(parts, "points|c")
        rows = parts.rows.get("points_entry", [])
        assert [row["n"] for row in rows] == list(range(self.purse.entries + 1, self.purse.entries + len(rows) + 1))
        self.entries += rows
        self.told += [row["payload"]["body"][1] for row in parts.rows.get("outbox", [])]
        lots = tuple(Lot(month, points) for month, points in json.loads(values["lots"]))
        self.purse = Purse(change.new, values["balance"], values["entries"], lots, values["noticed"])  # type: ignore[arg-type]
        assert values["due_at"] == due_at(lots, self.purse.noticed)

    def check(self) -> None:
        mine = self.purse
        assert mine.balance == self.account == sum(row["points"] for row in self.entries)
        assert sum(lot.points for lot in mine.lots) == max(0, mine.balance)
        assert all(lot.points > 0 for lot in mine.lots)
        assert [lot.month for lot in mine.lots] == sorted({lot.month for lot in mine.lots})
        running = 0
        for row in self.entries:
            before, running = running, running + row["points"]
            assert row["balance_after"] == running
            assert running >= 0 or before < 0 or row["kind"] == "REVERSE", "only taking back makes a debt"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["earn", "more", "less", "redeem", "return", "pass"]),
        st.integers(1, 300),
        st.integers(0, 400),
        st.integers(0, 9),
    ),
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_balance_entries_and_lots_agree_after_any_sequence(steps: list[tuple[str, int, int, int]]) -> None:
    one, now = Customer(), START
    given_now: dict[str, Given] = {}
    for number, (what, points, days, pick) in enumerate(steps):
        now += timedelta(days=days)
        book = Book(one.purse, now)
        match what:
            case "earn":
                at = now - timedelta(days=pick * 90)
                earn(book, [purchase(f"t{number}", points, at)])
                given_now[f"t{number}"] = Given(points, at)
            case "more" | "less" if given_now:
                name = list(given_now)[pick % len(given_now)]
                before = given_now[name]
                total = before.points + points if what == "more" else max(0, before.points - points)
                told = {key: purchase(key, found.points, found.occurred_at) for key, found in given_now.items()}
                told[name] = purchase(name, total, before.occurred_at)
                put_right(book, told.values(), given_now)
                given_now[name] = Given(total, before.occurred_at)
            case "redeem" if book.balance >= points:
                one.pieces += book.redeem([points], f"r{number}", "{}")
            case "return" if one.pieces:
                book.give_back(one.pieces.pop(pick % len(one.pieces)), f"r{number}", "{}")
            case "pass":
                unit = passing("c", one.purse, now)
                if unit is not None:
                    parts = Parts(moves=list(unit.moves), changes=list(unit.changes), rows=dict(unit.rows))  # type: ignore[arg-type]
                    one.take(parts)
                    assert passing("c", one.purse, now) is None, "done once, there is nothing left to do"
                one.check()
                continue
        one.commit(book)
        one.check()
        assert all(ends(lot.month) > now for lot in one.purse.at(now).lots)
    assert len(one.told) == len(set(one.told))


def test_points_end_at_the_end_of_the_month_24_months_later() -> None:
    assert ends(ends_in(datetime(2026, 10, 31, 23, 59, tzinfo=SHANGHAI))) == datetime(2028, 11, 1, tzinfo=SHANGHAI)
    assert ends(ends_in(datetime(2026, 12, 1, tzinfo=SHANGHAI))) == datetime(2029, 1, 1, tzinfo=SHANGHAI)
    assert ends(ends_in(datetime(2024, 2, 29, tzinfo=SHANGHAI))) == datetime(2026, 3, 1, tzinfo=SHANGHAI)


def test_the_oldest_points_are_used_first() -> None:
    book = Book(purse(("2027-01", 50), ("2028-03", 50), ("2028-09", 50)), NOW)

    (first, second) = book.redeem([70, 40], "r", "{}")

    assert first == (Lot("2027-01", 50), Lot("2028-03", 20))
    assert second == (Lot("2028-03", 30), Lot("2028-09", 10))
    assert book.lots == (Lot("2028-09", 40),)
    assert [(e.kind, e.points, e.balance_after) for e in book.entries] == [(EntryKind.REDEEM, -110, 40)]


def test_what_is_taken_back_leaves_the_lot_it_came_into_first() -> None:
    book = Book(purse(("2027-01", 50), ("2028-10", 50)), NOW)

    put_right(book, [purchase("t", 20)], {"t": Given(60, NOW)})

    assert book.lots == (Lot("2027-01", 50), Lot("2028-10", 10))


def test_a_debt_is_paid_before_a_lot_is_filled() -> None:
    book = Book(purse(debt=30), NOW)

    earn(book, [purchase("t1", 20)])
    earn(book, [purchase("t2", 25)])

    assert [entry.balance_after for entry in book.entries] == [-10, 15]
    assert book.lots == (Lot("2028-10", 15),)


def test_what_comes_back_of_a_lot_that_has_ended_lives_to_the_end_of_next_month() -> None:
    book = Book(purse(), NOW)

    book.give_back([Lot("2026-09", 30), Lot("2027-02", 20)], "r", "{}")

    assert book.lots == (Lot("2026-11", 30), Lot("2027-02", 20))


def test_what_comes_back_pays_the_debt_once() -> None:
    book = Book(purse(debt=40), NOW)

    book.give_back([Lot("2027-01", 30), Lot("2027-02", 30)], "r", "{}")

    assert book.balance == 20
    assert book.lots == (Lot("2027-02", 20),)


def test_what_has_ended_is_not_there_even_before_it_is_written_down() -> None:
    mine = purse(("2026-09", 70), ("2026-10", 30))

    assert mine.at(NOW).balance == 30
    book = Book(mine, NOW)
    assert [(e.kind, e.points, e.subject) for e in book.entries] == [(EntryKind.EXPIRE, -70, "2026-09")]
    assert book.balance == 30


def test_an_end_and_a_reversal_in_one_unit_leave_a_debt_the_ledger_takes() -> None:
    book, parts = Book(purse(("2026-09", 70)), NOW), Parts()

    put_right(book, [], {"t": Given(50, NOW)})
    book.close("c", parts)

    assert book.balance == -50
    assert flow(parts, "points|c") == -120
    assert all(move.op == 5 for move in parts.moves), "a post would be short of what it takes below zero"


def test_a_transaction_told_twice_counts_once() -> None:
    book = Book(None, NOW)

    earn(book, [purchase("t", 20), purchase("t", 20)])

    assert book.balance == 20


def test_nothing_earned_leaves_nothing_behind() -> None:
    book, parts = Book(purse(("2028-10", 5)), NOW), Parts()

    earn(book, [purchase("t", 0)])
    put_right(book, [purchase("u", 7), purchase("v", 0)], {"u": Given(7, NOW)})
    book.close("c", parts)

    assert parts == Parts()


def test_a_purchase_nobody_knows_any_more_is_taken_back() -> None:
    book = Book(purse(("2028-10", 90)), NOW)

    put_right(book, [], {"t": Given(90, NOW), "gone": Given(0, NOW)})

    assert [(e.kind, e.points) for e in book.entries] == [(EntryKind.REVERSE, -90)]


def test_the_notice_comes_30_days_before_once_for_each_lot() -> None:
    mine = purse(("2026-11", 10), ("2026-12", 20))
    at = ends("2026-11") - NOTICE

    assert passing("c", mine, at - timedelta(microseconds=1)) is None
    told = passing("c", mine, at)
    assert told is not None
    (row,) = told.rows["outbox"]
    assert (row["topic"], row["payload"]["kind"], row["payload"]["customer"]) == ("message", "SERVICE", "c")
    assert row["payload"]["body"][1] == "10 of your points expire at the end of 2026-11-30. Use them in time."
    assert told.changes[0].values["noticed"] == "2026-11"
    assert passing("c", purse(("2026-11", 10), ("2026-12", 20), noticed="2026-11"), at) is None
