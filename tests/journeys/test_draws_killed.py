"""The hall's own process dies in the middle of draws: whoever asks again hears what was drawn, from a new process."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from domain.lottery.verify import Day, verify
from tests.builders.house import House
from tests.builders.processes import ServeProcess
from tests.journeys.test_draws import DRAW, draw, purchase, record

PEOPLE = [f"tap-{n}" for n in range(150)]
ENOUGH = 40
"""So many answers are heard, then the process is killed with others under way."""


@pytest.fixture
def doomed(hall: House, valkey_url: str, tmp_path: Path) -> Iterator[ServeProcess]:
    process = ServeProcess(hall, valkey_url, tmp_path)
    yield process
    process.kill()


async def test_after_the_process_is_killed_in_the_middle_a_request_answers_the_same_prize(
    hall: House, doomed: ServeProcess
) -> None:
    """Fails (there is no chance any more) when the unit of a draw carries no request."""
    await hall.set_clock("2026-10-05T12:00:00")
    await hall.tell(*(event for who in PEOPLE for event in woken(hall, who)))
    tokens = {who: await hall.sign_in(who) for who in PEOPLE}
    requests = {who: str(uuid4()) for who in PEOPLE}
    heard: dict[str, object] = {}

    async def tap(http: httpx.AsyncClient, who: str) -> None:
        variables = {"id": requests[who], "draw": "wake-up", "nonce": nonce(who)}
        with suppress(httpx.TransportError):
            answer = await http.post("/graphql", json={"query": DRAW, "variables": variables}, headers=tokens[who])
            heard[who] = answer.json()["data"]["draw"]
            if len(heard) == ENOUGH:
                doomed.kill()

    async with httpx.AsyncClient(base_url=doomed.base, timeout=60) as http:
        await asyncio.gather(*(tap(http, who) for who in PEOPLE))
    again = {who: await draw(hall, who, "wake-up", requests[who], nonce(who)) for who in PEOPLE}

    assert ENOUGH <= len(heard) < len(PEOPLE)
    assert {told["__typename"] for told in again.values()} == {"Drawn"}
    assert {who: again[who] for who in heard} == heard
    assert {row["n"] for row in await hall.rows("select count(*) n from draw_result group by customer")} == {1}
    public = await record(hall, "smart-life/wake-up")
    verdict = verify(
        "smart-life/wake-up",
        [Day(date.fromisoformat(day["day"]), day["commitment"], day["secret"]) for day in public["days"]],  # type: ignore[attr-defined]
        [(entry["hash"], entry["text"]) for entry in public["entries"]],  # type: ignore[attr-defined]
    )
    assert (verdict.faults, verdict.entries) == ([], len(PEOPLE))


def woken(hall: House, who: str) -> list[dict[str, object]]:
    """A card of ten months ago, activated yesterday, and its first purchase: one chance."""
    card = {"card": f"card-{who}", "customer": who}
    return [
        hall.event("card.approved", "2026-01-05T09:00:00", **card, product="GOLD", newCustomer=False, channel="BRANCH",
                   last4="4321"),
        hall.event("card.activated", "2026-10-04T09:00:00", **card),
        purchase(hall, who, "2026-10-05T10:00:00", 10_000),
    ]  # fmt: skip


def nonce(who: str) -> str:
    return f"the nonce of {who:>8}"
