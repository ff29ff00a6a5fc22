"""The operators' door (scope `operate`): applications, cases, live changes of campaigns, freezes, the audit.

The token says which tool of the bank's is calling, `X-Operator` which person uses it; both stand in the audit. Every
write can be sent again. Lists go on behind the last entry's `next`.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias, assert_never
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.body import read_body
from api.machine.auth import CheckMachine, guarded
from api.machine.problems import answer, problem
from domain.identity.tokens import MachineToken
from domain.kernel.errors import InputInvalid
from domain.kernel.time import Clock, iso
from domain.kernel.words import Words
from domain.ledger.unit import Ledger
from domain.offers.apply import (
    ApplicationCase,
    DecideApplication,
    Decided,
    DecidedOtherwise,
    NoLongerEarned,
    ReadApplicationCases,
    decide_asked,
)
from domain.offers.asked import ApplicationFacts, ApplicationStatus
from domain.offers.outcomes import NotFound, SoldOut
from domain.operate.changes import NoSuchThing, NothingToChange, Refused, Stale
from domain.operate.close_case import CloseCase, close_case
from domain.operate.ports import (
    AskedChange,
    AuditEntry,
    CaseFacts,
    ChangeFacts,
    ChangeOutcome,
    DecidedBefore,
    LiveChanges,
    NeedsAnother,
    ReadAudit,
    ReadCases,
    RequestReusedFor,
    RequestStatus,
)
from domain.operate.written import read_change
from domain.risk.freezes import (
    FreezeCustomer,
    FreezeFacts,
    LiftFreeze,
    ReadStandings,
    freeze_customer,
    lift_freeze,
)

SCOPE = "operate"
BODY_BYTES = 64 * 1024
PAGE = 50
MOST = 200
REASON_CHARS = 500

_OPERATOR = re.compile(r"[\x21-\x7e]{1,64}")


class ListApplications(ReadApplicationCases, Protocol):
    async def listed(
        self, status: ApplicationStatus, offer: str | None, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[ApplicationFacts]: ...


@dataclass(frozen=True, slots=True)
class OperateDeps:
    check: CheckMachine
    applications: ListApplications
    cases: ReadCases
    changes: LiveChanges
    audit: ReadAudit
    standings: ReadStandings
    ledger: Ledger
    clock: Clock


Handler: TypeAlias = Callable[[Request, MachineToken], Awaitable[Response]]


def operate_routes(deps: OperateDeps) -> list[Route]:
    def route(path: str, handler: Handler, method: str) -> Route:
        return Route(path, guarded(handler, scope=SCOPE, check=deps.check), methods=[method])

    async def applications(request: Request, token: MachineToken) -> Response:
        query = request.query_params
        status = _one_of(ApplicationStatus, query.get("status", "SUBMITTED"))
        rows = await deps.applications.listed(status, query.get("offer"), _after(query), _limit(query))
        return answer(
            200, _page([_application(row) for row in rows], [(row.at, row.id) for row in rows], _limit(query))
        )

    async def application(request: Request, token: MachineToken) -> Response:
        case = await deps.applications.case(_id(request), deps.clock.now())
        return _not_found() if case is None else answer(200, _application_case(case))

    async def decide(request: Request, token: MachineToken) -> Response:
        body = await _body(request)
        decision = body.get("decision")
        if decision not in ("APPROVED", "REJECTED"):
            raise InputInvalid("decision is APPROVED or REJECTED.")
        command = DecideApplication(
            _id(request), decision == "APPROVED", _operator(request, token), _text(body, "note", 0)
        )
        outcome = await decide_asked(command, read=deps.applications, ledger=deps.ledger, clock=deps.clock)
        match outcome:
            case Decided(facts):
                return answer(200, _application(facts))
            case DecidedOtherwise(facts):
                return problem(409, "DECIDED_BEFORE", "It is decided already", current=_application(facts))
            case NoLongerEarned(reasons):
                told = [{"code": each.code, "message": each.message.en} for each in reasons]
                return problem(409, "NO_LONGER_EARNED", "What it was asked for with was given back", reasons=told)
            case SoldOut():
                return problem(409, "SOLD_OUT", "Its quota or budget does not take another one")
            case NotFound():
                return _not_found()
        assert_never(outcome)

    async def cases(request: Request, token: MachineToken) -> Response:
        query = request.query_params
        status = query.get("status", "OPEN")
        if status not in ("OPEN", "CLOSED"):
            raise InputInvalid("status is OPEN or CLOSED.")
        rows = await deps.cases.cases(status, query.get("kind"), _after(query), _limit(query))
        return answer(200, _page([_case(row) for row in rows], [(row.at, row.id) for row in rows], _limit(query)))

    async def case(request: Request, token: MachineToken) -> Response:
        found = await deps.cases.case_of(_id(request))
        return _not_found() if found is None else answer(200, _case(found))

    async def close(request: Request, token: MachineToken) -> Response:
        body = await _body(request)
        command = CloseCase(_id(request), _operator(request, token), _text(body, "note", 1))
        found = await close_case(command, read=deps.cases, ledger=deps.ledger, clock=deps.clock)
        return _not_found() if found is None else answer(200, _case(found))

    async def ask(request: Request, token: MachineToken) -> Response:
        body = await _body(request)
        asked = AskedChange(
            _uuid(body, "requestId"), request.path_params["campaign"], read_change(body), _operator(request, token),
            _text(body, "reason", 1),
        )  # fmt: skip
        return _changed(await deps.changes.ask(asked))

    async def approve(request: Request, token: MachineToken) -> Response:
        return _changed(await deps.changes.approve(_id(request), _operator(request, token)))

    async def reject(request: Request, token: MachineToken) -> Response:
        reason = _text(await _body(request), "reason", 1)
        return _changed(await deps.changes.reject(_id(request), _operator(request, token), reason))

    async def changes(request: Request, token: MachineToken) -> Response:
        query = request.query_params
        status = _one_of(RequestStatus, query["status"]) if "status" in query else None
        rows = await deps.changes.listed(query.get("campaign"), status)
        return answer(200, {"items": [_change(row) for row in rows]})

    async def frozen(request: Request, token: MachineToken) -> Response:
        customer = request.path_params["customer"]
        standing = await deps.standings.standing_of(customer)
        return answer(200, _freeze(customer, standing.frozen)) if standing.known else _not_found()

    async def freeze(request: Request, token: MachineToken) -> Response:
        body, customer = await _body(request), request.path_params["customer"]
        reason, appealable = body.get("reason"), body.get("appealable", True)
        if not isinstance(reason, dict) or not isinstance(appealable, bool):
            raise InputInvalid("reason is an object with zh and en, appealable true or false.")
        command = FreezeCustomer(
            customer, Words(_text(reason, "zh", 1), _text(reason, "en", 1)), appealable, _operator(request, token),
            _text(body, "note", 1),
        )  # fmt: skip
        found = await freeze_customer(command, read=deps.standings, ledger=deps.ledger, clock=deps.clock)
        return _not_found() if found is None else answer(200, _freeze(customer, found))

    async def unfreeze(request: Request, token: MachineToken) -> Response:
        note, customer = _text(await _body(request), "note", 1), request.path_params["customer"]
        command = LiftFreeze(customer, _operator(request, token), note)
        known = await lift_freeze(command, read=deps.standings, ledger=deps.ledger, clock=deps.clock)
        return answer(200, _freeze(customer, None)) if known else _not_found()

    async def audit(request: Request, token: MachineToken) -> Response:
        query = request.query_params
        rows = await deps.audit.audit(query.get("subject"), _limit(query))
        return answer(200, {"items": [_entry(row) for row in rows]})

    return [
        route("/v1/applications", applications, "GET"),
        route("/v1/applications/{id}", application, "GET"),
        route("/v1/applications/{id}/decision", decide, "POST"),
        route("/v1/cases", cases, "GET"),
        route("/v1/cases/{id}", case, "GET"),
        route("/v1/cases/{id}/close", close, "POST"),
        route("/v1/campaigns/{campaign}/changes", ask, "POST"),
        route("/v1/changes", changes, "GET"),
        route("/v1/changes/{id}/approve", approve, "POST"),
        route("/v1/changes/{id}/reject", reject, "POST"),
        route("/v1/customers/{customer}/freeze", frozen, "GET"),
        route("/v1/customers/{customer}/freeze", freeze, "POST"),
        route("/v1/customers/{customer}/unfreeze", unfreeze, "POST"),
        route("/v1/audit", audit, "GET"),
    ]


def _changed(outcome: ChangeOutcome) -> Response:
    match outcome:
        case ChangeFacts(status=status):
            return answer(202 if status is RequestStatus.PENDING else 200, _change(outcome))
        case Stale(current):
            return problem(409, "STALE", "The figure is another one by now", current=current)
        case NothingToChange():
            return problem(409, "NOTHING_TO_CHANGE", "It is so already")
        case Refused(code, detail):
            return problem(409, code, "The change is refused", detail)
        case NoSuchThing():
            return _not_found()
        case RequestReusedFor():
            return problem(422, "REQUEST_REUSED", "The requestId came before with another change")
        case NeedsAnother():
            return problem(403, "SECOND_PERSON_NEEDED", "Somebody else than who asked for it must decide")
        case DecidedBefore(facts):
            return problem(409, "DECIDED_BEFORE", "It is decided already", current=_change(facts))
    assert_never(outcome)


def _not_found() -> Response:
    return problem(404, "NOT_FOUND", "There is no such thing here")


# --- what comes in


async def _body(request: Request) -> Mapping[str, Any]:
    length = request.headers.get("content-length")
    raw = await read_body(length.encode() if length else None, request.receive, limit=BODY_BYTES)
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise InputInvalid("The body is not JSON in UTF-8.") from None
    if not isinstance(body, dict):
        raise InputInvalid("The body is a JSON object.")
    return body


def _operator(request: Request, token: MachineToken) -> str:
    """`tool/person`: who decides, as the audit keeps it."""
    person = request.headers.get("x-operator", "")
    if not _OPERATOR.fullmatch(person):
        raise InputInvalid("X-Operator names the person: 1 to 64 visible ASCII characters.")
    return f"{token.client}/{person}"


def _id(request: Request) -> UUID:
    """An id that cannot be one is nothing's: the reader finds nothing under it."""
    try:
        return UUID(request.path_params["id"])
    except ValueError:
        return UUID(int=0)


