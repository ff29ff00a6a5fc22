"""All published campaign versions, and which of them judges what.

An event is judged by the version in force when it happened: the first version of a campaign from the beginning, later
ones from the moment they were published. Time falls into stretches in which the same offers of the same versions run;
each is made ready once, so that an event meets only the offers its moment, subject, product and place leave.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from domain.campaigns.calendar import WEEKDAYS_ONLY, Calendar
from domain.campaigns.conditions import (
    ApplicationChannelIs,
    BirthdayMonth,
    Condition,
    Country,
    FirstPurchase,
    Flyer,
    HoldsProduct,
    Instalment,
    MerchantGroup,
    NewCustomer,
    Reached,
    Rule,
    Spend,
    Tally,
    TrackRecord,
    WithinDays,
)
from domain.campaigns.facts import Facts, History, Naming, PurchaseFacts, facts_at
from domain.campaigns.model import (
    Campaign,
    Cashback,
    FeeWaiver,
    Limit,
    Offer,
    PointsBonus,
    Reward,
    SegmentRule,
    Story,
)
from domain.campaigns.schedule import OfferTimes, opens_and_closes, runs_of, state_of
from domain.campaigns.terms import About, Per, Period, Phase, Product, SubjectKind
from domain.kernel.words import Words

Check: TypeAlias = Callable[[Facts], bool]

_CACHED = 4096
"""Ways of (product, groups, country) kept ready for a stretch, and times kept of moments to come; more are rare."""

ALWAYS = datetime.min.replace(tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Version:
    """A campaign version as published. effective_from is not asked of a campaign's first version."""

    campaign: Campaign
    effective_from: datetime


# The conditions that rule out most, most cheaply, are asked first; the order changes no verdict.
_FIRST = (NewCustomer, Flyer, ApplicationChannelIs, BirthdayMonth, Spend, Country, Instalment, FirstPurchase)


# An activation or approval is judged by its own card, never by another one of the customer's.
_OWN_CARD = (SubjectKind.ACTIVATION, SubjectKind.APPROVAL)


def _cost(condition: Condition) -> int:
    return _FIRST.index(type(condition)) if type(condition) in _FIRST else len(_FIRST)


class ReadyOffer:
    """An offer with everything the fold asks of it looked up once.

    products: that the card must have; None: any. where: conditions about the place of a purchase; checks: the others.
    each, each_where: what a purchase must meet to be counted. limits: those the fold keeps itself (a device is not
    known from the bank's events; the ledger knows it). lasting: of these, (ordinal's key, most) of those that never
    begin anew and hold whatever the card. of_first: only a purchase that is the first since a date of some
    card can earn it.
    """

    __slots__ = (
        "anchored", "bonus", "campaign", "checks", "code", "each", "each_anchored", "each_where", "fixed", "grants",
        "lasting", "limits", "new_from", "new_until", "of_first", "offer", "own_card", "products", "runs", "subject",
        "tally", "version", "wants_record", "where",
    )  # fmt: skip

    def __init__(self, campaign: Campaign, offer: Offer) -> None:
        self.offer = offer
        self.code = offer.code
        self.campaign = campaign.code
        self.version = campaign.version
        self.runs = runs_of(offer, campaign)
        # In UTC like the events: moments of one zone are compared three times as fast.
        self.new_from = campaign.phases.warm_up_at.astimezone(UTC)
        self.new_until = campaign.phases.ends_at.astimezone(UTC)
        self.subject = offer.trigger.subject if isinstance(offer.trigger, Story) else None
        self.own_card = self.subject in _OWN_CARD
        self.tally: Tally | None = offer.tally
        self.bonus: PointsBonus | None = offer.bonus
        self.grants: tuple[Reward, ...] = offer.grants
        self.fixed = not any(isinstance(reward, Cashback | FeeWaiver) for reward in self.grants)

        rules = [rule for rule in campaign.conditions_of(offer) if rule is not self.tally]
        products = [rule.products for rule in rules if isinstance(rule, HoldsProduct)]
        self.products = frozenset(Product).intersection(*products) if products else None
        rest = [rule for rule in rules if not isinstance(rule, HoldsProduct)]
        each = () if self.tally is None else self.tally.each
        # Where a purchase was made is compared before the offer is looked at: see `Stretch.for_purchase`.
        of_purchases = self.subject is SubjectKind.PURCHASE or self.bonus is not None
        self.where = _where(rest) if of_purchases else ()
        self.each_where = _where(each)
        self.checks = _ready([rule for rule in rest if rule not in self.where])
        self.each = _ready(each)
        self.anchored = not self.own_card and any(rule.anchored for rule in rest)
        self.each_anchored = any(rule.anchored for rule in each)
        self.of_first = any(isinstance(rule, FirstPurchase) for rule in rest)
        self.wants_record = any(isinstance(rule, Instalment) and rule.first for rule in _deep(rest))
        self.limits = tuple(limit for limit in offer.limits if limit.per is not Per.DEVICE)
        if self.tally is not None and not self.limits:
            self.limits = (Limit(Per.CUSTOMER, self.tally.period, self.tally.rounds),)
        self.lasting = tuple(
            ((self.code, limit.period.value, ""), limit.max)
            for limit in self.limits
            if limit.period is Period.CAMPAIGN and limit.per is not Per.CARD
        )

    def suits(self, product: Product) -> bool:
        return self.products is None or product in self.products

    def runs_at(self, at: datetime) -> bool:
        return any(at in run for run in self.runs)


