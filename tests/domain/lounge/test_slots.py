"""Slots of a day by the clock of the lounge's town."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.words import Words
from domain.lounge.directory import Directory
from domain.lounge.facts import Airport, Lounge, LoungeState, Policy
from domain.lounge.slots import hours_of, read_hours, slot_at, slots_of

POLICY = Policy(frozenset({"x"}), timedelta(days=60), timedelta(hours=2), timedelta(hours=1), timedelta(days=1), True)


def lounge(
    code: str = "PEK-01", *, hours: str = "06:00-23:00", slot: int = 120, zone: str = "Asia/Shanghai",
    airport: str = "PEK", city: Words = Words("北京", "Beijing"), state: LoungeState = LoungeState.OPEN,
) -> Lounge:  # fmt: skip
    opens, closes = read_hours(hours)
    place = Airport(airport, Words("机场", "Airport"), city, ZoneInfo(zone))
    return Lounge(code, Words("厅", "Lounge"), place, "T1", True, opens, closes, slot, 20, (), state)


def test_slots_follow_from_opening_as_far_as_they_fit() -> None:
    slots = slots_of(lounge(), date(2026, 10, 6))

    assert len(slots) == 8
    assert slots[0].starts_at == datetime(2026, 10, 5, 22, 0, tzinfo=UTC)  # 06:00 in Shanghai
    assert slots[-1].ends_at == datetime(2026, 10, 6, 14, 0, tzinfo=UTC)  # 22:00: an hour is left over


def test_after_midnight_a_slot_is_of_the_day_the_lounge_opened() -> None:
    late = slots_of(lounge(hours="18:00-02:00"), date(2026, 10, 6))[-1]

    assert late.starts_at == datetime(2026, 10, 6, 16, 0, tzinfo=UTC)  # midnight in Shanghai
    assert slot_at(lounge(hours="18:00-02:00"), late.starts_at) == late


@given(
    day=st.dates(date(2025, 1, 1), date(2030, 1, 1)),
    opens=st.integers(0, 47),
    length=st.integers(1, 48),
    slot=st.sampled_from([30, 60, 90, 120, 180]),
    zone=st.sampled_from(["Asia/Shanghai", "Europe/Paris", "America/New_York", "Asia/Tokyo"]),
)
def test_every_slot_is_found_again_by_its_start_and_none_overlaps(
    day: date, opens: int, length: int, slot: int, zone: str
) -> None:
    close = (opens * 30 + length * 30) % 1440
    there = lounge(
        hours=f"{opens // 2:02d}:{opens % 2 * 30:02d}-{close // 60:02d}:{close % 60:02d}", slot=slot, zone=zone
    )

    slots = slots_of(there, day)

    assert all(slot_at(there, each.starts_at) is not None for each in slots)
    assert all(before.ends_at == after.starts_at for before, after in pairwise(slots))
    assert all(each.ends_at - each.starts_at == timedelta(minutes=slot) for each in slots)


@pytest.mark.parametrize("text", ["00:00-24:00", "06:00-23:00", "18:00-02:00", "05:30-05:00"])
def test_hours_are_written_as_they_are_read(text: str) -> None:
    opens, closes = read_hours(text)

    assert opens < closes <= opens + 1440
    assert hours_of(lounge(hours=text)) == text


@pytest.mark.parametrize("text", ["", "6:00-23:00", "06:00", "06:60-23:00", "24:00-02:00", "06:00-25:00"])
def test_hours_of_no_clock_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\d|time of day"):
        read_hours(text)


def test_lounges_are_listed_by_code_behind_a_code() -> None:
    paris = lounge("CDG-01", airport="CDG", city=Words("巴黎", "Paris"))
    closed = lounge("PEK-03", state=LoungeState.CLOSED)
    directory = Directory([lounge("PEK-02"), paris, lounge("PEK-01"), closed], POLICY)

    def codes(**asked: str | None) -> list[str]:
        page = directory.listed(**{"airport": None, "city": None, "after": None, **asked}, first=10)  # type: ignore[arg-type]
        return [found.code for found in page.items]

    assert codes() == ["CDG-01", "PEK-01", "PEK-02"]
    assert codes(after="CDG-01") == codes(city="北京市") == codes(city=" BEIJING") == codes(airport="pek")
    assert codes(airport="CDG", city="北京") == []
    assert directory.lounge("PEK-03") == closed
