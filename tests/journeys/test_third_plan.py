"""A third plan nobody has seen before, written from the format's page alone, published beside the two that run.

Its file uses every kind of trigger, window, condition and reward; what customers of it live through is told here.
"""

from pathlib import Path
from typing import Any

import pytest

from infra.campaigns.check import check
from infra.campaigns.conditions import CONDITIONS, WINDOWS
from infra.campaigns.loader import as_plain
from infra.campaigns.rewards import REWARDS
from tests.builders.bank import Person, merchant
from tests.builders.desk import apply, cancel, change, desk, mine, promotions, sign_up
from tests.builders.house import PLAN_START, House
from tests.builders.till import capture, quote

PLAN = Path(__file__).parent / "plans" / "campus.yaml"
TEXT = PLAN.read_text(encoding="utf-8")


@pytest.fixture
async def campus(hall: House) -> House:
    """The plan published over the command that operators use; 8 October 2026 is a Thursday and a workday."""
    await hall.publish(TEXT)
    await hall.tell(
        merchant(hall, "m-metro", "metro"), merchant(hall, "m-cinema", "cinema"), merchant(hall, "m-petrol", "petrol")
    )
    await hall.set_clock("2026-10-08T08:00:00")
    return hall


def test_the_plan_is_sound_and_uses_every_kind_there_is() -> None:
    plain: Any = as_plain(TEXT)
    keys = set(_keys(plain))

    assert check(TEXT, file=PLAN.name, starts_on=PLAN_START).errors == ()
    assert set(CONDITIONS) - keys == set()
    assert set(WINDOWS) - keys == set()
    assert set(REWARDS) - keys == set()
    assert {"story", "apply", "signUp", "schedule"} <= keys
    assert {each["trigger"] for each in plain["offers"] if isinstance(each["trigger"], str)} == {
        "claim", "till", "schedule",
    }  # fmt: skip


def _keys(plain: Any) -> Any:
    match plain:
        case dict():
            for key, value in plain.items():
                yield key
                yield from _keys(value)
        case list():
            for value in plain:
                yield from _keys(value)


async def test_every_offer_of_it_is_shown_with_its_rule_in_both_languages(campus: House) -> None:
    plain: Any = as_plain(TEXT)

    for language in ("zh-CN", "en"):
        hall = (await campus.ask(None, HALL, language=language))["hall"]
        shown = {offer["code"]: offer for section in hall["sections"] for offer in section["offers"]}
        assert {each["code"] for each in plain["offers"]} <= set(shown)
        assert all(offer["rules"]["text"] for offer in shown.values())


async def test_a_student_rides_for_less_on_workdays_twice_a_day_and_the_merchant_bears_its_share(campus: House) -> None:
    student = Person(campus)
    await campus.tell(student.described(occupation="STUDENT"), student.approved("2026-01-10T09:00:00"))

    first = await quote(campus, student.name, 800, "m-metro", card=student.card, method="QUICKPASS")
    await capture(campus, first["quote"], "ride-1")
    capped = await quote(campus, student.name, 5_000, "m-metro", card=student.card)
    await capture(campus, capped["quote"], "ride-2")
    third = await quote(campus, student.name, 800, "m-metro", card=student.card)
    await campus.set_clock("2026-10-11T08:00:00")  # a Sunday

    assert (first["discount"], capped["discount"], third["discount"]) == (160, 300, 0)
    assert [each["code"] for each in third["declined"] if each["offer"] == "student-metro"] == ["LIMIT_REACHED"]
    assert (await student.offer("student-metro"))["state"] == "BETWEEN_WINDOWS"
    borne = await campus.rows("select bank, merchant_share from settlement_entry order by discount")
    assert [(row["bank"], row["merchant_share"]) for row in borne] == [(96, 64), (180, 120)]


async def test_a_driver_completes_two_rounds_a_month_and_then_gets_money_back(campus: House) -> None:
    driver = Person(campus)
    filled = [driver.bought(30_000, f"2026-10-0{1 + n // 2}T{10 + n}:00:00", merchant="m-petrol") for n in range(9)]
    await campus.tell(driver.approved("2026-01-10T09:00:00"), *filled[:3])
    on_the_way = await driver.mission("four-fill-ups")
    await campus.tell(*filled[3:])

    assert on_the_way is not None
    assert on_the_way[:2] == (3, 4)
    assert await driver.coupons("four-fill-ups") == [(2_000, "AVAILABLE")] * 2
    assert await driver.coupons("fuel-back") == [(600, "AVAILABLE")] * 2  # 2 October, and 5 October: a new week
    assert [each["left"] for each in await driver.entitlements("wash")] == []
    await campus.tell(driver.bought(30_000, "2026-10-07T10:00:00", merchant="m-petrol"))
    assert [each["left"] for each in await driver.entitlements("wash")] == [3]


