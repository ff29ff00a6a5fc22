"""Answers as the ledger keeps them for repetitions: they name what was given, and it is told as it stands by then."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

_ALONE = {"coupons": "coupon", "deliveries": "delivery"}
"""What a choice's answers said before."""


def naming(**given: Sequence[UUID]) -> str:
    """An answer that names what was given, by what it is."""
    return json.dumps({what: [str(id) for id in ids] for what, ids in given.items()})


def named_in(answer: str, what: str) -> list[UUID]:
    """The ids of the things of one kind. Answers kept before ids were enough hold the things themselves, or one."""
    told: Mapping[str, Any] = json.loads(answer)
    found = told.get(what, told.get(_ALONE.get(what, "")))
    each = found if isinstance(found, list) else [] if found is None else [found]
    return [UUID(one if isinstance(one, str) else one["id"]) for one in each]
