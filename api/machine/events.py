"""POST /v1/events: events from the bank, in batches of CloudEvents 1.0 (JSON batch format).

The envelope is read here, each event by itself; whether its data fits its type, and whether it came before, is for the
inbox. One bad event never spoils its neighbours. The answer comes after everything accepted is durable.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.body import BodyTooLarge, BodyTooSlow, read_body
from api.machine.auth import CheckMachine, guarded
from api.machine.problems import answer, bad_request, busy, too_large, too_slow, trace_of, unsupported_media_type
from domain.identity.tokens import MachineToken
from domain.intake.model import Accepted, Duplicate, Inbox, Incoming, RejectCode, Rejected

SCOPE = "events"
MEDIA_TYPE = "application/cloudevents-batch+json"
BODY_BYTES = 5_000_000
EVENTS = 1_000
REQUESTS_AT_ONCE = 64
"""Bodies and their events are held in memory while they are written."""

NAME_CHARS = 256
TYPE_CHARS = 128
TIME_CHARS = 64
YEARS = ("2000", "2099")
"""First and last that a time may be written in: beyond them somebody's clock is wrong."""

_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:(\d\d)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class EventDeps:
    inbox: Inbox
    check: CheckMachine
    requests_at_once: int = REQUESTS_AT_ONCE


def event_routes(deps: EventDeps) -> list[Route]:
    in_hand = 0

    async def take(request: Request, token: MachineToken) -> Response:
        nonlocal in_hand
        if not _is_batch(request):
            return unsupported_media_type(MEDIA_TYPE)
        if in_hand >= deps.requests_at_once:
            return busy()
        in_hand += 1
        try:
            return await _take(request, deps.inbox)
        finally:
            in_hand -= 1

    return [Route("/v1/events", guarded(take, scope=SCOPE, check=deps.check), methods=["POST"])]


async def _take(request: Request, inbox: Inbox) -> Response:
    length = request.headers.get("content-length")
    try:
        body = await read_body(length.encode() if length else None, request.receive, limit=BODY_BYTES)
    except BodyTooLarge:
        return too_large(f"A batch may have {BODY_BYTES} bytes.")
    except BodyTooSlow:
        return too_slow()
    try:
        batch = read_json(body)
    except ValueError:
        return bad_request("The body is not JSON in UTF-8.")
    if type(batch) is not list or not batch:
        return bad_request("The body must be an array of at least one event.")
    if len(batch) > EVENTS:
        return too_large(f"A batch may have {EVENTS} events.", "TOO_MANY_EVENTS")

    read = [read_envelope(entry) for entry in batch]
    events = [event for event in read if type(event) is Incoming]
    verdicts = iter(await inbox.accept(events, trace=trace_of(request.scope)) if events else ())
    accepted = duplicates = 0
    rejected = []
    for index, event in enumerate(read):
        verdict = next(verdicts) if type(event) is Incoming else event
        match verdict:
            case Accepted():
                accepted += 1
            case Duplicate():
                duplicates += 1
            case Rejected(code, detail):
                id = _id_of(batch[index])
                rejected.append({"index": index, "id": id, "code": code.value, "detail": detail})
    return answer(202, {"accepted": accepted, "duplicates": duplicates, "rejected": rejected})


def _is_batch(request: Request) -> bool:
    headers = request.scope["headers"]
    types = [value for name, value in headers if name == b"content-type"]
    if len(types) != 1 or any(name == b"content-encoding" and value.lower() != b"identity" for name, value in headers):
        return False
    media, *parameters = types[0].lower().split(b";")
    utf8 = (b"charset=utf-8", b'charset="utf-8"')
    return media.strip() == MEDIA_TYPE.encode() and all(part.strip() in utf8 for part in parameters if part.strip())


def read_json(body: bytes) -> Any:
    """Strict JSON. Raises ValueError.

    Half a surrogate pair is well-formed JSON that no UTF-8 can carry. It makes its event unfit, not the whole batch, so
    a body that orjson refuses and that has such an escape is read once more by a parser that lets it through.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        if not _ESCAPED_SURROGATE.search(body):
            raise
    try:
        return json.loads(body.decode(), parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _no_constant(name: str) -> None:
    raise ValueError(name)


def read_envelope(entry: Any) -> Incoming | Rejected:
    """One CloudEvent's envelope. Extensions and optional attributes are not looked at."""
    if type(entry) is not dict:
        return _unfit("The entry is not an object.")
    if entry.get("specversion") != "1.0":
        return _unfit('specversion: must be "1.0".')
    source, id, type_, data = entry.get("source"), entry.get("id"), entry.get("type"), entry.get("data")
    for name, value, most in (("source", source, NAME_CHARS), ("id", id, NAME_CHARS), ("type", type_, TYPE_CHARS)):
        if type(value) is not str or not 0 < len(value) <= most:
            return _unfit(f"{name}: must be a text of 1 to {most} characters.")
        if not value.isprintable() and _CONTROL.search(value):
            return _unfit(f"{name}: a control character or half a surrogate pair is not taken.")
    at = read_time(entry.get("time"))
    if at is None:
        return _unfit("time: must be an RFC 3339 date and time with an offset, from 2000 to 2099.")
    if type(data) is not dict:
        return _unfit("data: must be an object.")
    return Incoming(source, id, type_, at, data)  # type: ignore[arg-type]


def read_time(text: Any) -> datetime | None:
    """A moment as RFC 3339 spells it, or None. Finer than a microsecond is cut; a leap second is the one after it."""
    if type(text) is not str or len(text) > TIME_CHARS:
        return None
    found = _TIME.fullmatch(text)
    if found is None or not YEARS[0] <= text[:4] <= YEARS[1]:
        return None
    try:
        if found[1] == "60":
            return datetime.fromisoformat(f"{text[:17]}59{text[19:]}".upper()).replace(microsecond=0) + _SECOND
        return datetime.fromisoformat(text.upper())
    except (ValueError, OverflowError):
        return None


_SECOND = timedelta(seconds=1)


def _unfit(detail: str) -> Rejected:
    return Rejected(RejectCode.EVENT_INVALID, detail)


def _id_of(entry: Any) -> str | None:
    """The id to answer with: as it came, where it can be one."""
    id = entry.get("id") if type(entry) is dict else None
    if type(id) is not str or len(id) > NAME_CHARS or _CONTROL.search(id):
        return None
    return id
