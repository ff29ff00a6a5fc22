"""POST /oauth2/token: a machine client shows who it is and gets a token of at most five minutes.

RFC 6749, section 4.4 (client credentials), with client_secret_basic or private_key_jwt (RFC 7523), and nothing else of
OAuth. Errors have that RFC's own JSON, not problem details, because its clients read that. Why no server library:
docs/decisions/0005-tokens.md.
"""

import binascii
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.body import BodyTooLarge, BodyTooSlow, read_body
from api.machine.problems import answer, too_large, too_slow
from domain.identity.machine import MachineClient, MachineClients
from domain.identity.tokens import MachineGrant

BODY_BYTES = 16 * 1024
FIELDS = 16
FORM = b"application/x-www-form-urlencoded"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_BASIC = {"WWW-Authenticate": 'Basic realm="hall", charset="UTF-8"'}


@dataclass(frozen=True, slots=True)
class OAuthDeps:
    clients: MachineClients
    issue: Callable[[str, frozenset[str]], MachineGrant]
    """Client id and scopes to a signed token."""

    limit: Callable[[Request], Awaitable[None]] | None = None
    """Asked before anything else; raises RateLimited."""


class _Refused(Exception):
    """An error answer of RFC 6749, section 5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status

    def answer(self) -> Response:
        body = {"error": self.error, "error_description": self.description}
        return answer(self.status, body, headers=_NO_CACHE | (_BASIC if self.status == 401 else {}))


_NO_CACHE = {"Pragma": "no-cache"}
_WRONG_CLIENT = _Refused("invalid_client", "The client is unknown or did not prove who it is.", 401)


def oauth_routes(deps: OAuthDeps) -> list[Route]:
    async def token(request: Request) -> Response:
        if deps.limit is not None:
            await deps.limit(request)
        try:
            length = request.headers.get("content-length")
            body = await read_body(length.encode() if length else None, request.receive, limit=BODY_BYTES)
            form = _read_form(_content_type(request), body)
            client = await _client(deps.clients, request, form)
            scopes = _scopes(client, form)
        except _Refused as refused:
            return refused.answer()
        except BodyTooLarge:
            return too_large(f"A token request may have {BODY_BYTES} bytes.")
        except BodyTooSlow:
            return too_slow()
        grant = deps.issue(client.id, scopes)
        said = {
            "access_token": grant.access,
            "token_type": "Bearer",
            "expires_in": grant.expires_in,
            "scope": " ".join(sorted(grant.scopes)),
        }
        return answer(200, said, headers=_NO_CACHE)

    return [Route("/oauth2/token", token, methods=["POST"])]


def _content_type(request: Request) -> bytes:
    given = [value for name, value in request.scope["headers"] if name == b"content-type"]
    return given[0] if len(given) == 1 else b""


def _read_form(content_type: bytes, body: bytes) -> Mapping[str, str]:
    """The parameters, each at most once. A parser of our own length: those of the web framework had no limits once."""
    if content_type.split(b";")[0].strip().lower() != FORM:
        raise _Refused("invalid_request", "Send application/x-www-form-urlencoded.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=FIELDS,
        )
    except ValueError:
        raise _Refused("invalid_request", "The body is not a form.") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise _Refused("invalid_request", "A parameter came twice.")
    return {name: value for name, value in form.items() if value}


async def _client(clients: MachineClients, request: Request, form: Mapping[str, str]) -> MachineClient:
    """Who asks; the grant type is looked at first, because it says what the rest means."""
    grant = form.get("grant_type")
    if grant is None:
        raise _Refused("invalid_request", "grant_type is missing.")
    basic = [value for name, value in request.scope["headers"] if name == b"authorization"]
    by_assertion = "client_assertion" in form or "client_assertion_type" in form
    if len(basic) + by_assertion > 1:
        raise _Refused("invalid_request", "Prove who you are in one way only.")
    if by_assertion:
        if form.get("client_assertion_type") != ASSERTION_TYPE or "client_assertion" not in form:
            raise _Refused("invalid_request", f"client_assertion_type is {ASSERTION_TYPE}.")
        client = await clients.by_assertion(form["client_assertion"], form.get("client_id"))
    else:
        proof = _read_basic(basic[0]) if basic else None
        if proof is None or form.get("client_id", proof[0]) != proof[0]:
            raise _WRONG_CLIENT
        client = await clients.by_secret(*proof)
    if client is None:
        raise _WRONG_CLIENT
    if grant != "client_credentials":
        raise _Refused("unsupported_grant_type", "Only client_credentials is granted here.")
    return client


def _read_basic(header: bytes) -> tuple[str, str] | None:
    """Client id and secret, each form-encoded before they were joined (RFC 6749, section 2.3.1)."""
    scheme, _, encoded = header.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        id, colon, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
        return (unquote_plus(id, errors="strict"), unquote_plus(secret, errors="strict")) if colon else None
    except (binascii.Error, ValueError):
        return None


def _scopes(client: MachineClient, form: Mapping[str, str]) -> frozenset[str]:
    """What it asks for, or all it may have when it asks for nothing in particular."""
    if "scope" not in form:
        return client.scopes
    asked = frozenset(form["scope"].split(" "))
    if not asked <= client.scopes:
        raise _Refused("invalid_scope", "The client may not have that scope.")
    return asked
