"""The till's calls: quotes, capture, release, reversals (contract section 4).

Each is done once under its `Idempotency-Key`, however often and from how many sides it is sent: the first answer again,
byte for byte; 422 with another body; 409 with Retry-After when the first is still under way after `PATIENCE_S`.

A plain ASGI callable, as `/graphql` is (docs/decisions/0015-the-tills-door.md).
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple, Protocol, TypeAlias
from uuid import UUID

import orjson
from starlette.responses import Response

from api.body import BodyTooLarge, BodyTooSlow, ClientGone, Receive, read_body
from api.graphql.head import JSON, RequestHead, read_head
from api.machine.auth import CheckMachine, admit
from api.machine.problems import (
    LATER,
    PROBLEM,
    RETRY_AFTER_S,
    TRACE_HEADER,
    Report,
    Send,
    bad_request,
    busy,
    internal,
    problem,
    too_large,
    too_slow,
    unsupported_media_type,
)
from api.machine.till_answers import present
from api.node import uuid_of
from domain.campaigns.terms import PaymentMethod, Reason
from domain.identity.tokens import MachineToken
from domain.kernel.errors import HallError
from domain.kernel.ids import lane_of
from domain.kernel.prints import fingerprint
from domain.kernel.time import Clock
from domain.ledger.unit import Ledger
from domain.offers.ports import Catalogs
from domain.till.capture import CaptureQuote, capture_quote
from domain.till.model import Key, KeyReused, Payment, Quote, Told
from domain.till.ports import Presented, ReadTill
from domain.till.quote import Named, QuotePayment, quote_payment
from domain.till.release import ReleaseQuote, release_quote
from domain.till.reverse import ReverseRedemption, reverse_redemption

PREFIX = "/v1/till/"
SCOPE = "till"
BODY_BYTES = 16 * 1024
PATIENCE_S = 5.0
MOST_FEN = 10**12
"""10 billion yuan: more is no sale."""

_KEY = re.compile(rb"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
_TOKEN = re.compile(r'[^"\\\x00-\x20\x7f-\x9f{}|\ud800-\udfff]{1,64}')
"""An opaque token of the bank's that accounts can be named by."""


class RecallQuotes(Protocol):
    """Quotes made by this process."""

    def keep(self, quote: Quote) -> None: ...

    def take(self, id: UUID) -> Quote | None: ...


class ObserveCall(Protocol):
    """Told of every answer: method, the path's template (`none` where there is no such call), status, seconds."""

    def __call__(self, method: str, path: str, status: int, seconds: float, /) -> None: ...


@dataclass(frozen=True, slots=True)
class TillDeps:
    """read_payload: what a presentation says, or why nothing. patience_s: how long a repetition waits for the first.

    bind_trace: told the trace id in the request's own task. report: told of our bugs, with the trace id.
    """

    check: CheckMachine
    read: ReadTill
    catalogs: Catalogs
    ledger: Ledger
    clock: Clock
    recent: RecallQuotes
    read_payload: Callable[[str], Presented | Reason]
    bind_trace: Callable[[str], None]
    report: Report
    observe: ObserveCall
    patience_s: float = PATIENCE_S


Call: TypeAlias = Callable[[Key], Awaitable[Told | KeyReused]]

_TEMPLATES: Mapping[tuple[str, int, str], str] = {
    ("quotes", 1, ""): "/v1/till/quotes",
    ("quotes", 3, "capture"): "/v1/till/quotes/{quote}/capture",
    ("quotes", 3, "release"): "/v1/till/quotes/{quote}/release",
    ("redemptions", 3, "reversals"): "/v1/till/redemptions/{redemption}/reversals",
}


class _BadBody(Exception):
    """The text says what is wrong with it."""


class _Answer(NamedTuple):
    """What Starlette's `Response` would be, without its making."""

    status_code: int
    raw_headers: Sequence[tuple[bytes, bytes]]
    body: bytes


