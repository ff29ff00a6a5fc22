"""The hall as each customer sees it: segments, the order of the shelves, why and why not, over the shipped plans."""

from datetime import datetime
from typing import Any

import pytest

from infra.campaigns.loader import HERE
from tests.builders.bank import Person
from tests.builders.house import House, shanghai

HALL = """
{ hall { personalised nextChangeAt sections { code title
    offers { code state closesAt eligibility { eligible reasons { code remedy nextAt } because } } } } }
"""
PERSONALISE = "mutation Set($on: Boolean!) { setPersonalisation(input: {on: $on}) { personalisation } }"
FILE_ORDER = [
    "platinum-welcome", "platinum-till", "platinum-travel", "platinum-points", "platinum-club", "newcomer", "friday",
    "everyday", "mall", "travel", "instalment", "points", "come-back", "closing",
]  # fmt: skip


async def hall_of(town: House, customer: str | None) -> dict[str, Any]:
    found: dict[str, Any] = (await town.ask(customer, HALL))["hall"]
    return found


def shelves(hall: dict[str, Any]) -> list[str]:
    return [section["code"] for section in hall["sections"]]


def offers(hall: dict[str, Any], shelf: str | None = None) -> list[str]:
    return [
        offer["code"] for section in hall["sections"] if shelf in (None, section["code"]) for offer in section["offers"]
    ]


# Segments ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "product", "segments"),
    [
        ({"occupation": "WHITE_COLLAR"}, "GOLD", ["white-collar"]),
        ({"occupation": "TEACHER", "children": 0}, "GOLD", []),
        ({"children": 1}, "CLASSIC", ["family"]),
        ({"assetsTier": 6}, "GOLD", ["premium"]),
        ({"assetsTier": 5}, "GOLD", []),
        ({}, "PLATINUM", ["premium"]),
        ({"occupation": "WHITE_COLLAR", "children": 2, "assetsTier": 9}, "GOLD", ["white-collar", "family", "premium"]),
    ],
)
async def test_a_customer_sees_the_segments_that_hold(
    town: House, profile: dict[str, Any], product: str, segments: list[str]
) -> None:
    someone = Person(town)

    await town.tell(someone.described(**profile), someone.approved(product=product))

    assert await someone.segments() == segments


async def test_segments_follow_the_story_and_the_clock(town: House) -> None:
    someone = Person(town)
    await town.tell(someone.described(children=1), someone.approved("2026-04-05T12:00:00", newCustomer=False))
    at_noon = await someone.segments()
    await town.set_clock("2026-10-05T11:59:59")
    a_second_before = await someone.segments()
    await town.set_clock("2026-10-05T12:00:00")

    await town.tell(someone.described("2026-10-04T10:00:00", children=0), someone.bought(100, "2026-10-04T10:00:00"))
    awake = await someone.segments()
    await town.tell(town.event("card.closed", "2026-10-05T11:00:00", card=someone.card, customer=someone.name))
    await town.set_clock("2027-04-04T10:00:01")

    assert (at_noon, a_second_before, awake) == (["family", "dormant"], ["family"], [])
    assert await someone.segments() == ["dormant"]


# The order --------------------------------------------------------------------------------------------------------


async def test_signed_out_the_hall_stands_in_the_files_order_and_says_nothing_of_anybody(town: House) -> None:
    hall = await hall_of(town, None)

    assert hall["personalised"] is False
    assert shelves(hall) == FILE_ORDER
    assert {offer["eligibility"] is None for section in hall["sections"] for offer in section["offers"]} == {True}


async def test_whoever_switches_personalisation_off_sees_the_same_order_but_still_whether_they_may(town: House) -> None:
    someone = Person(town)
    await town.tell(someone.approved())
    before = await hall_of(town, someone.name)
    await town.ask(someone.name, PERSONALISE, {"on": False})

    hall = await hall_of(town, someone.name)

    assert (before["personalised"], hall["personalised"]) == (True, False)
    assert shelves(before) != FILE_ORDER
    assert shelves(hall) == FILE_ORDER
    assert all(offer["eligibility"] is not None for section in hall["sections"] for offer in section["offers"])


