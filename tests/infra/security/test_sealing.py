"""Sealed fields, and what the keys they are sealed with are used for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import KeySet

from infra.home import HouseError
from infra.security.keys import security_keys
from infra.security.sealing import SealBroken, Sealer
from tests.builders.doors import data_key, token_key

PLACE = ("customer", "phone_sealed", "cust-1")


def sealer(*bytes_: int) -> Sealer:
    return Sealer(security_keys([data_key(byte) for byte in bytes_ or (1,)], KeySet([token_key()])).data)


@given(st.text(), st.tuples(st.text(), st.text(), st.text()))
def test_what_was_sealed_opens_where_it_was_sealed(text: str, place: tuple[str, str, str]) -> None:
    assert sealer().open(sealer().seal(text, *place), *place) == text


def test_a_seal_shows_nothing_and_no_two_are_alike() -> None:
    one, other = sealer().seal("13812345678", *PLACE), sealer().seal("13812345678", *PLACE)

    assert one != other
    assert "138" not in one.partition(".")[2][:4]
    assert "13812345678" not in one


@pytest.mark.parametrize(
    "place",
    [
        ("customer", "phone_sealed", "cust-2"),
        ("customer", "name_sealed", "cust-1"),
        ("delivery", "phone_sealed", "cust-1"),
        ("customer", "phone_sealed"),
        ("customer", "phone_sealedc", "ust-1"),
    ],
)
def test_a_seal_does_not_open_elsewhere(place: tuple[str, ...]) -> None:
    sealed = sealer().seal("13812345678", *PLACE)

    with pytest.raises(SealBroken):
        sealer().open(sealed, *place)


def test_a_changed_seal_does_not_open() -> None:
    sealed = sealer().seal("13812345678", *PLACE)

    for at in range(len(sealed)):
        changed = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :]
        with pytest.raises(SealBroken):
            sealer().open(changed, *PLACE)


@pytest.mark.parametrize("text", ["", ".", "x", "00000000.", "x.y.z", "é.é"])
def test_garbage_does_not_open(text: str) -> None:
    with pytest.raises(SealBroken):
        sealer().open(text, *PLACE)


def test_after_a_rotation_old_seals_open_and_are_due_to_be_sealed_anew() -> None:
    old = sealer(1).seal("13812345678", *PLACE)
    rotated = sealer(2, 1)

    assert rotated.open(old, *PLACE) == "13812345678"
    assert not rotated.is_current(old)
    assert rotated.is_current(rotated.seal("13812345678", *PLACE))
    with pytest.raises(SealBroken):
        sealer(2).open(old, *PLACE)


def test_each_use_of_a_data_key_has_a_key_of_its_own() -> None:
    (key,) = security_keys([data_key()], KeySet([token_key()])).data

    assert len({key.seal, key.refresh, data_key()}) == 3


def test_keys_are_not_shown() -> None:
    keys = security_keys([data_key()], KeySet([token_key()]))

    assert keys.data[0].seal.hex() not in repr(keys) + repr(keys.data[0])


def test_without_a_data_key_nothing_starts() -> None:
    with pytest.raises(HouseError, match="HALL_DATA_KEY"):
        security_keys([], KeySet([token_key()]))
