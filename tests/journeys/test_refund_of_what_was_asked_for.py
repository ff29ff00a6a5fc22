"""A refund takes away the reason for what was claimed, applied or signed up for: it goes back, or becomes a case."""

from typing import Any
from uuid import uuid4

import pytest

from domain.kernel.ids import lane_of
from domain.ledger.unit import Committed
from domain.offers.award import Award, award
from domain.offers.units import unit_of
from infra.campaigns.publish import load_catalog
from infra.db.commit import GroupCommit
from infra.db.pool import open_pool
from tests.builders.bank import Person, merchant
from tests.builders.desk import apply, desk, mine, sign_up
from tests.builders.house import House, shanghai
from tests.builders.till import capture, quote, release

HOTEL = "overseas-hotel"
LIFE = """
code: life
title: {zh: 生活, en: Life}
phases: {warmUp: 10d, active: 90d, closing: 7d}
audience: {products: [GOLD]}
budget: {total: 1_000 yuan, lines: {all: 1_000 yuan}}
merchantGroups: {petrol: {zh: 加油站, en: petrol stations}}
sections: [{code: life, title: {zh: 生活, en: Life}}]
offers:
  - code: wash
    section: life
    title: {zh: 洗车券, en: Car wash}
    trigger: claim
    if: [{purchases: {count: 2, period: month, each: [{merchantGroup: [petrol]}]}}]
    limits: [{per: customer, period: month, max: 1}]
    quota: 10
    rewards: [{coupon: {code: wash, kind: CASH, title: {zh: 洗车券, en: Car wash}, value: 20 yuan, valid: 30d}}]
    line: all
  - code: fuelled
    section: life
    title: {zh: 加油礼, en: Fuelled}
    trigger: {story: purchase}
    if: [{merchantGroup: [petrol]}, {spend: {atLeast: 100 yuan}}]
    limits: [{per: customer, period: campaign, max: 1}]
    rewards: [{coupon: {code: fuelled, kind: CASH, title: {zh: 加油券, en: Fuel}, value: 1 yuan, valid: 30d}}]
    line: all
  - code: evening
    section: life
    title: {zh: 车友之夜, en: Drivers' evening}
    trigger: {signUp: {waitingList: true}}
    if: [{reached: {offers: [fuelled]}}]
    limits: [{per: customer, period: campaign, max: 1}]
    quota: 1
    rewards: [{place: {title: {zh: 车友之夜, en: Evening}, startsAt: day 60 19:00, where: {zh: 上海, en: Shanghai}}}]
"""


@pytest.fixture
async def life(hall: House) -> House:
    await hall.publish(LIFE)
    await hall.tell(merchant(hall, "m-petrol", "petrol"), merchant(hall, "m-repay", "repayment"))
    await hall.set_clock("2026-10-20T12:00:00")
    return hall


async def left(hall: House, offer: str) -> Any:
    return (await hall.ask(None, "query ($c: String!) { offer(code: $c) { quota { remaining } } }", {"c": offer}))[
        "offer"
    ]["quota"]["remaining"]


async def driver(hall: House, name: str, *amounts: int) -> tuple[Person, list[dict[str, Any]]]:
    """Who has bought petrol for these amounts of fen, on the days from the 10th on."""
    person = Person(hall, name)
    bought = [
        person.bought(amount, f"2026-10-{10 + number}T10:00:00", merchant="m-petrol")
        for number, amount in enumerate(amounts)
    ]
    await hall.tell(person.approved("2026-09-25T10:00:00"), *bought)
    return person, bought


async def test_a_claimed_coupon_goes_back_with_its_place_and_its_allowance(life: House) -> None:
    lin, (first, _) = await driver(life, "lin", 5_000, 6_000)
    assert (await lin.claim("wash"))["__typename"] == "OfferClaimed"

    await life.tell(lin.refunded(first, 5_000, "2026-10-19T11:00:00"))

    assert await lin.coupons("wash") == [(2_000, "VOIDED")]
    assert await lin.grants("wash") == ["REVOKED"]
    assert await left(life, "wash") == 10
    assert await lin.against("wash") == ["MORE_PURCHASES_NEEDED"]
    await life.tell(lin.bought(7_000, "2026-10-19T12:00:00", merchant="m-petrol"))
    assert (await lin.claim("wash"))["__typename"] == "OfferClaimed"


async def test_what_is_still_earned_after_a_refund_stays(life: House) -> None:
    lin, (first, *_) = await driver(life, "lin", 5_000, 6_000, 7_000)
    await lin.claim("wash")

    await life.tell(lin.refunded(first, 5_000, "2026-10-19T11:00:00"))

    assert await lin.coupons("wash") == [(2_000, "AVAILABLE")]


async def test_what_is_refunded_a_month_later_is_judged_in_the_month_of_the_claim(life: House) -> None:
    lin, (first, _) = await driver(life, "lin", 5_000, 6_000)
    wang, (other, _, _) = await driver(life, "wang", 5_000, 6_000, 7_000)
    await lin.claim("wash")
    await wang.claim("wash")
    await life.set_clock("2026-11-05T12:00:00")

    await life.tell(
        lin.refunded(first, 5_000, "2026-11-05T11:00:00"), wang.refunded(other, 5_000, "2026-11-05T11:00:00")
    )

    assert await lin.coupons("wash") == [(2_000, "VOIDED")]
    assert await wang.coupons("wash") == [(2_000, "AVAILABLE")]


