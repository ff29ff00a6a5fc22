"""Who may see what: each thing by its id, each argument of a mutation, for its owner, for another customer, for nobody.

Another's thing and a thing that never was get the same answer, to the byte.
"""

from typing import Any
from uuid import UUID, uuid4

import pytest

from api.node import node_id
from api.viewer import viewer_id
from domain.kernel.ids import lane_of, new_id
from tests.builders.hall_api import HallApi
from tests.builders.rows import NOW, add_application, add_choice, add_coupon, add_delivery, add_sign_up

ALICE = "alice"
BOB = next(name for number in range(9_999) if lane_of(name := f"bob-{number}") == lane_of(ALICE))
"""Another customer of the same lane, so that nothing but the owner tells their things apart."""

NODE = """
query ($id: ID!) { node(id: $id) { __typename id
  ... on Coupon { title value expiresAt } ... on Delivery { title status trackingNumber }
  ... on RewardChoice { chooseBy options { code } } ... on Application { at } ... on SignUp { position }
  ... on Viewer { maskedName }
} }
"""

ADD = {
    "Application": add_application,
    "Coupon": add_coupon,
    "Delivery": add_delivery,
    "RewardChoice": add_choice,
    "SignUp": add_sign_up,
}


@pytest.mark.parametrize("kind", sorted(ADD))
async def test_a_thing_is_its_owners_alone(hall_api: HallApi, kind: str) -> None:
    id: UUID = await ADD[kind](hall_api.db, ALICE)  # type: ignore[operator]
    never = new_id(lane_of(ALICE), NOW)

    owner = await hall_api.ask(NODE, ALICE, id=node_id(kind, id))
    other = await hall_api.ask(NODE, BOB, id=node_id(kind, id))
    nobody = await hall_api.ask(NODE, id=node_id(kind, id))
    unknown = await hall_api.ask(NODE, ALICE, id=node_id(kind, never))

    assert owner["data"]["node"]["__typename"] == kind
    assert owner["data"]["node"]["id"] == node_id(kind, id)
    assert other == nobody == unknown == {"data": {"node": None}}


async def test_a_viewer_is_seen_by_nobody_else(hall_api: HallApi) -> None:
    owner = await hall_api.ask(NODE, ALICE, id=viewer_id(ALICE))
    other = await hall_api.ask(NODE, BOB, id=viewer_id(ALICE))
    nobody = await hall_api.ask(NODE, id=viewer_id(ALICE))

    assert owner["data"]["node"]["__typename"] == "Viewer"
    assert other == nobody == {"data": {"node": None}}
    assert ALICE not in viewer_id(ALICE)


@pytest.mark.parametrize(
    "id",
    [
        "",
        "x",
        "Q291cG9u",
        node_id("Coupon", "not-a-uuid"),
        node_id("Coupon", ""),
        node_id("Nothing", UUID(int=7)),
        node_id("Query", "x"),
        node_id("__typename", "x"),
        node_id("Offer", "no-such-offer"),
        node_id("Campaign", "no-such-campaign"),
        node_id("Merchant", "m-1"),
        node_id("Card", "1"),
        "é",
        "A" * 5_000,
    ],
)
async def test_an_id_of_nothing_is_null(hall_api: HallApi, id: str) -> None:
    assert await hall_api.ask(NODE, ALICE, id=id) == {"data": {"node": None}}


async def test_offers_and_campaigns_are_everybodys(hall_api: HallApi) -> None:
    for customer in (ALICE, None):
        offer = await hall_api.data(
            "query ($id: ID!) { node(id: $id) { ... on Offer { code } } }", customer, id=node_id("Offer", "friday")
        )
        campaign = await hall_api.data(
            "query ($id: ID!) { node(id: $id) { ... on Campaign { code version } } }",
            customer,
            id=node_id("Campaign", "platinum"),
        )

        assert offer == {"node": {"code": "friday"}}
        assert campaign == {"node": {"code": "platinum", "version": 1}}


CHOOSE = """
mutation ($input: ChooseRewardInput!) { chooseReward(input: $input) { __typename ... on Problem { code message } } }
"""
ADDRESS = """
mutation ($input: SetAddressInput!) { setAddress(input: $input) { __typename ... on Problem { code message } } }
"""
WHERE = {"name": "张三", "phone": "13812345678", "region": "上海市 浦东新区", "address": "世纪大道1号"}


