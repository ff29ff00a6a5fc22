"""The waiting list of a slot moves up by itself: a free seat goes to who began to wait first.

A seat that is given back and everybody who begins to wait leave a promise to look, in the same commit. So a seat never
stays empty while somebody waits, whoever dies in between. Safe to run anywhere, at once, and again.
"""

from datetime import datetime
from typing import Any

from domain.kernel.errors import Broken
from domain.kernel.ids import lane_of, new_id
from domain.kernel.time import Clock
from domain.kernel.words import Words
from domain.ledger import keys
from domain.ledger.unit import Change, Committed, EndHold, Gone, Ledger, Moved, NewHold, Short, Unit
from domain.lounge.accounts import kept
from domain.lounge.book import NEVER, openings
from domain.lounge.facts import BookingFacts, BookingStatus, Lounge, LoungeState, Slot
from domain.lounge.ports import Lounges, ReadBookings
from domain.offers.award import AT_ONCE, MESSAGE

SEAT_TITLE = Words("贵宾厅候补成功", "You have a seat in the lounge")
SEAT_TOLD = Words("您候补的{lounge}{at}时段已确认预约。", "The seat you waited for is yours: {lounge}, {at}.")


def moving_up(first: BookingFacts, lounge: Lounge, now: datetime) -> Unit:
    """The place in the list becomes a seat, and the customer is told."""
    lane = lane_of(first.customer)
    slot, hold_id = Slot(first.lounge, first.starts_at, first.ends_at), new_id(lane, now)
    moves = kept(first.customer, keys.visits(first.entitlement), first.offer, slot, seated_too=True)
    change = Change("booking", first.id, BookingStatus.PENDING.value, BookingStatus.CONFIRMED.value, {"hold": hold_id})
    return Unit(
        id=new_id(lane, now),
        lane=lane,
        at=now,
        opens=openings(moves, lounge),
        end_holds=[EndHold(first.hold, capture=False)],
        new_holds=[NewHold(hold_id, NEVER, moves)],
        changes=[change],
        rows={"outbox": [_told(first, lounge, lane, now)]},
        signals=[(f"viewer:{first.customer}", f"booking:{first.id}")],
    )


def _told(first: BookingFacts, lounge: Lounge, lane: int, now: datetime) -> dict[str, Any]:
    at = first.starts_at.astimezone(lounge.airport.zone).strftime("%Y-%m-%d %H:%M")
    payload = {
        "id": str(new_id(lane, now)), "customer": first.customer, "kind": "SERVICE", "campaign": first.campaign,
        "offer": first.offer, "via": ["SMS"], "email": None, "title": [SEAT_TITLE.zh, SEAT_TITLE.en],
        "body": [
            SEAT_TOLD.zh.format(lounge=lounge.name.zh, at=at), SEAT_TOLD.en.format(lounge=lounge.name.en, at=at),
        ],
    }  # fmt: skip
    return {
        "lane": lane, "id": new_id(lane, now), "topic": MESSAGE, "payload": payload, "due_at": AT_ONCE,
        "created_at": now,
    }  # fmt: skip


async def move_up(
    code: str, starts_at: datetime, read: ReadBookings, lounges: Lounges, ledger: Ledger, clock: Clock
) -> int:
    """Give free seats of a slot to those who wait; returns how many have one now. A closed lounge gives none."""
    moved = 0
    while True:
        now = clock.now()
        first = await read.first_waiting(code, starts_at)
        if first is None or now >= starts_at:
            return moved
        lounge = (await lounges.latest()).lounge(code)
        if lounge is None or lounge.state is not LoungeState.OPEN:
            return moved
        match await ledger.commit(moving_up(first, lounge, now)):
            case Committed():
                moved += 1
            case Moved() | Gone():
                continue  # another was quicker, or the customer left
            case Short():
                return moved
            case other:
                raise Broken(f"moving up answered {type(other).__name__}")
