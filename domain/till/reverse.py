"""The customer was given money back: the discount is taken back with it.

A partial return keeps the redemption and takes back of the discount in proportion, rounded down to the fen. Once all
that was paid is returned, at once or bit by bit, the reversal is whole: the offer's return policy says what comes back.
The coupon comes back while it is valid, the quota place while the offer runs, an allowance while its period lasts. A
coupon that is no longer earned (its case was opened when that came to light) is voided instead.
Sources: contract section 4; the version of the campaign that the discount was judged by.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.campaigns.model import ReturnOn, Returns
from domain.campaigns.terms import OfferState
from domain.kernel.errors import Broken, Busy
from domain.kernel.ids import new_id
from domain.kernel.money import Fen
from domain.kernel.time import Clock
from domain.ledger import keys
from domain.ledger.accounts import Account
from domain.ledger.moves import Move, Op, reverse
from domain.ledger.unit import Change, Committed, Ledger, Moved, Opening, Unit
from domain.offers.award import Parts
from domain.offers.catalog import Catalog
from domain.offers.ports import Catalogs
from domain.offers.take_back import GivenGrant, Origin, came_back_unused
from domain.till.capture import entry_row, grant_of, subsidy_moves
from domain.till.keep import TRIES, answer_only, came_before, first_of, unit_with
from domain.till.model import (
    Key,
    KeyReused,
    Line,
    NoRedemption,
    Redemption,
    Reversed,
    Shares,
    Told,
    TooLittle,
    TooMuch,
)
from domain.till.ports import Present, ReadTill
from domain.till.shares import spread, spread_shares, taken_back
from domain.wallet.facts import CouponFacts, CouponStatus


@dataclass(frozen=True, slots=True)
class ReverseRedemption:
    """amount: fen of what was paid that are given back now; 0 where nothing had to be paid."""

    key: Key
    redemption: UUID
    amount: Fen


@dataclass(frozen=True, slots=True)
class Used:
    """A coupon of a redemption, and what it came of, as both stand now."""

    coupon: CouponFacts
    origin: Origin


@dataclass(slots=True)
class Reversal:
    """What one reversal changes. after: of grants whose coupon came back though it is no longer earned."""

    outcome: Reversed
    back: tuple[Shares, ...]
    taken: tuple[Shares, ...]
    whole: bool
    coupons: tuple[str, ...]
    after: Parts
    moves: list[Move] = field(default_factory=list)
    opens: dict[Account, Opening] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)


async def reverse_redemption(
    command: ReverseRedemption,
    *,
    read: ReadTill,
    catalogs: Catalogs,
    ledger: Ledger,
    clock: Clock,
    present: Present,
) -> Told | KeyReused:
    """Take back, once a key.

    Raises:
        Busy: too much is waiting, or others kept being quicker; nothing was done.
    """
    key = command.key
    for _ in range(TRIES):
        found = await read.redemption(command.redemption)
        now = clock.now()
        if found is None or found.client != key.client:
            return await answer_only(key, present(NoRedemption()), now, read=read, ledger=ledger)
        left = found.payable - found.refunded
        # With everything paid back there is nothing left to reverse; a sale that cost nothing is reversed once, by 0.
        if found.whole or command.amount > left:
            return await answer_only(key, present(TooMuch(left)), now, read=read, ledger=ledger)
        if command.amount <= 0 < found.payable:
            return await answer_only(key, present(TooLittle(left)), now, read=read, ledger=ledger)
        catalog = await catalogs.latest()
        coupons: dict[UUID, Used] = {}
        for line in found.lines if command.amount == left else ():
            coupon = None if line.coupon is None else await read.coupon(found.customer, line.coupon)
            if coupon is not None:
                coupons[coupon.id] = Used(coupon, await read.origin(coupon, catalog))
        decided = decide_reversal(found, command.amount, coupons, catalog, now)
        told = present(decided.outcome)
        result = await ledger.commit(_unit(command, told, found, decided, now))
        if isinstance(result, Committed):
            return told
        if came_before(result):
            return await first_of(key, read)
        if not isinstance(result, Moved):
            raise Broken(f"a reversal met {type(result).__name__}")
    raise Busy("a reversal was overtaken again and again")


def decide_reversal(
    found: Redemption,
    amount: Fen,
    coupons: Mapping[UUID, Used],
    catalog: Catalog,
    now: datetime,
) -> Reversal:
    """What to take back of each line and whose share of it, and what a whole reversal gives back."""
    refunded = found.refunded + amount
    whole = refunded == found.payable
    of_lines = spread(
        [each.total for each in found.back], [line.discount for line in found.lines], refunded, found.payable
    )
    back = tuple(
        spread_shares(before, line.shares, now_back)
        for before, line, now_back in zip(found.back, found.lines, of_lines, strict=True)
    )
    taken = tuple(after.minus(before) for after, before in zip(back, found.back, strict=True))
    sum_now = taken_back(found.discount, refunded, found.payable)
    outcome = Reversed(found.id, sum_now - found.taken_back, (), False)
    decided = Reversal(outcome, back, taken, whole, found.coupons, Parts())
    returned: list[UUID] = []
    unused: set[str] = set()
    place = False
    for n, (line, part, so_far) in enumerate(zip(found.lines, taken, back, strict=True)):
        decided.moves += subsidy_moves(Op.REVERSE, found.merchant, line.campaign, line.offer, part)
        policy = _policy(line, catalog)
        quota_back = whole and line.quota and policy.quota and _still_runs(line, catalog, now)
        if line.coupon is None:
            if line.budget and part.bank:
                budget, spent = keys.budget(line.campaign, line.budget), keys.spent(line.campaign, line.budget)
                decided.moves.append(reverse(part.bank, spent, budget, "BUDGET"))
            gone = whole and (quota_back or not line.quota)
            cost = line.shares.bank - so_far.bank if line.budget else 0
            decided.changes.append(
                Change(
                    "offer_grant", grant_of(found.id, n), "GIVEN",
                    "REVOKED" if gone else "GIVEN", {"cost": cost},
                )
            )  # fmt: skip
        elif whole and policy.coupon and _still_valid(used := coupons.get(line.coupon), now):
            assert used is not None
            decided.moves.append(reverse(1, keys.redeemed(line.offer), keys.coupon(line.coupon), "COUPON"))
            decided.changes.append(Change("coupon", line.coupon, "USED", "AVAILABLE"))
            unused.add(str(line.coupon))
            if used.origin.grant.status == "KEPT":
                decided.after.absorb(_void(used, found, catalog, now))
            else:
                decided.changes.append(_as_it_stands(used.origin.grant))
                returned.append(line.coupon)
        if quota_back:
            quota, granted = keys.quota(line.campaign, line.offer), keys.granted(line.campaign, line.offer)
            decided.moves.append(reverse(1, granted, quota, "QUOTA"))
            place = True
        if whole and policy.allowance:
            for allowance in line.allowances:
                if allowance.until is None or now < allowance.until:
                    decided.opens[allowance.account] = Opening(balance=allowance.most)
                    decided.moves.append(reverse(1, keys.used(line.offer), allowance.account, "LIMIT"))
    decided.outcome = replace(outcome, coupons=tuple(returned), quota=place)
    decided.coupons = tuple(each for each in found.coupons if each not in unused)
    return decided


def _policy(line: Line, catalog: Catalog) -> Returns:
    """The return policy of the version the discount was judged by."""
    campaign = catalog.version(line.campaign, line.version)
    offer = campaign.offer(line.offer) if campaign is not None else None
    returns = offer.returns if offer is not None else Returns()
    return Returns(ReturnOn.NEVER, False, False, False) if returns.on is ReturnOn.NEVER else returns


def _still_runs(line: Line, catalog: Catalog, now: datetime) -> bool:
    of = catalog.granted(line.campaign, line.version, line.offer, now)
    return of is not None and catalog.timing(of, now).state is not OfferState.ENDED


def _still_valid(used: Used | None, now: datetime) -> bool:
    return used is not None and used.coupon.status is CouponStatus.USED and now < used.coupon.expires_at


def _void(used: Used, found: Redemption, catalog: Catalog, now: datetime) -> Parts:
    """What becomes of a coupon that nothing earns any more once it is unused again. Source: contract section 6."""
    grant = used.origin.grant
    _, offer = catalog.judged_by(grant.campaign, grant.version, grant.offer)
    note = f"the sale it was used in was reversed: redemption {found.id}"
    return came_back_unused(used.origin, used.coupon.id, offer, note, now)


def _as_it_stands(grant: GivenGrant) -> Change:
    """Should it cease to be earned at this moment, one of the two decides again."""
    return Change("offer_grant", grant.id, grant.status, grant.status)


def _unit(command: ReverseRedemption, told: Told, found: Redemption, decided: Reversal, now: datetime) -> Unit:
    values: dict[str, Any] = {
        "refunded": found.refunded + command.amount,
        "taken_back": found.taken_back + decided.outcome.taken_back,
        "back": [[each.bank, each.merchant, each.platform] for each in decided.back],
        "coupons": list(decided.coupons),
        "whole": decided.whole,
    }
    unit = new_id(found.lane, now)
    entry = entry_row(
        unit, found.lane, "REVERSAL", found.merchant, found.id, found.transaction, command.amount, found.lines,
        decided.taken, now,
    )  # fmt: skip
    after = decided.after
    return unit_with(
        command.key,
        told,
        id=unit,
        lane=found.lane,
        at=now,
        moves=[*decided.moves, *after.moves],
        opens={**decided.opens, **after.opens},
        changes=(
            Change("redemption", found.id, found.version, found.version + 1, values),
            *decided.changes,
            *after.changes,
        ),
        rows={**after.rows, "settlement_entry": (entry,)},
        signals=[
            *((f"viewer:{found.customer}", f"coupon:{coupon}") for coupon in decided.outcome.coupons),
            *after.signals,
        ],
    )
