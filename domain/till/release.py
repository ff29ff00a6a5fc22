"""The sale fell through: everything the quote held goes back at once. Source: contract section 4."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from domain.kernel.errors import Broken, Busy
from domain.kernel.time import Clock
from domain.ledger.unit import Change, Committed, EndHold, Gone, Ledger, Moved
from domain.till.keep import TRIES, answer_only, came_before, first_of, unit_with
from domain.till.model import Key, KeyReused, NoQuote, Quote, QuoteEnded, Released, Told
from domain.till.ports import Present, ReadTill


@dataclass(frozen=True, slots=True)
class ReleaseQuote:
    key: Key
    quote: UUID


async def release_quote(
    command: ReleaseQuote,
    *,
    read: ReadTill,
    ledger: Ledger,
    clock: Clock,
    present: Present,
    recall: Callable[[UUID], Quote | None],
) -> Told | KeyReused:
    """Give everything back; again, or after the quote's end, nothing is left to give and that is well.

    Raises:
        Busy: too much is waiting, or others kept being quicker; nothing was done.
    """
    key = command.key
    quote = recall(command.quote)
    for _ in range(TRIES):
        if quote is None:
            quote = await read.quote(command.quote)
        now = clock.now()
        if quote is None or quote.client != key.client:
            return await answer_only(key, present(NoQuote()), now, read=read, ledger=ledger)
        told = present(Released(quote.id))
        match quote.status:
            case "CAPTURED":
                return await answer_only(key, present(QuoteEnded(quote.status)), now, read=read, ledger=ledger)
            case "RELEASED" | "EXPIRED":
                return await answer_only(key, told, now, read=read, ledger=ledger)
        unit = unit_with(
            key,
            told,
            lane=quote.lane,
            at=now,
            end_holds=(EndHold(quote.id, capture=False),) if quote.lines else (),
            changes=(Change("till_quote", quote.id, quote.status, "RELEASED"),),
            signals=[
                (f"viewer:{quote.customer}", f"coupon:{line.coupon}") for line in quote.lines if line.coupon is not None
            ],
        )
        result = await ledger.commit(unit)
        if isinstance(result, Committed):
            return told
        if came_before(result):
            return await first_of(key, read)
        match result:
            case Moved() | Gone():
                quote = None
            case _:
                raise Broken(f"a release met {type(result).__name__}")
    raise Busy("a release was overtaken again and again")
