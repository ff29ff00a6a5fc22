"""The coupons that customers hold at a moment, for rewards that extend them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.campaigns.terms import CouponKind
from domain.kernel.words import Words
from domain.wallet.facts import CouponFacts, CouponStatus
from infra.db.statements import named

COUPONS = named(
    "coupon.alive",
    """
    select c.customer, c.id, c.offer_grant, c.campaign, c.version, c.offer, c.kind, c.status, c.title_zh, c.title_en,
           c.value, c.min_spend, c.merchant_groups, c.valid_from, c.expires_at
    from coupon c
    where c.lane = $1 and c.customer = any($2::text[]) and c.expires_at > $3 and c.status in ('AVAILABLE', 'HELD')
    """,
)


async def coupons_alive(
    pool: Any, lane: int, customers: Sequence[str], at: datetime
) -> dict[str, tuple[CouponFacts, ...]]:
    """By customer, those of one lane that are neither spent nor past their end at `at`."""
    found: dict[str, list[CouponFacts]] = {}
    for row in await pool.fetch(COUPONS, lane, list(customers), at):
        found.setdefault(row["customer"], []).append(
            CouponFacts(
                id=row["id"],
                customer=row["customer"],
                grant=row["offer_grant"],
                campaign=row["campaign"],
                version=row["version"],
                offer=row["offer"],
                kind=CouponKind(row["kind"]),
                status=CouponStatus(row["status"]),
                title=Words(row["title_zh"], row["title_en"]),
                value=row["value"],
                min_spend=row["min_spend"],
                merchant_groups=tuple(row["merchant_groups"]),
                valid_from=row["valid_from"],
                expires_at=row["expires_at"],
            )
        )
    return {customer: tuple(coupons) for customer, coupons in found.items()}
