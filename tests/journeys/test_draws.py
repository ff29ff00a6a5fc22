"""Draws (plan rules A8 and A12), from the bank's events to a result that anybody can recompute."""

import asyncio
from uuid import uuid4

from domain.lottery.verify import Day, verify
from tests.builders.house import House

DRAW = """
mutation Draw($id: UUID!, $draw: String!, $nonce: String!) {
  draw(input: {requestId: $id, draw: $draw, clientNonce: $nonce}) { __typename
    ... on Drawn { result { id at prize { code title value } delivery { status title }
      proof { sequence clientNonce commitment secret previousHash hash } } }
    ... on NoChance { code message } ... on NotOpen { code message nextAt } ... on NotFound { code message } } }
"""

PAGE = """
query Page($draw: String!, $after: String) { draw(code: $draw) { code title commitment
  prizes { code oddsPpm total remaining value } chances { id expiresAt draw { code } }
  history(first: 2, after: $after) { pageInfo { hasNextPage endCursor }
    edges { node { id prize { code } proof { sequence secret commitment } } } } }
  viewer { drawChances { id } } }
"""

NONCE = "my own sixteen characters"


async def dormant(hall: House, customer: str) -> None:
    """A card of ten months ago, activated yesterday."""
    await hall.tell(
        hall.event(
            "card.approved", "2026-01-05T09:00:00", card=f"card-{customer}", customer=customer, product="GOLD",
            newCustomer=False, channel="BRANCH", last4="4321",
        ),
        hall.event("card.activated", "2026-10-04T09:00:00", card=f"card-{customer}", customer=customer),
    )  # fmt: skip


def purchase(hall: House, customer: str, at: str, amount: int, **changes: object) -> dict[str, object]:
    data = {
        "transaction": f"t-{uuid4()}", "card": f"card-{customer}", "customer": customer, "amount": amount,
        "currency": "CNY", "merchant": "m-any", "channel": "POS", "paymentMethod": "CARD", "country": "CN", **changes,
    }  # fmt: skip
    return hall.event("transaction.posted", at, **data)


async def draw(
    hall: House, customer: str, code: str, request: str | None = None, nonce: str = NONCE
) -> dict[str, object]:
    variables = {"id": request or str(uuid4()), "draw": code, "nonce": nonce}
    told: dict[str, object] = (await hall.ask(customer, DRAW, variables))["draw"]
    return told


async def record(hall: House, key: str) -> dict[str, object]:
    answer = await hall.http.get(f"/draws/{key}/record")
    assert answer.status_code == 200, answer.text
    told: dict[str, object] = answer.json()
    return told


async def test_a12_a_woken_customer_draws_once_and_can_recompute_the_result(hall: House) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await dormant(hall, "ma")
    await hall.tell(purchase(hall, "ma", "2026-10-05T10:00:00", 10_000))
    before = (await hall.ask("ma", PAGE, {"draw": "wake-up"}))["draw"]
    request = str(uuid4())

    first = await draw(hall, "ma", "wake-up", request)
    again = await draw(hall, "ma", "wake-up", request)
    other = await draw(hall, "ma", "wake-up")
    await hall.set_clock("2026-10-06T00:00:01")
    await hall.settle()
    after = await hall.ask("ma", PAGE, {"draw": "wake-up"})
    public = await record(hall, "smart-life/wake-up")

    assert first["__typename"] == "Drawn", (first, again, other)
    assert sum(prize["oddsPpm"] for prize in before["prizes"]) == 1_000_000
    assert len(before["chances"]) == 1
    assert after["draw"]["chances"] == after["viewer"]["drawChances"] == []
    assert first["__typename"] == "Drawn"
    assert again == first
    assert other["__typename"] == "NoChance"
    (edge,) = after["draw"]["history"]["edges"]
    assert edge["node"]["id"] == first["result"]["id"]
    assert edge["node"]["proof"]["commitment"] == before["commitment"]
    verdict = verify("smart-life/wake-up", [Day(_day(d["day"]), d["commitment"], d["secret"]) for d in public["days"]],
                     [(entry["hash"], entry["text"]) for entry in public["entries"]])  # fmt: skip
    assert (verdict.faults, verdict.entries, verdict.rolled, verdict.whole) == ([], 1, 1, True)
    assert verdict.head == first["result"]["proof"]["hash"]
    assert edge["node"]["proof"]["secret"] in [day["secret"] for day in public["days"]]


def _day(text: str) -> object:
    from datetime import date

    return date.fromisoformat(text)


async def test_a8_a_mall_purchase_of_500_yuan_draws_and_the_prize_stays_when_it_is_refunded(hall: House) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await dormant(hall, "xu")
    merchant = {"merchant": "m-mall", "name": "万象城", "groups": ["mall"], "status": "ACTIVE"}
    await hall.tell(hall.event("merchant.updated", "2026-10-01T09:00:00", **merchant))
    bought = purchase(hall, "xu", "2026-10-05T10:00:00", 50_000, merchant="m-mall", transaction="t-mall")
    await hall.tell(bought)
    (basis,) = [row["basis"] for row in await hall.rows("select basis from draw_chance where draw = 'free-order'")]

    drawn = await draw(hall, "xu", "free-order")
    won = [coupon for coupon in await hall.coupons("xu") if coupon[0] == "free-order"]
    await hall.tell(
        hall.event("transaction.refunded", "2026-10-05T11:00:00", refund="r-mall", transaction="t-mall", amount=50_000)
    )

    assert basis == 50_000
    assert drawn["__typename"] == "Drawn"
    assert len(won) == 1
    assert [coupon for coupon in await hall.coupons("xu") if coupon[0] == "free-order"] == won
    assert [row["kind"] for row in await hall.rows("select kind from operator_case")] == ["USED_BUT_NOT_EARNED"]


async def test_a_chance_that_is_no_longer_earned_cannot_be_drawn(hall: House) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await dormant(hall, "he")
    await hall.tell(purchase(hall, "he", "2026-10-05T10:00:00", 10_000, transaction="t-he"))
    await hall.tell(
        hall.event("transaction.refunded", "2026-10-05T11:00:00", refund="r-he", transaction="t-he", amount=10_000)
    )

    assert (await draw(hall, "he", "wake-up"))["__typename"] == "NoChance"


async def test_a_customer_with_many_taps_and_one_chance_wins_once(hall: House) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await dormant(hall, "lv")
    await hall.tell(purchase(hall, "lv", "2026-10-05T10:00:00", 10_000))

    told = await asyncio.gather(*(draw(hall, "lv", "wake-up") for _ in range(5)))

    assert sorted(str(one["__typename"]) for one in told) == ["Drawn", "NoChance", "NoChance", "NoChance", "NoChance"]


async def test_the_record_and_its_page_are_public_and_tell_no_names(hall: House) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await dormant(hall, "shen")
    await hall.tell(purchase(hall, "shen", "2026-10-05T10:00:00", 10_000))
    await draw(hall, "shen", "wake-up")

    page = await hall.http.get("/draws/verify")
    public = await hall.http.get("/draws/smart-life/wake-up/record")
    beyond = await hall.http.get("/draws/smart-life/wake-up/record?after=1")
    missing = await hall.http.get("/draws/smart-life/no-such/record")

    assert page.status_code == 200
    assert "script-src 'sha256-" in page.headers["content-security-policy"]
    assert "shen" not in public.text
    assert beyond.json()["entries"] == []
    assert (missing.status_code, missing.json()["code"]) == (404, "NOT_FOUND")
