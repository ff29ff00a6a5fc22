"""What the worker does for the till: ties redemptions to the bank's transactions, and closes statements.

A transaction that names its redemption closes the loop. What stays open for `OVERDUE`, and a transaction whose
redemption nobody knows, is a case on the operator's list; should the transaction come after all, its case is closed.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import asyncpg
import orjson

from domain.kernel.ids import LANES, derived_id, lane_of, lane_of_id
from domain.kernel.time import DAY, Clock, business_day
from domain.stories.events import TransactionPosted
from infra.db.statements import named
from infra.db.stores.settlement import GRACE, SettlementStore

OVERDUE = timedelta(days=3)
WITHOUT_TRANSACTION = "REDEMPTION_WITHOUT_TRANSACTION"
UNKNOWN_REDEMPTION = "TRANSACTION_WITHOUT_REDEMPTION"
BATCH = 500

TIE = named(
    "redemption.tie",
    """
    update redemption r set tied = 'TIED'
    where r.lane = $1 and r.id = $2 and r.customer = $3 and r.transaction = $4 returning r.id
    """,
)

CLOSE_CASE = named(
    "redemption.close_case",
    """
    update operator_case c set status = 'CLOSED'
    where c.lane = $1 and c.kind = $2 and c.subject = $3 and c.status = 'OPEN'
    """,
)

OPEN_CASE = named(
    "redemption.open_case",
    """
    insert into operator_case (lane, id, customer, kind, subject, details, at) values ($1, $2, $3, $4, $5, $6, $7)
    on conflict do nothing
    """,
)

UNTIED = named(
    "redemption.untied",
    """
    select r.lane, r.id, r.customer, r.transaction, r.merchant, r.discount, r.at from redemption r
    where r.lane = any($1::int[]) and r.tied = 'OPEN' and not r.whole and r.at <= $2 order by r.at limit $3
    """,
)

MARK = named(
    "redemption.mark",
    "update redemption r set tied = 'CASE' where r.lane = $1 and r.id = $2 and r.tied = 'OPEN' returning 1",
)


class TillRounds:
    """Safe to run anywhere, at once, and again."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._statements = SettlementStore(pool)
        self._closed_until: date | None = None

    async def tie(self, posted: Sequence[TransactionPosted]) -> None:
        """Tie each of these to the redemption it names, or open a case."""
        for event in posted:
            redemption = _uuid(event.redemption or "")
            lane = lane_of_id(redemption) if redemption is not None else 0
            tied = redemption is not None and await self._pool.fetchval(
                TIE, lane, redemption, event.customer, event.transaction
            )
            if tied:
                await self._pool.execute(CLOSE_CASE, lane, WITHOUT_TRANSACTION, str(redemption))
            else:
                details = {"redemption": event.redemption, "merchant": event.merchant, "amount": event.amount}
                await self._open_case(event.customer, UNKNOWN_REDEMPTION, event.transaction, details, event.at)

    async def run_due(self) -> int:
        """Open a case for each redemption that waits too long, and close the statements of days that are over."""
        now = self._clock.now()
        done = await self._look_for_untied(now)
        day = business_day(now - GRACE) - DAY
        if self._closed_until is None or day != self._closed_until:
            done += await self._statements.close_until(day, now)
            self._closed_until = day
        return done

    async def _look_for_untied(self, now: datetime) -> int:
        done = 0
        while True:
            rows = await self._pool.fetch(UNTIED, list(LANES), now - OVERDUE, BATCH)
            for row in rows:
                details = {
                    "transaction": row["transaction"], "merchant": row["merchant"], "discount": row["discount"],
                    "at": row["at"].isoformat(),
                }  # fmt: skip
                await self._open_case(row["customer"], WITHOUT_TRANSACTION, str(row["id"]), details, now)
                await self._pool.fetchval(MARK, row["lane"], row["id"])
            done += len(rows)
            if len(rows) < BATCH:
                return done

    async def _open_case(
        self, customer: str, kind: str, subject: str, details: Mapping[str, object], at: datetime
    ) -> None:
        lane = lane_of(customer)
        id = derived_id(lane, at, "case", kind, subject)
        await self._pool.execute(OPEN_CASE, lane, id, customer, kind, subject, orjson.dumps(dict(details)).decode(), at)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
