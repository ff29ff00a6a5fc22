"""The sandbox's own routes, over a real database."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.identity.customers import is_customer
from domain.intake.fit import unfit
from domain.intake.model import Incoming
from tests.builders.doors import DATA, NOW, Doors, open_doors


@pytest.fixture
async def doors(pg_dsn: str) -> AsyncIterator[Doors]:
    async with open_doors(pg_dsn) as opened:
        yield opened


# --- sessions


async def test_a_session_is_given_for_the_asking(doors: Doors) -> None:
    answer = await doors.http.post("/sandbox/session", json={"customer": "nobody-yet"})

    said = answer.json()
    assert answer.status_code == 200
    assert set(said) == {"accessToken", "refreshToken", "expiresAt"}
    token = await doors.tokens.check_customer(said["accessToken"])
    assert token.customer == "nobody-yet"
    assert datetime.fromisoformat(said["expiresAt"]) == token.expires_at
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"null", b"5", b'"cust-1"', b"{}", b"\xff", b"[" * 10_000, b'{"customer":null}'),
        *(b'{"customer":5}', b'{"customer":""}', b'{"customer":["a"]}', b'{"customer":"\\u0000"}'),
        *(b'{"customer":"\\ud800"}', b'{"customer":"a\\"b"}', b'{"customer":"a","admin":true}'),
        b'{"customer":"' + b"x" * 65 + b'"}',
    ],
)
async def test_a_session_of_nobody_is_refused(doors: Doors, content: bytes) -> None:
    answer = await doors.http.post("/sandbox/session", content=content)

    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "token", ["a", "客户-1", "a|b", "a'b", 'a"b', "a\\b", "a{b", "a}b", "a\nb", "a\x7fb", "x" * 64, "x" * 65, ""]
)
def test_a_customer_is_called_what_an_event_may_call_one(token: str) -> None:
    event = Incoming("s", "i", "card.activated", NOW, DATA["card.activated"] | {"customer": token})

    assert is_customer(token) is (unfit(event) is None)


# --- the clock


async def test_the_clock_is_set_and_runs_on(doors: Doors) -> None:
    answer = await doors.http.put("/sandbox/clock", json={"now": "2027-01-01T09:00:00+08:00"})

    assert answer.status_code == 200
    assert timedelta() <= doors.clock.now() - datetime.fromisoformat("2027-01-01T01:00:00+00:00") < timedelta(minutes=1)
    assert not doors.clock.frozen


async def test_the_clock_is_frozen_and_let_go(doors: Doors) -> None:
    moment = "2027-01-01T09:00:00+08:00"

    frozen = await doors.http.put("/sandbox/clock", json={"now": moment, "frozen": True})
    stands = (doors.clock.now(), doors.clock.now())
    gone = await doors.http.delete("/sandbox/clock")

    assert frozen.json() == {"now": moment, "frozen": True}
    assert stands == (datetime.fromisoformat(moment),) * 2
    assert gone.status_code == 200
    assert abs(datetime.fromisoformat(gone.json()["now"]) - doors.wall.now()) < timedelta(minutes=5)


@pytest.mark.parametrize(
    "content",
    [
        *(
            b"",
            b"{}",
            b"[]",
            b'{"now":null}',
            b'{"now":5}',
            b'{"now":""}',
            b'{"now":"tomorrow"}',
            b"\xff",
            b"{" * 5_000,
        ),
        *(b'{"now":"2027-01-01"}', b'{"now":"2027-01-01T00:00:00"}', b'{"now":"1970-01-01T00:00:00Z"}'),
        *(b'{"now":"9999-01-01T00:00:00Z"}', b'{"now":"2027-01-01T00:00:00Z","frozen":1}', b'{"now":"\\u0000"}'),
        *(b'{"now":"2027-01-01T00:00:00Z","frozen":null}', b'{"now":"2027-01-01T00:00:00Z","freeze":true}'),
    ],
)
async def test_garbage_does_not_move_the_clock(doors: Doors, content: bytes) -> None:
    answer = await doors.http.put("/sandbox/clock", content=content)

    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")
    assert await doors.pool.fetchval("select count(*) from sandbox_clock") == 0


async def test_tokens_stay_on_the_wall_clock(doors: Doors) -> None:
    session = await doors.sessions.issue("cust-1")

    await doors.http.put("/sandbox/clock", json={"now": "2030-01-01T00:00:00Z", "frozen": True})

    assert await doors.tokens.check_customer(session.access)
    assert doors.tokens.check_machine(doors.bearer()["Authorization"][7:])


async def test_the_clock_s_route_names_all_its_methods(doors: Doors) -> None:
    answer = await doors.http.get("/sandbox/clock")

    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"PUT", "DELETE"}


# --- settling


async def test_settling_answers_what_was_done(pg_dsn: str) -> None:
    async def settle() -> dict[str, int]:
        return {"events": 3, "deliveries": 1}

    async with open_doors(pg_dsn, settle=settle) as doors:
        answer = await doors.http.post("/sandbox/settle")

    assert (answer.status_code, answer.json()) == (200, {"events": 3, "deliveries": 1})


async def test_what_does_not_settle_in_time_is_said_so(pg_dsn: str) -> None:
    async def settle() -> Any:
        raise TimeoutError

    async with open_doors(pg_dsn, settle=settle) as doors:
        answer = await doors.http.post("/sandbox/settle")

    assert (answer.status_code, answer.json()["code"]) == (504, "NOT_SETTLED")


@pytest.mark.parametrize("path", ["/sandbox", "/sandbox/providers/jd/faults", "/sandbox/session/", "/sandbox/other"])
async def test_other_sandbox_paths_are_not_there(doors: Doors, path: str) -> None:
    answer = await doors.http.post(path)

    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
