"""A till asks what comes off a payment; what it is promised is held for 120 s and given to nobody else.

The best combination is chosen on facts read without locks. What it needs is held in one unit; where the ledger is short
of something, the offers that need it are barred and the best of the rest is tried, so that the promise is the best of
what there is. Sources: contract section 4; combination: domain/till/combine.py; judgement: domain/till/judge.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import TypeAlias
from uuid import UUID

from domain.campaigns.facts import PurchaseFacts
from domain.campaigns.terms import Reason
from domain.kernel.errors import Broken, Busy
from domain.kernel.ids import lane_of, new_id
from domain.kernel.time import Clock
from domain.ledger import keys
from domain.ledger.accounts import Account
from domain.ledger.moves import Move, hold
from domain.ledger.unit import Change, Committed, EndHold, Ledger, Moved, NewHold, Opening, Short, Unit
from domain.offers.catalog import Catalog
from domain.offers.ports import Catalogs
from domain.stories.explain import open_again
from domain.till import words
from domain.till.combine import Candidate, best
from domain.till.judge import Judged, Payer, against_coupon, candidate_of, judge, lines_of
from domain.till.keep import TRIES, came_before, first_of, unit_with
from domain.till.model import (
    QUOTE_LASTS,
    Allowance,
    Declined,
    Key,
    KeyReused,
    Line,
    Payment,
    Quote,
    Quoted,
    Told,
    lines_to_plain,
    quote_row,
)
from domain.till.ports import Present, Presented, ReadTill, Remember
from domain.wallet.facts import CouponFacts, CouponStatus

_by_offer = attrgetter("offer")

Named: TypeAlias = UUID | Presented | Reason
"""A coupon's id, what a payload said, or why the payload says nothing."""


@dataclass(slots=True)
class QuotePayment:
    key: Key
    payment: Payment
    named: Named | None = None


@dataclass(slots=True)
class Scarce:
    """What the ledger has said there is not enough of. barred: sets of offers that cannot have it together."""

    barred: set[frozenset[str]] = field(default_factory=set)
    reasons: dict[str, Reason] = field(default_factory=dict)
    taken: bool = False
    """The payload was taken before."""


@dataclass(slots=True)
class Choice:
    lines: tuple[Line, ...]
    declined: tuple[Declined, ...]
    presented: Presented | None = None


async def quote_payment(
    command: QuotePayment,
    *,
    read: ReadTill,
    catalogs: Catalogs,
    ledger: Ledger,
    clock: Clock,
    present: Present,
    remember: Remember,
) -> Told | KeyReused:
    """Find the best discount, hold it, and answer; the first answer again under the same key.

    Raises:
        Busy: too much is waiting, or others kept being quicker; nothing was done.
    """
    key = command.key
    scarce = Scarce()
    payer: Payer | None = None
    named_coupon: CouponFacts | None = None
    for _ in range(TRIES):
        now = clock.now()
        if payer is None:
            payer, named_coupon = await _look(command, now, read)
            if await _gave_back(payer, named_coupon, now, read, ledger):
                payer, named_coupon = await _look(command, now, read)
        catalog = await catalogs.latest()
        choice = choose(command, payer, named_coupon, catalog, now, scarce)
        quote = _quote(command, payer, choice.lines, now)
        told = present(Quoted(quote, choice.declined))
        result = await ledger.commit(quote_unit(key, told, quote, choice.presented, now))
        if isinstance(result, Committed):
            remember(quote)
            return told
        if came_before(result):
            return await first_of(key, read)
        match result:
            case Short(account):
                _bar(scarce, account, choice.lines, payer, catalog, now)
            case Moved("presentation_used"):
                scarce.taken = True
            case Moved():
                payer = None  # a coupon went elsewhere meanwhile
            case _:
                raise Broken(f"a quote met {type(result).__name__}")
    raise Busy("a quote was overtaken again and again")


