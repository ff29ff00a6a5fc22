"""What a batch is answered, rule by rule."""

from datetime import timedelta
from typing import Any

import pytest

from domain.kernel.ids import LANES, new_id
from domain.ledger import keys
from domain.ledger.accounts import Account, checked_key, sink
from domain.ledger.judge import NO_GUARD, Facts, Judgement, Leg, OpenHold, Tally, judge
from domain.ledger.moves import Move, Op, hold, post, reverse
from domain.ledger.unit import (
    Change,
    Committed,
    EndHold,
    Gone,
    Moved,
    NewHold,
    Opening,
    Repeated,
    Request,
    Reused,
    Short,
    Unit,
)
from tests.builders.ledger import AT, QUOTA, SimpleLedger, allowance, claim, coupon_of, publish, request_of, unit

LANE = LANES[1]
PURSE, OUT = Account(LANE, "purse"), sink("out")
SHARED = Account(LANES[2], "quota|x|y", shared=True)


def having(balance: int, account: Account = PURSE, held: int = 0, overdraw: bool = False) -> Facts:
    return Facts({account: Tally(account, balance, held, 0, overdraw, False)}, {}, {}, {})


def pay(units: int, **parts: Any) -> Unit:
    return unit(moves=[post(units, PURSE, OUT, "PAY")], **parts)


def earn(units: int) -> Unit:
    return unit(moves=[post(units, OUT, PURSE, "EARN")])


def low_of(judged: Judgement, account: Account = PURSE) -> int:
    return next(tally.low for tally in judged.tallies if tally.account == account)


def test_units_are_answered_in_order_of_arrival() -> None:
    judged = judge([pay(3), earn(3), pay(3), pay(1)], having(2))

    assert judged.results == [Short(PURSE), Committed(""), Committed(""), Committed("")]


def test_the_quota_goes_to_whoever_comes_first() -> None:
    store = SimpleLedger()
    store.commit(publish(2))
    claims = [claim(f"C{n}") for n in range(3)]

    judged = judge(claims, store.facts(claims))

    assert judged.results == [Committed(claims[0].answer), Committed(claims[1].answer), Short(QUOTA)]


def test_the_same_customer_twice_in_one_batch_meets_his_limit() -> None:
    store = SimpleLedger()
    store.commit(publish(2))
    claims = [claim("C1"), claim("C1")]

    judged = judge(claims, store.facts(claims))

    assert judged.results == [Committed(claims[0].answer), Short(allowance("C1"))]


def test_the_same_request_twice_in_one_batch_gets_the_first_answer_and_another_input_is_refused() -> None:
    store = SimpleLedger()
    store.commit(publish(2))
    first = claim("C1")
    assert first.request is not None
    batch = [first, claim("C1", first.request.id), claim("C1", first.request.id, print=2)]

    judged = judge(batch, store.facts(batch))

    assert judged.results == [Committed(first.answer), Repeated(first.answer), Reused()]


def test_a_request_belongs_to_its_owner() -> None:
    """Two customers may send the same id without hearing each other's answer."""
    store = SimpleLedger()
    store.commit(publish(2))
    first = claim("C1")
    assert first.request is not None
    batch = [first, claim("C2", first.request.id)]

    judged = judge(batch, store.facts(batch))

    assert judged.results == [Committed(first.answer), Committed(batch[1].answer)]


def test_a_request_that_was_refused_is_judged_afresh() -> None:
    request = request_of("C1")

    judged = judge([pay(1, request=request), earn(1), pay(1, request=request, answer='"paid"')], having(0))

    assert judged.results == [Short(PURSE), Committed(""), Committed('"paid"')]


def test_a_unit_is_all_or_nothing() -> None:
    other = Account(LANE, "other")
    both = unit(moves=[post(1, PURSE, OUT, "A"), post(1, other, OUT, "B")], answer='"both"')

    judged = judge([both, pay(1)], having(1))

    assert judged.results == [Short(other), Committed("")]
    assert [tally.account for tally in judged.tallies] == [PURSE]


