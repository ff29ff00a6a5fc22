"""B2 and B16: six visits, booked, given back, waited for, used and lost, through the hall's own doors."""

import asyncio
from collections import Counter
from uuid import uuid4

import pytest

from api.node import node_id
from infra.db.commit import GroupCommit
from tests.builders.house import House, shanghai
from tests.builders.lounges import (
    MINE,
    add_visits,
    book,
    cancel,
    forged,
    give_visits,
    mine,
    open_lounge,
    remaining,
    statuses,
    tell_visit,
    visits,
)

LISTED = """
query Listed($airport: String, $city: String, $first: Int, $after: String) {
  lounges(airport: $airport, city: $city, first: $first, after: $after) {
    edges { cursor node { id code name airport airportName city terminal hours amenities
      slots(day: "2026-10-06") { startsAt endsAt capacity remaining } } }
    pageInfo { hasNextPage endCursor } } }
"""


async def test_b2_a_new_platinum_customer_has_six_visits_for_the_cardholder_alone(town: House) -> None:
    lounge = await open_lounge(town, "TST-1-1", capacity=50)
    await give_visits(town, "lu-1")
    assert await visits(town, "lu-1") == (0, 0, 6)

    first = [await book(town, "lu-1", lounge, f"2026-10-0{day}T10:00:00") for day in range(6, 9)]
    second = [await book(town, "lu-1", lounge, f"2026-10-0{day}T14:00:00") for day in range(6, 9)]
    seventh = await book(town, "lu-1", lounge, "2026-10-09T10:00:00")
    stranger = await book(town, "nobody", lounge, "2026-10-09T10:00:00", language="en")

    assert {each["__typename"] for each in first + second} == {"LoungeBooked"}
    assert (seventh["__typename"], seventh["code"]) == ("NoEntitlement", "NO_ENTITLEMENT")
    assert stranger == {
        "__typename": "NoEntitlement", "code": "NO_ENTITLEMENT", "message": "You have no lounge visits.",
    }  # fmt: skip
    assert await visits(town, "lu-1") == (0, 6, 0)


async def test_b2_nobody_sits_in_two_lounges_at_once(town: House) -> None:
    lounges = [await open_lounge(town, "TST-2-1", capacity=9), await open_lounge(town, "TST-2-2", capacity=9)]
    await give_visits(town, "lu-2")

    answers = await asyncio.gather(*(book(town, "lu-2", lounges[n % 2], "2026-10-06T10:00:00") for n in range(6)))

    assert Counter(each["__typename"] for each in answers) == {"LoungeBooked": 1, "SlotFull": 5}
    assert {each["code"] for each in answers if "code" in each} == {"ALREADY_BOOKED"}
    assert await visits(town, "lu-2") == (0, 1, 5)


async def test_b2_a_seat_is_booked_once_whatever_is_sent_again(town: House) -> None:
    lounge = await open_lounge(town, "TST-3-1", capacity=1)
    await give_visits(town, "lu-3", "ma-3")
    request = str(uuid4())

    answers = await asyncio.gather(
        *(book(town, "lu-3", lounge, "2026-10-06T10:00:00", request_id=request) for _ in "x" * 9)
    )
    other = await book(town, "ma-3", lounge, "2026-10-06T10:00:00")
    again = await book(town, "lu-3", lounge, "2026-10-06T10:00:00", request_id=request)

    assert {each["booking"]["id"] for each in [*answers, again]} == {answers[0]["booking"]["id"]}
    assert (other["__typename"], other["code"]) == ("SlotFull", "SLOT_FULL")
    assert await remaining(town, lounge, "2026-10-06T10:00:00") == 0
    assert await visits(town, "lu-3") == (0, 1, 5)
    assert await visits(town, "ma-3") == (0, 0, 6)


