"""What could be taken off a payment, and why the rest could not. Pure: facts come as arguments.

Automatic discounts are judged by their offers' own conditions, at the hall's present moment and with the payment at
hand. A coupon may be used within its time, from its threshold on, at merchants of its groups; a REPAYMENT coupon at
merchants of the group `repayment` only, and no other coupon there. Sources: contract sections 4 and 6, plan rules A4,
A7, A10, A11, A18, B3 to B5, B12.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.campaigns.conditions import MerchantGroup, PaymentMethodIs
from domain.campaigns.facts import PurchaseFacts, facts_at
from domain.campaigns.model import Discount, Till
from domain.campaigns.terms import CouponKind, Per, Reason
from domain.kernel.ids import lane_of
from domain.kernel.time import SHANGHAI
from domain.ledger import keys
from domain.offers.catalog import Catalog, OfferOf
from domain.offers.periods import next_period, period_of
from domain.stories.events import MerchantStatus
from domain.stories.explain import explain
from domain.stories.state import StoryState
from domain.till import words
from domain.till.combine import Candidate, Combination, allocate
from domain.till.model import Allowance, Declined, Line, Payment
from domain.till.shares import funding_of, split
from domain.wallet.facts import CouponFacts, CouponStatus

REPAYMENT = "repayment"
"""The group of merchants whose till is the bank's own repayment page."""

AT_TILLS = frozenset({CouponKind.THRESHOLD, CouponKind.CASH, CouponKind.REPAYMENT})

_NOWHERE: frozenset[str] = frozenset()


@dataclass(slots=True)
class Payer:
    """Whose card it is, and what is known of them. customer None: the card is not known.

    frozen: their benefits are on hold. coupons: those that are AVAILABLE or HELD.
    """

    customer: str | None
    story: StoryState | None
    coupons: tuple[CouponFacts, ...]
    frozen: bool = False


@dataclass(slots=True)
class Judged:
    """candidates: what could be taken off. declined: what could not, and why. against: stands against all of it."""

    candidates: list[Candidate]
    declined: list[Declined]
    against: Reason | None = None


def judge(payment: Payment, payer: Payer, catalog: Catalog, now: datetime) -> Judged:
    """Every offer of the till and every coupon of the payer's: could it be taken off this payment now?"""
    against = _against_all(payment, payer, catalog, now)
    if against is not None:
        return Judged(
            [],
            [
                *(Declined(of.offer.code, against) for of in till_offers(catalog, now)),
                *(Declined(coupon.offer, against, coupon.id) for coupon in payer.coupons),
            ],
            against,
        )
    groups = catalog.told.groups_at(payment.merchant, now)
    purchase = PurchaseFacts(payment.amount, groups, method=payment.method)
    here, elsewhere = _by_groups(groups, catalog, now)
    found = Judged([], list(elsewhere))
    for of in here:
        reason = _against_offer(of, payment, payer, purchase, catalog, now)
        if reason is not None:
            found.declined.append(Declined(of.offer.code, reason))
            continue
        offer = of.offer
        off = sum(each.amount(payment.amount) for each in offer.rewards if isinstance(each, Discount))
        found.candidates.append(
            Candidate(of.campaign.code, offer.code, off, offer.stacking.stackable, offer.stacking.exclusion_group)
        )
    for coupon in payer.coupons:
        reason = against_coupon(coupon, purchase, catalog, now)
        if reason is not None:
            found.declined.append(Declined(coupon.offer, reason, coupon.id))
        else:
            found.candidates.append(candidate_of(coupon, catalog, now))
    return found


def candidate_of(coupon: CouponFacts, catalog: Catalog, now: datetime) -> Candidate:
    of = catalog.granted(coupon.campaign, coupon.version, coupon.offer, now)
    stackable = of is not None and of.offer.stacking.stackable
    group = of.offer.stacking.exclusion_group if of is not None else None
    return Candidate(coupon.campaign, coupon.offer, coupon.value, stackable, group, coupon.id, coupon.expires_at)


