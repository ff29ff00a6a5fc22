"""What happens when there is no more: quotas and budget lines of `smart-life`, made small by a second version."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from infra.campaigns.loader import HERE
from tests.builders.bank import Person
from tests.builders.house import House

FLYERS, TASTERS = 5_000, 1_000
"""Fen of the two budget lines of their own that flyers and the bigger everyday coupon are paid from here."""


def scarce_plan() -> str:
    text = (HERE / "smart-life.yaml").read_text(encoding="utf-8")
    for old, new in (
        ("quota: 100_000\n", "quota: 2\n"),
        ("quota: 50_000\n    rewards:\n      - choice", "quota: 2\n    rewards:\n      - choice"),
        ("quota: 20_000\n", "quota: 1\n"),
        ("quota: 1_000 #", "quota: 1 #"),
        ("    people: 150_000 yuan\n", f"    flyers: {FLYERS // 100} yuan\n    tasters: {TASTERS // 100} yuan\n"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    for code, line in (("flyer", "flyers"), ("everyday-100-20", "tasters")):
        before, offer, after = text.partition(f"  - code: {code}\n    section:")
        found = min(name for name in ("promotion", "merchants") if f"line: {name}" in after.split("  - code:", 1)[0])
        text = before + offer + after.replace(f"line: {found}", f"line: {line}", 1)
    return text


@pytest.fixture(scope="module")
async def scarce_hall(shared_hall: House) -> House:
    await shared_hall.publish(scarce_plan())
    return shared_hall


@pytest.fixture
async def town(scarce_hall: House) -> AsyncIterator[House]:
    await scarce_hall.set_clock("2026-10-05T12:00:00")
    yield scarce_hall
    await scarce_hall.settle()
    await scarce_hall.reconcile()


async def test_a1_the_quota_goes_to_whom_the_hall_decides_first_and_a_place_given_back_to_who_comes_next(
    town: House,
) -> None:
    crowd = [Person(town) for _ in range(5)]
    await town.tell(*(event for each in crowd for event in (each.approved(), each.bound("2026-10-03T11:00:00"))))
    got = [each for each in crowd if await each.coupons()]
    missed = [each for each in crowd if each not in got]
    sold_out = await got[0].offer("bind-gift")

    await town.tell(got[0].approved("2026-08-01T09:00:00"))
    open_again = await got[0].offer("bind-gift")
    await town.tell(missed[0].unbound("2026-10-04T11:00:00"), missed[0].bound("2026-10-04T12:00:00"))
    later = Person(town)
    await town.tell(later.approved(), later.bound("2026-10-05T11:00:00"))

    assert len(got) == 2
    assert [await each.grants("bind-gift") for each in missed] == [["MISSED"]] * 3
    assert (sold_out["state"], sold_out["quota"]) == ("SOLD_OUT", {"total": 2, "remaining": 0})
    assert (open_again["state"], open_again["quota"]["remaining"]) == ("OPEN", 1)
    assert await missed[0].coupons() == []  # its moment has passed
    assert await missed[1].against("bind-gift") == ["SOLD_OUT"]
    assert (await missed[1].mission("bind-gift"), (await got[1].mission("bind-gift") or ())[:2]) == (None, (1, 1))
    assert await later.coupons() == [(1_000, "AVAILABLE")]
    assert (await later.offer("bind-gift"))["state"] == "SOLD_OUT"


async def test_a2_an_open_choice_keeps_its_place_and_a_lapsed_one_frees_it(town: House) -> None:
    crowd = [Person(town) for _ in range(4)]
    await town.tell(
        *(event for each in crowd for event in (each.approved(), each.bought(30_000, "2026-10-05T10:00:00")))
    )
    choosing = [each for each in crowd if await each.choices()]
    (choice,) = await choosing[0].choices()

    chosen = await choosing[0].choose(choice, "thermos")
    taken = await choosing[0].offer("first-spend")
    await town.set_clock("2026-11-05T00:00:00")
    await town.settle()
    lapsed = await choosing[1].offer("first-spend")
    late = Person(town)
    await town.tell(late.approved("2026-11-04T09:00:00"), late.bought(30_000, "2026-11-04T10:00:00"))

    assert len(choosing) == 2
    assert chosen["__typename"] == "RewardChosen"
    assert (taken["state"], taken["quota"]["remaining"]) == ("SOLD_OUT", 0)
    assert (lapsed["state"], lapsed["quota"]["remaining"]) == ("OPEN", 1)
    assert len(await late.choices()) == 1


async def test_a5_a_cancelled_instalment_frees_the_place_for_the_next(town: House) -> None:
    first, second, third = (Person(town) for _ in range(3))
    instalment = first.instalment(500_000, "2026-10-04T10:00:00")
    await town.tell(first.approved(newCustomer=False), instalment)
    await town.tell(second.approved(newCustomer=False), second.instalment(500_000, "2026-10-04T10:00:00"))

    await town.tell(first.cancelled(instalment, "2026-10-05T10:00:00"))
    await town.tell(third.approved(newCustomer=False), third.instalment(500_000, "2026-10-05T10:00:00"))

    assert await first.coupons() == [(5_000, "VOIDED")]
    assert await second.grants("instalment-cashback") == ["MISSED"]
    assert await third.coupons() == [(5_000, "AVAILABLE")]


async def test_a15_a_grant_that_does_not_fit_its_budget_line_is_not_made_at_all(town: House) -> None:
    crowd = [Person(town) for _ in range(4)]

    await town.tell(*(each.approved(flyer=f"FLY-{n}") for n, each in enumerate(crowd)))

    got = [each for each in crowd if await each.coupons()]
    assert len(got) == FLYERS // 2_000
    assert [await each.grants("flyer") for each in crowd if each not in got] == [["MISSED"]] * 2
    assert await left_of(town, "flyers") == FLYERS % 2_000

    await town.tell(got[0].approved("2026-08-01T09:00:00"))
    late = Person(town)
    await town.tell(late.approved("2026-10-05T09:00:00", flyer="FLY-9"))

    assert await got[0].coupons() == [(2_000, "VOIDED")]
    assert await late.coupons() == [(2_000, "AVAILABLE")]
    assert await left_of(town, "flyers") == FLYERS % 2_000


async def test_a11_of_many_claims_at_once_as_many_are_answered_as_the_budget_pays_and_the_rest_are_sold_out(
    town: House,
) -> None:
    crowd = [Person(town) for _ in range(12)]
    await town.tell(*(each.approved(newCustomer=False) for each in crowd))
    for each in crowd:
        await town.sign_in(each.name)

    answers = await asyncio.gather(*(each.claim("everyday-100-20") for each in crowd))

    kinds = sorted(answer["__typename"] for answer in answers)
    assert kinds == ["OfferClaimed"] * (TASTERS // 400) + ["SoldOut"] * (12 - TASTERS // 400)
    assert await left_of(town, "tasters") == TASTERS % 400
    assert sum([len(await each.coupons()) for each in crowd]) == TASTERS // 400
    refused = crowd[[answer["__typename"] for answer in answers].index("SoldOut")]
    assert (await refused.claim("everyday-20-5"))["__typename"] == "OfferClaimed"  # of another line


async def test_a16_the_reserves_one_place_is_given_once(town: House) -> None:
    crowd = [Person(town) for _ in range(3)]
    await town.set_clock("2027-01-02T12:00:00")

    await town.tell(
        *(
            event
            for each in crowd
            for event in (
                each.approved(newCustomer=False), each.bought(1_000, "2026-10-05T10:00:00"),
                each.bought(1_000, "2027-01-01T10:00:00"), each.bought(1_000, "2027-01-02T10:00:00"),
            )
        )
    )  # fmt: skip

    assert sorted([await each.grants("two-more") for each in crowd]) == [["GIVEN"], ["MISSED"], ["MISSED"]]


async def left_of(hall: House, line: str) -> int:
    """Fen that no grant has of the budget line."""
    ((left,),) = await hall.rows(
        "select balance - held from shared_account where key = $1", f"budget|smart-life|{line}"
    )
    return int(left)
