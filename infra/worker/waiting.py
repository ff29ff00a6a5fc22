"""Keeps the promise to look at a waiting list: gives free places to those who wait first."""

from collections.abc import Awaitable, Callable
from typing import Any

from domain.campaigns.model import Campaign, Offer
from domain.kernel.time import Clock
from domain.ledger.unit import Ledger
from domain.offers.catalog import Catalog
from domain.offers.sign_up import ReadWaitingLists, move_up


class WaitingPlaces:
    def __init__(
        self, lists: ReadWaitingLists, ledger: Ledger, catalog: Callable[[], Awaitable[Catalog]], clock: Clock
    ) -> None:
        self._lists = lists
        self._ledger = ledger
        self._catalog = catalog
        self._clock = clock

    async def look(self, told: dict[str, Any], attempt: int) -> None:
        """A handler of the outbox; safe to run twice."""
        catalog = await self._catalog()

        def find(code: str, version: int, offer: str) -> tuple[Campaign, Offer] | None:
            campaign = catalog.version(code, version)
            found = None if campaign is None else campaign.offer(offer)
            return None if campaign is None or found is None else (campaign, found)

        await move_up(
            told["campaign"], told["offer"], read=self._lists, present=catalog.offer, find=find, ledger=self._ledger,
            clock=self._clock,
        )  # fmt: skip
