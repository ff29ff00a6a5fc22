"""Merchants for the bank's operators: statements, standing, inspections (scope `operate`)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.body import read_body
from api.machine.auth import CheckMachine, guarded
from api.machine.problems import answer, bad_request, problem
from domain.identity.tokens import MachineToken
from domain.kernel.time import Clock, business_day, iso
from domain.merchants.standing import Inspection, Reviews, Standing, Verdict
from domain.till.settlement import Statement

SCOPE = "operate"
BODY_BYTES = 16 * 1024
NOTE_CHARS = 2_000

_MERCHANT = re.compile(r"[^\x00-\x20\x7f-\x9f\ud800-\udfff]{1,64}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_FIRST, _LAST = date(2000, 1, 1), date(2099, 12, 31)
_UNFIT = re.compile(r"[^A-Za-z0-9._-]")
"""What a file's name had better not have."""


class Statements(Protocol):
    async def statement(self, merchant: str, day: date, now: datetime) -> Statement: ...


class Standings(Protocol):
    async def standing(self, merchant: str) -> Standing | None: ...

    async def review(self, merchant: str, reviews: Reviews, by: str, at: datetime) -> None: ...

    async def inspect(self, merchant: str, inspection: Inspection) -> None: ...


@dataclass(frozen=True, slots=True)
class MerchantDeps:
    check: CheckMachine
    statements: Statements
    standings: Standings
    clock: Clock


class _Bad(Exception):
    """The text says what is wrong."""


def merchant_routes(deps: MerchantDeps) -> list[Route]:
    async def statement(request: Request, token: MachineToken) -> Response:
        merchant, day = _merchant(request), _date_of(request.path_params["day"])
        if day is None:
            return bad_request("The path ends with a day as YYYY-MM-DD.")
        if merchant is None or day < _FIRST:
            return _not_found()
        if await deps.standings.standing(merchant) is None:
            return _not_found()
        now = deps.clock.now()
        if day > business_day(now):
            return problem(404, "DAY_NOT_BEGUN", "There is no statement of a day that has not begun")
        found = await deps.statements.statement(merchant, day, now)
        if "text/csv" in request.headers.get("accept", "") or request.query_params.get("format") == "csv":
            name = f"statement-{_UNFIT.sub('_', merchant)}-{day}.csv"
            headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'}
            return Response(found.csv, 200, headers, "text/csv; charset=utf-8")
        return Response(found.body, 200, {"Cache-Control": "no-store"}, "application/json")

    async def standing(request: Request, token: MachineToken) -> Response:
        merchant = _merchant(request)
        found = await deps.standings.standing(merchant) if merchant is not None else None
        if found is None or merchant is None:
            return _not_found()
        if request.method == "PUT":
            try:
                body = await _body(request)
                reviews = Reviews(
                    _date(body, "licenceReviewedOn"), _date(body, "creditReviewedOn"),
                    _date(body, "undertakingSignedOn"), _note(body),
                )  # fmt: skip
            except _Bad as bad:
                return bad_request(str(bad))
            await deps.standings.review(merchant, reviews, token.client, deps.clock.now())
            found = await deps.standings.standing(merchant)
            assert found is not None
        return answer(200, _standing(found))

    async def inspections(request: Request, token: MachineToken) -> Response:
        merchant = _merchant(request)
        if merchant is None or await deps.standings.standing(merchant) is None:
            return _not_found()
        now = deps.clock.now()
        try:
            body = await _body(request)
            inspection = Inspection(
                _uuid(body, "id"), _date(body, "day") or business_day(now), _verdict(body), _note(body),
                token.client, now,
            )  # fmt: skip
        except _Bad as bad:
            return bad_request(str(bad))
        await deps.standings.inspect(merchant, inspection)
        found = await deps.standings.standing(merchant)
        assert found is not None
        return answer(200, _standing(found))

    def route(path: str, endpoint: Any, *methods: str) -> Route:
        return Route(path, guarded(endpoint, scope=SCOPE, check=deps.check), methods=list(methods))

    return [
        route("/v1/merchants/{merchant}/statements/{day}", statement, "GET"),
        route("/v1/merchants/{merchant}/standing", standing, "GET", "PUT"),
        route("/v1/merchants/{merchant}/inspections", inspections, "POST"),
    ]


def _not_found() -> Response:
    return problem(404, "NOT_FOUND", "There is no such thing here")


def _merchant(request: Request) -> str | None:
    text: str = request.path_params["merchant"]
    return text if _MERCHANT.fullmatch(text) else None


def _date_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def _day_of(text: Any) -> date | None:
    """A day of this century."""
    day = _date_of(text) if type(text) is str else None
    return day if day is not None and _FIRST <= day <= _LAST else None


async def _body(request: Request) -> dict[str, Any]:
    length = request.headers.get("content-length")
    raw = await read_body(length.encode() if length else None, request.receive, limit=BODY_BYTES)
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise _Bad("The body is not JSON in UTF-8.") from None
    if type(body) is not dict:
        raise _Bad("The body must be an object.")
    return body


def _date(body: Mapping[str, Any], name: str) -> date | None:
    if body.get(name) is None:
        return None
    found = _day_of(body[name])
    if found is None:
        raise _Bad(f"{name}: a day as YYYY-MM-DD.")
    return found


def _note(body: Mapping[str, Any]) -> str:
    note = body.get("note", "")
    if type(note) is not str or len(note) > NOTE_CHARS or "\0" in note:
        raise _Bad(f"note: at most {NOTE_CHARS} characters.")
    return note


def _uuid(body: Mapping[str, Any], name: str) -> UUID:
    try:
        return UUID(body.get(name) if type(body.get(name)) is str else "")
    except ValueError:
        raise _Bad(f"{name}: a UUID of the caller's own.") from None


def _verdict(body: Mapping[str, Any]) -> Verdict:
    given = body.get("verdict")
    if type(given) is not str or given not in list(Verdict):
        raise _Bad(f"verdict: one of {', '.join(Verdict)}.")
    return Verdict(given)


def _standing(found: Standing) -> dict[str, Any]:
    reviews = found.reviews
    return {
        "merchant": found.merchant,
        "name": found.name,
        "status": found.status,
        "licenceReviewedOn": reviews.licence_reviewed_on,
        "creditReviewedOn": reviews.credit_reviewed_on,
        "undertakingSignedOn": reviews.undertaking_signed_on,
        "note": reviews.note,
        "missing": list(found.missing),
        "inspectBy": found.inspect_by(),
        "inspections": [
            {
                "id": str(each.id),
                "day": each.day,
                "verdict": each.verdict.value,
                "note": each.note,
                "inspector": each.inspector,
                "at": iso(each.at),
            }
            for each in found.inspections
        ],
    }
