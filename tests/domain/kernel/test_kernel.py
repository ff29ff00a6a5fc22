"""The words every room uses: money rounds down, days are Shanghai's, ids carry their lane."""

import os
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaigns.terms import Period
from domain.kernel.ids import LANES, derived_id, lane_of, lane_of_id, new_id
from domain.kernel.money import share_of, yuan
from domain.kernel.prints import fingerprint
from domain.kernel.time import SHANGHAI, Interval, add_months, business_day, day_end, day_start, iso, months_before
from domain.offers.periods import next_period, period_of

moments = st.integers(946_684_800_000, 4_102_444_800_000).map(lambda ms: datetime.fromtimestamp(ms / 1000, UTC))


def shanghai(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@given(st.text(max_size=64), moments)
def test_an_id_finds_its_lane_alone(token: str, at: datetime) -> None:
    lane = lane_of(token)

    assert lane in LANES
    for id in (new_id(lane, at), derived_id(lane, at, token, "more")):
        assert lane_of_id(id) == lane
        assert id.version == 7
        assert id.int >> 80 == int(at.timestamp() * 1000)


@given(moments)
def test_ids_of_a_later_millisecond_sort_later(at: datetime) -> None:
    assert new_id(LANES[0], at) < new_id(LANES[63], at + timedelta(milliseconds=2))


def test_a_forked_process_gives_ids_of_its_own() -> None:
    """Fails when the child goes on with the random numbers that its parent had asked for."""
    at = shanghai("2026-10-01T00:00:00")
    new_id(LANES[0], at)
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        os.write(writes, new_id(LANES[0], at).bytes)
        os._exit(0)
    os.close(writes)
    os.waitpid(child, 0)

    assert os.read(reads, 16) not in {new_id(LANES[0], at).bytes for _ in range(600)}
    os.close(reads)


def test_a_derived_id_is_the_same_for_the_same_parts_only() -> None:
    at = shanghai("2026-10-01T00:00:00")

    assert derived_id(3, at, "a", "bc") == derived_id(3, at, "a", "bc")
    assert derived_id(3, at, "a", "bc") != derived_id(3, at, "ab", "c")


def test_there_are_64_lanes_and_no_two_alike() -> None:
    assert len(set(LANES)) == 64


@given(st.integers(0, 10**12), st.integers(0, 1_000_000))
def test_a_share_is_rounded_down_and_never_above_the_whole(amount: int, ppm: int) -> None:
    share = share_of(amount, ppm)

    assert share * 1_000_000 <= amount * ppm < (share + 1) * 1_000_000
    assert share_of(-amount, ppm) == -share


@pytest.mark.parametrize(("fen", "read"), [(0, "0"), (1, "0.01"), (12_345, "123.45"), (5_000, "50"), (-150, "-1.50")])
def test_fen_are_read_as_yuan(fen: int, read: str) -> None:
    assert yuan(fen) == read


def test_a_day_is_shanghais_and_ends_where_the_next_begins() -> None:
    late = datetime(2026, 10, 1, 16, tzinfo=UTC)  # midnight in Shanghai

    assert business_day(late) == date(2026, 10, 2)
    assert business_day(late - timedelta(microseconds=1)) == date(2026, 10, 1)
    assert day_end(late, plus_days=30) == day_start(date(2026, 11, 2))
    assert iso(late) == "2026-10-02T00:00:00+08:00"


def test_an_interval_holds_its_beginning_and_not_its_end() -> None:
    friday = Interval(shanghai("2026-10-02T10:00:00"), shanghai("2026-10-02T22:00:00"))

    assert friday.opens_at in friday
    assert friday.closes_at not in friday
    assert not friday.overlaps(Interval(friday.closes_at, friday.closes_at + timedelta(hours=1)))


def test_a_month_later_is_the_same_day_or_the_months_last() -> None:
    assert add_months(date(2026, 8, 31), 6) == date(2027, 2, 28)
    assert add_months(date(2028, 8, 31), -6) == date(2028, 2, 29)
    assert months_before(shanghai("2026-12-31T09:30:00"), 6) == shanghai("2026-06-30T09:30:00")


@given(moments, st.sampled_from([Period.DAY, Period.WEEK, Period.MONTH, Period.YEAR]))
def test_a_period_ends_where_its_name_changes(at: datetime, period: Period) -> None:
    end = next_period(period, at)

    assert end is not None
    assert end > at
    assert period_of(period, end - timedelta(microseconds=1), "c") == period_of(period, at, "c")
    assert period_of(period, end, "c") != period_of(period, at, "c")


def test_a_campaigns_period_never_ends() -> None:
    assert next_period(Period.CAMPAIGN, shanghai("2026-10-01T00:00:00")) is None


def test_prints_tell_where_one_part_ends() -> None:
    assert fingerprint("ab", "c") != fingerprint("a", "bc")
    assert -(2**63) <= fingerprint("x") < 2**63
