"""Applications and sign-ups as their commands, their customers and the bank's people read them. Nothing here writes."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.campaigns.model import Campaign, Offer
from domain.identity.viewer import ReadViewer
from domain.kernel.ids import LANES, lane_of, lane_of_id
from domain.ledger.unit import Repeated, Request, Reused
from domain.offers.apply import ApplicationCase
from domain.offers.asked import ApplicationFacts, ApplicationStatus, SignUpFacts, SignUpStatus
from domain.offers.claim import ClaimFacts, ReadClaims
from domain.offers.ports import Catalogs
from domain.offers.scheduled import extends
from domain.offers.second_look import judged_then
from domain.offers.take_back import Held
from domain.stories.events import read_event
from domain.stories.explain import explain
from infra.db.statements import named
from infra.db.stores.alive import coupons_alive
from infra.db.stores.grants import held_of
from infra.db.stores.stories import StoryStore

SHOWN = 200

_APPLICATION = """a.id, a.customer, a.campaign, a.version, a.offer, a.status, a.email_sealed, a.person, a.device, a.at,
        a.decided_by, a.note"""

APPLICATIONS = named(
    "application.of_customer",
    f"""
    select {_APPLICATION} from application a where a.lane = $1 and a.customer = $2 order by a.id desc limit $3
    """,
)
APPLICATION = named("application.by_id", f"select {_APPLICATION} from application a where a.lane = $1 and a.id = $2")
OPEN_APPLICATIONS = named(
    "application.open",
    f"""
    select {_APPLICATION} from application a
    where a.lane = any($1::int[]) and a.status = 'SUBMITTED' and ($2::text is null or a.offer = $2)
        and (a.at, a.id) > ($3, $4)
    order by a.at, a.id limit $5
    """,
)
DECIDED_APPLICATIONS = named(
    "application.decided",
    f"""
    select {_APPLICATION} from application a
    where a.lane = any($1::int[]) and a.status = $2 and ($3::text is null or a.offer = $3)
        and (a.at, a.id) > ($4, $5)
    order by a.at, a.id limit $6
    """,
)

# How many wait up to and with this one is its place in the list, whichever lanes they are of.
_SIGN_UP = """s.id, s.customer, s.campaign, s.version, s.offer, s.status, s.person, s.device, s.at, s.offer_grant,
        g.cost, g.line, case when s.status = 'WAITING' then (
            select count(*) from sign_up w
            where w.lane = any({lanes}::int[]) and w.campaign = s.campaign and w.offer = s.offer
                and w.status = 'WAITING' and w.queue <= s.queue
        ) end as position
    from sign_up s left join offer_grant g on g.lane = s.lane and g.id = s.offer_grant"""

SIGN_UPS = named(
    "sign_up.of_customer",
    f"""
    select {_SIGN_UP.format(lanes="$4")} where s.lane = $1 and s.customer = $2 order by s.id desc limit $3
    """,
)
SIGN_UP = named("sign_up.by_id", f"select {_SIGN_UP.format(lanes='$3')} where s.lane = $1 and s.id = $2")
WAITING = named(
    "sign_up.waiting",
    """
    select count(*) from sign_up s
    where s.lane = any($1::int[]) and s.campaign = $2 and s.offer = $3 and s.status = 'WAITING'
    """,
)
FIRST = named(
    "sign_up.first_waiting",
    """
    select s.id from sign_up s
    where s.lane = any($1::int[]) and s.campaign = $2 and s.offer = $3 and s.status = 'WAITING'
    order by s.queue limit 1
    """,
)

_ALL = list(LANES)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class WaitingListStore:
    """Implements ReadWaitingLists."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def first_waiting(self, campaign: str, offer: str) -> SignUpFacts | None:
        id = await self._pool.fetchval(FIRST, _ALL, campaign, offer)
        if id is None:
            return None
        row = await self._pool.fetchrow(SIGN_UP, lane_of_id(id), id, _ALL)
        return None if row is None else _sign_up(row)


