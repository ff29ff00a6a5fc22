"""The head of a request: what is known before a byte of the body is read.

Paths and headers are taken raw, as they stood on the wire: nothing here is rebuilt from a Host header. A header that
came twice is joined with a comma (RFC 9110, section 5.2), so two Authorization headers are one bad token and two
content types one unknown type; nobody gets to choose which of the two we read.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from domain.kernel.words import Language

JSON = b"application/json"
GRAPHQL = b"application/graphql-response+json"

_TRACEPARENT = re.compile(rb"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
_WEIGHT = re.compile(rb"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")
_CACHED_CHARS = 256
"""A longer header is read anew each time, so that the small caches below stay small in bytes as well."""


@dataclass(frozen=True, slots=True)
class RequestHead:
    """Header names are lower case. `client` is the peer of the connection: a proxy's, where one stands before us."""

    method: str
    path: bytes
    headers: Mapping[bytes, bytes]
    client: str | None
    trace_id: str
    language: Language


def read_head(scope: Mapping[str, Any]) -> RequestHead:
    """The head of an ASGI http scope."""
    pairs: list[tuple[bytes, bytes]] = scope["headers"]
    headers = dict(pairs)
    if len(headers) != len(pairs):
        headers = _joined(pairs)
    client = scope.get("client")
    return RequestHead(
        method=scope["method"],
        path=scope.get("raw_path") or scope["path"].encode(),
        headers=headers,
        client=client[0] if client else None,
        trace_id=trace_id_of(headers.get(b"traceparent")),
        language=language_of(headers.get(b"accept-language")),
    )


def _joined(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    for name, value in pairs:
        headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


def trace_id_of(traceparent: bytes | None) -> str:
    """The trace id of a valid W3C `traceparent`, else a new one: 32 lower-case hexadecimal digits."""
    if traceparent is not None:
        match = _TRACEPARENT.fullmatch(traceparent)
        if match is not None:
            version, trace, parent, more = match.groups()
            if trace.strip(b"0") and parent.strip(b"0") and (version != b"00" or more is None):
                return trace.decode()
    return os.urandom(16).hex()


def language_of(accept_language: bytes | None) -> Language:
    """Chinese unless English is wanted more."""
    if not accept_language:
        return Language.ZH
    if len(accept_language) > _CACHED_CHARS:
        return _language_of(accept_language)
    return _cached_language_of(accept_language)


def media_type_of(accept: bytes | None) -> bytes | None:
    """The type to answer with, `JSON` or `GRAPHQL`; None when neither is acceptable.

    Without the header, or where only a wildcard fits, it is `application/json` (GraphQL over HTTP, sections 6.1 and
    6.4).
    """
    if accept is None or accept == b"*/*":
        return JSON
    if len(accept) > _CACHED_CHARS:
        return _media_type_of(accept)
    return _cached_media_type_of(accept)


def is_json(content_type: bytes | None) -> bool:
    """Whether a body is `application/json` in UTF-8. Anything a browser sends without asking first is not."""
    if content_type == JSON:
        return True
    if content_type is None:
        return False
    media, *parameters = content_type.lower().split(b";")
    if media.strip() != JSON:
        return False
    return all(_parameter(part) in ((b"charset", b"utf-8"), (b"charset", b"utf8")) for part in parameters)


def wants_html(accept: bytes | None) -> bool:
    return accept is not None and b"text/html" in accept


def _parameter(part: bytes) -> tuple[bytes, bytes]:
    name, _, value = part.strip().partition(b"=")
    return name.strip().lower(), value.strip().strip(b'"').lower()


def _weighted(header: bytes) -> Iterable[tuple[bytes, dict[bytes, bytes], float]]:
    for item in header.lower().split(b","):
        value, *parts = item.split(b";")
        parameters = dict(_parameter(part) for part in parts)
        weight = parameters.pop(b"q", b"1")
        yield value.strip(), parameters, float(weight) if _WEIGHT.fullmatch(weight) else 0.0


def _language_of(header: bytes) -> Language:
    # (weight, earlier is better); a wildcard stands for Chinese, which is what we speak unasked.
    english = chinese = (0.0, 0)
    for place, (tag, _, weight) in enumerate(_weighted(header)):
        match tag.partition(b"-")[0]:
            case b"en":
                english = max(english, (weight, -place))
            case b"zh" | b"*":
                chinese = max(chinese, (weight, -place))
    return Language.EN if english[0] > 0 and english > chinese else Language.ZH


def _media_type_of(header: bytes) -> bytes | None:
    # Each of our two types takes the weight of the most specific range that names it; the heavier wins, then the one
    # named outright, then the one named first.
    found: dict[bytes, tuple[int, float, int]] = {}
    for place, (range_, parameters, weight) in enumerate(_weighted(header)):
        types: tuple[bytes, ...]
        if parameters.get(b"charset", b"utf-8") not in (b"utf-8", b"utf8"):
            continue
        match range_:
            case b"application/json" | b"application/graphql-response+json":
                exactness, types = 2, (range_,)
            case b"application/*":
                exactness, types = 1, (JSON, GRAPHQL)
            case b"*/*":
                exactness, types = 0, (JSON, GRAPHQL)
            case _:
                continue
        for media_type in types:
            if media_type not in found or exactness > found[media_type][0]:
                found[media_type] = (exactness, weight, place)
    ranked = [
        (weight, exactness, -place, media_type == JSON, media_type)
        for media_type, (exactness, weight, place) in found.items()
        if weight > 0
    ]
    return max(ranked)[-1] if ranked else None


_cached_language_of = lru_cache(maxsize=256)(_language_of)
_cached_media_type_of = lru_cache(maxsize=256)(_media_type_of)
