"""A customer claims an offer in the hall.

Decided purely on facts read without locks; the commit is the arbiter of quota, budget and limits.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, assert_never
from uuid import UUID

from domain.campaigns.calendar import Calendar
from domain.campaigns.model import (
    Apply,
    Campaign,
    Claim,
    Extension,
    Limit,
    Offer,
    Schedule,
    SignUp,
    Story,
    Till,
    Trigger,
)
from domain.campaigns.schedule import state_of
from domain.campaigns.terms import OfferState, Per, Reason
from domain.kernel.errors import Broken, Busy, RequestReused
from domain.kernel.ids import lane_of
from domain.kernel.prints import fingerprint
from domain.kernel.time import Clock
from domain.kernel.words import Words
from domain.ledger.accounts import Account
from domain.ledger.unit import Committed, Gone, Ledger, Moved, Repeated, Request, Reused, Short
from domain.offers.answers import named_in, naming
from domain.offers.award import Award, Parts, award
from domain.offers.catalog import OfferOf
from domain.offers.outcomes import (
    AccountFrozen,
    ClaimOutcome,
    LimitReached,
    NotEligible,
    NotFound,
    NotOpen,
    OfferClaimed,
    SoldOut,
)
from domain.offers.periods import next_period, period_of
from domain.offers.units import unit_of
from domain.stories.explain import Eligibility, open_again
from domain.stories.plans import Plans
from domain.stories.state import StoryState
from domain.wallet.facts import CouponFacts


@dataclass(frozen=True, slots=True)
class ClaimOffer:
    request_id: UUID
    customer: str
    offer: str
    device: str | None = None


@dataclass(frozen=True, slots=True)
class ClaimFacts:
    """What was known at `now`. person: the customer's identity, where the bank has told it.

    story, plans: what the eligibility was judged by. coupons: those the customer holds, where the offer extends any.
    """

    eligibility: Eligibility
    person: str | None
    now: datetime
    story: StoryState | None
    plans: Plans
    coupons: tuple[CouponFacts, ...] = ()

    @property
    def calendar(self) -> Calendar:
        return self.plans.calendar


class ReadClaimFacts(Protocol):
    async def claim_facts(self, customer: str, campaign: Campaign, offer: Offer, now: datetime) -> ClaimFacts: ...

    async def answer_to(self, request: Request, lane: int) -> Repeated | Reused | None:
        """What the same request was answered when it was committed before."""
        ...


class ReadClaims(ReadClaimFacts, Protocol):
    async def coupons_by_id(self, customer: str, ids: Sequence[UUID]) -> Sequence[CouponFacts]:
        """The customer's own, as they stand."""
        ...


FindOffer = Callable[[str, datetime], OfferOf | None]
"""The offer of a code in the versions in force at a moment."""

_HOW_IT_COMES: Mapping[type[Trigger], Words] = {
    Apply: Words("此权益无需领取，请提交申请", "This benefit is not claimed: apply for it"),
    SignUp: Words("此权益无需领取，请报名参加", "This benefit is not claimed: sign up for it"),
    Till: Words("此优惠无需领取，支付时自动立减", "This discount is not claimed: it is taken off at the till"),
    Story: Words("此权益无需领取，达标后自动发放", "This benefit needs no claiming: it arrives by itself once earned"),
    Schedule: Words("此权益无需领取，届时自动发放", "This benefit needs no claiming: it arrives by itself in time"),
}

_NOTHING_TO_EXTEND = Reason(
    "NO_COUPON_TO_EXTEND",
    Words("没有可延期的优惠券", "There is no coupon to extend"),
    Words("领取本活动的优惠券后再来", "Come back with an unused coupon of this campaign"),
)


_DEVICE_NEEDED = Reason(
    "DEVICE_NEEDED",
    Words("此权益按设备限量，请在权益厅客户端内参与", "This benefit is limited by device, and yours is not known"),
    Words("用本行客户端打开权益厅", "Open the hall in the bank's own client"),
)


def uncounted(order: Award) -> NotEligible | None:
    """Why nobody takes part without a device where devices are counted: else leaving it out would avoid the limit."""
    counts = any(limit.per is Per.DEVICE for limit in order.offer.limits)
    return NotEligible((_DEVICE_NEEDED,)) if counts and order.device is None else None


