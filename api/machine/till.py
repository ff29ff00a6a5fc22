"""The till's calls: quotes, capture, release, reversals (contract section 4).

Each is done once under its `Idempotency-Key`, however often and from how many sides it is sent: the first answer again,
byte for byte; 422 with another body; 409 with Retry-After while the first is still under way after `PATIENCE_S`.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, assert_never
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.body import read_body
from api.machine.auth import CheckMachine, guarded
from api.machine.problems import PROBLEM, RETRY_AFTER_S, bad_request, problem, unsupported_media_type
from api.node import node_id, uuid_of
from domain.campaigns.terms import PaymentMethod, Reason
from domain.identity.tokens import MachineToken
from domain.identity.viewer import ReadFreezes
from domain.kernel.ids import lane_of
from domain.kernel.prints import fingerprint
from domain.kernel.time import Clock, iso
from domain.kernel.words import Language
from domain.ledger.unit import Ledger
from domain.offers.ports import Catalogs
from domain.till.capture import CaptureQuote, capture_quote
from domain.till.model import (
    Captured,
    Declined,
    Key,
    KeyReused,
    NoQuote,
    NoRedemption,
    Outcome,
    Payment,
    Quote,
    Quoted,
    QuoteEnded,
    QuoteExpired,
    Released,
    Reversed,
    Told,
    TooMuch,
    TransactionUsed,
)
from domain.till.ports import Presented, ReadTill
from domain.till.quote import Named, QuotePayment, quote_payment
from domain.till.release import ReleaseQuote, release_quote
from domain.till.reverse import ReverseRedemption, reverse_redemption

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


@dataclass(frozen=True, slots=True)
class TillDeps:
    """read_payload: what a presentation says, or why nothing. patience_s: how long a call waits for its commit."""

    check: CheckMachine
    read: ReadTill
    freezes: ReadFreezes
    catalogs: Catalogs
    ledger: Ledger
    clock: Clock
    recent: RecallQuotes
    read_payload: Callable[[str], Presented | Reason]
    patience_s: float = PATIENCE_S


Call = Callable[[Key], Awaitable[Told | KeyReused]]


class _BadBody(Exception):
    """The text says what is wrong with it."""


def till_routes(deps: TillDeps) -> list[Route]:
    calls = _Calls(deps.patience_s)

    async def quotes(request: Request, token: MachineToken) -> Response:
        body = await _body(request)
        payment, named = _payment(body), _named(body.get("coupon"), deps)
        present = partial(_present, language=_language(request))

        def call(key: Key) -> Awaitable[Told | KeyReused]:
            return quote_payment(
                QuotePayment(key, payment, named), read=deps.read, freezes=deps.freezes, catalogs=deps.catalogs,
                ledger=deps.ledger, clock=deps.clock, present=present, remember=deps.recent.keep,
            )  # fmt: skip

        return await calls.once(request, token, "quotes", body, call)

    async def capture(request: Request, token: MachineToken) -> Response:
        body = await _body(request)
        transaction = _token(body, "transaction")
        quote = _id(request.path_params["quote"])

        def call(key: Key) -> Awaitable[Told | KeyReused]:
            return capture_quote(
                CaptureQuote(key, quote, transaction), read=deps.read, ledger=deps.ledger, clock=deps.clock,
                present=_present, recall=deps.recent.take,
            )  # fmt: skip

        return await calls.once(request, token, f"capture {quote}", body, call)

    async def release(request: Request, token: MachineToken) -> Response:
        quote = _id(request.path_params["quote"])
        body = await _body(request, may_be_empty=True)

        def call(key: Key) -> Awaitable[Told | KeyReused]:
            return release_quote(
                ReleaseQuote(key, quote), read=deps.read, ledger=deps.ledger, clock=deps.clock, present=_present,
                recall=deps.recent.take,
            )  # fmt: skip

        return await calls.once(request, token, f"release {quote}", body, call)

    async def reversals(request: Request, token: MachineToken) -> Response:
        body = await _body(request)
        amount = _amount(body, least=0)
        redemption = _id(request.path_params["redemption"])

        def call(key: Key) -> Awaitable[Told | KeyReused]:
            return reverse_redemption(
                ReverseRedemption(key, redemption, amount), read=deps.read, catalogs=deps.catalogs,
                ledger=deps.ledger, clock=deps.clock, present=_present,
            )  # fmt: skip

        return await calls.once(request, token, f"reversal {redemption}", body, call)

    def route(path: str, endpoint: Callable[[Request, MachineToken], Awaitable[Response]]) -> Route:
        return Route(path, guarded(_readable(endpoint), scope=SCOPE, check=deps.check), methods=["POST"])

    return [
        route("/v1/till/quotes", quotes),
        route("/v1/till/quotes/{quote}/capture", capture),
        route("/v1/till/quotes/{quote}/release", release),
        route("/v1/till/redemptions/{redemption}/reversals", reversals),
    ]


class _Calls:
    """The calls under way in this process, by client and key: a repetition waits for the first, which goes on alone."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._running: dict[tuple[str, str], tuple[int, asyncio.Task[Told | KeyReused]]] = {}

    async def once(
        self, request: Request, token: MachineToken, what: str, body: Mapping[str, Any], call: Call
    ) -> Response:
        given = [value for name, value in request.scope["headers"] if name == b"idempotency-key"]
        if not given:
            return problem(400, "IDEMPOTENCY_KEY_MISSING", "An Idempotency-Key is needed")
        if len(given) > 1 or not _KEY.fullmatch(given[0]):
            return bad_request("Idempotency-Key: one, of 1 to 255 printable ASCII characters.")
        text = given[0].decode("ascii")
        digest = fingerprint(what, orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode())
        key = Key(token.client, text, digest, lane_of(f"{token.client}\x1f{text}"))
        found = self._running.get((key.client, key.key))
        if found is None:
            task = asyncio.ensure_future(call(key))
            self._running[key.client, key.key] = (digest, task)
            task.add_done_callback(lambda _: self._running.pop((key.client, key.key), None))
            again = False
        elif found[0] != digest:
            return _reused()
        else:
            task, again = found[1], True
        done, _ = await asyncio.wait({task}, timeout=self._patience_s)
        if not done:
            title = "The first call with this Idempotency-Key is still under way"
            return problem(409, "IDEMPOTENCY_KEY_IN_USE", title, headers={"Retry-After": str(RETRY_AFTER_S)})
        told = task.result()
        return _reused() if isinstance(told, KeyReused) else _answer(told, again or told.again)


