"""What is redeemed, and why not."""

import json
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from domain.campaigns.model import Limit
from domain.campaigns.terms import DeliveryKind, Per, Period
from domain.kernel.errors import InputInvalid
from domain.ledger.judge import Facts, judge
from domain.offers.outcomes import NotFound, NotOpen, SoldOut
from domain.offers.units import unit_of
from domain.points.book import NO_PURSE, Lot
from domain.points.facts import Item, Stocked
from domain.points.give_back import RedeemedPiece, give_back
from domain.points.redeem import (
    NotEnoughPoints,
    RedeemFacts,
    RedeemOutcome,
    RedeemPoints,
    Redemption,
    decide_redeem,
    read_redeemed,
    write_redeemed,
)
from tests.builders.points import NOW, flow, item, purse


def decided(
    item: Item | None, *, points: int = 1_000, quantity: int = 1, left: int | None = 10, person: str | None = None
) -> Redemption | RedeemOutcome:
    found = None if item is None else Stocked(item, left)
    facts = RedeemFacts(purse(("2028-10", points)), found, person)
    return decide_redeem(RedeemPoints(uuid4(), "c", "tea", quantity), facts, NOW)


def test_points_stock_and_deliveries_go_together() -> None:
    outcome = decided(item(), quantity=3)

    assert isinstance(outcome, Redemption)
    parts = outcome.parts
    assert flow(parts, "points|c") == -300
    assert flow(parts, "goods|tea") == -3
    assert len(parts.deliveries) == len(parts.rows["outbox"]) == len(parts.rows["points_redemption"]) == 3
    assert {row["id"] for row in parts.rows["points_redemption"]} == {row["id"] for row in parts.rows["delivery"]}
    assert (outcome.entry.points, outcome.entry.balance_after) == (-300, 700)
    assert json.loads(outcome.answer) == {
        "entry": outcome.entry.n, "deliveries": [str(delivery.id) for delivery in parts.deliveries],
    }  # fmt: skip


def test_a_parcel_waits_for_its_address_before_anything_is_promised() -> None:
    outcome = decided(item(delivery=DeliveryKind.PARCEL))

    assert isinstance(outcome, Redemption)
    assert outcome.parts.rows["delivery"][0]["status"] == "NEEDS_ADDRESS"
    assert "outbox" not in outcome.parts.rows


def test_an_item_without_bound_takes_no_stock() -> None:
    outcome = decided(item(stock=None), left=None)

    assert isinstance(outcome, Redemption)
    assert all(not move.source.key.startswith("goods|") for move in outcome.parts.moves)


def test_why_not() -> None:
    assert decided(None) == NotFound()
    assert decided(item(listed=False)) == NotFound()
    assert decided(item(paused=True)) == NotOpen(None)
    assert decided(item(), left=1, quantity=2) == SoldOut()
    assert decided(item(), points=99) == NotEnoughPoints(99, 100)
    assert decided(item(), points=100, quantity=2) == NotEnoughPoints(100, 200)
    facts = RedeemFacts(purse(debt=5), Stocked(item(), 1), None)
    assert decide_redeem(RedeemPoints(uuid4(), "c", "tea"), facts, NOW) == NotEnoughPoints(-5, 100)
    assert decide_redeem(RedeemPoints(uuid4(), "c", "tea"), replace(facts, purse=NO_PURSE), NOW) == NotEnoughPoints(
        0, 100
    )


def test_points_that_have_ended_buy_nothing() -> None:
    facts = RedeemFacts(purse(("2026-09", 500)), Stocked(item(), 1), None)

    assert decide_redeem(RedeemPoints(uuid4(), "c", "tea"), facts, NOW) == NotEnoughPoints(0, 100)


@pytest.mark.parametrize("quantity", [0, -1, 21])
def test_a_quantity_says_something(quantity: int) -> None:
    with pytest.raises(InputInvalid):
        decided(item(), quantity=quantity)


@pytest.mark.parametrize(
    ("per", "person", "key"),
    [
        (Per.PERSON, "p", "limit|2026-10|tea|person|p"),
        (Per.PERSON, None, "limit|2026-10|tea|customer|c"),
        (Per.CUSTOMER, "p", "limit|2026-10|tea|customer|c"),
    ],
)
def test_a_limit_counts_pieces_of_a_person_else_of_the_customer(per: Per, person: str | None, key: str) -> None:
    outcome = decided(item(limit=Limit(per, Period.MONTH, 5)), quantity=2, person=person)

    assert isinstance(outcome, Redemption)
    assert outcome.allowance is not None
    assert outcome.allowance.key == key
    assert flow(outcome.parts, key) == -2
    assert outcome.parts.opens[outcome.allowance].balance == 5


def test_what_is_given_back_is_what_was_taken() -> None:
    tea = item(limit=Limit(Per.CUSTOMER, Period.MONTH, 5))
    outcome = decided(tea)
    assert isinstance(outcome, Redemption)
    row = outcome.parts.rows["points_redemption"][0]
    piece = RedeemedPiece(
        row["id"], "c", tea, 100, (Lot("2028-10", 100),), True, outcome.allowance, "OPEN", purse(("2028-10", 900))
    )

    parts = give_back(piece, NOW)

    for key in ("points|c", "goods|tea", "limit|2026-10|tea|customer|c"):
        assert flow(parts, key) == -flow(outcome.parts, key)
    assert [(change.kind, change.old, change.new) for change in parts.changes] == [
        ("points", 3, 4),
        ("points_redemption", "OPEN", "RETURNED"),
    ]


def test_the_ledger_takes_the_unit() -> None:
    outcome = decided(item(stock=None), left=None)
    assert isinstance(outcome, Redemption)
    unit = unit_of(outcome.parts, lane=0, at=NOW)

    judged = judge([unit], Facts({}, {}, {}, {("points", 0, "c"): 3}))

    assert [type(result).__name__ for result in judged.results] == ["Short"], "an account that is not there has nothing"


def test_an_answer_is_read_as_it_is_kept_and_as_it_was_kept_before() -> None:
    delivery = "01a0fac4-da00-7b17-bd9b-9a73f721deb7"
    before = (
        '{"entry":{"n":7,"kind":"REDEEM","points":-100,"balanceAfter":900,"at":"2026-10-05T12:00:00+08:00",'
        '"occurredAt":"2026-10-05T12:00:00+08:00","subject":"s","details":"{}"},'
        '"deliveries":[{"id":"' + delivery + '","customer":"c","grant":null,"kind":"E_CARD"}]}'
    )

    assert read_redeemed(before) == read_redeemed(write_redeemed(7, [delivery])) == (7, [UUID(delivery)])
