"""The web process: every door of the hall in one ASGI application.

`/graphql` and the till's calls are plain callables beside Starlette's routes: they are the hot paths, and need none of
their objects.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from time import perf_counter
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Match

from api.graphql import GraphQLApp
from api.graphql.socket import SubscriptionApp
from api.machine.problems import TraceIds, exception_handlers
from api.machine.till import PREFIX, TillApp

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Lifespan = Callable[[], AbstractAsyncContextManager[None]]


class ObserveHttp(Protocol):
    """Told of every answer: method, the route's template (`none` where there is no such route), status, seconds."""

    def __call__(self, method: str, path: str, status: int, seconds: float, /) -> None: ...


def build_app(
    graphql: GraphQLApp,
    till: TillApp,
    routes: Sequence[BaseRoute],
    *,
    lifespan: Lifespan,
    bind_trace: Callable[[str], None],
    report: Callable[[BaseException, str], None],
    observe: ObserveHttp,
    subscriptions: SubscriptionApp | None = None,
) -> "HallApp":
    """The ASGI application of a web process. lifespan: around everything it serves."""

    @asynccontextmanager
    async def within(_: Starlette) -> AsyncIterator[None]:
        async with lifespan():
            yield

    rest = Starlette(routes=routes, lifespan=within, exception_handlers=exception_handlers())
    rest.router.redirect_slashes = False
    traced = TraceIds(_Observed(rest, routes, observe), bind=bind_trace, report=report)
    return HallApp(graphql, till, traced, bind_trace, subscriptions)


class HallApp:
    """Sends each request to its door. Decides by the path as it stood on the wire, never by a rebuilt URL."""

    def __init__(
        self,
        graphql: GraphQLApp,
        till: TillApp,
        rest: Any,
        bind_trace: Callable[[str], None],
        subscriptions: SubscriptionApp | None = None,
    ) -> None:
        self._graphql = graphql
        self._till = till
        self._rest = rest
        self._subscriptions = subscriptions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and scope["path"] == "/graphql" and self._subscriptions is not None:
            await self._subscriptions(scope, receive, send)
        elif scope["type"] != "lifespan" and scope["path"] == "/graphql":
            await self._graphql(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self._till(scope, receive, send)
        else:
            await self._rest(scope, receive, send)


class _Observed:
    """Measures the REST doors by their routes' templates, which are few."""

    def __init__(self, app: Any, routes: Sequence[BaseRoute], observe: ObserveHttp) -> None:
        self._app = app
        self._routes = routes
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        status = 500

        async def watched(message: Mapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)  # type: ignore[arg-type]

        try:
            await self._app(scope, receive, watched)
        finally:
            self._observe(scope["method"], self._template(scope), status, perf_counter() - began)

    def _template(self, scope: Scope) -> str:
        for route in self._routes:
            if route.matches(scope)[0] is not Match.NONE:
                return str(getattr(route, "path", "none"))
        return "none"
