"""What a provider tells of visits: a guest came, the visit was settled, it was taken back.

Two ways in. A pass is a question: it is read while its holder stands at the desk, and one that is forged, stale, used,
or of another lounge is refused, so that nobody is let in with it. Everything else is news of what has happened already:
it is recorded in whatever order and however late it comes, never dropped; `over_limit` says that no visit was left for
it, or that the cardholder brought somebody along, and a person at the bank looks at it.

A guest uses the visit of the booking; without one, a visit of the entitlement. Source: plan rules B2 and B16.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never
from uuid import UUID

from domain.kernel.errors import Broken, Busy
from domain.kernel.ids import derived_id, lane_of, new_id
from domain.kernel.time import Clock
from domain.ledger import keys
from domain.ledger.moves import Move, post, reverse
from domain.ledger.unit import Change, Committed, EndHold, Gone, Ledger, Moved, Short, Unit
from domain.lounge.accounts import STAYED, seat, seated, stay
from domain.lounge.facts import BookingFacts, BookingStatus, EntitlementFacts, Policy, VisitFacts, VisitState
from domain.lounge.ports import ReadVisits

OVER_LIMIT = "LOUNGE_OVER_LIMIT"
"""Kind of the operator's case."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass says. booking: of one booking; else of `entitlement`, for one visit without a booking.

    id: its own, by which it is taken once.
    """

    id: UUID
    booking: UUID | None
    entitlement: UUID | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TellVisit:
    """visit: the provider's own id of it. member: the entitlement's number, where no pass was shown. charge: fen."""

    client: str
    visit: str
    state: VisitState
    lounge: str
    visited_at: datetime
    guests: int = 0
    member: UUID | None = None
    shown: Pass | None = None
    charge: int | None = None


@dataclass(frozen=True, slots=True)
class VisitRecorded:
    """holder: the masked name of the cardholder, to compare with who stands there; empty where nobody is known."""

    visit: VisitFacts
    holder: str = ""


class PassProblem(StrEnum):
    UNKNOWN = "PASS_REFUSED"
    USED = "PASS_USED"
    OTHER_LOUNGE = "PASS_OF_ANOTHER_LOUNGE"
    NOT_NOW = "PASS_NOT_NOW"
    NO_VISIT = "NO_VISIT_LEFT"


@dataclass(frozen=True, slots=True)
class PassRefused:
    problem: PassProblem


@dataclass(frozen=True, slots=True)
class VisitReused:
    """The provider's id came before for another lounge or another member."""


TellOutcome = VisitRecorded | PassRefused | VisitReused


@dataclass(frozen=True, slots=True)
class VisitCase:
    """What is known of a visit that is told of.

    before: as recorded. entitlement: of the member or of the pass. booking: the one the visit would use, or did.
    pays: whose visit goes: the booking's entitlement, or without a booking the member's.
    """

    before: VisitFacts | None
    entitlement: EntitlementFacts | None
    booking: BookingFacts | None
    pays: EntitlementFacts | None


# --- deciding


def decide_visit(told: TellVisit, case: VisitCase, policy: Policy, now: datetime) -> Unit | VisitFacts | PassRefused:
    """What it changes; the visit as it is recorded where it changes nothing; or why the pass is refused."""
    if case.before is not None:
        if told.state.rank <= case.before.state.rank:
            return case.before
        if told.state is VisitState.REVERSED:
            return _reversed(told, case, case.before, now)
        return _unit(told, case, now, before=case.before)
    if told.state is VisitState.REVERSED:
        return _unit(told, case, now)  # the news that it never was came first: nothing to give back, nothing to use
    if told.shown is not None and (problem := _refused(told, case, policy, now)) is not None:
        return PassRefused(problem)
    return _came(told, case, now)


def _refused(told: TellVisit, case: VisitCase, policy: Policy, now: datetime) -> PassProblem | None:
    booking, entitlement = case.booking, case.entitlement
    assert told.shown is not None
    if told.shown.booking is not None:
        if booking is None:
            return PassProblem.UNKNOWN
        if booking.lounge != told.lounge:
            return PassProblem.OTHER_LOUNGE
        if booking.status is BookingStatus.CHECKED_IN:
            return PassProblem.USED
        if booking.status is not BookingStatus.CONFIRMED:
            return PassProblem.UNKNOWN
        return None if booking.starts_at - policy.early <= now < booking.ends_at else PassProblem.NOT_NOW
    if entitlement is None:
        return PassProblem.UNKNOWN
    if booking is not None and booking.status is BookingStatus.CONFIRMED:
        return None
    return None if entitlement.remaining > 0 and now < entitlement.expires_at else PassProblem.NO_VISIT