def _uuid(body: Mapping[str, Any], key: str) -> UUID:
    try:
        return UUID(body[key])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise InputInvalid(f"{key} is a UUID.") from None


def _text(body: Mapping[str, Any], key: str, least: int) -> str:
    value = body.get(key) or ""
    if not isinstance(value, str) or not least <= len(value.strip()) <= REASON_CHARS or "\x00" in value:
        raise InputInvalid(f"{key} is a text of {least} to {REASON_CHARS} characters.")
    return value.strip()


def _one_of(kind: Any, text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise InputInvalid(f"status is one of: {', '.join(kind)}.") from None


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(PAGE))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MOST:
        raise InputInvalid(f"limit is a number from 1 to {MOST}.")
    return int(text)


def _after(query: Mapping[str, str]) -> tuple[datetime, UUID] | None:
    if "after" not in query:
        return None
    try:
        at, _, id = urlsafe_b64decode(query["after"].encode()).decode().partition("|")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError(at)
        return moment, UUID(id)
    except (NotBase64, ValueError):
        raise InputInvalid("after is the `next` of an earlier answer.") from None


# --- what goes out


def _page(items: Sequence[Any], marks: Sequence[tuple[datetime, UUID]], limit: int) -> dict[str, Any]:
    """next: for the following page; null where this one is not full."""
    full = len(items) == limit
    next_ = urlsafe_b64encode(f"{marks[-1][0].isoformat()}|{marks[-1][1]}".encode()).decode() if full else None
    return {"items": items, "next": next_}


