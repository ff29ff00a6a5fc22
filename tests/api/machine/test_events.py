"""POST /v1/events, over a real database."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from api.machine.events import BODY_BYTES, read_time
from domain.intake.fields import FIELDS
from domain.stories.events import EVENT_TYPES
from infra.db.stores.inbox import open_data
from tests.builders.doors import BATCH, DATA, Doors, cloud_event, counted, open_doors


@pytest.fixture
async def doors(pg_dsn: str) -> AsyncIterator[Doors]:
    async with open_doors(pg_dsn) as opened:
        yield opened


async def stored(doors: Doors, id: str) -> dict[str, Any]:
    row = await doors.pool.fetchrow("select * from inbox where id = $1", id)
    return dict(row)


# --- what is accepted


async def test_every_type_is_accepted_and_kept(doors: Doors) -> None:
    events = [cloud_event(type) for type in DATA]

    answer = await doors.post(*events)

    assert answer.status_code == 202
    assert answer.json() == {"accepted": len(DATA), "duplicates": 0, "rejected": []}
    assert (await counted(doors.pool)).inbox == len(DATA)
    assert set(DATA) == EVENT_TYPES == set(FIELDS)


async def test_an_accepted_event_is_queued_with_what_it_says(doors: Doors) -> None:
    event = cloud_event("transaction.posted", time="2026-10-02T20:00:00.123456+08:00")

    await doors.post(event, traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")

    row = await stored(doors, event["id"])
    assert row["source"] == event["source"]
    assert row["type"] == "transaction.posted"
    assert row["at"].isoformat() == "2026-10-02T12:00:00.123456+00:00"
    assert orjson.loads(row["data"]) == event["data"]
    assert row["customer"] == "cust-1"
    assert row["state"] == "DUE"
    assert row["trace"] == "4bf92f3577b34da6a3ce929d0e0e4736"


async def test_a_thousand_events_are_a_batch(doors: Doors) -> None:
    answer = await doors.post(*(cloud_event() for _ in range(1_000)))

    assert answer.json()["accepted"] == 1_000


async def test_attributes_we_do_not_know_are_tolerated(doors: Doors) -> None:
    event = cloud_event(subject="s", datacontenttype="application/json", partition=7)

    answer = await doors.post(event)

    assert answer.json()["accepted"] == 1


# --- personal data


async def test_personal_fields_are_sealed_before_they_are_stored(doors: Doors) -> None:
    event = cloud_event("customer.updated")

    await doors.post(event)

    text = (await stored(doors, event["id"]))["data"]
    for personal in ("张三丰", "13812345678", "1990-05-17", orjson.dumps("张三丰").decode()):
        assert personal not in text
    assert open_data(orjson.loads(text), doors.sealer) == event["data"]


async def test_what_the_contract_does_not_name_is_not_kept(doors: Doors) -> None:
    event = cloud_event("transaction.posted", data={"pan": "6222020200112233445", "note": "private"})

    await doors.post(event)

    assert orjson.loads((await stored(doors, event["id"]))["data"]) == DATA["transaction.posted"]


# --- once


async def test_the_same_event_again_is_a_duplicate_without_effect(doors: Doors) -> None:
    event = cloud_event()
    await doors.post(event)

    answer = await doors.post(event)

    assert answer.json() == {"accepted": 0, "duplicates": 1, "rejected": []}
    assert (await counted(doors.pool)).events == 1


async def test_an_event_is_known_for_ever_also_after_it_was_applied(doors: Doors) -> None:
    event = cloud_event()
    await doors.post(event)
    await doors.pool.execute("delete from inbox")

    answer = await doors.post(event)

    assert answer.json()["duplicates"] == 1
    assert (await counted(doors.pool)).inbox == 0


@pytest.mark.parametrize(
    "spelled",
    [
        {"time": "2026-10-02T12:00:00Z"},
        {"time": "2026-10-02t12:00:00.000z"},
        {"data": dict(reversed(DATA["transaction.posted"].items()))},
        {"subject": "another", "datacontenttype": "application/json"},
    ],
)
async def test_the_same_event_spelled_otherwise_is_a_duplicate(doors: Doors, spelled: dict[str, Any]) -> None:
    event = cloud_event()
    await doors.post(event)

    answer = await doors.post(event | spelled)

    assert answer.json()["duplicates"] == 1


@pytest.mark.parametrize(
    "other",
    [
        {"data": DATA["transaction.posted"] | {"amount": 20_001}},
        {"time": "2026-10-02T20:00:01+08:00"},
        {"type": "card.activated", "data": DATA["card.activated"]},
        {"data": {}},
    ],
)
async def test_another_event_under_a_known_name_is_refused(doors: Doors, other: dict[str, Any]) -> None:
    event = cloud_event()
    await doors.post(event)

    answer = await doors.post(event | other)

    assert [(r["index"], r["id"], r["code"]) for r in answer.json()["rejected"]] == [(0, event["id"], "EVENT_REUSED")]
    assert orjson.loads((await stored(doors, event["id"]))["data"]) == event["data"]


async def test_repetition_and_reuse_are_told_apart_within_one_batch(doors: Doors) -> None:
    event = cloud_event()
    other = event | {"data": event["data"] | {"amount": 1}}

    answer = await doors.post(event, event, other)

    assert answer.json()["accepted"] == 1
    assert answer.json()["duplicates"] == 1
    assert [(r["index"], r["code"]) for r in answer.json()["rejected"]] == [(2, "EVENT_REUSED")]


async def test_the_same_id_of_another_source_is_another_event(doors: Doors) -> None:
    event = cloud_event()

    answer = await doors.post(event, event | {"source": "urn:test:other"})

    assert answer.json()["accepted"] == 2


# --- what is refused, event by event


UNFIT: dict[str, Any] = {
    "not an object": 5,
    "null": None,
    "a list": [],
    "empty": {},
    "specversion missing": {"specversion": None},
    "specversion 0.3": {"specversion": "0.3"},
    "specversion a number": {"specversion": 1.0},
    "id empty": {"id": ""},
    "id a number": {"id": 5},
    "id null": {"id": None},
    "id too long": {"id": "x" * 257},
    "id with NUL": {"id": "a\0b"},
    "id with a line end": {"id": "a\nb"},
    "source missing": {"source": None},
    "source too long": {"source": "x" * 257},
    "source with NUL": {"source": "\0"},
    "type unknown": {"type": "customer.deleted"},
    "type empty": {"type": ""},
    "type with NUL": {"type": "card.activated\0"},
    "type a list": {"type": ["card.activated"]},
    "time missing": {"time": None},
    "time a number": {"time": 1790942400},
    "time without offset": {"time": "2026-10-02T20:00:00"},
    "time a day": {"time": "2026-10-02"},
    "time impossible": {"time": "2026-02-30T20:00:00Z"},
    "time at 25 o'clock": {"time": "2026-10-02T25:00:00Z"},
    "time of a week": {"time": "2026-W40-5T20:00:00Z"},
    "time long ago": {"time": "1999-12-31T23:59:59Z"},
    "time far ahead": {"time": "2100-01-01T00:00:00Z"},
    "time of year 9999": {"time": "9999-12-31T23:59:59-12:00"},
    "time with Arabic digits": {"time": "٢٠٢٦-10-02T20:00:00Z"},
    "data missing": {"data": None},
    "data a text": {"data": "{}"},
    "data a list": {"data": []},
    "data empty": {"data": {}},
    "amount a text": {"data": DATA["transaction.posted"] | {"amount": "20000"}},
    "amount broken": {"data": DATA["transaction.posted"] | {"amount": 200.5}},
    "amount true": {"data": DATA["transaction.posted"] | {"amount": True}},
    "amount zero": {"data": DATA["transaction.posted"] | {"amount": 0}},
    "amount beyond 64 bits": {"data": DATA["transaction.posted"] | {"amount": 10**30}},
    "customer too long": {"data": DATA["transaction.posted"] | {"customer": "x" * 65}},
    "customer with a quote": {"data": DATA["transaction.posted"] | {"customer": 'a"b'}},
    "merchant with NUL": {"data": DATA["transaction.posted"] | {"merchant": "m\0"}},
    "NUL in a field nobody knows": {"data": DATA["transaction.posted"] | {"note": ["x", {"y": "\0"}]}},
    "NUL in a name nobody knows": {"data": DATA["transaction.posted"] | {"no\0te": 1}},
    "nested too deep": {"data": DATA["transaction.posted"] | {"note": orjson.loads(b"[" * 300 + b"]" * 300)}},
}


@pytest.mark.parametrize("name", UNFIT)
async def test_an_unfit_event_is_rejected_and_spoils_nothing(doors: Doors, name: str) -> None:
    other = UNFIT[name]
    bad = cloud_event() | other if isinstance(other, dict) and other else other
    before, after = cloud_event(), cloud_event()
    if isinstance(bad, dict):
        bad = {key: value for key, value in bad.items() if value is not None}

    answer = await doors.http.post("/v1/events", content=_json([before, bad, after]), headers=BATCH | doors.bearer())

    assert answer.status_code == 202
    assert answer.json()["accepted"] == 2
    (rejected,) = answer.json()["rejected"]
    assert rejected["index"] == 1
    assert rejected["code"] == "EVENT_INVALID"
    assert rejected["detail"]
    assert (await counted(doors.pool)).keys == sorted([(e["source"], e["id"]) for e in (before, after)])
    assert not doors.reported


async def test_half_a_surrogate_pair_makes_its_event_unfit_not_the_batch(doors: Doors) -> None:
    fit = cloud_event()
    halves = [
        _json(cloud_event() | {"id": "HALF"}),
        _json(cloud_event(data={"merchant": "HALF"})),
        _json(cloud_event(data={"unknown": ["HALF"]})),
        _json(cloud_event() | {"type": "HALF"}),
    ]
    body = b"[" + b",".join([_json(fit), *(half.replace(b"HALF", b"\\ud83d") for half in halves)]) + b"]"

    answer = await doors.http.post("/v1/events", content=body, headers=BATCH | doors.bearer())

    assert answer.json()["accepted"] == 1
    assert [(r["index"], r["code"]) for r in answer.json()["rejected"]] == [(n, "EVENT_INVALID") for n in range(1, 5)]


async def test_a_backslash_before_u0000_is_not_a_nul(doors: Doors) -> None:
    answer = await doors.post(cloud_event(data={"note": "\\u0000"}))

    assert answer.json()["accepted"] == 1


async def test_an_event_once_rejected_may_come_again_mended(doors: Doors) -> None:
    event = cloud_event(data={"amount": -1})
    await doors.post(event)

    answer = await doors.post(event | {"data": DATA["transaction.posted"]})

    assert answer.json()["accepted"] == 1


# --- what is refused as a whole


async def test_an_empty_batch_is_refused(doors: Doors) -> None:
    answer = await doors.post()

    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b'"x"',
        b"5",
        b"[",
        b"[1,]",
        b"\xff\xfe",
        b"[NaN]",
        b"[1e999]",
        b"[" * 100000,
        b"\xef\xbb\xbf[]",
        b'["\\ud800',
        b"[" * 5000 + b'"\\ud800"' + b"]" * 5000,
        b"[" + b"1" * 5000 + b',"\\ud800"]',
        b'[NaN,"\\ud800"]',
    ],
)
async def test_what_is_no_batch_is_refused(doors: Doors, body: bytes) -> None:
    answer = await doors.http.post("/v1/events", content=body, headers=BATCH | doors.bearer())

    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")
    assert not doors.reported


async def test_more_than_a_thousand_events_are_refused_whole(doors: Doors) -> None:
    answer = await doors.post(*(cloud_event() for _ in range(1_001)))

    assert (answer.status_code, answer.json()["code"]) == (413, "TOO_MANY_EVENTS")
    assert (await counted(doors.pool)).events == 0


@pytest.mark.parametrize("declared", [True, False])
async def test_more_than_five_megabytes_are_refused(doors: Doors, declared: bool) -> None:
    body = _json([cloud_event(data={"note": "x" * BODY_BYTES})])

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 1_000_000):
            yield body[start : start + 1_000_000]

    content = body if declared else chunks()
    answer = await doors.http.post("/v1/events", content=content, headers=BATCH | doors.bearer())

    assert (answer.status_code, answer.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json"},
        {"Content-Type": "application/cloudevents+json"},
        {"Content-Type": "text/plain"},
        {"Content-Type": ""},
        {"Content-Type": "application/cloudevents-batch+json; charset=gbk"},
        BATCH | {"Content-Encoding": "gzip"},
    ],
)
async def test_any_other_content_type_is_refused(doors: Doors, headers: dict[str, str]) -> None:
    answer = await doors.http.post("/v1/events", content=_json([cloud_event()]), headers=doors.bearer() | headers)

    assert (answer.status_code, answer.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_the_content_type_may_name_its_charset(doors: Doors) -> None:
    headers = doors.bearer() | {"Content-Type": "Application/CloudEvents-Batch+JSON; charset=UTF-8"}

    answer = await doors.http.post("/v1/events", content=_json([cloud_event()]), headers=headers)

    assert answer.status_code == 202


async def test_only_post_is_taken(doors: Doors) -> None:
    answer = await doors.http.get("/v1/events", headers=doors.bearer())

    assert (answer.status_code, answer.json()["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "POST"


async def test_beyond_what_is_taken_at_once_callers_are_asked_to_come_back(pg_dsn: str) -> None:
    async with open_doors(pg_dsn, requests_at_once=1) as doors:
        hung = asyncio.Event()
        go_on = asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            yield b"["
            hung.set()
            await go_on.wait()
            yield _json(cloud_event()) + b"]"

        first = asyncio.create_task(doors.http.post("/v1/events", content=slowly(), headers=BATCH | doors.bearer()))
        await hung.wait()
        second = await doors.post(cloud_event())
        go_on.set()

        assert (second.status_code, second.json()["code"]) == (503, "BUSY")
        assert int(second.headers["retry-after"]) > 0
        assert (await first).json()["accepted"] == 1


async def test_without_its_database_the_door_asks_to_come_back(doors: Doors) -> None:
    await doors.pool.close()

    answer = await doors.post(cloud_event())

    assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
    assert answer.headers["retry-after"]


# --- times


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-10-02T20:00:00+08:00", "2026-10-02T20:00:00+08:00"),
        ("2026-10-02T12:00:00Z", "2026-10-02T12:00:00+00:00"),
        ("2026-10-02t12:00:00z", "2026-10-02T12:00:00+00:00"),
        ("2026-10-02T12:00:00.5Z", "2026-10-02T12:00:00.500000+00:00"),
        ("2026-10-02T12:00:00.1234567899Z", "2026-10-02T12:00:00.123456+00:00"),
        ("2026-12-31T23:59:60Z", "2027-01-01T00:00:00+00:00"),
        ("2026-10-02T12:00:00-00:00", "2026-10-02T12:00:00+00:00"),
    ],
)
def test_times_are_read_as_rfc_3339_spells_them(text: str, expected: str) -> None:
    at = read_time(text)

    assert at is not None
    assert at.isoformat() == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-02 12:00:00Z",
        "20261002T120000Z",
        "2026-10-02T12:00Z",
        "2026-10-02T12:00:00+0800",
        "2026-10-02T12:00:00,5Z",
        "2026-10-02T12:00:61Z",
        "2026-10-02T24:00:00Z",
        "2026-10-02T12:00:00+24:00",
        "",
        "now",
        None,
        5,
        "x" * 100,
    ],
)
def test_what_rfc_3339_does_not_spell_is_no_time(text: Any) -> None:
    assert read_time(text) is None


def _json(value: Any) -> bytes:
    """As a careless client would write it: anything goes."""
    import json

    return json.dumps(value).encode()
