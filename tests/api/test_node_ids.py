"""Ids of nodes and cursors of pages: one spelling each, and garbage is an answer, never an accident."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.node import node_id, read_id, uuid_of
from api.pages import cursor_at, cursor_id, page_size, read_cursor_at, read_cursor_id
from domain.kernel.errors import InputInvalid

MOMENTS = st.integers(0, 30_000_000_000_000_000).map(
    lambda n: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=n)
)
TYPES = st.sampled_from(["Coupon", "Offer", "Delivery"])


@given(TYPES, st.uuids())
def test_an_id_names_its_type_and_its_thing(type_name: str, key: UUID) -> None:
    id = node_id(type_name, key)

    assert read_id(id) == (type_name, str(key))
    assert uuid_of(id, type_name) == key
    assert uuid_of(id, "Else") is None


@given(st.one_of(st.text(max_size=60), st.text("ABCabc019-_=", max_size=60)))
def test_no_other_text_is_an_id(text: str) -> None:
    read = read_id(text)

    assert read is None or node_id(*read) == text


def test_an_id_has_one_spelling() -> None:
    id = node_id("Coupon", UUID(int=7))

    assert read_id(id + "=") is None
    assert read_id(id[:-1] + chr(ord(id[-1]) + 1)) != ("Coupon", str(UUID(int=7)))
    assert uuid_of(node_id("Coupon", UUID(int=10).hex), "Coupon") is None


@given(MOMENTS, st.uuids())
def test_a_cursor_is_the_place_it_was_made_of(at: datetime, id: UUID) -> None:
    assert read_cursor_at(b"C", cursor_at(b"C", at, id)) == (at, id)
    assert read_cursor_id(b"D", cursor_id(b"D", id)) == id


@given(st.one_of(st.text(max_size=60), st.binary(min_size=25, max_size=25).map(lambda raw: _spelt(raw))))
def test_garbage_is_no_cursor(text: str) -> None:
    try:
        place = read_cursor_at(b"C", text)
    except InputInvalid:
        return

    assert place is not None
    assert cursor_at(b"C", *place) == text


def _spelt(raw: bytes) -> str:
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(b"C" + raw[1:]).decode().rstrip("=")


def test_a_cursor_of_another_list_is_refused() -> None:
    at, id = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=1), UUID(int=1)

    with pytest.raises(InputInvalid):
        read_cursor_at(b"X", cursor_at(b"C", at, id))
    with pytest.raises(InputInvalid):
        read_cursor_id(b"X", cursor_id(b"D", id))
    with pytest.raises(InputInvalid):
        read_cursor_id(b"C", cursor_at(b"C", at, id))


@pytest.mark.parametrize(("first", "size"), [(None, 20), (0, 0), (1, 1), (100, 100), (101, 100)])
def test_a_page_has_up_to_a_hundred(first: int | None, size: int) -> None:
    assert page_size(first) == size


@pytest.mark.parametrize("first", [-1, -(2**31)])
def test_a_page_size_below_0_is_refused(first: int) -> None:
    with pytest.raises(InputInvalid):
        page_size(first)
