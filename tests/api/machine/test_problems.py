"""Trace ids, masked bugs, and bodies that are too long, too slow or never end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from api.body import BodyTooLarge, BodyTooSlow, ClientGone, read_body
from api.machine.problems import TraceIds, exception_handlers, problem, trace_of
from domain.kernel.errors import Broken, Busy, InputInvalid, NotAllowed, NotSignedIn

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"

RAISED: dict[str, Exception] = {
    "bug": ZeroDivisionError("secret 13812345678"),
    "broken": Broken("secret"),
    "busy": Busy(),
    "invalid": InputInvalid("first: from 1 to 100."),
    "signed-out": NotSignedIn(),
    "not-allowed": NotAllowed(),
    "large": BodyTooLarge(),
    "slow": BodyTooSlow(),
}


class Site:
    def __init__(self) -> None:
        self.bound: list[str] = []
        self.reported: list[tuple[BaseException, str]] = []
        self.seen: list[str] = []

        async def fine(request: Request) -> Response:
            self.seen.append(request.headers["traceparent"])
            return PlainTextResponse(trace_of(request.scope))

        async def raising(request: Request) -> Response:
            raise RAISED[request.path_params["what"]]

        async def half(request: Request) -> Response:
            async def parts() -> AsyncIterator[bytes]:
                yield b"half"
                raise ZeroDivisionError

            return StreamingResponse(parts())

        routes = [Route("/fine", fine), Route("/raise/{what}", raising), Route("/half", half)]
        inner = Starlette(routes=routes, exception_handlers=exception_handlers())
        self.app = TraceIds(inner, bind=self.bound.append, report=lambda error, id: self.reported.append((error, id)))

    async def get(self, path: str, **headers: str) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="https://hall.test") as http:
            return await http.get(path, headers=headers)


@pytest.fixture
def site() -> Site:
    return Site()


async def test_a_trace_goes_on_through_the_hall(site: Site) -> None:
    answer = await site.get("/fine", traceparent=PARENT)

    assert answer.headers["x-trace-id"] == answer.text == TRACE
    assert site.bound == [TRACE]
    assert site.seen == [PARENT]


@pytest.mark.parametrize(
    "given", ["", "x", f"00-{'0' * 32}-00f067aa0ba902b7-01", f"ff-{TRACE}-00f067aa0ba902b7-01", TRACE]
)
async def test_without_a_valid_one_a_new_trace_begins(site: Site, given: str) -> None:
    answer = await site.get("/fine", traceparent=given)

    trace = answer.headers["x-trace-id"]
    assert len(trace) == 32
    assert trace != TRACE
    assert site.seen[0].split("-")[1] == trace


async def test_an_answer_to_nothing_carries_a_trace_too(site: Site) -> None:
    answer = await site.get("/nowhere")

    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert answer.headers["x-trace-id"]


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [
        ("busy", 503, "BUSY"),
        ("invalid", 400, "INPUT_INVALID"),
        ("signed-out", 401, "NOT_SIGNED_IN"),
        ("not-allowed", 403, "NOT_ALLOWED"),
        ("large", 413, "PAYLOAD_TOO_LARGE"),
        ("slow", 408, "REQUEST_TIMEOUT"),
    ],
)
async def test_a_refusal_of_the_hall_s_is_its_problem(site: Site, what: str, status: int, code: str) -> None:
    answer = await site.get(f"/raise/{what}")

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert not site.reported


@pytest.mark.parametrize("what", ["bug", "broken"])
async def test_a_bug_is_one_masked_sentence_with_the_trace(site: Site, what: str) -> None:
    answer = await site.get(f"/raise/{what}", traceparent=PARENT)

    assert (answer.status_code, answer.json()["code"], answer.json()["traceId"]) == (500, "INTERNAL", TRACE)
    assert "secret" not in answer.text
    assert site.reported == [(RAISED[what], TRACE)]


async def test_an_answer_that_broke_off_is_not_made_to_look_whole(site: Site) -> None:
    with pytest.raises(ZeroDivisionError):
        await site.get("/half")

    assert len(site.reported) == 1


async def test_a_bug_before_any_route_is_masked_too(site: Site) -> None:
    async def bug(*_: Any) -> None:
        raise ZeroDivisionError

    site.app = TraceIds(bug, bind=site.bound.append, report=lambda error, id: site.reported.append((error, id)))

    answer = await site.get("/")

    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL")
    assert len(site.reported) == 1


def test_a_problem_has_the_members_of_its_standard() -> None:
    answer = problem(418, "SHORT_AND_STOUT", "A teapot", "Tip me over.", headers={"Retry-After": "1"}, handle="here")

    assert answer.status_code == 418
    assert answer.media_type == "application/problem+json"
    assert answer.headers["retry-after"] == "1"
    assert answer.body == (
        b'{"type":"urn:hall:problem:short-and-stout","title":"A teapot","status":418,"code":"SHORT_AND_STOUT",'
        b'"detail":"Tip me over.","handle":"here"}'
    )


# --- bodies


def receiving(*messages: dict[str, Any]) -> Any:
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    return receive


def part(body: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_comes_in_parts() -> None:
    assert await read_body(None, receiving(part(b"ab", True), part(b"", True), part(b"c")), limit=3) == b"abc"


async def test_a_body_one_byte_too_long_is_not_read_on() -> None:
    with pytest.raises(BodyTooLarge):
        await read_body(None, receiving(part(b"ab", True), part(b"cd", True)), limit=3)


@pytest.mark.parametrize("length", [b"4", b"9" * 50, b"-1", b"x", b"1e3", b"", "４".encode()])
async def test_a_length_that_is_too_much_or_none_is_refused_unread(length: bytes) -> None:
    with pytest.raises(BodyTooLarge):
        await read_body(length, receiving(), limit=3)


async def test_a_body_that_never_ends_is_cut_off() -> None:
    with pytest.raises(BodyTooSlow):
        await read_body(None, receiving(part(b"a", True)), limit=3, seconds=0.01)


async def test_a_client_who_leaves_is_noticed() -> None:
    with pytest.raises(ClientGone):
        await read_body(None, receiving(part(b"a", True), {"type": "http.disconnect"}), limit=3)
