"""Where a request came from: nobody but our own proxies is believed."""

from ipaddress import ip_network

import pytest

from api.address import client_address
from api.graphql import RequestHead
from domain.kernel.words import Language

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def head(client: str | None, **headers: str) -> RequestHead:
    raw = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return RequestHead("POST", b"/graphql", raw, client, "0" * 32, Language.ZH)


def test_a_stranger_is_not_believed() -> None:
    assert client_address(head("8.8.8.8", x_forwarded_for="1.2.3.4"), PROXIES) == "8.8.8.8"
    assert client_address(head("10.0.0.1", x_forwarded_for="1.2.3.4"), ()) == "10.0.0.1"


@pytest.mark.parametrize(
    ("told", "client"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("1.2.3.4:5678", "1.2.3.4"),
        ("6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("6.6.6.6, 1.2.3.4, 10.1.1.1", "1.2.3.4"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("10.2.2.2", "10.2.2.2"),
        ("6.6.6.6, garbage", "10.0.0.1"),
        ("6.6.6.6, ", "10.0.0.1"),
        ("", "10.0.0.1"),
    ],
)
def test_the_first_address_that_is_not_a_proxy_of_ours(told: str, client: str) -> None:
    assert client_address(head("10.0.0.1", x_forwarded_for=told), PROXIES) == client


@pytest.mark.parametrize(
    ("told", "client"),
    [
        ("for=1.2.3.4", "1.2.3.4"),
        ('for="1.2.3.4:99";proto=https;by=10.0.0.1', "1.2.3.4"),
        ('proto=https; for="[2001:db8::1]:4711"', "2001:db8::1"),
        ("for=6.6.6.6, For=1.2.3.4, for=10.9.9.9", "1.2.3.4"),
        ("for=6.6.6.6, for=unknown", "10.0.0.1"),
        ("for=6.6.6.6, for=_hidden", "10.0.0.1"),
        ("xfor=1.2.3.4", "10.0.0.1"),
    ],
)
def test_forwarded_is_read_as_rfc_7239_writes_it(told: str, client: str) -> None:
    assert client_address(head("10.0.0.1", forwarded=told, x_forwarded_for="9.9.9.9"), PROXIES) == client


def test_no_peer_no_address() -> None:
    assert client_address(head(None, x_forwarded_for="1.2.3.4"), PROXIES) is None
