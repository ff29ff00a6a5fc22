"""Whether words may go out, and when."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.messaging.decide import MessageKind, Send, Wait, Withhold, may_go_out
from tests.builders.campaigns import shanghai

PROMOTION, SERVICE = MessageKind.PROMOTION, MessageKind.SERVICE


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-10-07T09:00", None),
        ("2026-10-07T20:59:59", None),
        ("2026-10-07T21:00", "2026-10-08T09:00"),
        ("2026-10-07T23:59:59", "2026-10-08T09:00"),
        ("2026-10-08T00:00", "2026-10-08T09:00"),
        ("2026-10-08T08:59:59", "2026-10-08T09:00"),
    ],
)
def test_a_promotion_waits_for_the_morning(at: str, until: str | None) -> None:
    found = may_go_out(PROMOTION, agreed=True, now=shanghai(at))

    assert found == (Send() if until is None else Wait(shanghai(until)))


def test_who_has_not_agreed_hears_no_promotion_and_every_answer() -> None:
    noon, night = shanghai("2026-10-07T12:00"), shanghai("2026-10-07T23:00")

    assert may_go_out(PROMOTION, agreed=False, now=noon) == Withhold()
    assert may_go_out(PROMOTION, agreed=False, now=night) == Withhold()
    assert may_go_out(SERVICE, agreed=False, now=night) == Send()


@given(st.integers(0, 20 * 365 * 24 * 60))
def test_a_wait_is_short_and_ends_in_a_moment_that_may_be_used(minute: int) -> None:
    now = shanghai("2020-01-01") + timedelta(minutes=minute)

    found = may_go_out(PROMOTION, agreed=True, now=now)

    if isinstance(found, Wait):
        assert now < found.until <= now + timedelta(hours=12)
        assert may_go_out(PROMOTION, agreed=True, now=found.until) == Send()
