"""Reads of many callers in one statement: while one is under way the others gather, and go together. No timer."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

A = TypeVar("A")
R = TypeVar("R")


class Together(Generic[A, R]):
    """Asks `fetch` for what several callers want at once; each gets his own part of the answer.

    fetch: gives as many results as it was asked for, in the same order; what it raises reaches all who asked.
    at_once: statements under way at the same time. limit: questions in one.
    """

    def __init__(
        self, fetch: Callable[[Sequence[A]], Awaitable[Sequence[R]]], *, at_once: int = 2, limit: int = 256
    ) -> None:
        self._fetch = fetch
        self._free = at_once
        self._limit = limit
        self._waiting: deque[tuple[A, asyncio.Future[R]]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._kicked = False

    async def __call__(self, asked: A) -> R:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._waiting.append((asked, future))
        if self._free and not self._kicked:
            self._kicked = True
            loop.call_soon(self._kick)  # so that other callers of this turn of the loop come along
        return await future

    def _kick(self) -> None:
        self._kicked = False
        while self._free and self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._limit))]
            self._free -= 1
            task = asyncio.get_running_loop().create_task(self._run(batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, batch: Sequence[tuple[A, "asyncio.Future[R]"]]) -> None:
        try:
            found = await self._fetch([asked for asked, _ in batch])
            for (_, future), one in zip(batch, found, strict=True):
                if not future.done():
                    future.set_result(one)
        except BaseException as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            if not isinstance(error, Exception):
                raise
        finally:
            self._free += 1
            self._kick()