def test_a_unit_is_judged_after_all_its_moves() -> None:
    through = unit(moves=[post(5, PURSE, OUT, "OUT"), post(5, OUT, PURSE, "IN")])

    judged = judge([through], having(0))

    assert judged.results == [Committed("")]


def test_an_account_opens_as_its_unit_says_and_not_as_a_refused_one_said() -> None:
    generous = unit(moves=[post(9, PURSE, OUT, "A")], opens={PURSE: Opening(8)})
    modest = unit(moves=[post(2, PURSE, OUT, "A")], opens={PURSE: Opening(1)})

    judged = judge([generous, modest], Facts({}, {}, {}, {}))

    assert judged.results == [Short(PURSE), Short(PURSE)]
    assert judged.tallies == []


def test_an_account_never_mentioned_begins_with_nothing() -> None:
    judged = judge([pay(1), earn(1), pay(1)], Facts({}, {}, {}, {}))

    assert judged.results == [Short(PURSE), Committed(""), Committed("")]


def test_the_guard_is_the_lowest_point_of_the_batch_not_its_end() -> None:
    judged = judge([pay(3), earn(2), pay(1)], having(3))

    assert low_of(judged) == -3


def test_what_comes_in_before_widens_the_guard() -> None:
    judged = judge([earn(2), pay(3)], having(1))

    assert low_of(judged) == -1


def test_what_only_comes_in_demands_nothing() -> None:
    judged = judge([earn(2)], having(1))

    assert low_of(judged) == NO_GUARD


def test_a_refused_unit_does_not_narrow_the_guard() -> None:
    judged = judge([pay(1), pay(9)], having(3))

    assert low_of(judged) == -1


def test_a_reversal_may_go_below_the_floor_where_the_account_allows_it_and_a_payment_never() -> None:
    take_back = unit(moves=[reverse(4, PURSE, OUT, "REFUND")])

    allowed = judge([take_back, pay(1)], having(3, overdraw=True))
    refused = judge([take_back, pay(1)], having(3))

    assert allowed.results == [Committed(""), Short(PURSE)]
    assert low_of(allowed) == NO_GUARD
    assert refused.results == [Short(PURSE), Committed("")]


# --- holds


def holding(units: int, **parts: Any) -> tuple[Unit, NewHold]:
    new = NewHold(new_id(LANE, AT), AT + timedelta(seconds=120), [hold(units, PURSE, OUT, "QUOTE")], **parts)
    return unit(new_holds=[new]), new


def ending(id: Any, capture: bool, *, after: int = 0, **parts: Any) -> Unit:
    return unit(at=AT + timedelta(seconds=after), end_holds=[EndHold(id, capture, **parts)])


def open_hold(*legs: tuple[Account, int], on_release: tuple[Change, ...] = ()) -> OpenHold:
    return OpenHold(
        LANE,
        new_id(LANE, AT),
        AT + timedelta(seconds=120),
        tuple(Leg(account, OUT, units, "QUOTE") for account, units in legs),
        on_release,
    )


def with_hold(kept: OpenHold, **states: Any) -> Facts:
    return Facts({}, {}, {(LANE, kept.id.int): kept}, states.get("states", {}))


def test_what_is_held_is_free_for_nobody_else() -> None:
    quote, _ = holding(2)

    judged = judge([quote, pay(2), pay(1)], having(3))

    assert judged.results == [Committed(""), Short(PURSE), Committed("")]


def test_a_short_account_that_holds_keep_something_of_is_told_apart() -> None:
    assert judge([pay(1)], having(3, held=3)).short_at == AT
    assert judge([pay(1)], having(3, held=3)).short_of_held
    assert not judge([pay(1)], having(0)).short_of_held


