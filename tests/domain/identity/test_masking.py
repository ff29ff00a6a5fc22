"""How much of a person is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity.masking import mask_card, mask_name, mask_phone


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("张三", "张**"),
        ("张三丰", "张**"),
        ("欧阳修", "欧**"),
        ("John Smith", "J**"),
        (" 李四 ", "李**"),
        ("王", "王**"),
        ("", ""),
    ],
)
def test_a_name_shows_its_first_character(name: str, shown: str) -> None:
    assert mask_name(name) == shown


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("13812345678", "138****5678"),
        ("138 1234 5678", "138****5678"),
        ("+86 138-1234-5678", "138****5678"),
        ("008613812345678", "138****5678"),
        ("02161234567", "021****4567"),
        ("61234567", "****67"),
        ("10086", "****"),
        ("", ""),
        ("none", ""),
    ],
)
def test_a_phone_shows_its_first_three_and_last_four_digits(phone: str, shown: str) -> None:
    assert mask_phone(phone) == shown


@given(st.from_regex(r"\A1[3-9][0-9]{9}\Z"))
def test_four_digits_of_every_phone_stay_hidden(phone: str) -> None:
    shown = mask_phone(phone)

    assert shown == f"{phone[:3]}****{phone[-4:]}"


@given(st.text())
def test_masking_any_text_shows_seven_of_its_digits_at_most(text: str) -> None:
    assert sum(c.isdigit() for c in mask_phone(text)) <= 7
    assert len(mask_name(text)) <= 3


def test_a_card_shows_four_digits() -> None:
    assert (mask_card("1234"), mask_card("")) == ("**** 1234", "****")
