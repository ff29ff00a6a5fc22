"""The way to Valkey: quick, or not at all.

One connection, on which whoever asks at the same moment travels together: while one batch is under way the next ones
gather, as in the ledger. A batch has `PATIENCE_S`, connecting included. When a connection that stood is found broken
the batch is sent once more on a new one, so a server that came back costs nobody anything; every command here may be
done twice. When that fails too, Valkey is *away*: for `PAUSE_S` everyone is told so at once, then the next batch tries
again. Callers have an answer without it; who has none here asks PostgreSQL.

A script's keys share one tag, no command names two tags, and no database is selected: ready for a cluster.
"""

import asyncio
import logging
from collections.abc import Sequence
from hashlib import sha1
from time import perf_counter
from typing import Any

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import NoScriptError, RedisError, ResponseError

from infra import metrics

PATIENCE_S = 0.3
PAUSE_S = 0.5
BATCH = 256

_log = logging.getLogger(__name__)


class Away(Exception):
    """Valkey cannot be asked now."""


class Script:
    """A Lua script, known to the server by its hash."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = sha1(text.encode(), usedforsecurity=False).hexdigest()


class Valkey:
    """url: None where there is none; then it is always away. name: what the server is told of us."""

    def __init__(self, url: str | None, *, name: str) -> None:
        self._pool = None if url is None else _pool(url, name)
        self._connection: AbstractConnection | None = None
        self._queue: list[tuple[tuple[Any, ...], asyncio.Future[Any]]] = []
        self._flight: asyncio.Task[None] | None = None
        self._away_until = 0.0
        self._away = False

    @property
    def is_away(self) -> bool:
        """Whether whoever asks now would be told `Away` at once."""
        return self._pool is None or asyncio.get_running_loop().time() < self._away_until

    async def ask(self, *command: Any) -> Any:
        """The server's answer. Raises Away, or ResponseError when the server refuses the command."""
        loop = asyncio.get_running_loop()
        if self.is_away:
            metrics.valkey_commands.labels("away").inc()
            raise Away
        future: asyncio.Future[Any] = loop.create_future()
        self._queue.append((command, future))
        if self._flight is None:
            self._flight = loop.create_task(self._fly(), name="valkey")
        return await future

    async def run(self, script: Script, keys: Sequence[str], *arguments: Any) -> Any:
        """Run a script; the server learns it when it does not know it. Raises as `ask`."""
        try:
            return await self.ask("EVALSHA", script.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await self.ask("EVAL", script.text, len(keys), *keys, *arguments)

    async def is_there(self) -> bool:
        """Whether it answers. Away is logged by this, too."""
        try:
            await self.ask("PING")
        except (Away, ResponseError):
            return False
        return True

    async def connect(self) -> AbstractConnection:
        """A connection of the caller's own, for listening. Raises Away."""
        if self._pool is None:
            raise Away
        connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            async with asyncio.timeout(PATIENCE_S):
                await connection.connect()  # type: ignore[no-untyped-call]
        except (RedisError, OSError, TimeoutError) as error:
            await hang_up(connection)
            self._lost(error)
            raise Away from error
        self._found()
        return connection

    async def close(self) -> None:
        self._away_until = float("inf")
        if self._flight is not None:
            await self._flight
        if self._connection is not None:
            await hang_up(self._connection)

    # --- batches

    async def _fly(self) -> None:
        await asyncio.sleep(0)  # so that other callers of this turn of the loop come along
        while self._queue:
            batch, self._queue = self._queue[:BATCH], self._queue[BATCH:]
            began = perf_counter()
            try:
                async with asyncio.timeout(PATIENCE_S):
                    answers = await self._send([command for command, _ in batch])
            except (RedisError, OSError, TimeoutError) as error:
                await self._hang_up()
                self._lost(error)
                answers = [Away() for _ in batch]
            except BaseException as error:
                await self._hang_up()
                for _, future in batch:
                    if not future.done():
                        future.set_exception(Away())
                if not isinstance(error, Exception):
                    raise
                _log.exception("a batch for Valkey failed")
                continue
            else:
                self._found()
                metrics.valkey_seconds.observe(perf_counter() - began)
            for (_, future), answer in zip(batch, answers, strict=True):
                if future.done():
                    continue  # the caller has gone
                metrics.valkey_commands.labels("away" if isinstance(answer, Away) else "done").inc()
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)
        self._flight = None

    async def _send(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        stood = self._connection is not None
        try:
            return await self._exchange(commands)
        except (ConnectionLost, OSError):
            if not stood:
                raise
            await self._hang_up()
            return await self._exchange(commands)

    async def _exchange(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        if self._connection is None:
            assert self._pool is not None
            self._connection = self._pool.make_connection()  # type: ignore[no-untyped-call]
            await self._connection.connect()
        connection = self._connection
        await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
        answers: list[Any] = []
        for _ in commands:
            try:
                answers.append(await connection.read_response())
            except ResponseError as refused:
                answers.append(refused)
        return answers

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await hang_up(connection)

    # --- there or away

    def _lost(self, error: BaseException) -> None:
        self._away_until = max(self._away_until, asyncio.get_running_loop().time() + PAUSE_S)
        if not self._away:
            self._away = True
            metrics.valkey_up.set(0)
            _log.warning("Valkey is away: %s; the hall goes on without its hints", error or type(error).__name__)

    def _found(self) -> None:
        metrics.valkey_up.set(1)
        if self._away:
            self._away = False
            _log.info("Valkey is back")


def _pool(url: str, name: str) -> ConnectionPool:
    # Only for what it reads from the URL: connections are made one by one and kept by us.
    return ConnectionPool.from_url(
        url,
        protocol=2,
        client_name=name.replace(" ", "-"),
        driver_info=None,
        socket_timeout=None,  # a batch has one limit for all of it, which is much cheaper than one for each answer
        socket_connect_timeout=PATIENCE_S,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )


async def hang_up(connection: AbstractConnection) -> None:
    await connection.disconnect(nowait=True)
