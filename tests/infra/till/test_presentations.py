"""What a customer shows: ours, short-lived, bound to the coupon, without personal data."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from domain.kernel.ids import lane_of, new_id
from domain.till import words
from domain.till.ports import Presented
from infra.security.presentations import LASTS, Presentations
from tests.builders.house import shanghai

NOW = shanghai("2026-10-02T12:00:00")
COUPON: UUID = new_id(lane_of("an"), NOW)


class Wall:
    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def test_it_says_the_coupon_for_60_seconds_and_not_longer() -> None:
    wall = Wall()
    presentations = Presentations([b"k" * 32], wall)
    payload, expires_at = presentations.make(COUPON)

    wall.at = NOW + LASTS - timedelta(seconds=1)
    read = presentations.read(payload)
    wall.at = NOW + LASTS
    late = presentations.read(payload)

    assert isinstance(read, Presented)
    assert (read.coupon, read.expires_at) == (COUPON, expires_at)
    assert late == words.PAYLOAD_EXPIRED


def test_two_of_one_coupon_are_two_and_say_the_same_coupon() -> None:
    presentations = Presentations([b"k" * 32], Wall())

    one, other = (presentations.read(presentations.make(COUPON)[0]) for _ in range(2))

    assert isinstance(one, Presented)
    assert isinstance(other, Presented)
    assert one.coupon == other.coupon
    assert one.id != other.id


@pytest.mark.parametrize("at", range(4, 74))
def test_no_character_of_it_can_be_changed(at: int) -> None:
    presentations = Presentations([b"k" * 32], Wall())
    payload, _ = presentations.make(COUPON)

    forged = payload[:at] + ("A" if payload[at] != "A" else "B") + payload[at + 1 :]

    assert presentations.read(forged) == words.PAYLOAD_REFUSED


@pytest.mark.parametrize("text", ["", "HB1.", "HB1.AAAA", "x" * 250, "HB1." + "A" * 70, "券"])
def test_other_texts_say_nothing(text: str) -> None:
    assert Presentations([b"k" * 32], Wall()).read(text) == words.PAYLOAD_REFUSED


def test_an_old_key_reads_and_a_strange_one_does_not() -> None:
    payload, _ = Presentations([b"old" * 10], Wall()).make(COUPON)

    assert isinstance(Presentations([b"new" * 10, b"old" * 10], Wall()).read(payload), Presented)
    assert Presentations([b"new" * 10], Wall()).read(payload) == words.PAYLOAD_REFUSED
