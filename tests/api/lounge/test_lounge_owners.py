"""Bookings and entitlements are their customer's alone; lounges are everybody's."""

from typing import Any

from api.node import node_id
from domain.kernel.ids import lane_of, new_id
from tests.builders.hall_api import HallApi
from tests.builders.lounges import BOOK, CANCEL, add_visits
from tests.builders.rows import NOW

ALICE = "alice"
BOB = next(name for number in range(9_999) if lane_of(name := f"bob-{number}") == lane_of(ALICE))
"""Another customer of the same lane, so that nothing but the owner tells their things apart."""

NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
REQUEST = "00000000-0000-4000-8000-000000000001"


async def booked(hall_api: HallApi) -> tuple[Any, Any]:
    """Alice's entitlement and booking, as node ids."""
    (entitlement,) = await add_visits(hall_api.ledger, [ALICE], NOW)
    told = await hall_api.data(
        BOOK, ALICE, id=REQUEST, lounge=node_id("Lounge", "PEK-T3-01"), at="2026-10-16T09:30:00+08:00"
    )
    return node_id("Entitlement", entitlement), told["bookLounge"]["booking"]["id"]


async def test_bookings_and_entitlements_are_their_customers_alone(hall_api: HallApi) -> None:
    for id in await booked(hall_api):
        owner = await hall_api.ask(NODE, ALICE, id=id)
        other = await hall_api.ask(NODE, BOB, id=id)
        nobody = await hall_api.ask(NODE, id=id)

        assert owner["data"]["node"]["id"] == id
        assert other == nobody == {"data": {"node": None}}


async def test_anothers_booking_is_given_back_by_nobody(hall_api: HallApi) -> None:
    _, booking = await booked(hall_api)
    never = node_id("Booking", new_id(lane_of(ALICE), NOW))

    other = await hall_api.data(CANCEL, BOB, id=REQUEST, booking=booking)
    unknown = await hall_api.data(CANCEL, BOB, id=REQUEST, booking=never)
    signed_out = await hall_api.ask(CANCEL, id=REQUEST, booking=booking)

    assert other["cancelBooking"]["__typename"] == "NotFound"
    assert other == unknown
    assert signed_out["errors"][0]["extensions"]["code"] == "NOT_SIGNED_IN"


async def test_a_lounge_is_everybodys(hall_api: HallApi) -> None:
    id = node_id("Lounge", "PEK-T3-01")

    assert (await hall_api.data(NODE, id=id))["node"] == {"__typename": "Lounge", "id": id}
    assert (await hall_api.data(NODE, id=node_id("Lounge", "XXX")))["node"] is None


async def test_slots_of_a_whole_page_are_read_in_one_statement(hall_api: HallApi) -> None:
    await hall_api.data('{ lounges(first: 20) { edges { node { slots(day: "2026-10-16") { remaining } } } } }')

    assert sum("shared_account" in sql for sql in hall_api.statements) == 1