def test_a_hold_ends_once() -> None:
    kept = open_hold((PURSE, 2))

    judged = judge([ending(kept.id, True), ending(kept.id, True), ending(kept.id, False)], with_hold(kept))

    assert judged.results == [Committed(""), Gone(kept.id), Gone(kept.id)]
    assert [(tally.db, tally.dh, tally.low) for tally in judged.tallies] == [(-2, -2, NO_GUARD)]


def test_a_hold_can_end_in_the_batch_it_began_in_and_never_comes_to_the_store() -> None:
    quote, new = holding(2)

    judged = judge([quote, ending(new.id, True)], having(3))

    assert judged.results == [Committed(""), Committed("")]
    assert (judged.opened, judged.ended) == ({}, {})
    assert [(tally.db, tally.dh, tally.low) for tally in judged.tallies] == [(-2, 0, -2)]
    assert [row[2] for row in judged.journal] == [Op.HOLD, Op.CAPTURE]


def test_a_hold_is_gone_at_the_very_moment_it_expires_but_can_still_be_given_back() -> None:
    kept = open_hold((PURSE, 2))

    assert judge([ending(kept.id, True, after=119)], with_hold(kept)).results == [Committed("")]
    assert judge([ending(kept.id, True, after=120)], with_hold(kept)).results == [Gone(kept.id)]
    assert judge([ending(kept.id, False, after=500)], with_hold(kept)).results == [Committed("")]


def test_a_capture_of_a_part_gives_the_rest_back() -> None:
    kept = open_hold((PURSE, 5), (SHARED, 1))

    judged = judge([ending(kept.id, True, amounts=(3, 0))], with_hold(kept))

    assert [(row[2], row[4], row[6]) for row in judged.journal] == [
        (Op.CAPTURE, PURSE, 3),
        (Op.RELEASE, PURSE, 2),
        (Op.RELEASE, SHARED, 1),
    ]
    assert {tally.account: (tally.db, tally.dh) for tally in judged.tallies} == {PURSE: (-3, -5), SHARED: (0, -1)}


@pytest.mark.parametrize("amounts", [(6, 1), (-1, 1), (5,), (5, 1, 1)])
def test_nobody_captures_more_than_is_held(amounts: tuple[int, ...]) -> None:
    kept = open_hold((PURSE, 5), (SHARED, 1))

    with pytest.raises(ValueError, match="hold"):
        judge([ending(kept.id, True, amounts=amounts)], with_hold(kept))


def test_a_hold_opens_the_account_it_will_be_captured_into() -> None:
    box = Account(LANE, "box")
    new = NewHold(new_id(LANE, AT), AT + timedelta(seconds=120), [hold(1, PURSE, box, "QUOTE")])

    judged = judge([unit(new_holds=[new])], having(1))

    assert {tally.account: (tally.new, tally.db) for tally in judged.tallies} == {PURSE: (False, 0), box: (True, 0)}


def test_a_released_hold_brings_its_changes_along_and_a_captured_one_does_not() -> None:
    coupon = new_id(LANE, AT)
    kept = open_hold((PURSE, 1), on_release=(Change("coupon", coupon, "HELD", "AVAILABLE"),))
    facts = with_hold(kept, states={("coupon", LANE, coupon.int): "HELD"})

    released = judge([ending(kept.id, False)], facts)
    captured = judge([ending(kept.id, True)], facts)

    assert [(net.old, net.new) for net in released.changes.values()] == [("HELD", "AVAILABLE")]
    assert captured.changes == {}


def test_a_release_tells_whom_its_changes_concern() -> None:
    coupon = new_id(LANE, AT)
    kept = open_hold((PURSE, 1), on_release=(Change("coupon", coupon, "HELD", "AVAILABLE", tell="lin"),))

    def told(capture: bool, state: str) -> list[tuple[str, str]]:
        (result,) = judge(
            [ending(kept.id, capture)], with_hold(kept, states={("coupon", LANE, coupon.int): state})
        ).results
        assert isinstance(result, Committed)
        return list(result.signals)

    assert told(False, "HELD") == [("viewer:lin", f"coupon:{coupon}")]
    assert told(False, "VOIDED") == told(True, "HELD") == []


