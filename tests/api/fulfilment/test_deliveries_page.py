"""The viewer's deliveries: newest first, page by page, their own alone."""

from datetime import timedelta

from api.node import node_id
from tests.builders.hall_api import HallApi
from tests.builders.rows import NOW, add_delivery

ALICE = "alice"

PAGE = """
query ($first: Int = 20, $after: String) { viewer { deliveries(first: $first, after: $after) {
  edges { cursor node { id title status at trackingNumber } } pageInfo { hasNextPage endCursor }
} } }
"""


async def test_the_newest_delivery_comes_first(hall_api: HallApi) -> None:
    old = await add_delivery(hall_api.db, ALICE, at=NOW - timedelta(days=2), status="SHIPPED", tracking_number="SF1")
    new = await add_delivery(hall_api.db, ALICE, at=NOW - timedelta(days=1))
    await add_delivery(hall_api.db, "bob")

    data = await hall_api.data(PAGE, ALICE, language="en")

    nodes = [edge["node"] for edge in data["viewer"]["deliveries"]["edges"]]
    assert [node["id"] for node in nodes] == [node_id("Delivery", new), node_id("Delivery", old)]
    assert nodes[1] == {
        "id": node_id("Delivery", old),
        "title": "Suitcase",
        "status": "SHIPPED",
        "at": "2026-10-13T12:00:00+08:00",
        "trackingNumber": "SF1",
    }


async def test_pages_of_deliveries_show_each_once(hall_api: HallApi) -> None:
    made = [await add_delivery(hall_api.db, ALICE, at=NOW + timedelta(minutes=minute)) for minute in range(5)]

    seen, after = [], None
    for _ in range(3):
        found = (await hall_api.data(PAGE, ALICE, first=2, after=after))["viewer"]["deliveries"]
        seen += [edge["node"]["id"] for edge in found["edges"]]
        after = found["pageInfo"]["endCursor"]

    assert seen == [node_id("Delivery", id) for id in reversed(made)]
    assert found["pageInfo"]["hasNextPage"] is False


async def test_a_page_of_deliveries_has_its_bounds(hall_api: HallApi) -> None:
    for variables in ({"first": -1}, {"after": "garbage"}):
        told = await hall_api.ask(PAGE, ALICE, **variables)

        assert told["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
