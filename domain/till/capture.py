"""The sale went through: what the quote held becomes final, and the merchant is owed its subsidy.

Source: contract section 4. One redemption a quote and one a transaction, whoever's card it was; a capture after the
quote's end is too late.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from domain.kernel.errors import Broken, Busy
from domain.kernel.ids import lane_of
from domain.kernel.time import Clock
from domain.ledger.accounts import Account, sink
from domain.ledger.moves import Move, Op, post, reverse
from domain.ledger.unit import Change, Committed, EndHold, Gone, Ledger, Moved, Unit
from domain.till.keep import TRIES, answer_only, came_before, first_of, unit_with
from domain.till.model import (
    Captured,
    CaptureOutcome,
    Key,
    KeyReused,
    Line,
    NoQuote,
    Quote,
    QuoteEnded,
    QuoteExpired,
    Shares,
    Told,
    TransactionUsed,
)
from domain.till.ports import Present, ReadTill


@dataclass(slots=True)
class CaptureQuote:
    key: Key
    quote: UUID
    transaction: str


async def capture_quote(
    command: CaptureQuote,
    *,
    read: ReadTill,
    ledger: Ledger,
    clock: Clock,
    present: Present,
    recall: Callable[[UUID], Quote | None],
) -> Told | KeyReused:
    """Make it final, once; the same transaction under another key is told the same.

    recall: a quote made by this process, as it was made; the commit says when it is no longer so.

    Raises:
        Busy: too much is waiting, or others kept being quicker; nothing was done.
    """
    key = command.key
    quote = recall(command.quote)
    for _ in range(TRIES):
        if quote is None:
            quote = await read.quote(command.quote)
        now = clock.now()
        outcome = await _ended(command, quote, now, read)
        if outcome is not None:
            return await answer_only(key, present(outcome), now, read=read, ledger=ledger)
        assert quote is not None
        told = present(Captured(quote.id, quote.discount, quote.payable))
        result = await ledger.commit(capture_unit(command, told, quote, now))
        if isinstance(result, Committed):
            return told
        if came_before(result):
            return await first_of(key, read)
        match result:
            case Moved("sale"):
                return await answer_only(key, present(TransactionUsed()), now, read=read, ledger=ledger)
            case Moved() | Gone():
                quote = None  # captured, released or expired meanwhile: read which
            case _:
                raise Broken(f"a capture met {type(result).__name__}")
    raise Busy("a capture was overtaken again and again")


async def _ended(command: CaptureQuote, quote: Quote | None, now: datetime, read: ReadTill) -> CaptureOutcome | None:
    """Why there is nothing to capture any more, or the capture that was made before; None: go on."""
    if quote is None or quote.client != command.key.client:
        return NoQuote()
    if quote.status == "CAPTURED":
        if await read.redeemed_for(quote.id) == command.transaction:
            return Captured(quote.id, quote.discount, quote.payable)
        return QuoteEnded(quote.status)
    if quote.status == "RELEASED":
        return QuoteEnded(quote.status)
    if quote.status == "EXPIRED" or now >= quote.expires_at:
        return QuoteExpired(quote.expires_at)
    return None


def capture_unit(command: CaptureQuote, told: Told, quote: Quote, now: datetime) -> Unit:
    """The hold's end, the redemption, a grant for each automatic discount, and who bears what."""
    coupons = [line.coupon for line in quote.lines if line.coupon is not None]
    sold = lane_of(command.transaction)
    sale = {"lane": sold, "transaction": command.transaction, "redemption": quote.id, "status": "REDEEMED"}
    changes = [
        Change("till_quote", quote.id, quote.status, "CAPTURED"),
        Change("sale", command.transaction, None, "REDEEMED", lane=sold),
        *(Change("coupon", coupon, "HELD", "USED") for coupon in coupons),
    ]
    redemption = {
        "lane": quote.lane, "id": quote.id, "client": quote.client, "customer": quote.customer, "card": quote.card,
        "merchant": quote.merchant, "transaction": command.transaction, "amount": quote.amount,
        "discount": quote.discount, "lines": quote.plain, "coupons": [str(each) for each in coupons],
        "back": [[0, 0, 0] for _ in quote.lines], "at": now, "changed_at": now,
    }  # fmt: skip
    entry = entry_row(
        quote.id, quote.lane, "REDEMPTION", quote.merchant, quote.id, command.transaction, quote.amount, quote.lines,
        [line.shares for line in quote.lines], now,
    )  # fmt: skip
    rows: dict[str, Sequence[Any]] = {"redemption": (redemption,), "sale": (sale,), "settlement_entry": (entry,)}
    grants = [_grant_row(quote, n, line, now) for n, line in enumerate(quote.lines) if line.coupon is None]
    if grants:
        rows["offer_grant"] = grants
    return unit_with(
        command.key,
        told,
        id=quote.id,  # of its statement's entry too, so that the journal tells what the entry is made of
        lane=quote.lane,
        at=now,
        moves=[
            move
            for line in quote.lines
            for move in subsidy_moves(Op.POST, quote.merchant, line.campaign, line.offer, line.shares)
        ],
        end_holds=(EndHold(quote.id, capture=True),) if quote.lines else (),
        changes=changes,
        rows=rows,
        signals=[(f"viewer:{quote.customer}", f"coupon:{coupon}") for coupon in coupons],
    )


