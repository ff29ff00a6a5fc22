"""Whether a customer may have an offer now, why not, and what is still to be done for it.

The same conditions that the fold judges by, asked about one offer at one moment. Nothing of risk rules or of other
customers is said here: neither is known here. Quota and the allowances of claims and tills are the ledger's to say:
whoever has read them passes them on. Without them this is what the conditions alone say, and the commit decides.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from domain.campaigns.conditions import Purchases, Tally
from domain.campaigns.facts import CardFacts, Facts, PurchaseFacts, facts_at
from domain.campaigns.model import Campaign, Offer, SignUp, Story
from domain.campaigns.schedule import OfferTimes
from domain.campaigns.terms import OfferState, Period, Reason, SubjectKind
from domain.campaigns.words import moment
from domain.kernel.time import SHANGHAI, add_months, day_start
from domain.kernel.words import Words
from domain.stories.fold import period_key
from domain.stories.plans import AskedOffer, Plans
from domain.stories.state import StoryState


@dataclass(slots=True)
class Eligibility:
    """Never changed; not frozen because a page makes forty, and that is what costs most in making one.

    eligible: nothing stands against it; then `missing` is what the customer still has to do, with remedies.

    reasons: why not. because: what holds and makes the offer theirs. next_at: from when it may be, where time alone
    stands against it. deadline: until when (exclusive) it can be earned or taken. changes_at: before that moment time
    alone changes none of this, as long as the offer's state stays; None: never.
    """

    eligible: bool
    reasons: tuple[Reason, ...]
    missing: tuple[Reason, ...]
    because: tuple[Words, ...]
    next_at: datetime | None
    deadline: datetime | None
    changes_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class UsedUp:
    """A limit of which nothing is left in the present period, as the ledger keeps it.

    most: what it was. again: when its next period begins; None: there is none. card: whose it is; None: it holds for
    the customer whatever the card. pending: an application of theirs, which took of it, waits for the bank's answer.
    lapsed: what they were given to choose from was not chosen in time.
    """

    most: int
    again: datetime | None
    card: str | None = None
    pending: bool = False
    lapsed: bool = False


LAPSED = UsedUp(1, None, lapsed=True)


@dataclass(frozen=True, slots=True)
class Progress:
    """done of needed: purchases, or fen where an amount is counted; 0 or 1 of 1 where one thing is asked."""

    done: int
    needed: int
    deadline: datetime | None


def explain(
    offer: Offer,
    campaign: Campaign,
    state: StoryState | None,
    now: datetime,
    plans: Plans,
    *,
    payment: PurchaseFacts | None = None,
    card: str | None = None,
    used_up: Collection[UsedUp] = (),
    sold_out: bool = False,
    waits: bool = True,
) -> Eligibility:
    """May they now, and if not why not. state None: nothing is known of the customer.

    payment, card: what is about to be paid at a till, with which card; then everything must hold at once.
    used_up: the customer's limits with nothing left. sold_out: nothing is left of its quota, or of the budget for it,
    for anybody. waits: where there is a waiting list, one may still wait; not for what no budget is left for.
    """
    known = state if state is not None else StoryState()
    facts = _facts(known, now, plans)
    if payment is not None:
        facts.subject = payment
        facts.card = known.cards.get(card or "") or CardFacts(card or "")
    _look_from(campaign, known, facts)
    asked = plans.asked(campaign, offer)
    return _explain(asked, offer, campaign, known, facts, plans, used_up, sold_out=sold_out, waits=waits)


class Asking(NamedTuple):
    """One of several offers of a page. used_up, sold_out, waits: as `explain` takes them."""

    campaign: Campaign
    offer: Offer
    used_up: Collection[UsedUp] = ()
    sold_out: bool = False
    waits: bool = True


def explain_many(
    page: Iterable[Asking], state: StoryState | None, now: datetime, plans: Plans
) -> list[tuple[Eligibility, Progress | None]]:
    """`explain` and `progress` of each, in the same order; for a page that shows them all."""
    known = state if state is not None else StoryState()
    facts = _facts(known, now, plans)
    found: list[tuple[Eligibility, Progress | None]] = []
    campaign: Campaign | None = None
    for one in page:
        if one.campaign is not campaign:
            campaign = one.campaign
            _look_from(campaign, known, facts)
        offer, way, told = one.offer, None, None
        asked = plans.asked(campaign, offer)
        if state is not None and asked.mission:
            told = _explain(asked, offer, campaign, known, facts, plans)
            way = _progress(told, offer, facts)
        if told is None or one.used_up or one.sold_out:
            told = _explain(
                asked, offer, campaign, known, facts, plans, one.used_up, sold_out=one.sold_out, waits=one.waits
            )
        found.append((told, way))
    return found


def progress(
    offer: Offer, campaign: Campaign, state: StoryState | None, now: datetime, plans: Plans
) -> Progress | None:
    """How far the customer is with an offer that is a mission; None where it is none, or not for this customer.

    A mission counts something, or asks for one thing within the customer's own time. What the ledger keeps (quota, the
    limits of claims) plays no part in it.
    """
    return explain_many([Asking(campaign, offer)], state, now, plans)[0][1]


def _progress(found: Eligibility, offer: Offer, facts: Facts) -> Progress | None:
    """facts: as `_explain` left them, at the card that is looked at."""
    received = any(reason.code in _USED_UP for reason in found.reasons)
    if not received and any(reason.code not in _COUNTING for reason in found.reasons):
        return None
    tally = offer.tally
    if tally is None:
        return Progress(int(received), 1, found.deadline)
    needed = tally.count if isinstance(tally, Purchases) else tally.at_least
    if received or tally.completed(facts.tallied) >= tally.rounds:
        return Progress(needed, needed, found.deadline)
    counted = facts.tallied[0] if isinstance(tally, Purchases) else facts.tallied[1]
    return Progress(counted % needed, needed, found.deadline)


_STEPS = ("NO_ACTIVATION", "NO_BINDING")
"""Reasons that are a first step on the way, where the bank's events give the offer."""

