"""Gives what the clock gives: leases a run, goes through all customers lane by lane, and remembers how far it came.

Each customer's grant is one unit under a request made of offer, moment and customer: whoever does it again, after a
crash or beside another worker, changes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from domain.kernel.errors import Broken
from domain.kernel.ids import LANES, lane_of
from domain.kernel.time import Clock
from domain.ledger.unit import Committed, Ledger, Moved, Repeated, Short
from domain.offers.award import missed
from domain.offers.catalog import Catalog, OfferOf
from domain.offers.scheduled import due, extends, order_for, request_of, running_once
from domain.offers.units import unit_of
from domain.stories.state import StoryState
from domain.wallet.facts import CouponFacts
from infra import metrics
from infra.db.stores.schedules import Run, ScheduleStore

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
BATCH = 500
AGAIN = 5
"""How often one customer's unit is decided again when a coupon of theirs moves underneath."""


class Schedules:
    """Any number of them may work at once."""

    def __init__(
        self, store: ScheduleStore, ledger: Ledger, catalog: Callable[[], Awaitable[Catalog]], clock: Clock
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._catalog = catalog
        self._clock = clock

    async def run_due(self) -> bool:
        """Open what has come due, and finish one run, if there is one that nobody works on; whether there was."""
        catalog = await self._catalog()
        if come := due(catalog, self._clock.now()):
            await self._store.open(come)
        now = datetime.now(UTC)
        run = await self._store.lease(now, now + LEASE)
        if run is None:
            return False
        await self._finish(run, catalog)
        return True

    async def under_way(self) -> int:
        """How many runs somebody works on."""
        return await self._store.under_way(datetime.now(UTC))

    async def look_at(self, told: dict[str, Any], attempt: int) -> None:
        """A handler of the outbox: a customer's story changed while an offer runs that is given once."""
        catalog, now = await self._catalog(), self._clock.now()
        customer: str = told["customer"]
        for of in running_once(catalog, now):
            await self._give(of, customer, None, None, catalog, now)

    async def _finish(self, run: Run, catalog: Catalog) -> None:
        one = run.occurrence
        campaign, offer = catalog.judged_by(one.campaign, one.version, one.offer)
        of, lane_index, after = OfferOf(campaign, offer), run.lane_index, run.after
        given = 0
        while lane_index < len(LANES):
            lane = LANES[lane_index]
            people = await self._store.customers(lane, after, BATCH)
            names = [customer for customer, _ in people]
            coupons = await self._store.coupons(lane, names, one.due_at) if names and extends(offer) else {}
            outcomes = await asyncio.gather(
                *(
                    self._give(of, customer, story, coupons.get(customer, ()), catalog, one.due_at)
                    for customer, story in people
                )
            )
            given = sum(outcomes)
            lane_index, after = (lane_index, names[-1]) if len(people) == BATCH else (lane_index + 1, "")
            if people:
                metrics.worker_items.labels("schedules").inc(len(people))
                await self._store.advance(
                    Run(one, lane_index, after), given=given, leased_until=datetime.now(UTC) + LEASE, finished_at=None
                )
        await self._store.advance(Run(one, lane_index, ""), given=0, leased_until=None, finished_at=self._clock.now())
        log.info("schedule run finished", campaign=one.campaign, offer=one.offer, due_at=str(one.due_at))

    async def _give(
        self,
        of: OfferOf,
        customer: str,
        story: StoryState | None,
        coupons: Sequence[CouponFacts] | None,
        catalog: Catalog,
        earned_at: datetime,
    ) -> bool:
        """Give it to one customer, if it is for them; whether anything was. None: to be read here."""
        lane = lane_of(customer)
        for attempt in range(AGAIN):
            if story is None or attempt:
                story = await self._store.story(customer)
            if (coupons is None or attempt) and extends(of.offer):
                coupons = (await self._store.coupons(lane, [customer], earned_at)).get(customer, ())
            now = self._clock.now()
            found = order_for(of, customer, story, tuple(coupons or ()), catalog, earned_at=earned_at, now=now)
            if found is None:
                return False
            order, parts = found
            request = request_of(of.campaign.code, of.offer, customer, order.cause)
            result = await self._ledger.commit(unit_of(parts, lane=lane, at=now, request=request))
            match result:
                case Committed():
                    return True
                case Repeated():
                    return False
                case Moved():
                    continue  # a coupon was used or expired at this moment
                case Short(account):
                    kind = account.key.split("|", 1)[0]
                    if kind != "limit":
                        lost = missed(order, kind.upper())
                        await self._ledger.commit(unit_of(lost, lane=lane, at=now, request=request))
                    return False
                case _:
                    raise Broken(f"a scheduled grant answered {type(result).__name__}")
        raise Broken(f"the coupons of one customer kept moving while {of.offer.code} was given")