def _counted_by_fold(offer: Offer) -> tuple[tuple[Period, int], ...]:
    """The limits of a story offer that hold for the customer whatever the card: (period, most)."""
    if offer.tally is not None and not offer.limits:
        return ((offer.tally.period, offer.tally.rounds),)
    return tuple((limit.period, limit.max) for limit in offer.limits if limit.per in (Per.CUSTOMER, Per.PERSON))


def _ready(rules: Iterable[Condition]) -> tuple[Check, ...]:
    return tuple(rule.judge for rule in sorted(rules, key=_cost))


def _where(rules: Iterable[Condition]) -> tuple[MerchantGroup | Country, ...]:
    return tuple(rule for rule in rules if isinstance(rule, MerchantGroup | Country))


def _deep(rules: Iterable[Condition]) -> Iterable[Condition]:
    for rule in rules:
        yield rule
        yield from _deep(rule.children())


def _moves(rule: Condition) -> bool:
    """Whether its kind knows of moments at which it changes."""
    return type(rule).deadline is not Rule.deadline or type(rule).changes_at is not Rule.changes_at


def _phased(rule: Condition) -> bool:
    """Whether what it answers goes by the campaign's phase."""
    return isinstance(rule, NewCustomer | TrackRecord) or (isinstance(rule, Instalment) and rule.first)


@dataclass(frozen=True, slots=True)
class PurchaseWay:
    """What a purchase with one product in one place can matter to, in one stretch of time.

    per_yuan: base points; rate: whose they are, (campaign, version), None: no rate at all. judged: offers it may earn
    or raise; usual: those of them that are not only for a first purchase. counted: offers of other triggers that count
    purchases. records: the campaigns whose records it writes, with their phase.
    """

    per_yuan: int
    rate: tuple[str, int] | None
    judged: tuple[ReadyOffer, ...]
    usual: tuple[ReadyOffer, ...]
    counted: tuple[ReadyOffer, ...]
    records: tuple[tuple[str, Phase], ...]


