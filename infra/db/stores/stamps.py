"""Which version of the catalog a statement saw.

Every statement of a customer's also returns the catalog's version from its own snapshot, so that an old copy of the
catalog is noticed in the same round trip.
"""

from collections.abc import Callable
from typing import TypeAlias

Seen: TypeAlias = Callable[[int], None]
"""Told the version; remembers the newest one."""
