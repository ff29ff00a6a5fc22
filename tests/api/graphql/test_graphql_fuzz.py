"""Garbage over real HTTP: whatever is sent, the answer is typed and no garbage is an error of ours. Seeded."""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
import orjson

from tests.builders.graphql_door import GRAPHQL, Door
from tests.builders.served import served

SEED = 20261121
REQUESTS = 2_200
WIRES = 300
AT_ONCE = 8

CODES = {
    "BAD_REQUEST",
    "BAD_USER_INPUT",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "LIMIT_EXCEEDED",
    "METHOD_NOT_ALLOWED",
    "NOT_ACCEPTABLE",
    "OPERATION_RESOLUTION_FAILURE",
    "PERSISTED_QUERY_MISMATCH",
    "PERSISTED_QUERY_NOT_FOUND",
    "SUBSCRIPTION_NOT_SUPPORTED",
    "UNSUPPORTED_MEDIA_TYPE",
}
VALID = orjson.dumps(
    {
        "query": "query Q($n: Int, $at: DateTime, $id: UUID, $in: Nested) "
        "{ coupons(first: $n) { edges { node { id value merchants { name } } } } echo(at: $at, id: $id, nested: $in) }",
        "variables": {"n": 2, "at": "2026-03-15T00:30:00+08:00", "in": {"word": "茶", "many": [1, 2]}},
        "operationName": "Q",
    }
)
VOCABULARY = r"""
{ } ( ) [ ] : ! $ @ = | & ... # , " \ - query mutation subscription fragment on true false null type schema extend input
hello coupon coupons edges node id value shelf merchants name echo needs claim __typename __schema __type first number
at day fen points colour nested below many RED Coupon Query Nested Int DateTime UUID Claimed F A 0 -0 1 -1 01 1.5 1e9
1e999 2147483648 99999999999999999999 "x" "\u0000" "\ud800" "茶" "2026-99-99" 0x1F
"""
WORDS = (*VOCABULARY.split(), '"""', "\n", "\0", "\ufeff")
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**31, 2**53, 2**63, 1.5, 1e300, "", "x", "茶", "\0", "a" * 5_000, "2026-99-99", "null",
    "2026-03-15T00:30:00", "0001-01-01T00:00:00+23:59", "9" * 400, [], [[]], [None], {}, {"word": {}}, {"many": [1.5]},
    {"below": {"below": {"below": None}}}, {"persistedQuery": None}, {"persistedQuery": {"version": 1}},
    {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}, {"persistedQuery": {"version": True, "sha256Hash": ""}},
)  # fmt: skip
HEADERS = {
    "content-type": ["application/json", "text/json", "application/json;charset=utf-16", ";;;", "a/b", "*/*", '"', ""],
    "accept": [
        "*/*",
        GRAPHQL,
        "application/json;q=2",
        "text/html",
        ",,,",
        ";q=",
        "application/*;q=0.5",
        "",
        "q=1" * 300,
    ],
    "accept-language": ["en", "zh", "*", ";;", "en;q=x", "x" * 1_000, ""],
    "traceparent": ["00-" + "0" * 32 + "-" + "0" * 16 + "-00", "00-" + "g" * 32, "<script>", "00-" * 50, ""],
    "authorization": ["Bearer", "Basic x", "Bearer a.b.c", "Bearer " + "A" * 4_000, "\x80\xff"],
    "content-encoding": ["gzip", "identity", "br"],
    "x-forwarded-for": ["127.0.0.1", "::1, x", "'", "%00"],
    "x-http-method-override": ["GET", "DELETE"],
    "host": ["evil.example", "127.0.0.1:1/../..", "[::1]"],
}


@dataclass(frozen=True)
class Shot:
    method: str = "POST"
    path: str = "/graphql"
    body: bytes = VALID
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


def some_bytes(rng: Random) -> Shot:
    return Shot(body=rng.randbytes(rng.randrange(400)))


def cut_short(rng: Random) -> Shot:
    return Shot(body=VALID[: rng.randrange(len(VALID))])


def bytes_changed(rng: Random) -> Shot:
    body = bytearray(VALID)
    for _ in range(rng.randint(1, 4)):
        body[rng.randrange(len(body))] = rng.randrange(256)
    return Shot(body=bytes(body))


def deep(rng: Random) -> Shot:
    opening, closing = rng.choice([(b"[", b"]"), (b'{"a":', b"}")])
    size = rng.choice([5, 11, 12, 100, 1_023, 1_024, 20_000])
    inner = opening * size + b"1" + closing * rng.choice([size, size - 1])
    return Shot(body=b'{"query": "{ hello }", "%b": ' % rng.choice([b"variables", b"extensions", b"x"]) + inner + b"}")


def odd_types(rng: Random) -> Shot:
    keys = rng.sample(["query", "variables", "operationName", "extensions", "id"], rng.randint(1, 4))
    body: dict[str, Any] = {"query": "{ hello }", **{key: rng.choice(VALUES) for key in keys}}
    return Shot(body=orjson.dumps(rng.choice([body, [body], [body] * 10]), option=orjson.OPT_PASSTHROUGH_SUBCLASS))


def token_soup(rng: Random) -> Shot:
    text = " ".join(rng.choices(WORDS, k=rng.randrange(40)))
    return Shot(body=orjson.dumps({"query": rng.choice([text, "{ " + text + " }", "{ coupon { " + text + " } }"])}))


