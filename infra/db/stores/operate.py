"""What operators look at: cases and the audit. Nothing here writes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from domain.kernel.ids import LANES, lane_of_id
from domain.operate.classify import Effect
from domain.operate.ports import AuditEntry, CaseFacts
from infra.db.statements import named

_CASE = """c.id, c.customer, c.kind, c.offer, c.subject, c.details, c.status, c.at, c.closed_at, c.closed_by, c.note"""

CASES = named(
    "operator_case.listed",
    f"""
    select {_CASE} from operator_case c
    where c.lane = any($1::int[]) and c.status = $2 and ($3::text is null or c.kind = $3) and (c.at, c.id) > ($4, $5)
    order by c.at, c.id limit $6
    """,
)
CASE = named("operator_case.by_id", f"select {_CASE} from operator_case c where c.lane = $1 and c.id = $2")
AUDIT = named(
    "audit.listed",
    """
    select a.id, a.at, a.actor, a.action, a.subject, a.reason, a.effect, a.second, a.details from audit a
    where a.lane = any($1::int[]) and ($2::text is null or a.subject = $2)
    order by a.at desc, a.id desc limit $3
    """,
)

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class OperateStore:
    """Implements ReadCases and ReadAudit."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def cases(
        self, status: str, kind: str | None, after: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[CaseFacts]:
        since, id = after or (_LONG_AGO, UUID(int=0))
        return [_case(row) for row in await self._pool.fetch(CASES, list(LANES), status, kind, since, id, limit)]

    async def case_of(self, id: UUID) -> CaseFacts | None:
        row = await self._pool.fetchrow(CASE, lane_of_id(id), id)
        return None if row is None else _case(row)

    async def audit(self, subject: str | None, limit: int) -> Sequence[AuditEntry]:
        return [
            AuditEntry(
                row["id"],
                row["at"],
                row["actor"],
                row["action"],
                row["subject"],
                row["reason"],
                None if row["effect"] is None else Effect(row["effect"]),
                row["second"],
                orjson.loads(row["details"]),
            )
            for row in await self._pool.fetch(AUDIT, list(LANES), subject, limit)
        ]


def _case(row: Any) -> CaseFacts:
    return CaseFacts(
        id=row["id"],
        customer=row["customer"],
        kind=row["kind"],
        offer=row["offer"],
        subject=row["subject"],
        details=orjson.loads(row["details"]),
        status=row["status"],
        at=row["at"],
        closed_at=row["closed_at"],
        closed_by=row["closed_by"],
        note=row["note"],
    )