class Stretch:
    """`[begins_at, ends_at)`: the same versions in force, the same phases, the same offers running."""

    def __init__(
        self,
        begins_at: datetime,
        ends_at: datetime,
        campaigns: tuple[Campaign, ...],
        offers: tuple[ReadyOffer, ...],
    ) -> None:
        self.begins_at = begins_at
        self.ends_at = ends_at
        self.campaigns = campaigns
        self.phases = {campaign.code: campaign.phases.phase_at(begins_at) for campaign in campaigns}
        self._offers = offers
        self._ways: dict[tuple[Product, frozenset[str], str], PurchaseWay] = {}
        self._subjects: dict[tuple[SubjectKind, Product], tuple[ReadyOffer, ...]] = {}

    def for_purchase(self, product: Product, groups: frozenset[str], country: str) -> PurchaseWay:
        """groups: the merchant's. Remembered, for most purchases are made in few kinds of places."""
        key = (product, groups, country)
        way = self._ways.get(key)
        if way is None:
            if len(self._ways) >= _CACHED:
                self._ways.clear()
            way = self._ways[key] = self._way(product, groups, country)
        return way

    def for_subject(self, subject: SubjectKind, product: Product) -> tuple[ReadyOffer, ...]:
        """The offers that an event other than a purchase may earn."""
        found = self._subjects.get((subject, product))
        if found is None:
            found = self._subjects[subject, product] = tuple(
                ready for ready in self._offers if ready.subject is subject and ready.grants and ready.suits(product)
            )
        return found

    def records_of(self, product: Product) -> tuple[tuple[str, Phase], ...]:
        """The campaigns whose records a card of this product writes, with their present phase."""
        return tuple(
            (campaign.code, phase)
            for campaign in self.campaigns
            if (phase := self.phases[campaign.code]) is not None
            and (not campaign.audience.products or product in campaign.audience.products)
        )

    def _way(self, product: Product, groups: frozenset[str], country: str) -> PurchaseWay:
        place = facts_at(self.begins_at, History())
        place.subject = PurchaseFacts(0, groups, country=country)
        per_yuan = 0
        owner: tuple[str, int] | None = None
        for campaign in self.campaigns:  # in the order of their codes, so that equal rates are the first one's
            for rate in campaign.points:
                fits = product in rate.products and (
                    not rate.merchant_groups or not groups.isdisjoint(rate.merchant_groups)
                )
                if fits and (owner is None or rate.per_yuan > per_yuan):
                    per_yuan, owner = rate.per_yuan, (campaign.code, campaign.version)
        judged, counted = [], []
        for ready in self._offers:
            if not ready.suits(product):
                continue
            own = ready.subject is SubjectKind.PURCHASE and bool(ready.grants)
            if (own or ready.bonus is not None) and all(rule.judge(place) for rule in ready.where):
                judged.append(ready)
            counts = ready.tally is not None and not own
            if counts and all(rule.judge(place) for rule in ready.each_where):
                counted.append(ready)
        return PurchaseWay(
            per_yuan=per_yuan,
            rate=owner,
            judged=tuple(judged),
            usual=tuple(ready for ready in judged if not ready.of_first),
            counted=tuple(counted),
            records=self.records_of(product),
        )


@dataclass(frozen=True, slots=True)
class AskedOffer:
    """An offer with everything an explanation asks of it looked up once.

    limits: those that the fold itself counts for the customer, whatever the card.
    rules: all but the recurring windows, each with its words where it says whose the offer is. timed: those that may
    set an end. moving: those that time alone may change. phased: some go by the campaign's phase. still: time changes
    its windows alone. asked: the words of what the subject itself must be like. products: that the card must have.
    mission: counts something, or asks for one thing within the customer's own time.
    """

    story: Story | None
    tally: Tally | None
    limits: tuple[tuple[Period, int], ...]
    rules: tuple[tuple[Condition, Words | None], ...]
    timed: tuple[Condition, ...]
    moving: tuple[Condition, ...]
    phased: bool
    still: bool
    asked: Words
    products: frozenset[Product]
    anchored: bool
    mission: bool
    closes_at: datetime