_USED_UP = ("ALREADY_RECEIVED", "LIMIT_REACHED")
_COUNTING = ("MORE_PURCHASES_NEEDED", "MORE_SPEND_NEEDED")


def _facts(state: StoryState, now: datetime, plans: Plans) -> Facts:
    facts = facts_at(now, state)
    facts.calendar, facts.segments, facts.names = plans.calendar, plans.segment_rules, plans.names
    return facts


def _look_from(campaign: Campaign, state: StoryState, facts: Facts) -> None:
    """What the offers of one campaign have in common."""
    phases = campaign.phases
    facts.campaign, facts.new_from, facts.new_until = campaign.code, phases.warm_up_at, phases.ends_at
    record, phase = state.records.get(campaign.code), phases.phase_at(facts.local)
    facts.record = record.get(phase) if record is not None and phase is not None else None


def _explain(
    asked: AskedOffer,
    offer: Offer,
    campaign: Campaign,
    state: StoryState,
    facts: Facts,
    plans: Plans,
    limits: Collection[UsedUp] = (),
    *,
    sold_out: bool = False,
    waits: bool = True,
) -> Eligibility:
    """facts: looked at from `campaign`; left at the card that is looked at."""
    times = plans.times(campaign, offer, facts.local)
    reasons = [] if times.state is OfferState.OPEN else list(_not_open(times))
    if times.state is OfferState.ENDED:  # nothing they do would help, and nothing else is worth saying
        return Eligibility(False, tuple(reasons), (), (), None, asked.closes_at)
    waits = sold_out and waits and isinstance(offer.trigger, SignUp) and offer.trigger.waiting_list
    against, because = _best_card(offer, asked, state, facts, limits)
    gone = _gone(offer, campaign, asked, state, facts, plans, limits, sold_out=sold_out and not waits)
    for_good = gone is not None and gone.next_at is None
    ends = [end for rule in asked.timed if (end := rule.deadline(facts)) is not None] if asked.timed else []
    missing: dict[str, Reason] | None = None
    if gone is not None:
        # What stood between the customer and a reward they have, or that nobody can have, is no longer worth saying;
        # nor is when it opens, where it brings them nothing then.
        reasons = [gone] if for_good else [*reasons, gone]
    elif asked.story is None:
        reasons += against
        if waits and not reasons:
            missing = {_FULL.code: _FULL}
    else:
        missing = {}
        for reason in against:
            if reason.code in _STEPS:
                missing[reason.code] = reason
            else:
                reasons.append(reason)
        for reason in _missing(offer, asked.story, facts, asked, ends):
            missing[reason.code] = reason
        if any(reason.remedy is None or reason.next_at is not None for reason in reasons):
            missing = None  # what they did now would not count, or not help
    changes_at = None if for_good else times.next_change_at
    if limits or not asked.still:
        changes_at = _changes_at(offer, campaign, asked, state, facts, limits, changes_at)
    return Eligibility(
        eligible=not reasons,
        reasons=tuple(reasons),
        missing=tuple(missing.values()) if missing else (),
        because=tuple(because),
        next_at=_last_opening(reasons) if reasons else None,
        deadline=min((*ends, asked.closes_at)) if ends else asked.closes_at,
        changes_at=changes_at,
    )