class TillApp:
    """An ASGI application for `http` scopes below `PREFIX`."""

    def __init__(self, deps: TillDeps) -> None:
        self._deps = deps
        self._running: dict[tuple[str, str], tuple[int, asyncio.Future[Told | KeyReused]]] = {}

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        started = perf_counter()
        head = read_head(scope)
        self._deps.bind_trace(head.trace_id)
        parts = scope["path"].removeprefix(PREFIX).split("/")
        template = _TEMPLATES.get((parts[0], len(parts), parts[-1] if len(parts) > 1 else ""))
        answer: Response | _Answer
        try:
            if template is None:
                answer = problem(404, "NOT_FOUND", "There is no such thing here")
            elif head.method != "POST":
                answer = problem(405, "METHOD_NOT_ALLOWED", "This method is not taken here", headers={"Allow": "POST"})
            else:
                answer = await self._answer(head, scope["headers"], receive, parts)
        except ClientGone:
            return
        except Exception as error:
            answer = self._turned_away(error, head.trace_id)
        await send(
            {
                "type": "http.response.start",
                "status": answer.status_code,
                "headers": [*answer.raw_headers, (TRACE_HEADER, head.trace_id.encode())],
            }
        )
        await send({"type": "http.response.body", "body": answer.body})
        self._deps.observe(head.method, template or "none", answer.status_code, perf_counter() - started)

    async def _answer(
        self, head: RequestHead, headers: Sequence[tuple[bytes, bytes]], receive: Receive, parts: Sequence[str]
    ) -> Response | _Answer:
        token = admit(headers, scope=SCOPE, check=self._deps.check)
        if isinstance(token, Response):
            return token
        if (given := head.headers.get(b"content-type")) and given.split(b";")[0].strip().lower() != JSON:
            return unsupported_media_type("application/json")
        raw = await read_body(head.headers.get(b"content-length"), receive, limit=BODY_BYTES)
        body = _body(raw, may_be_empty=parts[-1] == "release")
        what, call = self._call(parts, body, head)
        keys = [value for name, value in headers if name == b"idempotency-key"]
        if not keys:
            return problem(400, "IDEMPOTENCY_KEY_MISSING", "An Idempotency-Key is needed")
        if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
            return bad_request("Idempotency-Key: one, of 1 to 255 printable ASCII characters.")
        return await self._once(_key(token, keys[0].decode(), what, body), call)

    def _call(self, parts: Sequence[str], body: Mapping[str, Any], head: RequestHead) -> tuple[str, Call]:
        """What is asked for, as the key's digest knows it, and what does it. Raises _BadBody."""
        deps = self._deps
        match parts:
            case [_, quote, "capture"]:
                id, transaction = _id(quote), _token(body, "transaction")
                return f"capture {id}", lambda key: capture_quote(
                    CaptureQuote(key, id, transaction), read=deps.read, ledger=deps.ledger, clock=deps.clock,
                    present=present, recall=deps.recent.take,
                )  # fmt: skip
            case [_, quote, "release"]:
                id = _id(quote)
                return f"release {id}", lambda key: release_quote(
                    ReleaseQuote(key, id), read=deps.read, ledger=deps.ledger, clock=deps.clock, present=present,
                    recall=deps.recent.take,
                )  # fmt: skip
            case [_, redemption, "reversals"]:
                id, amount = _id(redemption), _amount(body, least=0)
                return f"reversal {id}", lambda key: reverse_redemption(
                    ReverseRedemption(key, id, amount), read=deps.read, catalogs=deps.catalogs, ledger=deps.ledger,
                    clock=deps.clock, present=present,
                )  # fmt: skip
            case _:
                payment, named = _payment(body), _named(body.get("coupon"), deps)
                return "quotes", lambda key: quote_payment(
                    QuotePayment(key, payment, named), read=deps.read, catalogs=deps.catalogs, ledger=deps.ledger,
                    clock=deps.clock, present=partial(present, language=head.language),
                    remember=deps.recent.keep,
                )  # fmt: skip

    async def _once(self, key: Key, call: Call) -> Response | _Answer:
        """Of the calls under way in this process one goes on under a key, alone; a repetition waits for it."""
        while (found := self._running.get((key.client, key.key))) is not None:
            digest, first = found
            if digest != key.digest:
                return _reused()
            if not (await asyncio.wait({first}, timeout=self._deps.patience_s))[0]:
                title = "The first call with this Idempotency-Key is still under way"
                return problem(409, "IDEMPOTENCY_KEY_IN_USE", title, headers={"Retry-After": str(RETRY_AFTER_S)})
            if not first.cancelled():
                return _told(first.result(), again=True)
            # The first one ended without an answer: it is the next one's turn.
        first = asyncio.get_running_loop().create_future()
        self._running[key.client, key.key] = (key.digest, first)
        try:
            told = await call(key)
            first.set_result(told)
            return _told(told)
        finally:
            del self._running[key.client, key.key]
            first.cancel()  # does nothing to one that has its result

    def _turned_away(self, error: Exception, trace_id: str) -> Response:
        match error:
            case _BadBody():
                return bad_request(str(error))
            case BodyTooLarge():
                return too_large("The body has more bytes than this route takes.")
            case BodyTooSlow():
                return too_slow()
            case HallError() if error.code in LATER:
                return busy(error.code)
        self._deps.report(error, trace_id)
        return internal(trace_id)