class ParticipationStore:
    """Implements ReadApplications, ReadApplicationCases and ReadSignUps."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        claims: ReadClaims,
        viewers: ReadViewer,
        catalogs: Catalogs,
        stories: StoryStore,
        opened: Callable[[Mapping[str, Any]], dict[str, Any]],
    ) -> None:
        """opened: gives an event's stored data with its personal fields in the clear."""
        self._pool = pool
        self._claims = claims
        self._viewers = viewers
        self._catalogs = catalogs
        self._stories = stories
        self._opened = opened

    # --- what a command is decided on

    async def claim_facts(self, customer: str, campaign: Campaign, offer: Offer, now: datetime) -> ClaimFacts:
        return await self._claims.claim_facts(customer, campaign, offer, now)

    async def answer_to(self, request: Request, lane: int) -> Repeated | Reused | None:
        return await self._claims.answer_to(request, lane)

    async def waiting(self, campaign: str, offer: str) -> int:
        count: int = await self._pool.fetchval(WAITING, _ALL, campaign, offer)
        return count

    async def held_of(self, customer: str, grant: UUID) -> list[Held]:
        return [held_of(kind, row) for kind, row in await self._stories.benefits(customer, [grant])]

    # --- the customer's own

    async def application(self, customer: str, id: UUID) -> ApplicationFacts | None:
        row = await self._pool.fetchrow(APPLICATION, lane_of(customer), id)
        return _application(row) if row is not None and row["customer"] == customer else None

    async def applications(self, customer: str) -> list[ApplicationFacts]:
        return [_application(row) for row in await self._pool.fetch(APPLICATIONS, lane_of(customer), customer, SHOWN)]

    async def sign_up(self, customer: str, id: UUID) -> SignUpFacts | None:
        row = await self._pool.fetchrow(SIGN_UP, lane_of(customer), id, _ALL)
        return _sign_up(row) if row is not None and row["customer"] == customer else None

    async def sign_ups(self, customer: str) -> list[SignUpFacts]:
        rows = await self._pool.fetch(SIGN_UPS, lane_of(customer), customer, SHOWN, _ALL)
        return [_sign_up(row) for row in rows]

    # --- the bank's people

    async def listed(
        self, status: ApplicationStatus, offer: str | None, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[ApplicationFacts]:
        """Of all customers, the oldest first."""
        since, id = after or (_LONG_AGO, UUID(int=0))
        if status is ApplicationStatus.SUBMITTED:
            rows = await self._pool.fetch(OPEN_APPLICATIONS, _ALL, offer, since, id, limit)
        else:
            rows = await self._pool.fetch(DECIDED_APPLICATIONS, _ALL, status.value, offer, since, id, limit)
        return [_application(row) for row in rows]

    async def case(self, id: UUID, now: datetime) -> ApplicationCase | None:
        row = await self._pool.fetchrow(APPLICATION, lane_of_id(id), id)
        if row is None:
            return None
        asked = _application(row)
        catalog = await self._catalogs.latest()
        campaign = catalog.version(asked.campaign, asked.version)
        offer = None if campaign is None else campaign.offer(asked.offer)
        if campaign is None or offer is None:
            return None  # versions are never taken away
        story = (await self._viewers.viewer(asked.customer)).story
        past = (await self._stories.history([asked.customer]))[asked.customer]
        events = [read_event(one.type, one.at, one.source, one.id, self._opened(one.data)) for one in past]
        coupons = {}
        if extends(offer):
            coupons = await coupons_alive(self._pool, lane_of(asked.customer), [asked.customer], now)
        return ApplicationCase(
            asked,
            campaign,
            offer,
            judged_then(campaign, offer, events, asked.at, catalog.plans, catalog.told),
            explain(offer, campaign, story, now, catalog.plans),
            coupons.get(asked.customer, ()),
        )


def _application(row: Any) -> ApplicationFacts:
    return ApplicationFacts(
        id=row["id"],
        customer=row["customer"],
        campaign=row["campaign"],
        version=row["version"],
        offer=row["offer"],
        status=ApplicationStatus(row["status"]),
        at=row["at"],
        note=row["note"],
        decided_by=row["decided_by"],
        email_sealed=row["email_sealed"],
        person=row["person"],
        device=row["device"],
    )


def _sign_up(row: Any) -> SignUpFacts:
    return SignUpFacts(
        id=row["id"],
        customer=row["customer"],
        campaign=row["campaign"],
        version=row["version"],
        offer=row["offer"],
        status=SignUpStatus(row["status"]),
        at=row["at"],
        position=row["position"],
        person=row["person"],
        device=row["device"],
        grant=row["offer_grant"],
        cost=row["cost"] or 0,
        line=row["line"] or "",
    )