def _changes_at(
    offer: Offer,
    campaign: Campaign,
    asked: AskedOffer,
    state: StoryState,
    facts: Facts,
    limits: Collection[UsedUp],
    turns: datetime | None,
) -> datetime | None:
    """turns: when its windows may change it. facts: left as they were, at the card that is looked at."""
    moments = [] if turns is None else [turns]
    moments += [limit.again for limit in limits if limit.again is not None]
    moments += [at for rule in asked.moving if (at := rule.changes_at(facts)) is not None]
    if asked.anchored and asked.moving and len(state.cards) > 1:
        moments += _with_another_card(asked, state, facts)
    if asked.phased:
        phases = campaign.phases
        moments += [at for at in (phases.starts_at, phases.ends_at, phases.closes_at) if facts.local < at]
    if asked.tally is not None and asked.tally.period is not Period.CAMPAIGN:
        moments.append(_next_period(asked.tally.period, facts.day))
    for period, _ in asked.limits:
        if period is not Period.CAMPAIGN and (offer.code, period.value, "") in state.ordinals:
            moments.append(_next_period(period, facts.day))
    return min(moments, default=None)


def _with_another_card(asked: AskedOffer, state: StoryState, facts: Facts) -> list[datetime]:
    """When its conditions may change with a card that is not looked at: that one may then be the one to look at."""
    looked_at = facts.anchor
    found = []
    for card in state.cards.values():
        if card is not looked_at and _suits(card, asked):
            facts.anchor = card
            found += [at for rule in asked.moving if (at := rule.changes_at(facts)) is not None]
    facts.anchor = looked_at
    return found


def _last_opening(reasons: list[Reason]) -> datetime | None:
    times = [reason.next_at for reason in reasons if reason.next_at is not None]
    return max(times) if len(times) == len(reasons) else None


@lru_cache(maxsize=1024)
def _not_open(found: OfferTimes) -> tuple[Reason, ...]:
    """The same for everybody, so that it is worded once."""
    at = found.next_change_at
    match found.state:
        case OfferState.UPCOMING if at is not None:
            opens = moment(at)
            return (
                Reason(
                    "NOT_STARTED",
                    Words(f"{opens.zh}开始", f"Begins on {opens.en}"),
                    Words(f"请于{opens.zh}后参加", f"Come back from {opens.en}"),
                    at,
                ),
            )
        case OfferState.BETWEEN_WINDOWS if at is not None:
            opens = moment(at)
            return (
                Reason(
                    "OUTSIDE_WINDOW",
                    Words("不在活动时段内", "Not in its hours"),
                    Words(f"{opens.zh}起可参加", f"Come back from {opens.en}"),
                    at,
                ),
            )
        case OfferState.ENDED:
            return (Reason("ENDED", Words("活动已结束", "This has ended")),)
        case OfferState.PAUSED:
            return (Reason("PAUSED", Words("活动暂停", "This is paused")),)
        case _:
            return ()


