"""The public record of a draw, and the page that recomputes it. Nothing here tells who drew.

GET /draws/verify                            the page: plain JavaScript, works without a network once saved
GET /draws/{campaign}/{draw}/record?after=n  entries after sequence n, with their days' commitments and secrets
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from api.graphql.page import policy_of
from api.machine.problems import bad_request, problem
from domain.kernel.time import Clock
from domain.lottery.chain import FORMAT
from domain.lottery.facts import DrawKey, find_draw
from domain.lottery.verify import Day
from domain.offers.ports import Catalogs

PAGE = 1_000
"""Entries in one answer."""


class ReadRecord(Protocol):
    async def entries(self, key: DrawKey, *, after: int, limit: int) -> list[tuple[int, date, str, str]]:
        """(sequence, day, hash, text) of the entries after this sequence, in order."""
        ...

    async def days(self, key: DrawKey, *, since: date = ..., limit: int = ...) -> list[Day]:
        """Commitments from this day on, with the secrets that are revealed, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class DrawDeps:
    record: ReadRecord
    catalogs: Catalogs
    clock: Clock


def draw_routes(deps: DrawDeps) -> list[BaseRoute]:
    text = Path(__file__).with_name("verify.html").read_text(encoding="utf-8")
    body = text.encode()
    headers = {
        "Content-Security-Policy": policy_of(text),
        "Referrer-Policy": "no-referrer",
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
    }

    async def page(_: Request) -> Response:
        return Response(body, headers=headers, media_type="text/html")

    async def record(request: Request) -> Response:
        key = request.path_params["campaign"], request.path_params["draw"]
        given = request.query_params.get("after", "0")
        if not (given.isascii() and given.isdigit() and len(given) <= 18):
            return bad_request("`after` must be a sequence number.")
        of = find_draw(await deps.catalogs.latest(), key[1], deps.clock.now())
        found = await deps.record.entries(key, after=int(given), limit=PAGE + 1)
        if not found and (of is None or of.key != key):
            return problem(404, "NOT_FOUND", "There is no such draw")
        shown, more = found[:PAGE], len(found) > PAGE
        since = shown[0][1] if shown else date.min
        days = [day for day in await deps.record.days(key, since=since) if not more or day.day <= shown[-1][1]]
        return Response(record_json("/".join(key), days, shown, more=more), media_type="application/json")

    return [
        Route("/draws/verify", page, methods=["GET"]),
        Route("/draws/{campaign}/{draw}/record", record, methods=["GET"]),
    ]


def record_json(draw: str, days: list[Day], entries: list[tuple[int, date, str, str]], *, more: bool) -> bytes:
    """The record as it is published and kept in a file."""
    return orjson.dumps(
        {
            "format": FORMAT,
            "draw": draw,
            "days": [{"day": day.day, "commitment": day.commitment, "secret": day.secret} for day in days],
            "entries": [{"hash": digest, "text": text} for _, _, digest, text in entries],
            "next": entries[-1][0] if more else None,
        }
    )
