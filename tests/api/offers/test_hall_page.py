"""The home page over the shipped plans: what is shown, in which state and order, to whom, at what price."""

from datetime import datetime, timedelta
from typing import Any

from api.documents import DIRECTORY
from domain.campaigns.terms import Product
from domain.ledger.keys import quota
from tests.builders.customers import card, story
from tests.builders.hall_api import HallApi
from tests.builders.rows import NOW, add_coupon, add_customer

ALICE = "alice"
HOME = (DIRECTORY / "home.graphql").read_text()
SHELVES = "{ hall { personalised nextChangeAt sections { code title offers { code state } } } }"
FRIDAY_OPENS = "2026-10-16T10:00:00+08:00"


def codes(hall: Any) -> list[tuple[str, list[str]]]:
    return [(section["code"], [offer["code"] for offer in section["offers"]]) for section in hall["sections"]]


def offers(hall: Any) -> dict[str, Any]:
    return {offer["code"]: offer for section in hall["sections"] for offer in section["offers"]}


async def set_quota(hall: HallApi, offer: str, *, balance: int, held: int = 0) -> None:
    account = quota("smart-life", offer)
    done = await hall.db.execute(
        "update shared_account set balance = $3, held = $4 where lane = $1 and key = $2",
        account.lane,
        account.key,
        balance,
        held,
    )
    assert done == "UPDATE 1"


async def test_signed_out_the_shelves_stand_in_the_files_order(hall_api: HallApi) -> None:
    hall = (await hall_api.data(SHELVES))["hall"]

    catalog = hall_api.catalogs.held
    expected = [
        (section.code, [offer.code for offer in campaign.offers if offer.section == section.code])
        for campaign in catalog.campaigns(NOW)
        for section in campaign.sections
    ]
    assert codes(hall) == [each for each in expected if each[1]]
    assert hall["personalised"] is False


async def test_signed_out_no_offer_says_whether_one_may_have_it(hall_api: HallApi) -> None:
    hall = (await hall_api.data(HOME))["hall"]

    assert {offer["eligibility"] for offer in offers(hall).values()} == {None}


async def test_with_personalisation_off_the_order_is_the_files_and_the_reasons_are_still_told(
    hall_api: HallApi,
) -> None:
    await add_customer(hall_api.db, ALICE, personalisation=False)
    await hall_api.tell_story(ALICE, story(card()))

    mine = (await hall_api.data(HOME, ALICE))["hall"]
    nobodys = (await hall_api.data(SHELVES))["hall"]

    assert mine["personalised"] is False
    assert codes(mine) == codes(nobodys)
    assert offers(mine)["everyday-20-5"]["eligibility"]["eligible"] is True


async def test_a_customers_own_campaign_comes_first(hall_api: HallApi) -> None:
    await hall_api.tell_story("gold", story(card(product=Product.GOLD)))
    await hall_api.tell_story("platinum", story(card(product=Product.PLATINUM)))
    query = "{ hall { personalised sections { offers { campaign { code } } } } }"

    gold = (await hall_api.data(query, "gold"))["hall"]
    platinum = (await hall_api.data(query, "platinum"))["hall"]

    assert gold["personalised"] is platinum["personalised"] is True
    assert gold["sections"][0]["offers"][0]["campaign"]["code"] == "smart-life"
    assert platinum["sections"][0]["offers"][0]["campaign"]["code"] == "platinum"
    flat = [offer["campaign"]["code"] for section in gold["sections"] for offer in section["offers"]]
    assert flat == sorted(flat, reverse=True)


async def test_what_can_be_had_now_stands_before_what_cannot(hall_api: HallApi) -> None:
    await hall_api.tell_story(ALICE, story(card()))

    hall = (await hall_api.data(HOME, ALICE))["hall"]

    mine = [
        offer["eligibility"]["eligible"]
        for section in hall["sections"]
        for offer in section["offers"]
        if section["code"] == "everyday"
    ]
    assert mine == sorted(mine, reverse=True)
    assert offers(hall)["suitcase"]["eligibility"]["eligible"] is False


async def test_a_friday_offer_waits_for_its_window(hall_api: HallApi) -> None:
    async def friday() -> Any:
        return offers((await hall_api.data(HOME))["hall"])["friday"]

    thursday = await friday()
    hall_api.clock.at = NOW + timedelta(hours=22)  # Friday 10:00:00
    opened = await friday()
    hall_api.clock.at = NOW + timedelta(hours=34, microseconds=-1)
    last = await friday()
    hall_api.clock.at = NOW + timedelta(hours=34)
    closed = await friday()

    window = {"opensAt": FRIDAY_OPENS, "closesAt": "2026-10-16T22:00:00+08:00"}
    assert (thursday["state"], thursday["window"], thursday["nextChangeAt"]) == (
        "BETWEEN_WINDOWS",
        window,
        FRIDAY_OPENS,
    )
    assert (opened["state"], opened["window"], opened["nextChangeAt"]) == ("OPEN", window, window["closesAt"])
    assert last["state"] == "OPEN"
    assert closed["state"] == "BETWEEN_WINDOWS"
    assert closed["window"]["opensAt"] == "2026-10-23T10:00:00+08:00"


async def test_the_hall_says_when_time_may_next_change_it(hall_api: HallApi) -> None:
    hall = (await hall_api.data(HOME))["hall"]

    nexts = [offer["nextChangeAt"] for offer in offers(hall).values() if offer["nextChangeAt"]]
    assert hall["nextChangeAt"] == min(nexts)
    assert hall["nextChangeAt"] > hall["serverTime"]