_FULL = Reason(
    "WAITING_LIST",
    Words("名额已满，可候补", "All places are taken; there is a waiting list"),
    Words("报名后按先后顺序候补", "Sign up to wait; who came first moves up first"),
)
# Nothing is used up for whoever waits: the bank may say no, and then it is theirs to ask again.
_PENDING = Reason(
    "ALREADY_APPLIED",
    Words("您的申请正在审核中", "Your application is with the bank"),
    Words("请等待审核结果，届时将发消息通知您", "Wait for its answer; a message will tell you"),
)
_LAPSED = Reason("NOT_CHOSEN_IN_TIME", Words("未在期限内选择，已失效", "It was not chosen in time and has lapsed"))
_SOLD_OUT = Reason("SOLD_OUT", Words("名额已领完", "There is none left"))


def _gone(
    offer: Offer,
    campaign: Campaign,
    asked: AskedOffer,
    state: StoryState,
    facts: Facts,
    plans: Plans,
    limits: Collection[UsedUp],
    *,
    sold_out: bool,
) -> Reason | None:
    """Why nothing of it is left for the customer now, whatever they do. What is for good is said first.

    facts: at the card that is looked at.
    """
    found = _allowance(offer, campaign, asked, state, facts, plans) if asked.limits else None
    if any(limit.lapsed for limit in limits):
        found = _LAPSED
    elif found is None and limits:
        used_up = _used_up(asked, state, limits)
        if used_up is not None and used_up.pending:
            found = _PENDING
        elif used_up is not None:
            found = _limit_reached(offer, campaign, asked, facts, used_up.most, used_up.again, plans)
    return _SOLD_OUT if sold_out and (found is None or found.next_at is not None) else found


def _used_up(asked: AskedOffer, state: StoryState, limits: Collection[UsedUp]) -> UsedUp | None:
    """The limit that keeps the customer away longest. One by card does once no card of theirs has anything left."""
    whole = [limit for limit in limits if limit.card is None]
    by_card = [
        [limit for limit in limits if limit.card == card.card] for card in state.cards.values() if _suits(card, asked)
    ]
    if by_card and all(by_card):
        whole.append(min((max(of_card, key=_until) for of_card in by_card), key=_until))
    return max(whole, key=_until, default=None)


def _until(limit: UsedUp) -> datetime:
    return limit.again or datetime.max.replace(tzinfo=UTC)


def _suits(card: CardFacts, asked: AskedOffer) -> bool:
    return card.closed_at is None and card.product in asked.products


def _limit_reached(
    offer: Offer,
    campaign: Campaign,
    asked: AskedOffer,
    facts: Facts,
    most: int,
    again: datetime | None,
    plans: Plans,
) -> Reason:
    """again: when the next period begins. The customer is told when they may from then on, if they ever may."""
    if again is None:
        return _used_for_good(most)
    return _used_until(most, _open_from(offer, campaign, asked, facts, again, plans))


def open_again(
    offer: Offer, campaign: Campaign, state: StoryState | None, now: datetime, plans: Plans, again: datetime | None
) -> datetime | None:
    """When the customer, who has used up a limit, may have the offer again; None: never.

    again: when the limit's next period begins; None: there is none. Then the offer may be between its windows, or it
    may not be the customer's own time (the month of their birthday): it is the first moment from then on at which
    neither stands against it.
    """
    if again is None:
        return None
    known = state if state is not None else StoryState()
    facts = _facts(known, now, plans)
    _look_from(campaign, known, facts)
    asked = plans.asked(campaign, offer)
    if asked.moving:
        _best_card(offer, asked, known, facts, ())
    return _open_from(offer, campaign, asked, facts, again, plans)


_TURNS = 8
"""How often window and own time may send to one another before nothing more is promised."""


def _open_from(
    offer: Offer, campaign: Campaign, asked: AskedOffer, facts: Facts, at: datetime, plans: Plans
) -> datetime | None:
    """The first moment from `at` on at which it is open and the customer's own time; None: there is none."""
    for _ in range(_TURNS):
        then = plans.times_later(campaign, offer, at)
        if then.state in (OfferState.UPCOMING, OfferState.BETWEEN_WINDOWS) and then.next_change_at is not None:
            at = then.next_change_at
        elif then.state is OfferState.ENDED:
            return None
        mine = _own_time(asked, facts, at) if asked.moving else at
        if mine is None or mine == at:
            return mine
        at = mine
    return None


