"""A hall in small: the supervisor, the servers and the doors are the real ones, the application is a few lines.

Run as `python -m tests.builders.fake_hall run|serve|worker`. HALL_FAKE_FAIL=serve makes that child fail.
"""

import asyncio
import os
import signal
import sys
from typing import Any

import asyncpg
import redis.asyncio as redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from api.health import health_routes
from infra.commands.run import Terminal
from infra.commands.serve import listen, on_signals, serve_app
from infra.log import configure_logging
from infra.run import Doors, Progress, run
from infra.settings import Mode, Settings, load_settings

ME = (sys.executable, "-m", "tests.builders.fake_hall")


async def make_app(settings: Settings) -> Starlette:
    dsn, url = settings.database_url or "", settings.redis_url or ""

    async def execute(statement: str) -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    async def ready() -> dict[str, bool]:
        async with redis.from_url(url) as cache:
            return {"database": await execute("select true"), "cache": await cache.ping()}

    async def pid(_: Request) -> PlainTextResponse:
        return PlainTextResponse(str(os.getpid()))

    async def write(_: Request) -> PlainTextResponse:
        await execute("create table if not exists written (at timestamptz)")
        await execute("insert into written values (now())")
        return PlainTextResponse(str(await execute("select count(*) from written")))

    async def slow(_: Request) -> PlainTextResponse:
        (settings.home / "entered").touch()
        await asyncio.sleep(1)
        return PlainTextResponse("finished")

    async def session(_: Request) -> JSONResponse:
        return JSONResponse({"accessToken": "a-demo-token"})

    return Starlette(
        routes=[
            *health_routes(ready, lambda: b""),
            Route("/pid", pid),
            Route("/write", write, methods=["POST"]),
            Route("/slow", slow),
            Route("/sandbox/session", session, methods=["POST"]),
        ]
    )


async def publish(settings: Settings) -> None:
    sys.stdout.write("published\n")


async def load_demo(settings: Settings, base_url: str, progress: Progress) -> str:
    sys.stdout.write("demo loading\n")
    if os.environ.get("HALL_FAKE_FAIL") == "demo":
        raise OSError("the bank did not answer")
    progress(10, 10, "demo people")
    return "demo-1"


async def work() -> None:
    stop = asyncio.Event()
    on_signals(stop, signal.SIGINT, signal.SIGTERM)
    await stop.wait()


def main() -> None:
    what = sys.argv[1]
    if os.environ.get("HALL_FAKE_FAIL") == what:
        sys.exit(3)
    configure_logging("WARNING", "json")
    match what:
        case "run":
            settings = load_settings(mode=Mode.SANDBOX)
            run(settings, Doors(publish, load_demo, serve=(*ME, "serve"), worker=(*ME, "worker")), Terminal())
        case "serve":
            settings = load_settings()
            import socket

            listening = socket.socket(fileno=int(sys.argv[3])) if sys.argv[3:] else listen(settings.host, settings.port)
            asyncio.run(serve_app(lambda: make_app(settings), listening))
        case "worker":
            asyncio.run(work())


if __name__ == "__main__":
    from infra.home import HouseError

    try:
        main()
    except HouseError as error:
        sys.exit(f"hall: {error}")
