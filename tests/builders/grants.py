"""Grants as they would stand in the tables had all of these earnings been given."""

from collections.abc import Iterable

from domain.kernel.ids import derived_id, lane_of
from domain.offers.take_back import GivenGrant
from domain.stories.fold import Earned


def grants_of(earned: Iterable[Earned], customer: str = "lin", status: str = "GIVEN") -> list[GivenGrant]:
    return [
        GivenGrant(
            id=derived_id(lane_of(customer), one.at, one.campaign, one.offer, one.cause),
            customer=customer,
            campaign=one.campaign,
            version=one.version,
            offer=one.offer,
            cause=one.cause,
            round=1,
            status=status,
            cost=0,
            line="",
            at=one.at,
            earned_at=one.at,
            card=one.card,
            person=None,
            amount=one.amount,
            basis=one.basis,
        )
        for one in earned
    ]