def _application(facts: ApplicationFacts) -> dict[str, Any]:
    return {
        "id": str(facts.id),
        "customer": facts.customer,
        "campaign": facts.campaign,
        "version": facts.version,
        "offer": facts.offer,
        "status": facts.status.value,
        "at": iso(facts.at),
        "note": facts.note,
        "decidedBy": facts.decided_by,
    }


def _application_case(case: ApplicationCase) -> dict[str, Any]:
    against = [] if case.still_earned else case.eligible_then.reasons
    return _application(case.application) | {
        "stillEarned": case.still_earned,
        "reasons": [{"code": each.code, "message": each.message.en} for each in against],
    }


def _case(facts: CaseFacts) -> dict[str, Any]:
    return {
        "id": str(facts.id),
        "customer": facts.customer,
        "kind": facts.kind,
        "offer": facts.offer,
        "subject": facts.subject,
        "details": facts.details,
        "status": facts.status,
        "at": iso(facts.at),
        "closedAt": None if facts.closed_at is None else iso(facts.closed_at),
        "closedBy": facts.closed_by,
        "note": facts.note,
    }


def _change(facts: ChangeFacts) -> dict[str, Any]:
    return {
        "id": str(facts.id),
        "campaign": facts.campaign,
        "change": facts.change,
        "effect": facts.effect.value,
        "status": facts.status.value,
        "version": facts.version,
        "author": facts.author,
        "reason": facts.reason,
        "second": facts.second,
        "at": iso(facts.at),
    }


def _freeze(customer: str, facts: FreezeFacts | None) -> dict[str, Any]:
    """since, reason, appealable: null where the customer is free."""
    return {
        "customer": customer,
        "frozen": facts is not None,
        "since": None if facts is None else iso(facts.since),
        "reason": None if facts is None else {"zh": facts.reason.zh, "en": facts.reason.en},
        "appealable": None if facts is None else facts.appealable,
    }


def _entry(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": str(entry.id),
        "at": iso(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "reason": entry.reason,
        "effect": None if entry.effect is None else entry.effect.value,
        "second": entry.second,
        "details": entry.details,
    }
