"""An offer says what the ledger would say: a limit that is used up and a quota that is gone stand against it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from api.documents import DIRECTORY
from domain.campaigns.terms import Product
from domain.kernel.ids import lane_of
from domain.ledger import keys
from domain.ledger.accounts import Account
from tests.builders.customers import card, story
from tests.builders.hall_api import HallApi
from tests.builders.rows import NOW, add_choice

ALICE = "alice"
CLAIM = (DIRECTORY / "claim.graphql").read_text()
HOME = (DIRECTORY / "home.graphql").read_text()
OFFER = (DIRECTORY / "offer.graphql").read_text()
APPLY = """
mutation ($input: ApplyInput!) { apply(input: $input) { __typename ... on NotEligible { reasons { code } } } }
"""
SIGN_UP = "mutation ($input: SignUpInput!) { signUp(input: $input) { __typename } }"

FRIDAY_NOON = NOW + timedelta(days=1)


async def judged(hall: HallApi, code: str, **more: Any) -> Any:
    return (await hall.data(OFFER, ALICE, code=code, **more))["offer"]["eligibility"]


async def claim(hall: HallApi, code: str) -> str:
    told = await hall.data(CLAIM, ALICE, input={"requestId": str(uuid4()), "offer": code})
    kind: str = told["claimOffer"]["__typename"]
    return kind


def codes_of(eligibility: Any) -> list[str]:
    return [] if eligibility is None else [reason["code"] for reason in eligibility["reasons"]]


async def keep(hall: HallApi, account: Account, *, balance: int, held: int = 0, floor: int = 0) -> None:
    table = "shared_account" if account.shared else "account"
    await hall.db.execute(
        f"insert into {table} (lane, key, balance, opened, held, floor) values ($1, $2, $3, $3, $4, $5)"
        " on conflict (lane, key) do update set balance = $3, held = $4",
        account.lane, account.key, balance, held, floor,
    )  # fmt: skip


def by_card(token: str, day: str = "2026-10-16", offer: str = "friday") -> Account:
    return keys.limit("smart-life", offer, per="card", who=token, period=day, lane=lane_of(ALICE))


async def test_what_was_claimed_today_may_be_claimed_again_tomorrow(hall_api: HallApi) -> None:
    await hall_api.tell_story(ALICE, story(card()))
    before = await judged(hall_api, "everyday-20-5")
    claimed = await claim(hall_api, "everyday-20-5")

    zh, en = await judged(hall_api, "everyday-20-5"), await judged(hall_api, "everyday-20-5", language="en")
    refused = await claim(hall_api, "everyday-20-5")
    other = await judged(hall_api, "everyday-100-20")
    hall_api.clock.at = datetime.fromisoformat(zh["reasons"][0]["nextAt"])
    next_day = await judged(hall_api, "everyday-20-5")

    assert (before["eligible"], before["reasons"], claimed, refused) == (True, [], "OfferClaimed", "LimitReached")
    assert zh["eligible"] is False
    assert zh["reasons"] == [
        {
            "code": "LIMIT_REACHED", "message": "本期次数已用完（1次）", "remedy": "2026年10月16日00:00起可再次参加",
            "nextAt": "2026-10-16T00:00:00+08:00",
        }
    ]  # fmt: skip
    assert en["reasons"][0]["message"] == "The allowance of 1 is used up"
    assert en["reasons"][0]["remedy"] == "Again from 16 October 2026 00:00"
    assert (other["eligible"], next_day["eligible"], next_day["reasons"]) == (True, True, [])


async def test_the_home_page_says_the_same_of_every_offer_as_the_offer_itself(hall_api: HallApi) -> None:
    await hall_api.tell_story(ALICE, story(card("a"), card("b")))
    await claim(hall_api, "everyday-20-5")
    await keep(hall_api, keys.quota("smart-life", "bind-gift"), balance=0)
    hall_api.clock.at = FRIDAY_NOON - timedelta(days=1)
    for token in ("a", "b"):
        await keep(hall_api, by_card(token, "2026-10-15"), balance=0)

    hall = (await hall_api.data(HOME, ALICE))["hall"]
    statements = len(hall_api.statements)

    shown = {offer["code"]: offer["eligibility"] for section in hall["sections"] for offer in section["offers"]}
    alone = {code: await judged(hall_api, code) for code in shown}
    against = {code: [reason["code"] for reason in told["reasons"]] for code, told in alone.items()}
    assert statements <= 4
    assert {code: (told["eligible"], told["reasons"]) for code, told in shown.items()} == {
        code: (told["eligible"], told["reasons"]) for code, told in alone.items()
    }
    assert against["everyday-20-5"] == ["LIMIT_REACHED"]
    assert against["friday"] == ["OUTSIDE_WINDOW", "LIMIT_REACHED"]
    assert against["bind-gift"] == ["SOLD_OUT"]


async def test_several_offers_asked_for_at_once_share_their_statements(hall_api: HallApi) -> None:
    await hall_api.tell_story(ALICE, story(card(), card("b")))
    asked = ("friday", "everyday-20-5", "mall-pack", "bind-gift", "birthday-points")
    fields = " ".join(f'o{n}: offer(code: "{code}") {{ eligibility {{ eligible }} }}' for n, code in enumerate(asked))

    await hall_api.data(f"{{ {fields} }}", ALICE)

    assert len(hall_api.statements) == 3, hall_api.statements


async def test_a_discount_by_card_is_there_as_long_as_one_card_has_it_left(hall_api: HallApi) -> None:
    hall_api.clock.at = FRIDAY_NOON
    await hall_api.tell_story(ALICE, story(card("a"), card("b"), card("old", closed_at=NOW)))
    await keep(hall_api, by_card("a"), balance=0)
    one_left = await judged(hall_api, "friday")

    await keep(hall_api, by_card("b"), balance=1, held=1)  # a payment under way keeps it
    none_left = await judged(hall_api, "friday")
    await keep(hall_api, by_card("b"), balance=1)
    given_back = await judged(hall_api, "friday")

    assert (one_left["eligible"], given_back["eligible"]) == (True, True)
    assert [(each["code"], each["nextAt"]) for each in none_left["reasons"]] == [
        ("LIMIT_REACHED", "2026-10-23T10:00:00+08:00")  # Saturday is another day, but no Friday
    ]
    assert none_left["eligible"] is False


async def test_what_is_sold_out_asks_nobody_to_do_anything_for_it(hall_api: HallApi) -> None:
    await hall_api.tell_story(ALICE, story(card(new_customer=True)))
    before = await judged(hall_api, "bind-gift")
    await keep(hall_api, keys.quota("smart-life", "bind-gift"), balance=2, held=2)

    zh, en = await judged(hall_api, "bind-gift"), await judged(hall_api, "bind-gift", language="en")

    assert (before["eligible"], [each["code"] for each in before["reasons"]]) == (True, ["BINDING_NEEDED"])
    assert zh["eligible"] is False
    assert zh["reasons"] == [{"code": "SOLD_OUT", "message": "名额已领完", "remedy": None, "nextAt": None}]
    assert en["reasons"][0]["message"] == "There is none left"


async def test_an_offer_whose_budget_line_takes_no_more_is_sold_out(hall_api: HallApi) -> None:
    """everyday-20-5 costs the bank 100 fen, everyday-100-20 400; a line takes whole grants or none."""
    await hall_api.tell_story(ALICE, story(card()))
    line = keys.budget("smart-life", "merchants")

    async def shown(*who: str) -> dict[str, tuple[str, list[str]]]:
        hall = (await hall_api.data(HOME, *who))["hall"]
        offers = [offer for section in hall["sections"] for offer in section["offers"]]
        assert len(hall_api.statements) <= 4
        return {each["code"]: (each["state"], codes_of(each["eligibility"])) for each in offers}

    await keep(hall_api, line, balance=399)
    mine, anybodys = await shown(ALICE), await shown()
    alone = (await hall_api.data(OFFER, ALICE, code="everyday-100-20"))["offer"]
    taken = [await claim(hall_api, code) for code in ("everyday-20-5", "everyday-100-20")]
    await keep(hall_api, line, balance=400)

    assert mine["everyday-20-5"] == ("OPEN", [])
    assert mine["everyday-100-20"] == (alone["state"], codes_of(alone["eligibility"])) == ("SOLD_OUT", ["SOLD_OUT"])
    assert (anybodys["everyday-20-5"][0], anybodys["everyday-100-20"][0]) == ("OPEN", "SOLD_OUT")
    assert taken == ["OfferClaimed", "SoldOut"]
    assert (await shown(ALICE))["everyday-100-20"] == ("OPEN", [])
    assert await claim(hall_api, "everyday-100-20") == "OfferClaimed"


async def test_for_what_no_budget_is_left_nobody_waits(hall_api: HallApi) -> None:
    await hall_api.tell_story(ALICE, story(card(product=Product.PLATINUM)))
    await keep(hall_api, keys.quota("platinum", "club-wine"), balance=0)
    full = await judged(hall_api, "club-wine")
    await keep(hall_api, keys.quota("platinum", "club-wine"), balance=40)
    await keep(hall_api, keys.budget("platinum", "club"), balance=49_999)

    spent = await judged(hall_api, "club-wine")
    signed = await hall_api.data(SIGN_UP, ALICE, input={"requestId": str(uuid4()), "offer": "club-wine"})

    assert (full["eligible"], codes_of(full)) == (True, ["WAITING_LIST"])
    assert (spent["eligible"], codes_of(spent)) == (False, ["SOLD_OUT"])
    assert signed["signUp"]["__typename"] == "SoldOut"


async def test_eligible_says_what_the_act_answers_and_of_what_comes_by_itself_whether_it_can_still_be_earned(
    hall_api: HallApi,
) -> None:
    await hall_api.tell_story(ALICE, story(card(product=Product.PLATINUM, new_customer=True)))

    applied_for, earned = await judged(hall_api, "overseas-hotel"), await judged(hall_api, "suitcase")
    refused = (await hall_api.data(APPLY, ALICE, input={"requestId": str(uuid4()), "offer": "overseas-hotel"}))["apply"]

    assert (applied_for["eligible"], codes_of(applied_for)) == (False, ["MORE_SPEND_NEEDED"])
    assert (refused["__typename"], codes_of(refused)) == ("NotEligible", ["MORE_SPEND_NEEDED"])
    assert (earned["eligible"], codes_of(earned)) == (True, ["MORE_PURCHASES_NEEDED"])
    assert all(reason["remedy"] for reason in earned["reasons"])


async def test_what_was_not_chosen_in_time_was_not_received(hall_api: HallApi) -> None:
    state = story(card(new_customer=True))
    state.reached["first-spend"] = NOW
    state.ordinals["first-spend", "CAMPAIGN", ""] = ("campaign", 1)
    await hall_api.tell_story(ALICE, state)
    await add_choice(hall_api.db, ALICE)
    in_time = await judged(hall_api, "first-spend")

    hall_api.clock.at = NOW + timedelta(days=30)
    alone = await judged(hall_api, "first-spend", language="en")
    hall = (await hall_api.data(HOME, ALICE, language="en"))["hall"]

    (shown,) = [each for section in hall["sections"] for each in section["offers"] if each["code"] == "first-spend"]
    assert [reason["code"] for reason in in_time["reasons"]] == ["ALREADY_RECEIVED"]
    assert alone["reasons"] == shown["eligibility"]["reasons"] == [
        {
            "code": "NOT_CHOSEN_IN_TIME", "message": "It was not chosen in time and has lapsed", "remedy": None,
            "nextAt": None,
        }
    ]  # fmt: skip


async def test_an_account_is_empty_at_its_floor_and_one_that_is_not_there_is_full(hall_api: HallApi) -> None:
    lane = lane_of(ALICE)
    names = ("empty", "promised", "left", "below", "untouched")
    own = {who: keys.limit("smart-life", "x", per="customer", who=who, period="2026", lane=lane) for who in names}
    of_person = keys.limit("smart-life", "x", per="person", who="p", period="2026", lane=lane)
    elsewhere = keys.limit("platinum", "x", per="person", who="q", period="2026", lane=lane)
    await keep(hall_api, own["empty"], balance=0)
    await keep(hall_api, own["promised"], balance=3, held=3)
    await keep(hall_api, own["left"], balance=3, held=2)
    await keep(hall_api, own["below"], balance=-5, floor=-5)
    await keep(hall_api, of_person, balance=0)
    await keep(hall_api, elsewhere, balance=1)
    hall_api.statements.clear()

    found = await hall_api.deps.limits.used_up([*own.values(), of_person, elsewhere])

    assert set(found) == {own["empty"], own["promised"], own["below"], of_person}
    assert len(hall_api.statements) == 1