def choose(
    command: QuotePayment,
    payer: Payer,
    named: CouponFacts | None,
    catalog: Catalog,
    now: datetime,
    scarce: Scarce,
) -> Choice:
    """The lines to hold, and why the rest does not apply. A named coupon is in it, or nothing is: its refusal stands
    first then.
    """
    payment = command.payment
    judged = judge(payment, payer, catalog, now)
    must: Candidate | None = None
    if command.named is not None:
        refused = _against_named(command.named, named, payment, catalog, now, judged, scarce)
        if refused is not None:
            return Choice((), (refused, *_beside(refused, judged)))
        assert named is not None
        must = candidate_of(named, catalog, now)
    chosen = best(judged.candidates, payment.amount, must=must, barred=scarce.barred)
    lines = lines_of(chosen, payment, _with(payer, named), catalog, now)
    taken = {(line.offer, line.coupon) for line in lines}
    declined = judged.declined + [
        Declined(one.offer, scarce.reasons.get(one.offer, words.NOT_BEST), one.coupon)
        for one in judged.candidates
        if (one.offer, one.coupon) not in taken
    ]
    declined.sort(key=_by_offer)  # coupons of one offer stay as they came: the one that ends first stands first
    presented = command.named if isinstance(command.named, Presented) else None
    return Choice(lines, tuple(declined), presented)


def quote_unit(key: Key, told: Told, quote: Quote, presented: Presented | None, now: datetime) -> Unit:
    """Everything the quote promises, held under its own id until it expires."""
    moves, opens = held_by(quote.lines)
    coupons = [line.coupon for line in quote.lines if line.coupon is not None]
    changes = [Change("coupon", coupon, "AVAILABLE", "HELD") for coupon in coupons]
    rows = {"till_quote": (quote_row(quote, now),)}
    if presented is not None:
        changes.append(Change("presentation_used", presented.id, None, "USED"))
        rows["presentation_used"] = (
            {
                "lane": quote.lane, "id": presented.id, "quote": quote.id, "used": "USED",
                "expires_at": presented.expires_at,
            },
        )  # fmt: skip
    back = [Change("till_quote", quote.id, "OPEN", "EXPIRED")]
    back += [Change("coupon", coupon, "HELD", "AVAILABLE", tell=quote.customer) for coupon in coupons]
    return unit_with(
        key,
        told,
        id=UUID(int=quote.id.int ^ 1 << 32),  # as the quote's, which its capture has, but for one bit
        lane=quote.lane,
        at=now,
        opens=opens,
        new_holds=(NewHold(quote.id, quote.expires_at, moves, back),) if moves else (),
        changes=changes,
        rows=rows,
        signals=[(f"viewer:{quote.customer}", f"coupon:{coupon}") for coupon in coupons],
    )


def held_by(lines: Sequence[Line]) -> tuple[list[Move], Mapping[Account, Opening]]:
    """What lines keep of quota, allowances, budget and coupons."""
    moves: list[Move] = []
    opens: dict[Account, Opening] = {}
    for line in lines:
        if line.coupon is not None:
            moves.append(hold(1, keys.coupon(line.coupon), keys.redeemed(line.offer), "COUPON"))
            continue
        if line.quota:
            moves.append(
                hold(1, keys.quota(line.campaign, line.offer), keys.granted(line.campaign, line.offer), "QUOTA")
            )
        for allowance in line.allowances:
            opens[allowance.account] = Opening(balance=allowance.most)
            moves.append(hold(1, allowance.account, keys.used(line.offer), "LIMIT"))
        if line.budget:
            budget, spent = keys.budget(line.campaign, line.budget), keys.spent(line.campaign, line.budget)
            moves.append(hold(line.shares.bank, budget, spent, "BUDGET"))
    return moves, opens


# --- reading


async def _look(command: QuotePayment, now: datetime, read: ReadTill) -> tuple[Payer, CouponFacts | None]:
    """Whose card it is, with what they have; and the named coupon."""
    facts = await read.payer(command.payment.card, now)
    if facts is None:
        return Payer(None, None, ()), None
    payer = Payer(facts.customer, facts.story, facts.coupons, facts.frozen)
    return payer, None if command.named is None else await _named(command.named, payer, read)


