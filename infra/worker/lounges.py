"""What the worker does for lounges: waiting lists, and bookings for which nobody came."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from domain.kernel.time import Clock
from domain.ledger.unit import Committed, Ledger
from domain.lounge.move_up import move_up
from domain.lounge.ports import Lounges
from domain.lounge.settle import nobody_came
from infra.db.stores.lounge import BookingStore

BATCH = 500


class LoungeSeats:
    def __init__(self, store: BookingStore, lounges: Lounges, ledger: Ledger, clock: Clock) -> None:
        self._store = store
        self._lounges = lounges
        self._ledger = ledger
        self._clock = clock

    async def look(self, told: dict[str, Any], attempt: int) -> None:
        """A handler of the outbox: who waits first for a slot. Safe to run twice."""
        starts_at = datetime.fromisoformat(told["startsAt"])
        await move_up(told["lounge"], starts_at, self._store, self._lounges, self._ledger, self._clock)

    async def run_due(self) -> int:
        """Settle every booking whose guest did not come; returns how many. Safe to run anywhere, at once."""
        done = 0
        while True:
            now = self._clock.now()
            due = await self._store.due(now, BATCH)
            # One that moved meanwhile was told of at the last moment, or settled by another worker.
            results = await asyncio.gather(*(self._ledger.commit(nobody_came(each, now)) for each in due))
            done += sum(isinstance(result, Committed) for result in results)
            if len(due) < BATCH:
                await self._store.forget_passes(datetime.now(UTC))
                return done
