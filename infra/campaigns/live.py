"""Live changes: decided on the newest version, written as the next one, under the lock that publishing takes.

A request's row, the version it became and the audit's entry are one transaction; sent again, a request is answered from
its row. An adverse change waits until a second person agrees, and is then decided anew on what the campaign is by then.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.campaigns.model import Campaign
from domain.kernel.errors import Broken
from domain.kernel.ids import LANES, lane_of, new_id
from domain.kernel.prints import fingerprint
from domain.kernel.time import Clock
from domain.ledger.unit import Ledger
from domain.operate.changes import Changed, Decision, LiveChange, NoSuchThing, Refused, decide_change
from domain.operate.classify import Effect
from domain.operate.ports import (
    AskedChange,
    ChangeFacts,
    ChangeOutcome,
    DecidedBefore,
    NeedsAnother,
    RequestReusedFor,
    RequestStatus,
)
from domain.operate.written import read_change, write_change
from infra.campaigns.edit import edited
from infra.campaigns.loader import load_campaign
from infra.campaigns.publish import AUDIT, Published, PublishRefused, publish_on, publishing
from infra.campaigns.tree import CampaignUnreadable
from infra.db.statements import named

SHOWN = 200

NEWEST = named(
    "campaign_version.newest_of",
    "select version, file, starts_on from campaign_version where campaign = $1 order by version desc limit 1",
)
_REQUEST = "r.id, r.campaign, r.print, r.change, r.effect, r.status, r.author, r.reason, r.second, r.version, r.at"
BY_ID = named("change_request.by_id", f"select {_REQUEST} from change_request r where r.lane = $1 and r.id = $2")
ANYWHERE = named(
    "change_request.anywhere",
    f"select {_REQUEST} from change_request r where r.lane = any($1::int[]) and r.id = $2 for update",
)
LISTED = named(
    "change_request.listed",
    f"""
    select {_REQUEST} from change_request r
    where r.lane = any($1::int[]) and ($2::text is null or r.campaign = $2) and ($3::text is null or r.status = $3)
    order by r.at desc, r.id limit $4
    """,
)
INSERT = named(
    "change_request.insert",
    """
    insert into change_request
        (lane, id, campaign, print, change, effect, status, author, reason, version, at, changed_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
    """,
)
END = named(
    "change_request.end",
    """
    update change_request set status = $3, second = $4, version = $5, changed_at = $6
    where lane = $1 and id = $2 and status = 'PENDING'
    """,
)


class CampaignChanges:
    """Implements LiveChanges."""

    def __init__(self, pool: asyncpg.Pool, ledger: Ledger, clock: Clock) -> None:
        self._pool = pool
        self._ledger = ledger
        self._clock = clock

    async def ask(self, asked: AskedChange) -> ChangeOutcome:
        lane, now = lane_of(asked.campaign), self._clock.now()
        written = json.dumps(write_change(asked.change), sort_keys=True)
        print_ = fingerprint(asked.campaign, written)
        async with publishing(self._pool) as conn:
            row = await conn.fetchrow(BY_ID, lane, asked.id)
            if row is not None:
                return _facts(row) if row["print"] == print_ else RequestReusedFor()
            decision, newest = await self._decide(conn, asked.campaign, asked.change, now)
            if not isinstance(decision, Changed):
                return decision
            version: int | None = None
            status = RequestStatus.PENDING
            if decision.effect is not Effect.ADVERSE:
                published = await self._publish(conn, decision, newest, asked.author, asked.reason, None, now)
                if not isinstance(published, Published):
                    return published
                status, version = RequestStatus.APPLIED, published.version
            kept = json.dumps(write_change(decision.change), sort_keys=True)
            await conn.execute(
                INSERT, lane, asked.id, asked.campaign, print_, kept, decision.effect.value, status.value, asked.author,
                asked.reason, version, now,
            )  # fmt: skip
            return _facts(await conn.fetchrow(BY_ID, lane, asked.id))

    async def approve(self, id: UUID, second: str) -> ChangeOutcome:
        now = self._clock.now()
        async with publishing(self._pool) as conn:
            row = await conn.fetchrow(ANYWHERE, list(LANES), id)
            if row is None:
                return NoSuchThing()
            facts = _facts(row)
            if facts.status is not RequestStatus.PENDING:
                same = facts.status is RequestStatus.APPLIED and facts.second == second
                return facts if same else DecidedBefore(facts)
            if second == facts.author:
                return NeedsAnother()
            decision, newest = await self._decide(conn, facts.campaign, read_change(facts.change), now)
            if not isinstance(decision, Changed):
                return decision
            published = await self._publish(conn, decision, newest, facts.author, facts.reason, second, now)
            if not isinstance(published, Published):
                return published
            lane = lane_of(facts.campaign)
            await conn.execute(END, lane, id, RequestStatus.APPLIED.value, second, published.version, now)
            return _facts(await conn.fetchrow(BY_ID, lane, id))

    async def reject(self, id: UUID, second: str, reason: str) -> ChangeOutcome:
        now = self._clock.now()
        async with publishing(self._pool) as conn:
            row = await conn.fetchrow(ANYWHERE, list(LANES), id)
            if row is None:
                return NoSuchThing()
            facts = _facts(row)
            if facts.status is not RequestStatus.PENDING:
                same = facts.status is RequestStatus.REJECTED and facts.second == second
                return facts if same else DecidedBefore(facts)
            if second == facts.author:
                return NeedsAnother()
            lane = lane_of(facts.campaign)
            await conn.execute(END, lane, id, RequestStatus.REJECTED.value, second, None, now)
            await conn.execute(
                AUDIT, lane, new_id(lane, now), now, second, "change rejected", facts.campaign, reason,
                facts.effect.value, None, json.dumps({"request": str(id), "change": facts.change}),
            )  # fmt: skip
            return _facts(await conn.fetchrow(BY_ID, lane, id))

    async def listed(self, campaign: str | None, status: RequestStatus | None) -> Sequence[ChangeFacts]:
        wanted = None if status is None else status.value
        return [_facts(row) for row in await self._pool.fetch(LISTED, list(LANES), campaign, wanted, SHOWN)]

    async def _decide(self, conn: Any, code: str, change: LiveChange, now: datetime) -> tuple[Decision, Any]:
        newest = await conn.fetchrow(NEWEST, code)
        if newest is None:
            return NoSuchThing(), None
        return decide_change(change, _campaign(code, newest), now), newest

    async def _publish(
        self, conn: Any, decision: Changed, newest: Any, author: str, reason: str, second: str | None, now: datetime
    ) -> Published | Refused:
        code = decision.after.code
        try:
            text = edited(newest["file"], decision.change, decision.after)
        except ValueError as error:
            return Refused("NOT_BY_A_LIVE_CHANGE", f"The file is written in another way ({error}): publish it changed.")
        made = load_campaign(
            text, file=code, starts_on=newest["starts_on"], version=newest["version"], elsewhere=None
        ).campaign
        if made != decision.after:
            raise Broken(f"the edited file of {code} does not say what was decided")
        try:
            done = await publish_on(
                conn, self._ledger, text, file=code, starts_on=newest["starts_on"], author=author, reason=reason,
                second=second, now=now,
            )  # fmt: skip
        except PublishRefused as refused:
            return Refused(refused.code, str(refused))
        except CampaignUnreadable as unreadable:
            return Refused("LINT", " ".join(str(error) for error in unreadable.errors))
        if not isinstance(done, Published):
            raise Broken(f"a change of {code} changed nothing")
        return done


def _campaign(code: str, row: Any) -> Campaign:
    return load_campaign(
        row["file"], file=code, starts_on=row["starts_on"], version=row["version"], elsewhere=None
    ).campaign


def _facts(row: Any) -> ChangeFacts:
    return ChangeFacts(
        id=row["id"],
        campaign=row["campaign"],
        change=json.loads(row["change"]),
        effect=Effect(row["effect"]),
        status=RequestStatus(row["status"]),
        author=row["author"],
        reason=row["reason"],
        second=row["second"],
        version=row["version"],
        at=row["at"],
    )
