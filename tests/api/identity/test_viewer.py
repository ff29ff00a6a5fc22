"""The viewer: what the bank has told and may be shown, and the one switch of the viewer's own."""

from datetime import timedelta

from domain.campaigns.terms import BindingProvider, Product
from domain.kernel.words import Words
from tests.builders.customers import bound, card, story
from tests.builders.hall_api import HallApi
from tests.builders.rows import NOW, add_customer

ALICE = "alice"
VIEWER = """
{ viewer { id maskedName maskedPhone personalisation segments { code title }
  cards { id maskedNumber product approvedAt activatedAt } bindings { provider boundAt }
  frozen { since reason appealable } } }
"""


async def test_somebody_nothing_is_known_of_is_a_viewer_without_anything(hall_api: HallApi) -> None:
    data = await hall_api.data(VIEWER, ALICE)

    assert data["viewer"] == {
        "id": data["viewer"]["id"],
        "maskedName": "",
        "maskedPhone": "",
        "personalisation": True,
        "segments": [],
        "cards": [],
        "bindings": [],
        "frozen": None,
    }


async def test_cards_are_shown_by_their_last_digits_closed_ones_not(hall_api: HallApi) -> None:
    await add_customer(hall_api.db, ALICE)
    young = card("token-of-the-young-one", last4="2222", product=Product.CLASSIC, activated_at=None)
    old = card("token-of-the-old-one", last4="1111", approved_at=NOW - timedelta(days=400))
    await hall_api.tell_story(ALICE, story(young, old, card("closed", closed_at=NOW)))

    data = await hall_api.data(VIEWER, ALICE)

    assert data["viewer"]["maskedName"] == "张**"
    assert data["viewer"]["maskedPhone"] == "138****1234"
    assert [(each["maskedNumber"], each["product"]) for each in data["viewer"]["cards"]] == [
        ("**** 1111", "GOLD"),
        ("**** 2222", "CLASSIC"),
    ]
    assert data["viewer"]["cards"][1]["activatedAt"] is None
    assert "token-of" not in str(data)


async def test_a_provider_is_shown_once_since_the_first_card_bound_to_it(hall_api: HallApi) -> None:
    state = bound(story(card()), BindingProvider.WECHAT)
    state.bindings["card-2", BindingProvider.WECHAT] = NOW - timedelta(days=3)
    await hall_api.tell_story(ALICE, state)

    data = await hall_api.data(VIEWER, ALICE)

    assert data["viewer"]["bindings"] == [{"provider": "WECHAT", "boundAt": "2026-10-12T12:00:00+08:00"}]


async def test_segments_are_named_in_the_viewers_language(hall_api: HallApi) -> None:
    await hall_api.tell_story(ALICE, story(card(product=Product.PLATINUM), occupation="WHITE_COLLAR"))

    data = await hall_api.data(VIEWER, ALICE, language="en")

    assert data["viewer"]["segments"] == [
        {"code": "white-collar", "title": "Young white-collar"},
        {"code": "premium", "title": "Premium"},
    ]


async def test_a_viewer_on_hold_is_told_so(hall_api: HallApi) -> None:
    await hall_api.tell_story(ALICE, story(card()))
    await hall_api.freeze(ALICE, Words("交易异常", "Unusual activity"))

    data = await hall_api.data(VIEWER, ALICE, language="en")

    assert data["viewer"]["frozen"] == {
        "since": "2026-10-15T12:00:00+08:00",
        "reason": "Unusual activity",
        "appealable": True,
    }


async def test_the_whole_viewer_is_one_statement(hall_api: HallApi) -> None:
    await hall_api.tell_story(ALICE, story(card()))

    await hall_api.data(VIEWER, ALICE)

    assert len(hall_api.statements) == 1


async def test_the_switch_is_kept_and_seen_in_the_same_answer(hall_api: HallApi) -> None:
    switch = "mutation ($on: Boolean!) { setPersonalisation(input: {on: $on}) { personalisation maskedName } }"
    await add_customer(hall_api.db, ALICE)

    off = await hall_api.data(switch, ALICE, on=False)
    again = await hall_api.data(switch, ALICE, on=False)
    seen = await hall_api.data("{ viewer { personalisation } hall { personalised } }", ALICE)

    assert off == again == {"setPersonalisation": {"personalisation": False, "maskedName": "张**"}}
    assert seen == {"viewer": {"personalisation": False}, "hall": {"personalised": False}}


async def test_the_switch_of_a_customer_the_bank_has_not_told_of_yet(hall_api: HallApi) -> None:
    data = await hall_api.data("mutation { setPersonalisation(input: {on: false}) { personalisation } }", ALICE)

    assert data["setPersonalisation"]["personalisation"] is False
    assert await hall_api.db.fetchval("select as_of < '1971-01-01' from customer") is True


async def test_what_one_mutation_changed_the_next_one_sees(hall_api: HallApi) -> None:
    data = await hall_api.data(
        """mutation {
          off: setPersonalisation(input: {on: false}) { personalisation }
          on: setPersonalisation(input: {on: true}) { personalisation }
        }""",
        ALICE,
    )

    assert data == {"off": {"personalisation": False}, "on": {"personalisation": True}}
