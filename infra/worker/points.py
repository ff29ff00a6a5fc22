"""What time alone does to points, and what failed deliveries give back. Safe to run anywhere, at once, and again."""

import asyncio

from domain.kernel.time import Clock
from domain.ledger.unit import Committed, Ledger
from domain.points.give_back import give_back_points
from domain.points.passing import passing
from infra.db.stores.points import PointsStore

BATCH = 500


class PointsSweep:
    """Each customer is a unit of its own, checked by the purse's version: cut short, the next run goes on."""

    def __init__(self, store: PointsStore, ledger: Ledger, clock: Clock) -> None:
        self._store = store
        self._ledger = ledger
        self._clock = clock

    async def run_due(self) -> int:
        """Write down every end, tell of every end that is near, give back what could not be delivered.

        Returns how many customers or pieces that were.
        """
        return await self._pass() + await self._give_back()

    async def _pass(self) -> int:
        done = 0
        while True:
            now = self._clock.now()
            due = await self._store.due(now, BATCH)
            units = [unit for customer, purse in due if (unit := passing(customer, purse, now)) is not None]
            # One that moved meanwhile is read again with the next batch, or was done by another worker.
            results = await asyncio.gather(*(self._ledger.commit(unit) for unit in units))
            done += sum(isinstance(result, Committed) for result in results)
            if len(due) < BATCH:
                return done

    async def _give_back(self) -> int:
        done = 0
        while True:
            failed = await self._store.failed(BATCH)
            for customer, delivery in failed:
                done += await give_back_points(
                    customer, delivery, read=self._store, ledger=self._ledger, clock=self._clock
                )
            if len(failed) < BATCH:
                return done
