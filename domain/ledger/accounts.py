"""Accounts: everything that can run out or be owed.

An account is named by its lane and key. Keys are plain text without quotes, backslashes or control characters; a sink
(a side that nobody counts against: `~granted|friday`) starts with `~` and has no row. Keys of limits start with the
period, so that a day's new rows fall together in the index.
"""

import re
from typing import NamedTuple

_KEY = re.compile(r'[^"\\\x00-\x1f\x7f{}]{1,200}')


class Account(NamedTuple):
    """`shared`: its home is not the customer's lane (quota, budget line, stock, a person's or device's limit).

    A named tuple because a batch hashes and compares thousands of them.
    """

    lane: int
    key: str
    shared: bool = False

    @property
    def is_sink(self) -> bool:
        return self.key[0] == "~"


def checked_key(key: str) -> str:
    """The key itself; raises ValueError for text that an account cannot be named by."""
    if not _KEY.fullmatch(key):
        raise ValueError(f"not an account key: {key!r}")
    return key


def sink(name: str, lane: int = 0) -> Account:
    """Where a quantity goes to or comes from when nobody counts it there; its sum is a query over the journal."""
    return Account(lane, checked_key("~" + name))
