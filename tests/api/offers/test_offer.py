"""A single offer, missions and choices."""

from datetime import timedelta
from typing import Any

from api.documents import DIRECTORY
from api.node import node_id
from domain.kernel.words import Words
from domain.wallet.facts import ChoiceOption
from tests.builders.customers import card, story
from tests.builders.hall_api import HallApi
from tests.builders.rows import NOW, add_choice

ALICE = "alice"
OFFER = (DIRECTORY / "offer.graphql").read_text()


async def test_an_offer_is_told_with_its_rules_and_its_campaign(hall_api: HallApi) -> None:
    offer = (await hall_api.data(OFFER, code="friday"))["offer"]

    assert offer["id"] == node_id("Offer", "friday")
    assert offer["kind"] == "DISCOUNT"
    assert offer["quota"] == {"total": 50_000, "remaining": 50_000, "asOf": "2026-10-15T12:00:00+08:00"}
    assert offer["opensAt"] == offer["campaign"]["startsAt"] == "2026-10-01T00:00:00+08:00"
    assert offer["rules"]["version"] == 1
    assert "10:00" in offer["rules"]["text"]
    assert "22:00" in offer["rules"]["text"]
    assert any("先到先得" in line for line in offer["rules"]["disclaimers"])


async def test_an_unknown_offer_is_null(hall_api: HallApi) -> None:
    for code in ("", "no-such", "FRIDAY", "x" * 500):
        assert (await hall_api.data(OFFER, code=code))["offer"] is None


async def test_an_offer_can_be_read_before_and_after_its_campaign(hall_api: HallApi) -> None:
    hall_api.clock.at = NOW - timedelta(days=300)
    before = (await hall_api.data(OFFER, code="everyday-20-5"))["offer"]
    hall_api.clock.at = NOW + timedelta(days=300)
    after = (await hall_api.data(OFFER, code="everyday-20-5"))["offer"]

    assert before["state"] == "UPCOMING"
    assert before["nextChangeAt"] == before["opensAt"]
    assert after["state"] == "ENDED"
    assert after["nextChangeAt"] is None


async def test_one_offer_signed_in_is_two_statements_and_one_more_where_the_ledger_keeps_its_limits(
    hall_api: HallApi,
) -> None:
    """The customer's limits are read after the viewer, whose cards and person name them."""
    await hall_api.tell_story(ALICE, story(card()))

    counted_by_ledger = (await hall_api.data(OFFER, ALICE, code="friday"))["offer"]
    of_friday = len(hall_api.statements)
    await hall_api.data(OFFER, ALICE, code="bind-gift")

    assert counted_by_ledger["eligibility"]["asOf"] == "2026-10-15T12:00:00+08:00"
    assert (of_friday, len(hall_api.statements)) == (3, 2)


async def test_a_mission_says_how_far_one_is(hall_api: HallApi) -> None:
    state = story(card(new_customer=True))
    await hall_api.tell_story(ALICE, state)

    data = await hall_api.data("{ viewer { missions { offer { code } done needed deadline } } }", ALICE)

    found = {each["offer"]["code"]: each for each in data["viewer"]["missions"]}
    assert found["first-spend"]["done"] == 0
    assert found["first-spend"]["needed"] == 1
    assert "suitcase" not in found  # a gold card's holder is not of the platinum campaign


async def choices(hall: HallApi) -> Any:
    data = await hall.data(
        "{ viewer { choices { id offer { code } chooseBy options { code title available } chosen } } }", ALICE
    )
    return data["viewer"]["choices"]


async def test_an_open_choice_offers_its_options(hall_api: HallApi) -> None:
    id = await add_choice(hall_api.db, ALICE)

    (found,) = await choices(hall_api)

    assert found == {
        "id": node_id("RewardChoice", id),
        "offer": {"code": "first-spend"},
        "chooseBy": "2026-11-14T12:00:00+08:00",
        "options": [
            {"code": "coupon", "title": "100元商场券", "available": True},
            {"code": "cup", "title": "保温杯", "available": True},
        ],
        "chosen": None,
    }


async def test_nothing_can_be_chosen_once_it_is_too_late_or_done(hall_api: HallApi) -> None:
    await add_choice(hall_api.db, ALICE, choose_by=NOW)
    await add_choice(hall_api.db, ALICE, status="CHOSEN", chosen="cup", changed_at=NOW - timedelta(days=1))

    found = await choices(hall_api)

    assert [each["chosen"] for each in found] == [None, "cup"]
    assert not any(option["available"] for each in found for option in each["options"])


async def test_choices_of_long_ago_and_voided_ones_are_not_shown(hall_api: HallApi) -> None:
    await add_choice(hall_api.db, ALICE, status="VOIDED")
    await add_choice(hall_api.db, ALICE, status="LAPSED", changed_at=NOW - timedelta(days=91))
    shown = await add_choice(hall_api.db, ALICE, status="LAPSED", changed_at=NOW - timedelta(days=89))
    await add_choice(hall_api.db, "bob")

    assert [each["id"] for each in await choices(hall_api)] == [node_id("RewardChoice", shown)]


async def test_a_choice_judged_by_an_older_version_keeps_its_options(hall_api: HallApi) -> None:
    await add_choice(hall_api.db, ALICE, options=[ChoiceOption("old", Words("旧", "old"))])

    (found,) = await choices(hall_api)

    assert [option["code"] for option in found["options"]] == ["old"]
