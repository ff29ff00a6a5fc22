"""What only a sandbox has: a session for the asking, a clock to set, a bell that rings when all is done.

In production these routes are not mounted, so every /sandbox/... path answers 404.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.body import BodyTooLarge, BodyTooSlow, read_body
from api.machine.events import read_time
from api.machine.problems import answer, bad_request, problem, too_large, too_slow
from domain.identity.customers import is_customer
from domain.identity.tokens import Session
from domain.kernel.time import iso

BODY_BYTES = 64 * 1024


class SandboxClock(Protocol):
    """A business clock that may be set."""

    @property
    def frozen(self) -> bool: ...

    def now(self) -> datetime: ...

    async def set(self, now: datetime, *, frozen: bool = False) -> None:
        """In force in this process when it returns."""
        ...

    async def reset(self) -> None: ...


@dataclass(frozen=True, slots=True)
class SandboxDeps:
    clock: SandboxClock
    sign_in: Callable[[str], Awaitable[Session]]
    """A session of a customer, who need not have had any event yet."""

    end_overdue: Callable[[], Awaitable[object]]
    """Gives back what holds kept that have expired by the clock's present moment."""

    settle: Callable[[], Awaitable[Mapping[str, int]]]
    """Returns `{"events", "deliveries"}` when nothing is left to do; raises TimeoutError after 60 s."""


class _Refused(Exception):
    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def sandbox_routes(deps: SandboxDeps) -> list[Route]:
    async def session(request: Request) -> Response:
        body = await _object(request, {"customer"})
        customer = body.get("customer")
        if not is_customer(customer):
            return bad_request(
                "customer: must be a text of 1 to 64 characters without quotes, \\, {} or control characters."
            )
        opened = await deps.sign_in(customer)
        said = {
            "accessToken": opened.access,
            "refreshToken": opened.refresh,
            "expiresAt": iso(opened.expires_at),
        }
        return answer(200, said)

    async def clock(request: Request) -> Response:
        if request.method == "DELETE":
            await deps.clock.reset()
            return await _shown()
        body = await _object(request, {"now", "frozen"})
        now, frozen = read_time(body.get("now")), body.get("frozen", False)
        if now is None:
            return bad_request("now: must be an ISO 8601 date and time with an offset, from 2000 to 2099.")
        if type(frozen) is not bool:
            return bad_request("frozen: must be true or false.")
        await deps.clock.set(now, frozen=frozen)
        return await _shown()

    async def _shown() -> Response:
        await deps.end_overdue()  # whoever sets the clock and looks at once sees what the next sweep would leave
        return answer(200, {"now": iso(deps.clock.now()), "frozen": deps.clock.frozen})

    async def settle(request: Request) -> Response:
        try:
            return answer(200, dict(await deps.settle()))
        except TimeoutError:
            return problem(504, "NOT_SETTLED", "Not everything was done in time", "Ask again.")

    return [
        Route("/sandbox/session", _answering(session), methods=["POST"]),
        Route("/sandbox/clock", _answering(clock), methods=["PUT", "DELETE"]),
        Route("/sandbox/settle", settle, methods=["POST"]),
    ]


def _answering(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except _Refused as refused:
            return refused.response

    return answered


async def _object(request: Request, names: set[str]) -> dict[str, Any]:
    """The body's JSON object with no names but these. Raises _Refused."""
    length = request.headers.get("content-length")
    try:
        raw = await read_body(length.encode() if length else None, request.receive, limit=BODY_BYTES)
        body = orjson.loads(raw)
    except BodyTooLarge:
        raise _Refused(too_large(f"A body may have {BODY_BYTES} bytes.")) from None
    except BodyTooSlow:
        raise _Refused(too_slow()) from None
    except orjson.JSONDecodeError:
        raise _Refused(bad_request("The body is not JSON in UTF-8.")) from None
    if type(body) is not dict:
        raise _Refused(bad_request("The body must be a JSON object."))
    if set(body) - names:
        raise _Refused(bad_request(f"There is a name that is not known here; known are {', '.join(sorted(names))}."))
    return body