async def test_b2_until_two_hours_before_a_booking_can_be_given_back(town: House) -> None:
    lounge = await open_lounge(town, "TST-4-1", capacity=1)
    await give_visits(town, "lu-4")
    early = (await book(town, "lu-4", lounge, "2026-10-06T10:00:00"))["booking"]
    late = (await book(town, "lu-4", lounge, "2026-10-06T14:00:00"))["booking"]
    request = str(uuid4())
    assert early["cancelBy"] == "2026-10-06T08:00:00+08:00"

    await town.set_clock("2026-10-06T07:59:59")
    given_back = await cancel(town, "lu-4", early["id"], request)
    again = await cancel(town, "lu-4", early["id"], request)
    await town.set_clock("2026-10-06T12:00:00")
    too_late = await cancel(town, "lu-4", late["id"])
    others = await cancel(town, "somebody-else", late["id"])

    assert given_back["booking"]["status"] == again["booking"]["status"] == "CANCELLED"
    assert (too_late["__typename"], too_late["deadline"]) == ("TooLate", "2026-10-06T12:00:00+08:00")
    assert others["__typename"] == "NotFound"
    assert await visits(town, "lu-4") == (0, 1, 5)


async def test_b2_what_cannot_be_booked_is_told_apart(town: House) -> None:
    lounge = await open_lounge(town, "TST-5-1")
    await give_visits(town, "lu-5")

    begun = await book(town, "lu-5", lounge, "2026-10-05T12:00:00")
    no_slot = await book(town, "lu-5", lounge, "2026-10-06T10:30:00")
    too_far = await book(town, "lu-5", lounge, "2027-03-06T10:00:00")
    nowhere = await book(town, "lu-5", node_id("Lounge", "XXX-01"), "2026-10-06T10:00:00")

    assert (begun["__typename"], begun["deadline"]) == ("TooLate", "2026-10-05T12:00:00+08:00")
    assert [each["__typename"] for each in (no_slot, too_far, nowhere)] == ["NotFound"] * 3


async def test_b2_who_waits_moves_up_by_himself_in_the_order_of_coming(town: House) -> None:
    lounge = await open_lounge(town, "TST-6-1", capacity=1)
    await give_visits(town, "lu-6", "ma-6", "ni-6", "ou-6")
    at = "2026-10-06T10:00:00"
    seat = (await book(town, "lu-6", lounge, at))["booking"]
    waiting = [await book(town, who, lounge, at, wait=True) for who in ("ma-6", "ni-6")]
    assert [each["booking"]["status"] for each in waiting] == ["PENDING", "PENDING"]
    assert [each["booking"]["pass"] for each in waiting] == [None, None]
    assert await visits(town, "ma-6") == (0, 1, 5)

    await cancel(town, "lu-6", seat["id"])
    jumper = await book(town, "ou-6", lounge, at)
    await town.settle()

    assert (await statuses(town, "ma-6"), await statuses(town, "ni-6")) == (["CONFIRMED"], ["PENDING"])
    assert jumper["__typename"] == "SlotFull"
    told = await town.rows("select body_zh from message where customer = 'ma-6' and title_en like '%seat%'")
    assert [row["body_zh"] for row in told] == ["您候补的测试厅2026-10-06 10:00时段已确认预约。"]

    await town.set_clock("2026-10-06T10:00:00")
    await town.settle()
    assert await statuses(town, "ni-6") == ["REJECTED"]
    assert await visits(town, "ni-6") == (0, 0, 6)


