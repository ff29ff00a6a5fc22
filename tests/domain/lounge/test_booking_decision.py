"""What may be booked, and what may be given back; every case is the one that succeeds but for what it is about."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from domain.kernel.ids import lane_of, new_id
from domain.kernel.words import Words
from domain.ledger.unit import Request, Unit
from domain.lounge.book import Seat, decide_booking
from domain.lounge.cancel import decide_cancel
from domain.lounge.facts import Airport, BookingFacts, BookingStatus, EntitlementFacts, Lounge, LoungeState, Policy
from domain.lounge.outcomes import NoEntitlement
from domain.offers.outcomes import NotFound, TooLate

NOW = datetime(2026, 10, 5, 4, 0, tzinfo=UTC)
START = datetime(2026, 10, 6, 2, 0, tzinfo=UTC)
POLICY = Policy(
    frozenset({"lounge-visits"}), timedelta(days=60), timedelta(hours=2), timedelta(hours=1), timedelta(days=1), True
)
AIRPORT = Airport("PEK", Words("首都机场", "Capital"), Words("北京", "Beijing"), ZoneInfo("Asia/Shanghai"))
LOUNGE = Lounge("PEK-01", Words("厅", "Lounge"), AIRPORT, "T3", True, 480, 1320, 120, 9, (), LoungeState.OPEN)


def entitlement(
    *, code: str = "lounge-visits", used: int = 0, pending: int = 0, expires_at: datetime = START + timedelta(days=1)
) -> EntitlementFacts:
    title = Words("贵宾厅", "Lounge")
    return EntitlementFacts(uuid4(), "lu", "platinum", "o", code, title, 6, used, pending, expires_at)


def booking(status: BookingStatus = BookingStatus.CONFIRMED) -> BookingFacts:
    end = START + timedelta(hours=2)
    return BookingFacts(
        new_id(lane_of("lu"), NOW), "lu", uuid4(), "platinum", "o", "PEK-01", START, end, status,
        START - timedelta(hours=2), end + timedelta(days=1), True, False, UUID(int=1),
    )  # fmt: skip


def test_the_visit_that_ends_soonest_and_reaches_the_slot_is_used() -> None:
    ended, used = entitlement(expires_at=START), entitlement(used=4, pending=2)
    other, good = entitlement(code="golf"), entitlement()

    decision = decide_booking(LOUNGE, START, [ended, used, other, good], POLICY, NOW)

    assert isinstance(decision, Seat)
    assert decision.entitlements == (good,)


@pytest.mark.parametrize(
    ("had", "entitlements"),
    [
        (False, []),
        (False, [entitlement(code="golf")]),
        (True, [entitlement(used=6)]),
        (True, [entitlement(pending=6)]),
        (True, [entitlement(expires_at=START)]),
    ],
)
def test_without_a_free_visit_nothing_is_booked(had: bool, entitlements: list[EntitlementFacts]) -> None:
    assert decide_booking(LOUNGE, START, entitlements, POLICY, NOW) == NoEntitlement(had)


def test_a_slot_can_be_booked_until_it_begins() -> None:
    just_before = decide_booking(LOUNGE, START, [entitlement()], POLICY, START - timedelta(microseconds=1))
    begun = decide_booking(LOUNGE, START, [entitlement()], POLICY, START)

    assert isinstance(just_before, Seat)
    assert begun == TooLate(START)


def test_a_slot_can_be_booked_60_days_before_and_not_sooner() -> None:
    day_60 = decide_booking(LOUNGE, START, [entitlement()], POLICY, START - timedelta(days=60))
    sooner = decide_booking(LOUNGE, START, [entitlement()], POLICY, START - timedelta(days=60, microseconds=1))

    assert isinstance(day_60, Seat)
    assert sooner == NotFound()


def test_a_booking_is_given_back_until_two_hours_before_exclusive() -> None:
    request = Request("lu", uuid4(), 1)
    deadline = START - timedelta(hours=2)

    assert isinstance(decide_cancel(booking(), request, deadline - timedelta(microseconds=1)), Unit)
    assert decide_cancel(booking(), request, deadline) == TooLate(deadline)


def test_who_waits_may_leave_until_the_slot_begins() -> None:
    request = Request("lu", uuid4(), 1)
    waiting = booking(BookingStatus.PENDING)

    left = decide_cancel(waiting, request, START - timedelta(minutes=1))

    assert isinstance(left, Unit)
    assert left.rows == {}  # no seat is free by it
    assert decide_cancel(waiting, request, START) == TooLate(START)
    assert waiting.status_at(START) is BookingStatus.REJECTED


@pytest.mark.parametrize("status", [BookingStatus.CHECKED_IN, BookingStatus.NO_SHOW, BookingStatus.REJECTED])
def test_what_is_over_is_not_given_back(status: BookingStatus) -> None:
    assert isinstance(decide_cancel(booking(status), Request("lu", uuid4(), 1), NOW), TooLate)
