"""The body of a request: read with limits, and what it asks for.

Strict UTF-8, strict JSON, one JSON object. Forms, multipart and batches are not spoken here, so a browser cannot be
made to send a mutation without a preflight, and a limit on requests is a limit on operations.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

import orjson

from api.graphql.errors import Headers, Refused, refuse
from api.graphql.head import RequestHead
from api.graphql.limits import Limits

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

CLOSE: Headers = ((b"connection", b"close"),)
"""Said where a body was not read to its end: nothing after it could be understood."""


class ClientGone(Exception):
    """The client left before its body was complete: nobody to answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a well-formed body asks for. At least one of `query` and `sha256` is there."""

    query: str | None
    sha256: str | None
    operation_name: str | None
    variables: dict[str, Any]
    extensions: dict[str, Any]


async def read_body(head: RequestHead, receive: Receive, limits: Limits) -> bytes:
    """The whole body.

    Raises:
        Refused: 413 beyond `limits.body_bytes`, 408 when it has not arrived after `limits.body_seconds`.
        ClientGone: the connection was closed.
    """
    declared = head.headers.get(b"content-length")
    if declared is not None and not declared.isdigit():
        raise refuse("BAD_REQUEST", "The length of the body is no number.", headers=CLOSE)
    too_large = declared is not None and (len(declared) > 9 or int(declared) > limits.body_bytes)
    if too_large and b"expect" in head.headers:
        raise _too_large(limits, CLOSE)  # the client asked first, and has sent nothing yet
    try:
        async with asyncio.timeout(limits.body_seconds):
            more = True
            if not too_large:
                body, more = await _gather(receive, limits)
                if len(body) <= limits.body_bytes:
                    return body
            ended = not more or await _throw_away(receive, limits)
    except TimeoutError:
        raise refuse("REQUEST_TIMEOUT", "The body did not arrive in time.", status=408, headers=CLOSE) from None
    raise _too_large(limits, () if ended else CLOSE)


async def _gather(receive: Receive, limits: Limits) -> tuple[bytes, bool]:
    """What has come, and whether more would: not beyond the chunk that passes the limit."""
    message = await _next(receive)
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body, False
    gathered = bytearray(body)
    while len(gathered) <= limits.body_bytes:
        message = await _next(receive)
        gathered += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(gathered), False
    return bytes(gathered), True


async def _throw_away(receive: Receive, limits: Limits) -> bool:
    """Let the rest go by, so that the client reads our answer and not a reset connection; whether it came to an end."""
    thrown = 0
    while thrown <= limits.discard_bytes:
        message = await _next(receive)
        thrown += len(message.get("body", b""))
        if not message.get("more_body", False):
            return True
    return False


async def _next(receive: Receive) -> MutableMapping[str, Any]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message


def _too_large(limits: Limits, headers: Headers) -> Refused:
    return refuse("PAYLOAD_TOO_LARGE", f"A body may have {limits.body_bytes} bytes.", status=413, headers=headers)


def read_asked(body: bytes, limits: Limits) -> Asked:
    """What `body` asks for. Raises Refused (400) for anything but one well-formed request."""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise refuse("BAD_REQUEST", "The body is not JSON in UTF-8.") from None
    if type(payload) is not dict:
        if type(payload) is list:
            raise refuse("BAD_REQUEST", "Batches are not taken: send one request at a time.")
        raise refuse("BAD_REQUEST", "The body must be a JSON object.")

    query = payload.get("query")
    if query is not None and type(query) is not str:
        raise refuse("BAD_REQUEST", "`query` must be a string.")
    operation_name = payload.get("operationName")
    if operation_name is not None and type(operation_name) is not str:
        raise refuse("BAD_REQUEST", "`operationName` must be a string or null.")
    variables = payload.get("variables")
    if variables is None:
        variables = {}
    elif type(variables) is not dict:
        raise refuse("BAD_REQUEST", "`variables` must be an object or null.")
    elif variables:
        # Only the escape can carry U+0000 here: raw control characters are no JSON. PostgreSQL has no text with it.
        _check_values(variables, limits, refuse_nul=b"\\u0000" in body)
    extensions = payload.get("extensions")
    if extensions is None:
        extensions = {}
    elif type(extensions) is not dict:
        raise refuse("BAD_REQUEST", "`extensions` must be an object or null.")

    sha256 = _hash_of(extensions["persistedQuery"]) if "persistedQuery" in extensions else None
    if query is None and sha256 is None:
        raise refuse("BAD_REQUEST", "`query` is missing.")
    return Asked(query, sha256, operation_name, variables, extensions)


def _hash_of(persisted: object) -> str:
    if type(persisted) is not dict or persisted.get("version") != 1 or type(persisted.get("sha256Hash")) is not str:
        raise refuse("BAD_REQUEST", "`extensions.persistedQuery` must hold `version` 1 and a `sha256Hash`.")
    sha256: str = persisted["sha256Hash"]
    return sha256


def _check_values(variables: dict[str, Any], limits: Limits, *, refuse_nul: bool) -> None:
    seen = 0
    level: list[Any] = [variables]
    for _ in range(limits.variable_depth + 1):
        below: list[Any] = []
        for value in level:
            match value:
                case dict():
                    below.extend(value.values())
                    if refuse_nul and any("\0" in name for name in value):
                        raise _nul()
                case list():
                    below.extend(value)
                case str() if refuse_nul and "\0" in value:
                    raise _nul()
        seen += len(below)
        if seen > limits.variable_values:
            raise refuse("LIMIT_EXCEEDED", f"Variables may hold {limits.variable_values} values.")
        if not below:
            return
        level = below
    raise refuse("LIMIT_EXCEEDED", f"Variables may be nested {limits.variable_depth} deep.")


def _nul() -> Refused:
    return refuse("BAD_USER_INPUT", "Text must not contain the character U+0000.")