class Plans:
    """Everything published, ready to judge with. Replaced whole when something is published; never changed.

    stamp: of the catalog. calendar: China's workdays. segments: their rules, the same for all campaigns.
    """

    def __init__(
        self,
        versions: Iterable[Version],
        *,
        stamp: int,
        calendar: Calendar = WEEKDAYS_ONLY,
        segments: Iterable[SegmentRule] = (),
    ) -> None:
        self.stamp = stamp
        self.calendar = calendar
        self.segments = tuple(segments)
        self.segment_rules: Mapping[str, tuple[Condition, ...]] = {rule.code: rule.conditions for rule in self.segments}
        self.versions: dict[str, tuple[Version, ...]] = {}
        for version in sorted(versions, key=lambda found: (found.campaign.code, found.campaign.version)):
            self.versions[version.campaign.code] = (*self.versions.get(version.campaign.code, ()), version)
        self.names = self._naming()
        self.waited_for = self._waited_for()
        """Offers that others are only for, or not for, once they have been had."""
        self.newest = {code: found[-1].campaign.version for code, found in self.versions.items()}
        self._ready = {
            (code, version.campaign.version): tuple(
                ReadyOffer(version.campaign, offer) for offer in version.campaign.offers if not offer.paused
            )
            for code, found in self.versions.items()
            for version in found
        }
        self._begins = sorted(moment.astimezone(UTC) for moment in self._boundaries())
        self._stretches: list[Stretch | None] = [None] * (len(self._begins) + 1)
        self._asked: dict[tuple[str, int, str], AskedOffer] = {}
        self._times: dict[tuple[str, int, str], tuple[datetime, datetime, OfferTimes]] = {}
        self._later: dict[tuple[str, int, str, datetime], OfferTimes] = {}

    def _boundaries(self) -> set[datetime]:
        """Every moment at which another version comes into force, a phase begins or ends, an offer begins or stops."""
        found: set[datetime] = set()
        for versions in self.versions.values():
            found |= {version.effective_from for version in versions[1:]}
            for version in versions:
                phases = version.campaign.phases
                found |= {phases.warm_up_at, phases.starts_at, phases.ends_at, phases.closes_at}
        for offers in self._ready.values():
            for ready in offers:
                for run in ready.runs:
                    found |= {run.opens_at, run.closes_at}
        return found

    def stretch_at(self, at: datetime) -> Stretch:
        index = bisect_right(self._begins, at)
        stretch = self._stretches[index]
        if stretch is None:
            begins_at = self._begins[index - 1] if index else ALWAYS
            ends_at = self._begins[index] if index < len(self._begins) else NEVER
            campaigns = self.campaigns_at(at)
            offers = tuple(
                ready
                for campaign in campaigns
                for ready in self._ready[campaign.code, campaign.version]
                if ready.runs_at(at)
            )
            stretch = self._stretches[index] = Stretch(begins_at, ends_at, campaigns, offers)
        return stretch

    def asked(self, campaign: Campaign, offer: Offer) -> AskedOffer:
        """What an explanation needs of an offer of one of these versions."""
        key = (campaign.code, campaign.version, offer.code)
        found = self._asked.get(key)
        if found is None:
            found = self._asked[key] = self._ask(campaign, offer)
        return found

    def times(self, campaign: Campaign, offer: Offer, now: datetime) -> OfferTimes:
        """`state_of`, remembered until the moment it names itself. Says nothing of a quota."""
        key = (campaign.code, campaign.version, offer.code)
        kept = self._times.get(key)
        if kept is None or not kept[0] <= now < kept[1]:
            found = state_of(offer, campaign, now, self.calendar)
            kept = self._times[key] = (now, found.next_change_at or NEVER, found)
        return kept[2]

    def times_later(self, campaign: Campaign, offer: Offer, at: datetime) -> OfferTimes:
        """`state_of` at a moment to come at which many look: the beginning of a day, week or month."""
        key = (campaign.code, campaign.version, offer.code, at)
        found = self._later.get(key)
        if found is None:
            if len(self._later) >= _CACHED:
                self._later.clear()
            found = self._later[key] = state_of(offer, campaign, at, self.calendar)
        return found

    def _ask(self, campaign: Campaign, offer: Offer) -> AskedOffer:
        rules = [rule for rule in dict.fromkeys(campaign.conditions_of(offer)) if rule not in offer.when]
        asked = [
            rule.describe(self.names)
            for rule in rules
            if rule.about is About.SUBJECT or isinstance(rule, FirstPurchase)
        ]
        story = offer.trigger if isinstance(offer.trigger, Story) else None
        own_card = story is not None and story.subject in _OWN_CARD
        each = () if offer.tally is None else offer.tally.each
        products = [rule.products for rule in rules if isinstance(rule, HoldsProduct)]
        firsts = [rule for rule in rules if any(isinstance(found, FirstPurchase) for found in _deep([rule]))]
        limited = any(isinstance(rule, WithinDays | FirstPurchase) for rule in rules)
        moving = tuple(rule for rule in rules if any(_moves(found) for found in _deep([rule])))
        phased = any(_phased(found) for found in _deep(rules))
        limits = _counted_by_fold(offer) if story is not None else ()
        recurring = [period for period, _ in limits if period is not Period.CAMPAIGN]
        return AskedOffer(
            story=story,
            tally=offer.tally,
            limits=limits,
            # A first purchase that may still come has nothing against it and does not hold either.
            rules=tuple(
                (rule, rule.describe(self.names) if rule.about is About.CUSTOMER and rule not in firsts else None)
                for rule in rules
                if story is None or rule.about is not About.TALLY  # there it is to be done, not an obstacle
            ),
            timed=tuple(rule for rule in rules if type(rule).deadline is not Rule.deadline),
            moving=moving,
            phased=phased,
            still=not (moving or phased or recurring or offer.tally is not None),
            asked=Words("，".join(word.zh for word in asked), ", ".join(word.en for word in asked)),
            products=frozenset(Product).intersection(*products),
            anchored=own_card or any(rule.anchored for rule in (*rules, *each)),
            mission=offer.tally is not None or (story is not None and limited),
            closes_at=opens_and_closes(offer, campaign).closes_at,
        )

    def version_at(self, campaign: str, at: datetime) -> Version | None:
        """The version that judges what happened at `at`: the newest in force, the first one before that."""
        found = self.versions.get(campaign)
        if not found:
            return None
        in_force = [version for version in found if version.effective_from <= at]
        return in_force[-1] if in_force else found[0]

    def campaigns_at(self, at: datetime) -> tuple[Campaign, ...]:
        """The versions in force at `at`, in the order of their codes."""
        found = [self.version_at(code, at) for code in self.versions]
        return tuple(version.campaign for version in found if version is not None)

    def find(self, offer: str, at: datetime) -> tuple[Campaign, Offer] | None:
        """The offer of this code among the versions in force at `at`. Codes of offers are unique over all campaigns."""
        for campaign in self.campaigns_at(at):
            found = campaign.offer(offer)
            if found is not None:
                return campaign, found
        return None

    def unknown_before(self, known: Mapping[str, int], at: datetime) -> bool:
        """Whether a version that is not among `known` (campaign -> newest) judges anything at or before `at`."""
        if known == self.newest:
            return False
        for code, found in self.versions.items():
            newest = known.get(code, 0)
            for index, version in enumerate(found):
                if version.campaign.version > newest and (index == 0 or version.effective_from <= at):
                    return True
        return False

    def _waited_for(self) -> frozenset[str]:
        rules: list[Condition] = [rule for segment in self.segments for rule in segment.conditions]
        for found in self.versions.values():
            for version in found:
                for offer in version.campaign.offers:
                    rules += version.campaign.conditions_of(offer)
                    rules += () if offer.tally is None else offer.tally.each
        return frozenset(code for rule in _deep(rules) if isinstance(rule, Reached) for code in rule.offers)

    def _naming(self) -> Naming:
        """What codes are called in rule texts and reasons, by the newest versions."""
        newest = [found[-1].campaign for found in self.versions.values()]
        return Naming(
            groups={group.code: group.title for campaign in newest for group in campaign.groups},
            offers={offer.code: offer.title for campaign in newest for offer in campaign.offers},
            segments={rule.code: rule.title for rule in self.segments},
        )