def _came(told: TellVisit, case: VisitCase, now: datetime) -> Unit:
    booking, pays = case.booking, case.pays
    moves: list[Move] = []
    ends: list[EndHold] = []
    changes: list[Change] = []
    charged = False
    covered = pays is not None
    # A visit of before the end that is told of after it takes one of those that seemed to have lapsed.
    left = 0 if pays is None else pays.remaining + pays.lapsed
    free = pays is not None and left > 0 and told.visited_at < pays.expires_at
    if booking is not None and booking.status in (BookingStatus.CONFIRMED, BookingStatus.NO_SHOW):
        if booking.status is BookingStatus.CONFIRMED:
            ends.append(EndHold(booking.hold, capture=True))
        elif not booking.charged:  # nobody seemed to have come, and the visit was given back
            covered = free
            if pays is not None and free:
                moves.append(_use(pays))
        values = {"charged": True} if covered else {}
        changes.append(Change("booking", booking.id, booking.status.value, BookingStatus.CHECKED_IN.value, values))
    elif pays is not None:
        charged = covered = free
        if free:
            moves.append(_use(pays))
    return _unit(
        told, case, now, moves=moves, ends=ends, changes=changes, charged=charged,
        over_limit=not covered or told.guests > 0,
    )  # fmt: skip


def _use(entitlement: EntitlementFacts) -> Move:
    source = keys.visits if entitlement.remaining > 0 else keys.lapsed
    return post(1, source(entitlement.id), keys.redeemed(entitlement.offer), "VISIT")


def _reversed(told: TellVisit, case: VisitCase, before: VisitFacts, now: datetime) -> Unit:
    """Everything the visit used is free again; a visit whose entitlement has ended meanwhile has lapsed."""
    moves: list[Move] = []
    changes: list[Change] = []
    booking, pays = case.booking, case.pays
    used = booking is not None and booking.status is BookingStatus.CHECKED_IN and booking.charged
    if pays is not None and (before.charged or used):
        back = keys.lapsed if pays.ended else keys.visits
        moves.append(reverse(1, keys.redeemed(pays.offer), back(pays.id), "VISIT"))
        stands = "EXPIRED" if pays.ended else "OPEN"
        changes.append(Change("entitlement", pays.id, stands, stands))  # it does not end at this very moment
    if booking is not None and booking.status is BookingStatus.CHECKED_IN:
        moves.append(reverse(1, STAYED, stay(booking.customer, booking.starts_at), "STAY"))
        moves.append(reverse(1, seated(booking.lounge), seat(booking.lounge, booking.starts_at), "SEAT"))
        changes.append(
            Change(
                "booking",
                booking.id,
                BookingStatus.CHECKED_IN.value,
                BookingStatus.CANCELLED.value,
                {"charged": False},
            )
        )
    return _unit(told, case, now, before=before, moves=moves, changes=changes)


def _unit(
    told: TellVisit,
    case: VisitCase,
    now: datetime,
    *,
    before: VisitFacts | None = None,
    moves: list[Move] | None = None,
    ends: list[EndHold] | None = None,
    changes: list[Change] | None = None,
    charged: bool = False,
    over_limit: bool = False,
) -> Unit:
    """The visit's row beside what it changes. Unrepeatable: the row is new, or moves on from the state it was in."""
    entitlement, booking = case.entitlement, case.booking
    customer = entitlement.customer if entitlement is not None else None
    visit_lane = lane_of_visit(told.client, told.visit)
    lane = visit_lane if customer is None else lane_of(customer)
    key = (told.client, told.visit)
    rows: dict[str, list[dict[str, Any]]] = {}
    every = list(changes or ())
    if before is None:
        rows["lounge_visit"] = [
            {
                "lane": visit_lane, "client": told.client, "visit": told.visit, "state": told.state.value,
                "customer": customer, "entitlement": None if entitlement is None else entitlement.id,
                "booking": None if booking is None or told.state is VisitState.REVERSED else booking.id,
                "lounge": told.lounge, "visited_at": told.visited_at, "guests": told.guests, "charged": charged,
                "over_limit": over_limit, "pass": None if told.shown is None else told.shown.id,
                "charge": told.charge, "at": now, "changed_at": now,
            }
        ]  # fmt: skip
        every.append(Change("lounge_visit", key, None, told.state.value, lane=visit_lane))
        if told.shown is not None and told.state is not VisitState.REVERSED:
            own = told.shown.id
            rows["lounge_pass"] = [{"lane": lane, "id": own, "visit": told.visit, "expires_at": told.shown.expires_at}]
            every.append(Change("lounge_pass", own, None, told.visit))
        if over_limit:
            case_id = derived_id(lane, now, "lounge-over-limit", told.client, told.visit)
            rows["operator_case"] = [
                {
                    "lane": lane, "id": case_id, "customer": customer or "", "kind": OVER_LIMIT,
                    "offer": None if entitlement is None else entitlement.offer,
                    "subject": f"{told.client}|{told.visit}",
                    "details": {"lounge": told.lounge, "visitedAt": told.visited_at.isoformat(),
                                "guests": told.guests},
                    "status": "OPEN", "at": now,
                }
            ]  # fmt: skip
    else:
        values: dict[str, Any] = {} if told.charge is None else {"charge": told.charge}
        if told.state is VisitState.REVERSED:
            values["charged"] = False
        every.append(Change("lounge_visit", key, before.state.value, told.state.value, values, lane=visit_lane))
    signals = [] if customer is None or booking is None else [(f"viewer:{customer}", f"booking:{booking.id}")]
    return Unit(
        id=new_id(lane, now),
        lane=lane,
        at=now,
        moves=moves or (),
        end_holds=ends or (),
        changes=every,
        rows=rows,
        signals=signals,
    )


