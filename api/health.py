"""Whether the process lives, whether it can serve, and what it has counted: for supervisors and monitoring."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

READY_TIMEOUT_S = 2.0
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Ready = Callable[[], Awaitable[dict[str, bool]]]
"""What the process needs, each by name, and whether it is there."""


def health_routes(ready: Ready, render: Callable[[], bytes], hints: Ready | None = None) -> list[Route]:
    """`/healthz`, `/readyz` and `/metrics`. `render` gives the metrics in Prometheus's text format.

    hints: what the process can do without; where one is missing, `/readyz` says `degraded` and stays 200.

    `/readyz` answers 503 when a check fails, raises, or gives no answer in time; it never says why to the outside.
    """
    headers = {"Cache-Control": "no-store"}

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"}, headers=headers)

    async def readyz(_: Request) -> Response:
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                checks = await ready()
        except Exception:
            checks = {"checks": False}
        good = all(checks.values())
        missing = await _looked(hints) if hints is not None else {}
        body = {
            "status": "ready" if good else "not ready",
            "degraded": not all(missing.values()),
            "checks": checks | missing,
        }
        return JSONResponse(body, status_code=200 if good else 503, headers=headers)

    async def _looked(hints: Ready) -> dict[str, bool]:
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                return await hints()
        except Exception:
            return {"hints": False}

    async def metrics(_: Request) -> Response:
        return Response(render(), headers={**headers, "Content-Type": METRICS_TYPE})

    return [
        Route("/healthz", healthz, methods=["GET"]),
        Route("/readyz", readyz, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
    ]
