"""A customer's story folded into what it earns.

Pure: the same events, plans and merchants give the same earnings, in whatever order the events arrived. Two ways lead
there: `fold_all` over the whole story, and `fold_on` from where an earlier fold stopped, where `can_fold_on` allows it.
Refunds and cancelled instalments are taken off first, so a purchase counts with what is left of it. What happens on a
card after it was closed brings nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from domain.campaigns.facts import (
    BindingFacts,
    CardEventFacts,
    CardFacts,
    Facts,
    First,
    InstalmentFacts,
    Profile,
    PurchaseFacts,
    Record,
)
from domain.campaigns.model import Cashback, FeeWaiver, Reward, WaiverBasis, cost_of
from domain.campaigns.terms import Per, Period, Phase, Product, SubjectKind
from domain.kernel.money import PPM, Fen, Points, share_of
from domain.kernel.time import SHANGHAI
from domain.stories.events import (
    CardActivated,
    CardApplied,
    CardApproved,
    CardClosed,
    CustomerUpdated,
    InstalmentCancelled,
    InstalmentCreated,
    MerchantUpdated,
    StoryEvent,
    TransactionPosted,
    TransactionRefunded,
    WalletBound,
    WalletUnbound,
    in_order,
    sort_key,
)
from domain.stories.merchants import Merchants
from domain.stories.plans import Plans, PurchaseWay, ReadyOffer, Stretch
from domain.stories.state import Application, StoryState, Tallied


class Resolved(NamedTuple):
    """A reward with its figure. amount: of a cashback or waiver; else 0, and the figures stand in the reward."""

    reward: Reward
    amount: Fen

    @property
    def cost(self) -> Fen:
        return cost_of(self.reward, self.amount)


class Earned(NamedTuple):
    """cause: which earning of the offer this is, the same however late the events came.

    Under a limit it is the period and the ordinal in it (`campaign#1`, `2026-10-02#1`, of a card `2026-10-02#1@card`),
    else the subject's own key. basis: the fen an amount-dependent reward counts from; a draw chance carries it too.
    amount: what the amount-dependent rewards came to; 0 where all are fixed.
    """

    campaign: str
    version: int
    offer: str
    cause: str
    at: datetime
    card: str
    subject: str
    basis: Fen
    rewards: tuple[Resolved, ...]
    amount: Fen


class BonusPart(NamedTuple):
    offer: str
    ppm: int
    points: Points


class PointsEarned(NamedTuple):
    """total = base + the bonuses + rounding. The parts are rounded down each, the total once, so rounding is small.

    amount: the purchase after refunds. version: of `campaign`, whose rate it is.
    """

    transaction: str
    campaign: str
    version: int
    at: datetime
    card: str
    amount: Fen
    base: Points
    bonuses: tuple[BonusPart, ...]
    rounding: Points
    total: Points


@dataclass(frozen=True, slots=True)
class Folded:
    """points: one for each purchase whose card and rate are known, of 0 too: then there is nothing left to keep."""

    state: StoryState
    earned: list[Earned]
    points: list[PointsEarned]


def fold_all(
    events: Iterable[StoryEvent], plans: Plans, merchants: Merchants, *, missed: frozenset[str] = frozenset()
) -> Folded:
    """Fold a whole story, given in any order. What is told twice (a transaction, an instalment, a refund) counts as it
    was told first.

    missed: offers of which nothing was left whenever the customer earned them.
    """
    return _fold(StoryState(missed=missed), in_order(events), plans, merchants)


def fold_on(state: StoryState, events: Iterable[StoryEvent], plans: Plans, merchants: Merchants) -> Folded:
    """Fold what came after `state`, which stays as it is. Only where `can_fold_on`; earned is what is new."""
    return carry_on(state.copy(), events, plans, merchants)


def carry_on(state: StoryState, events: Iterable[StoryEvent], plans: Plans, merchants: Merchants) -> Folded:
    """As `fold_on`, but in `state` itself, which is the caller's alone and of no more use if this raises."""
    return _fold(state, in_order(events), plans, merchants)


