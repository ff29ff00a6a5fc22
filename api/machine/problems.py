"""What a machine hears when something is wrong: RFC 9457 problem details with a stable `code`, and a trace id.

Our own bugs reach nobody but the log: the caller gets one masked sentence and the trace id to ask by.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, TypeAlias

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.body import BodyTooLarge, BodyTooSlow, ClientGone, Receive
from api.graphql.head import trace_id_of
from domain.kernel.errors import HallError, InputInvalid, NotAllowed, NotSignedIn, RateLimited

PROBLEM = "application/problem+json"
TRACE_HEADER = b"x-trace-id"
SCOPE_KEY = "hall.trace_id"
RETRY_AFTER_S = 1

Scope: TypeAlias = MutableMapping[str, Any]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Report: TypeAlias = Callable[[BaseException, str], None]
"""Told what went wrong on our side, and the trace id."""


def problem(
    status: int,
    code: str,
    title: str,
    detail: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """An RFC 9457 answer. `title` is the same for every occurrence of `code`; `detail` is about this one."""
    body: dict[str, Any] = {"type": f"urn:hall:problem:{code.lower().replace('_', '-')}", "title": title}
    body |= {"status": status, "code": code}
    if detail is not None:
        body["detail"] = detail
    return Response(orjson.dumps(body | more), status, {**_NO_STORE, **(headers or {})}, PROBLEM)


def answer(status: int, body: Any, *, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer that nobody may keep."""
    return Response(orjson.dumps(body), status, {**_NO_STORE, **(headers or {})}, "application/json")


_NO_STORE = {"Cache-Control": "no-store"}
_CLOSE = {"Connection": "close"}


def bad_request(detail: str) -> Response:
    return problem(400, "BAD_REQUEST", "The request cannot be read", detail)


def too_large(detail: str, code: str = "PAYLOAD_TOO_LARGE") -> Response:
    return problem(413, code, "The request is too large", detail, headers=_CLOSE)


def too_slow() -> Response:
    return problem(408, "REQUEST_TIMEOUT", "The body did not arrive in time", headers=_CLOSE)


def unsupported_media_type(expected: str) -> Response:
    return problem(415, "UNSUPPORTED_MEDIA_TYPE", "This content type is not taken here", f"Send {expected}.")


def busy(code: str = "BUSY") -> Response:
    detail = "Send the same again a little later."
    return problem(503, code, "The hall is busy", detail, headers={"Retry-After": str(RETRY_AFTER_S)})


def rate_limited(seconds: int) -> Response:
    headers = {"Retry-After": str(seconds)}
    return problem(429, RateLimited.code, "Too many requests", headers=headers, retryAfter=seconds)


def internal(trace_id: str) -> Response:
    return problem(500, "INTERNAL", "Something went wrong on our side", traceId=trace_id)


LATER = frozenset({"BUSY", "UNAVAILABLE"})
"""Codes of what passes by itself."""

_BY_STATUS = {
    401: ("NOT_SIGNED_IN", "A token is needed"),
    403: ("NOT_ALLOWED", "This is not allowed"),
    404: ("NOT_FOUND", "There is no such thing here"),
    405: ("METHOD_NOT_ALLOWED", "This method is not taken here"),
    413: ("PAYLOAD_TOO_LARGE", "The request is too large"),
    415: ("UNSUPPORTED_MEDIA_TYPE", "This content type is not taken here"),
}


def exception_handlers() -> dict[Any, Callable[[Request, Any], Awaitable[Response]]]:
    """For `Starlette(exception_handlers=...)`: each refusal of the hall as its problem, anything else masked."""

    async def http(request: Request, exc: HTTPException) -> Response:
        code, title = _BY_STATUS.get(exc.status_code, ("BAD_REQUEST", "The request was refused"))
        return problem(exc.status_code, code, title, headers=exc.headers)

    async def invalid(request: Request, exc: InputInvalid) -> Response:
        return problem(400, exc.code, "The input is not valid", str(exc) or None)

    async def not_signed_in(request: Request, exc: NotSignedIn) -> Response:
        return problem(401, exc.code, "A token is needed", headers={"WWW-Authenticate": 'Bearer realm="hall"'})

    async def not_allowed(request: Request, exc: NotAllowed) -> Response:
        return problem(403, exc.code, "This is not allowed")

    async def limited(request: Request, exc: RateLimited) -> Response:
        return rate_limited(exc.retry_after)

    async def hall(request: Request, exc: HallError) -> Response:
        if exc.code in LATER:
            return busy(exc.code)
        raise exc

    async def large(request: Request, exc: BodyTooLarge) -> Response:
        return too_large("The body has more bytes than this route takes.")

    async def slow(request: Request, exc: BodyTooSlow) -> Response:
        return too_slow()

    async def gone(request: Request, exc: ClientGone) -> Response:
        return Response(status_code=400)  # nobody hears it

    async def ours(request: Request, exc: Exception) -> Response:
        return internal(trace_of(request.scope))

    return {
        HTTPException: http,
        InputInvalid: invalid,
        NotSignedIn: not_signed_in,
        NotAllowed: not_allowed,
        RateLimited: limited,
        HallError: hall,
        BodyTooLarge: large,
        BodyTooSlow: slow,
        ClientGone: gone,
        Exception: ours,
    }


def trace_of(scope: Mapping[str, Any]) -> str:
    """The trace id that `TraceIds` gave this request."""
    found: str = scope.get(SCOPE_KEY, "")
    return found


class TraceIds:
    """ASGI middleware around everything: a trace id for each request and on each answer, and the last net for bugs.

    The id is that of a valid W3C `traceparent`, else a new one; whatever runs inside finds a `traceparent` with it. An
    exception is reported once and answered with a masked 500, unless an answer has begun: then the connection is cut.

    Args:
        bind: told the trace id in the request's own task (for the log).
        report: told about each exception that came this far.
    """

    def __init__(self, app: App, *, bind: Callable[[str], None], report: Report) -> None:
        self._app = app
        self._bind = bind
        self._report = report

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = [value for name, value in scope["headers"] if name == b"traceparent"]
        trace_id = trace_id_of(given[0] if len(given) == 1 else None)
        self._bind(trace_id)
        scope = {**scope, SCOPE_KEY: trace_id}
        if not given or trace_id.encode() not in given[0]:
            kept = [pair for pair in scope["headers"] if pair[0] != b"traceparent"]
            scope["headers"] = [*kept, (b"traceparent", f"00-{trace_id}-{trace_id[:16]}-01".encode())]
        begun = complete = False

        async def traced(message: MutableMapping[str, Any]) -> None:
            nonlocal begun, complete
            if message["type"] == "http.response.start":
                begun = True
                headers = list(message.get("headers", ()))
                if all(name.lower() != TRACE_HEADER for name, _ in headers):
                    message = {**message, "headers": [*headers, (TRACE_HEADER, trace_id.encode())]}
            elif message["type"] == "http.response.body":
                complete = not message.get("more_body", False)
            await send(message)

        try:
            await self._app(scope, receive, traced)
        except Exception as exc:
            self._report(exc, trace_id)
            if not begun:
                await internal(trace_id)(scope, receive, traced)
            elif not complete:
                raise
