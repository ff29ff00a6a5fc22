"""The wallet's rows as a customer reads them: coupons and choices. Nothing here writes."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from domain.campaigns.terms import CouponKind
from domain.kernel.ids import lane_of
from domain.kernel.pages import Page
from domain.kernel.words import Words
from domain.wallet.facts import ChoiceFacts, ChoiceOption, ChoiceStatus, CouponFacts, CouponStatus
from domain.wallet.ports import EXPIRING_SOON, RECENT_CHOICES, CouponMark, WalletCounts
from infra.db.statements import named
from infra.db.stores.stamps import Seen

COUNTS = named(
    "wallet.counts",
    """
    select s.version stamp, n.available, n.held, n.soon
    from catalog_stamp s, (
        select count(*) filter (where c.status = 'AVAILABLE') available,
               count(*) filter (where c.status = 'HELD') held,
               count(*) filter (where c.status = 'AVAILABLE' and c.expires_at < $4) soon
        from coupon c
        where c.lane = $1 and c.customer = $2 and (c.status = 'HELD' or c.status = 'AVAILABLE' and c.expires_at > $3)
    ) n
    """,
)

# One text for the first page and the next ones: a row comparison the index answers, begun before all rows.
COUPONS = named(
    "wallet.coupons",
    """
    select c.id, c.offer_grant, c.campaign, c.version, c.offer, c.kind, c.status, c.title_zh, c.title_en, c.value,
           c.min_spend, c.merchant_groups, c.valid_from, c.expires_at, (select version from catalog_stamp) stamp
    from coupon c
    where c.lane = $1 and c.customer = $2 and (c.expires_at, c.id) > ($3, $4)
      and case when c.status = 'AVAILABLE' and c.expires_at <= $5 then 'EXPIRED' else c.status end = any($6::text[])
    order by c.expires_at, c.id limit $7
    """,
)

COUPONS_BY_ID = named(
    "wallet.coupons_by_id",
    """
    select c.id, c.offer_grant, c.campaign, c.version, c.offer, c.kind, c.status, c.title_zh, c.title_en, c.value,
           c.min_spend, c.merchant_groups, c.valid_from, c.expires_at, (select version from catalog_stamp) stamp
    from coupon c
    where c.lane = $1 and c.customer = $2 and c.id = any($3::uuid[])
    """,
)

CHOICES = named(
    "wallet.choices",
    """
    select c.id, c.offer_grant, c.campaign, c.version, c.offer, c.hold, c.status, c.options, c.chosen, c.choose_by,
           (select version from catalog_stamp) stamp
    from choice c
    where c.lane = $1 and c.customer = $2 and (c.status = 'OPEN' or c.status <> 'VOIDED' and c.changed_at > $3)
    order by c.id desc limit 100
    """,
)

CHOICES_BY_ID = named(
    "wallet.choices_by_id",
    """
    select c.id, c.offer_grant, c.campaign, c.version, c.offer, c.hold, c.status, c.options, c.chosen, c.choose_by,
           (select version from catalog_stamp) stamp
    from choice c
    where c.lane = $1 and c.customer = $2 and c.id = any($3::uuid[])
    """,
)

_BEFORE_ALL = CouponMark(datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))
_ALL_STATUSES = [status.value for status in CouponStatus]
_KINDS = {kind.value: kind for kind in CouponKind}
_STATUSES = {status.value: status for status in CouponStatus}


class WalletStore:
    """Implements ReadWallet. seen: told the catalog's version that each statement saw."""

    def __init__(self, pool: asyncpg.Pool, seen: Seen) -> None:
        self._pool = pool
        self._seen = seen

    async def counts(self, customer: str, now: datetime) -> WalletCounts:
        row = await self._pool.fetchrow(COUNTS, lane_of(customer), customer, now, now + EXPIRING_SOON)
        self._seen(row["stamp"])
        return WalletCounts(row["available"], row["held"], row["soon"])

    async def coupons(
        self,
        customer: str,
        now: datetime,
        *,
        statuses: Collection[CouponStatus] | None,
        first: int,
        after: CouponMark | None,
    ) -> Page[CouponFacts]:
        mark = after or _BEFORE_ALL
        wanted = _ALL_STATUSES if statuses is None else [status.value for status in statuses]
        rows = await self._pool.fetch(
            COUPONS, lane_of(customer), customer, mark.expires_at, mark.id, now, wanted, first + 1
        )
        self._saw(rows)
        return Page(tuple([_coupon(customer, row) for row in rows[:first]]), len(rows) > first)

    async def coupons_by_id(self, customer: str, ids: Sequence[UUID]) -> list[CouponFacts]:
        rows = await self._pool.fetch(COUPONS_BY_ID, lane_of(customer), customer, list(ids))
        self._saw(rows)
        return [_coupon(customer, row) for row in rows]

    async def choices(self, customer: str, now: datetime) -> list[ChoiceFacts]:
        rows = await self._pool.fetch(CHOICES, lane_of(customer), customer, now - RECENT_CHOICES)
        self._saw(rows)
        return [choice_of(customer, row) for row in rows]

    async def choices_by_id(self, customer: str, ids: Sequence[UUID]) -> list[ChoiceFacts]:
        rows = await self._pool.fetch(CHOICES_BY_ID, lane_of(customer), customer, list(ids))
        self._saw(rows)
        return [choice_of(customer, row) for row in rows]

    def _saw(self, rows: Sequence[Any]) -> None:
        if rows:
            self._seen(rows[0]["stamp"])


def _coupon(customer: str, row: Any) -> CouponFacts:
    (id, grant, campaign, version, offer, kind, status, zh, en, value, min_spend, groups, valid_from, expires_at, _) = (
        row
    )
    return CouponFacts(
        id, customer, grant, campaign, version, offer, _KINDS[kind], _STATUSES[status], Words(zh, en), value, min_spend,
        tuple(groups), valid_from, expires_at,
    )  # fmt: skip


def choice_of(customer: str, row: Any) -> ChoiceFacts:
    return ChoiceFacts(
        id=row["id"],
        customer=customer,
        grant=row["offer_grant"],
        campaign=row["campaign"],
        version=row["version"],
        offer=row["offer"],
        hold=row["hold"],
        status=ChoiceStatus(row["status"]),
        options=options_of(row["options"]),
        chosen=row["chosen"],
        choose_by=row["choose_by"],
    )


def options_of(text: str) -> tuple[ChoiceOption, ...]:
    """The options of a choice as its row keeps them: `[{"code", "zh", "en"}, ...]`."""
    return tuple(ChoiceOption(each["code"], Words(each["zh"], each["en"])) for each in orjson.loads(text))
