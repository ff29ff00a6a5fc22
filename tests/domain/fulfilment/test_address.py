"""When an address can still be said, and what an address is."""

from datetime import timedelta

import pytest

from domain.fulfilment.set_address import Address, Addressed, AddressFacts, decide_address
from domain.kernel.errors import InputInvalid
from domain.kernel.ids import lane_of, new_id
from domain.kernel.words import Words
from domain.offers.outcomes import NotFound, TooLate
from domain.wallet.facts import DeliveryFacts, DeliveryStatus
from tests.builders.rows import NOW

PACKED_AT = NOW + timedelta(hours=1)


def facts(status: DeliveryStatus = DeliveryStatus.NEEDS_ADDRESS, kind: str = "PARCEL") -> AddressFacts:
    delivery = DeliveryFacts(
        new_id(lane_of("alice"), NOW), "alice", None, "platinum", "suitcase", kind, Words("箱", "case"), status, {},
        None, NOW,
    )  # fmt: skip
    return AddressFacts(delivery, PACKED_AT)


def address(**over: str) -> Address:
    return Address(**{"name": "张三", "phone": "13812345678", "region": "上海", "address": "世纪大道1号"} | over)


def test_a_parcel_waiting_for_an_address_begins_with_it() -> None:
    assert decide_address(facts()) == Addressed(DeliveryStatus.NEEDS_ADDRESS, begins=True)


def test_a_promised_parcel_can_still_go_elsewhere() -> None:
    assert decide_address(facts(DeliveryStatus.PROMISED)) == Addressed(DeliveryStatus.PROMISED, begins=False)


@pytest.mark.parametrize(
    "status",
    [DeliveryStatus.PROCESSING, DeliveryStatus.SHIPPED, DeliveryStatus.DELIVERED, DeliveryStatus.FAILED],
)
def test_later_it_is_too_late_since_the_last_change(status: DeliveryStatus) -> None:
    assert decide_address(facts(status)) == TooLate(PACKED_AT)


def test_what_is_not_there_or_not_sent_has_no_address() -> None:
    assert decide_address(None) == NotFound()
    assert decide_address(facts(kind="JD_ECARD")) == NotFound()


@pytest.mark.parametrize("phone", ["13812345678", "+86 138-1234-5678", "021-12345678", "1234567"])
def test_phone_numbers_are_taken_as_they_are_written(phone: str) -> None:
    assert address(phone=phone).phone == phone


def test_an_address_may_hold_the_spaces_people_write() -> None:
    assert address(address="世纪大道1号\u30005楼 B座").address


@pytest.mark.parametrize(
    "over",
    [
        {"name": ""},
        {"name": "\u3000 "},
        {"name": "a" * 41},
        {"region": "a" * 61},
        {"address": "a" * 201},
        {"address": "a\tb"},
        {"address": "a\u202eb"},
        {"phone": "123456"},
        {"phone": "1" * 16},
        {"phone": "1381234567x"},
        {"phone": "１３８１２３４５６７８"},
    ],
)
def test_what_is_no_address_is_refused(over: dict[str, str]) -> None:
    with pytest.raises(InputInvalid):
        address(**over)
