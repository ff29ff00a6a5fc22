"""补差: what merchants are owed, day by day; the bank's transactions close the loop; merchants' standing."""

import asyncio
import csv
import json
from datetime import date
from typing import Any
from uuid import uuid4

import httpx

from infra.db.pool import open_pool
from infra.db.stores.settlement import SettlementStore
from tests.builders.house import House, shanghai
from tests.builders.till import bought, cardholder, merchant, quote, reverse

SHARED = """
code: shared
title: {zh: 共担, en: Shared}
phases: {warmUp: 1d, active: 30d, closing: 1d}
audience: {products: [GOLD]}
budget: {total: 100_000 yuan, lines: {main: 100_000 yuan}}
merchantGroups: {shared-shops: {zh: 共担商户, en: shared shops}}
sections: [{code: shared, title: {zh: 共担, en: Shared}}]
offers:
  - code: shared-off
    section: shared
    title: {zh: 立减, en: Off}
    trigger: till
    if: [{merchantGroup: [shared-shops]}, {spend: {atLeast: 100 yuan}}]
    rewards: [{discount: {amount: 10.01 yuan}}]
    funding: {bank: 60 %, merchant: 30 %, platform: 10 %}
    line: main
"""


async def statement(hall: House, name: str, day: str, **headers: str) -> httpx.Response:
    machine = await hall.machine("operator", "operate")
    answer = await hall.http.get(f"/v1/merchants/{name}/statements/{day}", headers={**machine, **headers})
    assert answer.status_code == 200, answer.text
    return answer


async def friday(hall: House) -> None:
    await hall.set_clock("2026-10-02T12:00:00")
    await merchant(hall, "m-market", "friday-market")
    for customer in ("an", "bo"):
        await cardholder(hall, customer)


async def test_a_closed_statement_never_changes_and_later_reversals_go_to_the_next(hall: House) -> None:
    await friday(hall)
    first = await bought(hall, "an", 20_000, "t1")
    await bought(hall, "bo", 30_000, "t2")
    await hall.set_clock("2026-10-03T12:00:00")

    closed = await statement(hall, "m-market", "2026-10-02")
    await reverse(hall, first, 7_500)
    again = await statement(hall, "m-market", "2026-10-02")
    await hall.set_clock("2026-10-04T12:00:00")
    following = await statement(hall, "m-market", "2026-10-03")

    assert again.content == closed.content
    assert closed.json()["totals"] == {
        "redemptions": 2, "reversals": 0, "amount": 50_000, "discount": 10_000, "bank": 10_000, "merchant": 0,
        "platform": 0, "subsidy": 10_000,
    }  # fmt: skip
    assert (following.json()["totals"]["reversals"], following.json()["totals"]["subsidy"]) == (1, -2_500)


async def test_a_closed_statement_is_the_answer_though_the_clock_was_set_back_into_its_day(hall: House) -> None:
    """Seen to fail when the day is looked at before the closed statement: an open one without entries."""
    await friday(hall)
    await bought(hall, "an", 20_000, "t1")
    await hall.set_clock("2026-10-03T12:00:00")
    closed = await statement(hall, "m-market", "2026-10-02")

    await hall.set_clock("2026-10-02T18:00:00")
    again = await statement(hall, "m-market", "2026-10-02")

    assert closed.json()["state"] == "CLOSED"
    assert again.content == closed.content


async def test_shares_are_the_files_and_the_budget_bears_the_banks_alone(hall: House) -> None:
    await hall.publish(SHARED)
    await hall.set_clock("2026-10-05T12:00:00")
    await merchant(hall, "m-shared", "shared-shops")
    await cardholder(hall, "an")
    redemption = await bought(hall, "an", 10_000, "t1", "m-shared")
    await reverse(hall, redemption, 3_333)

    told = (await statement(hall, "m-shared", "2026-10-05")).json()

    sale, back = told["entries"]
    assert [sale[who] for who in ("discount", "bank", "merchant", "platform", "subsidy")] == [1_001, 601, 300, 100, 701]
    assert [back[who] for who in ("discount", "bank", "merchant", "platform")] == [-370, -222, -111, -37]
    spent = await hall.rows("select 10000000 - balance n from shared_account where key = 'budget|shared|main'")
    assert spent[0]["n"] == 601 - 222


