"""What is kept of an event's data: the contract's fields, nothing else, and the personal ones never in the clear.

Source: docs/decisions/0004-events-in.md (collect the least: PIPL art. 6) and JR/T 0171-2020, class C2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Fields:
    """Names of the fields that are kept as they are, and of those that are sealed first."""

    clear: tuple[str, ...]
    sealed: tuple[str, ...] = ()


def _fields(clear: str, sealed: str = "") -> Fields:
    return Fields(tuple(clear.split()), tuple(sealed.split()))


FIELDS: Mapping[str, Fields] = MappingProxyType(
    {
        "customer.updated": _fields("customer person city occupation children assetsTier", "name phone birthday"),
        "card.applied": _fields("application customer product channel flyer"),
        "card.approved": _fields("card customer product newCustomer channel last4 flyer"),
        "card.activated": _fields("card customer"),
        "card.closed": _fields("card customer"),
        "wallet.bound": _fields("card customer provider"),
        "wallet.unbound": _fields("card customer provider"),
        "transaction.posted": _fields(
            "transaction card customer amount currency merchant mcc channel paymentMethod country redemption"
        ),
        "transaction.refunded": _fields("refund transaction amount"),
        "instalment.created": _fields("instalment card customer principal periods fee kind"),
        "instalment.cancelled": _fields("instalment"),
        "merchant.updated": _fields("merchant name groups mcc city status"),
    }
)


def split_data(type: str, data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is kept in the clear, and what is sealed. `type` is one of `FIELDS`."""
    fields = FIELDS[type]
    clear = {name: data[name] for name in fields.clear if name in data}
    sealed = {name: data[name] for name in fields.sealed if name in data}
    return clear, sealed
