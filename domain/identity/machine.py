"""Machine clients: the bank's card core, tills, partners, the operator's tools."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class MachineClient:
    """`scopes`: the most it may ask for."""

    id: str
    scopes: frozenset[str]


SCOPES = frozenset({"events", "till", "voucher", "order", "operate", "lounge"})


class MachineClients(Protocol):
    """Who a machine client is. None for whoever is not one; which part was wrong is told to nobody.

    Both raise Busy when too many are being checked at once.
    """

    async def by_secret(self, id: str, secret: str) -> MachineClient | None:
        """By client id and secret (RFC 6749, section 2.3.1)."""
        ...

    async def by_assertion(self, assertion: str, id: str | None) -> MachineClient | None:
        """By a signed assertion (RFC 7523, section 3), each good once. `id`: what the request says besides, or None."""
        ...