@pytest.mark.parametrize(
    ("profile", "card", "bought", "first"),
    [
        ({}, {}, [], "newcomer"),
        ({"occupation": "WHITE_COLLAR"}, {"newCustomer": False}, [100], "everyday"),
        ({"children": 2}, {"newCustomer": False}, [100], "everyday"),
        ({"assetsTier": 8}, {"newCustomer": False}, [100], "travel"),
        ({}, {"product": "PLATINUM", "newCustomer": False}, [], "platinum-till"),
        ({}, {"product": "PLATINUM"}, [], "platinum-till"),
    ],
)
async def test_each_segment_sees_first_what_it_wants_first(
    town: House, profile: dict[str, Any], card: dict[str, Any], bought: list[int], first: str
) -> None:
    someone = Person(town)

    await town.tell(
        someone.described(**profile), someone.approved(**card),
        *(someone.bought(amount, "2026-10-04T10:00:00") for amount in bought),
    )  # fmt: skip

    assert shelves(await hall_of(town, someone.name))[0] == first


async def test_a_dormant_customer_sees_the_way_back_first_until_they_have_taken_it(town: House) -> None:
    zhao = Person(town)
    await town.tell(zhao.dormant())
    dormant = await hall_of(town, zhao.name)

    await town.tell(zhao.activated("2026-10-05T10:00:00"), zhao.bought(10_000, "2026-10-05T11:00:00"))

    assert offers(dormant)[:2] == ["wake-up-draw", "come-back-pack"]
    assert set(offers(await hall_of(town, zhao.name))[-26:]) >= {"wake-up-draw", "come-back-pack"}
    assert shelves(await hall_of(town, zhao.name))[0] != "come-back"


async def test_ones_own_campaign_stands_before_the_other(town: House) -> None:
    gold, platinum = Person(town), Person(town)
    await town.tell(gold.approved(), platinum.approved(product="PLATINUM"))

    for_gold = [code.startswith("platinum-") for code in shelves(await hall_of(town, gold.name))]
    for_platinum = [code.startswith("platinum-") for code in shelves(await hall_of(town, platinum.name))]

    assert for_gold == sorted(for_gold)
    assert for_platinum == sorted(for_platinum, reverse=True)


async def test_what_closes_soon_stands_first_on_a_friday_and_the_page_says_when_that_changes(town: House) -> None:
    someone = Person(town)
    await town.tell(someone.approved(newCustomer=False), someone.bought(100, "2026-10-04T10:00:00"))
    await town.set_clock("2026-10-09T09:59:59")
    before = await hall_of(town, someone.name)
    await town.set_clock("2026-10-09T10:00:00")
    open_now = await hall_of(town, someone.name)
    await town.set_clock("2026-10-09T21:59:59")
    last = await hall_of(town, someone.name)
    await town.set_clock("2026-10-09T22:00:00")

    after = await hall_of(town, someone.name)

    assert shelves(before)[0] != "friday"
    assert before["nextChangeAt"] == "2026-10-09T10:00:00+08:00"
    assert shelves(open_now)[0] == shelves(last)[0] == "friday"
    assert last["nextChangeAt"] == "2026-10-09T22:00:00+08:00"
    assert shelves(after)[0] != "friday"


async def test_who_is_half_way_to_the_suitcase_sees_it_before_what_the_segment_likes(town: House) -> None:
    tang = Person(town)
    await town.tell(tang.approved(product="PLATINUM"), tang.bought(99_900, "2026-10-03T10:00:00"))
    begun = offers(await hall_of(town, tang.name))

    await town.tell(tang.bought(99_900, "2026-10-04T10:00:00"))

    assert begun[0] != "suitcase"
    assert offers(await hall_of(town, tang.name))[0] == "suitcase"


async def test_nothing_is_shown_before_the_warm_up_and_after_the_closing_phase(town: House) -> None:
    seen = {}
    for at in ("2026-09-20T23:59:59", "2026-09-21T00:00:00", "2027-01-05T23:59:59", "2027-01-06T00:00:00"):
        await town.set_clock(at)
        hall = await hall_of(town, None)
        seen[at[:10]] = {offer["state"] for section in hall["sections"] for offer in section["offers"]}

    assert seen == {
        "2026-09-20": set(), "2026-09-21": {"UPCOMING"}, "2027-01-05": {"ENDED", "OPEN"}, "2027-01-06": set(),
    }  # fmt: skip


# Why, and why not -------------------------------------------------------------------------------------------------