def decide_claim(order: Award, facts: ClaimFacts) -> Parts | NotOpen | NotEligible:
    """What the claim would change, or why not."""
    campaign, offer = order.campaign, order.offer
    if not isinstance(offer.trigger, Claim):
        return NotEligible((Reason("NOT_CLAIMABLE", _HOW_IT_COMES[type(offer.trigger)]),))
    times = state_of(offer, campaign, facts.now, facts.calendar)
    if times.state is not OfferState.OPEN:
        opens = times.state in (OfferState.UPCOMING, OfferState.BETWEEN_WINDOWS)
        return NotOpen(times.next_change_at if opens else None)
    if not facts.eligibility.eligible:
        return NotEligible(tuple(facts.eligibility.reasons))
    if (refused := uncounted(order)) is not None:
        return refused
    parts = award(order)
    if any(isinstance(reward, Extension) for reward in offer.grants) and not parts.coupons:
        return NotEligible((_NOTHING_TO_EXTEND,))
    return parts


async def claim_offer(
    command: ClaimOffer,
    *,
    read: ReadClaims,
    find: FindOffer,
    frozen: AccountFrozen | None,
    ledger: Ledger,
    clock: Clock,
) -> ClaimOutcome:
    """Put the offer's coupons in the customer's wallet, once per `request_id`.

    Args:
        frozen: where the customer's benefits are on hold.

    Returns:
        What happened; for the same `request_id` the same coupons, as they stand by then, also when the offer has ended.

    Raises:
        RequestReused: the `request_id` came before with a different command.
        Busy: too much is waiting; nothing was done.
    """
    request = Request(command.customer, command.request_id, fingerprint("claimOffer", command.offer))
    lane = lane_of(command.customer)
    now = clock.now()
    found = find(command.offer, now)
    refusal: ClaimOutcome
    if found is None:
        refusal = NotFound()
    elif frozen is not None:
        refusal = frozen
    else:
        campaign, offer = found.campaign, found.offer
        facts = await read.claim_facts(command.customer, campaign, offer, now)
        order = Award(
            campaign, offer, command.customer, cause=str(command.request_id), by="CLAIM", at=now,
            earned_at=now, person=facts.person, device=command.device,
            details={"person": facts.person, "device": command.device}, coupons=facts.coupons,
        )  # fmt: skip
        decision = decide_claim(order, facts)
        if isinstance(decision, Parts):
            return await _commit(order, decision, facts, request, lane, read, ledger)
        refusal = decision
    # A refusal is judged afresh each time, but what was given once is answered as it was.
    match await read.answer_to(request, lane):
        case Repeated(answer):
            return await _there(read, command.customer, answer)
        case Reused():
            raise RequestReused
    return refusal


async def _commit(
    order: Award, parts: Parts, facts: ClaimFacts, request: Request, lane: int, read: ReadClaims, ledger: Ledger
) -> ClaimOutcome:
    answer = naming(coupons=[coupon.id for coupon in parts.coupons])
    result = await ledger.commit(unit_of(parts, lane=lane, at=order.at, request=request, answer=answer))
    match result:
        case Committed():
            return OfferClaimed(tuple(parts.coupons))
        case Repeated(first):
            return await _there(read, order.customer, first)
        case Reused():
            raise RequestReused
        case Short(account):
            return refusal_for(account, order, facts)
        case Moved():
            raise Busy("a coupon that the claim extends was used at this moment")
        case Gone():
            raise Broken("a claim answered Gone")
    assert_never(result)


def refusal_for(account: Account, order: Award, facts: ClaimFacts) -> SoldOut | LimitReached:
    """quota, budget -> SoldOut; limit -> LimitReached, with when it can be had again."""
    if not account.key.startswith("limit|"):
        return SoldOut()
    limit = next(limit for limit in order.offer.limits if _is_of(limit, account, order))
    begins = next_period(limit.period, order.earned_at)
    return LimitReached(limit.max, open_again(order.offer, order.campaign, facts.story, facts.now, facts.plans, begins))


def _is_of(limit: Limit, account: Account, order: Award) -> bool:
    period = period_of(limit.period, order.earned_at, order.campaign.code)
    return account.key.startswith(f"limit|{period}|{order.offer.code}|{limit.per.value.lower()}|")


async def _there(read: ReadClaims, customer: str, answer: str) -> OfferClaimed:
    ids = named_in(answer, "coupons")
    found = {coupon.id: coupon for coupon in await read.coupons_by_id(customer, ids)}
    return OfferClaimed(tuple(found[id] for id in ids))
