"""What stands in the tables of a grant and of what came of it, as taking back reads it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from domain.campaigns.model import Cashback
from domain.offers.award import Award
from domain.offers.catalog import Catalog
from domain.offers.take_back import GivenGrant, Held, Won


def given_grant(customer: str, row: Mapping[str, Any]) -> GivenGrant:
    """Of an offer_grant's row. earned_at: the grant's own moment where its details name no other."""
    details = orjson.loads(row["details"])
    earned_at = details.get("earnedAt")
    return GivenGrant(
        id=row["id"],
        customer=customer,
        campaign=row["campaign"],
        version=row["version"],
        offer=row["offer"],
        cause=row["cause"],
        round=row["round"],
        status=row["status"],
        cost=row["cost"],
        line=row["line"],
        at=row["at"],
        earned_at=row["at"] if earned_at is None else datetime.fromisoformat(earned_at),
        card=details.get("card"),
        person=details.get("person"),
        amount=details.get("amount", 0),
        device=details.get("device"),
        basis=details.get("basis", 0),
    )


def held_of(kind: str, row: Mapping[str, Any]) -> Held:
    """Of a row of `StoryStore.benefits`."""
    match kind:
        case "draw_chance":
            again = {name: value for name, value in row.items() if name not in ("id", "status")}
            return Held(kind, row["id"], row["status"], row=again)
        case "choice":
            return Held(kind, row["id"], row["status"], hold=row["hold"])
        case "entitlement":
            return Held(kind, row["id"], row["status"], total=row["total"])
        case _:
            return Held(kind, row["id"], row["status"])


def won_of(customer: str, row: Mapping[str, Any], coupon: UUID, status: str, catalog: Catalog) -> Won | None:
    """Of a prize's offer_grant and the coupon it became, in `status`; None of one that counts from no purchase."""
    campaign, offer = catalog.judged_by(row["campaign"], row["version"], row["offer"])
    details = orjson.loads(row["details"])
    draw = campaign.draw(details["draw"])
    reward = next((prize.reward for prize in draw.prizes if prize.code == details["prize"]), None) if draw else None
    if not isinstance(reward, Cashback):
        return None
    order = Award(
        campaign, offer, customer, row["cause"], row["at"], row["at"], amount=row["cost"], round=row["round"],
        by="DRAW", details=details,
    )  # fmt: skip
    return Won(row["id"], order, reward, row["cost"], row["line"], coupon, status, row["status"])