async def test_reasons_and_remedies_are_told_in_the_customers_language(town: House) -> None:
    nobody = Person(town)

    (zh,), (en,) = await nobody.reasons("mall-pack"), await nobody.reasons("mall-pack", "en")

    assert zh == {
        "code": "CARD_NEEDED",
        "message": "您还没有普卡、金卡",
        "remedy": "申请普卡、金卡并获批",
        "nextAt": None,
    }
    assert en == {
        "code": "CARD_NEEDED", "message": "You hold no Classic or Gold card",
        "remedy": "Apply for a Classic or Gold card and have it approved", "nextAt": None,
    }  # fmt: skip


async def test_a_customer_on_the_way_is_told_what_to_do_and_by_when_and_why_it_is_theirs(town: House) -> None:
    lin = Person(town)
    await town.tell(lin.approved("2026-10-02T09:00:00"))

    told = (await lin.offer("bind-gift", "en"))["eligibility"]

    assert told["eligible"] is True
    (todo,) = told["reasons"]
    assert todo["code"] == "BINDING_NEEDED"
    assert todo["remedy"] == "Bind WeChat or Alipay, before 2 November 2026 00:00"
    assert told["because"] == [
        "holders of a Classic or Gold card", "new customers approved in the warm-up or active phase",
        "cards applied for through the mobile bank", "within 30 days of the card's approval",
    ]  # fmt: skip


async def test_following_each_named_remedy_makes_its_reason_go_away_until_the_benefit_is_there(town: House) -> None:
    """From no card at all to the suitcase, doing only what the hall says."""
    tang = Person(town)
    deeds = {
        "CARD_NEEDED": lambda: [tang.approved("2026-10-05T08:00:00", product="PLATINUM")],
        "NEW_CUSTOMERS_ONLY": lambda: [tang.approved("2026-10-05T08:00:00", product="PLATINUM")],
        "NO_APPROVAL": lambda: [tang.approved("2026-10-05T08:00:00", product="PLATINUM")],
        "MORE_PURCHASES_NEEDED": lambda: [tang.bought(99_900, f"2026-10-05T{9 + n:02d}:00:00") for n in range(3)],
    }
    done: list[str] = []

    while todo := [each for each in await tang.reasons("suitcase") if each["remedy"] is not None]:
        code = todo[0]["code"]
        await town.tell(*deeds[code]())
        assert code not in await tang.against("suitcase")
        done.append(code)

    assert done == ["CARD_NEEDED", "MORE_PURCHASES_NEEDED"]
    assert await tang.deliveries() == [("品牌行李箱", "NEEDS_ADDRESS")]


@pytest.mark.parametrize(
    ("offer", "now", "code"),
    [
        ("bind-gift", "2026-09-25T12:00:00", "NOT_STARTED"), ("friday", "2026-10-08T12:00:00", "OUTSIDE_WINDOW"),
        ("mall", "2026-10-09T23:59:59", "OUTSIDE_WINDOW"),
        ("birthday-points", "2026-10-05T12:00:00", "NOT_BIRTHDAY_MONTH"),
    ],
)  # fmt: skip
async def test_what_only_time_stands_against_holds_from_the_moment_named_and_not_before(
    town: House, offer: str, now: str, code: str
) -> None:
    someone = Person(town)
    await town.tell(someone.described(birthday="1990-11-02"), someone.approved("2026-09-24T10:00:00"))
    await town.set_clock(now)

    (reason,) = await someone.reasons(offer)
    moment = datetime.fromisoformat(reason["nextAt"])
    await town.set_clock(moment)
    then = (await someone.offer(offer))["eligibility"]["eligible"]
    await town.set_clock(datetime.fromtimestamp(moment.timestamp() - 1, moment.tzinfo))

    assert reason["code"] == code
    assert reason["remedy"] is not None
    assert moment > shanghai(now)
    assert then is True
    assert (await someone.offer(offer))["eligibility"]["eligible"] is False


async def test_in_the_warm_up_nobody_is_told_to_spend_what_would_not_count_yet(town: House) -> None:
    wang = Person(town)
    await town.tell(wang.approved("2026-09-24T10:00:00"))
    await town.set_clock("2026-09-25T12:00:00")

    assert await wang.against("first-spend") == ["NOT_STARTED"]


