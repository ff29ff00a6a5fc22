"""The provider's side of the lounge feed, for development: checks the bearer token, pages by cursor."""

from collections.abc import Sequence
from datetime import datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from domain.lounge.feed import LoungeNews
from integrations.lounge.wire import write_lounge

PAGE = 50


def sandbox(lounges: Sequence[LoungeNews], *, token: str, page: int = PAGE) -> Starlette:
    """A server that knows these lounges."""

    async def listed(request: Request) -> JSONResponse:
        if request.headers.get("authorization") != f"Bearer {token}":
            return JSONResponse({"code": "UNAUTHORIZED"}, 401)
        since, cursor = request.query_params.get("updated_since"), request.query_params.get("cursor")
        found = [each for each in lounges if since is None or each.told_at > datetime.fromisoformat(since)]
        begin = int(cursor or 0)
        more = begin + page < len(found)
        items = [write_lounge(each) for each in found[begin : begin + page]]
        return JSONResponse({"items": items, "next_cursor": str(begin + page) if more else None})

    return Starlette(routes=[Route("/v1/lounges", listed)])