def _told(told: Told | KeyReused, *, again: bool = False) -> Response | _Answer:
    if isinstance(told, KeyReused):
        return _reused()
    body = told.body.encode()
    headers = [
        (b"content-type", _PROBLEM if told.status >= 400 else JSON),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    if again or told.again:
        headers.append((b"idempotency-replayed", b"true"))
    return _Answer(told.status, headers, body)


_PROBLEM = PROBLEM.encode()


def _reused() -> Response:
    return problem(422, "IDEMPOTENCY_KEY_REUSED", "The Idempotency-Key came before with another call")


# --- what came in


def _key(token: MachineToken, text: str, what: str, body: Mapping[str, Any]) -> Key:
    try:
        spelled = orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError:
        raise _BadBody("The body is nested too deeply.") from None
    digest = fingerprint(what, spelled)
    return Key(token.client, text, digest, lane_of(f"{token.client}\x1f{text}"))


def _body(raw: bytes, *, may_be_empty: bool) -> dict[str, Any]:
    if not raw and may_be_empty:
        return {}
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise _BadBody("The body is not JSON in UTF-8.") from None
    if type(body) is not dict:
        raise _BadBody("The body must be an object.")
    return body


def _payment(body: Mapping[str, Any]) -> Payment:
    try:
        method = PaymentMethod(body.get("paymentMethod") or "")
    except (ValueError, TypeError):
        raise _BadBody(f"paymentMethod: one of {', '.join(PaymentMethod)}.") from None
    return Payment(_token(body, "card"), _token(body, "merchant"), _amount(body, least=1), method)


def _named(coupon: Any, deps: TillDeps) -> Named | None:
    if coupon is None:
        return None
    if type(coupon) is not str or not 0 < len(coupon) <= 256:
        raise _BadBody("coupon: a coupon's id or what its holder shows, at most 256 characters.")
    found = uuid_of(coupon, "Coupon")
    if found is not None:
        return found
    try:
        return UUID(coupon)
    except ValueError:
        return deps.read_payload(coupon)


def _token(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if type(value) is not str or not _TOKEN.fullmatch(value):
        raise _BadBody(f"{name}: an opaque token of 1 to 64 characters.")
    return value


def _amount(body: Mapping[str, Any], *, least: int) -> int:
    value = body.get("amount")
    if type(value) is not int or not least <= value <= MOST_FEN:
        raise _BadBody(f"amount: whole fen, at least {least}.")
    return value


_NO_ID = UUID(int=0)


def _id(text: str) -> UUID:
    """An id that cannot be one of ours is nobody's."""
    try:
        return UUID(text)
    except ValueError:
        return _NO_ID
