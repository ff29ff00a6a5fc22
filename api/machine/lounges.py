"""Where lounges' providers tell of visits: `POST /v1/lounges/visits`, scope `lounge`.

`visit` is the provider's own id; the same news again is answered again and changes nothing, in any order. With `pass`
(what the guest shows) it is a question, and a pass that is no good is refused: 422 with a code, and nobody is let in.
With `member` (the entitlement's number) it is news of what has happened, which is recorded in any case; `overLimit`
says that no visit was left for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.body import read_body
from api.machine.auth import CheckMachine, guarded
from api.machine.problems import bad_request, problem, unsupported_media_type
from api.node import node_id, uuid_of
from api.scalars import read_moment
from domain.identity.tokens import MachineToken
from domain.kernel.time import Clock
from domain.ledger.unit import Ledger
from domain.lounge.facts import VisitState
from domain.lounge.ports import Lounges, ReadVisits
from domain.lounge.visit import Pass, PassProblem, PassRefused, TellVisit, VisitRecorded, VisitReused, tell_visit

SCOPE = "lounge"
BODY_BYTES = 16 * 1024
MOST_GUESTS = 99
MOST_FEN = 10**9

_PROBLEMS = {
    PassProblem.UNKNOWN: "The pass does not hold",
    PassProblem.USED: "The pass was taken before",
    PassProblem.OTHER_LOUNGE: "The pass is of another lounge",
    PassProblem.NOT_NOW: "The pass is of another time",
    PassProblem.NO_VISIT: "No visit is left",
}


@dataclass(frozen=True, slots=True)
class LoungeDeps:
    """read_pass: what a pass says; None for one that does not hold."""

    check: CheckMachine
    read: ReadVisits
    lounges: Lounges
    ledger: Ledger
    clock: Clock
    read_pass: Callable[[str], Pass | None]


class _BadBody(Exception):
    """The text says what is wrong with it."""


def lounge_routes(deps: LoungeDeps) -> list[Route]:
    async def visits(request: Request, token: MachineToken) -> Response:
        types = request.headers.get("content-type", "application/json")
        if types.split(";")[0].strip().lower() != "application/json":
            return unsupported_media_type("application/json")
        try:
            told = await _told(request, token, deps)
        except _BadBody as bad:
            return bad_request(str(bad))
        if told is None:
            return _refused(PassProblem.UNKNOWN)
        policy = (await deps.lounges.latest()).policy
        outcome = await tell_visit(told, read=deps.read, policy=policy, ledger=deps.ledger, clock=deps.clock)
        match outcome:
            case VisitRecorded(visit, holder):
                body = {
                    "visit": visit.visit,
                    "state": visit.state.value,
                    "overLimit": visit.over_limit,
                    "booking": None if visit.booking is None else node_id("Booking", visit.booking),
                    "holder": holder,
                }
                return Response(orjson.dumps(body), 200, {"Cache-Control": "no-store"}, "application/json")
            case PassRefused(why):
                return _refused(why)
            case VisitReused():
                return problem(422, "VISIT_REUSED", "The visit's id came before for another member")
        assert_never(outcome)

    return [Route("/v1/lounges/visits", guarded(visits, scope=SCOPE, check=deps.check), methods=["POST"])]


def _refused(why: PassProblem) -> Response:
    return problem(422, why.value, _PROBLEMS[why])


async def _told(request: Request, token: MachineToken, deps: LoungeDeps) -> TellVisit | None:
    """None: a pass that does not hold."""
    body = await _body(request)
    try:
        state = VisitState(body.get("state") or "")
    except ValueError:
        raise _BadBody(f"state: one of {', '.join(VisitState)}.") from None
    shown, member = body.get("pass"), body.get("member")
    if (shown is None) == (member is None):
        raise _BadBody("One of pass (what the guest shows) and member (the entitlement's number).")
    visit, lounge = _text(body, "visit"), _text(body, "lounge")
    guests, charge = _whole(body, "guests", MOST_GUESTS), _whole(body, "charge", MOST_FEN)
    found: Pass | None = None
    if shown is not None:
        if type(shown) is not str or not 0 < len(shown) <= 256:
            raise _BadBody("pass: what the guest shows, at most 256 characters.")
        found = deps.read_pass(shown)
        if found is None:
            return None
    return TellVisit(
        client=token.client,
        visit=visit,
        state=state,
        lounge=lounge,
        visited_at=deps.clock.now() if found is not None else _moment(body, "visitedAt"),
        guests=guests or 0,
        member=None if member is None else _member(member),
        shown=found,
        charge=charge,
    )


async def _body(request: Request) -> Mapping[str, Any]:
    length = request.headers.get("content-length")
    raw = await read_body(length.encode() if length else None, request.receive, limit=BODY_BYTES)
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise _BadBody("The body is not JSON in UTF-8.") from None
    if type(body) is not dict:
        raise _BadBody("The body must be an object.")
    return body


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if type(value) is not str or not 0 < len(value) <= 64 or not value.isprintable() or value != value.strip():
        raise _BadBody(f"{name}: 1 to 64 printable characters.")
    return value


def _whole(body: Mapping[str, Any], name: str, most: int) -> int | None:
    value = body.get(name)
    if value is not None and (type(value) is not int or not 0 <= value <= most):
        raise _BadBody(f"{name}: a whole number of 0 to {most}.")
    return value


def _moment(body: Mapping[str, Any], name: str) -> datetime:
    try:
        return read_moment(body.get(name))
    except ValueError as wrong:
        raise _BadBody(f"{name}: {wrong}") from None


def _member(value: object) -> UUID:
    """A number that is nobody's is nobody's entitlement: recorded like any other visit."""
    if type(value) is str:
        found = uuid_of(value, "Entitlement")
        if found is not None:
            return found
        try:
            return UUID(value)
        except ValueError:
            pass
    raise _BadBody("member: an entitlement's number.")
