"""What happens to a customer is told on the customer's own socket, over real servers."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import redis.asyncio as redis

from tests.builders.house import House
from tests.builders.served import served
from tests.builders.sockets import Talk, talk


@pytest.fixture
async def url(hall: House) -> AsyncIterator[str]:
    async with served(hall.app, ws="websockets-sansio", ws_max_size=64 * 1024) as base:
        yield base


async def approve(hall: House, customer: str) -> None:
    await hall.tell(
        hall.event(
            "card.approved", "2026-10-02T09:00:00", card=f"card-{customer}", customer=customer, product="GOLD",
            newCustomer=True, channel="MOBILE_BANK", last4="4321",
        )
    )  # fmt: skip


async def token(hall: House, customer: str) -> str:
    return (await hall.sign_in(customer))["Authorization"].removeprefix("Bearer ")


async def watching(hall: House, customer: str, heard: Talk) -> None:
    await heard.greet(await token(hall, customer))
    await heard.watch()


async def test_a_claimed_coupon_is_told_to_its_customer_with_what_it_is(hall: House, url: str) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await approve(hall, "he")
    async with talk(url) as heard:
        await watching(hall, "he", heard)

        claimed = await hall.claim("he", "everyday-20-5")

        told = await heard.until("COUPON")
    assert told["coupon"]["id"] == claimed["coupons"][0]["id"]
    assert told["coupon"]["offer"] == {"code": "everyday-20-5"}
    assert (told["at"], told["choice"], told["delivery"]) == ("2026-10-05T12:00:00+08:00", None, None)


async def test_a_choice_and_points_that_events_earned_are_told_too(hall: House, url: str) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await approve(hall, "wang")
    purchase = hall.event(
        "transaction.posted", "2026-10-05T10:00:00", transaction="t1", card="card-wang", customer="wang", amount=30_000,
        currency="CNY", merchant="m-any", channel="POS", paymentMethod="CARD", country="CN",
    )  # fmt: skip
    async with talk(url) as heard:
        await watching(hall, "wang", heard)

        await hall.tell(purchase)

        told = {}
        while not {"CHOICE", "ENTRY"} <= set(told):
            event = await heard.event()
            told[event["kind"]] = event
    (choice,) = await hall.choices("wang")
    assert told["CHOICE"]["choice"]["id"] == choice["id"]
    assert [told["ENTRY"]["entry"]["points"]] == [
        row["points"] for row in await hall.rows("select points from points_entry")
    ]


async def test_nobody_hears_of_another(hall: House, url: str) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await approve(hall, "he")
    await approve(hall, "lin")
    async with talk(url) as heard:
        await watching(hall, "lin", heard)

        await hall.claim("he", "everyday-20-5")
        await hall.claim("lin", "everyday-20-5")

        told = await heard.until("COUPON")
    mine = [coupon["id"] for coupon in await hall.wallet("lin")]
    assert told["coupon"]["id"] in mine


async def test_a_signal_that_names_another_customers_thing_shows_nothing_of_it(
    hall: House, url: str, valkey_url: str
) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await approve(hall, "he")
    await approve(hall, "lin")
    await hall.claim("he", "everyday-20-5")
    (theirs,) = await hall.rows("select id from coupon")
    async with talk(url) as heard, redis.from_url(valkey_url) as planted:
        await watching(hall, "lin", heard)
        (channel,) = await planted.pubsub_channels()

        await planted.publish(channel, f"2026-10-05T12:00:00+08:00|coupon:{theirs['id']}")

        told = await heard.event()
    assert (told["kind"], told["coupon"]) == ("COUPON", None)


async def test_nothing_of_the_customer_stands_in_valkey(hall: House, url: str, valkey_url: str) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await approve(hall, "someone")
    async with talk(url) as heard, redis.from_url(valkey_url) as read:
        await watching(hall, "someone", heard)
        named: list[bytes] = []
        async with asyncio.timeout(30):
            while len(named) < 2:  # a count that Valkey is slow to take is done without
                await hall.claim("someone", "everyday-20-5")
                named = [*await read.pubsub_channels(), *await read.keys()]

    assert not any(b"someone" in name or b"127.0.0.1" in name for name in named)


async def test_a_customer_who_signs_out_hears_nothing_more(hall: House, url: str) -> None:
    await hall.set_clock("2026-10-05T12:00:00")
    await approve(hall, "he")
    async with talk(url) as heard:
        await watching(hall, "he", heard)
        await hall.ask("he", "mutation { signOut }")
        hall._sessions.clear()

        await hall.claim("he", "everyday-20-5")

        assert await heard.closed() == 4403


async def test_a_choice_that_lapses_by_itself_is_told(hall: House, url: str) -> None:
    """Fails when what a hold's release changes carries no signal, or the sweep tells none."""
    await hall.set_clock("2026-10-05T12:00:00")
    await approve(hall, "wang")
    await hall.tell(
        hall.event(
            "transaction.posted", "2026-10-05T10:00:00", transaction="t1", card="card-wang", customer="wang",
            amount=30_000, currency="CNY", merchant="m-any", channel="POS", paymentMethod="CARD", country="CN",
        )
    )  # fmt: skip
    (choice,) = await hall.choices("wang")
    async with talk(url) as heard:
        await watching(hall, "wang", heard)

        await hall.set_clock("2026-11-20T12:00:00")
        await hall.settle()

        async with asyncio.timeout(20):
            told = await heard.until("CHOICE")
    assert told["choice"]["id"] == choice["id"]
    assert [row["status"] for row in await hall.rows("select status from choice")] == ["LAPSED"]
