"""The body of a request, read with a limit and a deadline."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

BODY_SECONDS = 10.0


class BodyTooLarge(Exception):
    """More bytes than the route takes. What is left of them is not read: the connection should close."""


class BodyTooSlow(Exception):
    """It has not arrived in time."""


class ClientGone(Exception):
    """The client left before its body was complete: nobody to answer."""


async def read_body(
    content_length: bytes | None, receive: Receive, *, limit: int, seconds: float = BODY_SECONDS
) -> bytes:
    """The whole body, at most `limit` bytes, within `seconds`. `content_length`: the header as it stood, if any.

    Raises BodyTooLarge (without reading, where the header says so), BodyTooSlow or ClientGone.
    """
    if content_length is not None and (
        len(content_length) > 12 or not content_length.isdigit() or int(content_length) > limit
    ):
        raise BodyTooLarge
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                part: bytes = message.get("body", b"")
                size += len(part)
                if size > limit:
                    raise BodyTooLarge
                parts.append(part)
                if not message.get("more_body", False):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
    except TimeoutError:
        raise BodyTooSlow from None
