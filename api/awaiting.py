"""Answers that may be there already.

A field whose facts were read for the page as a whole is answered at once, without a task of its own: the library makes
one for every coroutine, which costs more than most fields do.
"""

from asyncio import Future, gather
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

T = TypeVar("T")
S = TypeVar("S")
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


def both(one: Soon[T], other: Soon[S], present: Callable[[T, S], R]) -> Soon[R]:
    """`present` of both: now, if they are there."""
    if not isinstance(one, Awaitable) and not isinstance(other, Awaitable):
        return present(one, other)
    return _both_later(one, other, present)


async def _both_later(one: Soon[T], other: Soon[S], present: Callable[[T, S], R]) -> R:
    # Both are under way before either is awaited, so that they share their statements.
    first, second = await gather(_value(one), _value(other))
    return present(first, second)


async def _value(value: Soon[T]) -> T:
    return await value if isinstance(value, Awaitable) else value


async def _later(value: Awaitable[T], present: Callable[[T], R]) -> R:
    return present(await value)
