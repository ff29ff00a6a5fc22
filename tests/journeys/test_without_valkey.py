"""Valkey slow, killed or never there: nothing wrong is answered, and nothing stops but what is guarded by it alone."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from infra.embedded import EmbeddedValkey
from infra.home import open_home
from infra.settings import Settings
from tests.builders import house as house_of
from tests.builders.house import House, open_house
from tests.builders.killing import kill
from tests.builders.served import served
from tests.builders.sockets import talk

DRAW = """
mutation Draw($id: UUID!) { draw(input: {requestId: $id, draw: "wake-up", clientNonce: "0123456789abcdef"}) {
  __typename } }
"""


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[EmbeddedValkey]:
    """A Valkey of the test's own, to be killed."""
    server = EmbeddedValkey(open_home(tmp_path / "valkey-home"))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def hall(pg_dsn: str, valkey: EmbeddedValkey, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(pg_dsn, valkey.url, tmp_path) as house:
        await house.set_clock("2026-10-05T12:00:00")
        await house.tell(
            house.event(
                "card.approved", "2026-10-02T09:00:00", card="card-he", customer="he", product="GOLD",
                newCustomer=False, channel="MOBILE_BANK", last4="4321",
            )
        )  # fmt: skip
        yield house


async def answer(hall: House, query: str, **variables: object) -> tuple[int, str | None]:
    """(status, code of the first error) of an operation of the customer `he`."""
    told = await hall.http.post(
        "/graphql", json={"query": query, "variables": variables}, headers=await hall.sign_in("he")
    )
    errors = told.json().get("errors")
    return told.status_code, errors[0]["extensions"]["code"] if errors else None


async def ready(hall: House) -> tuple[int, bool, bool]:
    told = await hall.http.get("/readyz")
    return told.status_code, told.json()["degraded"], told.json()["checks"]["valkey"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_claims_and_reads_go_on_and_draws_wait(hall: House, valkey: EmbeddedValkey, how: signal.Signals) -> None:
    assert await ready(hall) == (200, False, True)
    assert await answer(hall, DRAW, id=str(uuid4())) == (200, None)
    request = str(uuid4())
    first = await hall.claim("he", "everyday-20-5", request)
    assert valkey.pid is not None
    os.kill(valkey.pid, how)
    try:
        again = await hall.claim("he", "everyday-20-5", request)
        draw = await answer(hall, DRAW, id=str(uuid4()))
        coupons = await hall.coupons("he")
        state = await ready(hall)
    finally:
        if how is signal.SIGSTOP:
            os.kill(valkey.pid, signal.SIGCONT)

    assert again == first
    assert draw == (503, "BUSY")
    assert coupons == [("everyday-20-5", 500, "AVAILABLE")]
    assert state == (200, True, False)


async def test_emptied_in_the_middle_it_changes_nothing_that_is_answered(hall: House, valkey: EmbeddedValkey) -> None:
    request = str(uuid4())
    first = await hall.claim("he", "everyday-20-5", request)
    await valkey.stop()
    await valkey.start()

    assert await hall.claim("he", "everyday-20-5", request) == first
    assert (await hall.claim("he", "everyday-20-5"))["__typename"] == "LimitReached"


async def test_a_subscriber_whose_valkey_dies_is_told_to_look_again_when_it_is_back(
    hall: House, valkey: EmbeddedValkey
) -> None:
    async with served(hall.app, ws="websockets-sansio") as url, talk(url) as heard:
        await heard.greet((await hall.sign_in("he"))["Authorization"].removeprefix("Bearer "))
        await heard.watch()
        kill(valkey)
        await hall.claim("he", "everyday-20-5")
        await valkey.start()

        told = await heard.event()

    assert (told["kind"], told["coupon"]) == ("LOOK_AGAIN", None)
    assert len(await hall.wallet("he")) == 1


async def test_a_hall_starts_with_a_wrong_password(pg_dsn: str, valkey: EmbeddedValkey, tmp_path: Path) -> None:
    wrong = valkey.url.replace(valkey.url.split("@")[0].rpartition(":")[2], "wrong")
    async with open_house(pg_dsn, wrong, tmp_path) as house:
        await house.set_clock("2026-10-05T12:00:00")

        assert await ready(house) == (200, True, False)
        assert (await house.ask(None, "{ serverTime }"))["serverTime"] == "2026-10-05T12:00:00+08:00"


async def test_who_writes_too_often_is_told_when_to_come_back(
    pg_dsn: str, valkey: EmbeddedValkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = house_of.house_settings

    def strict(dsn: str, url: str, home: Path) -> Settings:
        return settings(dsn, url, home).with_(customer_rate=3, address_rate=20)

    monkeypatch.setattr(house_of, "house_settings", strict)
    async with open_house(pg_dsn, valkey.url, tmp_path) as house:
        mutations = " ".join(f"m{n}: setPersonalisation(input: {{on: true}}) {{ id }}" for n in range(2))
        document = "mutation {" + mutations + "}"
        operations = [await answer(house, document) for _ in range(2)]
        tokens = [await house.http.post("/oauth2/token", data={"grant_type": "client_credentials"}) for _ in range(3)]

    assert operations == [(200, None), (429, "RATE_LIMITED")]
    assert [told.status_code for told in tokens] == [401, 401, 429]
    assert tokens[-1].json()["code"] == "RATE_LIMITED"
    assert int(tokens[-1].headers["Retry-After"]) >= 1
