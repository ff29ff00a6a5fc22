"""The draws of the public schema: odds as they are, chances and results of their owner alone, pages by cursor."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from domain.kernel.ids import lane_of, new_id
from domain.kernel.words import Words
from domain.ledger import keys
from domain.ledger.moves import post
from domain.ledger.unit import Committed, Unit
from domain.stories.state import StoryState
from tests.builders.hall_api import HallApi, open_hall_api
from tests.builders.rows import NOW

DRAW = """
mutation Draw($id: UUID!, $draw: String!, $nonce: String!) {
  draw(input: {requestId: $id, draw: $draw, clientNonce: $nonce}) { __typename
    ... on Drawn { result { id at prize { code oddsPpm } delivery { id status } proof { sequence hash secret } } }
    ... on NoChance { code message } ... on NotOpen { code message nextAt }
    ... on AccountFrozen { code appealable } ... on NotFound { code } } }
"""

PAGE = """
query Page($first: Int, $after: String) { draw(code: "wake-up") { commitment
  prizes { code oddsPpm total remaining value } chances { id expiresAt }
  history(first: $first, after: $after) { edges { cursor node { id proof { sequence previousHash hash } } }
    pageInfo { hasNextPage endCursor } } } }
"""


@pytest.fixture
async def api(pg_dsn: str) -> AsyncIterator[HallApi]:
    async with open_hall_api(pg_dsn) as hall:
        yield hall


async def give_chances(api: HallApi, customer: str, count: int, draw: str = "wake-up") -> None:
    lane = lane_of(customer)
    offer = "wake-up-draw" if draw == "wake-up" else draw
    for _ in range(count):
        id = new_id(lane, NOW)
        row = {
            "lane": lane, "id": id, "customer": customer, "offer_grant": new_id(lane, NOW), "campaign": "smart-life",
            "version": 1, "offer": offer, "draw": draw, "status": "OPEN", "basis": 0,
            "expires_at": NOW + timedelta(days=30), "at": NOW, "changed_at": NOW,
        }  # fmt: skip
        moves = [post(1, keys.issued(offer), keys.chance(id), "CHANCE")]
        unit = Unit(id=new_id(lane, NOW), lane=lane, at=NOW, moves=moves, rows={"draw_chance": [row]})
        assert isinstance(await api.ledger.commit(unit), Committed)


async def draw(
    api: HallApi, customer: str, code: str = "wake-up", nonce: str = "sixteen characters", **how: Any
) -> Any:
    return (await api.data(DRAW, customer, id=str(uuid4()), draw=code, nonce=nonce, **how))["draw"]


async def test_a_result_is_asked_for_again_by_its_owner_alone(api: HallApi) -> None:
    await give_chances(api, "ma", 1)
    drawn = await draw(api, "ma")
    node = "query N($id: ID!) { node(id: $id) { __typename id ... on DrawResult { prize { code } } } }"

    mine = (await api.data(node, "ma", id=drawn["result"]["id"]))["node"]
    others = [(await api.data(node, who, id=drawn["result"]["id"]))["node"] for who in ("wu", None)]

    assert mine == {
        "__typename": "DrawResult", "id": drawn["result"]["id"],
        "prize": {"code": drawn["result"]["prize"]["code"]},
    }  # fmt: skip
    assert others == [None, None]


async def test_a_chance_is_its_owners_alone_and_gone_when_drawn(api: HallApi) -> None:
    await give_chances(api, "ma", 1)
    (chance,) = (await api.data(PAGE, "ma"))["draw"]["chances"]
    node = "query N($id: ID!) { node(id: $id) { id ... on DrawChance { draw { code } } } }"

    before = [(await api.data(node, who, id=chance["id"]))["node"] for who in ("ma", "wu")]
    await draw(api, "ma")
    after = (await api.data(node, "ma", id=chance["id"]))["node"]

    assert before == [{"id": chance["id"], "draw": {"code": "wake-up"}}, None]
    assert after is None


async def test_history_pages_by_cursor_newest_first_without_gap_or_double(api: HallApi) -> None:
    await give_chances(api, "ma", 7)
    for _ in range(7):
        await draw(api, "ma")
        api.clock.at += timedelta(seconds=1)
    seen: list[int] = []
    after = None

    while True:
        page = (await api.data(PAGE, "ma", first=3, after=after))["draw"]["history"]
        seen += [edge["node"]["proof"]["sequence"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert seen == [7, 6, 5, 4, 3, 2, 1]


async def test_a_prize_that_has_run_out_shows_no_odds_and_the_consolation_shows_them(api: HallApi) -> None:
    await api.db.execute("update shared_account set balance = 0 where key = 'stock|smart-life|wake-up|jd-card-50'")

    prizes = (await api.data(PAGE))["draw"]["prizes"]

    assert [(prize["code"], prize["oddsPpm"], prize["total"], prize["remaining"]) for prize in prizes] == [
        ("jd-card-50", 0, 2_000, 0),
        ("video-month", 250_000, 8_000, 8_000),
        ("repayment-5", 750_000, None, None),
    ]


async def test_before_the_first_day_the_draw_is_not_open_and_its_commitment_stands_already(api: HallApi) -> None:
    await give_chances(api, "ma", 1)
    first_day = api.clock.at
    api.clock.at = first_day - timedelta(days=20)
    early = await draw(api, "ma")
    promised = (await api.data(PAGE))["draw"]["commitment"]

    api.clock.at = first_day.replace(day=1)
    held = (await api.data(PAGE))["draw"]["commitment"]

    assert (early["__typename"], early["nextAt"]) == ("NotOpen", "2026-10-01T00:00:00+08:00")
    assert promised == held


async def test_refusals_speak_both_languages(api: HallApi) -> None:
    zh, en = await draw(api, "ma"), await draw(api, "ma", language="en")

    assert (zh["__typename"], zh["code"]) == ("NoChance", "NO_CHANCE")
    assert zh["message"] != en["message"]
    assert (await draw(api, "ma", "no-such-draw"))["__typename"] == "NotFound"


async def test_who_is_frozen_draws_nothing_but_hears_what_was_drawn_before(api: HallApi) -> None:
    await give_chances(api, "ma", 2)
    request = str(uuid4())
    asked = {"id": request, "draw": "wake-up", "nonce": "sixteen characters"}
    first = (await api.data(DRAW, "ma", **asked))["draw"]
    await api.tell_story("ma", StoryState())
    await api.freeze("ma", Words("冻结", "on hold"))

    again = (await api.data(DRAW, "ma", **asked))["draw"]
    other = await draw(api, "ma")

    assert again == first
    assert other == {"__typename": "AccountFrozen", "code": "ACCOUNT_FROZEN", "appealable": True}


@pytest.mark.parametrize("nonce", ["too short", "x" * 65, "with a line\nbreak in it", "\u200b" * 20])
async def test_a_nonce_is_16_to_64_printable_characters(api: HallApi, nonce: str) -> None:
    await give_chances(api, "ma", 1)

    told = await api.ask(DRAW, "ma", id=str(uuid4()), draw="wake-up", nonce=nonce)

    assert told["errors"][0]["extensions"]["code"] == "INPUT_INVALID"
    assert len((await api.data(PAGE, "ma"))["draw"]["chances"]) == 1


async def test_the_same_request_with_another_nonce_is_refused(api: HallApi) -> None:
    await give_chances(api, "ma", 2)
    request = str(uuid4())
    await api.data(DRAW, "ma", id=request, draw="wake-up", nonce="sixteen characters")

    told = await api.ask(DRAW, "ma", id=request, draw="wake-up", nonce="another sixteen characters")

    assert told["errors"][0]["extensions"]["code"] == "REQUEST_REUSED"