async def _gave_back(payer: Payer, named: CouponFacts | None, now: datetime, read: ReadTill, ledger: Ledger) -> bool:
    """Whether an expired quote kept a coupon: it is the customer's again, before anybody has swept it.

    Places, allowances and budget need no look: the ledger ends what has expired before it says that it is short.
    """
    kept = payer.coupons if named is None else (*payer.coupons, named)
    if payer.customer is None or all(coupon.status is not CouponStatus.HELD for coupon in kept):
        return False
    lane, overdue = lane_of(payer.customer), await read.overdue(payer.customer, now)
    for quote in overdue:
        await ledger.commit(Unit(id=new_id(lane, now), lane=lane, at=now, end_holds=(EndHold(quote, capture=False),)))
    return bool(overdue)


async def _named(named: Named | None, payer: Payer, read: ReadTill) -> CouponFacts | None:
    match named:
        case UUID():
            wanted = named
        case Presented(coupon=coupon):
            wanted = coupon
        case _:
            return None
    here = next((coupon for coupon in payer.coupons if coupon.id == wanted), None)
    if here is None and payer.customer is not None:
        here = await read.coupon(payer.customer, wanted)
    return here


# --- deciding


def _against_named(
    named: Named,
    coupon: CouponFacts | None,
    payment: Payment,
    catalog: Catalog,
    now: datetime,
    judged: Judged,
    scarce: Scarce,
) -> Declined | None:
    if isinstance(named, Reason):
        return Declined("", named)
    if judged.against is not None:
        return Declined("" if coupon is None else coupon.offer, judged.against, None if coupon is None else coupon.id)
    if coupon is None:
        return Declined("", words.COUPON_NOT_FOUND)  # one of somebody else's is not told apart from none
    if isinstance(named, Presented) and scarce.taken:
        return Declined(coupon.offer, words.PAYLOAD_USED, coupon.id)
    groups = catalog.told.groups_at(payment.merchant, now)
    purchase = PurchaseFacts(payment.amount, groups, method=payment.method)
    reason = against_coupon(coupon, purchase, catalog, now)
    return None if reason is None else Declined(coupon.offer, reason, coupon.id)


def _beside(refused: Declined, judged: Judged) -> list[Declined]:
    """Why nothing else applies either: the customer wanted that coupon. What could apply without it says so."""
    found = [each for each in judged.declined if refused.coupon is None or each.coupon != refused.coupon]
    found += [
        Declined(one.offer, words.COUPON_NAMED, one.coupon)
        for one in judged.candidates
        if one.coupon is None or one.coupon != refused.coupon
    ]
    found.sort(key=_by_offer)
    return found


def _with(payer: Payer, named: CouponFacts | None) -> Payer:
    if named is None or any(coupon.id == named.id for coupon in payer.coupons):
        return payer
    return Payer(payer.customer, payer.story, (*payer.coupons, named), payer.frozen)


def _quote(command: QuotePayment, payer: Payer, lines: tuple[Line, ...], now: datetime) -> Quote:
    payment = command.payment
    lane = lane_of(payer.customer or payment.card)
    return Quote(
        id=new_id(lane, now),
        lane=lane,
        client=command.key.client,
        customer=payer.customer or "",
        card=payment.card,
        merchant=payment.merchant,
        amount=payment.amount,
        discount=sum(line.discount for line in lines),
        status="OPEN" if lines else "EMPTY",
        expires_at=now + QUOTE_LASTS,
        lines=lines,
        plain=lines_to_plain(lines),
    )


def _bar(
    scarce: Scarce, account: Account, lines: Sequence[Line], payer: Payer, catalog: Catalog, now: datetime
) -> None:
    """Remember that there is not enough of `account` for the lines that need it together."""
    need = [line for line in lines if account in {move.source for move in held_by((line,))[0]}]
    if not need:
        raise Broken(f"a quote was short of {account.key}, which nothing in it needs")
    scarce.barred.add(frozenset(line.offer for line in need))
    if len(need) == 1:
        limit = next((each for each in need[0].allowances if each.account == account), None)
        scarce.reasons[need[0].offer] = (
            words.SOLD_OUT if limit is None else _used_up(need[0], limit, payer, catalog, now)
        )


def _used_up(line: Line, limit: Allowance, payer: Payer, catalog: Catalog, now: datetime) -> Reason:
    campaign, offer = catalog.judged_by(line.campaign, line.version, line.offer)
    return words.limit_reached(open_again(offer, campaign, payer.story, now, catalog.plans, limit.until))