def _own_time(asked: AskedOffer, facts: Facts, at: datetime) -> datetime | None:
    """The first moment from `at` on at which time lets the conditions hold; None: by then it has taken one away.

    One that does not hold now either, and that time will not mend, is a reason of its own. facts: as they are now.
    """
    present = facts.at, facts.local
    facts.at = facts.local = at.astimezone(SHANGHAI)
    # Most hold, which is found out for less than why one does not.
    failing = [rule for rule in asked.moving if not rule.judge(facts)]
    later = [rule.explain(facts) for rule in failing]
    facts.at, facts.local = present
    own = at
    for rule, reason in zip(failing, later, strict=True):
        if reason is not None and reason.next_at is not None:
            own = max(own, reason.next_at)
        elif reason is not None and rule.explain(facts) is None:
            return None
    return own


@lru_cache(maxsize=64)
def _used_for_good(most: int) -> Reason:
    return Reason("LIMIT_REACHED", Words(f"次数已用完（{most}次）", f"The allowance of {most} is used up"))


@lru_cache(maxsize=1024)
def _used_until(most: int, again: datetime | None) -> Reason:
    """again None: the offer ends before the next period begins."""
    message = Words(f"本期次数已用完（{most}次）", f"The allowance of {most} is used up")
    if again is None:
        return Reason("LIMIT_REACHED", message)
    opens = moment(again)
    return Reason("LIMIT_REACHED", message, Words(f"{opens.zh}起可再次参加", f"Again from {opens.en}"), again)


def _allowance(
    offer: Offer, campaign: Campaign, asked: AskedOffer, state: StoryState, facts: Facts, plans: Plans
) -> Reason | None:
    """A limit that the fold itself has counted to its end. Those of claims and tills are the ledger's."""
    if not state.ordinals:
        return None
    today = facts.day
    for period, most in asked.limits:  # a limit by card says nothing here: another card may have an allowance left
        kept = state.ordinals.get((offer.code, period.value, ""))
        if kept is None or kept[0] != period_key(period, today) or kept[1] < most:
            continue
        if period is Period.CAMPAIGN and offer.code in state.missed:
            return Reason("SOLD_OUT", Words("达标时名额已满", "Its places had gone when you qualified"))
        if period is Period.CAMPAIGN:
            return Reason("ALREADY_RECEIVED", Words("您已获得该权益", "You have received this already"))
        return _limit_reached(offer, campaign, asked, facts, most, _next_period(period, today), plans)
    return None


@lru_cache(maxsize=64)
def _next_period(period: Period, today: date) -> datetime:
    match period:
        case Period.DAY:
            return day_start(today + timedelta(days=1))
        case Period.WEEK:
            return day_start(today + timedelta(days=7 - today.weekday()))
        case Period.MONTH:
            return day_start(add_months(today.replace(day=1), 1))
        case Period.YEAR | Period.CAMPAIGN:
            return day_start(today.replace(year=today.year + 1, month=1, day=1))


def _best_card(
    offer: Offer, asked: AskedOffer, state: StoryState, facts: Facts, limits: Collection[UsedUp]
) -> tuple[list[Reason], list[Words]]:
    """What stands against the offer with the card that has the least against it, and what speaks for it there.

    A card with nothing left of its limit is not asked about while another has. `facts` is left at that card.
    """
    candidates: list[CardFacts | None] = [None]
    if asked.anchored:
        spent = {limit.card for limit in limits}
        held = [card for card in state.cards.values() if _suits(card, asked)]
        held = [card for card in held if card.card not in spent] or held
        candidates = [*held] if held else [None]
    if len(candidates) == 1:
        return _at_card(offer, asked, state, facts, candidates[0])
    weighed = []
    for card in candidates:
        against, _ = _at_card(offer, asked, state, facts, card)
        weighed.append((sum(reason.remedy is None for reason in against), len(against)))
    return _at_card(offer, asked, state, facts, candidates[weighed.index(min(weighed))])