def can_fold_on(state: StoryState, events: Iterable[StoryEvent], plans: Plans) -> bool:
    """Whether folding `events` on `state` comes to the same as folding the whole story.

    It does not where something earlier changes: an event that sorts before the last one folded, a refund or
    cancellation of something folded already, the first news of a profile or of a card already seen, a campaign version
    with effect on the time already folded. A transaction told again under another event's name cannot be seen from here
    (the state keeps no transactions): whoever keeps the references folds the whole story then.
    """
    if state.upto is None:
        return True
    if plans.unknown_before(state.versions, state.upto[0]):
        return False
    events = list(events)
    own: set[str] | None = None
    for event in events:
        match event:
            case TransactionPosted():
                pass  # most events are
            case TransactionRefunded(transaction=taken_back) | InstalmentCancelled(instalment=taken_back):
                own = own if own is not None else _told_in(events)
                if taken_back not in own:
                    return False
                continue
            case CustomerUpdated():
                if state.profile is None:
                    return False
            case CardApproved(card=card):
                seen = state.cards.get(card)
                if seen is not None and seen.approved_at is None:
                    return False
            case _:
                pass
        if event.at <= state.upto[0] and sort_key(event) <= state.upto:
            return False
    return True


def _told_in(events: Iterable[StoryEvent]) -> set[str]:
    """The transactions and instalments of which these events tell first."""
    own = {event.transaction for event in events if isinstance(event, TransactionPosted)}
    return own | {event.instalment for event in events if isinstance(event, InstalmentCreated)}


def points_of(
    event: TransactionPosted, amount: Fen, per_yuan: int, owner: tuple[str, int], bonuses: Sequence[tuple[str, int]]
) -> PointsEarned:
    """Points = floor(yuan x base x (1 + sum of bonuses)), exactly, in whole numbers. bonuses: (offer, ppm)."""
    by_base = amount * per_yuan
    base = rounded = by_base // 100
    factor, parts = PPM, []
    for offer, ppm in bonuses:
        points = by_base * ppm // (100 * PPM)
        parts.append(BonusPart(offer, ppm, points))
        rounded += points
        factor += ppm
    total = by_base * factor // (100 * PPM)
    campaign, version = owner
    return PointsEarned(
        event.transaction, campaign, version, event.at, event.card, amount, base, tuple(parts), total - rounded, total
    )


def period_key(period: Period, day: date) -> str:
    """The name of the period that a Shanghai day lies in; a week by its Monday."""
    match period:
        case Period.DAY:
            return day.isoformat()
        case Period.WEEK:
            return f"week-{(day - timedelta(days=day.weekday())).isoformat()}"
        case Period.MONTH:
            return f"{day.year}-{day.month:02d}"
        case Period.YEAR:
            return str(day.year)
        case Period.CAMPAIGN:
            return "campaign"


# The fold itself -------------------------------------------------------------------------------------------------

_SHORTEST = {period: index for index, period in enumerate(Period)}
_ASIDE = (TransactionRefunded, InstalmentCancelled)
"""These change what was told, and have no place in the story themselves."""

_NEVER = datetime.min.replace(tzinfo=SHANGHAI)


def _fold(state: StoryState, events: list[StoryEvent], plans: Plans, merchants: Merchants) -> Folded:
    fold = _Fold(state, plans, merchants)
    fold.look_ahead(events)
    for event in events:
        fold.take(event)
    for event in reversed(events):
        if not isinstance(event, _ASIDE):
            state.upto = sort_key(event)
            break
    if state.versions != plans.newest:
        state.versions = dict(plans.newest)
    return Folded(state, fold.earned, fold.points)


@dataclass(slots=True)
class _Way:
    """A `PurchaseWay` of the plans for one customer: without what is used up, with the records themselves."""

    plan: PurchaseWay
    judged: tuple[ReadyOffer, ...]
    usual: tuple[ReadyOffer, ...]
    records: list[Record]


