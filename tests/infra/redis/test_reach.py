"""Valkey killed, emptied, frozen or refusing: the caller hears soon that it is away, and finds it when it is back."""

import asyncio
import logging
import os
import signal

import pytest
from redis.exceptions import ResponseError

from infra.embedded import EmbeddedValkey
from infra.redis.reach import Away, Script, Valkey
from tests.builders.killing import kill

ECHO = Script("return ARGV[1]")


async def test_who_asks_at_the_same_moment_gets_his_own_answer(valkey: Valkey) -> None:
    answers = await asyncio.gather(*(valkey.ask("ECHO", str(n)) for n in range(600)))

    assert answers == [str(n).encode() for n in range(600)]


async def test_a_refused_command_fails_nobody_elses(valkey: Valkey) -> None:
    answers = await asyncio.gather(
        valkey.ask("ECHO", "a"), valkey.ask("NONSENSE"), valkey.ask("ECHO", "b"), return_exceptions=True
    )

    assert (answers[0], answers[2]) == (b"a", b"b")
    assert isinstance(answers[1], ResponseError)


async def test_a_caller_who_leaves_takes_nobodys_answer_along(valkey: Valkey) -> None:
    leaving = asyncio.create_task(valkey.ask("ECHO", "leaving"))
    staying = asyncio.create_task(valkey.ask("ECHO", "staying"))
    await asyncio.sleep(0)
    leaving.cancel()

    assert await staying == b"staying"
    assert await valkey.ask("ECHO", "later") == b"later"


async def test_a_script_is_learnt_again_when_the_server_forgot_it(valkey: Valkey) -> None:
    await valkey.run(ECHO, [], "first")
    await valkey.ask("SCRIPT", "FLUSH")

    assert await valkey.run(ECHO, [], "again") == b"again"


async def test_a_server_that_was_started_anew_costs_nobody_an_answer(server: EmbeddedValkey, valkey: Valkey) -> None:
    """Fails without the second try of `_send`."""
    await valkey.ask("PING")
    await server.stop()
    await server.start()

    assert await valkey.ask("PING") == b"PONG"


async def test_a_killed_server_is_away_and_found_again(server: EmbeddedValkey, valkey: Valkey, back: object) -> None:
    kill(server)
    while await valkey.is_there():
        pass  # the kernel has not told yet
    with pytest.raises(Away):
        await valkey.ask("PING")
    await server.start()

    await back()  # type: ignore[operator]

    assert await valkey.ask("PING") == b"PONG"


async def test_a_frozen_server_is_away_and_its_late_answers_reach_nobody(
    server: EmbeddedValkey, valkey: Valkey, back: object
) -> None:
    await valkey.ask("PING")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    try:
        with pytest.raises(Away):
            await valkey.ask("ECHO", "late")
    finally:
        os.kill(server.pid, signal.SIGCONT)

    await back()  # type: ignore[operator]

    assert await valkey.ask("ECHO", "mine") == b"mine"


async def test_a_wrong_password_is_logged_once_and_without_it(
    server: EmbeddedValkey, caplog: pytest.LogCaptureFixture
) -> None:
    valkey = Valkey(server.url.replace(":", ":gue55", 2).replace("redis:gue55//", "redis://"), name="hall test")

    with caplog.at_level(logging.INFO, logger="infra.redis"):
        for _ in range(3):
            assert not await valkey.is_there()
            valkey._away_until = 0.0  # as if the pause were over
    await valkey.close()

    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "gue55" not in caplog.text


async def test_a_hall_without_valkey_is_always_without_it() -> None:
    valkey = Valkey(None, name="hall test")

    assert not await valkey.is_there()
    with pytest.raises(Away):
        await valkey.connect()
    await valkey.close()
