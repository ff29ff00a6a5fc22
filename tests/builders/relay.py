"""A relay in front of PostgreSQL that loses the connection at the worst moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto
from urllib.parse import urlsplit, urlunsplit


class Loss(Enum):
    BEFORE = auto()
    """The commit never reaches the database."""
    AFTER = auto()
    """The commit is done, its answer is lost."""
    WHILE = auto()
    """The commit is under way when the client's side is cut; the database does not notice."""


class Relay:
    """Forwards bytes; loses the next commit the way it is told to, once."""

    def __init__(self, dsn: str) -> None:
        self.lead_to(dsn)
        self.lose: Loss | None = None
        self.lost = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def lead_to(self, dsn: str) -> None:
        """Where connections from now on lead to."""
        parts = urlsplit(dsn)
        assert parts.hostname is not None
        assert parts.port is not None
        self._host, self._port = parts.hostname, parts.port

    async def serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            server, to_server = await asyncio.open_connection(self._host, self._port)
        except OSError:
            to_client.close()
            self._tasks.discard(task)
            return
        down = asyncio.ensure_future(self._down(server, to_client))
        try:
            with suppress(OSError):
                await self._up(client, to_client, server, to_server, down)
        finally:
            down.cancel()
            for writer in (to_client, to_server):
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
            self._tasks.discard(task)

    async def _up(
        self,
        client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
        down: asyncio.Future[None],
    ) -> None:
        commit_known = False
        while data := await client.read(1 << 16):
            # The statement's text goes by once, to be prepared; what the client sends next runs it.
            if commit_known and self.lose is not None:
                how, self.lose = self.lose, None
                down.cancel()
                with suppress(asyncio.CancelledError):
                    await down
                if how is not Loss.BEFORE:
                    to_server.write(data)
                if how is Loss.AFTER:
                    await server.read(1)
                to_client.close()
                self.lost.set()
                if how is Loss.WHILE:
                    await server.read(1)  # until the database has done it after all
                return
            commit_known = commit_known or b"ledger_write" in data
            to_server.write(data)

    async def _down(self, server: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        while data := await server.read(1 << 16):
            to_client.write(data)
        to_client.close()

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def relayed(dsn: str) -> AsyncIterator[tuple[Relay, str]]:
    """A relay to the database of `dsn`, and the DSN that goes through it."""
    relay = Relay(dsn)
    listener = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    parts, port = urlsplit(dsn), listener.sockets[0].getsockname()[1]
    netloc = parts.netloc.replace(f":{parts.port}", f":{port}")
    try:
        yield relay, urlunsplit(parts._replace(netloc=netloc))
    finally:
        listener.close()
        await relay.close()
