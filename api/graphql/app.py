"""`POST /graphql`: one plain ASGI callable around the schema.

The way of a request: method and types -> body -> what is asked -> who asks -> plan -> run -> bytes. Everything that
can be refused is refused as early on that way as it can be known, with a typed error and a status below 500; what
breaks on our side is reported and masked. Subscriptions belong to a websocket door that stands beside this one: they
are refused here.

Source of the statuses: the GraphQL over HTTP specification, as its reference audit reads it (docs/graphql.md).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

import orjson
import strawberry
from graphql import ExecutionResult, OperationType

from api.graphql.body import ClientGone, Receive, read_asked, read_body
from api.graphql.errors import (
    Headers,
    Refusal,
    Refused,
    Report,
    cause_of,
    hall_error,
    masked,
    present_field_errors,
    refuse,
)
from api.graphql.head import GRAPHQL, JSON, RequestHead, is_json, media_type_of, read_head, wants_html
from api.graphql.limits import Limits
from api.graphql.page import Page
from api.graphql.plans import Compile, Documents, Plan
from domain.kernel.errors import Broken, Busy, HallError, NotAllowed, NotSignedIn, RateLimited

Scope = Mapping[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]

CONTENT_TYPES = {
    JSON: b"application/json; charset=utf-8",
    GRAPHQL: b"application/graphql-response+json; charset=utf-8",
}

RETRY_SOON = ((b"retry-after", b"1"),)
SIGN_IN_AGAIN = ((b"www-authenticate", b'Bearer error="invalid_token"'),)


class ContextFor(Protocol):
    """Makes the context of one request: who asks, what the resolvers may use.

    Raises NotSignedIn for a token that is there and bad (no token is no error), NotAllowed, or Busy.
    """

    async def __call__(self, head: RequestHead, /) -> Any: ...


class Throttle(Protocol):
    """Asked before anything is run. Both raise RateLimited, or Busy where that cannot be told and must be."""

    async def document(self, context: Any, *, known: bool, trusted: bool) -> None:
        """A document came. known: it has its plan already. trusted: it is one of our own apps'."""
        ...

    async def mutations(self, context: Any, fields: Sequence[str]) -> None:
        """These fields of Mutation are to be run, each as often as it stands there."""
        ...


class Observe(Protocol):
    """Told of every answer. All three texts come from small fixed sets, fit to be a metric's labels.

    Args:
        operation: the first field at the root (`hall`, `viewer+` where more follow), `none` before a plan was found.
        kind: `query`, `mutation` or `none`.
        outcome: `ok`, or the code of the error that says most.
    """

    def __call__(self, operation: str, kind: str, outcome: str, seconds: float, /) -> None: ...


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    content_type: bytes
    body: bytes
    headers: Headers = ()
    outcome: str = "ok"


