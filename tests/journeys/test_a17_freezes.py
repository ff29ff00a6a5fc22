"""Plan rule A17, the part of it that stands: who is frozen takes part in nothing, keeps everything, and is told why."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from api.node import node_id
from tests.builders.bank import Person
from tests.builders.desk import desk, freeze, unfreeze
from tests.builders.house import House

FROZEN = "{ viewer { frozen { since reason appealable } } }"

ACTS: dict[str, dict[str, Any]] = {
    "claimOffer": {"offer": "everyday-20-5"},
    "apply": {"offer": "overseas-hotel"},
    "signUp": {"offer": "club-wine"},
    "draw": {"draw": "wake-up", "clientNonce": "sixteen characters"},
    "bookLounge": {"lounge": node_id("Lounge", "any"), "startsAt": "2026-10-06T10:00:00+08:00"},
}


async def act(hall: House, customer: str, name: str, language: str = "zh-CN") -> Any:
    kind = name[0].upper() + name[1:] + "Input"
    text = (
        f"mutation ($input: {kind}!) {{ {name}(input: $input) "
        "{ __typename ... on AccountFrozen { code message appealable } } }"
    )
    variables = {"input": {"requestId": str(uuid4()), **ACTS[name]}}
    return (await hall.ask(customer, text, variables, language=language))[name]


@pytest.mark.parametrize("name", ACTS)
async def test_a17_who_is_frozen_takes_part_in_nothing(shared_hall: House, name: str) -> None:
    """Each seen to fail when the act does not ask who is frozen."""
    hall = shared_hall
    await hall.set_clock("2026-10-05T12:00:00")
    customer = Person(hall)
    await hall.tell(customer.approved())
    await freeze(hall, customer.name, appealable=False)

    zh, en = await act(hall, customer.name, name), await act(hall, customer.name, name, "en")
    await unfreeze(hall, customer.name)
    free = await act(hall, customer.name, name)

    assert (zh["__typename"], zh["code"], zh["appealable"]) == ("AccountFrozen", "ACCOUNT_FROZEN", False)
    assert zh["message"] != en["message"]
    assert free["__typename"] != "AccountFrozen"


async def test_a17_who_is_frozen_goes_on_earning_and_chooses_when_it_is_lifted(shared_hall: House) -> None:
    hall = shared_hall
    await hall.set_clock("2026-10-05T12:00:00")
    customer = Person(hall)
    await hall.tell(customer.approved())
    await freeze(hall, customer.name)

    await hall.tell(customer.bound("2026-10-05T11:00:00"), customer.bought(30_000, "2026-10-05T10:00:00"))
    (choice,) = await hall.choices(customer.name)
    option = choice["options"][0]["code"]
    frozen = await hall.choose(customer.name, choice["id"], option)
    await unfreeze(hall, customer.name)
    free = await hall.choose(customer.name, choice["id"], option)

    assert ("bind-gift", 1_000, "AVAILABLE") in await hall.coupons(customer.name)
    assert (frozen["__typename"], free["__typename"]) == ("AccountFrozen", "RewardChosen")
    await hall.reconcile()


async def test_a17_what_was_given_before_the_freeze_is_answered_as_it_was(shared_hall: House) -> None:
    hall = shared_hall
    await hall.set_clock("2026-10-05T12:00:00")
    customer = Person(hall)
    await hall.tell(customer.approved())
    request = str(uuid4())
    first = await hall.claim(customer.name, "everyday-20-5", request)

    await freeze(hall, customer.name)

    assert await hall.claim(customer.name, "everyday-20-5", request) == first
    assert (await hall.claim(customer.name, "everyday-20-5"))["__typename"] == "AccountFrozen"


async def test_a17_the_customer_is_told_why_and_since_when(shared_hall: House) -> None:
    hall = shared_hall
    await hall.set_clock("2026-10-05T12:00:00")
    customer = Person(hall)
    await hall.tell(customer.approved())

    before = await hall.ask(customer.name, FROZEN)
    await freeze(hall, customer.name)
    meanwhile = await hall.ask(customer.name, FROZEN)
    english = await hall.ask(customer.name, FROZEN, language="en")
    await unfreeze(hall, customer.name)
    after = await hall.ask(customer.name, FROZEN)

    since = "2026-10-05T12:00:00+08:00"
    assert meanwhile["viewer"]["frozen"] == {"since": since, "reason": "核查中", "appealable": True}
    assert english["viewer"]["frozen"]["reason"] == "Being looked at"
    assert before["viewer"]["frozen"] is after["viewer"]["frozen"] is None


async def test_a17_a_freeze_is_made_once_and_every_step_is_in_the_audit(shared_hall: House) -> None:
    """Seen to fail (a second freeze stays without effect) when the row's state does not move with the first."""
    hall = shared_hall
    await hall.set_clock("2026-10-05T12:00:00")
    customer = Person(hall)
    await hall.tell(customer.approved())

    both = await asyncio.gather(freeze(hall, customer.name), freeze(hall, customer.name, operator="wu"))
    await hall.set_clock("2026-10-06T12:00:00")
    again = (await freeze(hall, customer.name, reason={"zh": "别的", "en": "Another"})).json()
    await asyncio.gather(unfreeze(hall, customer.name), unfreeze(hall, customer.name))
    anew = (await freeze(hall, customer.name, reason={"zh": "别的", "en": "Another"}, appealable=False)).json()
    stands = (await desk(hall, "GET", f"/v1/customers/{customer.name}/freeze")).json()
    audit = (await desk(hall, "GET", f"/v1/audit?subject={customer.name}")).json()["items"]

    assert [each.status_code for each in both] == [200, 200]
    assert both[0].json() == both[1].json() == again
    assert again["since"] == "2026-10-05T12:00:00+08:00"
    assert stands == anew
    assert anew == {
        "customer": customer.name, "frozen": True, "since": "2026-10-06T12:00:00+08:00",
        "reason": {"zh": "别的", "en": "Another"}, "appealable": False,
    }  # fmt: skip
    assert sorted(each["action"] for each in audit) == ["customer frozen", "customer frozen", "freeze lifted"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"reason": "odd", "note": "n"},
        {"reason": {"zh": "核查中"}, "note": "n"},
        {"reason": {"zh": "核查中", "en": " "}, "note": "n"},
        {"reason": {"zh": "核" * 101, "en": "x"}, "note": "n"},
        {"reason": {"zh": "核查中", "en": "x"}, "note": ""},
        {"reason": {"zh": "核查中", "en": "x"}, "note": "n", "appealable": "yes"},
    ],
)
async def test_a17_a_freeze_says_why_in_both_languages(shared_hall: House, body: dict[str, Any]) -> None:
    hall = shared_hall
    customer = Person(hall)
    await hall.tell(customer.approved())

    refused = await desk(hall, "POST", f"/v1/customers/{customer.name}/freeze", body)

    assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")
    assert (await desk(hall, "GET", f"/v1/customers/{customer.name}/freeze")).json()["frozen"] is False


async def test_a17_nobody_the_bank_has_not_told_of_can_be_frozen(shared_hall: House) -> None:
    answers = [
        await freeze(shared_hall, "nobody-there"),
        await unfreeze(shared_hall, "nobody-there"),
        await desk(shared_hall, "GET", "/v1/customers/nobody-there/freeze"),
    ]

    assert [each.status_code for each in answers] == [404, 404, 404]