async def test_b2_who_waits_moves_up_though_the_process_that_freed_the_seat_dies(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to leave the seat empty when the commit that frees it leaves no promise to look."""
    lounge = await open_lounge(town, "TST-7-1", capacity=1)
    await give_visits(town, "lu-7", "ni-7")
    at = "2026-10-06T10:00:00"
    seat = (await book(town, "lu-7", lounge, at))["booking"]
    await book(town, "ni-7", lounge, at, wait=True)
    await town.settle()

    async def dies(*_: object) -> int:
        return 0

    monkeypatch.setattr("domain.lounge.cancel.move_up", dies)
    await cancel(town, "lu-7", seat["id"])
    before = await statuses(town, "ni-7")
    await town.settle()

    assert before == ["PENDING"]
    assert await statuses(town, "ni-7") == ["CONFIRMED"]
    assert await remaining(town, lounge, at) == 0


async def test_b16_a_pass_opens_the_door_once(town: House) -> None:
    lounge = await open_lounge(town, "TST-8-1")
    await give_visits(town, "lu-8")
    booking = (await book(town, "lu-8", lounge, "2026-10-06T10:00:00"))["booking"]
    shown = booking["pass"]["payload"]
    (rotated,) = (await mine(town, "lu-8"))["bookings"]["edges"]
    assert shown != rotated["node"]["pass"]["payload"]

    too_early = await tell_visit(town, "8-v1", **{"pass": shown})
    await town.set_clock("2026-10-06T10:05:00")
    fake = await tell_visit(town, "8-v1", **{"pass": forged(shown)})
    elsewhere = await tell_visit(town, "8-v1", **{"pass": shown, "lounge": "TST-8-2"})
    came = await tell_visit(town, "8-v1", **{"pass": shown})
    again = await tell_visit(town, "8-v1", **{"pass": shown})
    lent = await tell_visit(town, "8-v2", **{"pass": shown})
    other_picture = await tell_visit(town, "8-v3", **{"pass": rotated["node"]["pass"]["payload"]})

    assert (too_early[0], too_early[1]["code"]) == (422, "PASS_NOT_NOW")
    assert (fake[0], fake[1]["code"]) == (422, "PASS_REFUSED")
    assert (elsewhere[0], elsewhere[1]["code"]) == (422, "PASS_OF_ANOTHER_LOUNGE")
    assert came == again
    assert (came[0], came[1]["state"], came[1]["overLimit"], came[1]["booking"]) == (
        200, "CHECKED_IN", False, booking["id"],
    )  # fmt: skip
    assert {lent[1]["code"], other_picture[1]["code"]} == {"PASS_USED"}
    assert await statuses(town, "lu-8") == ["CHECKED_IN"]
    assert await visits(town, "lu-8") == (1, 0, 5)


async def test_b16_a_pass_without_a_booking_is_good_for_one_visit(town: House) -> None:
    """Seen to admit two when the row of lounge_pass is left out of the unit."""
    await open_lounge(town, "TST-9-1")
    await give_visits(town, "lu-9")
    (entitlement,) = (await mine(town, "lu-9"))["entitlements"]
    shown = entitlement["pass"]["payload"]

    answers = await asyncio.gather(*(tell_visit(town, f"9-v{n}", **{"pass": shown}) for n in range(8)))

    assert Counter(status for status, _ in answers) == {200: 1, 422: 7}
    assert await visits(town, "lu-9") == (1, 0, 5)


async def test_b16_news_of_visits_is_recorded_in_any_order_and_never_dropped(town: House) -> None:
    lounge = await open_lounge(town, "TST-10-1")
    await give_visits(town, "lu-10")
    (entitlement,) = (await mine(town, "lu-10"))["entitlements"]
    member, at = entitlement["id"], "2026-10-05T10:00:00+08:00"
    booked = (await book(town, "lu-10", lounge, "2026-10-05T14:00:00"))["booking"]

    reversed_first = [
        await tell_visit(town, "10-a", state, member=member, visitedAt=at) for state in ("REVERSED", "CHECKED_IN")
    ]
    posted_first = [
        await tell_visit(town, "10-b", state, member=member, visitedAt=at) for state in ("POSTED", "CHECKED_IN")
    ]
    taken_back = [
        await tell_visit(town, "10-c", state, member=member, visitedAt=at) for state in ("CHECKED_IN", "REVERSED")
    ]
    of_the_booking = await tell_visit(town, "10-d", member=member, visitedAt="2026-10-05T14:10:00+08:00")
    after_that = await visits(town, "lu-10")
    undone = await tell_visit(town, "10-d", "REVERSED", member=member, visitedAt="2026-10-05T14:10:00+08:00")

    assert {status for status, _ in (*reversed_first, *posted_first, *taken_back)} == {200}
    assert [told["state"] for _, told in reversed_first] == ["REVERSED", "REVERSED"]
    assert [told["state"] for _, told in posted_first] == ["POSTED", "POSTED"]
    assert of_the_booking[1]["booking"] == booked["id"]
    assert after_that == (2, 0, 4)
    assert undone[1]["state"] == "REVERSED"
    assert await visits(town, "lu-10") == (1, 0, 5)
    assert await remaining(town, lounge, "2026-10-05T14:00:00") == 2


async def test_b16_visits_beyond_the_limit_are_recorded_and_flagged(town: House) -> None:
    await open_lounge(town, "TST-11-1")
    await give_visits(town, "lu-11")
    (entitlement,) = (await mine(town, "lu-11"))["entitlements"]
    member, at = entitlement["id"], "2026-10-05T10:00:00+08:00"

    answers = await asyncio.gather(*(tell_visit(town, f"11-v{n}", member=member, visitedAt=at) for n in range(8)))
    unknown = await tell_visit(town, "11-x", member=str(uuid4()), visitedAt=at)
    in_company = await tell_visit(town, "11-y", member=member, visitedAt=at, guests=2)

    assert {status for status, _ in answers} == {200}
    assert Counter(told["overLimit"] for _, told in answers) == {False: 6, True: 2}
    assert (unknown[0], unknown[1]["overLimit"]) == (200, True)
    assert (in_company[0], in_company[1]["overLimit"]) == (200, True)
    assert await visits(town, "lu-11") == (6, 0, 0)
    cases = await town.rows("select subject from operator_case where kind = 'LOUNGE_OVER_LIMIT'")
    assert len(cases) == 4


async def test_b2_not_coming_costs_the_visit_unless_the_lounge_tells_of_it_late(town: House) -> None:
    lounge = await open_lounge(town, "TST-12-1")
    await give_visits(town, "lu-12")
    (entitlement,) = (await mine(town, "lu-12"))["entitlements"]
    await book(town, "lu-12", lounge, "2026-10-06T10:00:00")
    await town.set_clock("2026-10-05T12:01:00")
    await book(town, "lu-12", lounge, "2026-10-06T14:00:00")

    await town.set_clock("2026-10-07T11:59:59")
    await town.settle()
    before = await statuses(town, "lu-12")
    await town.set_clock("2026-10-09T12:00:00")
    await town.settle()
    after = await statuses(town, "lu-12")
    late = await tell_visit(town, "12-v1", member=entitlement["id"], visitedAt="2026-10-06T10:20:00+08:00")

    assert before == ["CONFIRMED", "CONFIRMED"]
    assert after == ["NO_SHOW", "NO_SHOW"]
    assert late[1]["overLimit"] is False
    assert await statuses(town, "lu-12") == ["NO_SHOW", "CHECKED_IN"]
    assert await visits(town, "lu-12") == (2, 0, 4)


async def test_b2_lounges_are_found_by_airport_and_by_city_in_either_language(town: House) -> None:

    async def codes(**asked: object) -> list[str]:
        data = await town.ask(None, LISTED, asked)
        return [edge["node"]["code"] for edge in data["lounges"]["edges"]]

    everything = await codes(first=100)  # the other tests' too
    assert await codes(airport="pek") == [code for code in everything if code.startswith("PEK")] != []
    of_beijing = [code for code in everything if code.startswith(("PEK", "PKX"))]
    assert await codes(city="北京市") == await codes(city="beijing") == of_beijing
    assert await codes(city="Atlantis") == []
    first = await town.ask(None, LISTED, {"first": 5})
    page = first["lounges"]["pageInfo"]
    assert page["hasNextPage"]
    assert await codes(first=5, after=page["endCursor"]) == everything[5:10]
    shown = first["lounges"]["edges"][0]["node"]
    assert shown["airportName"]
    assert shown["slots"][0]["remaining"] == shown["slots"][0]["capacity"] > 0


async def test_bookings_are_paged_newest_first(town: House) -> None:
    lounge = await open_lounge(town, "TST-14-1", capacity=9)
    await give_visits(town, "lu-14")
    made = []
    for day in range(6, 9):
        await town.set_clock(f"2026-10-05T12:0{day}:00")
        made.append((await book(town, "lu-14", lounge, f"2026-10-0{day}T10:00:00"))["booking"]["id"])

    first = (await town.ask("lu-14", MINE, {"first": 2}))["viewer"]["bookings"]
    rest = (await town.ask("lu-14", MINE, {"first": 2, "after": first["pageInfo"]["endCursor"]}))["viewer"]["bookings"]

    assert [edge["node"]["id"] for edge in first["edges"] + rest["edges"]] == made[::-1]
    assert (first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)


async def test_b2_visits_that_ended_unused_have_lapsed_and_one_of_before_told_of_late_still_counts(
    hall: House,
) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await open_lounge(hall, "TST-15-1")
    await give_visits(hall, "lu-15")
    (entitlement,) = (await mine(hall, "lu-15"))["entitlements"]
    member = entitlement["id"]
    await tell_visit(hall, "15-a", member=member, visitedAt="2026-10-05T10:00:00+08:00")

    await hall.set_clock(entitlement["expiresAt"])
    at_its_end = await visits(hall, "lu-15")
    await hall.settle()
    swept = await visits(hall, "lu-15")
    (status,) = await hall.rows("select status from entitlement")
    booked = await book(hall, "lu-15", node_id("Lounge", "TST-15-1"), "2027-10-06T10:00:00", language="en")
    last_evening = await tell_visit(hall, "15-b", member=member, visitedAt="2027-10-01T20:00:00+08:00")
    too_late = await tell_visit(hall, "15-c", member=member, visitedAt="2027-10-06T01:00:00+08:00")
    after = await visits(hall, "lu-15")
    await tell_visit(hall, "15-b", "REVERSED", member=member, visitedAt="2027-10-01T20:00:00+08:00")

    assert at_its_end == swept == (1, 0, 0)
    assert status["status"] == "EXPIRED"
    assert (booked["__typename"], booked["message"]) == (
        "NoEntitlement",
        "Your lounge visits are used, kept by other bookings, or end before this slot.",
    )
    assert (last_evening[1]["overLimit"], too_late[1]["overLimit"]) == (False, True)
    assert after == (2, 0, 0)
    assert await visits(hall, "lu-15") == (1, 0, 0)
    (law,) = await hall.rows("select sum(balance) as left from account where key like 'lapsed|%'")
    assert law["left"] == 5


async def test_b2_who_booked_with_one_entitlement_and_shows_another_uses_the_booked_one(town: House) -> None:
    lounge = await open_lounge(town, "TST-16-1")
    await give_visits(town, "lu-16")
    async with GroupCommit(town.dsn, in_flight=1) as ledger:
        await add_visits(ledger, ["lu-16"], shanghai("2026-10-02T09:00:00"), total=1)
    _, later = (await mine(town, "lu-16"))["entitlements"]
    await book(town, "lu-16", lounge, "2026-10-05T14:00:00")  # with the one that ends first

    told = await tell_visit(town, "16-v1", member=later["id"], visitedAt="2026-10-05T14:10:00+08:00")

    assert told[1]["overLimit"] is False
    assert [(row["used"], row["remaining"]) for row in (await mine(town, "lu-16"))["entitlements"]] == [(1, 0), (0, 6)]
