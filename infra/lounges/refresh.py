"""Brings the directory up to what a provider's feed tells."""

from datetime import datetime
from typing import Any

import structlog

from domain.lounge.feed import LoungeFeed, LoungeNews
from domain.lounge.slots import read_hours
from infra.db.statements import named
from infra.lounges.file import LoungeRow
from infra.lounges.rows import publish_lounges

log = structlog.get_logger(__name__)

KNOWN = named("lounge.known", "select l.code, l.slot, l.capacity from lounge l where l.code = any($1::text[])")
NEWEST = named("lounge.newest_news", "select max(l.told_at) from lounge l")

SLOT = 120
"""Minutes of a slot where the provider says nothing of how long one may stay."""


async def refresh_lounges(pool: Any, feed: LoungeFeed, *, everything: bool = False) -> int:
    """Apply what is news since the last time; returns how many lounges changed. Again, it changes nothing.

    A lounge we did not know has no seats until some are agreed: it is listed, and every slot of it is full. What one
    knows of seats and slots of another stays. News that cannot be read is left out, with a warning.

    Raises FeedFailed; what came before it stays applied.
    """
    since: datetime | None = None if everything else await pool.fetchval(NEWEST)
    changed = 0
    async for page in feed.news(since):
        known = {row["code"]: row for row in await pool.fetch(KNOWN, [news.code for news in page])}
        for news in page:
            row = _row(news, known.get(news.code))
            if row is not None:
                changed += await publish_lounges(pool, [row], told_at=news.told_at)
    return changed


def _row(news: LoungeNews, known: Any) -> LoungeRow | None:
    slot = known["slot"] if known is not None else min(max(news.stay or SLOT, 30), 720)
    try:
        opens, closes = read_hours(news.hours)
    except ValueError as wrong:
        log.warning("lounge with unreadable hours", lounge=news.code, error=str(wrong))
        return None
    return LoungeRow(
        news.code, news.airport, news.name, news.terminal, news.airside, opens, closes, slot,
        0 if known is None else known["capacity"], news.amenities, news.state,
    )  # fmt: skip
