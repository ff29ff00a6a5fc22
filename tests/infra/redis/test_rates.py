"""A rate is kept by all processes together; what cannot be told is said to be so."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.kernel.rates import Rate
from infra.embedded import EmbeddedValkey
from infra.redis.names import Names
from infra.redis.rates import ValkeyRates
from infra.redis.reach import Valkey
from tests.builders.killing import kill

HOUR = 3600.0
"""So long that nothing comes back while a test runs."""


async def test_many_processes_together_take_no_more_than_there_is(server: EmbeddedValkey, names: Names) -> None:
    """A script that reads, lets others go first and then writes lets more than 50 through: seen with GET and SET sent
    apart from each other.
    """
    processes = [Valkey(server.url, name=f"hall {n}") for n in range(4)]
    rates = [ValkeyRates(valkey, names) for valkey in processes]

    waits = await asyncio.gather(
        *(rates[n % 4].take("customer he", "mutations", 1, Rate(50, HOUR)) for n in range(400))
    )

    assert sum(wait == 0 for wait in waits) == 50
    for valkey in processes:
        await valkey.close()


async def test_what_was_taken_comes_back_evenly(valkey: Valkey, names: Names) -> None:
    rates = ValkeyRates(valkey, names)
    rate = Rate(10, 1_000)
    for _ in range(10):
        assert await rates.take("customer he", "mutations", 1, rate) == 0

    one = await rates.take("customer he", "mutations", 1, rate)
    three = await rates.take("customer he", "mutations", 3, rate)

    assert one is not None
    assert three is not None
    assert 0 < one <= 100  # a tenth of the time gives a tenth of the rate
    assert 200 < three <= 300


async def test_who_was_refused_has_taken_nothing(valkey: Valkey, names: Names) -> None:
    rates = ValkeyRates(valkey, names)
    await rates.take("customer he", "mutations", 9, Rate(10, HOUR))

    too_much = await rates.take("customer he", "mutations", 5, Rate(10, HOUR))

    assert too_much
    assert await rates.take("customer he", "mutations", 1, Rate(10, HOUR)) == 0


async def test_what_is_heavier_than_the_whole_rate_takes_all_of_it(valkey: Valkey, names: Names) -> None:
    rates = ValkeyRates(valkey, names)

    assert await rates.take("customer he", "sign-in", 50, Rate(10, HOUR)) == 0
    assert await rates.take("customer he", "sign-in", 1, Rate(10, HOUR))


async def test_customers_and_scopes_are_apart(valkey: Valkey, names: Names) -> None:
    rates = ValkeyRates(valkey, names)
    await rates.take("customer he", "mutations", 1, Rate(1, HOUR))

    assert await rates.take("customer lin", "mutations", 1, Rate(1, HOUR)) == 0
    assert await rates.take("customer he", "documents", 1, Rate(1, HOUR)) == 0
    assert await rates.take("customer he", "mutations", 1, Rate(1, HOUR))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(weights=st.lists(st.integers(1, 12), min_size=1, max_size=20), amount=st.integers(1, 30))
async def test_what_is_let_through_is_never_more_than_the_rate(
    valkey: Valkey, names: Names, weights: list[int], amount: int
) -> None:
    await valkey.ask("FLUSHALL")
    rates = ValkeyRates(valkey, names)

    taken = [
        min(weight, amount)
        for weight in weights
        if await rates.take("customer he", "mutations", weight, Rate(amount, HOUR)) == 0
    ]

    assert 0 < sum(taken) <= amount


async def test_a_key_lives_no_longer_than_what_it_says(valkey: Valkey, names: Names) -> None:
    await ValkeyRates(valkey, names).take("customer he", "mutations", 1, Rate(10, 100))

    (key,) = await valkey.ask("KEYS", "*")
    assert 0 < await valkey.ask("PTTL", key) <= 10_000


async def test_a_clock_that_was_set_back_stops_nobody_for_longer_than_the_rate(valkey: Valkey, names: Names) -> None:
    rates = ValkeyRates(valkey, names)
    await valkey.ask("SET", names.rate("customer he", "mutations"), str(10**16))  # the year 2286

    wait = await rates.take("customer he", "mutations", 1, Rate(10, 100))

    assert wait is not None
    assert 0 < wait <= 10


async def test_emptied_it_begins_afresh_and_a_stranger_value_does_no_harm(valkey: Valkey, names: Names) -> None:
    rates = ValkeyRates(valkey, names)
    await rates.take("customer he", "mutations", 1, Rate(1, HOUR))
    await valkey.ask("FLUSHALL")
    await valkey.ask("SET", names.rate("customer lin", "mutations"), "nonsense")
    await valkey.ask("LPUSH", names.rate("customer wang", "mutations"), "nonsense")

    assert await rates.take("customer he", "mutations", 1, Rate(1, HOUR)) == 0
    assert await rates.take("customer lin", "mutations", 1, Rate(1, HOUR)) == 0
    assert await rates.take("customer wang", "mutations", 1, Rate(1, HOUR)) is None


async def test_frozen_killed_or_away_it_says_that_it_cannot_tell(
    server: EmbeddedValkey, valkey: Valkey, names: Names, back: Callable[[], Awaitable[None]]
) -> None:
    rates = ValkeyRates(valkey, names)
    assert await rates.take("customer he", "mutations", 1, Rate(10, HOUR)) == 0
    assert server.pid is not None

    os.kill(server.pid, signal.SIGSTOP)
    frozen = await rates.take("customer he", "mutations", 1, Rate(10, HOUR))
    at_once = await asyncio.gather(*(rates.take("customer he", "mutations", 1, Rate(10, HOUR)) for _ in range(50)))
    kill(server)
    killed = await rates.take("customer he", "mutations", 1, Rate(10, HOUR))
    await server.start()
    await back()

    assert (frozen, set(at_once), killed) == (None, {None}, None)
    assert await rates.take("customer he", "mutations", 1, Rate(10, HOUR)) == 0