async def test_a_claimed_coupon_that_is_used_becomes_a_case_and_stays_used(life: House) -> None:
    lin, (first, _) = await driver(life, "lin", 5_000, 6_000)
    (coupon,) = (await lin.claim("wash"))["coupons"]
    quoted = await quote(life, "lin", 3_000, "m-petrol", card=lin.card, coupon=coupon["id"])
    assert (await capture(life, quoted["quote"], "t-used")).status_code == 200

    await life.tell(lin.refunded(first, 5_000, "2026-10-19T11:00:00"))

    assert await lin.coupons("wash") == [(2_000, "USED")]
    assert await lin.cases() == [("USED_BUT_NOT_EARNED", "wash")]
    assert await lin.grants("wash") == ["KEPT"]
    assert await left(life, "wash") == 9


async def test_what_a_till_holds_at_this_moment_goes_back_once_it_is_let_go(life: House) -> None:
    lin, (first, _) = await driver(life, "lin", 5_000, 6_000)
    (coupon,) = (await lin.claim("wash"))["coupons"]
    quoted = await quote(life, "lin", 3_000, "m-petrol", card=lin.card, coupon=coupon["id"])

    await life.tell(lin.refunded(first, 5_000, "2026-10-19T11:00:00"))
    held = await lin.coupons("wash")
    await release(life, quoted["quote"])
    promised = await life.rows("select error from outbox where topic = 'asked.look'")
    await life.settle()

    assert held == [(2_000, "HELD")]
    assert {row["error"] for row in promised} == {"a till holds a coupon of it"}
    assert await lin.coupons("wash") == [(2_000, "VOIDED")]


async def test_what_a_till_holds_stays_when_it_is_earned_again_before_it_is_let_go(life: House) -> None:
    lin, (first,) = await driver(life, "lin", 10_000)
    (coupon,) = await life.wallet("lin")
    quoted = await quote(life, "lin", 3_000, "m-petrol", card=lin.card, coupon=coupon["id"])
    await life.tell(lin.refunded(first, 1, "2026-10-19T11:00:00"))

    await life.tell(lin.bought(10_000, "2026-10-19T12:00:00", merchant="m-petrol"))
    await release(life, quoted["quote"])
    await life.settle()

    assert await lin.coupons("fuelled") == [(100, "AVAILABLE")]
    assert await lin.grants("fuelled") == ["GIVEN"]


async def test_b9_an_approved_hotel_coupon_goes_back_and_may_be_applied_for_again(life: House) -> None:
    sun = Person(life, "sun")
    spent = sun.bought(1_000_000, "2026-10-10T10:00:00", country="FR")
    await life.tell(sun.approved("2026-09-25T10:00:00", product="PLATINUM"), spent)
    await apply(life, "sun", HOTEL)
    (listed,) = (await desk(life, "GET", "/v1/applications")).json()["items"]
    await desk(life, "POST", f"/v1/applications/{listed['id']}/decision", {"decision": "APPROVED", "note": ""})
    assert await sun.coupons(HOTEL) == [(50_000, "AVAILABLE")]

    await life.tell(sun.refunded(spent, 1, "2026-10-19T11:00:00"))

    assert await sun.coupons(HOTEL) == [(50_000, "VOIDED")]
    assert HOTEL not in [offer for _, offer in await sun.cases()]
    await life.tell(sun.bought(1, "2026-10-19T12:00:00", country="FR"))
    assert (await apply(life, "sun", HOTEL))["__typename"] == "Applied"


async def test_a_place_whose_reason_is_gone_goes_to_who_waits(life: House) -> None:
    lin, (bought,) = await driver(life, "lin", 10_000)
    await driver(life, "wang", 10_000)
    assert (await sign_up(life, "lin", "evening"))["signUp"]["status"] == "CONFIRMED"
    assert (await sign_up(life, "wang", "evening"))["signUp"]["status"] == "WAITING"

    await life.tell(lin.refunded(bought, 1, "2026-10-19T11:00:00"))

    assert [(await mine(life, name))["signUps"][0]["status"] for name in ("lin", "wang")] == ["CANCELLED", "CONFIRMED"]
    assert await lin.against("evening") == ["EARLIER_OFFER_NEEDED"]


async def test_whoever_commits_last_looks_so_that_nothing_slips_between_a_claim_and_a_refund(life: House) -> None:
    """The refund is applied between what the claim reads and what it commits.

    Seen to fail without the promise in `award`.
    """
    lin, (first, _) = await driver(life, "lin", 5_000, 6_000)
    await claims_late(life, lin, first)
    await life.settle()

    assert await lin.coupons("wash") == [(2_000, "VOIDED")]


async def claims_late(hall: House, person: Person, bought: dict[str, Any]) -> None:
    """A claim's unit as decided before the refund, committed after it."""
    pool = await open_pool(hall.dsn, min_size=1, max_size=1)
    try:
        async with pool.acquire() as conn:
            catalog = await load_catalog(conn)
        now = shanghai("2026-10-20T12:00:00")
        of = catalog.offer("wash", now)
        assert of is not None
        await hall.tell(person.refunded(bought, 5_000, "2026-10-19T11:00:00"))
        order = Award(of.campaign, of.offer, person.name, cause=str(uuid4()), at=now, earned_at=now, by="CLAIM")
        async with GroupCommit(hall.dsn, in_flight=1) as ledger:
            done = await ledger.commit(unit_of(award(order), lane=lane_of(person.name), at=now))
        assert isinstance(done, Committed)
    finally:
        await pool.close()
