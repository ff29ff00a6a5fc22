"""What a log line may say: everything that helps, nothing that points at a person."""

import asyncio
import io
import json
import logging
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from infra.log import DROPPED, DROPPED_KEYS, MASKED, bind_trace, configure_logging, get_logger, mask


@pytest.fixture
def lines() -> Any:
    """Logs into memory; call it for what was written so far, parsed."""
    stream = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    configure_logging("DEBUG", "json", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    structlog.contextvars.clear_contextvars()
    logging.captureWarnings(False)
    root.handlers[:], root.level = before


digits = st.text("0123456789", min_size=9, max_size=9)
phones = st.builds(lambda second, rest: f"1{second}{rest}", st.sampled_from("3456789"), digits)
around = st.text(st.characters(exclude_categories=["Nd"]), max_size=12)
separators = st.sampled_from(["", " ", "-"])


@given(around, phones, separators, around)
def test_a_mobile_number_never_gets_through(before: str, phone: str, separator: str, after: str) -> None:
    written = separator.join((phone[:3], phone[3:7], phone[7:]))

    assert phone[3:] not in mask(f"{before}{written}{after}").replace(separator or "\0", "")


@given(around, st.text("0123456789", min_size=13, max_size=19), around)
def test_a_card_number_never_gets_through(before: str, card: str, after: str) -> None:
    assert card not in mask(f"{before}{card}{after}")


@given(around, st.text("0123456789", min_size=16, max_size=16), separators, around)
def test_a_card_number_in_groups_never_gets_through(before: str, card: str, separator: str, after: str) -> None:
    written = separator.join(card[at : at + 4] for at in (0, 4, 8, 12))

    assert written not in mask(f"{before}{written}{after}")


@given(around, st.text("0123456789", min_size=17, max_size=17), st.sampled_from("0123456789Xx"), around)
def test_an_identity_number_never_gets_through(before: str, number: str, check: str, after: str) -> None:
    assert number not in mask(f"{before}{number}{check}{after}")


@given(st.uuids())
def test_a_uuid_stays_readable(id: object) -> None:
    assert mask(f"unit {id} committed") == f"unit {id} committed"


@given(st.text("0123456789abcdef", min_size=32, max_size=32).filter(lambda text: not text.isdigit()))
def test_a_trace_id_stays_readable(trace: str) -> None:
    assert mask(trace) == trace


@pytest.mark.parametrize(
    "secret",
    [
        "Bearer abc.def-ghi",
        "bearer  AbC_123~x+/==",
        "Basic dGlsbDp0aWxsLXNhbmRib3g=",
        "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJjIn0.c2ln",
        "postgresql://hall:s3cret@127.0.0.1/hall",
    ],
)
def test_tokens_and_passwords_are_masked(secret: str) -> None:
    masked = mask(f"sent {secret} away")

    assert MASKED in masked
    for part in ("abc.def", "AbC_123", "dGlsbDp0", "eyJzdWIi", "s3cret"):
        assert part not in masked


@pytest.mark.parametrize("harmless", ["500 units in 12.5 ms", "2026-11-21T09:30:00+08:00", "offer friday-20 for 5000"])
def test_plain_words_and_figures_stay(harmless: str) -> None:
    assert mask(harmless) == harmless


@pytest.mark.parametrize("key", sorted(DROPPED_KEYS))
def test_the_value_of_a_personal_key_is_dropped_at_any_depth(lines: Any, key: str) -> None:
    get_logger("test").info("event", **{key: "Wang Fang", f"customer_{key}": "Wang Fang"}, data=[{key.upper(): "Wang"}])

    [line] = lines()
    assert line[key] == line[f"customer_{key}"] == line["data"][0][key.upper()] == DROPPED


def test_a_line_begins_with_when_how_grave_what_and_which_trace(lines: Any) -> None:
    bind_trace("4bf92f3577b34da6a3ce929d0e0e4736")
    get_logger("test").warning("quota low", left=3)

    [line] = lines()
    assert list(line) == ["timestamp", "level", "event", "trace_id", "left"]
    assert (line["level"], line["event"], line["left"]) == ("warning", "quota low", 3)


async def test_a_trace_belongs_to_its_task_alone(lines: Any) -> None:
    async def request(trace: str) -> None:
        bind_trace(trace)
        await asyncio.sleep(0)
        get_logger("test").info("done", mine=trace)

    await asyncio.gather(*(asyncio.create_task(request(f"trace-{n}")) for n in range(3)))

    assert all(line["trace_id"] == line["mine"] for line in lines())


def test_the_standard_library_goes_the_same_way(lines: Any) -> None:
    logging.getLogger("uvicorn.error").error("refused %s", "13800138000")

    [line] = lines()
    assert line["event"] == f"refused {MASKED}"
    assert line["level"] == "error"


def test_a_traceback_is_masked_too(lines: Any) -> None:
    try:
        raise ValueError("customer with 13800138000")
    except ValueError:
        get_logger("test").exception("failed")

    [line] = lines()
    assert f"ValueError: customer with {MASKED}" in line["exception"]


def test_statements_of_the_database_stay_inside(lines: Any) -> None:
    logging.getLogger("tortoise.db_client").debug("insert into customer values (%s)", "secret")

    assert lines() == []
