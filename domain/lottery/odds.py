"""Which prize a roll stands for, and what the odds are while some prizes cannot be given.

Pure. Source of the rules: plan rules A8 and A12 ("every draw wins") and SAMR Order 32: odds and stock are shown, and
what has run out falls to the consolation prize.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from domain.campaigns.model import Cashback, Draw, Prize
from domain.kernel.money import Fen

Odds = Sequence[tuple[str, int]]
"""(prize, millionths) in the order of the campaign file; they sum to a million."""


def prize_at(odds: Odds, roll: int) -> str:
    """The prize whose weights `roll` falls into, read in order. Raises ValueError beyond their sum."""
    upto = 0
    for code, ppm in odds:
        upto += ppm
        if roll < upto:
            return code
    raise ValueError(f"a roll of {roll} among {upto}")


def odds_now(draw: Draw, out: Iterable[str]) -> Mapping[str, int]:
    """The odds of each prize while those in `out` cannot be given: theirs are the consolation's. They sum to a million.

    Without a consolation a draw is closed while anything is out, and its odds are those of the file.
    """
    gone = set(out) if draw.consolation is not None else set()
    found = {prize.code: 0 if prize.code in gone else prize.odds_ppm for prize in draw.prizes}
    if draw.consolation is not None:
        found[draw.consolation.code] += sum(prize.odds_ppm for prize in draw.prizes if prize.code in gone)
    return found


def cost_now(prize: Prize, basis: Fen) -> Fen:
    """Fen that giving it costs. basis: of the chance, what a Cashback counts from."""
    match prize.reward:
        case Cashback() as cashback:
            return cashback.amount(basis)
        case _:
            return prize.cost


def out_of_stock(draw: Draw, left: Callable[[Prize], int]) -> tuple[str, ...]:
    """Prizes with a stock of which nothing is left."""
    return tuple(prize.code for prize in draw.prizes if prize.stock is not None and left(prize) <= 0)


def not_payable(draw: Draw, basis: Fen | None, pays: Callable[[Fen], bool]) -> tuple[str, ...]:
    """Prizes that cannot be given for another reason than their stock: the budget does not pay for them, or there is no
    purchase to count them from. basis: None for nobody in particular, who is shown the odds of a dear purchase.
    """
    found = []
    for prize in draw.prizes:
        if prize.consolation:
            continue
        cost = prize.cost if basis is None else cost_now(prize, basis)
        nothing = isinstance(prize.reward, Cashback) and cost == 0
        if nothing or not pays(cost):
            found.append(prize.code)
    return tuple(found)
