"""The websocket door: what the protocol asks, what is bounded, and who is let in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import strawberry
from websockets.exceptions import ConnectionClosed

from api.graphql import GraphQLApp, Limits, RequestHead
from api.graphql.socket import PROTOCOL, Caller, SocketLimits, SubscriptionApp
from api.scalars import schema_config
from domain.kernel.errors import NotSignedIn, RateLimited
from tests.builders.served import served
from tests.builders.sockets import Talk, talk

MANY = "subscription { numbers { n asker } }"


class Source:
    """Events by hand; remembers that it was closed."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[int | None] = asyncio.Queue()
        self.closed = asyncio.Event()

    def __aiter__(self) -> "Source":
        return self

    async def __anext__(self) -> "Number":
        n = await self.events.get()
        if n is None:
            raise StopAsyncIteration
        return Number(n=n)

    async def aclose(self) -> None:
        self.closed.set()


@strawberry.type
class Number:
    n: int

    @strawberry.field
    def asker(self, info: strawberry.Info) -> str:
        return str(info.context.customer)

    @strawberry.field
    def broken(self) -> int | None:
        raise ValueError("secret")


@strawberry.type
class Query:
    hello: str = "hall"


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def numbers(self, info: strawberry.Info, refuse: bool = False) -> AsyncIterator[Number]:
        if refuse:
            raise RateLimited(7)
        source = Source()
        info.context.sources.append(source)
        return source  # type: ignore[return-value]


SCHEMA = strawberry.Schema(Query, subscription=Subscription, config=schema_config())


@dataclass
class Context:
    customer: str
    sources: list[Source]


class Watch:
    """What the door tells of itself."""

    def __init__(self) -> None:
        self.sockets = self.subscriptions = 0
        self.codes: list[int] = []
        self.empty = asyncio.Event()

    def open(self, sockets: int, subscriptions: int) -> None:
        self.sockets += sockets
        self.subscriptions += subscriptions
        if not self.sockets:
            self.empty.set()

    def closed(self, code: int) -> None:
        self.codes.append(code)


@dataclass
class Door:
    """A served door. A token names its customer; `seconds` is how long it holds, `signed_out` who is no more."""

    limits: SocketLimits = field(default_factory=SocketLimits)
    seconds: float = 900.0
    url: str = ""
    sources: list[Source] = field(default_factory=list)
    signed_out: set[str] = field(default_factory=set)
    reported: list[BaseException] = field(default_factory=list)
    watch: "Watch" = field(default_factory=lambda: Watch())

    def __post_init__(self) -> None:
        graphql = GraphQLApp(SCHEMA, context_for=self.context, report=self.report, limits=Limits())
        self.app = SubscriptionApp(
            graphql.documents,
            graphql.limits,
            context_for=self.context,
            caller=lambda context: Caller(context.customer, self.seconds),
            report=self.report,
            socket_limits=self.limits,
            watch=self.watch,
        )

    def report(self, error: BaseException, trace_id: str) -> None:
        self.reported.append(error)

    async def context(self, head: RequestHead) -> Context:
        scheme, _, token = head.headers.get(b"authorization", b"").decode().partition(" ")
        if scheme != "Bearer" or token in self.signed_out:
            raise NotSignedIn
        return Context(token, self.sources)


@asynccontextmanager
async def door(**options: Any) -> AsyncIterator[Door]:
    made = Door(**options)
    async with served(made.app, ws="websockets-sansio", ws_max_size=64 * 1024) as url:
        made.url = url
        yield made


@asynccontextmanager
async def greeted(at: Door, customer: str = "he") -> AsyncIterator[Talk]:
    async with talk(at.url) as said:
        await said.greet(customer)
        yield said


async def test_events_are_told_under_their_subscription_until_the_source_ends() -> None:
    async with door() as at, greeted(at) as said:
        await said.watch(MANY)
        for event in (1, 2, None):
            at.sources[0].events.put_nowait(event)

        told = [await said.hear() for _ in range(3)]

        assert told == [
            {"id": "1", "type": "next", "payload": {"data": {"numbers": {"n": 1, "asker": "he"}}}},
            {"id": "1", "type": "next", "payload": {"data": {"numbers": {"n": 2, "asker": "he"}}}},
            {"id": "1", "type": "complete"},
        ]
        assert at.sources[0].closed.is_set()


async def test_who_completes_hears_nothing_more_and_may_use_the_id_again() -> None:
    async with door() as at, greeted(at) as said:
        await said.watch(MANY)
        await said.say(type="complete", id="1")
        await said.watch(MANY)
        at.sources[0].events.put_nowait(1)
        at.sources[1].events.put_nowait(2)

        told = await said.hear()

        assert told["payload"]["data"]["numbers"]["n"] == 2
        assert at.sources[0].closed.is_set()


