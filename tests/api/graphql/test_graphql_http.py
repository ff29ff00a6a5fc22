"""The door over real HTTP: methods, types, bodies, statuses and headers. Source: GraphQL over HTTP."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import orjson
import pytest

from api.graphql import Limits
from domain.kernel.errors import Broken, Busy, InputInvalid, NotAllowed, NotSignedIn
from tests.builders.graphql_door import GRAPHQL, SECRET, Door, codes
from tests.builders.served import served

JSON = "application/json"
HELLO = {"query": "{ hello }"}


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
async def client(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    async with served(door.app) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


async def test_a_query_is_answered(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json=HELLO)

    assert answer.status_code == 200
    assert answer.json() == {"data": {"hello": "hello hall"}}
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


async def test_every_answer_is_private_traced_and_not_sniffed(client: httpx.AsyncClient) -> None:
    for answer in (await client.post("/graphql", json=HELLO), await client.get("/graphql")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-trace-id"])
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_the_callers_trace_is_followed_into_the_context(client: httpx.AsyncClient) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"

    answer = await client.post(
        "/graphql", json={"query": "{ trace }"}, headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    )

    assert answer.headers["x-trace-id"] == trace
    assert answer.json()["data"]["trace"] == trace


@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
async def test_the_type_asked_for_is_the_type_answered(client: httpx.AsyncClient, accept: str) -> None:
    answer = await client.post("/graphql", json=HELLO, headers={"accept": accept})

    assert answer.headers["content-type"] == f"{accept}; charset=utf-8"


async def test_no_acceptable_type_is_406(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json=HELLO, headers={"accept": "text/html"})

    assert answer.status_code == 406
    assert codes(answer) == ["NOT_ACCEPTABLE"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_only_post_is_taken(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(
        method, "/graphql?query={hello}", headers={"origin": "https://evil.example", "accept": "text/html"}
    )

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert "evil" not in str(answer.headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/json; charset=gbk"},
        {"content-type": "application/graphql"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
async def test_a_body_that_is_not_plain_json_is_415(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.post("/graphql", content=orjson.dumps(HELLO), headers=headers)

    assert answer.status_code == 415
    assert codes(answer) == ["UNSUPPORTED_MEDIA_TYPE"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'[{"query": "{ hello }"}]',
        b'"{ hello }"',
        b"1",
        b"{",
        b'{"query": "{ hello }"',
        b'{"query": "{ hello }"} {}',
        b'{"query": "{ hello }", "x": NaN}',
        b'{"query": "{ hello }", "x": 1e999}',
        b'{"query": "\xff"}',
        b'{"query": "\\ud800"}',
        b"\xef\xbb\xbf" + b'{"query": "{ hello }"}',
        b'{"query": "{ hello }", "variables": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b"{}",
        b'{"query": null}',
        b'{"query": 1}',
        b'{"query": ["{ hello }"]}',
        b'{"query": "{ hello }", "operationName": 1}',
        b'{"query": "{ hello }", "variables": []}',
        b'{"query": "{ hello }", "variables": "{}"}',
        b'{"query": "{ hello }", "extensions": 1}',
        b'{"query": "{ hello }", "extensions": {"persistedQuery": 1}}',
        b'{"query": "{ hello }", "extensions": {"persistedQuery": {"version": 2, "sha256Hash": "a"}}}',
        b'{"query": "{ hello }", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": 1}}}',
    ],
)
async def test_a_body_that_is_not_one_request_is_400(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/graphql", content=body, headers={"content-type": JSON, "accept": JSON})

    assert answer.status_code == 400
    assert codes(answer) == ["BAD_REQUEST"]
    assert "data" not in answer.json()


@pytest.mark.parametrize("missing", ["operationName", "variables", "extensions"])
async def test_null_is_as_good_as_absent(client: httpx.AsyncClient, missing: str) -> None:
    answer = await client.post("/graphql", json={**HELLO, missing: None})

    assert answer.json() == {"data": {"hello": "hello hall"}}


_PAGES = [f"a{n}: coupons(first: 100) {{ edges {{ node {{ merchants {{ name }} }} }} }}" for n in range(15)]
DEAR = f"{{ {' '.join(_PAGES)} }}"
"""15 pages of 100 with 7 values an edge: more than 10,000."""


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": ""}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "type T { a: Int }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query ($x: Int!) { needs(number: $x) }"}, "BAD_USER_INPUT"),
        ({"query": "query a { hello } query b { hello }"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": "query a { hello }", "operationName": "b"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": "{ hello }", "operationName": ""}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": DEAR}, "LIMIT_EXCEEDED"),
        ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}, "PERSISTED_QUERY_NOT_FOUND"),
    ],
)
async def test_a_refused_document_is_400_without_data_or_200_for_plain_json(
    client: httpx.AsyncClient, asked: dict[str, object], code: str
) -> None:
    strict = await client.post("/graphql", json=asked, headers={"accept": GRAPHQL})
    plain = await client.post("/graphql", json=asked, headers={"accept": JSON})

    assert (strict.status_code, plain.status_code) == (400, 200)
    assert codes(strict) == codes(plain) == [code]
    assert "data" not in strict.json()


async def test_an_operation_is_chosen_by_its_name(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/graphql", json={"query": "query a { hello } query b { language }", "operationName": "b"}
    )

    assert answer.json() == {"data": {"language": "zh-CN"}}


@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
async def test_a_subscription_is_refused(client: httpx.AsyncClient, accept: str) -> None:
    answer = await client.post("/graphql", json={"query": "subscription { ticks }"}, headers={"accept": accept})

    assert answer.status_code == 400
    assert codes(answer) == ["SUBSCRIPTION_NOT_SUPPORTED"]


async def test_a_body_of_256_kib_is_read_and_one_byte_more_is_413(client: httpx.AsyncClient) -> None:
    body = orjson.dumps(HELLO)
    full = body + b" " * (Limits().body_bytes - len(body))

    taken = await client.post("/graphql", content=full, headers={"content-type": JSON})
    refused = await client.post("/graphql", content=full + b" ", headers={"content-type": JSON})

    assert taken.status_code == 200
    assert refused.status_code == 413
    assert codes(refused) == ["PAYLOAD_TOO_LARGE"]


async def chunks(how_many: int) -> AsyncIterator[bytes]:
    for _ in range(how_many):
        yield b" " * 65_536


async def test_a_body_without_a_length_has_the_same_limit(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", content=chunks(16), headers={"content-type": JSON})

    assert answer.status_code == 413


@pytest.mark.parametrize("declared", [True, False])
async def test_a_client_with_far_too_much_still_reads_why(client: httpx.AsyncClient, declared: bool) -> None:
    content = b" " * 10_000_000 if declared else chunks(160)

    refused = await client.post("/graphql", content=content, headers={"content-type": JSON})
    after = await client.post("/graphql", json=HELLO)

    assert refused.status_code == 413
    assert after.status_code == 200


async def test_what_never_ends_is_cut_off() -> None:
    door = Door(limits=Limits(discard_bytes=1_000_000))
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b" " * 65_536

    async with served(door.app) as url, httpx.AsyncClient() as client:
        with suppress(httpx.TransportError):  # closed while it was still writing, as a rule
            answer = await client.post(f"{url}/graphql", content=endless(), headers={"content-type": JSON})
            assert answer.status_code == 413

    assert sent < 64 * 1024 * 1024


async def test_a_client_that_asks_before_it_sends_too_much_is_told_at_once() -> None:
    async with served(Door().app) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
        writer.write(
            b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"content-length: 999999999\r\nexpect: 100-continue\r\n\r\n"
        )

        answer = await reader.read()

        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_client_that_sends_too_slowly_is_cut_off() -> None:
    door = Door(limits=Limits(body_seconds=0.05))
    async with served(door.app) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
        writer.write(
            b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{"
        )

        answer = await reader.read()

        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"REQUEST_TIMEOUT" in answer
    assert door.reported == []


async def test_a_client_that_leaves_is_no_error_of_ours() -> None:
    door = Door()
    async with served(door.app) as url:
        _, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
        writer.write(
            b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{"
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()

        async with httpx.AsyncClient() as client:
            after = await client.post(f"{url}/graphql", json=HELLO)

    assert after.status_code == 200
    assert door.reported == []


@pytest.mark.parametrize(
    ("turned_away", "status", "code"),
    [
        (NotSignedIn(SECRET), 401, "NOT_SIGNED_IN"),
        (NotAllowed(SECRET), 403, "NOT_ALLOWED"),
        (Busy(SECRET), 503, "BUSY"),
        (InputInvalid("X-Device-Id is too long"), 400, "INPUT_INVALID"),
        (Broken(SECRET), 500, "INTERNAL"),
        (RuntimeError(SECRET), 500, "INTERNAL"),
    ],
)
@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
async def test_who_is_turned_away_before_anything_runs_learns_why(
    turned_away: Exception, status: int, code: str, accept: str
) -> None:
    door = Door(turn_away=turned_away)

    answer = await door.ask("{ hello }", accept=accept)

    assert answer.status_code == status
    assert codes(answer) == [code]
    assert "data" not in answer.json()
    assert SECRET not in answer.text
    assert len(door.reported) == (1 if status == 500 else 0)


async def test_a_bad_token_is_answered_with_the_challenge_of_rfc_6750() -> None:
    answer = await Door(turn_away=NotSignedIn()).ask("{ hello }")

    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_the_token_is_checked_before_an_unknown_document_costs_anything() -> None:
    door = Door(turn_away=NotSignedIn())

    answer = await door.ask("{ nothing }")

    assert answer.status_code == 401


async def test_the_hall_when_busy_says_when_to_come_back() -> None:
    door = Door()

    answers = [await Door(turn_away=Busy()).ask("{ hello }"), await door.ask('{ raises(what: "Busy") hello }')]

    for answer in answers:
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert codes(answer) == ["BUSY"]
    assert door.reported == []


async def test_the_page_is_served_in_the_sandbox_only() -> None:
    html = {"accept": "text/html,application/xhtml+xml"}

    shown = await Door(sandbox=True).send("GET", headers=html)
    hidden = await Door().send("GET", headers=html)
    not_asked_for = await Door(sandbox=True).send("GET", headers={"accept": GRAPHQL})

    assert shown.status_code == 200
    assert "<textarea" in shown.text
    assert (hidden.status_code, not_asked_for.status_code) == (405, 405)


async def test_the_page_needs_no_network_and_runs_only_its_own_script() -> None:
    page = await Door(sandbox=True).send("GET", headers={"accept": "text/html"})

    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "connect-src 'self'" in policy
    assert "://" not in page.text
    assert not re.search(r"\son\w+=|\sstyle=|innerHTML|localStorage|sessionStorage|eval\(", page.text)


async def test_the_pages_own_introspection_is_within_the_limits() -> None:
    door = Door(sandbox=True)
    page = await door.send("GET", headers={"accept": "text/html"})
    name = re.search(r'const NAME = "(.*)";', page.text)
    query = re.search(r"const INTROSPECTION = `(.*?)`;", page.text, re.DOTALL)
    assert name is not None
    assert query is not None

    answer = await door.ask(query[1].replace("${NAME}", name[1]))

    assert answer.status_code == 200
    assert {"Query", "Coupon"} <= {type_["name"] for type_ in answer.json()["data"]["__schema"]["types"]}


async def test_what_is_observed_has_few_names() -> None:
    door = Door()

    await door.ask("query ChosenByTheClient { hello }")
    await door.ask("mutation { claim { __typename } }")
    await door.ask("{ ...A } fragment A on Query { hello language ...B } fragment B on Query { trace }")
    await door.ask("{ explode }")
    await door.ask("{ nothing }")
    await door.ask("query ($n: Int!) { needs(number: $n) }")
    await door.send("GET")

    assert door.observed == [
        ("hello", "query", "ok"),
        ("claim", "mutation", "ok"),
        ("hello+", "query", "ok"),
        ("explode", "query", "INTERNAL"),
        ("none", "none", "GRAPHQL_VALIDATION_FAILED"),
        ("needs", "query", "BAD_USER_INPUT"),
        ("none", "none", "METHOD_NOT_ALLOWED"),
    ]


async def test_a_websocket_is_closed_before_it_opens() -> None:
    async with served(Door().app) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
        writer.write(
            b"GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
        )

        answer = await reader.readline()

        writer.close()
        await writer.wait_closed()
    assert answer == b"HTTP/1.1 403 Forbidden\r\n"
