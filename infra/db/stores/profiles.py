"""Who a customer is, as the bank last told it: names sealed, what may be shown already masked."""

from collections.abc import Sequence

import asyncpg

from domain.identity.masking import mask_name, mask_phone
from domain.kernel.ids import lane_of
from domain.stories.events import CustomerUpdated
from infra.db.statements import named
from infra.security.sealing import Sealer

# The newest by the moment it happened wins, whatever arrives when; written again, nothing changes.
KEEP = named(
    "customer.keep",
    """
    insert into customer (lane, customer, masked_name, masked_phone, name_sealed, phone_sealed, birthday_sealed, person,
        as_of)
    select u.* from unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
        $8::text[], $9::timestamptz[]) u (lane, customer, masked_name, masked_phone, name_sealed, phone_sealed,
        birthday_sealed, person, as_of)
    on conflict (lane, customer) do update set
        masked_name = excluded.masked_name, masked_phone = excluded.masked_phone, name_sealed = excluded.name_sealed,
        phone_sealed = excluded.phone_sealed, birthday_sealed = excluded.birthday_sealed, person = excluded.person,
        as_of = excluded.as_of
    where excluded.as_of >= customer.as_of
    """,
)


class ProfileStore:
    def __init__(self, pool: asyncpg.Pool, sealer: Sealer) -> None:
        self._pool = pool
        self._sealer = sealer

    async def keep(self, updates: Sequence[CustomerUpdated]) -> None:
        """Write the newest of each customer's profiles."""
        newest: dict[str, CustomerUpdated] = {}
        for update in sorted(updates, key=lambda each: each.at):
            newest[update.customer] = update
        rows = [newest[customer] for customer in sorted(newest)]
        await self._pool.execute(
            KEEP,
            [lane_of(row.customer) for row in rows],
            [row.customer for row in rows],
            [mask_name(row.name) for row in rows],
            [mask_phone(row.phone) for row in rows],
            [self._seal("name", row, row.name) for row in rows],
            [self._seal("phone", row, row.phone) for row in rows],
            [self._seal("birthday", row, row.birthday.isoformat() if row.birthday else "") for row in rows],
            [row.person for row in rows],
            [row.at for row in rows],
        )

    def _seal(self, column: str, row: CustomerUpdated, text: str) -> str:
        return self._sealer.seal(text, "customer", column, row.customer)