async def test_a_coupon_that_costs_the_bank_less_is_borne_by_the_merchant_for_the_rest(hall: House) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await merchant(hall, "m-fuel", "everyday")
    await cardholder(hall, "an")
    await hall.claim("an", "everyday-20-5")
    await bought(hall, "an", 2_000, "t1", "m-fuel")

    told = (await statement(hall, "m-fuel", "2026-10-05")).json()

    assert [told["totals"][who] for who in ("discount", "bank", "merchant", "subsidy")] == [500, 100, 400, 100]


async def test_made_again_from_the_journal_a_statement_is_byte_for_byte_the_same(hall: House) -> None:
    await hall.publish(SHARED)
    await friday(hall)
    await merchant(hall, "m-both", "friday-market", "shared-shops")
    first = await bought(hall, "an", 20_000, "t1", "m-both")
    await bought(hall, "bo", 20_050, "t2", "m-both")
    await reverse(hall, first, 777)
    await hall.set_clock("2026-10-03T12:00:00")
    told = await statement(hall, "m-both", "2026-10-02")
    table = await statement(hall, "m-both", "2026-10-02", Accept="text/csv")

    pool = await open_pool(hall.dsn, min_size=1, max_size=1)
    try:
        made = await SettlementStore(pool).recomputed("m-both", date(2026, 10, 2))
    finally:
        await pool.close()

    assert made.body.encode() == told.content
    assert made.csv.encode() == table.content
    assert len(table.text.splitlines()) == 1 + 6 + 1


async def test_amounts_are_of_the_sale_before_discounts_and_each_stands_once_in_the_table(hall: House) -> None:
    """Seen to fail where a reversal's amount was the refund alone, and a sale of two offers stood in it twice."""
    await hall.publish(SHARED)
    await friday(hall)
    await merchant(hall, "m-both", "friday-market", "shared-shops")
    first = await bought(hall, "an", 20_000, "t1", "m-both")
    second = await bought(hall, "bo", 20_050, "t2", "m-both")
    await reverse(hall, first, 777)
    await reverse(hall, second, 20_050 - 6_001)

    told = (await statement(hall, "m-both", "2026-10-02")).json()
    table = (await statement(hall, "m-both", "2026-10-02", Accept="text/csv")).text
    *rows, total = csv.DictReader(table.splitlines())

    assert sorted(entry["amount"] for entry in told["entries"]) == [-20_050, -777 - 333, 20_000, 20_050]
    assert told["totals"]["amount"] - told["totals"]["discount"] == 20_000 - 6_001 - 777
    assert len(rows) == 8
    for column in ("amount", "discount", "bank", "merchant", "platform", "subsidy"):
        assert sum(int(row[column]) for row in rows) == int(total[column]) == told["totals"][column]


async def test_a_statement_names_a_coupon_as_everybody_else_does(hall: House) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await merchant(hall, "m-fuel", "everyday")
    await cardholder(hall, "an")
    await hall.claim("an", "everyday-20-5")
    (coupon,) = await hall.wallet("an")
    await bought(hall, "an", 2_000, "t1", "m-fuel")

    told = (await statement(hall, "m-fuel", "2026-10-05")).json()
    table = (await statement(hall, "m-fuel", "2026-10-05", Accept="text/csv")).text

    assert told["entries"][0]["lines"][0]["coupon"] == coupon["id"]
    assert next(csv.DictReader(table.splitlines()))["coupon"] == coupon["id"]


async def test_a_redemption_without_a_discount_is_in_the_statement_too(hall: House) -> None:
    """Whoever gets a case of it after three days finds it there. Seen to fail when only discounts were written down."""
    await friday(hall)
    redemption = await bought(hall, "an", 100, "t1")
    await reverse(hall, redemption, 40)

    told = (await statement(hall, "m-market", "2026-10-02")).json()
    table = (await statement(hall, "m-market", "2026-10-02", Accept="text/csv")).text
    *rows, total = csv.DictReader(table.splitlines())

    assert [(entry["redemption"], entry["amount"], entry["lines"]) for entry in told["entries"]] == [
        (redemption, 100, []), (redemption, -40, []),
    ]  # fmt: skip
    assert told["totals"]["discount"] == told["totals"]["subsidy"] == 0
    assert [(row["offer"], row["amount"], row["discount"]) for row in rows] == [("", "100", "0"), ("", "-40", "0")]
    assert total["amount"] == "60"