class GraphQLApp:
    """An ASGI application for `http` scopes."""

    def __init__(
        self,
        schema: strawberry.Schema,
        *,
        context_for: ContextFor,
        report: Report,
        observe: Observe | None = None,
        limits: Limits | None = None,
        sandbox: bool = False,
        trusted: Mapping[str, str] | None = None,
        compile: Compile | None = None,
        throttle: Throttle | None = None,
    ) -> None:
        """
        Args:
            report: called with what broke on our side and the request's trace id.
            sandbox: introspection, suggestions in errors, and a page to try queries on.
            trusted: documents by the SHA-256 of their text; parsed and checked now.
            compile: makes compiled plans (see `plans`).
            throttle: the rate limits; none without it.

        Raises:
            ValueError: a trusted document is refused, or the schema carries what this door does not run.
        """
        self.limits = limits or Limits()
        self.documents = Documents(schema, self.limits, sandbox=sandbox, trusted=trusted or {}, compile=compile)
        self._context_for = context_for
        self._report = report
        self._observe = observe
        self._page = Page() if sandbox else None
        self._throttle = throttle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        if scope["type"] != "http":
            raise ValueError(f"this door takes http, not {scope['type']}")
        started = perf_counter()
        head = read_head(scope)
        media_type = media_type_of(head.headers.get(b"accept"))
        seen = _Seen()
        try:
            answer = await self._answer(head, media_type, receive, seen)
        except ClientGone:
            return
        except Refused as refused:
            answer = _refusal(refused.refusal, media_type or JSON)
        except Exception as exc:
            self._report(exc, head.trace_id)
            answer = _errors(500, media_type or JSON, "INTERNAL", [masked(head)])
        await send(
            {
                "type": "http.response.start",
                "status": answer.status,
                "headers": [
                    (b"content-type", answer.content_type),
                    (b"content-length", b"%d" % len(answer.body)),
                    (b"cache-control", b"no-store"),
                    (b"x-content-type-options", b"nosniff"),
                    (b"x-trace-id", head.trace_id.encode()),
                    *answer.headers,
                ],
            }
        )
        await send({"type": "http.response.body", "body": answer.body})
        if self._observe is not None:
            self._observe(seen.operation, seen.kind, answer.outcome, perf_counter() - started)

    async def _answer(self, head: RequestHead, media_type: bytes | None, receive: Receive, seen: "_Seen") -> _Answer:
        if head.method != "POST":
            return self._other_method(head)
        if media_type is None:
            raise refuse(
                "NOT_ACCEPTABLE",
                "Answers are application/graphql-response+json or application/json.",
                status=406,
            )
        if not is_json(head.headers.get(b"content-type")) or b"content-encoding" in head.headers:
            raise refuse("UNSUPPORTED_MEDIA_TYPE", "The body must be application/json in UTF-8.", status=415)
        asked = read_asked(await read_body(head, receive, self.limits), self.limits)
        try:
            context = await self._context_for(head)
            if self._throttle is not None:
                known = self.documents.knows(asked.query, asked.sha256)
                trusted = self.documents.is_trusted(asked.query, asked.sha256)
                await self._throttle.document(context, known=known, trusted=trusted)
        except HallError as exc:
            return self._turned_away(exc, head, media_type)

        plan = self.documents.find(asked.query, asked.sha256).plan(asked.operation_name)
        seen.plan(plan)
        if plan.kind is OperationType.MUTATION and self._throttle is not None:
            try:
                await self._throttle.mutations(context, plan.fields)
            except HallError as exc:
                return self._turned_away(exc, head, media_type)
        if plan.kind is OperationType.SUBSCRIPTION:
            raise refuse("SUBSCRIPTION_NOT_SUPPORTED", "Subscriptions are not served over HTTP POST.")
        result = await plan.execute(context, asked.variables, asked.extensions)
        return self._present(result, head, media_type)

    def _other_method(self, head: RequestHead) -> _Answer:
        if self._page is not None and head.method in ("GET", "HEAD") and wants_html(head.headers.get(b"accept")):
            return _Answer(200, b"text/html; charset=utf-8", self._page.body, self._page.headers)
        # OPTIONS as well: whoever may call us from another origin is decided in front of us, never reflected here.
        raise refuse("METHOD_NOT_ALLOWED", "Send POST.", status=405, headers=((b"allow", b"POST"),))

    def _turned_away(self, exc: HallError, head: RequestHead, media_type: bytes) -> _Answer:
        headers: Headers = ()
        match exc:
            case Broken():
                raise exc
            case NotSignedIn():
                status, headers = 401, SIGN_IN_AGAIN
            case NotAllowed():
                status = 403
            case RateLimited(retry_after=seconds):
                status, headers = 429, ((b"retry-after", b"%d" % seconds),)
            case Busy():
                status, headers = 503, RETRY_SOON
            case _:
                status = 400
        return _errors(status, media_type, exc.code, [hall_error(exc, head.language)], headers)

    def _present(self, result: bytes | ExecutionResult, head: RequestHead, media_type: bytes) -> _Answer:
        if isinstance(result, bytes):
            return _Answer(200, CONTENT_TYPES[media_type], b'{"data":' + result + b"}")
        if not result.errors:
            return _Answer(200, CONTENT_TYPES[media_type], orjson.dumps({"data": result.data}))
        problems = result.errors
        errors = present_field_errors(problems, head, self._report, self.limits.field_errors)
        codes = [shown["extensions"]["code"] for shown in errors]
        busy = any(isinstance(cause_of(problem), Busy) for problem in problems)
        return _Answer(
            503 if busy else 200,
            CONTENT_TYPES[media_type],
            orjson.dumps({"errors": errors, "data": result.data}),
            RETRY_SOON if busy else (),
            "INTERNAL" if "INTERNAL" in codes else codes[0],
        )


class _Seen:
    """What an answer was about, for `Observe`, wherever on the way it ended."""

    __slots__ = ("kind", "operation")

    def __init__(self) -> None:
        self.operation = self.kind = "none"

    def plan(self, plan: Plan) -> None:
        self.operation = plan.label
        self.kind = plan.kind.value


def _refusal(refusal: Refusal, media_type: bytes) -> _Answer:
    status = 200 if refusal.well_formed and media_type == JSON else refusal.status
    return _errors(status, media_type, refusal.code, list(refusal.errors), refusal.headers)


def _errors(status: int, media_type: bytes, code: str, errors: list[dict[str, Any]], headers: Headers = ()) -> _Answer:
    return _Answer(status, CONTENT_TYPES[media_type], orjson.dumps({"errors": errors}), headers, code)
