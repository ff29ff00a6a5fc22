"""Draws (plan rules A8 and A12), from the bank's events to a result that anybody can recompute."""

import asyncio
from uuid import uuid4

from domain.lottery.verify import Day, verify
from infra.campaigns.loader import HERE
from tests.builders.house import House
from tests.builders.till import bought, merchant, reverse

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
    await merchant(hall, "m-mall", "mall")
    order = purchase(hall, "xu", "2026-10-05T10:00:00", 50_000, merchant="m-mall", transaction="t-mall")
    await hall.tell(order)
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


async def test_a_free_order_shrinks_with_its_order_and_ends_with_it_while_it_is_unused(hall: House) -> None:
    await everybody_wins_the_order(hall)
    await at_the_mall(hall, "gao", 80_000)
    drawn = await draw(hall, "gao", "free-order")

    await refund(hall, "gao", "r-1", 20_000)
    after_a_part = await hall.rows(
        "select value, status from coupon where customer = 'gao' and offer = 'free-order' order by value desc"
    )
    await refund(hall, "gao", "r-2", 60_000)
    after_all = await hall.rows(
        "select value, status from coupon where customer = 'gao' and offer = 'free-order' order by value desc"
    )

    assert drawn["result"]["prize"]["code"] == "free-order"  # type: ignore[index]
    assert [tuple(row) for row in after_a_part] == [(80_000, "VOIDED"), (60_000, "AVAILABLE")]
    assert [tuple(row) for row in after_all] == [(80_000, "VOIDED"), (60_000, "VOIDED")]
    assert await hall.rows("select 1 from offer_grant where by = 'DRAW' and status = 'GIVEN'") == []
    cases = await hall.rows("select kind from operator_case")
    assert [row["kind"] for row in cases] == ["USED_BUT_NOT_EARNED"]  # the chance, which the prize's stock was for


async def test_a_free_order_that_was_used_before_part_of_its_order_went_back_is_a_case(hall: House) -> None:
    await everybody_wins_the_order(hall)
    await at_the_mall(hall, "qi", 80_000)
    await draw(hall, "qi", "free-order")
    await merchant(hall, "m-bank", "repayment")
    await bought(hall, "qi", 80_000, "t-repaid", merchant="m-bank")
    used = await hall.rows("select status from coupon where customer = 'qi' and offer = 'free-order'")

    await refund(hall, "qi", "r-1", 20_000)
    await refund(hall, "qi", "r-2", 10_000)

    cases = await hall.rows("select kind, offer, details from operator_case")
    assert [row["status"] for row in used] == ["USED"]
    assert [(row["kind"], row["offer"]) for row in cases] == [("PRIZE_ABOVE_PURCHASE", "free-order")]
    assert '"cost":80000' in cases[0]["details"].replace(" ", "")


async def test_a_free_order_that_was_used_comes_back_as_what_is_left_of_its_order(hall: House) -> None:
    await everybody_wins_the_order(hall)
    await at_the_mall(hall, "qi", 80_000)
    await draw(hall, "qi", "free-order")
    await merchant(hall, "m-bank", "repayment")
    redemption = await bought(hall, "qi", 90_000, "t-repaid", merchant="m-bank")
    await refund(hall, "qi", "r-1", 20_000)

    answer = await reverse(hall, redemption, 10_000)
    after_a_part = await hall.rows(
        "select value, status from coupon where customer = 'qi' and offer = 'free-order' order by value desc"
    )
    await refund(hall, "qi", "r-2", 60_000)
    after_all = await hall.rows(
        "select value, status from coupon where customer = 'qi' and offer = 'free-order' order by value desc"
    )

    assert answer.json() == {"reversed": 80_000, "restored": {"quota": False}}
    assert [tuple(row) for row in after_a_part] == [(80_000, "VOIDED"), (60_000, "AVAILABLE")]
    assert [tuple(row) for row in after_all] == [(80_000, "VOIDED"), (60_000, "VOIDED")]
    cases = await hall.rows("select kind, status from operator_case order by at")
    assert [tuple(row) for row in cases] == [("PRIZE_ABOVE_PURCHASE", "CLOSED"), ("USED_BUT_NOT_EARNED", "OPEN")]


async def everybody_wins_the_order(hall: House) -> None:
    """The shipped draw, but whoever draws it wins the order; one in 500,000 would not."""
    await hall.set_clock("2026-10-05T12:00:00")
    odds = {
        "odds: 2_000 ppm": "odds: 999_998 ppm",
        "odds: 98_000 ppm": "odds: 1 ppm",
        "odds: 900_000 ppm": "odds: 1 ppm",
    }
    text = (HERE / "smart-life.yaml").read_text(encoding="utf-8")
    start, end = text.index("  - code: free-order"), text.index("offers:\n")
    draws = text[start:end]
    for old, new in odds.items():
        assert draws.count(old) == 1
        draws = draws.replace(old, new)
    await hall.publish(text[:start] + draws + text[end:])


async def at_the_mall(hall: House, customer: str, amount: int) -> None:
    """The customer's one purchase, `t-<customer>`, of an hour ago."""
    await dormant(hall, customer)
    await merchant(hall, "m-mall", "mall")
    await hall.tell(
        purchase(hall, customer, "2026-10-05T10:00:00", amount, merchant="m-mall", transaction=f"t-{customer}")
    )


async def refund(hall: House, customer: str, id: str, amount: int) -> None:
    await hall.tell(
        hall.event("transaction.refunded", "2026-10-05T11:00:00", refund=id, transaction=f"t-{customer}", amount=amount)
    )
