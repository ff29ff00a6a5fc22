"""The signed-in customer's own facts in one statement, and the one switch the customer sets."""

from datetime import UTC, datetime

import asyncpg

from domain.identity.viewer import ViewerFacts
from domain.kernel.ids import lane_of
from infra.db.statements import named
from infra.db.stores.freezes import freeze_in
from infra.db.stores.stamps import Seen
from infra.db.stores.states import state_of

VIEWER = named(
    "viewer.facts",
    """
    select (select version from catalog_stamp) stamp,
           (select array[c.masked_name, c.masked_phone, c.personalisation::text]
            from customer c where c.lane = $1 and c.customer = $2) self,
           (select s.state from story s where s.lane = $1 and s.customer = $2) story,
           f.since, f.reason_zh, f.reason_en, f.appealable
    from (values (1)) once
        left join customer_freeze f on f.lane = $1 and f.customer = $2 and f.status = 'FROZEN'
    """,
)

# A customer the bank has not told us about yet may set the switch too; the bank's first word about them is newer than
# this row.
SET_PERSONALISATION = named(
    "viewer.set_personalisation",
    """
    insert into customer as c (lane, customer, personalisation, as_of) values ($1, $2, $3, $4)
    on conflict (lane, customer) do update set personalisation = excluded.personalisation
    where c.lane = $1
    """,
)

_BEFORE_ANY_EVENT = datetime(1970, 1, 1, tzinfo=UTC)


class ViewerStore:
    """Implements ReadViewer and KeepPersonalisation. seen: told the catalog's version that each statement saw."""

    def __init__(self, pool: asyncpg.Pool, seen: Seen) -> None:
        self._pool = pool
        self._seen = seen

    async def viewer(self, customer: str) -> ViewerFacts:
        row = await self._pool.fetchrow(VIEWER, lane_of(customer), customer)
        self._seen(row["stamp"])
        name, phone, on = row["self"] or ("", "", "true")
        story = state_of(row["story"]) if row["story"] is not None else None
        return ViewerFacts(
            customer=customer,
            masked_name=name,
            masked_phone=phone,
            personalisation=on == "true",
            story=story,
            frozen=None if row["since"] is None else freeze_in(row),
        )

    async def set_personalisation(self, customer: str, on: bool) -> None:
        await self._pool.execute(SET_PERSONALISATION, lane_of(customer), customer, on, _BEFORE_ANY_EVENT)
