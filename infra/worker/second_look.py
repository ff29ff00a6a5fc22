"""Keeps the promise to look again at what a customer asked for, after a refund (see `domain/offers/second_look.py`)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from domain.campaigns.model import Offer
from domain.kernel.errors import Broken
from domain.kernel.ids import lane_of
from domain.kernel.time import Clock
from domain.ledger.unit import Committed, Ledger, Moved
from domain.offers.catalog import Catalog
from domain.offers.second_look import no_longer_earned, taken_back
from domain.offers.take_back import InUse
from domain.offers.units import unit_of
from domain.stories.events import StoryEvent, read_event
from infra.db.stores.asked import AskedGrant, AskedStore
from infra.worker.outbox import TryLater


class SecondLook:
    def __init__(
        self,
        store: AskedStore,
        ledger: Ledger,
        catalog: Callable[[], Awaitable[Catalog]],
        clock: Clock,
        opened: Callable[[Mapping[str, Any]], dict[str, Any]],
    ) -> None:
        """opened: gives an event's stored data with its personal fields in the clear."""
        self._store = store
        self._ledger = ledger
        self._catalog = catalog
        self._clock = clock
        self._opened = opened

    async def look(self, told: dict[str, Any], attempt: int) -> TryLater | None:
        """A handler of the outbox; safe to run twice."""
        customer: str = told["customer"]
        catalog = await self._catalog()
        events: Sequence[StoryEvent] | None = None
        later: list[TryLater] = []
        for asked in await self._store.grants(customer):
            grant = asked.grant
            campaign, offer = catalog.judged_by(grant.campaign, grant.version, grant.offer)
            if not offer.rests_on_purchases:
                continue
            if events is None:
                events = [
                    read_event(one.type, one.at, one.source, one.id, self._opened(one.data))
                    for one in await self._store.story(customer)
                ]
            if no_longer_earned(grant, campaign, offer, events, catalog.plans, catalog.told):
                left = await self._take_back(asked, offer)
                if left is not None:
                    later.append(left)
        return min(later, key=lambda each: each.after, default=None)

    async def _take_back(self, asked: AskedGrant, offer: Offer) -> TryLater | None:
        grant, now = asked.grant, self._clock.now()
        try:
            parts = taken_back(grant, asked.by, await self._store.held(grant.customer, grant.id), offer, now)
        except InUse as in_use:
            return TryLater.once_unheld(in_use.coupon)
        result = await self._ledger.commit(unit_of(parts, lane=lane_of(grant.customer), at=now))
        match result:
            case Committed():
                return None
            case Moved():
                return TryLater(timedelta(0), "it moved meanwhile")
            case _:
                raise Broken(f"taking back answered {type(result).__name__}")
