"""The bank's events are read strictly, and kept without what the fold does not need."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.stories.events import (
    EVENT_TYPES,
    CustomerUpdated,
    EventInvalid,
    MerchantUpdated,
    StoryEvent,
    customer_of,
    in_order,
    kept_data,
    kept_event,
    read_event,
    sort_key,
)
from tests.builders.campaigns import shanghai
from tests.builders.stories import (
    activated,
    applied,
    approved,
    bought,
    bound,
    closed,
    instalment,
    profile,
    refunded,
    unbound,
)

AT = datetime(2026, 10, 3, 4, 5, 6, tzinfo=UTC)

GOOD: dict[str, dict[str, Any]] = {
    "customer.updated": {
        "customer": "c1",
        "name": "张三",
        "phone": "13800138000",
        "birthday": "1990-02-28",
        "person": "a" * 64,
        "city": "上海",
        "occupation": "WHITE_COLLAR",
        "children": 2,
        "assetsTier": 9,
    },
    "card.applied": {"application": "a1", "customer": "c1", "product": "GOLD", "channel": "BRANCH", "flyer": "F1"},
    "card.approved": {
        "card": "k1",
        "customer": "c1",
        "product": "PLATINUM",
        "newCustomer": False,
        "channel": "MOBILE_BANK",
        "last4": "0123",
        "flyer": "F1",
    },
    "card.activated": {"card": "k1", "customer": "c1"},
    "card.closed": {"card": "k1", "customer": "c1"},
    "wallet.bound": {"card": "k1", "customer": "c1", "provider": "WECHAT"},
    "wallet.unbound": {"card": "k1", "customer": "c1", "provider": "ALIPAY"},
    "transaction.posted": {
        "transaction": "t1",
        "card": "k1",
        "customer": "c1",
        "amount": 1,
        "currency": "CNY",
        "merchant": "m1",
        "mcc": "5812",
        "channel": "POS",
        "paymentMethod": "QUICKPASS",
        "country": "CN",
        "redemption": "r1",
    },
    "transaction.refunded": {"refund": "r1", "transaction": "t1", "amount": 5},
    "instalment.created": {
        "instalment": "i1",
        "card": "k1",
        "customer": "c1",
        "principal": 500_000,
        "periods": 12,
        "fee": 0,
        "kind": "BILL",
    },
    "instalment.cancelled": {"instalment": "i1"},
    "merchant.updated": {
        "merchant": "m1",
        "name": "好吃饭店",
        "groups": ["dining", "friday-dining"],
        "mcc": "5812",
        "city": "上海",
        "status": "ACTIVE",
    },
}
MAYBE_ABSENT = {
    "customer.updated": {"city", "occupation", "children", "assetsTier"},
    "card.applied": {"customer", "flyer"},
    "card.approved": {"flyer"},
    "transaction.posted": {"mcc", "redemption"},
    "merchant.updated": {"mcc", "city"},
}


def read(type: str, **changes: Any) -> StoryEvent:
    return read_event(type, AT, "bank", "e1", GOOD[type] | changes)


def test_every_type_of_the_contract_is_known() -> None:
    assert set(GOOD) == EVENT_TYPES


@pytest.mark.parametrize("type", GOOD)
def test_a_whole_event_is_read_and_what_is_kept_of_it_makes_it_again(type: str) -> None:
    event = read(type)

    kept = orjson.loads(orjson.dumps(kept_data(event)))
    again = kept_event(type, AT, "bank", "e1", kept)
    if isinstance(event, CustomerUpdated):
        assert "张三" not in str(kept)
        assert "13800138000" not in str(kept)
        assert "1990" not in str(kept)
        assert isinstance(again, CustomerUpdated)
        assert (again.birth_month, again.birth_day, again.person) == (2, 28, "a" * 64)
        assert kept_data(again) == kept_data(event)
    else:
        assert again == event


@pytest.mark.parametrize(("type", "field"), [(type, field) for type, data in GOOD.items() for field in data])
def test_a_field_may_be_absent_or_null_only_where_the_contract_says_so(type: str, field: str) -> None:
    for data in ({name: value for name, value in GOOD[type].items() if name != field}, GOOD[type] | {field: None}):
        if field in MAYBE_ABSENT.get(type, set()):
            read_event(type, AT, "bank", "e1", data)
        else:
            with pytest.raises(EventInvalid, match=f"data.{field} is missing"):
                read_event(type, AT, "bank", "e1", data)


@pytest.mark.parametrize(
    ("type", "field", "values"),
    [
        ("transaction.posted", "amount", [0, -1, True, "100", 1.5, 10**15]),
        ("transaction.refunded", "amount", [0, -1, True]),
        ("transaction.posted", "customer", ["", "x" * 65, 7, 'a"b', "a\\b", "{a}", "a\nb", "a\x00", "\ud800"]),
        ("transaction.posted", "country", ["cn", "CHN", "ZZ", "", 86]),
        ("transaction.posted", "currency", ["cny", "CN", 156]),
        ("transaction.posted", "channel", ["pos", "APP", ["POS"]]),
        ("transaction.posted", "paymentMethod", ["CASH", {}]),
        ("transaction.posted", "mcc", [5812, "581", "58122"]),
        ("card.approved", "newCustomer", [0, 1, "true"]),
        ("card.approved", "product", ["gold", "BLACK"]),
        ("card.approved", "last4", ["123", "12345", 1234, "１２３４"]),
        ("customer.updated", "birthday", ["1990-02-30", "19900228", "1990-2-28", 19900228, "0000-01-01"]),
        ("customer.updated", "children", [-1, True, "2", 100]),
        ("customer.updated", "assetsTier", [10, -1]),
        ("customer.updated", "name", ["", "x" * 201, "a\x1fb"]),
        ("customer.updated", "person", ["", "x" * 129]),
        ("instalment.created", "periods", [0, True, 601]),
        ("instalment.created", "fee", [-1, False]),
        ("instalment.created", "kind", ["bill"]),
        ("wallet.bound", "provider", ["PAYPAL"]),
        ("merchant.updated", "groups", ["dining", [1], [""], ["x" * 65], ["a"] * 65, {}]),
        ("merchant.updated", "status", ["OPEN"]),
    ],
)
def test_what_does_not_fit_is_refused_with_the_field(type: str, field: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(EventInvalid, match=f"data.{field} must be"):
            read(type, **{field: value})


@pytest.mark.parametrize("amount", [1, 10**14])
def test_the_smallest_and_largest_amounts_are_taken(amount: int) -> None:
    assert kept_data(read("transaction.posted", amount=amount))["amount"] == amount


def test_unknown_keys_are_tolerated_and_dropped() -> None:
    assert read("card.activated", groups=["x"], colour="red") == read("card.activated")


def test_a_token_of_64_characters_of_any_script_is_taken() -> None:
    assert customer_of(read("card.activated", customer="客" * 64)) == "客" * 64


def test_an_unknown_type_a_naive_time_and_data_that_is_no_object_are_refused() -> None:
    for type, at, data in (
        ("card.lost", AT, {}),
        ("card.activated", AT.replace(tzinfo=None), GOOD["card.activated"]),
        ("card.activated", AT, [GOOD["card.activated"]]),
        ("card.activated", AT, None),
        ("card.activated", datetime.min.replace(tzinfo=shanghai("2026-10-01").tzinfo), GOOD["card.activated"]),
    ):
        with pytest.raises(EventInvalid):
            read_event(type, at, "bank", "e1", data)


def test_a_moment_is_kept_in_utc() -> None:
    event = read_event(
        "card.activated", AT.astimezone(shanghai("2026-10-01").tzinfo), "bank", "e", GOOD["card.activated"]
    )

    assert event.at == AT
    assert event.at.tzinfo is UTC


def test_a_merchant_is_in_each_group_once_in_the_order_told() -> None:
    event = read("merchant.updated", groups=["b", "a", "b"])

    assert isinstance(event, MerchantUpdated)
    assert event.groups == ("b", "a")


def test_only_events_that_name_a_customer_belong_to_one() -> None:
    owners = {type: customer_of(read(type)) for type in GOOD}

    nobodys = {"transaction.refunded", "instalment.cancelled", "merchant.updated"}
    assert owners == {type: None if type in nobodys else "c1" for type in GOOD}
    assert customer_of(read("card.applied", customer=None)) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(GOOD)), st.data())
def test_whatever_comes_is_read_or_refused(type: str, data: st.DataObject) -> None:
    changed = GOOD[type] | {data.draw(st.sampled_from(sorted(GOOD[type]))): data.draw(JSON)}

    with suppress(EventInvalid):
        orjson.dumps(kept_data(read_event(type, AT, "bank", "e1", changed)))


def test_what_must_be_known_first_comes_first_among_equal_moments() -> None:
    at = "2026-10-03T12:00"
    story = [
        profile(at), applied(at), approved(at), activated(at), bound(at), bought(at), instalment(at),
        refunded(at, "t1", 1), unbound(at), closed(at),
    ]  # fmt: skip

    assert in_order(reversed(story)) == story


def test_the_moment_comes_before_everything_else() -> None:
    late_profile, early_close = profile(shanghai("2026-10-03") + timedelta(microseconds=1)), closed("2026-10-03")

    assert in_order([late_profile, early_close]) == [early_close, late_profile]
    assert sort_key(early_close) < sort_key(late_profile)
