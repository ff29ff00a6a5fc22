"""Sends the demo's events to a running hall through its own doors: POST /oauth2/token and POST /v1/events.

Safe to cut short and to run again: events have fixed ids, and what the hall has it counts as duplicates.
"""

import asyncio
import base64
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias
from urllib.parse import quote

import httpx
import orjson

from infra.demo.story import SEED, story
from infra.home import HouseError

BATCH = 500
TRIES = 8
TIMEOUT_S = 30.0

Report: TypeAlias = Callable[[int, int], None]
"""Told after each batch: events sent, events in all."""


class DemoNotLoaded(HouseError):
    """The hall did not take the demo's events. What it has taken stays; loading again goes on from there."""


@dataclass(frozen=True, slots=True)
class Rejected:
    id: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of the events: `sent` = accepted + duplicates + rejected. `seconds`: until the last answer."""

    sent: int
    accepted: int
    duplicates: int
    rejected: tuple[Rejected, ...]
    seconds: float


async def load_demo(
    base_url: str,
    *,
    start: date,
    now: datetime,
    progress: Report,
    client_id: str,
    secret: str,
    seed: int = SEED,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Loaded:
    """Send the month that begins on `start`, the plans' first active day, as far as it has happened by `now`.

    Returns once everything is durable in the hall's inbox; applying it is the worker's work (see `settle`).

    Raises:
        DemoNotLoaded: the hall refuses the client or a whole batch, or does not answer.
    """
    began = time.perf_counter()
    events = [event.envelope() for event in story(start, seed=seed) if event.at <= now]
    accepted = duplicates = sent = 0
    rejected: list[Rejected] = []
    async with httpx.AsyncClient(base_url=base_url, timeout=TIMEOUT_S, transport=transport) as http:
        door = _Door(http, client_id, secret)
        progress(0, len(events))
        for batch in _batches(events):
            answer = await door.send(batch)
            accepted += answer["accepted"]
            duplicates += answer["duplicates"]
            rejected += [Rejected(each["id"], each["code"], each["detail"]) for each in answer["rejected"]]
            sent += len(batch)
            progress(sent, len(events))
    return Loaded(sent, accepted, duplicates, tuple(rejected), time.perf_counter() - began)


async def settle(base_url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
    """Return when the hall has applied what it was sent, so that the first look finds everybody as they should be.

    Raises:
        DemoNotLoaded: it does not come to an end, or is no sandbox.
    """
    async with httpx.AsyncClient(base_url=base_url, timeout=90, transport=transport) as http:
        for attempt in range(TRIES):
            try:
                answer = await http.post("/sandbox/settle")
            except httpx.TransportError:  # restarted meanwhile: nothing is lost by asking again
                await asyncio.sleep(_patience(attempt))
                continue
            if answer.status_code == 200:
                return
            if answer.status_code < 500:
                raise DemoNotLoaded(f"The hall at {base_url} does not settle: {answer.status_code} {answer.text[:200]}")
            await asyncio.sleep(_patience(attempt, answer))
    raise DemoNotLoaded(f"The hall at {base_url} still has events to apply.")


@dataclass(slots=True)
class _Door:
    """POST /v1/events as the card core: fetches a token when it needs one, waits when the hall is busy."""

    http: httpx.AsyncClient
    client_id: str
    secret: str
    token: str | None = None

    async def send(self, events: list[dict[str, Any]]) -> dict[str, Any]:
        body = orjson.dumps(events)
        for attempt in range(TRIES):
            if self.token is None:
                self.token = await self._fetch_token()
            try:
                answer = await self.http.post(
                    "/v1/events",
                    content=body,
                    headers={
                        "Authorization": f"Bearer {self.token}",
                        "Content-Type": "application/cloudevents-batch+json",
                    },
                )
            except httpx.TransportError:  # sent again: the ids make that harmless
                await asyncio.sleep(_patience(attempt))
                continue
            match answer.status_code:
                case 202:
                    found: dict[str, Any] = answer.json()
                    return found
                case 401:
                    self.token = None  # its few minutes are over
                case 429 | 503:
                    await asyncio.sleep(_patience(attempt, answer))
                case status:
                    raise DemoNotLoaded(f"The hall refuses the demo's events: {status} {answer.text[:200]}")
        raise DemoNotLoaded(f"The hall at {self.http.base_url} did not take the demo's events in {TRIES} tries.")

    async def _fetch_token(self) -> str:
        pair = f"{quote(self.client_id, safe='')}:{quote(self.secret, safe='')}"  # RFC 6749, section 2.3.1
        headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        form = {"grant_type": "client_credentials", "scope": "events"}
        for attempt in range(TRIES):
            try:
                answer = await self.http.post("/oauth2/token", data=form, headers=headers)
            except httpx.TransportError:
                await asyncio.sleep(_patience(attempt))
                continue
            if answer.status_code == 200:
                return str(answer.json()["access_token"])
            if answer.status_code not in (429, 503):
                raise DemoNotLoaded(
                    f"The hall gives {self.client_id} no token: {answer.status_code} {answer.text[:200]}"
                )
            await asyncio.sleep(_patience(attempt, answer))
        raise DemoNotLoaded(f"The hall at {self.http.base_url} gave no token in {TRIES} tries.")


def _batches(events: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for first in range(0, len(events), BATCH):
        yield events[first : first + BATCH]


def _patience(attempt: int, answer: httpx.Response | None = None) -> float:
    """Seconds to wait before the next try: what the hall asks for, within reason."""
    asked = answer.headers.get("Retry-After", "") if answer else ""
    return min(5.0, float(asked) if asked.isdigit() else 0.1 * 2**attempt)
