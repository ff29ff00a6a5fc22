"""Lounges as customers, providers and tests ask for them."""

import base64
from asyncio import gather
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from api.node import node_id
from domain.kernel.ids import lane_of, new_id
from domain.kernel.words import Words
from domain.ledger import keys
from domain.ledger.moves import post
from domain.ledger.unit import Committed, Ledger, Unit
from infra.db.pool import open_pool
from infra.lounges.file import LoungeRow
from infra.lounges.rows import publish_lounges
from tests.builders.house import House

BOOKING = """{ id status startsAt endsAt cancelBy pass { payload expiresAt } lounge { code } }"""

BOOK = f"""
mutation Book($id: UUID!, $lounge: ID!, $at: DateTime!, $wait: Boolean, $flight: String) {{
  bookLounge(input: {{requestId: $id, lounge: $lounge, startsAt: $at, waitIfFull: $wait, flight: $flight}}) {{
  __typename
  ... on LoungeBooked {{ booking {BOOKING} }} ... on SlotFull {{ code message }} ... on NoEntitlement {{ code message }}
  ... on NotFound {{ code message }} ... on TooLate {{ code message deadline }}
  ... on AccountFrozen {{ code message }} }} }}
"""

CANCEL = f"""
mutation Cancel($id: UUID!, $booking: ID!) {{ cancelBooking(input: {{requestId: $id, booking: $booking}}) {{ __typename
  ... on BookingCancelled {{ booking {BOOKING} }} ... on TooLate {{ code message deadline }}
  ... on NotFound {{ code message }} }} }}
"""

SLOTS = """
query Slots($id: ID!, $day: Date!) {
  node(id: $id) { ... on Lounge { slots(day: $day) { startsAt endsAt capacity remaining } } }
}
"""

MINE = f"""
query Mine($first: Int, $after: String) {{ viewer {{
  entitlements {{ id code title total used pending remaining expiresAt pass {{ payload expiresAt }} }}
  bookings(first: $first, after: $after) {{ edges {{ cursor node {BOOKING} }} pageInfo {{ hasNextPage endCursor }} }}
}} }}
"""


async def give_visits(hall: House, *customers: str, at: str = "2026-10-02T09:00:00") -> None:
    """Each is a new platinum customer who has just activated the card: six visits."""
    events = []
    for customer in customers:
        card = {"card": f"card-{customer}", "customer": customer}
        approved = {"product": "PLATINUM", "newCustomer": True, "channel": "MOBILE_BANK", "last4": "4321"}
        events += [
            hall.event("card.approved", at, **card, **approved),
            hall.event("card.activated", at, **card),
        ]
    await hall.tell(*events)


async def open_lounge(hall: House, code: str, *, capacity: int = 2, airport: str = "HRB") -> str:
    """A lounge of 08:00 to 22:00 in slots of two hours; its node id."""
    pool = await open_pool(hall.dsn, min_size=1, max_size=2)
    try:
        row = LoungeRow(code, airport, Words("测试厅", "Test lounge"), "T1", True, 480, 1320, 120, capacity, ("wifi",))
        await publish_lounges(pool, [row])
    finally:
        await pool.close()
    return node_id("Lounge", code)


async def book(
    hall: House, customer: str, lounge: str, at: str, *, request_id: str | None = None, wait: bool = False,
    language: str = "zh-CN", flight: str | None = None,
) -> Any:  # fmt: skip
    """at: Shanghai's, as `2026-10-06T10:00:00`."""
    variables = {
        "id": request_id or str(uuid4()), "lounge": lounge, "at": f"{at}+08:00", "wait": wait, "flight": flight,
    }  # fmt: skip
    return (await hall.ask(customer, BOOK, variables, language=language))["bookLounge"]


async def cancel(hall: House, customer: str, booking: str, request_id: str | None = None) -> Any:
    variables = {"id": request_id or str(uuid4()), "booking": booking}
    return (await hall.ask(customer, CANCEL, variables))["cancelBooking"]


async def mine(hall: House, customer: str) -> Mapping[str, Any]:
    """The customer's entitlements and bookings."""
    found: Mapping[str, Any] = (await hall.ask(customer, MINE))["viewer"]
    return found


async def visits(hall: House, customer: str) -> tuple[int, int, int]:
    """(used, pending, remaining) of the customer's one entitlement."""
    (found,) = (await mine(hall, customer))["entitlements"]
    return found["used"], found["pending"], found["remaining"]


async def statuses(hall: House, customer: str) -> list[str]:
    """Of the customer's bookings, newest first."""
    return [edge["node"]["status"] for edge in (await mine(hall, customer))["bookings"]["edges"]]


async def remaining(hall: House, lounge: str, at: str) -> int:
    """Free seats of the slot that begins `at`, Shanghai's."""
    data = await hall.ask(None, SLOTS, {"id": lounge, "day": at[:10]})
    found: int = next(slot["remaining"] for slot in data["node"]["slots"] if slot["startsAt"].startswith(at))
    return found


async def tell_visit(hall: House, visit: str, state: str = "CHECKED_IN", **body: Any) -> tuple[int, dict[str, Any]]:
    """POST /v1/lounges/visits: (status, body). visit: as `3-v1`, of the lounge TST-3-1."""
    headers = await hall.machine("lounge", "lounge")
    answer = await hall.http.post(
        "/v1/lounges/visits",
        json={"visit": visit, "state": state, "lounge": f"TST-{visit.split('-')[0]}-1", **body},
        headers=headers,
    )
    return answer.status_code, answer.json()


def forged(payload: str) -> str:
    """The same pass with one bit of its subject turned."""
    head, _, text = payload.partition(".")
    raw = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    raw[16] ^= 1
    return f"{head}.{base64.urlsafe_b64encode(bytes(raw)).decode().rstrip('=')}"


ENDS = datetime(2027, 10, 1, tzinfo=UTC)


async def add_visits(ledger: Ledger, customers: Sequence[str], at: datetime, total: int = 6) -> list[UUID]:
    """An entitlement of each, straight into the ledger; their ids."""
    units, ids = [], []
    for customer in customers:
        lane = lane_of(customer)
        id = new_id(lane, at)
        ids.append(id)
        row = {
            "lane": lane, "id": id, "customer": customer, "offer_grant": new_id(lane, at), "campaign": "platinum",
            "version": 1, "offer": "lounge-visits", "code": "lounge-visits", "title_zh": "贵宾厅", "title_en": "Lounge",
            "total": total, "holder": "CARDHOLDER", "status": "OPEN", "expires_at": ENDS, "at": at, "changed_at": at,
        }  # fmt: skip
        moves = [post(total, keys.issued("lounge-visits"), keys.visits(id), "ENTITLEMENT")]
        units.append(Unit(id=new_id(lane, at), lane=lane, at=at, moves=moves, rows={"entitlement": [row]}))
    results = await gather(*(ledger.commit(unit) for unit in units))
    assert all(isinstance(result, Committed) for result in results)
    return ids
