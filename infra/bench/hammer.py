"""A load generator for one HTTP server on loopback, run in a process of its own.

    python -m infra.bench.hammer PORT CONNECTIONS SECONDS REQUESTS [once]

REQUESTS is a file of whole HTTP/1.1 requests, each ended by a NUL. Every connection sends one, waits for the whole
answer, sends the next: a closed loop. Any of them at random, or (once) those dealt to it, each once. The clock
starts when every connection has had an answer: a server takes connections one by one, and those that wait to be taken
are not what is measured. Prints one line of JSON: {"answered", "count", "failed", "rate", "p50_ms", "p99_ms", "bytes"};
"answered" counts those before the clock started, too.
"""

import asyncio
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import orjson
import uvloop

END = b"\0"


class Caller(asyncio.Protocol):
    """One keep-alive connection. Answers must carry Content-Length, as ours and the bound's do."""

    def __init__(self, requests: Iterator[bytes], latencies: list[float]) -> None:
        self._requests = requests
        self._latencies = latencies
        self._buffer = bytearray()
        self._length = -1
        self.first = asyncio.get_running_loop().create_future()
        self.answered = 0
        self.bytes = 0
        self.failed = 0
        self.lost = False
        self.idle = False
        self._stopping = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class is none by descent
        self._send()

    def stop(self) -> None:
        self._stopping = True

    def _send(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self.idle = True
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._length < 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._buffer[:end]).lower()
            at = head.index(b"content-length:") + 15
            self._length = end + 4 + int(head[at:].split(b"\r\n", 1)[0])
            if b" 20" not in head[:13]:
                self.failed += 1
        if len(self._buffer) < self._length:
            return
        self._latencies.append(time.perf_counter() - self._sent)
        if b'"errors"' in self._buffer[:200]:
            self.failed += 1
        self.answered += 1
        if not self.first.done():
            self.first.set_result(None)
        self.bytes += self._length
        self._buffer.clear()
        self._length = -1
        if not self._stopping:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self.first.cancel()


def _endless(requests: list[bytes], seed: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    while True:
        yield chance.choice(requests)


async def hammer(
    port: int, connections: int, seconds: float, requests: list[bytes], *, once: bool = False
) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    callers = [
        (await loop.create_connection(lambda asked=asked: Caller(asked, latencies), "127.0.0.1", port))[1]  # type: ignore[misc]
        for asked in (
            iter(requests[number::connections]) if once else _endless(requests, number) for number in range(connections)
        )
    ]
    await asyncio.wait([caller.first for caller in callers])
    latencies.clear()
    began = time.perf_counter()
    await asyncio.sleep(seconds)
    lasted, count = time.perf_counter() - began, len(latencies)
    for caller in callers:
        caller.stop()
    if any(caller.lost for caller in callers):
        raise SystemExit("the server closed a connection")
    if any(caller.idle for caller in callers):
        raise SystemExit("there were too few requests")
    if count == 0:
        raise SystemExit("the server answered nothing")
    latencies = sorted(latencies[:count])
    answered = sum(caller.answered for caller in callers)
    return {
        "answered": answered,
        "count": count,
        "failed": sum(caller.failed for caller in callers),
        "rate": count / lasted,
        "p50_ms": latencies[count // 2] * 1e3,
        "p99_ms": latencies[count * 99 // 100] * 1e3,
        "bytes": sum(caller.bytes for caller in callers) / answered,
    }


def main() -> None:
    port, connections, seconds, path, *once = sys.argv[1:]
    requests = Path(path).read_bytes().split(END)[:-1]
    found = uvloop.run(hammer(int(port), int(connections), float(seconds), requests, once=bool(once)))
    sys.stdout.write(orjson.dumps(found).decode() + "\n")


if __name__ == "__main__":
    main()
