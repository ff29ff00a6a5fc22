"""Units are written, never guessed; what cannot be read is told with what was probably meant."""

from datetime import date, datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.time import SHANGHAI
from infra.campaigns.shapes import (
    CODE,
    Day,
    Definitions,
    Moment,
    Percent,
    Shape,
    TimeOfDay,
    Unread,
    Whole,
    Yuan,
    days,
    months,
    nearest,
    periods,
    ppm,
)
from infra.campaigns.tree import Reading, Scalar


def read(shape: Shape[Any], text: str) -> Any:
    return shape.read(Scalar("x", 1, 1, text), Reading("t.yaml", date(2026, 10, 1)))


def remedy(shape: Shape[Any], text: str) -> str:
    reading = Reading("t.yaml", date(2026, 10, 1))
    with pytest.raises(Unread):
        shape.read(Scalar("x", 1, 1, text), reading)
    return reading.errors[0].remedy


@pytest.mark.parametrize(
    ("shape", "text", "value"),
    [
        (Whole(), "50_000", 50_000),
        (Whole(), "50000", 50_000),
        (Yuan(), "200 yuan", 20_000),
        (Yuan(), "10.50 yuan", 1_050),
        (Yuan(), "2_500_000 yuan", 250_000_000),
        (days(), "7d", 7),
        (months(), "6 months", 6),
        (periods(), "12 periods", 12),
        (ppm(), "50 ppm", 50),
        (Percent(), "1 %", 10_000),
        (Percent(), "0.5 %", 5_000),
        (TimeOfDay(), "22:00", time(22)),
        (Day(), "2026-10-01", date(2026, 10, 1)),
        (Moment(), "day 1 00:00", datetime(2026, 10, 1, tzinfo=SHANGHAI)),
        (Moment(), "day 8 19:30", datetime(2026, 10, 8, 19, 30, tzinfo=SHANGHAI)),
        (Moment(), "2026-11-20 19:00", datetime(2026, 11, 20, 19, tzinfo=SHANGHAI)),
        (CODE, "mall-200-10", "mall-200-10"),
    ],
)
def test_a_value_is_read_with_its_unit(shape: Shape[Any], text: str, value: object) -> None:
    assert read(shape, text) == value


@pytest.mark.parametrize(
    ("shape", "text", "said"),
    [
        (Whole(), "50k", "Write 50_000."),
        (Whole(), "5万", "Write 50_000."),
        (Whole(), "50.0", "Write it as 50_000."),
        (Whole(), "5_00", "Write 500."),
        (Yuan(), "200", "Write 200 yuan."),
        (Yuan(), "¥200", "Write 200 yuan."),
        (Yuan(), "200 CNY", "Write 200 yuan."),
        (Yuan(), "200元", "Write 200 yuan."),
        (Yuan(), "10.5 yuan", "Write 10.50 yuan."),
        (Yuan(), "0.005 yuan", "Write it as 200 yuan."),
        (days(), "7 days", "Write 7d."),
        (days(), "1 week", "Write it as 7d."),
        (months(), "6", "Write 6 months."),
        (periods(), "12期", "Write 12 periods."),
        (ppm(), "0.1 %", "Write 1_000 ppm."),
        (Percent(), "50%", "Write 50 %."),
        (TimeOfDay(), "9:30", 'Write "09:30".'),
        (TimeOfDay(), "24:00", 'Write it as "10:00".'),
        (CODE, "Mall Pack", "Write mall-pack."),
    ],
)
def test_what_was_probably_meant_is_shown_and_not_used(shape: Shape[Any], text: str, said: str) -> None:
    assert remedy(shape, text) == said


@given(st.integers(0, 10**12))
def test_money_is_read_as_it_is_shown(fen: int) -> None:
    assert read(Yuan(), Yuan().show(fen)) == fen


@given(st.integers(0, 10_000_000))
def test_a_percentage_is_read_as_it_is_shown(share: int) -> None:
    assert read(Percent(), Percent().show(share)) == share


@given(st.text(max_size=12))
def test_no_text_breaks_a_shape(text: str) -> None:
    for shape in (Whole(), Yuan(), days(), Percent(), ppm(), TimeOfDay(), Day(), Moment(), CODE):
        try:
            read(shape, text)
        except Unread:
            continue


def test_bounds_are_told_in_the_values_own_unit() -> None:
    assert remedy(days(1, 365), "0d") == "Write 1d or more."
    assert remedy(Yuan(100), "0.50 yuan") == "Write 1 yuan or more."


def test_the_nearest_known_word_is_named_else_all_of_them() -> None:
    assert nearest("merchant_group", ["merchantGroup", "spend"]) == "Did you mean merchantGroup?"
    assert nearest("zzz", ["merchantGroup", "spend"]) == "Known here: merchantGroup, spend."


def test_a_shape_describes_what_it_reads() -> None:
    assert Yuan().schema(Definitions())["pattern"].endswith("yuan$")
