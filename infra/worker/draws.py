"""Turns the days of draws: commits to coming secrets, closes the day that is over, reveals what can no longer be used.

None of it is needed for a draw to be right: the first draw of a new day turns the day itself. This does it where nobody
draws, and shows the secrets.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from domain.kernel.ids import new_id
from domain.kernel.time import DAY, business_day
from domain.ledger.unit import Change, Ledger, Unit
from domain.lottery.chain import Head
from domain.lottery.facts import DrawOf, day_to_commit, draws_of
from domain.offers.catalog import Catalog
from infra.db.stores.lottery import SecretStore

DAYS_AHEAD = 2
"""So many days' commitments are public before their first draw, today's included."""

AFTER_CLOSE = timedelta(days=90)
"""So long after a campaign closed, chances may still be open and commitments are made."""


class DrawDays:
    """Any number of them may work at once."""

    def __init__(self, secrets: SecretStore, ledger: Ledger, catalog: Callable[[], Awaitable[Catalog]]) -> None:
        self._secrets = secrets
        self._ledger = ledger
        self._catalog = catalog
        self._done: set[tuple[tuple[str, str], str]] = set()

    async def turn(self, now: datetime) -> None:
        today = business_day(now)
        for of in draws_of(await self._catalog(), now):
            if now < of.campaign.phases.closes_at + AFTER_CLOSE:
                await self._commit_ahead(of, now)
        for chain in await self._secrets.due_to_turn(today):
            row = ("draw_chain", chain.key)
            after = Head(chain.head.sequence, today, chain.head.hash)
            await self._secrets.commit_to(chain.key, chain.lane, [today])
            # Moved: somebody drew, or turned it, at the same moment.
            await self._ledger.commit(
                Unit(
                    id=new_id(chain.lane, now), lane=chain.lane, at=now,
                    changes=[Change(*row, chain.head.text(), after.text())],
                )
            )  # fmt: skip
        await self._secrets.reveal(now)

    async def _commit_ahead(self, of: DrawOf, now: datetime) -> None:
        first = day_to_commit(of, now)
        mark = (of.key, first.isoformat())
        if mark not in self._done:
            days = [first + n * DAY for n in range(DAYS_AHEAD)]
            await self._secrets.commit_to(of.key, of.chain.lane, days)
            self._done.add(mark)
