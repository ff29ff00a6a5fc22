"""The bound of a machine call over HTTP: Starlette reads the body, parses it, answers a constant. No sign-in, no rules.

python -m infra.bench.constant_app PORT
"""

import sys

import orjson
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.commands.serve import listen, serve_app

ANSWER = orjson.dumps({"quote": "0" * 36, "discount": 5_000, "payable": 15_000, "lines": [], "declined": []})


async def answer(request: Request) -> Response:
    orjson.loads(await request.body())
    return Response(ANSWER, 201, media_type="application/json")


async def _serve(port: int) -> None:
    async def make() -> Starlette:
        return Starlette(routes=[Route("/v1/till/quotes", answer, methods=["POST"])])

    await serve_app(make, listen("127.0.0.1", port))


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
