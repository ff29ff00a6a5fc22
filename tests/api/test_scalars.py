"""The schema's own scalars: strict on the way in, Shanghai's offset on the way out."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.scalars import MAX_WHOLE, read_day, read_moment, read_uuid, whole, write_moment
from tests.builders.graphql_door import schema

READERS = [read_moment, read_day, read_uuid, whole]


def test_a_moment_is_answered_in_shanghais_offset() -> None:
    assert write_moment(datetime(2026, 3, 15, 0, 30, tzinfo=UTC)) == "2026-03-15T08:30:00+08:00"


def test_a_naive_moment_is_never_answered() -> None:
    with pytest.raises(ValueError, match="naive"):
        write_moment(datetime(2026, 3, 15))  # noqa: DTZ001


@pytest.mark.parametrize(
    "text", ["2026-03-15T00:30:00+08:00", "2026-03-14T16:30:00Z", "2026-03-14T16:30:00.000000+00:00"]
)
def test_a_moment_is_read_with_any_offset(text: str) -> None:
    assert read_moment(text) == datetime(2026, 3, 14, 16, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-03-15T00:30:00", "2026-03-15T00:30", "2026-03-15T00:30:00.5"])
def test_a_moment_without_offset_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(ValueError, match="needs an offset"):
        read_moment(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-99-99T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-03-15T25:00:00Z",
        "2026-03-15T23:59:60Z",
        "2026-03-15T00:00:00+99:00",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "2026-03-15 00:30:00Z",
        "２０２６-03-15T00:30:00Z",
        "2026-03-15T00:30:00Z\n",
        "20260315T003000Z",
        "now",
        "",
        "2" * 200_000,
        0,
        1.5,
        True,
        None,
        [],
        {},
    ],
)
def test_what_is_no_moment_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="DateTime"):
        read_moment(text)


@pytest.mark.parametrize("text", ["2026-13-01", "2026-02-30", "0001-01-01", "9999-12-31", "2026-W01-1", "20260101", 1])
def test_what_is_no_day_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="Date"):
        read_day(text)


def test_a_day_is_read_from_its_iso_form_only() -> None:
    assert read_day("2026-02-28") == date(2026, 2, 28)


def test_a_uuid_is_read_from_its_canonical_form_only() -> None:
    text = "0190b8a0-7c1e-7aaa-8bbb-0123456789ab"

    assert read_uuid(text.upper()) == UUID(text)
    for other in (text.replace("-", ""), "{" + text + "}", "urn:uuid:" + text, text + "0", text[:-1]):
        with pytest.raises(ValueError, match="UUID"):
            read_uuid(other)


def test_whole_numbers_go_as_far_as_javascript_counts() -> None:
    assert whole(MAX_WHOLE) == MAX_WHOLE
    assert whole(-MAX_WHOLE) == -MAX_WHOLE
    for beyond in (MAX_WHOLE + 1, -MAX_WHOLE - 1):
        with pytest.raises(ValueError, match="2\\^53"):
            whole(beyond)


@pytest.mark.parametrize("value", [True, False, 1.0, "1", None, [1]])
def test_only_an_integer_is_a_whole_number(value: object) -> None:
    with pytest.raises(ValueError, match="integer"):
        whole(value)


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none(), st.lists(st.integers())))
def test_garbage_is_refused_by_a_value_error_and_nothing_else(value: object) -> None:
    for read in READERS:
        try:
            read(value)
        except ValueError:
            continue


@given(st.datetimes(min_value=datetime(1900, 1, 2), max_value=datetime(2999, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001
def test_what_is_answered_can_be_sent_back(at: datetime) -> None:
    assert read_moment(write_moment(at)) == at


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ("$at: DateTime", "2026-03-15T00:30:00"),
        ("$day: Date", "2026-99-99"),
        ("$id: UUID", "x" * 10_000),
        ("$fen: Fen", 1.5),
        ("$fen: Fen", "1"),
        ("$points: Points", True),
        ("$points: Points", 2**63),
    ],
)
async def test_a_bad_variable_is_a_coercion_error(declared: str, value: object) -> None:
    name, type_ = declared[1:].split(": ")

    answer = await schema.execute(f"query ($x: {type_}) {{ echo({name}: $x) }}", {"x": value})

    assert answer.data is None
    assert answer.errors is not None
    assert "Variable '$x'" in answer.errors[0].message


async def test_fen_pass_thirty_two_bits_in_both_directions() -> None:
    answer = await schema.execute("query ($x: Fen) { echo(fen: $x) coupon { value } }", {"x": 5_000_000_000})

    assert answer.data == {"echo": "[5000000000]", "coupon": {"value": 5_000_000_000}}


def test_the_scalars_are_named_as_front_ends_know_them() -> None:
    printed = str(schema) + "\n"

    for name in ("DateTime", "Date", "UUID", "Fen", "Points"):
        assert f"scalar {name}\n" in printed