async def test_there_is_no_statement_of_a_day_to_come_or_of_a_merchant_nobody_knows(hall: House) -> None:
    await friday(hall)
    machine = await hall.machine("operator", "operate")

    async def code(name: str, day: str) -> tuple[int, str]:
        answer = await hall.http.get(f"/v1/merchants/{name}/statements/{day}", headers=machine)
        return answer.status_code, answer.json()["code"]

    to_come = [await code("m-market", day) for day in ("2026-10-03", "2100-01-01", "9999-12-31")]
    no_day = [
        await code("m-market", day) for day in ("2026-02-30", "2026-10-3", "20261002", "yesterday", "２０２６-10-02")
    ]

    assert to_come == [(404, "DAY_NOT_BEGUN")] * 3
    assert no_day == [(400, "BAD_REQUEST")] * 5
    assert await code("m-market", "0001-01-01") == (404, "NOT_FOUND")
    assert await code("m-nowhere", "2026-10-01") == (404, "NOT_FOUND")


async def test_two_who_close_a_day_at_once_close_it_once(hall: House) -> None:
    """Seen to fail without the rollback of the one whose statement was there already."""
    await friday(hall)
    await bought(hall, "an", 20_000, "t1")
    await hall.set_clock("2026-10-03T12:00:00")

    answers = await asyncio.gather(*(statement(hall, "m-market", "2026-10-02") for _ in range(6)))

    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["totals"]["redemptions"] == 1


def posted(hall: House, at: str, redemption: str, transaction: str = "t1") -> dict[str, Any]:
    return hall.event(
        "transaction.posted", at, transaction=transaction, card="card-an", customer="an", amount=15_000,
        currency="CNY", merchant="m-market", channel="POS", paymentMethod="CARD", country="CN", redemption=redemption,
    )  # fmt: skip


async def cases(hall: House) -> list[tuple[str, str, str]]:
    rows = await hall.rows("select kind, subject, status from operator_case order by kind, subject")
    return [tuple(row) for row in rows]  # type: ignore[misc]


async def test_a_posted_transaction_closes_the_loop(hall: House) -> None:
    await friday(hall)
    redemption = await bought(hall, "an", 20_000, "t1")

    await hall.tell(posted(hall, "2026-10-02T12:01:00", redemption))
    await hall.set_clock("2026-10-07T12:00:00")
    await hall.settle()

    assert await cases(hall) == []


async def test_a_redemption_without_its_transaction_after_three_days_is_a_case_until_it_comes(hall: House) -> None:
    await friday(hall)
    redemption = await bought(hall, "an", 20_000, "t1")

    await hall.set_clock("2026-10-05T11:59:59")
    await hall.settle()
    before = await cases(hall)
    await hall.set_clock("2026-10-05T12:00:00")
    await hall.settle()
    after = await cases(hall)
    await hall.tell(posted(hall, "2026-10-02T12:01:00", redemption))

    assert before == []
    assert after == [("REDEMPTION_WITHOUT_TRANSACTION", redemption, "OPEN")]
    assert await cases(hall) == [("REDEMPTION_WITHOUT_TRANSACTION", redemption, "CLOSED")]


async def test_a_transaction_whose_redemption_nobody_knows_is_a_case(hall: House) -> None:
    await friday(hall)

    await hall.tell(posted(hall, "2026-10-02T12:01:00", str(uuid4())))
    await hall.tell(posted(hall, "2026-10-02T12:02:00", "no id at all", "t2"))

    assert await cases(hall) == [
        ("TRANSACTION_WITHOUT_REDEMPTION", "t1", "OPEN"), ("TRANSACTION_WITHOUT_REDEMPTION", "t2", "OPEN"),
    ]  # fmt: skip


async def test_a25_a_false_offer_ends_it_at_once(hall: House) -> None:
    await friday(hall)
    machine = await hall.machine("operator", "operate")
    path = "/v1/merchants/m-market"
    reviewed = await hall.http.put(
        f"{path}/standing", headers=machine,
        json={"licenceReviewedOn": "2026-09-01", "creditReviewedOn": "2026-09-02"},
    )  # fmt: skip

    found = await hall.http.post(
        f"{path}/inspections", headers=machine,
        content=json.dumps({"id": str(uuid4()), "day": "2026-10-02", "verdict": "FALSE_OFFER", "note": "假优惠"}),
    )  # fmt: skip
    async with asyncio.timeout(2):
        while (await quote(hall, "an", 20_000))["discount"]:
            pass
    quoted = await quote(hall, "an", 20_000)

    assert reviewed.json()["missing"] == ["UNDERTAKING"]
    assert found.json()["status"] == "TERMINATED"
    assert (found.json()["inspections"][0]["verdict"], found.json()["inspectBy"]) == ("FALSE_OFFER", "2026-10-09")
    assert quoted["discount"] == 0
    assert shanghai("2026-10-02T12:00:00")