async def test_a_client_that_goes_leaves_nothing_open() -> None:
    async with door() as at:
        async with greeted(at) as said:
            await said.watch(MANY)
            await said.watch(MANY, id="2")
        for source in at.sources:
            await asyncio.wait_for(source.closed.wait(), 10)

        await asyncio.wait_for(at.watch.empty.wait(), 10)
        assert (at.watch.subscriptions, at.app.customers, at.watch.codes) == (0, {}, [])


@pytest.mark.parametrize("protocols", [["graphql-ws"], [], ["chat", "graphql-ws"]])
async def test_any_other_subprotocol_is_refused(protocols: list[str]) -> None:
    async with door() as at, talk(at.url, protocols=protocols) as said:
        assert said.connection.subprotocol is None
        assert await said.closed() == 4406


async def test_of_several_subprotocols_ours_is_chosen() -> None:
    async with door() as at, talk(at.url, protocols=["graphql-ws", PROTOCOL]) as said:
        assert said.connection.subprotocol == PROTOCOL


@pytest.mark.parametrize(
    "payload",
    [None, {}, {"Authorization": "he"}, {"Authorization": 7}, {"Authorization": "Bearer gone"}, "Bearer he", ["he"]],
)
async def test_without_a_good_token_nobody_is_let_in(payload: object) -> None:
    async with door(signed_out={"gone"}) as at, talk(at.url) as said:
        await said.say(type="connection_init", payload=payload)

        assert await said.closed() == 4403


async def test_a_token_in_the_headers_counts_for_nothing() -> None:
    async with door() as at, talk(at.url, headers={"Authorization": "Bearer he"}) as said:
        await said.say(type="connection_init")

        assert await said.closed() == 4403


async def test_who_says_nothing_in_time_is_sent_away() -> None:
    async with door(limits=SocketLimits(init_seconds=0.05)) as at, talk(at.url) as said:
        assert await said.closed() == 4408


async def test_pings_are_answered_before_and_after_the_greeting_with_what_they_bring() -> None:
    async with door() as at, talk(at.url) as said:
        await said.say(type="ping", payload={"n": 1})
        assert await said.hear() == {"type": "pong", "payload": {"n": 1}}
        await said.say(type="pong")
        await said.greet("he")
        await said.say(type="ping")
        assert await said.hear() == {"type": "pong"}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('{"type":"subscribe","id":"1","payload":{"query":"subscription{numbers{n}}"}}', 4401),
        ('{"type":"complete","id":"1"}', 4400),
        ('{"type":"start","id":"1"}', 4400),
        ("[]", 4400),
        ("{", 4400),
        ("{}", 4400),
        ('{"type":7}', 4400),
        (b"\x00\x01", 4400),
    ],
)
async def test_a_wrong_first_word_ends_it(message: str | bytes, code: int) -> None:
    async with door() as at, talk(at.url) as said:
        await said.connection.send(message)

        assert await said.closed() == code


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('{"type":"connection_init","payload":{"Authorization":"Bearer he"}}', 4429),
        ('{"type":"subscribe","payload":{"query":"subscription{numbers{n}}"}}', 4400),
        ('{"type":"subscribe","id":"","payload":{"query":"subscription{numbers{n}}"}}', 4400),
        ('{"type":"subscribe","id":"' + "x" * 129 + '","payload":{"query":"subscription{numbers{n}}"}}', 4400),
        ('{"type":"subscribe","id":"2"}', 4400),
        ('{"type":"complete"}', 4400),
        ('{"type":"next","id":"1"}', 4400),
        ('{"type":"subscribe","id":"1","payload":{"query":"subscription{numbers{n}}"}}', 4409),
    ],
)
async def test_a_wrong_later_word_ends_it(message: str, code: int) -> None:
    async with door() as at, greeted(at) as said:
        await said.watch(MANY)
        await said.connection.send(message)

        assert await said.closed() == code
        await asyncio.wait_for(at.sources[0].closed.wait(), 10)
        assert at.reported == []


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "{ hello }"}, "OPERATION_NOT_SUPPORTED"),
        ({"query": "subscription { numbers { n }"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "subscription { letters }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "subscription { a: numbers { n } b: numbers { n } }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "subscription($r: Boolean!) { numbers(refuse: $r) { n } }"}, "BAD_USER_INPUT"),
        ({"query": "subscription { numbers { " + "n " * 1_000 + "} }"}, "LIMIT_EXCEEDED"),
        ({}, "BAD_REQUEST"),
        ({"query": MANY, "variables": {"x": "\0"}}, "BAD_USER_INPUT"),
        ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"query": "subscription { numbers(refuse: true) { n } }"}, "RATE_LIMITED"),
    ],
)
async def test_a_refused_subscription_is_told_and_the_connection_goes_on(payload: object, code: str) -> None:
    async with door() as at, greeted(at) as said:
        await said.say(type="subscribe", id="7", payload=payload)

        told = await said.hear()

        assert (told["type"], told["id"]) == ("error", "7")
        assert told["payload"][0]["extensions"]["code"] == code
        await said.watch(MANY, id="7")
        assert at.reported == []


