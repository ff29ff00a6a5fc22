"""What is left of quotas, of budget lines and of a customer's limits, for whoever looks. Nothing here writes."""

from collections.abc import Collection, Mapping

import asyncpg

from domain.ledger.accounts import Account
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

# By exact key: a customer's own limits in their lane, those of a person in their campaigns'.
USED_UP = named(
    "offers.used_up",
    """
    select s.version stamp,
        (select array_agg(a.key) from account a
         where a.lane = any($1::int[]) and a.key = any($2::text[]) and a.balance - a.held <= a.floor) own,
        (select array_agg(a.key) from shared_account a
         where a.lane = any($3::int[]) and a.key = any($4::text[]) and a.balance - a.held <= a.floor) shared
    from catalog_stamp s
    """,
)


class OfferStore:
    """Implements ReadQuotas and ReadLimits. seen: told the catalog's version that each statement saw."""

    def __init__(self, pool: asyncpg.Pool, seen: Seen) -> None:
        self._pool = pool
        self._seen = seen

    async def remaining(self, accounts: Collection[Account]) -> Mapping[Account, int]:
        lanes = sorted({account.lane for account in accounts})
        row = await self._pool.fetchrow(QUOTAS, lanes, [account.key for account in accounts])
        self._seen(row["stamp"])
        free = dict(zip(row["keys"] or (), row["free"] or (), strict=True))
        return {account: free[account.key] for account in accounts if account.key in free}

    async def used_up(self, accounts: Collection[Account]) -> Collection[Account]:
        own = [account for account in accounts if not account.shared]
        shared = [account for account in accounts if account.shared]
        row = await self._pool.fetchrow(
            USED_UP,
            sorted({account.lane for account in own}), [account.key for account in own],
            sorted({account.lane for account in shared}), [account.key for account in shared],
        )  # fmt: skip
        self._seen(row["stamp"])
        found = {(False, key) for key in row["own"] or ()} | {(True, key) for key in row["shared"] or ()}
        return {account for account in accounts if (account.shared, account.key) in found}
