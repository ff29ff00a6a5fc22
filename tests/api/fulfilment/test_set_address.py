"""Where a parcel goes: once per request, until it is being packed, and nowhere in clear."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from api.node import node_id
from domain.kernel.ids import lane_of
from tests.builders.hall_api import HallApi
from tests.builders.rows import add_delivery

ALICE = "alice"
SET = """
mutation ($input: SetAddressInput!) { setAddress(input: $input) {
  __typename ... on AddressSet { delivery { id title status } } ... on TooLate { code message deadline }
  ... on NotFound { code message }
} }
"""
WHERE = {"name": "张三", "phone": "138-1234-5678", "region": "上海市浦东新区", "address": "世纪大道1号"}


def to(id: UUID, **over: Any) -> dict[str, Any]:
    return {"requestId": str(uuid4()), "delivery": node_id("Delivery", id), **WHERE, **over}


async def test_a_parcel_with_an_address_is_promised(hall_api: HallApi) -> None:
    id = await add_delivery(hall_api.db, ALICE)

    data = await hall_api.data(SET, ALICE, input=to(id))

    assert data["setAddress"] == {
        "__typename": "AddressSet",
        "delivery": {"id": node_id("Delivery", id), "title": "品牌行李箱", "status": "PROMISED"},
    }
    row = await hall_api.db.fetchrow("select status, address_sealed from delivery")
    assert row["status"] == "PROMISED"
    assert row["address_sealed"].endswith("delivery/address_sealed/alice")
    assert await hall_api.db.fetchval("select count(*) from outbox where topic = 'deliver'") == 1


async def test_the_address_stands_nowhere_in_clear(hall_api: HallApi) -> None:
    id = await add_delivery(hall_api.db, ALICE)
    await hall_api.data(SET, ALICE, input=to(id))

    for table in ("delivery", "outbox", "request", "journal"):
        dump = str([tuple(row) for row in await hall_api.db.fetch(f"select * from {table}")])
        for part in WHERE.values():
            assert part not in dump, table


async def test_the_same_request_tells_of_the_same_delivery_as_it_stands_by_then_and_changes_nothing(
    hall_api: HallApi,
) -> None:
    id = await add_delivery(hall_api.db, ALICE)
    request = to(id)
    first = (await hall_api.data(SET, ALICE, input=request))["setAddress"]
    await hall_api.db.execute("update delivery set status = 'SHIPPED'")

    again = (await hall_api.data(SET, ALICE, input=request))["setAddress"]

    assert first["delivery"]["status"] == "PROMISED"
    assert again == {**first, "delivery": {**first["delivery"], "status": "SHIPPED"}}
    assert await hall_api.db.fetchval("select status from delivery") == "SHIPPED"
    assert await hall_api.db.fetchval("select count(*) from outbox") == 1


async def test_the_same_request_for_another_place_is_refused(hall_api: HallApi) -> None:
    id = await add_delivery(hall_api.db, ALICE)
    request = to(id)
    await hall_api.data(SET, ALICE, input=request)

    told = await hall_api.ask(SET, ALICE, input={**request, "address": "世纪大道2号"})

    assert told["errors"][0]["extensions"]["code"] == "REQUEST_REUSED"


async def test_an_address_can_be_changed_while_nothing_is_packed(hall_api: HallApi) -> None:
    id = await add_delivery(hall_api.db, ALICE)
    await hall_api.data(SET, ALICE, input=to(id))
    before = await hall_api.db.fetchval("select address_sealed from delivery")

    data = await hall_api.data(SET, ALICE, input=to(id, address="南京西路1000号12楼"))

    assert data["setAddress"]["__typename"] == "AddressSet"
    assert await hall_api.db.fetchval("select address_sealed from delivery") != before
    assert await hall_api.db.fetchval("select count(*) from outbox") == 1


@pytest.mark.parametrize("status", ["PROCESSING", "SHIPPED", "DELIVERED", "FAILED"])
async def test_a_parcel_under_way_goes_where_it_goes(hall_api: HallApi, status: str) -> None:
    id = await add_delivery(hall_api.db, ALICE, status=status)

    data = await hall_api.data(SET, ALICE, input=to(id), language="en")

    assert data["setAddress"] == {
        "__typename": "TooLate",
        "code": "TOO_LATE",
        "message": "This ended at 2026-10-15 12:00.",
        "deadline": "2026-10-15T12:00:00+08:00",
    }


async def test_what_is_not_a_parcel_has_no_address(hall_api: HallApi) -> None:
    id = await add_delivery(hall_api.db, ALICE, kind="JD_ECARD", status="PROMISED")

    data = await hall_api.data(SET, ALICE, input=to(id))

    assert data["setAddress"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    "over",
    [
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 41},
        {"phone": "not a phone"},
        {"phone": "١٢٣٤٥٦٧٨"},
        {"region": "a\nb"},
        {"address": "a\u0007b"},
        {"address": "路" * 201},
    ],
)
async def test_an_address_nobody_can_deliver_to_is_refused(hall_api: HallApi, over: dict[str, str]) -> None:
    id = await add_delivery(hall_api.db, ALICE)

    told = await hall_api.ask(SET, ALICE, input=to(id, **over))

    assert told["errors"][0]["extensions"]["code"] == "INPUT_INVALID"
    assert hall_api.broken == []
    assert await hall_api.db.fetchval("select count(*) from request where lane = $1", lane_of(ALICE)) == 0