async def test_a_field_that_breaks_is_masked_beside_the_data_and_reported() -> None:
    async with door() as at, greeted(at) as said:
        await said.watch("subscription { numbers { n broken } }")
        at.sources[0].events.put_nowait(1)

        payload = (await said.hear())["payload"]

        assert payload["data"] == {"numbers": {"n": 1, "broken": None}}
        assert payload["errors"][0]["extensions"]["code"] == "INTERNAL"
        assert "secret" not in str(payload)
        assert [str(error) for error in at.reported] == ["secret"]


async def test_a_connection_ends_with_its_token() -> None:
    async with door(seconds=0.05) as at, greeted(at) as said:
        assert await said.closed() == 4403


async def test_a_session_that_was_ended_hears_nothing_of_the_next_event() -> None:
    async with door() as at, greeted(at) as said:
        await said.watch(MANY)
        at.signed_out.add("he")
        at.sources[0].events.put_nowait(1)

        with pytest.raises(ConnectionClosed):
            await said.hear()
        assert await said.closed() == 4403


async def test_subscriptions_of_a_connection_are_bounded() -> None:
    async with door(limits=SocketLimits(subscriptions=1)) as at, greeted(at) as said:
        await said.watch(MANY)
        await said.say(type="subscribe", id="2", payload={"query": MANY})

        assert (await said.hear())["payload"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"


async def test_connections_of_a_customer_and_of_the_process_are_bounded() -> None:
    limits = SocketLimits(connections=3, customer_connections=1)
    async with door(limits=limits) as at, greeted(at), greeted(at, "lin"), talk(at.url) as second:
        async with talk(at.url) as beyond:
            process = await beyond.closed()
        await second.say(type="connection_init", payload={"Authorization": "Bearer he"})
        customer = await second.closed()

    assert (customer, process) == (1013, 1013)


async def test_messages_are_bounded_in_size_and_pace() -> None:
    async with door(limits=SocketLimits(messages=5)) as at:
        async with greeted(at) as large:
            await large.connection.send(" " * (64 * 1024 + 1))
            size = await large.closed()
        async with greeted(at) as quick:
            for _ in range(5):
                await quick.say(type="ping")
            pace = await quick.closed()

    assert (size, pace) == (1009, 4400)


async def test_at_the_end_clients_are_sent_to_another_process() -> None:
    async with door() as at, greeted(at) as said:
        await said.watch(MANY)

        at.app.drain()

        assert await said.closed() == 1001
        await asyncio.wait_for(at.sources[0].closed.wait(), 10)


async def test_a_server_that_shuts_down_leaves_nothing_open() -> None:
    at = Door()
    async with served(at.app, ws="websockets-sansio") as url:
        at.url = url
        connection = talk(url)
        said = await connection.__aenter__()
        await said.greet("he")
        await said.watch(MANY)

    assert await said.closed() == 1012
    await asyncio.wait_for(at.sources[0].closed.wait(), 10)
    await connection.__aexit__(None, None, None)


async def test_a_reader_too_slow_to_hear_is_let_go() -> None:
    at = Door(limits=SocketLimits(send_seconds=0.05, close_seconds=0.05))
    came: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    stuck = False

    async def send(message: dict[str, Any]) -> None:
        if stuck:
            await asyncio.Event().wait()

    scope = {"type": "websocket", "path": "/graphql", "headers": [], "subprotocols": [PROTOCOL], "client": None}
    came.put_nowait({"type": "websocket.connect"})
    came.put_nowait(
        {"type": "websocket.receive", "text": '{"type":"connection_init","payload":{"Authorization":"Bearer he"}}'}
    )
    came.put_nowait(
        {"type": "websocket.receive", "text": '{"type":"subscribe","id":"1","payload":{"query":"' + MANY + '"}}'}
    )
    running = asyncio.create_task(at.app(scope, came.get, send))
    while not at.sources:  # noqa: ASYNC110 - it is only a turn or two of the loop
        await asyncio.sleep(0)
    stuck = True
    at.sources[0].events.put_nowait(1)

    await asyncio.wait_for(running, 10)

    assert at.sources[0].closed.is_set()
    assert at.watch.codes == [1013]
    assert at.reported == []
