"""Where a request came from: the connection's peer, or what our own proxies say in front of us.

Forwarded (RFC 7239) and X-Forwarded-For are believed from the right, as far as each hop is one of ours: the first
address that is not a trusted proxy's is the client's. Whatever stands further left was written by the client.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

from api.graphql import RequestHead

Networks: TypeAlias = Sequence[IPv4Network | IPv6Network]

_FOR = re.compile(r'(?:^|;)\s*for=(?:"([^"\\]*)"|([^;"\s]+))\s*(?=;|$)', re.IGNORECASE)
_MOST_HOPS = 20


def client_address(head: RequestHead, proxies: Networks) -> str | None:
    """The client's address; None where the peer has none (a socket file). proxies: those whose word is taken."""
    peer = _address(head.client or "")
    if peer is None:
        return None
    hops = _hops(head) if _is_trusted(peer, proxies) else []
    for hop in reversed(hops):
        told = _address(hop)
        if told is None:
            break
        peer = told
        if not _is_trusted(told, proxies):
            break
    return str(peer)


def _hops(head: RequestHead) -> list[str]:
    forwarded = head.headers.get(b"forwarded")
    if forwarded is not None:
        elements = forwarded.decode("latin-1").split(",")[-_MOST_HOPS:]
        found = [_FOR.search(element.strip()) for element in elements]
        return [(match[1] or match[2] or "") if match else "" for match in found]
    return head.headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")[-_MOST_HOPS:]


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address with or without port and brackets; None for `unknown`, `_hidden` and garbage."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def _is_trusted(address: IPv4Address | IPv6Address, proxies: Networks) -> bool:
    return any(address in network for network in proxies)
