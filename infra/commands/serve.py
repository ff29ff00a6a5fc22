"""`hall serve`: one web process, until SIGTERM or SIGINT; then it finishes what it has begun and ends."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated, Any

import typer

app = typer.Typer()

DRAIN_S = 5
BACKLOG = 2048
PEER_SILENT_MS = 30_000


@app.command()
def serve(
    socket_fd: Annotated[
        int | None, typer.Option("--socket-fd", hidden=True, help="A listening socket, as `hall run` hands it down.")
    ] = None,
) -> None:
    """Serve HTTP. Needs HALL_DATABASE_URL and HALL_REDIS_URL."""
    import uvloop

    from infra.log import configure_logging
    from infra.settings import load_keys, load_settings, require_servers

    settings = require_servers(load_settings())
    configure_logging(settings.log_level, settings.log_format)
    load_keys(settings)  # refuse before anything starts
    listening = socket.socket(fileno=socket_fd) if socket_fd is not None else listen(settings.host, settings.port)

    async def work() -> None:
        from infra.db.installation import check_database
        from infra.wiring import make_app

        await check_database(settings.database_url or "", settings.mode)
        await serve_app(lambda: make_app(settings), listening)

    with listening:
        uvloop.run(work())


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises HouseError when the port is taken."""
    from infra.home import HouseError

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named TCP: a socket of no protocol costs 40 ms an answer on asyncio's own loop.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise HouseError(
            f"Port {port} on {host} cannot be used ({os.strerror(error.errno or 0)}): set HALL_PORT to another one."
        ) from None
    # A peer that takes nothing for so long is gone: nobody else can end a connection that is full.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, PEER_SILENT_MS)
    listening.listen(BACKLOG)
    listening.setblocking(False)
    return listening


async def serve_app(make: Callable[[], Awaitable[Any]], listening: socket.socket) -> None:
    """Serve what `make` gives, an ASGI application, until a signal and all requests are answered or DRAIN_S has passed.

    Raises HouseError when the application does not start.
    """
    import uvicorn

    from infra.home import HouseError

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            """As uvicorn, but without raising the signal again at the end: a drained process has ended well."""
            before = {sign: signal.signal(sign, self._end) for sign in (signal.SIGINT, signal.SIGTERM)}
            try:
                yield
            finally:
                for sign, handler in before.items():
                    signal.signal(sign, handler)

        def _end(self, sign: int, frame: FrameType | None) -> None:
            self.handle_exit(sign, frame)

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            tune_collector()

    config = uvicorn.Config(
        await make(),
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=64 * 1024,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # whose headers are believed is for the application to judge
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=DRAIN_S,
    )
    try:
        await Server(config).serve(sockets=[listening])
    except SystemExit:
        raise HouseError("The web process did not start: the lines above say why.") from None


def tune_collector() -> None:
    """Collect what start-up left, then leave what stays out of every later collection.

    Collections at the default pace up to double the cost of making units (measured: 4-6 to 5-12 us).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def on_signals(stop: asyncio.Event, *signals: signal.Signals) -> None:
    """Set `stop` at the first of these signals."""
    loop = asyncio.get_running_loop()
    for sign in signals:
        loop.add_signal_handler(sign, stop.set)
