"""The accounts of this room.

    shared  seat|<lounge>|<start>      -> ~seated|<lounge>     the seats of a slot; opened with the lounge's capacity
    own     stay|<start>|<customer>    -> ~stayed              one: nobody sits in two lounges at once
            visits|<entitlement>       -> ~redeemed|<offer>    (domain.ledger.keys)

A booking's one hold keeps a visit, the stay and a seat; who waits keeps the first two only.
"""

from datetime import UTC, datetime
from functools import lru_cache

from domain.kernel.ids import lane_of
from domain.ledger import keys
from domain.ledger.accounts import Account, checked_key, sink
from domain.ledger.moves import Move, hold
from domain.ledger.unit import Opening
from domain.lounge.facts import Slot

ONE = Opening(balance=1)


@lru_cache(maxsize=4096)
def moment(at: datetime) -> str:
    """`2026-10-05T02:00Z`: a slot's start in a key; the same moment is the same text."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


@lru_cache(maxsize=4096)
def seat(lounge: str, starts_at: datetime) -> Account:
    return Account(lane_of(lounge), checked_key(f"seat|{lounge}|{moment(starts_at)}"), shared=True)


@lru_cache(maxsize=4096)
def seated(lounge: str) -> Account:
    return sink(f"seated|{lounge}")


@lru_cache(maxsize=1024)
def seats(capacity: int) -> Opening:
    """How the seats of a slot begin."""
    return Opening(balance=capacity)


def stay(customer: str, starts_at: datetime) -> Account:
    return Account(lane_of(customer), checked_key(f"stay|{moment(starts_at)}|{customer}"))


STAYED = sink("stayed")


def kept(customer: str, entitlement_account: Account, offer: str, slot: Slot, *, seated_too: bool) -> list[Move]:
    """What a booking's hold keeps: the visit, the stay, and the seat when there is one."""
    moves = [
        hold(1, entitlement_account, keys.redeemed(offer), "VISIT"),
        hold(1, stay(customer, slot.starts_at), STAYED, "STAY"),
    ]
    if seated_too:
        moves.append(hold(1, seat(slot.lounge, slot.starts_at), seated(slot.lounge), "SEAT"))
    return moves