async def test_a_film_ticket_needs_a_bound_card_and_a_film_seen_and_is_given_on_tuesdays(campus: House) -> None:
    fan = Person(campus)
    await campus.set_clock("2026-10-13T12:00:00")  # a Tuesday
    await campus.tell(fan.approved("2026-01-10T09:00:00"))
    missing = await fan.against("film-tuesday")
    await campus.tell(fan.bound("2026-10-12T09:00:00"), fan.bought(4_000, "2026-10-12T20:00:00", merchant="m-cinema"))

    claimed = await fan.claim("film-tuesday", device="phone")
    await campus.set_clock("2026-10-14T12:00:00")

    assert set(missing) == {"NOT_BOUND", "PURCHASE_NEEDED"}
    assert [(each["kind"], each["expiresAt"]) for each in claimed["coupons"]] == [
        ("EXCHANGE", "2026-10-28T00:00:00+08:00")
    ]
    assert (await fan.claim("film-tuesday"))["__typename"] == "NotOpen"


async def test_the_late_show_brings_double_points_after_midnight_too(campus: House) -> None:
    fan = Person(campus)
    await campus.tell(
        fan.approved("2026-01-10T09:00:00"),
        fan.bought(
            10_000, "2026-10-03T01:59:00", merchant="m-cinema", channel="ONLINE", paymentMethod="ALIPAY"
        ),
        fan.bought(
            10_000, "2026-10-03T02:00:00", merchant="m-cinema", channel="ONLINE", paymentMethod="ALIPAY"
        ),
    )  # fmt: skip

    points = await campus.rows(
        "select points from points_entry where customer = $1 and kind = 'EARN' order by points desc", fan.name
    )
    # smart-life doubles every purchase meanwhile: 100 % of its own besides
    assert [row["points"] for row in points] == [300, 200]


async def test_who_wakes_up_who_binds_and_who_applies_by_flyer_get_theirs(campus: House) -> None:
    sleeper, fresher, online = (Person(campus) for _ in range(3))
    await campus.tell(
        sleeper.approved("2026-01-10T09:00:00", newCustomer=False),
        sleeper.activated("2026-10-05T09:00:00"),
        sleeper.bound("2026-10-10T09:00:00", provider="ALIPAY"),
        sleeper.bought(3_000, "2026-10-06T09:00:00"),
        fresher.approved("2026-10-02T09:00:00", channel="BRANCH", flyer="CAMPUS-01"),
        online.approved("2026-10-02T09:00:00", flyer="ANY-FLYER"),
    )

    assert await sleeper.coupons("awake") == [(500, "AVAILABLE")] * 2
    assert await sleeper.coupons("bind-quickly") == [(200, "AVAILABLE")] * 3
    assert [each["left"] for each in await sleeper.chances("premiere")] == [1, 1]
    assert [title for title, _ in await fresher.deliveries()] == ["视频月卡"]
    assert (500, "AVAILABLE") in await online.coupons("freshman-online")
    assert await fresher.coupons("freshman-online") == []


async def test_half_the_fee_of_a_laptop_and_the_fee_across_the_border_are_reported(campus: House) -> None:
    student = Person(campus)
    await campus.tell(
        student.approved("2026-01-10T09:00:00"),
        student.instalment(300_000, "2026-10-05T09:00:00", kind="TRANSACTION", periods=6, fee=10_801),
        student.bought(12_345, "2026-10-06T09:00:00", country="HK"),
    )

    assert sorted(await student.waivers()) == [123, 5_400]


async def test_a_birthday_brings_a_choice_until_a_week_after_it(campus: House) -> None:
    fan = Person(campus)
    await campus.tell(
        fan.described(birthday="1999-10-28"), fan.approved("2026-01-10T09:00:00"), fan.bought(1, "2026-10-01T10:00:00")
    )
    await campus.set_clock("2026-11-04T23:59:59")

    in_time = await fan.offer("birthday-film")
    claimed = await fan.claim("birthday-film")
    (choice,) = await fan.choices()
    chosen = await fan.choose(choice, "birthday-film")
    await campus.set_clock("2026-11-05T00:00:00")

    assert in_time["eligibility"]["eligible"]
    assert claimed["__typename"] == "OfferClaimed"
    assert chosen["coupon"]["value"] == 5_000
    assert (await Person(campus, fan.name).claim("birthday-film"))["__typename"] == "NotEligible"


