"""The wallet page: what it shows, in which order, page by page, at what price."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from api.documents import DIRECTORY
from api.node import node_id
from domain.kernel.ids import lane_of, new_id
from domain.kernel.words import Words
from tests.builders.hall_api import HallApi
from tests.builders.rows import NOW, add_coupon, add_merchant

PAGE = """
query ($status: [CouponStatus!], $first: Int = 20, $after: String) {
  viewer { wallet { coupons(status: $status, first: $first, after: $after) {
    edges { cursor node { id status } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  } } }
}
"""

ALICE = "alice"


async def page(hall: HallApi, **variables: Any) -> Any:
    data = await hall.data(PAGE, ALICE, **variables)
    return data["viewer"]["wallet"]["coupons"]


def ids(found: Any) -> list[str]:
    return [edge["node"]["id"] for edge in found["edges"]]


async def test_a_coupon_is_shown_with_its_offer_and_its_merchants(hall_api: HallApi) -> None:
    id = await add_coupon(hall_api.db, ALICE)
    await add_merchant(hall_api.db, "m-1", name="星河便利", groups=["everyday", "mall"])
    await add_merchant(hall_api.db, "m-2", groups=["everyday"], status="SUSPENDED")
    await add_merchant(hall_api.db, "m-3", groups=["mall"])
    await hall_api.db.execute("update catalog_stamp set version = version + 1")

    data = await hall_api.data(
        """{ viewer { wallet { coupons { edges { node {
             id kind status title value minSpend validFrom expiresAt
             offer { code title campaign { code } } merchants { name groups city }
        } } } } } }""",
        ALICE,
    )

    coupon = data["viewer"]["wallet"]["coupons"]["edges"][0]["node"]
    assert coupon == {
        "id": node_id("Coupon", id),
        "kind": "THRESHOLD",
        "status": "AVAILABLE",
        "title": "满20减5",
        "value": 500,
        "minSpend": 2_000,
        "validFrom": "2026-10-14T12:00:00+08:00",
        "expiresAt": "2026-11-14T12:00:00+08:00",
        "offer": {
            "code": "everyday-20-5",
            "title": coupon["offer"]["title"],
            "campaign": {"code": "smart-life"},
        },
        "merchants": [{"name": "星河便利", "groups": ["everyday", "mall"], "city": "上海"}],
    }
    assert coupon["offer"]["title"]


async def test_the_soonest_end_comes_first_and_equal_ends_go_by_id(hall_api: HallApi) -> None:
    lane = lane_of(ALICE)
    one, two = sorted((new_id(lane, NOW), new_id(lane, NOW)), key=lambda id: id.bytes)
    await add_coupon(hall_api.db, ALICE, id=two, expires_at=NOW + timedelta(days=3))
    await add_coupon(hall_api.db, ALICE, id=one, expires_at=NOW + timedelta(days=3))
    last = await add_coupon(hall_api.db, ALICE, expires_at=NOW + timedelta(days=4))
    first = await add_coupon(hall_api.db, ALICE, expires_at=NOW + timedelta(days=2))

    found = await page(hall_api)

    assert ids(found) == [node_id("Coupon", id) for id in (first, one, two, last)]


async def test_pages_go_on_behind_their_cursor_and_show_each_coupon_once(hall_api: HallApi) -> None:
    ends = [NOW + timedelta(hours=hour % 3) for hour in range(1, 8)]  # several end at the same moment
    for end in ends:
        await add_coupon(hall_api.db, ALICE, expires_at=end)
    everything = ids(await page(hall_api))

    seen, after, infos = [], None, []
    for _ in range(5):
        found = await page(hall_api, first=2, after=after)
        seen += ids(found)
        after = found["pageInfo"]["endCursor"]
        infos.append((found["pageInfo"]["hasPreviousPage"], found["pageInfo"]["hasNextPage"]))
        if not found["pageInfo"]["hasNextPage"]:
            break

    assert seen == everything
    assert infos == [(False, True), (True, True), (True, True), (True, False)]


async def test_a_coupon_given_while_somebody_turns_pages_shifts_nothing(hall_api: HallApi) -> None:
    for day in (2, 4, 6):
        await add_coupon(hall_api.db, ALICE, expires_at=NOW + timedelta(days=day))
    first = await page(hall_api, first=2)

    await add_coupon(hall_api.db, ALICE, expires_at=NOW + timedelta(days=1))
    second = await page(hall_api, first=2, after=first["pageInfo"]["endCursor"])

    assert len(ids(second)) == 1
    assert not set(ids(second)) & set(ids(first))


async def test_an_available_coupon_is_expired_from_the_moment_it_ends(hall_api: HallApi) -> None:
    ended = await add_coupon(hall_api.db, ALICE, expires_at=NOW)
    swept = await add_coupon(hall_api.db, ALICE, expires_at=NOW - timedelta(days=1), status="EXPIRED")
    good = await add_coupon(hall_api.db, ALICE, expires_at=NOW + timedelta(microseconds=1))
    await add_coupon(hall_api.db, ALICE, status="USED")

    expired = await page(hall_api, status=["EXPIRED"])
    available = await page(hall_api, status=["AVAILABLE"])

    assert ids(expired) == [node_id("Coupon", swept), node_id("Coupon", ended)]
    assert [edge["node"]["status"] for edge in expired["edges"]] == ["EXPIRED", "EXPIRED"]
    assert ids(available) == [node_id("Coupon", good)]


async def test_no_status_asked_for_is_none_shown_and_null_is_all(hall_api: HallApi) -> None:
    for status in ("AVAILABLE", "HELD", "USED", "EXPIRED", "VOIDED"):
        await add_coupon(hall_api.db, ALICE, status=status)

    assert len(ids(await page(hall_api, status=None))) == 5
    assert len(ids(await page(hall_api))) == 5
    assert ids(await page(hall_api, status=[])) == []
    assert len(ids(await page(hall_api, status=["HELD", "USED"]))) == 2


async def test_the_summary_counts_what_is_available_held_and_ending_within_seven_days(hall_api: HallApi) -> None:
    for end in (timedelta(0), timedelta(seconds=1), timedelta(days=7), timedelta(days=6, hours=23)):
        await add_coupon(hall_api.db, ALICE, expires_at=NOW + end)
    await add_coupon(hall_api.db, ALICE, status="HELD", expires_at=NOW - timedelta(days=1))
    await add_coupon(hall_api.db, ALICE, status="USED")
    await add_coupon(hall_api.db, "bob")

    data = await hall_api.data("{ viewer { wallet { summary { available held expiringSoon } } } }", ALICE)

    assert data["viewer"]["wallet"]["summary"] == {"available": 3, "held": 1, "expiringSoon": 2}


async def test_an_empty_wallet_is_a_page_without_cursors(hall_api: HallApi) -> None:
    found = await page(hall_api)

    assert found == {
        "edges": [],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
    }


async def test_a_page_is_empty_at_0_and_holds_a_hundred_whatever_is_asked_for(hall_api: HallApi) -> None:
    for _ in range(101):
        await add_coupon(hall_api.db, ALICE)

    none, most = await page(hall_api, first=0), await page(hall_api, first=2**31 - 1)
    rest = await page(hall_api, first=101, after=most["pageInfo"]["endCursor"])

    assert none == {
        "edges": [],
        "pageInfo": {"hasNextPage": True, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
    }
    assert (len(most["edges"]), most["pageInfo"]["hasNextPage"]) == (100, True)
    assert (len(rest["edges"]), rest["pageInfo"]["hasNextPage"]) == (1, False)


@pytest.mark.parametrize(
    "variables",
    [
        {"first": -1},
        {"after": ""},
        {"after": "garbage"},
        {"after": "Q" * 34},
        {"after": node_id("Coupon", UUID(int=1))},
    ],
)
async def test_a_page_nobody_can_show_is_the_askers_mistake(hall_api: HallApi, variables: dict[str, Any]) -> None:
    told = await hall_api.ask(PAGE, ALICE, **variables)

    assert [error["extensions"]["code"] for error in told["errors"]] == ["BAD_USER_INPUT"]
    assert hall_api.broken == []


async def test_a_delivery_lists_cursor_is_none_of_the_wallets(hall_api: HallApi) -> None:
    from api.pages import cursor_id

    told = await hall_api.ask(PAGE, ALICE, after=cursor_id(b"D", UUID(int=3)))

    assert told["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_words_follow_the_language(hall_api: HallApi) -> None:
    await add_coupon(hall_api.db, ALICE, title=Words("满20减5", "5 off 20"))
    query = "{ viewer { wallet { coupons { edges { node { title offer { title campaign { title } } } } } } } }"

    zh = await hall_api.data(query, ALICE)
    en = await hall_api.data(query, ALICE, language="en-GB,en;q=0.9,zh-CN;q=0.5")

    (chinese,) = zh["viewer"]["wallet"]["coupons"]["edges"]
    (english,) = en["viewer"]["wallet"]["coupons"]["edges"]
    assert chinese["node"]["title"] == "满20减5"
    assert english["node"]["title"] == "5 off 20"
    assert english["node"]["offer"]["campaign"]["title"] == "Smart living, city-wide"
    assert english["node"]["offer"]["title"] != chinese["node"]["offer"]["title"]


async def test_a_coupon_whose_offer_nobody_knows_has_none(hall_api: HallApi) -> None:
    await add_coupon(hall_api.db, ALICE, offer="gone", campaign="gone")

    data = await hall_api.data("{ viewer { wallet { coupons { edges { node { offer { code } } } } } } }", ALICE)

    assert data["viewer"]["wallet"]["coupons"]["edges"] == [{"node": {"offer": None}}]


async def test_at_most_fifty_merchants_are_listed(hall_api: HallApi) -> None:
    for number in range(60):
        await add_merchant(hall_api.db, f"m-{number:02}", groups=["everyday"])
    await hall_api.db.execute("update catalog_stamp set version = version + 1")
    await add_coupon(hall_api.db, ALICE)

    data = await hall_api.data("{ viewer { wallet { coupons { edges { node { merchants { id } } } } } } }", ALICE)

    assert len(data["viewer"]["wallet"]["coupons"]["edges"][0]["node"]["merchants"]) == 50


async def test_fifty_coupons_with_offers_campaigns_and_merchants_are_at_most_three_statements(
    hall_api: HallApi,
) -> None:
    offers = ["everyday-20-5", "everyday-100-20", "bind-gift", "come-back-pack", "flyer"]
    for number in range(60):
        await add_coupon(hall_api.db, ALICE, offer=offers[number % 5], groups=["everyday"] if number % 2 else ["mall"])
    await add_merchant(hall_api.db, "m-1", groups=["everyday", "mall"])

    data = await hall_api.data((DIRECTORY / "wallet.graphql").read_text(), ALICE, first=50)

    edges = data["viewer"]["wallet"]["coupons"]["edges"]
    assert len(edges) == 50
    assert {edge["node"]["offer"]["code"] for edge in edges} == set(offers)
    assert len(hall_api.statements) <= 3, hall_api.statements