def _at_card(
    offer: Offer, asked: AskedOffer, state: StoryState, facts: Facts, card: CardFacts | None
) -> tuple[list[Reason], list[Words]]:
    facts.anchor = card
    if asked.tally is not None:
        kept = state.tallies.get((offer.code, "" if card is None else card.card)) or state.tallies.get((offer.code, ""))
        present = kept is not None and kept.period == period_key(asked.tally.period, facts.day)
        facts.tallied = (kept.count, kept.amount) if kept is not None and present else (0, 0)
    against: dict[str, Reason] = {}
    because: list[Words] = []
    for rule, words in asked.rules:
        reason = rule.explain(facts)
        if reason is not None:
            if reason.next_at is not None and reason.next_at >= asked.closes_at:
                reason = Reason(reason.code, reason.message)  # by then it is over
            against.setdefault(reason.code, reason)
        elif words is not None:
            because.append(words)
    late = _too_late_for(asked.story, card)
    if late is not None:
        against.setdefault(late.code, late)
    return list(against.values()), because


def _too_late_for(story: Story | None, card: CardFacts | None) -> Reason | None:
    """A card is approved once; what its approval did not bring it will not bring any more. The same of activation."""
    if card is None or story is None:
        return None
    match story.subject:
        case SubjectKind.ACTIVATION if card.activated_at is not None:
            return Reason("ALREADY_ACTIVATED", Words("卡片已激活", "The card is activated already"))
        case SubjectKind.APPROVAL if card.approved_at is not None:
            return Reason("ALREADY_APPROVED", Words("卡片已核卡", "The card is approved already"))
        case _:
            return None


def _missing(offer: Offer, story: Story, facts: Facts, asked: AskedOffer, ends: list[datetime]) -> Iterable[Reason]:
    """What the customer still has to do for an offer that the bank's events give."""
    if not (offer.limits or asked.tally) or not offer.grants:
        return  # without a limit it is given again and again: nothing is ever missing
    if asked.tally is not None:
        reason = _still_to_count(asked.tally, facts)
        if reason is not None:
            yield reason
        if story.subject is SubjectKind.PURCHASE:
            return
    yield _to_do(story.subject, asked.asked, min(ends, default=None))


@lru_cache(maxsize=4096)
def _to_do(subject: SubjectKind, like: Words, before: datetime | None) -> Reason:
    """like: what it must be like. Many offers and customers have the same, so it is worded once."""
    code, message, deed = _DEEDS[subject]
    zh = f"{deed.zh}（{like.zh}）" if like.zh else deed.zh
    en = f"{deed.en} ({like.en})" if like.en else deed.en
    if before is not None:
        until = moment(before)
        zh, en = f"{zh}，{until.zh}前", f"{en}, before {until.en}"
    return Reason(code, message, Words(zh, en))


def _still_to_count(tally: Tally, facts: Facts) -> Reason | None:
    """What the present round lacks."""
    whole = facts.tallied
    done = tally.completed(whole)
    if done >= tally.rounds:
        return None
    if isinstance(tally, Purchases):
        facts.tallied = (whole[0] - done * tally.count, whole[1])
    else:
        facts.tallied = (whole[0], whole[1] - done * tally.at_least)
    reason = tally.explain(facts)
    facts.tallied = whole
    return reason


_DEEDS = {
    SubjectKind.PURCHASE: (
        "PURCHASE_NEEDED",
        Words("还没有符合条件的消费", "No purchase that qualifies yet"),
        Words("用卡消费", "Pay with the card"),
    ),
    SubjectKind.BINDING: (
        "BINDING_NEEDED",
        Words("还没有绑定", "Not bound yet"),
        Words("绑定微信或支付宝", "Bind WeChat or Alipay"),
    ),
    SubjectKind.INSTALMENT: (
        "INSTALMENT_NEEDED",
        Words("还没有符合条件的分期", "No instalment that qualifies yet"),
        Words("办理分期", "Set up an instalment"),
    ),
    SubjectKind.ACTIVATION: (
        "NO_ACTIVATION",
        Words("尚未激活卡片", "The card is not activated yet"),
        Words("激活卡片", "Activate the card"),
    ),
    SubjectKind.APPROVAL: (
        "APPROVAL_NEEDED",
        Words("还没有核卡", "No card approved yet"),
        Words("申请卡片并获批", "Apply for a card and have it approved"),
    ),
}
