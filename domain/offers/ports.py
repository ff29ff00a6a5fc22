"""What the offers are read from."""

from collections.abc import Collection, Mapping
from typing import Protocol, TypeAlias

from domain.ledger.accounts import Account
from domain.offers.catalog import Catalog

OfferKey: TypeAlias = tuple[str, str]
"""(campaign code, offer code)."""


class Catalogs(Protocol):
    async def latest(self) -> Catalog:
        """The catalog of the newest version any statement of this process has seen; loads it first where it must."""
        ...


class ReadQuotas(Protocol):
    async def remaining(self, accounts: Collection[Account]) -> Mapping[Account, int]:
        """How much is left of each of these quotas and budget lines that is there, in one statement. No accounts: the
        catalog's version is still seen.
        """
        ...


class ReadLimits(Protocol):
    async def used_up(self, accounts: Collection[Account]) -> Collection[Account]:
        """Those of these accounts of limits that have nothing left, in one statement. One that was never taken from is
        not there yet, and has everything left.
        """
        ...