def _reused() -> Response:
    return problem(422, "IDEMPOTENCY_KEY_REUSED", "The Idempotency-Key came before with another call")


def _answer(told: Told, again: bool) -> Response:
    headers = {"Cache-Control": "no-store"}
    if again:
        headers["Idempotency-Replayed"] = "true"
    return Response(told.body, told.status, headers, PROBLEM if told.status >= 400 else "application/json")


# --- what came in


def _readable(
    endpoint: Callable[[Request, MachineToken], Awaitable[Response]],
) -> Callable[[Request, MachineToken], Awaitable[Response]]:
    async def checked(request: Request, token: MachineToken) -> Response:
        types = [value for name, value in request.scope["headers"] if name == b"content-type"]
        if types and types[0].split(b";")[0].strip().lower() != b"application/json":
            return unsupported_media_type("application/json")
        try:
            return await endpoint(request, token)
        except _BadBody as bad:
            return bad_request(str(bad))

    return checked


async def _body(request: Request, *, may_be_empty: bool = False) -> dict[str, Any]:
    length = request.headers.get("content-length")
    raw = await read_body(length.encode() if length else None, request.receive, limit=BODY_BYTES)
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


def _language(request: Request) -> Language:
    asked = request.headers.get("accept-language", "")
    return Language.EN if asked.strip().lower().startswith("en") else Language.ZH


# --- what goes out


def _present(outcome: Outcome, *, language: Language = Language.ZH) -> Told:
    """The answer as it is kept."""
    match outcome:
        case Quoted(quote, declined):
            return _told(201, _quoted(quote, declined, language))
        case Captured(redemption, discount, payable):
            return _told(200, {"redemption": str(redemption), "discount": discount, "payable": payable})
        case Released(quote_id):
            return _told(200, {"quote": str(quote_id), "released": True})
        case Reversed(_, taken_back, coupons, quota):
            restored: dict[str, Any] = {"quota": quota}
            if coupons:
                restored["coupon"] = node_id("Coupon", coupons[0])
                restored["coupons"] = [node_id("Coupon", coupon) for coupon in coupons]
            return _told(200, {"reversed": taken_back, "restored": restored})
        case NoQuote():
            return _refused(404, "QUOTE_NOT_FOUND", "There is no such quote")
        case QuoteExpired(expired_at):
            return _refused(410, "QUOTE_EXPIRED", "The quote has expired", expiredAt=iso(expired_at))
        case QuoteEnded(status):
            return _refused(409, f"QUOTE_{status}", "The quote has ended", status_of_quote=status)
        case TransactionUsed():
            return _refused(409, "TRANSACTION_USED", "The transaction has a redemption already")
        case NoRedemption():
            return _refused(404, "REDEMPTION_NOT_FOUND", "There is no such redemption")
        case TooMuch(left):
            return _refused(422, "REVERSAL_TOO_LARGE", "More than is left of what was paid", left=left)
    assert_never(outcome)


def _quoted(quote: Quote, declined: tuple[Declined, ...], language: Language) -> dict[str, Any]:
    lines = []
    for line in quote.lines:
        plain: dict[str, Any] = {"offer": line.offer, "discount": line.discount}
        if line.coupon is not None:
            plain["coupon"] = node_id("Coupon", line.coupon)
        lines.append(plain)
    return {
        "quote": str(quote.id),
        "discount": quote.discount,
        "payable": quote.payable,
        "expiresAt": iso(quote.expires_at),
        "lines": lines,
        "declined": [_declined(each, language) for each in declined],
    }


def _declined(declined: Declined, language: Language) -> dict[str, Any]:
    reason = declined.reason
    plain: dict[str, Any] = {"offer": declined.offer, "code": reason.code, "message": reason.message.say(language)}
    if declined.coupon is not None:
        plain["coupon"] = node_id("Coupon", declined.coupon)
    if reason.next_at is not None:
        plain["nextAt"] = iso(reason.next_at)
    return plain


def _told(status: int, body: Mapping[str, Any]) -> Told:
    return Told(status, orjson.dumps(body).decode())


def _refused(status: int, code: str, title: str, **more: Any) -> Told:
    answer = problem(status, code, title, **more)
    return Told(status, bytes(answer.body).decode())