def odd_variables(rng: Random) -> Shot:
    name, type_ = rng.choice(
        [("at", "DateTime"), ("day", "Date"), ("id", "UUID"), ("fen", "Fen"), ("points", "Points"),
         ("colour", "Colour"), ("nested", "Nested"), ("number", "Int")]
    )  # fmt: skip
    query = f"query ($x: {type_}{rng.choice(['', '!', ' = null'])}) {{ echo({name}: $x) }}"
    return Shot(body=orjson.dumps({"query": query, "variables": rng.choice([{"x": rng.choice(VALUES)}, {"y": 1}, {}])}))


def odd_literals(rng: Random) -> Shot:
    name = rng.choice(["at", "day", "id", "fen", "points", "colour", "nested", "number"])
    value = rng.choice(
        ["1", "-1", "1.5", "1e9", '"x"', "RED", "null", "[1]", "{}", "{word: 1}", "{many: [1, null]}", "9" * 60, "$x",
         '"2026-99-99"', '"2026-03-15T00:30:00"', "[[[[]]]]", '"""\n"""']
    )  # fmt: skip
    return Shot(body=orjson.dumps({"query": f"{{ echo({name}: {value}) coupons(first: {value}) {{ total }} }}"}))


def odd_headers(rng: Random) -> Shot:
    names = rng.sample(list(HEADERS), rng.randint(1, 4))
    return Shot(headers={"content-type": "application/json", **{name: rng.choice(HEADERS[name]) for name in names}})


def odd_methods(rng: Random) -> Shot:
    path = rng.choice(
        ["/graphql", "/graphql?query={hello}", "/graphql/%00", "/graphql?query=mutation{claim{__typename}}"]
    )
    return Shot(method=rng.choice(["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]), path=path)


KINDS: list[Callable[[Random], Shot]] = [
    some_bytes, cut_short, bytes_changed, deep, odd_types, token_soup, token_soup, odd_variables, odd_literals,
    odd_headers, odd_methods,
]  # fmt: skip


def check(shot: Shot, answer: httpx.Response) -> None:
    said = f"{shot}: {answer.status_code} {answer.text[:300]}"
    assert answer.status_code < 500, said
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-trace-id"]), said
    assert "Traceback" not in answer.text, said
    if shot.method == "HEAD":
        return
    body = answer.json()
    assert isinstance(body, dict), said
    assert body.keys() <= {"data", "errors"}, said
    assert body, said
    if answer.status_code != 200:
        assert "data" not in body, said
    for error in body.get("errors", ()):
        assert isinstance(error["message"], str), said
        assert error["extensions"]["code"] in CODES, said


async def test_no_garbage_gets_more_than_a_typed_refusal() -> None:
    rng = Random(SEED)
    shots = [KINDS[number % len(KINDS)](rng) for number in range(REQUESTS)]
    door = Door()
    statuses: dict[int, int] = {}

    async def shoot(client: httpx.AsyncClient, mine: list[Shot]) -> None:
        for shot in mine:
            headers = [(name.encode(), value.encode("latin-1")) for name, value in shot.headers.items()]
            answer = await client.request(shot.method, shot.path, content=shot.body, headers=headers)
            check(shot, answer)
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1

    async with served(door.app) as url, httpx.AsyncClient(base_url=url) as client, asyncio.TaskGroup() as group:
        for worker in range(AT_ONCE):
            group.create_task(shoot(client, shots[worker::AT_ONCE]))

    assert door.reported == []
    assert sum(statuses.values()) == REQUESTS
    assert {200, 400, 405, 406, 415} <= statuses.keys(), "the garbage reaches every kind of answer"


BENT = [
    b"content-type: application/json", b"content-length: 5", b"content-length: -1", b"content-length: x", b"x: \x01",
    b"content-length: 99999999999999999999999", b"transfer-encoding: chunked", b"transfer-encoding: gzip", b"no colon",
    b"expect: 100-continue", b"upgrade: websocket", b"accept: \xff\xfe", b"traceparent: \xff", b": no name",
    b"authorization: Bearer \xf0\x9f\x8d\xb5", b"a" * 9_000 + b": 1",
]  # fmt: skip


def some_wire(rng: Random) -> bytes:
    """A request as bytes on the wire: sound, or bent where HTTP itself is spoken."""
    head = rng.choice([b"POST", b"post", b"GET", b"\x00", b"POST POST", b"P" * 5_000]) + b" "
    head += rng.choice([b"/graphql", b"http://evil/graphql", b"*", b"/\xff", b"/" + b"a" * 70_000, b""])
    head += rng.choice([b" HTTP/1.1", b" HTTP/1.1", b" HTTP/1.0", b" HTTP/9.9", b""]) + b"\r\n"
    lines = [b"host: x", b"content-type: application/json", b"content-length: %d" % len(VALID), b"connection: close"]
    lines += rng.choices(BENT, k=rng.randrange(3))
    rng.shuffle(lines)
    return (
        head + b"\r\n".join(lines) + b"\r\n\r\n" + rng.choice([VALID, VALID[:30], b"", b"0\r\n\r\n", b"ffffffff\r\nx"])
    )


async def test_no_garbage_on_the_wire_is_an_error_of_ours() -> None:
    rng = Random(SEED)
    door = Door()
    async with served(door.app) as url:
        port = int(url.rsplit(":", 1)[1])
        for _ in range(WIRES):
            wire = some_wire(rng)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with suppress(ConnectionError):
                writer.write(wire)
                writer.write_eof()
                answer = await reader.read()
                assert not re.search(rb"^HTTP/1.1 5", answer, re.MULTILINE), (wire[:300], answer[:300])
                assert b"Traceback" not in answer
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

        async with httpx.AsyncClient() as client:
            after = await client.post(f"{url}/graphql", json={"query": "{ hello }"})

    assert after.json() == {"data": {"hello": "hello hall"}}
    assert door.reported == []
