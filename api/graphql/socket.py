"""`/graphql` over a websocket: subscriptions, by the protocol graphql-transport-ws.

A connection belongs to one signed-in customer, who shows a token in `connection_init`, and ends with that token. Each
event is answered with a context of its own, for which the token is checked again. Messages are handled in the order in
which they come, and a subscription is begun before the next message is read: a pong that answers a ping sent after
`subscribe` says that the subscription listens.

Documents, their limits and caches are those of `POST /graphql`; queries and mutations are not taken here. Everything is
bounded: connections, subscriptions, messages and their pace, the time for the first word and for a slow reader.

Source: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md (message types and close codes).
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, NamedTuple, Protocol

import orjson
from graphql import ExecutionResult, OperationType

from api.graphql.app import ContextFor, Scope, Send, Throttle
from api.graphql.body import Receive, read_asked
from api.graphql.errors import Refused, Report, hall_error, masked, present_field_errors, refuse
from api.graphql.head import RequestHead, read_head
from api.graphql.limits import Limits
from api.graphql.plans import Documents, Stream
from domain.kernel.errors import Broken, HallError, NotSignedIn

PROTOCOL = "graphql-transport-ws"


class Close(IntEnum):
    """Codes below 4000 are the websocket's own, the others the protocol's."""

    GOING_AWAY = 1001
    TOO_BIG = 1009
    TRY_LATER = 1013
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    NOT_ACCEPTABLE = 4406
    INIT_TIMEOUT = 4408
    SUBSCRIBER_EXISTS = 4409
    TOO_MANY_INITS = 4429
    INTERNAL = 4500


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """The figures, each documented in docs/graphql.md.

    connections: of the process; customer_connections: of one customer in it. subscriptions: on one connection.
    messages: in any `messages_seconds`. init_seconds: for the first word. send_seconds: how long a reader may be slow.
    """

    connections: int = 2_000
    customer_connections: int = 10
    subscriptions: int = 4
    message_bytes: int = 64 * 1024
    id_chars: int = 128
    messages: int = 100
    messages_seconds: float = 10.0
    init_seconds: float = 5.0
    send_seconds: float = 10.0
    close_seconds: float = 1.0


class Caller(NamedTuple):
    """Whose connection it is, and for how many seconds the token still holds."""

    customer: str
    seconds: float


class SocketWatch(Protocol):
    """Told what happens, for metrics."""

    def open(self, sockets: int, subscriptions: int) -> None:
        """So many more (or fewer) are open."""
        ...

    def closed(self, code: int) -> None:
        """We closed one."""
        ...


class _Unwatched:
    def open(self, sockets: int, subscriptions: int) -> None: ...

    def closed(self, code: int) -> None: ...


class SubscriptionApp:
    """An ASGI application for `websocket` scopes."""

    def __init__(
        self,
        documents: Documents,
        limits: Limits,
        *,
        context_for: ContextFor,
        caller: Callable[[Any], Caller],
        report: Report,
        throttle: Throttle | None = None,
        socket_limits: SocketLimits | None = None,
        watch: SocketWatch | None = None,
    ) -> None:
        """
        Args:
            documents, limits: those of the door of `POST /graphql`.
            caller: who a context is for; raises NotSignedIn for nobody.
        """
        self.documents = documents
        self.limits = limits
        self.context_for = context_for
        self.caller = caller
        self.report = report
        self.throttle = throttle
        self.socket_limits = socket_limits or SocketLimits()
        self.watch = watch or _Unwatched()
        self.customers: Counter[str] = Counter()
        self._sockets: set[_Socket] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        offered = PROTOCOL in scope["subprotocols"]
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL if offered else None})
        socket = _Socket(self, read_head({**scope, "method": "GET"}), receive, send)
        if not offered:
            await socket.close(Close.NOT_ACCEPTABLE, f"Speak {PROTOCOL}")
            return
        if len(self._sockets) >= self.socket_limits.connections:
            await socket.close(Close.TRY_LATER, "Too many connections")
            return
        self._sockets.add(socket)
        self.watch.open(1, 0)
        try:
            await socket.run()
        finally:
            self._sockets.discard(socket)
            self.watch.open(-1, 0)

    def drain(self) -> None:
        """Close every connection; a client comes back to another process."""
        for socket in list(self._sockets):
            socket.end(Close.GOING_AWAY, "Going away")


class _Gone(Exception):
    """The client closed, or the network did."""


class _Ended(Exception):
    """We close."""

    def __init__(self, code: Close, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _Socket:
    def __init__(self, app: SubscriptionApp, head: RequestHead, receive: Receive, send: Send) -> None:
        self._app = app
        self._limits = app.socket_limits
        self._head = head
        self._receive = receive
        self._asgi_send = send
        self._running: dict[str, asyncio.Task[None]] = {}
        self._streams: set[Stream] = set()
        self._came: deque[float] = deque()
        self._loop = asyncio.get_running_loop()
        self._ending: asyncio.Future[_Ended | _Gone] = self._loop.create_future()

    async def run(self) -> None:
        """Until one of the two closes."""
        talking = self._loop.create_task(self._talk())
        either: set[asyncio.Future[Any]] = {talking, self._ending}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            talking.cancel()
            for task in self._running.values():
                task.cancel()
            ended = await asyncio.gather(talking, *self._running.values(), return_exceptions=True)
            for stream in list(self._streams):  # of a task that was stopped before it began
                await self._let_go(stream)
        why: BaseException | None = self._ending.result() if self._ending.done() else ended[0]
        match why:
            case _Ended(code=code, reason=reason):
                await self.close(code, reason)
            case _Gone() | None:
                pass
            case error:
                self._app.report(error, self._head.trace_id)
                await self.close(Close.INTERNAL, "Internal error")

    def end(self, code: Close, reason: str) -> None:
        self._stop(_Ended(code, reason))

    async def close(self, code: Close, reason: str) -> None:
        self._app.watch.closed(code)
        with suppress(TimeoutError, OSError, RuntimeError):  # gone, or closed by the server beneath meanwhile
            async with asyncio.timeout(self._limits.close_seconds):
                await self._asgi_send({"type": "websocket.close", "code": int(code), "reason": reason})

    def _stop(self, why: _Ended | _Gone) -> None:
        if not self._ending.done():
            self._ending.set_result(why)

    # --- the conversation

    async def _talk(self) -> None:
        """Ends by an exception."""
        try:
            async with asyncio.timeout(self._limits.init_seconds):
                caller = await self._greet()
        except TimeoutError:
            raise _Ended(Close.INIT_TIMEOUT, "Connection initialisation timeout") from None
        customers = self._app.customers
        if customers[caller.customer] >= self._limits.customer_connections:
            raise _Ended(Close.TRY_LATER, "Too many connections")
        customers[caller.customer] += 1
        expiry = self._loop.call_later(max(0.0, caller.seconds), self.end, Close.FORBIDDEN, "Token expired")
        try:
            await self._send({"type": "connection_ack"})
            while True:
                await self._handle(await self._next())
        finally:
            expiry.cancel()
            customers[caller.customer] -= 1
            if not customers[caller.customer]:
                del customers[caller.customer]

    async def _greet(self) -> Caller:
        while True:
            message = await self._next()
            match message["type"]:
                case "connection_init":
                    break
                case "ping":
                    await self._pong(message)
                case "pong":
                    pass
                case "subscribe":
                    raise _Ended(Close.UNAUTHORIZED, "Unauthorized")
                case _:
                    raise _Ended(Close.BAD_REQUEST, "Invalid message")
        try:
            self._head = replace(self._head, headers=_with_token(self._head.headers, message.get("payload")))
            return self._app.caller(await self._app.context_for(self._head))
        except Broken:
            raise
        except HallError:
            raise _Ended(Close.FORBIDDEN, "Forbidden") from None

    async def _handle(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "ping":
                await self._pong(message)
            case "pong":
                pass
            case "connection_init":
                raise _Ended(Close.TOO_MANY_INITS, "Too many initialisation requests")
            case "subscribe":
                await self._subscribe(_id_of(message, self._limits), message.get("payload"))
            case "complete":
                task = self._running.pop(_id_of(message, self._limits), None)
                if task is not None:
                    task.cancel()
                    await asyncio.wait({task})
            case _:
                raise _Ended(Close.BAD_REQUEST, "Invalid message")

    async def _subscribe(self, id: str, payload: object) -> None:
        if id in self._running:
            raise _Ended(Close.SUBSCRIBER_EXISTS, f"Subscriber for {id} already exists")
        if not isinstance(payload, dict):
            raise _Ended(Close.BAD_REQUEST, "Invalid message")
        try:
            if len(self._running) >= self._limits.subscriptions:
                most = self._limits.subscriptions
                raise refuse("LIMIT_EXCEEDED", f"A connection may have {most} subscriptions.")
            begun = await self._begin(payload)
        except Refused as refused:
            await self._error(id, list(refused.refusal.errors))
            return
        except NotSignedIn:
            raise _Ended(Close.FORBIDDEN, "Forbidden") from None
        except Broken as error:
            self._app.report(error, self._head.trace_id)
            await self._error(id, [masked(self._head)])
            return
        except HallError as error:
            await self._error(id, [hall_error(error, self._head.language)])
            return
        if isinstance(begun, ExecutionResult):
            await self._error(id, self._shown(begun))
            return
        self._streams.add(begun)
        task = self._running[id] = self._loop.create_task(self._tell(id, begun))
        task.add_done_callback(lambda _: self._running.pop(id, None) if self._running.get(id) is task else None)
        self._app.watch.open(0, 1)
        task.add_done_callback(lambda _: self._app.watch.open(0, -1))

    async def _begin(self, payload: dict[str, Any]) -> Stream | ExecutionResult:
        app = self._app
        asked = read_asked(orjson.dumps(payload), app.limits)
        context = await app.context_for(self._head)
        if app.throttle is not None:
            known = app.documents.knows(asked.query, asked.sha256)
            trusted = app.documents.is_trusted(asked.query, asked.sha256)
            await app.throttle.document(context, known=known, trusted=trusted)
        plan = app.documents.find(asked.query, asked.sha256).plan(asked.operation_name)
        if plan.kind is not OperationType.SUBSCRIPTION:
            raise refuse("OPERATION_NOT_SUPPORTED", "Only subscriptions are served here: send the others by POST.")
        return await plan.subscribe(context, asked.variables, asked.extensions)

    async def _tell(self, id: str, stream: Stream) -> None:
        """Every event of a subscription, until one of the two has enough."""
        try:
            async for event in stream.source:
                context = await self._app.context_for(self._head)  # of this event alone, and the token checked anew
                result = await stream.answer(event, context)
                payload: dict[str, Any] = {"data": result.data}
                if result.errors:
                    payload = {"errors": self._shown(result), **payload}
                await self._send({"id": id, "type": "next", "payload": payload})
            await self._send({"id": id, "type": "complete"})
        except (_Ended, _Gone) as why:
            self._stop(why)
        except NotSignedIn:
            self.end(Close.FORBIDDEN, "Forbidden")
        except Exception as error:
            self._app.report(error, self._head.trace_id)
            self.end(Close.INTERNAL, "Internal error")
        finally:
            await self._let_go(stream)

    async def _let_go(self, stream: Stream) -> None:
        self._streams.discard(stream)
        await stream.aclose()

    def _shown(self, result: ExecutionResult) -> list[dict[str, Any]]:
        return present_field_errors(result.errors or [], self._head, self._app.report, self._app.limits.field_errors)

    # --- messages

    async def _next(self) -> dict[str, Any]:
        """The next message, an object with a text `type`."""
        came = await self._receive()
        if came["type"] == "websocket.disconnect":
            raise _Gone
        self._count()
        text = came.get("text")
        if text is None:
            raise _Ended(Close.BAD_REQUEST, "Invalid message")
        if len(text) > self._limits.message_bytes:
            raise _Ended(Close.TOO_BIG, "Message too big")
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise _Ended(Close.BAD_REQUEST, "Invalid message") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise _Ended(Close.BAD_REQUEST, "Invalid message")
        return message

    def _count(self) -> None:
        now = self._loop.time()
        while self._came and self._came[0] <= now - self._limits.messages_seconds:
            self._came.popleft()
        self._came.append(now)
        if len(self._came) > self._limits.messages:
            raise _Ended(Close.BAD_REQUEST, "Too many messages")

    async def _pong(self, message: dict[str, Any]) -> None:
        payload = message.get("payload")
        await self._send({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})

    async def _error(self, id: str, errors: list[dict[str, Any]]) -> None:
        await self._send({"id": id, "type": "error", "payload": errors})

    async def _send(self, message: dict[str, Any]) -> None:
        """Raises _Ended when the reader is too slow, _Gone when nobody reads any more."""
        try:
            async with asyncio.timeout(self._limits.send_seconds):
                await self._asgi_send({"type": "websocket.send", "text": orjson.dumps(message).decode()})
        except TimeoutError:
            raise _Ended(Close.TRY_LATER, "Too slow") from None
        except (OSError, RuntimeError):
            raise _Gone from None


def _id_of(message: dict[str, Any], limits: SocketLimits) -> str:
    id = message.get("id")
    if not isinstance(id, str) or not 0 < len(id) <= limits.id_chars:
        raise _Ended(Close.BAD_REQUEST, "Invalid message")
    return id


def _with_token(headers: Mapping[bytes, bytes], payload: object) -> Mapping[bytes, bytes]:
    """The headers with the token of `connection_init`. Only that one counts: a browser can set no header here.

    Raises NotSignedIn.
    """
    given = {} if payload is None else payload
    if not isinstance(given, dict):
        raise NotSignedIn
    token = next((value for name, value in given.items() if name.lower() == "authorization"), None)
    if not isinstance(token, str) or not token.isascii():
        raise NotSignedIn
    return {**headers, b"authorization": token.encode()}