async def test_what_is_held_is_not_left_and_what_is_gone_is_sold_out(hall_api: HallApi) -> None:
    await set_quota(hall_api, "first-spend", balance=10, held=3)
    await set_quota(hall_api, "bind-gift", balance=2, held=2)

    found = offers((await hall_api.data(HOME))["hall"])

    assert found["first-spend"]["quota"] == {"total": 50_000, "remaining": 7, "asOf": "2026-10-15T12:00:00+08:00"}
    assert found["first-spend"]["state"] == "OPEN"
    assert found["bind-gift"]["quota"]["remaining"] == 0
    assert found["bind-gift"]["state"] == "SOLD_OUT"
    assert found["everyday-20-5"]["quota"] is None


async def test_campaigns_are_shown_from_warm_up_to_the_end_of_closing(hall_api: HallApi) -> None:
    async def shown(after: timedelta) -> set[str]:
        hall_api.clock.at = NOW.replace(day=1, hour=0) - timedelta(hours=8) + after  # the first active moment
        return set(offers((await hall_api.data(SHELVES))["hall"]))

    campaign = hall_api.catalogs.held.campaigns(NOW)[-1]
    before = campaign.phases.warm_up_at - campaign.phases.starts_at

    assert "friday" not in await shown(before - timedelta(microseconds=1))
    assert "friday" in await shown(before)
    assert "friday" in await shown(timedelta(0))
    assert "friday" in await shown(campaign.phases.closes_at - campaign.phases.starts_at - timedelta(microseconds=1))
    assert await shown(campaign.phases.closes_at - campaign.phases.starts_at + timedelta(days=30)) == set()


async def test_links_lead_into_the_channel_one_is_in(hall_api: HallApi) -> None:
    query = """query ($channel: Channel) { hall(channel: $channel) { sections { offers { code action {
      kind label link app: link(channel: APP) } } } } }"""

    mini = offers((await hall_api.data(query))["hall"])["everyday-20-5"]["action"]
    h5 = offers((await hall_api.data(query, channel="H5"))["hall"])["everyday-20-5"]["action"]
    partner = offers((await hall_api.data(query, channel="PARTNER"))["hall"])["everyday-20-5"]["action"]
    nothing = offers((await hall_api.data(query, channel=None))["hall"])["everyday-20-5"]["action"]

    assert mini["kind"] == "CLAIM"
    assert mini["link"] == "pages/offer/index?code=everyday-20-5"
    assert h5["link"] == "/hall/offers/everyday-20-5"
    assert h5["app"] == mini["app"] == "hall://offers/everyday-20-5"
    assert partner["link"] is None
    assert nothing == mini


async def test_reasons_are_told_in_the_customers_language(hall_api: HallApi) -> None:
    await hall_api.tell_story(ALICE, story(card(product=Product.CLASSIC)))

    zh = offers((await hall_api.data(HOME, ALICE))["hall"])["weekday-dining"]["eligibility"]
    en = offers((await hall_api.data(HOME, ALICE, language="en"))["hall"])["weekday-dining"]["eligibility"]

    assert [reason["code"] for reason in zh["reasons"]] == [reason["code"] for reason in en["reasons"]]
    assert "CARD_NEEDED" in [reason["code"] for reason in zh["reasons"]]
    assert all(a["message"] != b["message"] for a, b in zip(zh["reasons"], en["reasons"], strict=True))


async def test_the_home_page_is_at_most_four_statements(hall_api: HallApi) -> None:
    """The wallet, the viewer, the quotas; and the customer's limits, whose names are only known once the viewer is."""
    await add_customer(hall_api.db, ALICE)
    await hall_api.tell_story(ALICE, story(card(new_customer=True)))
    await add_coupon(hall_api.db, ALICE)

    data = await hall_api.data(HOME, ALICE)

    assert data["viewer"]["wallet"]["summary"]["available"] == 1
    assert len(offers(data["hall"])) > 25
    assert len(hall_api.statements) <= 4, hall_api.statements


async def test_a_newer_catalog_is_noticed_by_the_statement_that_meets_it(hall_api: HallApi) -> None:
    """The listener is stopped, so that nothing but the statements' own stamps can tell."""
    await hall_api.catalogs.stop()
    held = hall_api.catalogs.held
    await hall_api.db.execute("update catalog_stamp set version = version + 1")

    await hall_api.data(SHELVES)

    assert hall_api.catalogs.held.stamp == held.stamp + 1


async def test_who_becomes_dormant_in_the_middle_of_a_day_is_told_when(hall_api: HallApi) -> None:
    """The page and the offer name the moment: six months after the last purchase, at its time of day."""
    quiet = story(card(approved_at=NOW - timedelta(days=400), activated_at=None))
    quiet.last_purchase_at = NOW.replace(month=4, hour=7, minute=30)
    await hall_api.tell_story(ALICE, quiet)
    query = """{ hall { nextChangeAt } viewer { segments { code } }
      offer(code: "come-back-pack") { nextChangeAt eligibility { reasons { code } } } }"""
    turns = "2026-10-15T15:30:00.000001+08:00"

    before = await hall_api.data(query, ALICE)
    hall_api.clock.at = datetime.fromisoformat(turns)
    after = await hall_api.data(query, ALICE)

    assert before["hall"]["nextChangeAt"] == before["offer"]["nextChangeAt"] == turns
    assert (before["viewer"]["segments"], after["viewer"]["segments"]) == ([], [{"code": "dormant"}])
    assert before["offer"]["eligibility"]["reasons"] == [{"code": "NOT_DORMANT"}]
    assert after["offer"]["eligibility"]["reasons"] == [{"code": "NO_ACTIVATION"}]
    assert after["offer"]["nextChangeAt"] != turns