def test_a_row_that_left_its_state_meanwhile_does_not_keep_a_hold_from_being_released() -> None:
    coupon = new_id(LANE, AT)
    kept = open_hold((PURSE, 1), on_release=(Change("coupon", coupon, "HELD", "AVAILABLE"),))

    judged = judge([ending(kept.id, False)], with_hold(kept, states={("coupon", LANE, coupon.int): "VOIDED"}))

    assert judged.results == [Committed("")]
    assert judged.changes == {}


def test_a_hold_with_changes_that_began_in_this_batch_is_given_back_in_the_next() -> None:
    """The rows it would change may come with the same unit as the hold, and a batch does not change what it inserts."""
    quote, new = holding(1, on_release=(Change("choice", new_id(LANE, AT), "OPEN", "LAPSED"),))

    judged = judge([quote, ending(new.id, False), earn(1)], having(3))

    assert judged.results == [Committed("")]


def test_what_the_releasing_unit_changes_itself_stands_before_the_holds_wish() -> None:
    choice = new_id(LANE, AT)
    kept = open_hold((PURSE, 1), on_release=(Change("choice", choice, "OPEN", "LAPSED"),))
    void = unit(end_holds=[EndHold(kept.id, False)], changes=[Change("choice", choice, "OPEN", "VOIDED")])

    judged = judge([void], with_hold(kept, states={("choice", LANE, choice.int): "OPEN"}))

    assert [(net.old, net.new) for net in judged.changes.values()] == [("OPEN", "VOIDED")]


# --- rows


def use(coupon: Any, old: Any, new: Any, **values: Any) -> Unit:
    return unit(changes=[Change("coupon", coupon, old, new, values)])


def test_a_state_is_left_once_also_within_one_batch() -> None:
    coupon = new_id(LANE, AT)
    facts = Facts({}, {}, {}, {("coupon", LANE, coupon.int): "AVAILABLE"})

    judged = judge([use(coupon, "AVAILABLE", "USED"), use(coupon, "AVAILABLE", "USED")], facts)

    assert judged.results == [Committed(""), Moved("coupon", coupon)]


def test_a_row_changed_twice_in_one_batch_is_written_once() -> None:
    coupon = new_id(LANE, AT)
    facts = Facts({}, {}, {}, {("coupon", LANE, coupon.int): "AVAILABLE"})

    judged = judge([use(coupon, "AVAILABLE", "HELD", value=1, note="a"), use(coupon, "HELD", "USED", value=2)], facts)

    assert judged.results == [Committed(""), Committed("")]
    [net] = judged.changes.values()
    assert (net.old, net.new, net.values) == ("AVAILABLE", "USED", {"value": 2, "note": "a"})


def test_a_row_that_comes_in_this_batch_is_changed_in_the_next() -> None:
    coupon = new_id(LANE, AT)
    batch = [use(coupon, None, "AVAILABLE"), use(coupon, "AVAILABLE", "USED"), earn(1)]

    judged = judge(batch, Facts({}, {}, {}, {}))

    assert judged.results == [Committed("")]


def test_a_refused_unit_changes_no_row() -> None:
    coupon = new_id(LANE, AT)
    facts = Facts({}, {}, {}, {("coupon", LANE, coupon.int): "AVAILABLE"})
    short = unit(moves=[post(1, PURSE, OUT, "A")], changes=[Change("coupon", coupon, "AVAILABLE", "USED")])

    judged = judge([short, use(coupon, "AVAILABLE", "VOIDED")], facts)

    assert judged.results == [Short(PURSE), Committed("")]


