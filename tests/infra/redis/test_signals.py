"""Signals reach who listens, are lost without harm, and a gap is told."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from domain.messaging.signals import LOOK_AGAIN, ViewerSignal
from infra.clock import WallClock
from infra.embedded import EmbeddedValkey
from infra.redis.names import Names
from infra.redis.reach import Valkey
from infra.redis.signals import WAITING, Ear, ViewerSignals
from tests.builders.killing import kill

Open = Callable[[], ViewerSignals]


@pytest.fixture
async def process(server: EmbeddedValkey, names: Names) -> AsyncIterator[Open]:
    """Makes the signals of one more process of the hall."""
    opened: list[tuple[Valkey, ViewerSignals]] = []

    def open() -> ViewerSignals:
        valkey = Valkey(server.url, name="hall test")
        opened.append((valkey, ViewerSignals(valkey, names, WallClock())))
        return opened[-1][1]

    yield open
    for valkey, signals in opened:
        await signals.close()
        await valkey.close()


async def hear(ear: Ear) -> ViewerSignal:
    async with asyncio.timeout(20):
        return await anext(ear)


async def test_what_one_process_tells_another_hears(process: Open) -> None:
    worker, web = process(), process()
    ear = await web.listen("he")

    await worker.tell([("viewer:he", "coupon:1"), ("viewer:lin", "coupon:2"), ("other", "coupon:3")])
    await worker.tell([("viewer:he", "choice:4")])

    assert [((told := await hear(ear)).kind, told.id) for _ in range(2)] == [("coupon", "1"), ("choice", "4")]


async def test_every_listener_of_a_customer_hears_and_one_that_leaves_takes_nothing_along(process: Open) -> None:
    web = process()
    first, second = await web.listen("he"), await web.listen("he")
    await first.aclose()

    await web.tell([("viewer:he", "coupon:1")])

    assert (await hear(second)).id == "1"
    await second.aclose()
    third = await web.listen("he")
    await web.tell([("viewer:he", "coupon:2")])
    assert (await hear(third)).id == "2"


async def test_equal_signals_that_wait_together_are_one(process: Open) -> None:
    web = process()
    ear = await web.listen("he")
    for _ in range(3):
        await web.tell([("viewer:he", "coupon:1"), ("viewer:he", "coupon:1")])
    await web.tell([("viewer:he", "coupon:2")])
    last = await web.listen("he")
    await web.tell([("viewer:he", "coupon:9")])
    await hear(last)  # so all of the above have been heard

    assert [(await hear(ear)).id for _ in range(3)] == ["1", "2", "9"]


async def test_more_than_anyone_wants_to_hear_is_one_word(process: Open) -> None:
    web = process()
    ear, last = await web.listen("he"), await web.listen("lin")
    await web.tell([("viewer:he", f"coupon:{n}") for n in range(WAITING + 1)])
    await web.tell([("viewer:lin", "coupon:1")])
    await hear(last)

    assert (await hear(ear)).kind == LOOK_AGAIN
    assert not ear._waiting


async def test_a_batch_of_any_size_is_told(process: Open) -> None:
    web = process()
    ear = await web.listen("he")

    await web.tell([*((f"viewer:c{n}", "coupon:1") for n in range(5_000)), ("viewer:he", "coupon:2")])

    assert (await hear(ear)).id == "2"


async def test_after_a_gap_listeners_are_told_to_look_and_hear_again(server: EmbeddedValkey, process: Open) -> None:
    worker, web = process(), process()
    ear = await web.listen("he")
    kill(server)
    await worker.tell([("viewer:he", "coupon:lost")])
    await server.start()

    missed = await hear(ear)
    assert missed.kind == LOOK_AGAIN
    heard = asyncio.create_task(hear(ear))
    while not heard.done():  # the worker, too, must have found it again
        await worker.tell([("viewer:he", "coupon:found")])
        await asyncio.sleep(0.02)
    assert heard.result().id == "found"


async def test_who_comes_while_it_is_away_listens_once_it_is_back(server: EmbeddedValkey, process: Open) -> None:
    web = process()
    await server.stop()
    ear = await web.listen("he")
    await server.start()

    assert (await hear(ear)).kind == LOOK_AGAIN


async def test_a_frozen_server_holds_up_nobody(
    server: EmbeddedValkey, process: Open, valkey: Valkey, back: Callable[[], Awaitable[None]]
) -> None:
    web = process()
    ear = await web.listen("he")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)

    async with asyncio.timeout(20):
        for _ in range(100):
            await web.tell([("viewer:he", "coupon:1")])
        await web.listen("lin")

    os.kill(server.pid, signal.SIGCONT)
    await back()
    while web._valkey._away:
        await web._valkey.is_there()
        await asyncio.sleep(0.02)
    await web.tell([("viewer:he", "coupon:2")])
    while (await hear(ear)).id != "2":
        pass


async def test_what_is_no_signal_is_not_heard(process: Open, valkey: Valkey, names: Names) -> None:
    web = process()
    ear = await web.listen("he")
    for said in ("", "coupon:1", "yesterday|coupon:1", "2026-10-05T12:00:00+08:00|coupon", b"\xff|\xff:"):
        await valkey.ask("PUBLISH", names.viewer("he"), said)
    await web.tell([("viewer:he", "coupon:2")])

    assert (await hear(ear)).id == "2"


async def test_at_the_end_every_listener_hears_the_end(process: Open) -> None:
    web = process()
    ear = await web.listen("he")

    await web.close()

    assert [signal async for signal in ear] == []
