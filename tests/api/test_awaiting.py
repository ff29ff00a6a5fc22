"""Answers that may be there already: at once where they can be, awaited where they must be."""

import asyncio
from inspect import isawaitable

import pytest

from api.awaiting import once, then


def double(value: int) -> int:
    return 2 * value


async def test_what_is_there_is_answered_at_once() -> None:
    done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    done.set_result(4)

    assert once(done, double) == 8
    assert then(done, double) == 8
    assert then(4, double) == 8


async def test_what_is_not_there_yet_is_awaited() -> None:
    coming: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    soon = then(coming, double)
    assert isawaitable(soon)
    coming.set_result(4)

    assert await soon == 8


async def test_what_went_wrong_goes_wrong_in_either_case() -> None:
    failed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    failed.set_exception(RuntimeError("lost"))

    with pytest.raises(RuntimeError, match="lost"):
        then(failed, double)
