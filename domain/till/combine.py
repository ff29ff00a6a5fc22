"""Which discounts of one payment count together: the best for the customer.

The rules, from the campaign files' `stacking`: an offer counts once a payment; of a campaign's offers that are not
stackable one counts; of the offers that share an exclusion group, in any campaign, one counts. The best takes most off;
of equal ones that which uses fewer offers, then the first by the codes of its offers. Of one offer's coupons that take
off as much the one of the smallest value is used, then the one that ends first. No more is taken off than is to
be paid: what is over is cut from the last line by offer code, so that a line's figure does not depend on the others.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from domain.kernel.money import Fen

Combination: TypeAlias = tuple["Candidate", ...]


@dataclass(slots=True)
class Candidate:
    """An offer, or a coupon of it, that could take `discount` fen off by itself. expires_at: the coupon's.

    Never altered once made, as all that a payment's way is made of; `frozen` costs a microsecond each.
    """

    campaign: str
    offer: str
    discount: Fen
    stackable: bool = False
    exclusion_group: str | None = None
    coupon: UUID | None = None
    expires_at: datetime | None = None


def may_stand_together(one: Candidate, other: Candidate) -> bool:
    if one.offer == other.offer:
        return False
    if one.exclusion_group is not None and one.exclusion_group == other.exclusion_group:
        return False
    return one.stackable or other.stackable or one.campaign != other.campaign


def best(
    candidates: Collection[Candidate],
    amount: Fen,
    *,
    must: Candidate | None = None,
    barred: Collection[frozenset[str]] = (),
) -> Combination:
    """The best combination, by offer code; empty when nothing takes anything off.

    Args:
        must: it has to be in it (the customer named it).
        barred: sets of offer codes that there is not enough for together.
    """
    found = _of_each_offer(candidates, amount)
    if must is not None:
        found = [one for one in found if may_stand_together(one, must)]
    found = [one for one in found if frozenset((one.offer,)) not in barred]
    if must is None and len(found) == 1:
        return (found[0],)
    found.sort(key=lambda one: (-one.discount, one.offer))
    rest = [0] * (len(found) + 1)
    for n in range(len(found) - 1, -1, -1):
        rest[n] = rest[n + 1] + found[n].discount
    chosen: list[Candidate] = [] if must is None else [must]
    top: Combination = tuple(chosen)
    top_rank = _rank(top, amount)

    def look(n: int, total: Fen) -> None:
        nonlocal top, top_rank
        if n == len(found) or min(total + rest[n], amount) < -top_rank[0]:
            return
        one = found[n]
        if all(may_stand_together(one, other) for other in chosen):
            chosen.append(one)
            if not _is_barred(chosen, barred):
                rank = _rank(chosen, amount)
                if rank < top_rank:
                    top, top_rank = tuple(chosen), rank
                look(n + 1, total + one.discount)
            chosen.pop()
        look(n + 1, total)

    look(0, 0 if must is None else must.discount)
    return tuple(sorted(top, key=lambda one: one.offer))


def allocate(chosen: Sequence[Candidate], amount: Fen) -> tuple[Fen, ...]:
    """What each line takes off, in the order given; together no more than `amount`."""
    left = amount
    found = []
    for one in chosen:
        taken = min(one.discount, left)
        left -= taken
        found.append(taken)
    return tuple(found)


def _is_barred(chosen: Sequence[Candidate], barred: Collection[frozenset[str]]) -> bool:
    if not barred:
        return False
    codes = {one.offer for one in chosen}
    return any(together <= codes for together in barred)


def _rank(chosen: Sequence[Candidate], amount: Fen) -> tuple[Fen, int, tuple[str, ...]]:
    """The smaller the better."""
    total = min(sum(one.discount for one in chosen), amount)
    return -total, len(chosen), tuple(sorted(one.offer for one in chosen))


def _of_each_offer(candidates: Collection[Candidate], amount: Fen) -> list[Candidate]:
    """Of each offer, which counts once, the one that takes most off; value is not spent where it would be lost."""
    found: dict[str, Candidate] = {}
    for one in candidates:
        if one.discount <= 0:
            continue
        known = found.get(one.offer)
        if known is None or _preference(one, amount) < _preference(known, amount):
            found[one.offer] = one
    return list(found.values())


def _preference(one: Candidate, amount: Fen) -> tuple[Fen, bool, Fen, float, int]:
    ends = one.expires_at.timestamp() if one.expires_at is not None else float("inf")
    id = 0 if one.coupon is None else one.coupon.int
    return -min(one.discount, amount), one.coupon is not None, one.discount, ends, id
