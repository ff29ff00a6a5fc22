"""Draws (plan rules A8 and A12), from the bank's events to a result that anybody can recompute."""

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
