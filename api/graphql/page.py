"""The page on which a person tries the schema, in the sandbox only.

One file without a network: no CDN, no font, no telemetry. The security policy names the very bytes of its script and
style by their hashes, so nothing that a query answers can become code in it.
"""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path


class Page:
    """The bytes of the page and the headers that go with them."""

    __slots__ = ("body", "headers")

    def __init__(self) -> None:
        text = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
        self.body = text.encode()
        self.headers = (
            (b"content-security-policy", policy_of(text).encode()),
            (b"referrer-policy", b"no-referrer"),
            (b"x-frame-options", b"DENY"),
        )


def policy_of(text: str) -> str:
    """The content security policy of a page of one script and one style: these, and nothing else."""
    return (
        "default-src 'none'; "
        f"script-src {_hash_of('script', text)}; style-src {_hash_of('style', text)}; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hash_of(element: str, text: str) -> str:
    found = re.search(f"<{element}>(.*?)</{element}>", text, re.DOTALL)
    if found is None:
        raise ValueError(f"page.html has no {element}")
    return f"'sha256-{b64encode(sha256(found[1].encode()).digest()).decode()}'"
