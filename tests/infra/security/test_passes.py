"""What a customer shows at a lounge: short-lived, hard to forge, and another one each time."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.ids import LANES, new_id
from infra.security.passes import LASTS, PREFIX, Passes
from infra.security.presentations import Presentations

NOW = datetime(2026, 10, 5, 4, 0, tzinfo=UTC)
BOOKING = new_id(LANES[7], NOW)


class Wall:
    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def test_a_pass_says_whose_booking_or_entitlement_it_is() -> None:
    passes = Passes([bytes(32)], Wall())

    of_booking, of_entitlement = passes.of_booking(BOOKING), passes.of_entitlement(BOOKING)

    booked, entitled = passes.read(of_booking[0]), passes.read(of_entitlement[0])
    assert booked is not None
    assert entitled is not None
    assert (booked.booking, booked.entitlement) == (BOOKING, None)
    assert (entitled.booking, entitled.entitlement) == (None, BOOKING)
    assert of_booking[1] == NOW + LASTS <= NOW + timedelta(minutes=5)
    assert len(of_booking[0]) <= 200


def test_a_pass_is_another_one_each_time_and_ends() -> None:
    wall = Wall()
    passes = Passes([bytes(32)], wall)
    first, second = passes.of_booking(BOOKING)[0], passes.of_booking(BOOKING)[0]

    wall.at = NOW + LASTS - timedelta(seconds=1)
    good = passes.read(first)
    wall.at = NOW + LASTS
    ended = passes.read(first)

    assert first != second
    assert good is not None
    assert ended is None


def test_an_old_key_still_reads_and_an_unknown_one_does_not() -> None:
    old, new = bytes(32), bytes([1]) * 32
    payload = Passes([old], Wall()).of_booking(BOOKING)[0]

    assert Passes([new, old], Wall()).read(payload) is not None
    assert Passes([new], Wall()).read(payload) is None


def test_what_is_shown_at_a_till_opens_no_lounge() -> None:
    """The same key makes both, under different names."""
    payload = Presentations([bytes(32)], Wall()).make(BOOKING)[0]

    assert Passes([bytes(32)], Wall()).read(PREFIX + payload[4:]) is None


@given(place=st.integers(4, 74), sign=st.characters(codec="ascii"))
def test_a_pass_with_any_sign_changed_is_none(place: int, sign: str) -> None:
    passes = Passes([bytes(32)], Wall())
    payload = passes.of_booking(BOOKING)[0]
    place = min(place, len(payload) - 1)
    forged = payload[:place] + sign + payload[place + 1 :]

    found = passes.read(forged)

    assert found is None or forged == payload


@given(st.text(max_size=210))
def test_any_other_text_is_no_pass(text: str) -> None:
    passes = Passes([bytes(32)], Wall())

    assert passes.read(text) is None
    assert passes.read(PREFIX + text) is None
