"""A sale is reversed, and what earned the coupon used in it has been taken back: in either order alike."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from domain.offers.catalog import Catalog
from domain.offers.take_back import Origin
from domain.wallet.facts import CouponFacts
from infra.db.stores.stories import StoryStore
from infra.db.stores.till import TillStore
from tests.builders.bank import Event, Person, merchant
from tests.builders.house import House
from tests.builders.till import bought, reverse

CASHBACK = "instalment-cashback"
BACK = 45_000
"""What was paid of 500 yuan with a coupon of 50."""


async def paid_with_cashback(town: House) -> tuple[Person, Event, str]:
    """Who has paid 500 yuan of a bill with the coupon of an instalment of 5,000; the instalment and the redemption."""
    he = Person(town)
    instalment = he.instalment(500_000, "2026-10-04T10:00:00")
    await town.tell(merchant(town, "m-bank", "repayment"), he.approved(newCustomer=False), instalment)
    return he, instalment, await bought(town, he.name, 50_000, f"repaid-{he.name}", "m-bank")


async def stands(town: House, person: Person, offer: str) -> tuple[Any, ...]:
    return await person.coupons(offer), await person.grants(offer), await person.cases()


VOIDED = ([(5_000, "VOIDED")], ["REVOKED"], [])


async def test_a_coupon_whose_instalment_was_cancelled_first_does_not_come_back(town: House) -> None:
    he, instalment, redemption = await paid_with_cashback(town)
    left = (await he.offer(CASHBACK))["quota"]["remaining"]
    await town.tell(he.cancelled(instalment, "2026-10-05T11:00:00"))
    between = await stands(town, he, CASHBACK)

    answer = await reverse(town, redemption, BACK)

    assert between == ([(5_000, "USED")], ["KEPT"], [("USED_BUT_NOT_EARNED", CASHBACK)])
    assert answer.json() == {"reversed": 5_000, "restored": {"quota": False}}
    assert await stands(town, he, CASHBACK) == VOIDED
    assert (await he.offer(CASHBACK))["quota"]["remaining"] == left + 1


async def test_a_coupon_whose_sale_was_reversed_first_ends_alike(town: House) -> None:
    he, instalment, redemption = await paid_with_cashback(town)
    answer = await reverse(town, redemption, BACK)

    await town.tell(he.cancelled(instalment, "2026-10-05T11:00:00"))

    assert "coupon" in answer.json()["restored"]
    assert await stands(town, he, CASHBACK) == VOIDED


async def test_a_partial_reversal_leaves_coupon_and_case_as_they_are(town: House) -> None:
    he, instalment, redemption = await paid_with_cashback(town)
    await town.tell(he.cancelled(instalment, "2026-10-05T11:00:00"))

    answer = await reverse(town, redemption, BACK - 1)

    assert answer.json() == {"reversed": 4_999, "restored": {"quota": False}}
    assert await stands(town, he, CASHBACK) == (
        [(5_000, "USED")], ["KEPT"], [("USED_BUT_NOT_EARNED", CASHBACK)],
    )  # fmt: skip


async def test_a2_the_coupon_chosen_for_a_purchase_that_went_back_does_not_come_back(town: House) -> None:
    wang = Person(town)
    first = wang.bought(30_000, "2026-10-05T10:00:00")
    await town.tell(merchant(town, "m-mall", "mall"), wang.approved(), first)
    (choice,) = await wang.choices()
    left = (await wang.offer("first-spend"))["quota"]["remaining"]
    chosen = await wang.choose(choice, "mall-100")
    redemption = await bought(town, wang.name, 60_000, f"mall-{wang.name}", "m-mall")
    await town.tell(wang.refunded(first, 30_000, "2026-10-05T11:00:00"))
    between = await wang.cases()

    answer = await reverse(town, redemption, 50_000)

    assert chosen["__typename"] == "RewardChosen"
    assert between == [("USED_BUT_NOT_EARNED", "first-spend")]
    assert "coupon" not in answer.json()["restored"]
    assert await stands(town, wang, "first-spend") == ([(10_000, "VOIDED")], ["REVOKED"], [])
    assert (await wang.offer("first-spend"))["quota"]["remaining"] == left + 1


async def test_the_case_says_by_what_it_closed(town: House) -> None:
    he, instalment, redemption = await paid_with_cashback(town)
    await town.tell(he.cancelled(instalment, "2026-10-05T11:00:00"))

    await reverse(town, redemption, BACK)

    (case,) = await town.rows(
        "select status, closed_by, closed_at, note from operator_case where customer = $1", he.name
    )
    assert (case["status"], case["closed_by"]) == ("CLOSED", "till")
    assert redemption in case["note"]
    assert case["closed_at"] is not None


async def test_a_cancellation_within_a_reversal_ends_as_one_after_it(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The instalment is cancelled between what the reversal reads and what it commits.

    Seen to fail without `_as_it_stands`: the coupon was AVAILABLE, its grant KEPT.
    """
    he, instalment, redemption = await paid_with_cashback(town)
    read, others = TillStore.origin, [he.cancelled(instalment, "2026-10-05T11:00:00")]

    async def overtaken(self: TillStore, coupon: CouponFacts, catalog: Catalog) -> Origin:
        found = await read(self, coupon, catalog)
        while others:
            await town.tell(others.pop())
        return found

    monkeypatch.setattr(TillStore, "origin", overtaken)
    answer = await reverse(town, redemption, BACK)

    assert answer.status_code == 200
    assert await stands(town, he, CASHBACK) == VOIDED


async def test_a_reversal_within_a_cancellation_ends_as_one_before_it(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sale is reversed between what the worker reads of the coupon and what it commits.

    Seen to fail without `_still_used`: a case was opened of a coupon that was AVAILABLE.
    """
    he, instalment, redemption = await paid_with_cashback(town)
    read, reversals = StoryStore.benefits, [redemption]

    async def overtaken(self: StoryStore, customer: str, grants: Sequence[UUID]) -> Any:
        found = await read(self, customer, grants)
        while reversals:
            assert (await reverse(town, reversals.pop(), BACK)).status_code == 200
        return found

    monkeypatch.setattr(StoryStore, "benefits", overtaken)
    await town.tell(he.cancelled(instalment, "2026-10-05T11:00:00"))

    assert reversals == []
    assert await stands(town, he, CASHBACK) == VOIDED