def choose(id: str) -> dict[str, Any]:
    return {"requestId": str(uuid4()), "choice": id, "option": "mall-100"}


def to(id: str) -> dict[str, Any]:
    return {"requestId": str(uuid4()), "delivery": id, **WHERE}


async def test_anothers_choice_cannot_be_made(hall_api: HallApi) -> None:
    id = node_id("RewardChoice", await add_choice(hall_api.db, ALICE))
    never = node_id("RewardChoice", new_id(lane_of(BOB), NOW))
    not_mine = node_id("Coupon", await add_coupon(hall_api.db, BOB))

    other = await hall_api.ask(CHOOSE, BOB, input=choose(id))
    unknown = await hall_api.ask(CHOOSE, BOB, input=choose(never))
    wrong_kind = await hall_api.ask(CHOOSE, BOB, input=choose(not_mine))

    assert other["data"]["chooseReward"]["__typename"] == "NotFound"
    assert other == unknown == wrong_kind
    assert await hall_api.db.fetchval("select status from choice") == "OPEN"


async def test_an_address_cannot_be_put_on_anothers_parcel(hall_api: HallApi) -> None:
    id = node_id("Delivery", await add_delivery(hall_api.db, ALICE))
    never = node_id("Delivery", new_id(lane_of(BOB), NOW))

    other = await hall_api.ask(ADDRESS, BOB, input=to(id))
    unknown = await hall_api.ask(ADDRESS, BOB, input=to(never))
    garbage = await hall_api.ask(ADDRESS, BOB, input=to("garbage"))

    assert other["data"]["setAddress"]["__typename"] == "NotFound"
    assert other == unknown == garbage
    assert await hall_api.db.fetchval("select address_sealed from delivery") is None


@pytest.mark.parametrize(
    ("mutation", "variables"),
    [
        (
            "mutation ($input: ClaimOfferInput!) { claimOffer(input: $input) { __typename } }",
            {"input": {"requestId": str(uuid4()), "offer": "mall-pack"}},
        ),
        (CHOOSE, {"input": choose(node_id("RewardChoice", uuid4()))}),
        (ADDRESS, {"input": to(node_id("Delivery", uuid4()))}),
        ("mutation { signOut }", {}),
        ("mutation { setPersonalisation(input: {on: false}) { id } }", {}),
    ],
)
async def test_who_is_signed_out_changes_nothing(hall_api: HallApi, mutation: str, variables: dict[str, Any]) -> None:
    told = await hall_api.ask(mutation, **variables)

    assert [error["extensions"]["code"] for error in told["errors"]] == ["NOT_SIGNED_IN"]
    assert hall_api.broken == []


async def test_what_needs_no_customer_is_answered_signed_out(hall_api: HallApi) -> None:
    data = await hall_api.data('{ serverTime viewer { id } hall { personalised } offer(code: "friday") { code } }')

    assert data["viewer"] is None
    assert data["hall"] == {"personalised": False}
    assert data["serverTime"] == "2026-10-15T12:00:00+08:00"


@pytest.mark.parametrize("authorization", ["Bearer forged", "Bearer", "Basic YWxpY2U6", "alice", "Bearer "])
async def test_a_token_that_is_no_good_is_not_taken_for_none(hall_api: HallApi, authorization: str) -> None:
    told = await hall_api.ask("{ serverTime }", headers={"authorization": authorization})

    assert [error["extensions"]["code"] for error in told["errors"]] == ["NOT_SIGNED_IN"]


@pytest.mark.parametrize("device", ["", "x" * 65, "a b", "a\x7f"])
async def test_a_device_id_is_opaque_but_short(hall_api: HallApi, device: str) -> None:
    told = await hall_api.ask("{ serverTime }", headers={"x-device-id": device})
    good = await hall_api.ask("{ serverTime }", headers={"x-device-id": "x" * 64})

    assert [error["extensions"]["code"] for error in told["errors"]] == ["INPUT_INVALID"]
    assert "errors" not in good