def against_coupon(coupon: CouponFacts, purchase: PurchaseFacts, catalog: Catalog, now: datetime) -> Reason | None:
    """Why the coupon cannot be used for this payment; None: it can."""
    if coupon.kind not in AT_TILLS:
        return words.NOT_AT_TILLS
    match coupon.status_at(now):
        case CouponStatus.HELD:
            return words.COUPON_HELD
        case CouponStatus.USED:
            return words.COUPON_USED
        case CouponStatus.EXPIRED:
            return words.COUPON_EXPIRED
        case CouponStatus.VOIDED:
            return words.COUPON_VOIDED
        case CouponStatus.AVAILABLE:
            pass
    if now < coupon.valid_from:
        return words.not_yet(coupon.valid_from)
    if coupon.kind is CouponKind.REPAYMENT:
        if REPAYMENT not in purchase.groups:
            return words.REPAYMENT_ONLY
    else:
        if coupon.merchant_groups and purchase.groups.isdisjoint(coupon.merchant_groups):
            return words.COUPON_ELSEWHERE
        if REPAYMENT in purchase.groups and REPAYMENT not in coupon.merchant_groups:
            return words.COUPON_ELSEWHERE
    if purchase.amount < coupon.min_spend:
        return words.too_small(coupon.min_spend)
    return _against_method(catalog.granted(coupon.campaign, coupon.version, coupon.offer, now), purchase, now)


def lines_of(chosen: Combination, payment: Payment, payer: Payer, catalog: Catalog, now: datetime) -> tuple[Line, ...]:
    """The chosen discounts as they are held and booked; one that takes nothing off any more is left out."""
    coupons = {coupon.id: coupon for coupon in payer.coupons}
    lines = []
    for one, off in zip(chosen, allocate(chosen, payment.amount), strict=True):
        if not off:
            continue
        if one.coupon is not None:
            coupon = coupons[one.coupon]
            of = catalog.granted(coupon.campaign, coupon.version, coupon.offer, now)
            shares = split(off, funding_of(of.offer if of is not None else None, coupon))
            lines.append(Line(coupon.campaign, coupon.version, coupon.offer, coupon.id, off, shares))
            continue
        here = next(of for of in till_offers(catalog, now) if of.offer.code == one.offer)
        offer, campaign = here.offer, here.campaign
        shares = split(off, funding_of(offer))
        lines.append(
            Line(
                campaign.code, campaign.version, offer.code, None, off, shares, offer.quota is not None,
                offer.line or "" if shares.bank else "", _allowances(here, payment, payer, now),
            )
        )  # fmt: skip
    return tuple(lines)


def till_offers(catalog: Catalog, now: datetime) -> Sequence[OfferOf]:
    """The automatic discounts of the campaigns that are on, in the order of their codes."""
    kept = catalog.kept.get("till.offers")
    if kept is None or not kept[0] <= now < kept[1]:
        kept = catalog.kept["till.offers"] = _till_offers(catalog, now)
    found: Sequence[OfferOf] = kept[2]
    return found


def _till_offers(catalog: Catalog, now: datetime) -> tuple[datetime, datetime, Sequence[OfferOf]]:
    """With the stretch of time in which the same campaigns are on."""
    found: list[OfferOf] = []
    since, until = datetime.min.replace(tzinfo=now.tzinfo), datetime.max.replace(tzinfo=now.tzinfo)
    for campaign in catalog.campaigns(now):
        phases = campaign.phases
        for at in (phases.warm_up_at, phases.closes_at):
            if at <= now:
                since = max(since, at)
            else:
                until = min(until, at)
        if phases.warm_up_at <= now < phases.closes_at:
            found += [of for of in catalog.offers_of(campaign).values() if isinstance(of.offer.trigger, Till)]
    stretch = catalog.plans.stretch_at(now)
    since, until = max(since, stretch.begins_at), min(until, stretch.ends_at)
    return since, until, tuple(sorted(found, key=lambda of: of.offer.code))