def subsidy_moves(op: Op, merchant: str, campaign: str, offer: str, shares: Shares) -> list[Move]:
    """What each bears of a discount at a merchant, in the journal: what statements are checked against.

    Neither side is an account that could run out: the budget line is, and it was held with the quote.
    """
    at = till_of(merchant)
    found = []
    for who, units in (("bank", shares.bank), ("merchant", shares.merchant), ("platform", shares.platform)):
        if units:
            share = share_of(who, campaign, offer)
            move = post(units, share, at, "SUBSIDY") if op is Op.POST else reverse(units, at, share, "SUBSIDY")
            found.append(move)
    return found


@lru_cache(maxsize=4096)
def share_of(who: str, campaign: str, offer: str) -> Account:
    """What `who` bears of an offer's discounts."""
    return sink(f"share|{who}|{campaign}|{offer}")


@lru_cache(maxsize=16_384)
def till_of(merchant: str) -> Account:
    """Where all discounts at a merchant come together."""
    return sink(f"till|{merchant}")


def grant_of(redemption: UUID, n: int) -> UUID:
    """The id of the grant that the n-th line of a redemption is: the redemption's own but for its last bits."""
    return UUID(int=redemption.int ^ (n + 1))


def entry_row(
    id: UUID,
    lane: int,
    kind: str,
    merchant: str,
    redemption: UUID,
    transaction: str,
    amount: int,
    lines: Sequence[Line],
    shares: Sequence[Shares],
    at: datetime,
) -> dict[str, Any]:
    """A row of the merchant's statement to come, also of a sale without a discount: it says every redemption.

    shares: of each line; a reversal's count the other way.
    """
    return {
        "lane": lane, "id": id, "merchant": merchant, "kind": kind, "redemption": redemption,
        "transaction": transaction, "amount": amount, "discount": sum(each.total for each in shares),
        "bank": sum(each.bank for each in shares), "merchant_share": sum(each.merchant for each in shares),
        "platform": sum(each.platform for each in shares), "at": at, "statement": None,
        "lines": [
            [line.campaign, line.offer, None if line.coupon is None else str(line.coupon),
             each.total, each.bank, each.merchant, each.platform]
            for line, each in zip(lines, shares, strict=True)
        ],
    }  # fmt: skip


def _grant_row(quote: Quote, n: int, line: Line, now: datetime) -> dict[str, Any]:
    return {
        "lane": quote.lane, "id": grant_of(quote.id, n), "customer": quote.customer,
        "campaign": line.campaign, "version": line.version, "offer": line.offer, "by": "TILL",
        "cause": f"till:{quote.id}", "round": 1, "status": "GIVEN", "at": now,
        "cost": line.shares.bank if line.budget else 0, "line": line.budget,
        "details": {"card": quote.card, "merchant": quote.merchant, "discount": line.discount},
    }  # fmt: skip