async def test_the_grant_is_applied_for_and_the_premiere_has_a_waiting_list(campus: House) -> None:
    family = Person(campus)
    await campus.tell(
        family.described(children=2), family.approved("2026-01-10T09:00:00"),
        family.bought(100_000, "2026-10-02T10:00:00"),
    )  # fmt: skip
    assert (await apply(campus, family.name, "road-grant"))["__typename"] == "Applied"
    assert await family.against("road-grant") == ["ALREADY_APPLIED"]
    (listed,) = (await desk(campus, "GET", "/v1/applications")).json()["items"]
    await desk(campus, "POST", f"/v1/applications/{listed['id']}/decision", {"decision": "APPROVED", "note": ""})
    assert await family.coupons("road-grant") == [(10_000, "AVAILABLE")]

    others = [Person(campus) for _ in range(2)]
    await campus.tell(*(each.approved("2026-01-10T09:00:00") for each in others))
    places = [await sign_up(campus, each.name, "premiere-evening") for each in (family, *others)]
    assert [each["signUp"]["status"] for each in places] == ["CONFIRMED", "CONFIRMED", "WAITING"]


async def test_what_came_with_a_place_goes_back_with_it_and_to_who_waits(campus: House) -> None:
    first, second = Person(campus), Person(campus)
    await campus.tell(first.approved("2026-01-10T09:00:00"), second.approved("2026-01-10T09:00:00"))
    place, _ = [await sign_up(campus, each.name, "making-of") for each in (first, second)]
    before = await first.coupons("making-of"), await second.coupons("making-of")

    cancelled = await cancel(campus, first.name, place["signUp"]["id"])

    assert before == ([(3_000, "AVAILABLE")], [])
    assert cancelled["signUp"]["status"] == "CANCELLED"
    assert await first.grants("making-of") == ["REVOKED"]
    assert await first.coupons("making-of") == [(3_000, "VOIDED")]
    assert await second.coupons("making-of") == [(3_000, "AVAILABLE")]


async def test_a_place_given_back_after_its_coupon_was_used_is_a_case(campus: House) -> None:
    guest = Person(campus)
    await campus.tell(guest.approved("2026-01-10T09:00:00"))
    place = await sign_up(campus, guest.name, "making-of")
    held = await quote(campus, guest.name, 10_000, "m-cinema", card=guest.card)
    await capture(campus, held["quote"], "film-1")

    await cancel(campus, guest.name, place["signUp"]["id"])

    assert await guest.coupons("making-of") == [(3_000, "USED")]
    assert await guest.cases() == [("USED_BUT_NOT_EARNED", "making-of")]
    assert (await mine(campus, guest.name))["signUps"][0]["status"] == "CANCELLED"


async def test_words_come_on_sunday_and_film_coupons_live_longer_in_the_closing_phase(campus: House) -> None:
    fan = Person(campus)
    await campus.tell(
        fan.described(birthday="1999-11-28"), fan.approved("2026-01-10T09:00:00"), fan.bought(1, "2026-10-01T10:00:00")
    )
    await promotions(campus, fan.name, True)
    await campus.set_clock("2026-10-11T18:00:30")
    await campus.settle()
    await campus.set_clock("2026-11-28T12:00:00")
    await fan.claim("birthday-film")
    (choice,) = await fan.choices()
    await fan.choose(choice, "birthday-film")
    (before,) = await campus.wallet(fan.name)
    await campus.set_clock("2026-11-30T12:00:00")
    await campus.settle()
    (after,) = await campus.wallet(fan.name)

    assert "下周出行优惠" in [each["title"] for each in (await mine(campus, fan.name))["messages"]]
    assert (before["expiresAt"], after["expiresAt"]) == ("2026-12-29T00:00:00+08:00", "2027-01-08T00:00:00+08:00")


async def test_an_operator_changes_it_like_the_others(campus: House) -> None:
    raised = await change(campus, "campus", "quota", offer="film-tuesday", current=2_000, target=2_500)
    stale = await change(campus, "campus", "quota", offer="film-tuesday", current=2_000, target=3_000)

    assert (raised.status_code, raised.json()["effect"]) == (200, "FAVOURABLE")
    assert (stale.status_code, stale.json()["current"]) == (409, 2_500)
    told = await campus.ask(None, '{ offer(code: "film-tuesday") { quota { total } } }')
    assert told["offer"]["quota"]["total"] == 2_500


HALL = "{ hall { sections { code offers { code rules { text disclaimers } } } } }"