def _against_all(payment: Payment, payer: Payer, catalog: Catalog, now: datetime) -> Reason | None:
    """What stands against any discount at all."""
    merchant = catalog.merchant(payment.merchant)
    if merchant is None or merchant.status is not MerchantStatus.ACTIVE:
        return words.MERCHANT_OUT
    if payer.customer is None:
        return words.CARD_UNKNOWN
    if payer.frozen:
        return words.NOT_AVAILABLE
    card = payer.story.cards.get(payment.card) if payer.story is not None else None
    if card is None or card.product is None:
        return words.CARD_UNKNOWN
    if card.closed_at is not None and card.closed_at <= now:
        return words.CARD_CLOSED
    return None


def _by_groups(groups: frozenset[str], catalog: Catalog, now: datetime) -> tuple[Sequence[OfferOf], Sequence[Declined]]:
    """The offers that are for merchants of these groups, and the others, declined; the same for every payment there."""
    offers = till_offers(catalog, now)
    key = ("till.by_groups", groups)
    kept = catalog.kept.get(key)
    if kept is None or kept[0] is not offers:
        reasons = [(of, _elsewhere(of, groups, catalog)) for of in offers]
        here = tuple(of for of, reason in reasons if reason is None)
        elsewhere = tuple(Declined(of.offer.code, reason) for of, reason in reasons if reason is not None)
        kept = catalog.kept[key] = (offers, here, elsewhere)
    return kept[1], kept[2]


def _elsewhere(of: OfferOf, groups: frozenset[str], catalog: Catalog) -> Reason | None:
    """Most offers are for other merchants, which is said without looking any further."""
    for rule in of.offer.conditions:
        if isinstance(rule, MerchantGroup) and groups.isdisjoint(rule.groups):
            key = ("till.elsewhere", rule.groups)
            kept: Reason | None = catalog.kept.get(key)
            if kept is None:
                facts = facts_at(_ANY, StoryState())
                facts.subject, facts.names = PurchaseFacts(0, _NOWHERE), catalog.plans.names
                kept = catalog.kept[key] = rule.explain(facts)
            return kept
    return None


_ANY = datetime(2000, 1, 1, tzinfo=SHANGHAI)


def _against_offer(
    of: OfferOf, payment: Payment, payer: Payer, purchase: PurchaseFacts, catalog: Catalog, now: datetime
) -> Reason | None:
    """The first thing that stands against it; what time alone will not mend comes first."""
    judged = explain(of.offer, of.campaign, payer.story, now, catalog.plans, payment=purchase, card=payment.card)
    if judged.eligible:
        return None
    lasting = [reason for reason in judged.reasons if reason.next_at is None]
    if lasting:
        return lasting[0]
    reason = judged.reasons[0]
    return Reason(reason.code, reason.message, reason.remedy, judged.next_at)


def _against_method(of: OfferOf | None, purchase: PurchaseFacts, now: datetime) -> Reason | None:
    """A way of paying that the coupon's offer is restricted to, also since it was granted."""
    if of is None:
        return None
    for rule in of.campaign.conditions_of(of.offer):
        if isinstance(rule, PaymentMethodIs):
            facts = facts_at(now, StoryState())
            facts.subject = purchase
            reason = rule.explain(facts)
            if reason is not None:
                return reason
    return None


def _allowances(of: OfferOf, payment: Payment, payer: Payer, now: datetime) -> tuple[Allowance, ...]:
    assert payer.customer is not None
    found = []
    for limit in of.offer.limits:
        token = _counted(limit.per, payment, payer)
        if token is None:
            continue  # nobody to count by: the bank has not told who the customer is
        account = keys.limit(
            of.campaign.code, of.offer.code, per=limit.per.value.lower(), who=token,
            period=period_of(limit.period, now, of.campaign.code), lane=lane_of(payer.customer),
        )  # fmt: skip
        found.append(Allowance(account, limit.max, next_period(limit.period, now)))
    return tuple(found)


def _counted(per: Per, payment: Payment, payer: Payer) -> str | None:
    """Whom a limit counts by at a till, where no device of the customer's is known."""
    match per:
        case Per.CARD:
            return payment.card
        case Per.CUSTOMER:
            return payer.customer
        case Per.PERSON:
            return payer.story.profile.person if payer.story is not None and payer.story.profile is not None else None
        case Per.DEVICE:
            return None
