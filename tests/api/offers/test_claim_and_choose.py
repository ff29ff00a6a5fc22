"""Claiming and choosing through GraphQL, end to end over the ledger: each outcome as its own type, once per request."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from api.documents import DIRECTORY
from api.node import node_id
from domain.campaigns.terms import Product
from domain.ledger import keys
from tests.builders.customers import card, story
from tests.builders.hall_api import HallApi
from tests.builders.rows import NOW

ALICE = "alice"
CLAIM = (DIRECTORY / "claim.graphql").read_text()


def claim(offer: str = "everyday-20-5") -> dict[str, str]:
    return {"requestId": str(uuid4()), "offer": offer}


async def gold(hall: HallApi, customer: str = ALICE) -> None:
    await hall.tell_story(customer, story(card(f"card-of-{customer}", product=Product.GOLD)))


async def claimed(hall: HallApi, input: dict[str, str], customer: str = ALICE, **more: Any) -> Any:
    return (await hall.data(CLAIM, customer, input=input, **more))["claimOffer"]


async def test_a_claim_puts_the_coupons_in_the_wallet(hall_api: HallApi) -> None:
    await gold(hall_api)

    told = await claimed(hall_api, claim())

    assert told["__typename"] == "OfferClaimed"
    (coupon,) = told["coupons"]
    assert (coupon["kind"], coupon["status"], coupon["value"], coupon["minSpend"]) == (
        "THRESHOLD",
        "AVAILABLE",
        500,
        2_000,
    )
    wallet = await hall_api.data("{ viewer { wallet { coupons { edges { node { id offer { code } } } } } } }", ALICE)
    assert wallet["viewer"]["wallet"]["coupons"]["edges"] == [
        {"node": {"id": coupon["id"], "offer": {"code": "everyday-20-5"}}}
    ]


async def test_the_same_request_answers_the_same_however_often_it_comes(hall_api: HallApi) -> None:
    await gold(hall_api)
    request = claim("mall-pack")

    answers = await asyncio.gather(*(hall_api.ask(CLAIM, ALICE, input=request) for _ in range(20)))

    assert all(answer == answers[0] for answer in answers)
    assert len(answers[0]["data"]["claimOffer"]["coupons"]) == 2
    assert await hall_api.db.fetchval("select count(*) from coupon") == 2


async def test_the_same_request_for_another_offer_is_refused(hall_api: HallApi) -> None:
    await gold(hall_api)
    request = claim()
    await claimed(hall_api, request)

    told = await hall_api.ask(CLAIM, ALICE, input={**request, "offer": "mall-pack"})

    assert told["errors"][0]["extensions"]["code"] == "REQUEST_REUSED"
    assert hall_api.broken == []


async def test_two_mutations_cannot_share_a_request(hall_api: HallApi) -> None:
    await gold(hall_api)
    request = claim()
    await claimed(hall_api, request)
    from tests.builders.rows import add_delivery

    id = node_id("Delivery", await add_delivery(hall_api.db, ALICE))

    told = await hall_api.ask(
        "mutation ($input: SetAddressInput!) { setAddress(input: $input) { __typename } }",
        ALICE,
        input={
            "requestId": request["requestId"],
            "delivery": id,
            "name": "张三",
            "phone": "13812345678",
            "region": "上海",
            "address": "世纪大道1号",
        },
    )

    assert told["errors"][0]["extensions"]["code"] == "REQUEST_REUSED"


async def test_anothers_request_id_is_ones_own_to_use(hall_api: HallApi) -> None:
    await gold(hall_api)
    await gold(hall_api, "bob")
    request = claim()

    mine = await claimed(hall_api, request)
    theirs = await claimed(hall_api, request, "bob")

    assert mine["__typename"] == theirs["__typename"] == "OfferClaimed"
    assert mine["coupons"][0]["id"] != theirs["coupons"][0]["id"]


async def test_a_limit_says_how_many_and_from_when_again(hall_api: HallApi) -> None:
    await gold(hall_api)
    await claimed(hall_api, claim())

    told = await claimed(hall_api, claim(), language="en")

    assert told == {
        "__typename": "LimitReached",
        "code": "LIMIT_REACHED",
        "message": "You have reached the limit of 1; from 2026-10-16 00:00 you can again.",
        "limit": 1,
        "nextAt": "2026-10-16T00:00:00+08:00",
    }
    hall_api.clock.at = NOW + timedelta(hours=12)
    assert (await claimed(hall_api, claim()))["__typename"] == "OfferClaimed"


async def test_who_may_not_is_told_why(hall_api: HallApi) -> None:
    await hall_api.tell_story(ALICE, story(card(product=Product.PLATINUM)))

    told = await claimed(hall_api, claim())

    assert told["__typename"] == "NotEligible"
    assert told["code"] == "NOT_ELIGIBLE"
    assert [reason["code"] for reason in told["reasons"]] == ["CARD_NEEDED"]
    assert told["reasons"][0]["remedy"]


@pytest.mark.parametrize(
    ("offer", "zh", "en"),
    [
        ("first-spend", "达标后自动发放", "by itself once earned"),
        ("friday", "支付时自动立减", "taken off at the till"),
        ("overseas-hotel", "请提交申请", "apply for it"),
        ("club-wine", "请报名参加", "sign up for it"),
        ("weekly-push", "届时自动发放", "by itself in time"),
    ],
)
async def test_what_is_not_claimed_says_how_it_comes(hall_api: HallApi, offer: str, zh: str, en: str) -> None:
    await gold(hall_api)

    here, there = await claimed(hall_api, claim(offer)), await claimed(hall_api, claim(offer), language="en")

    assert [reason["code"] for reason in here["reasons"]] == ["NOT_CLAIMABLE"]
    assert here["reasons"][0]["message"].endswith(zh)
    assert there["reasons"][0]["message"].endswith(en)


async def test_before_it_opens_one_is_told_when(hall_api: HallApi) -> None:
    await gold(hall_api)
    hall_api.clock.at = NOW - timedelta(days=20)

    told = await claimed(hall_api, claim())

    assert told["__typename"] == "NotOpen"
    assert told["nextAt"] == "2026-10-01T00:00:00+08:00"
    assert "2026-10-01 00:00" in told["message"]


async def test_after_it_is_over_nothing_is_promised(hall_api: HallApi) -> None:
    await gold(hall_api)
    hall_api.clock.at = NOW + timedelta(days=300)

    told = await claimed(hall_api, claim())

    assert (told["__typename"], told["nextAt"]) == ("NotOpen", None)


@pytest.mark.parametrize("code", ["no-such", "", "x" * 300, "friday'; drop table coupon"])
async def test_an_unknown_offer_is_not_found(hall_api: HallApi, code: str) -> None:
    await gold(hall_api)

    assert (await claimed(hall_api, claim(code)))["code"] == "NOT_FOUND"


async def test_a_budget_that_is_spent_sells_the_offer_out(hall_api: HallApi) -> None:
    await gold(hall_api)
    catalog = hall_api.catalogs.held
    of = catalog.offer("everyday-20-5", NOW)
    assert of is not None
    account = keys.budget("smart-life", of.offer.line or "")
    await hall_api.db.execute(
        "update shared_account set balance = 0 where lane = $1 and key = $2", account.lane, account.key
    )

    told = await claimed(hall_api, claim())

    assert (told["__typename"], told["code"]) == ("SoldOut", "SOLD_OUT")


CHOOSE = (DIRECTORY / "choose.graphql").read_text()


async def test_a_choice_can_be_made_once_and_is_answered_the_same_again(hall_api: HallApi) -> None:
    """The choice itself comes from the ledger, as the worker gives it."""
    id = await given_choice(hall_api)
    request = {"requestId": str(uuid4()), "choice": id, "option": "mall-100"}

    first = await hall_api.ask(CHOOSE, ALICE, input=request)
    again = await hall_api.ask(CHOOSE, ALICE, input=request)
    other = await hall_api.ask(CHOOSE, ALICE, input={**request, "requestId": str(uuid4()), "option": "thermos"})

    told = first["data"]["chooseReward"]
    assert told["__typename"] == "RewardChosen"
    assert told["coupon"]["value"] == 10_000
    assert told["delivery"] is None
    assert again == first
    refused = other["data"]["chooseReward"]
    assert (refused["__typename"], refused["code"]) == ("TooLate", "ALREADY_CHOSEN")


async def test_a_gift_becomes_a_delivery_that_needs_an_address(hall_api: HallApi) -> None:
    id = await given_choice(hall_api)

    told = await hall_api.data(
        CHOOSE, ALICE, input={"requestId": str(uuid4()), "choice": id, "option": "thermos"}, language="en"
    )

    chosen = told["chooseReward"]
    assert chosen["coupon"] is None
    assert chosen["delivery"]["status"] == "NEEDS_ADDRESS"
    assert chosen["delivery"]["title"] == "Brand-name thermos cup"


async def test_an_option_that_is_none_is_not_found_and_a_late_choice_too_late(hall_api: HallApi) -> None:
    id = await given_choice(hall_api)

    none = await hall_api.data(CHOOSE, ALICE, input={"requestId": str(uuid4()), "choice": id, "option": "car"})
    hall_api.clock.at = NOW + timedelta(days=40)
    late = await hall_api.data(CHOOSE, ALICE, input={"requestId": str(uuid4()), "choice": id, "option": "thermos"})

    assert none["chooseReward"]["code"] == "NOT_FOUND"
    assert late["chooseReward"]["code"] == "TOO_LATE"
    assert late["chooseReward"]["deadline"] == "2026-11-15T00:00:00+08:00"


async def given_choice(hall: HallApi) -> str:
    """A choice of `first-spend`, given by the ledger; its node id."""
    from domain.kernel.ids import lane_of, new_id
    from domain.ledger.unit import Committed, Unit
    from domain.offers.award import Award, award

    of = hall.catalogs.held.offer("first-spend", NOW)
    assert of is not None
    parts = award(Award(of.campaign, of.offer, ALICE, cause="campaign#1", at=NOW, earned_at=NOW))
    lane = lane_of(ALICE)
    result = await hall.ledger.commit(
        Unit(
            id=new_id(lane, NOW),
            lane=lane,
            at=NOW,
            moves=parts.moves,
            opens=parts.opens,
            new_holds=parts.new_holds,
            changes=parts.changes,
            rows=parts.rows,
        )
    )
    assert isinstance(result, Committed)
    return node_id("RewardChoice", await hall.db.fetchval("select id from choice"))
