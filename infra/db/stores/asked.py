"""What a customer asked for and was given, with the story it rests on."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from domain.kernel.ids import lane_of
from domain.offers.award import ASKED
from domain.offers.take_back import GivenGrant, Held
from infra.db.statements import named
from infra.db.stores.grants import given_grant, held_of
from infra.db.stores.stories import PastEvent, StoryStore

GRANTS = named(
    "offer_grant.asked_for",
    """
    select g.id, g.campaign, g.version, g.offer, g.by, g.cause, g.round, g.status, g.cost, g.line, g.at, g.details
    from offer_grant g
    where g.lane = $1 and g.customer = $2 and g.by = any($3::text[]) and g.status in ('GIVEN', 'PENDING')
    order by g.id
    """,
)


@dataclass(frozen=True, slots=True)
class AskedGrant:
    """by: CLAIM, APPLICATION, SIGN_UP or SCHEDULE."""

    grant: GivenGrant
    by: str


class AskedStore:
    """Nothing here writes."""

    def __init__(self, pool: asyncpg.Pool, stories: StoryStore) -> None:
        self._pool = pool
        self._stories = stories

    async def grants(self, customer: str) -> list[AskedGrant]:
        """Those that stand, oldest first."""
        rows = await self._pool.fetch(GRANTS, lane_of(customer), customer, list(ASKED))
        return [AskedGrant(given_grant(customer, row), row["by"]) for row in rows]

    async def held(self, customer: str, grant: UUID) -> list[Held]:
        return [held_of(kind, row) for kind, row in await self._stories.benefits(customer, [grant])]

    async def story(self, customer: str) -> list[PastEvent]:
        return (await self._stories.history([customer]))[customer]
