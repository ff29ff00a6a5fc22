"""Which groups a merchant was in at a moment.

Judged by the time of the merchant's events, like everything else; what is known first of a merchant counts from the
beginning, so that a purchase is not poorer for having happened before the bank told us of its merchant. A merchant
that is suspended or terminated is in no group from that moment on.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from domain.stories.events import MerchantStatus, MerchantUpdated, sort_key

NO_GROUPS: frozenset[str] = frozenset()


class Merchants(Protocol):
    def groups_at(self, merchant: str, at: datetime) -> frozenset[str]:
        """Empty for a merchant nobody has told us about."""
        ...


class MerchantHistory:
    """All that the merchants' events say. Built once for each version of the catalog; never changed."""

    def __init__(self, events: Iterable[MerchantUpdated] = ()) -> None:
        self._since: dict[str, list[datetime]] = {}
        self._groups: dict[str, list[frozenset[str]]] = {}
        shared: dict[frozenset[str], frozenset[str]] = {}
        for event in sorted(events, key=sort_key):
            groups = frozenset(event.groups) if event.status is MerchantStatus.ACTIVE else NO_GROUPS
            self._since.setdefault(event.merchant, []).append(event.at)
            self._groups.setdefault(event.merchant, []).append(shared.setdefault(groups, groups))

    def groups_at(self, merchant: str, at: datetime) -> frozenset[str]:
        known = self._groups.get(merchant)
        if known is None:
            return NO_GROUPS
        if len(known) == 1:
            return known[0]
        return known[max(0, bisect_right(self._since[merchant], at) - 1)]
