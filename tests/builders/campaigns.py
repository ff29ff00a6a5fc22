"""Small campaigns for tests. Each builder makes the case that succeeds; a test states only what it is about.

Warm-up from 21 September 2026, active from 1 October to 29 December, closing until 5 January, all in Shanghai.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from domain.campaigns.calendar import WEEKDAYS_ONLY, Calendar
from domain.campaigns.model import (
    Audience,
    Budget,
    BudgetLine,
    Campaign,
    Claim,
    CouponReward,
    Offer,
    Phases,
    Reward,
    Section,
    SegmentRule,
    Story,
    Validity,
)
from domain.campaigns.terms import CouponKind, Product, SubjectKind
from domain.kernel.time import SHANGHAI
from domain.kernel.words import Words
from domain.stories.plans import Plans, Version


def shanghai(text: str) -> datetime:
    """`2026-10-02T10:00` (or a day alone: its first moment) in Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def called(name: str) -> Words:
    return Words(name, name)


PHASES = Phases(
    warm_up_at=shanghai("2026-09-21"),
    starts_at=shanghai("2026-10-01"),
    ends_at=shanghai("2026-12-30"),
    closes_at=shanghai("2027-01-06"),
)
EVERYDAY = Audience(products=(Product.CLASSIC, Product.GOLD))


def cash_coupon(value: int = 1_000, **changes: Any) -> CouponReward:
    parts: dict[str, Any] = {
        "code": "cash",
        "kind": CouponKind.CASH,
        "title": called("cash"),
        "valid": Validity(days=30),
    }
    return CouponReward(value=value, **(parts | changes))


def an_offer(code: str = "gift", *rewards: Reward, **changes: Any) -> Offer:
    """Claimed, one cash coupon of 10 yuan, open to the campaign's audience."""
    parts: dict[str, Any] = {
        "title": called(code),
        "section": "all",
        "trigger": Claim(),
        "line": "rewards",
        "rewards": rewards or (cash_coupon(),),
    }
    return Offer(code=code, **(parts | changes))


def story_offer(subject: SubjectKind, *rewards: Reward, code: str = "gift", **changes: Any) -> Offer:
    return an_offer(code, *rewards, **({"trigger": Story(subject)} | changes))


def a_campaign(*offers: Offer, **changes: Any) -> Campaign:
    """For CLASSIC and GOLD cards."""
    parts: dict[str, Any] = {
        "code": "smart",
        "title": called("smart"),
        "version": 1,
        "phases": PHASES,
        "audience": EVERYDAY,
        "budget": Budget(100_000_000, (BudgetLine("rewards", 100_000_000),)),
        "sections": (Section("all", called("all")),),
    }
    return Campaign(offers=offers, **(parts | changes))


def plans_of(
    *campaigns: Campaign,
    published_at: datetime = PHASES.warm_up_at,
    segments: Iterable[SegmentRule] = (),
    calendar: Calendar = WEEKDAYS_ONLY,
) -> Plans:
    """Plans of these campaigns, all published at `published_at`."""
    return Plans(
        [Version(campaign, published_at) for campaign in campaigns],
        stamp=1,
        segments=segments,
        calendar=calendar,
    )
