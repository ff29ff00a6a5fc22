"""Which parts of a grant go back, and which stay for a person to settle."""

from uuid import UUID

import pytest

from domain.campaigns.terms import SubjectKind
from domain.offers.take_back import GivenGrant, Held, InUse, take_back
from tests.builders.campaigns import shanghai, story_offer

NOW = shanghai("2026-10-05T12:00")
OFFER = story_offer(SubjectKind.PURCHASE)
GRANT = GivenGrant(
    id=UUID(int=1), customer="lin", campaign="smart", version=1, offer=OFFER.code, cause="c1", round=1, status="GIVEN",
    cost=500, line="", at=NOW, earned_at=NOW, card="card-lin", person=None, amount=0,
)  # fmt: skip
COUPON, DELIVERY = UUID(int=2), UUID(int=3)


def taken(*held: Held) -> dict[UUID, str]:
    """The status each row moves to."""
    changes = take_back(GRANT, held, OFFER, NOW).changes
    return {change.key: change.new for change in changes if change.new != change.old}  # type: ignore[misc]


@pytest.mark.parametrize("status", ["PROMISED", "NEEDS_ADDRESS"])
def test_a_delivery_no_provider_was_asked_for_goes_back(status: str) -> None:
    assert taken(Held("delivery", DELIVERY, status)) == {DELIVERY: "FAILED", GRANT.id: "REVOKED"}


@pytest.mark.parametrize("status", ["PROCESSING", "SHIPPED", "DELIVERED"])
def test_one_that_a_provider_has_stays_and_is_a_case(status: str) -> None:
    parts = take_back(GRANT, [Held("delivery", DELIVERY, status)], OFFER, NOW)

    assert [(change.key, change.new) for change in parts.changes] == [(GRANT.id, "KEPT")]
    assert [case["kind"] for case in parts.rows["operator_case"]] == ["USED_BUT_NOT_EARNED"]


def test_what_a_used_coupon_became_is_not_withdrawn() -> None:
    assert taken(Held("coupon", COUPON, "USED"), Held("delivery", DELIVERY, "PROMISED")) == {GRANT.id: "KEPT"}


def test_an_unused_coupon_goes_back_beside_a_used_one() -> None:
    assert taken(Held("coupon", COUPON, "USED"), Held("coupon", DELIVERY, "AVAILABLE")) == {
        DELIVERY: "VOIDED",
        GRANT.id: "KEPT",
    }


def test_nothing_of_a_grant_goes_back_while_a_till_holds_a_coupon_of_it() -> None:
    with pytest.raises(InUse) as refused:
        taken(Held("delivery", DELIVERY, "PROMISED"), Held("coupon", COUPON, "HELD"))

    assert refused.value.coupon == COUPON
