"""What a customer's commands are decided on: read without locks, the commit is the arbiter."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from domain.campaigns.model import Campaign, Offer
from domain.fulfilment.set_address import AddressFacts
from domain.identity.viewer import ReadViewer
from domain.kernel.ids import lane_of
from domain.ledger.unit import Repeated, Request, Reused
from domain.offers.choose import ChooseFacts
from domain.offers.claim import ClaimFacts
from domain.offers.ports import Catalogs
from domain.offers.scheduled import extends
from domain.stories.explain import explain
from domain.wallet.facts import CouponFacts, DeliveryFacts
from infra.db.statements import named
from infra.db.stores.alive import coupons_alive
from infra.db.stores.fulfilment import DeliveryStore, delivery_of
from infra.db.stores.stamps import Seen
from infra.db.stores.wallet import WalletStore, choice_of

ANSWER = named(
    "commands.answer",
    """
    select r.print, r.answer from request r where r.lane = $1 and r.owner = $2 and r.id = $3
    """,
)

CHOICE = named(
    "commands.choice",
    """
    select c.id, c.offer_grant, c.campaign, c.version, c.offer, c.hold, c.status, c.options, c.chosen, c.choose_by,
           c.changed_at, (select g.cost from offer_grant g where g.lane = $1 and g.id = c.offer_grant) cost,
           (select version from catalog_stamp) stamp
    from choice c where c.lane = $1 and c.customer = $2 and c.id = $3
    """,
)

DELIVERY = named(
    "commands.delivery",
    """
    select d.id, d.offer_grant, d.campaign, d.offer, d.kind, d.title_zh, d.title_en, d.status, d.details,
           d.tracking_number, d.at, d.changed_at
    from delivery d where d.lane = $1 and d.customer = $2 and d.id = $3
    """,
)


class CommandStore:
    """Implements ReadClaims, ReadChoices and ReadAddressed. seen: told the catalog's version that a statement saw."""

    def __init__(self, pool: asyncpg.Pool, seen: Seen, viewers: ReadViewer, catalogs: Catalogs) -> None:
        self._pool = pool
        self._seen = seen
        self._viewers = viewers
        self._catalogs = catalogs
        self._wallet = WalletStore(pool, seen)
        self._deliveries = DeliveryStore(pool)

    async def claim_facts(self, customer: str, campaign: Campaign, offer: Offer, now: datetime) -> ClaimFacts:
        viewer = await self._viewers.viewer(customer)
        catalog = await self._catalogs.latest()
        eligibility = explain(offer, campaign, viewer.story, now, catalog.plans)
        profile = viewer.story.profile if viewer.story is not None else None
        person = profile.person if profile is not None else None
        held = {}
        if extends(offer):
            held = await coupons_alive(self._pool, lane_of(customer), [customer], now)
        return ClaimFacts(eligibility, person, now, viewer.story, catalog.plans, held.get(customer, ()))

    async def choose_facts(self, customer: str, choice: UUID) -> ChooseFacts | None:
        row = await self._pool.fetchrow(CHOICE, lane_of(customer), customer, choice)
        if row is None:
            return None
        self._seen(row["stamp"])
        campaign = (await self._catalogs.latest()).version(row["campaign"], row["version"])
        offer = campaign.offer(row["offer"]) if campaign is not None else None
        if campaign is None or offer is None:
            return None  # nothing is published any more of what granted it; versions are never taken away
        return ChooseFacts(choice_of(customer, row), campaign, offer, row["cost"], row["changed_at"])

    async def address_facts(self, customer: str, delivery: UUID) -> AddressFacts | None:
        row = await self._pool.fetchrow(DELIVERY, lane_of(customer), customer, delivery)
        return None if row is None else AddressFacts(delivery_of(customer, row), row["changed_at"])

    async def coupons_by_id(self, customer: str, ids: Sequence[UUID]) -> Sequence[CouponFacts]:
        return await self._wallet.coupons_by_id(customer, ids)

    async def deliveries_by_id(self, customer: str, ids: Sequence[UUID]) -> Sequence[DeliveryFacts]:
        return await self._deliveries.deliveries_by_id(customer, ids)

    async def answer_to(self, request: Request, lane: int) -> Repeated | Reused | None:
        row = await self._pool.fetchrow(ANSWER, lane, request.owner, request.id)
        if row is None:
            return None
        return Repeated(row["answer"]) if row["print"] == request.print else Reused()