async def test_what_has_ended_or_can_never_be_theirs_names_no_remedy(town: House) -> None:
    someone = Person(town)
    await town.tell(someone.approved("2026-08-01T10:00:00"))
    existing = [reason["remedy"] for code in ("bind-gift", "first-spend") for reason in await someone.reasons(code)]
    await town.set_clock("2026-12-30T00:00:00")

    ended = {code: await someone.against(code) for code in ("bind-gift", "mall-pack", "friday", "overseas-hotel")}

    assert set(existing) == {None}
    assert ended == {"bind-gift": ["ENDED"], "mall-pack": ["ENDED"], "friday": ["ENDED"], "overseas-hotel": ["ENDED"]}


async def test_nothing_the_bank_holds_about_a_person_and_nobody_else_is_told(town: House) -> None:
    rich, poor = Person(town), Person(town)
    await town.tell(rich.described(assetsTier=9), rich.approved(), poor.described(assetsTier=1), poor.approved())
    await town.set_clock("2026-12-31T12:00:00")

    (reason,) = await poor.reasons("extension")

    assert await rich.against("extension") == []
    assert reason["code"] == "OTHER_SEGMENT"
    assert reason["message"] == "本活动面向高端客群"
    assert reason["remedy"] is None


# Used up, sold out, missed ------------------------------------------------------------------------------------------


async def test_what_was_claimed_today_is_not_offered_again_before_tomorrow(town: House) -> None:
    lin = Person(town)
    await town.tell(lin.approved(newCustomer=False))
    before = (await lin.offer("everyday-20-5"))["eligibility"]["eligible"]

    await lin.claim("everyday-20-5")
    (reason,) = await lin.reasons("everyday-20-5")
    refused = await lin.claim("everyday-20-5")
    await town.set_clock(datetime.fromisoformat(reason["nextAt"]))

    assert before is True
    assert (reason["code"], reason["nextAt"]) == ("LIMIT_REACHED", "2026-10-06T00:00:00+08:00")
    assert (refused["__typename"], refused["nextAt"]) == ("LimitReached", reason["nextAt"])
    assert (await lin.offer("everyday-20-5"))["eligibility"]["eligible"] is True
    assert (await lin.claim("everyday-20-5"))["__typename"] == "OfferClaimed"


async def test_an_earlier_gift_that_was_missed_stands_against_nobody(hall: House) -> None:
    """`two-more` is for who has not had the first-spend gift: a place that had gone gave nothing.

    hao missed it and buys on; bai's whole story comes in one piece, so that it is missed in the fold that counts.
    Seen to fail for bai with `anew` in `infra/worker/stories.py` taken away.
    """
    text = (HERE / "smart-life.yaml").read_text(encoding="utf-8")
    quota = "quota: 50_000\n    rewards:\n      - choice"
    assert text.count(quota) == 1
    await hall.publish(text.replace(quota, quota.replace("50_000", "1")))
    await hall.set_clock("2026-10-06T12:00:00")
    got, hao, bai, new = (Person(hall) for _ in range(4))
    for each in (got, hao):
        await hall.tell(each.approved(), each.bought(30_000, "2026-10-05T10:00:00"))
    (choice,) = await got.choices()
    await got.choose(choice, "thermos")  # or the place would be free again
    await hall.tell(new.approved())
    sold_out = await new.reasons("first-spend")
    await hall.set_clock("2026-12-31T12:00:00")
    on_the_way = await hao.against("two-more")

    await hall.tell(*(each.bought(1_000, f"2026-12-{day}T10:00:00") for each in (got, hao) for day in (30, 31)))
    await hall.tell(
        bai.approved(),
        *(bai.bought(*bought) for bought in (
            (30_000, "2026-10-05T10:00:00"), (1_000, "2026-12-30T10:00:00"), (1_000, "2026-12-31T10:00:00"),
        )),
    )  # fmt: skip

    assert [(reason["code"], reason["remedy"]) for reason in sold_out] == [("SOLD_OUT", None)]
    assert [await each.grants("first-spend") for each in (hao, bai)] == [["MISSED"], ["MISSED"]]
    assert on_the_way == ["MORE_PURCHASES_NEEDED"]
    assert await got.grants("two-more") == []
    assert await got.against("two-more") == ["EXCLUDED"]
    assert [await each.grants("two-more") for each in (hao, bai)] == [["GIVEN"], ["GIVEN"]]
    assert [await each.coupons("two-more") for each in (hao, bai)] == [[(5_000, "AVAILABLE")]] * 2
