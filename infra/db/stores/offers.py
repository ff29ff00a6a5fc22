"""What is left of the offers' quotas, for whoever looks. Nothing here writes."""

from collections.abc import Collection, Mapping

import asyncpg

from domain.ledger.keys import quota
from domain.offers.ports import OfferKey
from infra.db.statements import named
from infra.db.stores.stamps import Seen

# One row whatever is found: the catalog's version is wanted in any case.
QUOTAS = named(
    "offers.quotas",
    """
    select s.version stamp, q.keys, q.free
    from catalog_stamp s, (
        select array_agg(a.key) keys, array_agg(a.balance - a.held) free
        from shared_account a
        where a.lane = any($1::int[]) and a.key = any($2::text[])
    ) q
    """,
)


class OfferStore:
    """Implements ReadQuotas. seen: told the catalog's version that each statement saw."""

    def __init__(self, pool: asyncpg.Pool, seen: Seen) -> None:
        self._pool = pool
        self._seen = seen

    async def remaining(self, offers: Collection[OfferKey]) -> Mapping[OfferKey, int]:
        accounts = {quota(*offer): offer for offer in offers}
        lanes = sorted({account.lane for account in accounts})
        row = await self._pool.fetchrow(QUOTAS, lanes, [account.key for account in accounts])
        self._seen(row["stamp"])
        free = dict(zip(row["keys"] or (), row["free"] or (), strict=True))
        return {offer: free[account.key] for account, offer in accounts.items() if account.key in free}