class _Fold:
    """One run. `state` is changed in place; it belongs to the run."""

    __slots__ = (
        "_cancelled", "_facts", "_merchants", "_plans", "_products", "_purchase", "_refunded", "_state", "_stretch",
        "_told", "_told_instalments", "_ways", "earned", "points",
    )  # fmt: skip

    def __init__(self, state: StoryState, plans: Plans, merchants: Merchants) -> None:
        self._state = state
        self._plans = plans
        self._merchants = merchants
        self.earned: list[Earned] = []
        self.points: list[PointsEarned] = []
        self._refunded: dict[str, Fen] = {}
        self._cancelled: set[str] = set()
        self._told: set[str] = set()
        self._told_instalments: set[str] = set()
        self._products: dict[str, CardApproved] = {}
        self._facts = Facts(_NEVER, _NEVER, state, calendar=plans.calendar, segments=plans.segment_rules)
        self._purchase = PurchaseFacts(0)
        self._stretch: Stretch | None = None
        # By card, groups and country: what a purchase can still matter to in the present stretch.
        self._ways: dict[tuple[str, frozenset[str], str], _Way] = {}

    def look_ahead(self, events: Iterable[StoryEvent]) -> None:
        """Take in what holds whenever it is learned: refunds, and the first news of a profile or a card's product.

        A refund told again under another event's name is the same refund: it counts once, as it was told first.
        """
        profile: CustomerUpdated | None = None
        refunds: set[tuple[str, str]] = set()
        for event in events:
            match event:
                case TransactionPosted():
                    pass  # most events are
                case TransactionRefunded(transaction=transaction, refund=refund):
                    if (transaction, refund) not in refunds:
                        refunds.add((transaction, refund))
                        self._refunded[transaction] = self._refunded.get(transaction, 0) + event.amount
                case InstalmentCancelled():
                    self._cancelled.add(event.instalment)
                case CardApproved():
                    self._products.setdefault(event.card, event)
                case CustomerUpdated():
                    profile = profile or event
                case _:
                    pass
        if self._state.profile is None and profile is not None:
            self._state.profile = _profile(profile)

    def take(self, event: StoryEvent) -> None:
        match event:
            case TransactionPosted():
                self._take_purchase(event)
            case InstalmentCreated():
                self._take_instalment(event)
            case WalletBound():
                card = self._card(event.card)
                if card.closed_at is None:
                    self._state.bindings.setdefault((event.card, event.provider), event.at)
                self._take_subject(SubjectKind.BINDING, BindingFacts(event.provider), card, event.at, event.key)
            case WalletUnbound():
                self._state.bindings.pop((event.card, event.provider), None)
            case CardActivated():
                card = self._card(event.card)
                card.activated_at = event.at
                card.quiet_since = self._state.last_purchase_at
                card.first_since_activation = None
                self._take_subject(SubjectKind.ACTIVATION, CardEventFacts(), card, event.at, event.card)
            case CardApproved():
                self._take_approval(event)
            case CardApplied():
                self._state.application = Application(event.product, event.flyer)
            case CardClosed():
                self._close(self._card(event.card), event.at)
            case CustomerUpdated():
                self._state.profile = _profile(event)
            case TransactionRefunded() | InstalmentCancelled() | MerchantUpdated():
                pass  # looked at ahead; a merchant is no part of a customer's story

    def _card(self, token: str) -> CardFacts:
        card = self._state.cards.get(token)
        if card is None:
            card = self._state.cards[token] = CardFacts(token)
            known = self._products.get(token)
            if known is not None:
                card.product = known.product
        return card

    def _close(self, card: CardFacts, at: datetime) -> None:
        if card.closed_at is None:  # said again: the first word counts
            card.closed_at = at
            bindings = self._state.bindings
            for bound in [key for key in bindings if key[0] == card.card]:
                del bindings[bound]

    def _take_approval(self, event: CardApproved) -> None:
        card = self._card(event.card)
        if card.approved_at is not None:
            return  # said again: the first word counts
        applied, flyer = self._state.application, event.flyer
        if applied is not None and applied.product is event.product:
            flyer = flyer or applied.flyer
            self._state.application = None
        card.product = event.product
        card.new_customer = event.new_customer
        card.channel = event.channel
        card.flyer = flyer
        card.last4 = event.last4
        card.approved_at = event.at
        self._take_subject(SubjectKind.APPROVAL, CardEventFacts(), card, event.at, event.card)

    def _begin(self, at: datetime, card: CardFacts) -> Stretch:
        facts = self._facts
        facts.at = at
        facts.local = at.astimezone(SHANGHAI)
        facts.card = card
        stretch = self._stretch
        if stretch is None or not stretch.begins_at <= at < stretch.ends_at:
            stretch = self._stretch = self._plans.stretch_at(at)
            self._ways.clear()
        return stretch

    def _take_subject(
        self, kind: SubjectKind, subject: BindingFacts | CardEventFacts, card: CardFacts, at: datetime, key: str
    ) -> None:
        if card.product is None or card.closed_at is not None:
            return
        stretch = self._begin(at, card)
        self._facts.subject = subject
        for ready in stretch.for_subject(kind, card.product):
            if self._holds(ready):
                self._earn(ready, key, 0, 0)

    def _take_instalment(self, event: InstalmentCreated) -> None:
        if event.instalment in self._told_instalments:
            return
        self._told_instalments.add(event.instalment)
        card = self._card(event.card)
        if card.product is None or card.closed_at is not None:
            return
        facts = self._facts
        stretch = self._begin(event.at, card)
        if event.instalment not in self._cancelled:
            facts.subject = InstalmentFacts(event.kind, event.principal, event.periods, event.fee, event.instalment)
            for ready in stretch.for_subject(SubjectKind.INSTALMENT, card.product):
                if ready.wants_record:
                    phase = stretch.phases[ready.campaign]
                    facts.record = self._state.records.get(ready.campaign, {}).get(phase) if phase else None
                if self._holds(ready):
                    self._earn(ready, event.instalment, event.principal, event.fee)
        for record in self._records(stretch.records_of(card.product)):
            record.instalments[event.kind] = record.instalments.get(event.kind, 0) + 1

    def _take_purchase(self, event: TransactionPosted) -> None:
        if event.transaction in self._told:
            return
        self._told.add(event.transaction)
        state, at, amount = self._state, event.at, event.amount
        if self._refunded:
            amount = max(0, amount - self._refunded.get(event.transaction, 0))
        card = self._card(event.card)
        if card.closed_at is not None:
            amount = 0  # as one that was wholly refunded
        is_first = False
        for held in state.cards.values():
            if held.first_since_approval is None and held.approved_at is not None:
                held.first_since_approval = First(event.transaction, amount, at)
                is_first = True
            if held.first_since_activation is None and held.activated_at is not None:
                held.first_since_activation = First(event.transaction, amount, at)
                is_first = True
        groups = self._merchants.groups_at(event.merchant, at)
        if card.product is not None:
            self._judge_purchase(event, amount, card, card.product, groups, is_first=is_first)
        state.last_purchase_at = at
        if amount > 0:
            for group in groups:
                state.at_groups[group] = at

    def _judge_purchase(
        self,
        event: TransactionPosted,
        amount: Fen,
        card: CardFacts,
        product: Product,
        groups: frozenset[str],
        *,
        is_first: bool,
    ) -> None:
        stretch = self._begin(event.at, card)
        key = (card.card, groups, event.country)
        way = self._ways.get(key)
        if way is None:
            way = self._ways[key] = self._way(stretch, product, groups, event.country)
        bonuses: list[tuple[str, int]] = []
        if amount > 0:
            subject = self._purchase
            subject.amount = amount
            subject.groups = groups
            subject.channel = event.channel
            subject.method = event.method
            subject.country = event.country
            subject.transaction = event.transaction
            self._facts.subject = subject
            for ready in way.judged if is_first else way.usual:
                if ready.bonus is not None or ready.tally is None:
                    if not self._holds(ready):
                        continue
                    if ready.bonus is not None:
                        bonuses.append((ready.code, ready.bonus.ppm))
                if ready.subject is SubjectKind.PURCHASE and ready.grants:
                    if ready.tally is not None:
                        self._count_and_earn(ready, amount, event.transaction)
                    else:
                        self._earn(ready, event.transaction, amount, 0)
            for ready in way.plan.counted:
                self._count_only(ready, amount)
            for record in way.records:
                record.purchases += 1
                record.spend += amount
        plan = way.plan
        if plan.rate is not None:
            self.points.append(points_of(event, amount, plan.per_yuan, plan.rate, bonuses))

    def _way(self, stretch: Stretch, product: Product, groups: frozenset[str], country: str) -> "_Way":
        """The stretch's way without the offers that this customer has used up."""
        plan = stretch.for_purchase(product, groups, country)
        judged, usual = plan.judged, plan.usual
        spent = [ready for ready in judged if ready.lasting and ready.bonus is None and self._used_up(ready)]
        if spent:
            judged = tuple([ready for ready in judged if ready not in spent])
            usual = tuple([ready for ready in usual if ready not in spent])
        return _Way(plan, judged, usual, self._records(plan.records))

    def _used_up(self, ready: ReadyOffer) -> bool:
        """Whether a limit that never begins anew leaves nothing more to earn, whatever the card."""
        for key, most in ready.lasting:
            kept = self._state.ordinals.get(key)
            if kept is not None and kept[1] >= most:
                return True
        return False

    def _records(self, wanted: Iterable[tuple[str, Phase]]) -> list[Record]:
        """The records of these campaigns' phases, begun where they are not there yet."""
        found = []
        for campaign, phase in wanted:
            phases = self._state.records.setdefault(campaign, {})
            record = phases.get(phase)
            if record is None:
                record = phases[phase] = Record()
            found.append(record)
        return found

    # Judging one offer

    def _holds(self, ready: ReadyOffer) -> bool:
        """Whether all conditions hold, for one card of the audience together where they speak of a card."""
        facts = self._facts
        facts.campaign = ready.campaign
        facts.new_from = ready.new_from
        facts.new_until = ready.new_until
        if not ready.anchored:
            facts.anchor = facts.card
            for check in ready.checks:
                if not check(facts):
                    return False
            return ready.tally is None or self._tally_holds(ready)
        return any(self._tally_holds(ready) for _ in self._anchors(ready))

    def _anchors(self, ready: ReadyOffer) -> Iterable[CardFacts]:
        """The open cards for which everything but the tally holds; `facts.anchor` is each in turn."""
        facts, products = self._facts, ready.products
        for card in self._state.cards.values():
            if card.closed_at is not None or (products is not None and card.product not in products):
                continue
            facts.anchor = card
            for check in ready.checks:
                if not check(facts):
                    break
            else:
                yield card

    def _tally_holds(self, ready: ReadyOffer) -> bool:
        """For an offer of another trigger that also counts purchases: whether enough have been counted."""
        if ready.tally is None or ready.subject is SubjectKind.PURCHASE:
            return True
        anchor = self._facts.anchor if ready.each_anchored else None
        found = self._tallied(ready, "" if anchor is None else anchor.card)
        return ready.tally.completed((found.count, found.amount)) > 0

    def _tallied(self, ready: ReadyOffer, anchor: str) -> Tallied:
        assert ready.tally is not None
        period = period_key(ready.tally.period, self._facts.local.date())
        found = self._state.tallies.get((ready.code, anchor))
        return found if found is not None and found.period == period else Tallied(period)

    def _add(self, ready: ReadyOffer, anchor: str, amount: Fen) -> int:
        """Count a purchase; how many rounds it completed."""
        assert ready.tally is not None
        found = self._tallied(ready, anchor)
        before = ready.tally.completed((found.count, found.amount))
        found.count += 1
        found.amount += amount
        self._state.tallies[ready.code, anchor] = found
        return ready.tally.completed((found.count, found.amount)) - before

    def _count_and_earn(self, ready: ReadyOffer, amount: Fen, transaction: str) -> None:
        facts = self._facts
        facts.campaign, facts.new_from, facts.new_until = ready.campaign, ready.new_from, ready.new_until
        anchored = ready.anchored or ready.each_anchored
        completed = 0
        if anchored:
            for card in self._anchors(ready):
                if all(check(facts) for check in ready.each):
                    completed = max(completed, self._add(ready, card.card, amount))
        else:
            facts.anchor = facts.card
            if all(check(facts) for check in ready.checks) and all(check(facts) for check in ready.each):
                completed = self._add(ready, "", amount)
        for _ in range(completed):
            self._earn(ready, transaction, amount, 0)

    def _count_only(self, ready: ReadyOffer, amount: Fen) -> None:
        facts = self._facts
        facts.campaign, facts.new_from, facts.new_until = ready.campaign, ready.new_from, ready.new_until
        if not ready.each_anchored:
            facts.anchor = facts.card
            if all(check(facts) for check in ready.each):
                self._add(ready, "", amount)
            return
        for card in self._state.cards.values():
            facts.anchor = card
            if card.closed_at is not None or (ready.products is not None and card.product not in ready.products):
                continue
            if all(check(facts) for check in ready.each):
                self._add(ready, card.card, amount)

    # Earning

    def _earn(self, ready: ReadyOffer, subject: str, basis: Fen, fee: Fen) -> None:
        rewards = _resolve(ready, basis, fee)
        if not rewards:
            return  # it came to nothing, so nothing is used up
        facts = self._facts
        assert facts.card is not None
        cause = subject
        if ready.limits:
            ordinal = self._next_ordinal(ready)
            if ordinal is None:
                return
            cause = ordinal
        self.earned.append(
            Earned(
                ready.campaign,
                ready.version,
                ready.code,
                cause,
                facts.at,
                facts.card.card,
                subject,
                basis,
                rewards,
                sum([resolved.amount for resolved in rewards]),
            )
        )
        self._state.reached.setdefault(ready.code, facts.at)

    def _next_ordinal(self, ready: ReadyOffer) -> str | None:
        """The cause of the next earning under the offer's limits; None where one of them is used up."""
        facts, ordinals = self._facts, self._state.ordinals
        assert facts.card is not None
        day, card = facts.local.date(), facts.card.card
        found: list[tuple[tuple[str, str, str], str, int]] = []
        for limit in ready.limits:
            whose = card if limit.per is Per.CARD else ""
            key = (ready.code, limit.period.value, whose)
            period = period_key(limit.period, day)
            kept = ordinals.get(key)
            used = kept[1] if kept is not None and kept[0] == period else 0
            if used >= limit.max:
                return None
            found.append((key, period, used + 1))
        for key, period, used in found:
            ordinals[key] = (period, used)
        if self._used_up(ready):
            self._ways.clear()
        per_card = any(key[2] for key, _, _ in found)
        _, period, used = min(found, key=lambda entry: (_SHORTEST[Period(entry[0][1])], not entry[0][2]))
        return f"{period}#{used}@{card}" if per_card else f"{period}#{used}"


def _resolve(ready: ReadyOffer, basis: Fen, fee: Fen) -> tuple[Resolved, ...]:
    if ready.fixed:
        return tuple(Resolved(reward, 0) for reward in ready.grants)
    resolved = []
    for reward in ready.grants:
        match reward:
            case Cashback():
                amount = reward.amount(basis)
            case FeeWaiver(of=of, ppm=ppm):
                amount = share_of(fee if of is WaiverBasis.INSTALMENT_FEE else basis, ppm)
            case _:
                resolved.append(Resolved(reward, 0))
                continue
        if amount > 0:
            resolved.append(Resolved(reward, amount))
    return tuple(resolved)


def _profile(event: CustomerUpdated) -> Profile:
    return Profile(
        event.birth_month,
        event.birth_day,
        event.person,
        event.city,
        event.occupation,
        event.children or 0,
        event.assets_tier or 0,
    )
