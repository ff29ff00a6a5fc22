"""What supervisors and monitoring see."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette

from api import health
from api.health import health_routes


async def get(path: str, checks: health.Ready, hints: health.Ready | None = None) -> httpx.Response:
    app = Starlette(routes=health_routes(checks, lambda: b"hall_units_total 3\n", hints))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hall") as client:
        return await client.get(path)


async def all_well() -> dict[str, bool]:
    return {"database": True, "cache": True}


async def without_database() -> dict[str, bool]:
    return {"database": False, "cache": True}


async def broken() -> dict[str, bool]:
    raise OSError("password of the database is s3cret")


async def silent() -> dict[str, bool]:
    await asyncio.Event().wait()
    return {}


async def test_a_process_that_answers_is_alive_whatever_it_lacks() -> None:
    answer = await get("/healthz", without_database)

    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


async def test_a_process_with_all_it_needs_is_ready() -> None:
    answer = await get("/readyz", all_well)

    assert (answer.status_code, answer.json()["status"]) == (200, "ready")


async def test_a_process_that_lacks_something_says_what() -> None:
    answer = await get("/readyz", without_database)

    assert (answer.status_code, answer.json()["checks"]) == (503, {"database": False, "cache": True})


@pytest.mark.parametrize("hints", ["broken", "silent", "away"])
async def test_a_process_without_its_hints_is_ready_and_says_so(hints: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "READY_TIMEOUT_S", 0.01)

    async def away() -> dict[str, bool]:
        return {"valkey": False}

    answer = await get("/readyz", all_well, {"broken": broken, "silent": silent, "away": away}[hints])

    assert (answer.status_code, answer.json()["status"], answer.json()["degraded"]) == (200, "ready", True)
    assert "s3cret" not in answer.text


async def test_a_process_with_its_hints_is_not_degraded() -> None:
    answer = await get("/readyz", all_well, all_well)

    assert (answer.status_code, answer.json()["degraded"]) == (200, False)


async def test_a_check_that_breaks_is_not_ready_and_tells_nothing() -> None:
    answer = await get("/readyz", broken)

    assert answer.status_code == 503
    assert "s3cret" not in answer.text


async def test_a_check_that_never_answers_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "READY_TIMEOUT_S", 0.01)

    answer = await get("/readyz", silent)

    assert answer.status_code == 503


async def test_metrics_are_plain_text_and_never_cached() -> None:
    answer = await get("/metrics", all_well)

    assert answer.text == "hall_units_total 3\n"
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
