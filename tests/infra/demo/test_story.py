"""The demo's month: made up, the same every time, as untidy as real life."""

from collections import Counter
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from domain.kernel.time import day_start
from domain.stories.events import read_event
from infra.demo.merchants import ALL, PARTNERS
from infra.demo.people import CHANNELS, WAYS, crowd
from infra.demo.personas import PERSONAS
from infra.demo.story import story
from infra.demo.teller import SOURCE, Event

START = date(2026, 10, 1)
GROUPS = {
    "friday-market", "friday-dining", "mall", "travel", "everyday", "come-back", "dining", "shopping", "leisure",
    "points-online", "repayment",
}  # fmt: skip


@pytest.fixture(scope="module")
def month() -> list[Event]:
    return story(START)


def test_the_same_start_tells_the_same_story(month: list[Event]) -> None:
    assert story(START) == month


def test_another_seed_tells_another_story_of_the_same_personas(month: list[Event]) -> None:
    other = story(START, seed=7)

    assert other != month
    named = {persona.token for persona in PERSONAS}
    assert _of(other, named) == _of(month, named)


def _of(events: list[Event], customers: set[str]) -> set[str]:
    return {f"{event.id} {event.at} {event.data}" for event in events if event.data.get("customer") in customers}


def test_a_month_has_about_twenty_thousand_events_of_120_people(month: list[Event]) -> None:
    active = {event.id for event in month if event.at >= day_start(START)}
    people = {event.data["customer"] for event in month if "customer" in event.data}

    assert 19_000 < len(active) < 21_000
    assert len(people) == 120


@pytest.mark.parametrize("start", [date(2026, 10, 1), date(2027, 2, 1), date(2028, 2, 29), date(2026, 12, 31)])
def test_nothing_happens_after_the_thirtieth_day(start: date) -> None:
    end = day_start(start) + timedelta(days=30)

    assert max(event.at for event in story(start)) < end


def test_some_events_come_twice_and_are_the_same_then(month: list[Event]) -> None:
    seen: dict[str, Event] = {}
    for event in month:
        assert seen.setdefault(event.id, event) == event

    assert 100 < len(month) - len(seen) < 400


def test_most_events_come_in_order_and_some_late(month: list[Event]) -> None:
    late = sum(later.at < earlier.at for earlier, later in pairwise(month))

    assert 0.005 < late / len(month) < 0.2


def test_some_refunds_come_before_their_purchase_though_they_happened_after_it(month: list[Event]) -> None:
    arrived = {event.id: place for place, event in reversed(list(enumerate(month)))}
    happened = {event.id: event.at for event in month}
    refunds = [event for event in month if event.type == "transaction.refunded"]
    early = [
        refund for refund in refunds if arrived[refund.id] < arrived[f"transaction.posted:{refund.data['transaction']}"]
    ]

    assert 20 < len(early) < len(refunds) / 2
    assert all(event.at > happened[f"transaction.posted:{event.data['transaction']}"] for event in refunds)


def test_refunds_never_exceed_their_purchase(month: list[Event]) -> None:
    events = {event.id: event for event in month}.values()
    bought = {event.data["transaction"]: event.data["amount"] for event in events if event.type == "transaction.posted"}
    given_back: Counter[str] = Counter()
    for event in events:
        if event.type == "transaction.refunded":
            given_back[event.data["transaction"]] += event.data["amount"]

    assert given_back
    assert all(0 < amount <= bought[transaction] for transaction, amount in given_back.items())


def test_every_event_type_of_the_bank_occurs(month: list[Event]) -> None:
    assert {event.type for event in month} == {
        "customer.updated", "card.applied", "card.approved", "card.activated", "card.closed", "wallet.bound",
        "wallet.unbound", "transaction.posted", "transaction.refunded", "instalment.created", "instalment.cancelled",
        "merchant.updated",
    }  # fmt: skip


def test_every_event_fits_its_type(month: list[Event]) -> None:
    for event in month:
        read_event(event.type, event.at, SOURCE, event.id, event.data)


def test_a_purchase_uses_a_card_that_is_active_by_then(month: list[Event]) -> None:
    active = {event.data["card"]: event.at for event in month if event.type == "card.activated"}
    purchases = [event for event in month if event.type == "transaction.posted"]

    assert all(active[event.data["card"]] <= event.at for event in purchases)


def test_a_wallet_pays_only_while_it_is_bound(month: list[Event]) -> None:
    providers = {"WECHAT_PAY": "WECHAT", "ALIPAY": "ALIPAY"}
    bound: dict[tuple[str, str], datetime] = {}
    unbound: dict[tuple[str, str], datetime] = {}
    for event in month:
        if event.type in ("wallet.bound", "wallet.unbound"):
            when = bound if event.type == "wallet.bound" else unbound
            when[event.data["card"], event.data["provider"]] = event.at
    paid = [
        (event.at, (event.data["card"], providers[event.data["paymentMethod"]]))
        for event in month
        if event.data.get("paymentMethod") in providers
    ]

    assert len(paid) > 5_000
    assert all(bound[wallet] <= at for at, wallet in paid)
    assert all(at < unbound[wallet] for at, wallet in paid if wallet in unbound)


def test_people_eat_at_noon_and_sleep_at_four(month: list[Event]) -> None:
    hours = Counter(event.at.hour for event in month if event.type == "transaction.posted")

    assert hours[12] > 500
    assert hours[18] > hours[15]
    assert hours[4] == 0


def test_every_merchant_group_of_the_plans_has_a_partner() -> None:
    assert {group for merchant in PARTNERS for group in merchant.groups} == GROUPS
    assert len([merchant for merchant in PARTNERS if "mall" in merchant.groups]) == 3


def test_every_merchant_bought_from_is_announced(month: list[Event]) -> None:
    announced = {event.data["merchant"] for event in month if event.type == "merchant.updated"}
    visited = {event.data["merchant"] for event in month if event.type == "transaction.posted"}

    assert announced == {merchant.token for merchant in ALL}
    assert visited <= announced


def test_the_crowd_is_of_every_kind_product_and_channel() -> None:
    people = crowd(Random(1), on=START)

    assert {person.kind for person in people} == set(WAYS)
    assert {person.product for person in people} == {"CLASSIC", "GOLD", "PLATINUM"}
    assert {person.channel for person in people if person.newcomer} == set(CHANNELS)
    shares = Counter(person.kind for person in people)
    assert all(abs(shares[kind] - way.share * len(people) / 100) <= 1 for kind, way in WAYS.items())


def test_nobody_can_be_rung_up(month: list[Event]) -> None:
    phones = {event.data["phone"] for event in month if event.type == "customer.updated"}

    assert all(phone.startswith("154") and len(phone) == 11 for phone in phones)


def test_tokens_fit_the_contract(month: list[Event]) -> None:
    tokens = {
        event.data[name]
        for event in month
        for name in ("customer", "card", "merchant", "transaction", "refund", "instalment", "application", "person")
        if name in event.data
    }

    assert max(map(len, tokens)) <= 64


def test_the_page_about_the_demo_lists_every_persona() -> None:
    page = (Path(__file__).parents[3] / "docs/demo.md").read_text()

    for persona in PERSONAS:
        assert f"| `{persona.token}` | {persona.name} | {persona.rules} | {persona.shows} |" in page