def test_a_row_that_nobody_read_is_taken_to_be_where_its_unit_saw_it() -> None:
    coupon = new_id(LANE, AT)
    batch = [use(coupon, "AVAILABLE", "HELD"), use(coupon, "AVAILABLE", "USED"), use(coupon, "HELD", "USED")]

    judged = judge(batch, Facts({}, {}, {}, {}, trusting=True))

    assert judged.results == [Committed(""), Moved("coupon", coupon), Committed("")]
    assert not judged.doubtful


def test_who_is_short_and_names_a_row_that_nobody_read_is_not_told_yet() -> None:
    coupon = new_id(LANE, AT)
    spent = unit(moves=[post(1, PURSE, OUT, "A")], changes=[Change("coupon", coupon, "AVAILABLE", "USED")])

    assert judge([spent], Facts({}, {}, {}, {}, trusting=True)).doubtful
    assert not judge([unit(moves=[post(1, PURSE, OUT, "A")])], Facts({}, {}, {}, {}, trusting=True)).doubtful
    assert judge([spent], Facts({}, {}, {}, {})).results == [Moved("coupon", coupon)]


def test_a_row_of_another_lane_is_looked_for_there() -> None:
    change = Change("inbox", ("card-core", "e1"), "DUE", None, lane=LANES[5])

    there = judge([unit(changes=[change])], Facts({}, {}, {}, {("inbox", LANES[5], ("card-core", "e1")): "DUE"}))
    elsewhere = judge([unit(changes=[change])], Facts({}, {}, {}, {("inbox", LANE, ("card-core", "e1")): "DUE"}))

    assert there.results == [Committed("")]
    assert elsewhere.results == [Moved("inbox", ("card-core", "e1"))]


# --- units that contradict themselves


@pytest.mark.parametrize(
    "wrong",
    [
        unit(moves=[hold(1, PURSE, OUT, "A")]),
        unit(moves=[Move(Op.CAPTURE, PURSE, OUT, 1, "A")]),
        unit(moves=[Move(Op.RELEASE, PURSE, OUT, 1, "A")]),
        unit(new_holds=[NewHold(new_id(LANE, AT), AT, [post(1, PURSE, OUT, "A")])]),
        unit(new_holds=[NewHold(new_id(LANE, AT), AT)], moves=[hold(1, PURSE, OUT, "A")]),
        unit(changes=[Change("coupon", "x", None, "A"), Change("coupon", "x", "A", "B")]),
    ],
)
def test_a_unit_that_contradicts_itself_is_our_bug(wrong: Unit) -> None:
    with pytest.raises(ValueError, match=r"hold|move|comes or goes"):
        judge([wrong], having(5))


def test_a_move_is_of_something() -> None:
    with pytest.raises(ValueError, match="a move of 0"):
        post(0, PURSE, OUT, "A")
    with pytest.raises(ValueError, match="a move of -1"):
        reverse(-1, PURSE, OUT, "A")


@pytest.mark.parametrize("key", ["", 'a"b', "a\\b", "a\nb", "a{b", "x" * 201])
def test_a_key_is_plain_text(key: str) -> None:
    with pytest.raises(ValueError, match="not an account key"):
        checked_key(key)


def test_limits_of_persons_and_devices_are_shared_and_live_with_the_campaign() -> None:
    of_person = keys.limit("c", "o", per="person", who="P1", period="once", lane=LANE)
    of_card = keys.limit("c", "o", per="card", who="K1", period="2026-10-02", lane=LANE)

    assert of_person == Account(keys.quota("c", "o").lane, "limit|once|o|person|P1", shared=True)
    assert of_card == Account(LANE, "limit|2026-10-02|o|card|K1")


def test_a_coupon_is_found_in_the_lane_its_id_carries() -> None:
    claimed = claim("C1")

    assert keys.coupon(coupon_of(claimed)).lane == claimed.lane
    assert isinstance(claimed.request, Request)
