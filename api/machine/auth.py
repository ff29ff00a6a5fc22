"""Who calls a machine route, and whether they may (RFC 6750)."""

import re
from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from api.machine.problems import problem
from domain.identity.tokens import MachineToken

CheckMachine: TypeAlias = Callable[[str], MachineToken | None]
"""A bearer token's client and scopes; None for anything that is not a machine's token that holds now."""

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

_BEARER = re.compile(rb"bearer +([A-Za-z0-9\-._~+/]+=*)", re.IGNORECASE)
_REALM = 'Bearer realm="hall"'


def bearer_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The token of the one Authorization header, "" when it holds no bearer token, None when there is none.

    Two such headers hold none: nobody gets to choose which of them we read.
    """
    given = [value for name, value in headers if name == b"authorization"]
    if not given:
        return None
    if len(given) > 1:
        return ""
    return _bearer(given[0]) if len(given[0]) > _CACHED_BYTES else _cached_bearer(given[0])


def _bearer(header: bytes) -> str:
    found = _BEARER.fullmatch(header.strip())
    return found[1].decode() if found else ""


_cached_bearer = lru_cache(maxsize=1024)(_bearer)
_CACHED_BYTES = 1024
"""A longer header is read anew each time, so that what is remembered stays small."""


def admit(headers: Iterable[tuple[bytes, bytes]], *, scope: str, check: CheckMachine) -> MachineToken | Response:
    """The caller's token when it has `scope`; else what the caller hears instead."""
    bearer = bearer_of(headers)
    if bearer is None:
        return problem(401, "TOKEN_MISSING", "A token is needed", headers={"WWW-Authenticate": _REALM})
    token = check(bearer) if bearer else None
    if token is None:
        how = {"WWW-Authenticate": f'{_REALM}, error="invalid_token"'}
        return problem(401, "INVALID_TOKEN", "The token does not hold", headers=how)
    if scope not in token.scopes:
        how = {"WWW-Authenticate": f'{_REALM}, error="insufficient_scope", scope="{scope}"'}
        detail = f"The scope {scope} is needed."
        return problem(403, "INSUFFICIENT_SCOPE", "The token does not reach this far", detail, headers=how)
    return token


def guarded(
    endpoint: Callable[[Request, MachineToken], Awaitable[Response]], *, scope: str, check: CheckMachine
) -> Endpoint:
    """An endpoint that runs for callers with `scope` only, before anything of the body is read."""

    async def checked(request: Request) -> Response:
        token = admit(request.scope["headers"], scope=scope, check=check)
        return token if isinstance(token, Response) else await endpoint(request, token)

    return checked
