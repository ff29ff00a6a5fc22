"""Answers that may be there already.

A field whose facts were read for the page as a whole is answered at once, without a task of its own: the library makes
one for every coroutine, which costs more than most fields do.
"""

from asyncio import Future
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

T = TypeVar("T")
R = TypeVar("R")

Soon: TypeAlias = T | Awaitable[T]
"""Now, or once it has been awaited."""


def once(value: Awaitable[T], present: Callable[[T], R]) -> Soon[R]:
    """`present` of what a loader gives: now, if that has been loaded."""
    if isinstance(value, Future) and value.done():
        return present(value.result())
    return _later(value, present)


def then(value: Soon[T], present: Callable[[T], R]) -> Soon[R]:
    """`present` of the value: now, if it is there."""
    return once(value, present) if isinstance(value, Awaitable) else present(value)


async def _later(value: Awaitable[T], present: Callable[[T], R]) -> R:
    return present(await value)
