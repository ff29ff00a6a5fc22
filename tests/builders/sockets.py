"""A client of graphql-transport-ws that says what it is told to, right or wrong."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PROTOCOL = "graphql-transport-ws"

WATCH = """
subscription Watch { viewerEvents { kind at coupon { id status title offer { code } } entry { points title }
  delivery { id status } choice { id chosen } chance { id draw { code } } } }
"""


class Talk:
    """One conversation."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(await self.connection.recv())
        return told

    async def greet(self, token: str) -> None:
        await self.say(type="connection_init", payload={"Authorization": f"Bearer {token}"})
        assert await self.hear() == {"type": "connection_ack"}

    async def watch(self, query: str = WATCH, id: str = "1") -> None:
        """Subscribe; returns when it listens, as the pong says."""
        await self.say(type="subscribe", id=id, payload={"query": query})
        await self.say(type="ping")
        assert await self.hear() == {"type": "pong"}

    async def event(self, id: str = "1") -> dict[str, Any]:
        """The next event, which must come without errors."""
        told = await self.hear()
        assert (told["type"], told["id"]) == ("next", id), told
        assert "errors" not in told["payload"], told
        found: dict[str, Any] = told["payload"]["data"]["viewerEvents"]
        return found

    async def until(self, kind: str) -> dict[str, Any]:
        """The next event of this kind."""
        while (found := await self.event())["kind"] != kind:
            pass
        return found

    async def closed(self) -> int:
        """The code that the other side closes with, whatever it says before."""
        try:
            while True:
                await self.connection.recv()
        except ConnectionClosed as end:
            return end.rcvd.code if end.rcvd else 1006


@asynccontextmanager
async def talk(
    url: str, *, protocols: list[str] | None = None, headers: Mapping[str, str] | None = None, **options: Any
) -> AsyncIterator[Talk]:
    """url: the hall's, http or ws."""
    async with connect(
        url.replace("http", "ws", 1) + "/graphql",
        subprotocols=[PROTOCOL] if protocols is None else protocols or None,  # type: ignore[arg-type]
        additional_headers=headers,
        proxy=None,
        **options,
    ) as connection:
        yield Talk(connection)