def lane_of_visit(client: str, visit: str) -> int:
    """A visit is found by what its provider calls it, whoever's it is."""
    return lane_of(f"{client}\x1f{visit}")


# --- the use case


async def tell_visit(told: TellVisit, *, read: ReadVisits, policy: Policy, ledger: Ledger, clock: Clock) -> TellOutcome:
    """Record what a provider tells, once, however often and from how many sides it is told.

    Raises:
        Busy: too much is waiting; nothing was done.
    """
    for _ in range(8):
        now = clock.now()
        case = await _case(told, read, policy)
        if case is None:
            return VisitReused()
        decision = decide_visit(told, case, policy, now)
        match decision:
            case PassRefused():
                return decision
            case VisitFacts():
                return VisitRecorded(decision, await _holder(read, decision.customer))
            case Unit():
                pass
            case _:
                assert_never(decision)
        match await ledger.commit(decision):
            case Committed():
                visit = await read.visit(told.client, told.visit)
                if visit is None:
                    raise Broken("a visit that was committed is not there")
                return VisitRecorded(visit, await _holder(read, visit.customer))
            case Moved(kind="lounge_pass"):
                again = await read.visit(told.client, told.visit)
                if again is None:
                    return PassRefused(PassProblem.USED)  # by another visit
            case Moved() | Gone() | Short():
                pass  # told of from two sides, given back, or the last visit went: look again
            case other:
                raise Broken(f"a visit answered {type(other).__name__}")
    raise Busy("a visit kept changing")


async def _holder(read: ReadVisits, customer: str | None) -> str:
    return "" if customer is None else await read.holder(customer)


async def _case(told: TellVisit, read: ReadVisits, policy: Policy) -> VisitCase | None:
    """None: the id was used for another visit."""
    before = await read.visit(told.client, told.visit)
    if before is not None:
        if before.entitlement is not None and told.member is not None and told.member != before.entitlement:
            return None
        entitlement = None if before.entitlement is None else await read.entitlement(before.entitlement)
        booking = None if before.booking is None else await read.booking_by_id(before.booking)
        return VisitCase(before, entitlement, booking, await _pays(read, entitlement, booking))
    shown = told.shown
    if shown is not None and shown.booking is not None:
        booking = await read.booking_by_id(shown.booking)
        found = None if booking is None else await read.entitlement(booking.entitlement)
        return VisitCase(None, found, booking, found)
    number = told.member if shown is None else shown.entitlement
    entitlement = None if number is None else await read.entitlement(number)
    if entitlement is None:
        return VisitCase(None, None, None, None)
    since, until = told.visited_at - policy.late, told.visited_at + policy.early
    near = await read.bookings_at(entitlement.customer, told.lounge, since, until)
    for _ in range(8):
        # A visit that a booking gives back, or takes, between two looks must be seen on both sides or on neither.
        entitlement = await read.entitlement(entitlement.id)
        assert entitlement is not None
        looked, near = near, await read.bookings_at(entitlement.customer, told.lounge, since, until)
        if near == looked:
            break
    booking = booking_of(near, told.visited_at, policy)
    return VisitCase(None, entitlement, booking, await _pays(read, entitlement, booking))


async def _pays(
    read: ReadVisits, entitlement: EntitlementFacts | None, booking: BookingFacts | None
) -> EntitlementFacts | None:
    """Who has two entitlements may show one and have booked with the other."""
    if booking is None or (entitlement is not None and booking.entitlement == entitlement.id):
        return entitlement
    return await read.entitlement(booking.entitlement)


def booking_of(near: list[BookingFacts], visited_at: datetime, policy: Policy) -> BookingFacts | None:
    """The booking a visit belongs to: it came from `early` before the slot to its end; of two, the one begun last."""
    fitting = [
        each
        for each in near
        if each.status in (BookingStatus.CONFIRMED, BookingStatus.NO_SHOW)
        and each.starts_at - policy.early <= visited_at < each.ends_at
    ]
    return max(fitting, key=lambda each: (each.starts_at <= visited_at, each.starts_at), default=None)
