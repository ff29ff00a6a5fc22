"""From exceptions to the error objects of an answer.

Who may read what: a refusal of the hall's own (`HallError`) shows its code and one short sentence; a client's bad
input is told what was wrong with it; everything else is a bug or a breakdown of ours, is reported once, and reaches
the client as one masked sentence with the trace id. No message of an unknown exception ever leaves.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError
from graphql.language import ValueNode
from strawberry.exceptions import StrawberryInputCoercionError

from api.graphql import words
from api.graphql.head import RequestHead
from domain.kernel.errors import Broken, HallError, InputInvalid, RateLimited
from domain.kernel.words import Language

Headers = tuple[tuple[bytes, bytes], ...]
Report = Callable[[BaseException, str], None]
"""Called with what went wrong on our side and the trace id."""

MESSAGE_CHARS = 300
"""Longer messages are cut: the library quotes the client's own values, which may be long."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing was run. `errors` are ready for JSON.

    `well_formed` says that the HTTP request itself was right and only its document or variables were not: then a client
    that reads `application/json` gets status 200, as GraphQL over HTTP asks for that type.
    """

    code: str
    errors: tuple[dict[str, Any], ...]
    status: int = 400
    well_formed: bool = False
    headers: Headers = ()


class Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


def refuse(code: str, message: str, *, status: int = 400, well_formed: bool = False, headers: Headers = ()) -> Refused:
    """A refusal with one error, to be raised."""
    return Refused(Refusal(code, (error(code, message),), status, well_formed, headers))


def refuse_document(code: str, errors: Iterable[GraphQLError]) -> Refused:
    """A refusal of a well-formed request for its document or variables, to be raised."""
    shown = tuple(error(code, problem.message, problem) for problem in errors)
    return Refused(Refusal(code, shown, well_formed=True))


def error(code: str, message: str, source: GraphQLError | None = None, **extensions: str | int) -> dict[str, Any]:
    """One error object as the GraphQL specification (section 7.1.2) spells it."""
    if len(message) > MESSAGE_CHARS:
        message = message[:MESSAGE_CHARS] + "..."
    shown: dict[str, Any] = {"message": message}
    if source is not None:
        if source.locations:
            shown["locations"] = [{"line": at.line, "column": at.column} for at in source.locations]
        if source.path is not None:
            shown["path"] = source.path
    shown["extensions"] = {"code": code, **extensions}
    return shown


def hall_error(exc: HallError, language: Language, source: GraphQLError | None = None) -> dict[str, Any]:
    """A refusal of the hall's own. An invalid input says more than its sentence, what was wrong with it; a rate limit
    says in how many seconds to come back.
    """
    sentence = words.BY_CODE.get(exc.code, words.REFUSED).say(language)
    detail = str(exc) if isinstance(exc, InputInvalid) else ""
    later = {"retryAfter": exc.retry_after} if isinstance(exc, RateLimited) else {}
    return error(exc.code, detail or sentence, source, **later)


def masked(head: RequestHead, source: GraphQLError | None = None) -> dict[str, Any]:
    return error("INTERNAL", words.INTERNAL.say(head.language), source, traceId=head.trace_id)


def cause_of(problem: GraphQLError) -> Exception:
    """What a resolver really raised."""
    cause: Exception = problem
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def present_field_errors(
    problems: list[GraphQLError], head: RequestHead, report: Report, most: int
) -> list[dict[str, Any]]:
    """At most `most` error objects for what went wrong while fields were resolved; each breakdown is reported once."""
    shown: list[dict[str, Any]] = []
    reported: set[int] = set()
    for problem in problems:
        cause = cause_of(problem)
        mask = False
        match cause:
            case Broken():
                mask = True
            case HallError():
                shown.append(hall_error(cause, head.language, problem))
            case GraphQLError() if _is_input(cause):
                shown.append(error("BAD_USER_INPUT", cause.message, problem))
            case _:
                mask = True
        if mask:
            # One failed batch of a loader is the same exception in every field that waited for it.
            if id(cause) not in reported and len(reported) < most:
                reported.add(id(cause))
                report(cause, head.trace_id)
            shown.append(masked(head, problem))
    return shown[:most]


def _is_input(cause: GraphQLError) -> bool:
    """Whether the library refused an argument.

    It points at the argument's value then; an output that does not fit its type, our bug, points at a field or nowhere.
    """
    return isinstance(cause, StrawberryInputCoercionError) or (
        cause.nodes is not None and len(cause.nodes) > 0 and isinstance(cause.nodes[0], ValueNode)
    )
