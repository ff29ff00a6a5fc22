"""Viewer signals over Valkey's pub/sub: every process tells, the web processes listen.

Telling a batch of units is one command, however many signals it has. Listening is one connection a process, opened with
the first listener, on which each customer listened to is one channel. A connection that is lost is made anew, and all
listeners are told to look again, because nobody knows what was said meanwhile.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError, ResponseError

from domain.kernel.time import Clock
from domain.messaging.signals import LOOK_AGAIN, VIEWER, ViewerSignal
from infra import metrics
from infra.redis.names import Names
from infra.redis.reach import PAUSE_S, Away, Script, Valkey, hang_up

MOST_AT_ONCE = 1_000
"""Signals in one command: about a millisecond of the server."""

WAITING = 256
"""Different signals that wait for one listener; more become one `LOOK_AGAIN`."""

CONFIRM_S = 0.5
QUIET_S = 5.0
"""After so long without a word the server is asked whether it is there."""

TELL = Script("for i = 1, #ARGV, 2 do redis.call('PUBLISH', ARGV[i], ARGV[i + 1]) end")
"""Without keys: a channel belongs to no slot, and any node of a cluster passes it on."""

_log = logging.getLogger(__name__)


class ViewerSignals:
    """Tells and listens (`domain.messaging.signals.ListenToViewer`)."""

    def __init__(self, valkey: Valkey, names: Names, clock: Clock) -> None:
        self._valkey = valkey
        self._names = names
        self._clock = clock
        self._listeners: dict[bytes, set[Ear]] = {}
        self._heard = asyncio.Event()
        self._connection: AbstractConnection | None = None
        self._hearing: asyncio.Task[None] | None = None

    # --- telling

    async def tell(self, signals: Sequence[tuple[str, str]]) -> None:
        """What became durable is told; what cannot be told is forgotten. For `GroupCommit(on_committed=...)`."""
        if self._valkey.is_away:
            metrics.signals.labels("forgotten").inc(len(signals))
            return
        at = self._clock.now().isoformat()
        said: list[str] = []
        for topic, payload in dict.fromkeys(signals):
            if topic.startswith(VIEWER):
                said += (self._names.viewer(topic[len(VIEWER) :]), f"{at}|{payload}")
        for start in range(0, len(said), 2 * MOST_AT_ONCE):
            some = said[start : start + 2 * MOST_AT_ONCE]
            try:
                await self._valkey.run(TELL, [], *some)
                metrics.signals.labels("told").inc(len(some) // 2)
            except (Away, ResponseError):
                metrics.signals.labels("forgotten").inc((len(said) - start) // 2)
                return

    # --- listening

    async def listen(self, customer: str) -> "Ear":
        channel = self._names.viewer(customer).encode()
        ear = Ear(self, channel)
        ears = self._listeners.setdefault(channel, set())
        ears.add(ear)
        if any(other.heard.is_set() for other in ears):
            ear.heard.set()
        if self._hearing is None:
            self._hearing = asyncio.create_task(self._hear(), name="signals")
        try:
            if len(ears) == 1:
                await self._say("SUBSCRIBE", channel)
            with suppress(TimeoutError):
                async with asyncio.timeout(CONFIRM_S):
                    await ear.heard.wait()
        except BaseException:
            await self.forget(ear)
            raise
        return ear

    async def forget(self, ear: "Ear") -> None:
        ears = self._listeners.get(ear.channel, set())
        ears.discard(ear)
        if not ears and self._listeners.pop(ear.channel, None) is not None:
            await self._say("UNSUBSCRIBE", ear.channel)

    async def close(self) -> None:
        """Every listener hears the end."""
        task, self._hearing = self._hearing, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for ears in list(self._listeners.values()):
            for ear in list(ears):
                ear.end()

    async def _say(self, *command: Any) -> None:
        connection = self._connection
        if connection is None:
            return  # what is listened to is said again with the next connection
        try:
            async with asyncio.timeout(CONFIRM_S):
                await connection.send_command(*command, check_health=False)
        except (RedisError, OSError, TimeoutError):
            await hang_up(connection)  # the listening task notices

    async def _hear(self) -> None:
        lost = False
        while True:
            try:
                await self._hear_on(await self._valkey.connect(), lost)
            except Away:
                pass
            except (RedisError, OSError) as error:
                _log.info("signals are not heard: %s", error or type(error).__name__)
            except Exception:
                _log.exception("listening to signals failed")
            lost = True
            await asyncio.sleep(PAUSE_S)

    async def _hear_on(self, connection: AbstractConnection, lost: bool) -> None:
        """Until the connection breaks, which is raised."""
        self._connection = connection
        try:
            await self._hear_all(connection, lost)
        finally:
            self._connection = None
            await hang_up(connection)

    async def _hear_all(self, connection: AbstractConnection, lost: bool) -> None:
        if self._listeners:
            await connection.send_command("SUBSCRIBE", *self._listeners, check_health=False)
        if lost:
            missed = ViewerSignal(LOOK_AGAIN, "", self._clock.now())
            for ears in self._listeners.values():
                for ear in ears:
                    ear.hear(missed)
        asked = False
        while True:
            word: Any = await connection.read_response(timeout=QUIET_S)
            if word is not None:
                asked = False
                self._pass_on(word)
            elif asked:
                raise ConnectionResetError("no answer")
            else:
                asked = True
                # Inside a subscription the answer is another kind of word, which nobody listens to.
                await connection.send_command("PING", check_health=False)

    def _pass_on(self, word: Any) -> None:
        match word:
            case [b"message", bytes(channel), bytes(said)]:
                signal = _read(said)
                if signal is None:
                    return
                metrics.signals.labels("heard").inc()
                for ear in self._listeners.get(channel, ()):
                    ear.hear(signal)
            case [b"subscribe", bytes(channel), _]:
                for ear in self._listeners.get(channel, ()):
                    ear.heard.set()


def _read(said: bytes) -> ViewerSignal | None:
    """None for what is none of ours: whoever can write there could say anything."""
    try:
        at, _, thing = said.decode().partition("|")
        kind, colon, id = thing.partition(":")
        return ViewerSignal(kind, id, datetime.fromisoformat(at)) if colon else None
    except ValueError:
        return None


class Ear:
    """One listener: an iterator over what it heard and has not told yet (`domain.messaging.signals.Listening`)."""

    def __init__(self, signals: ViewerSignals, channel: bytes) -> None:
        self.channel = channel
        self.heard = asyncio.Event()
        self._signals = signals
        self._waiting: dict[tuple[str, str], ViewerSignal] = {}
        self._some = asyncio.Event()
        self._ended = False

    def hear(self, signal: ViewerSignal) -> None:
        self._waiting[signal.kind, signal.id] = signal
        if len(self._waiting) > WAITING:
            self._waiting = {(LOOK_AGAIN, ""): ViewerSignal(LOOK_AGAIN, "", signal.at)}
        self._some.set()

    def end(self) -> None:
        self._ended = True
        self._some.set()

    def __aiter__(self) -> "Ear":
        return self

    async def __anext__(self) -> ViewerSignal:
        while not self._waiting:
            if self._ended:
                raise StopAsyncIteration
            self._some.clear()
            await self._some.wait()
        return self._waiting.pop(next(iter(self._waiting)))

    async def aclose(self) -> None:
        self.end()
        await self._signals.forget(self)
