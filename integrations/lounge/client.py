"""Asks the lounges' provider for news, page by page."""

from collections.abc import AsyncIterator
from datetime import datetime

import httpx

from domain.lounge.feed import FeedFailed, LoungeNews
from integrations.lounge.wire import Unreadable, read_page

MOST_PAGES = 1_000


class ProvidersLounges:
    """Implements LoungeFeed. http: with the provider's base URL, its credentials and limits."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def news(self, since: datetime | None) -> AsyncIterator[list[LoungeNews]]:
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            asked = {"updated_since": None if since is None else since.isoformat(), "cursor": cursor}
            try:
                answer = await self._http.get("/v1/lounges", params={k: v for k, v in asked.items() if v is not None})
                answer.raise_for_status()
                page, cursor = read_page(answer.json())
            except (httpx.HTTPError, Unreadable, ValueError) as error:
                raise FeedFailed(str(error) or type(error).__name__) from error
            yield page
            if cursor is None:
                return
        raise FeedFailed(f"more than {MOST_PAGES} pages")
