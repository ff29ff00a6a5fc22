"""Garbage at both POST routes: whatever comes, the answer is never our failure, and what is accepted is what was fit.

Seeded, so that a failing case comes again; the case's number is in the assertion.
"""

import json
import random
from collections.abc import AsyncIterator
from copy import deepcopy
from typing import Any

import httpx
import pytest

from api.machine.events import read_envelope
from domain.intake.fit import unfit
from domain.intake.model import Incoming
from tests.builders.doors import BATCH, DATA, Doors, cloud_event, counted, open_doors

SEED = 20_261_002
CASES = 1_600

_VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, 2**64, 10**30, 0.5, -0.0, 1e308, float("nan"), float("inf")),
    *(
        "",
        " ",
        "x",
        "x" * 300,
        "\0",
        "\n",
        "\ud800",
        "\udc00\ud800",
        "é",
        "客户",
        "😀",
        "‮",
        "'",
        '"',
        "\\",
        "{}",
        "%00",
    ),
    *("2026-10-02", "2026-10-02T20:00:00+08:00", "1.0", "CNY", "ACTIVE", "../../etc/passwd", "1 or 1=1", "${jndi:x}"),
    *([], [[]], {}, {"a": {}}, ["x"] * 50, {"sealed": "x"}, {"customer": {"a": 1}}, [None]),
]
_BYTES = [
    b"\x00",
    b"\xff",
    b"\xc3\x28",
    b'"',
    b"{",
    b"]",
    b",",
    b":",
    b"\\u0000",
    b"\\ud83d",
    b"1e999",
    b"9" * 400,
    b"NaN",
]


def _spoilt(random_: random.Random, value: Any) -> Any:
    """The value with one thing somewhere in it changed, taken away or put in."""
    spoilt = deepcopy(value)
    place: Any = spoilt
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return spoilt
        key = random_.choice(keys)
        if isinstance(place[key], dict | list) and place[key] and random_.random() < 0.7:
            place = place[key]
            continue
        match random_.randrange(4):
            case 0:
                del place[key]
            case 1 if isinstance(place, dict):
                place[random_.choice(["x", "", "sealed", "\0", "\ud800", "customer", "specversion", "é" * 100])] = (
                    random_.choice(_VALUES)
                )
            case _:
                place[key] = random_.choice(_VALUES)
        return spoilt


def _bytes(random_: random.Random, value: Any) -> bytes:
    body = json.dumps(value).encode()
    for _ in range(random_.choice([0, 0, 0, 0, 1, 1, 3])):
        at = random_.randrange(len(body) + 1)
        body = body[:at] + random_.choice(_BYTES) + body[at + random_.randrange(4) :]
    return body[: random_.randrange(len(body) + 1)] if random_.random() < 0.03 else body


def _batch(random_: random.Random) -> Any:
    batch: Any = [cloud_event(random_.choice(list(DATA))) for _ in range(random_.choice([1, 1, 2, 5, 20]))]
    if random_.random() < 0.2 and len(batch) > 1:
        batch[-1] = batch[0]
    for _ in range(random_.choice([0, 1, 1, 2, 6])):
        if batch:
            batch = _spoilt(random_, batch)
    return random_.choice(_VALUES) if random_.random() < 0.03 else batch


@pytest.fixture
async def doors(pg_dsn: str) -> AsyncIterator[Doors]:
    async with open_doors(pg_dsn) as opened:
        yield opened


async def test_garbage_at_the_events_door_is_never_our_failure(doors: Doors) -> None:
    random_ = random.Random(SEED)
    bearer = doors.bearer()
    statuses: dict[int, int] = {}
    accepted = 0

    for case in range(CASES):
        batch = _batch(random_)
        body = _bytes(random_, batch)
        headers = BATCH | bearer
        if random_.random() < 0.05:
            headers = headers | {
                "Content-Type": random_.choice(["", "x", "application/json", BATCH["Content-Type"] + ";x"])
            }
        answer = await doors.http.post("/v1/events", content=body, headers=headers)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        assert answer.status_code in (202, 400, 413, 415), (case, answer.text)
        if answer.status_code == 202:
            accepted += answer.json()["accepted"]
            assert _adds_up(answer, body), case
        else:
            assert answer.json()["code"], case

    assert not doors.reported
    rows = await counted(doors.pool)
    assert rows.events == rows.inbox == accepted
    assert statuses[202] > CASES // 2
    assert statuses[400] > CASES // 50


def _adds_up(answer: httpx.Response, body: bytes) -> bool:
    said = answer.json()
    total = len(json.loads(body))
    indexes = [rejected["index"] for rejected in said["rejected"]]
    codes = {rejected["code"] for rejected in said["rejected"]}
    return (
        said["accepted"] + said["duplicates"] + len(indexes) == total
        and indexes == sorted(set(indexes))
        and codes <= {"EVENT_INVALID", "EVENT_REUSED"}
    )


async def test_garbage_at_the_token_door_is_never_our_failure(doors: Doors) -> None:
    random_ = random.Random(SEED)
    pieces = [
        "grant_type=client_credentials",
        "scope=events",
        "&",
        "=",
        "%",
        "%00",
        "%ff",
        "+",
        ";",
        "client_id=card-core",
    ]
    pieces += [
        "client_assertion=a.b.c",
        "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A",
        "client_secret=x",
        "\0",
        "é",
    ]
    heads = [
        doors.bearer()["Authorization"],
        "Basic",
        "Basic =",
        "Basic Y2FyZC1jb3JlOmNhcmQtY29yZS1zYW5kYm94",
        "Digest x",
        "",
    ]
    statuses: dict[int, int] = {}
    # What is proven is remembered, so that wrong secrets, dear by design, do not fill the test's time.
    await doors.clients.by_secret("card-core", "card-core-sandbox")

    for case in range(CASES):
        body = "&".join(random_.choice(pieces) for _ in range(random_.randrange(5))).encode()
        if random_.random() < 0.3:
            body = b"".join(random_.choice(_BYTES) if random_.random() < 0.1 else bytes([byte]) for byte in body)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": random_.choice(heads)}
        if random_.random() < 0.05:
            headers["Content-Type"] = random_.choice(["", "x", "multipart/form-data; boundary=x", "application/json"])
        answer = await doors.http.post("/oauth2/token", content=body, headers=headers)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        assert answer.status_code in (200, 400, 401), (case, answer.text)
        assert "error" in answer.json() or "access_token" in answer.json(), case

    assert not doors.reported
    assert statuses[200] > 0
    assert statuses[400] > 0
    assert statuses[401] > 0


async def test_garbage_at_the_sandbox_doors_is_never_our_failure(doors: Doors) -> None:
    random_ = random.Random(SEED)
    fit = [{"customer": "cust-1"}, {"now": "2027-01-01T00:00:00Z", "frozen": True}]

    for case in range(CASES // 4):
        body = _bytes(random_, _spoilt(random_, random_.choice(fit)))
        method, path = random_.choice([("POST", "/sandbox/session"), ("PUT", "/sandbox/clock")])
        answer = await doors.http.request(method, path, content=body)
        assert answer.status_code in (200, 400), (case, answer.text)

    assert not doors.reported


def test_the_fuzzer_s_own_events_are_fit() -> None:
    for type in DATA:
        read = read_envelope(cloud_event(type))
        assert isinstance(read, Incoming)
        assert unfit(read) is None
