"""What a campaign file may say, as frozen data. Nothing about a particular offer stands in code.

Money is fen, shares are millionths (`ppm`), days are whole Shanghai days, moments are aware. A file's relative moments
("the 8th day") are resolved when it is loaded. The conditions are in `domain/campaigns/conditions`, one kind a file.
Shapes are checked here (ValueError with a sentence); whether a plan is wise is lint's.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from typing import TypeAlias

from domain.campaigns.conditions import (
    ApplicationChannelIs,
    Condition,
    Flyer,
    HoldsProduct,
    InSegment,
    NewCustomer,
    PurchasedAt,
    Purchases,
    Reached,
    Tally,
    TotalSpend,
    TrackRecord,
    Window,
)
from domain.campaigns.terms import (
    ActionKind,
    ApplicationChannel,
    CouponKind,
    DeliveryKind,
    OfferKind,
    Per,
    Period,
    Phase,
    Product,
    SubjectKind,
    Weekday,
)
from domain.kernel.money import PPM, Fen, share_of
from domain.kernel.time import Interval, day_end
from domain.kernel.words import Words

_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")


def _check(holds: bool, sentence: str) -> None:
    if not holds:
        raise ValueError(sentence)


def _check_code(code: str) -> None:
    _check(
        bool(_CODE.fullmatch(code)),
        f"{code!r} is not a code: small letters, digits and hyphens, at most 48, beginning with a letter or digit",
    )


# When ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Phases:
    """Warm-up `[warm_up_at, starts_at)`, active `[starts_at, ends_at)`, closing `[ends_at, closes_at)`."""

    warm_up_at: datetime
    starts_at: datetime
    ends_at: datetime
    closes_at: datetime

    def __post_init__(self) -> None:
        ordered = self.warm_up_at <= self.starts_at < self.ends_at <= self.closes_at
        _check(ordered, "phases must follow each other, and the active phase must last")

    def interval(self, phase: Phase) -> Interval:
        match phase:
            case Phase.WARM_UP:
                return Interval(self.warm_up_at, self.starts_at)
            case Phase.ACTIVE:
                return Interval(self.starts_at, self.ends_at)
            case Phase.CLOSING:
                return Interval(self.ends_at, self.closes_at)

    def phase_at(self, at: datetime) -> Phase | None:
        if at < self.warm_up_at or at >= self.closes_at:
            return None
        if at < self.starts_at:
            return Phase.WARM_UP
        return Phase.ACTIVE if at < self.ends_at else Phase.CLOSING


@dataclass(frozen=True, slots=True)
class Validity:
    """Until the end of the `days`-th Shanghai day after the grant, or until a fixed moment; with both, the earlier."""

    days: int | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        _check(self.days is not None or self.until is not None, "say for how many days, or until when, it is valid")
        _check(self.days is None or self.days >= 0, "days of validity cannot be negative")

    def expires_at(self, granted_at: datetime) -> datetime:
        if self.days is None:
            assert self.until is not None
            return self.until
        end = day_end(granted_at, plus_days=self.days)
        return end if self.until is None or end <= self.until else self.until


# Who -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Audience:
    """Who may take part; an empty tuple and False ask nothing.

    products: of the card that pays (or is bound, activated ...), else of any open card of the customer.
    flyer: an empty tuple of `flyer_codes` with `flyer` True accepts any code.
    """

    products: tuple[Product, ...] = ()
    segments: tuple[str, ...] = ()
    new_customer: bool = False
    application_channels: tuple[ApplicationChannel, ...] = ()
    flyer: bool = False
    flyer_codes: tuple[str, ...] = ()

    def conditions(self) -> tuple[Condition, ...]:
        """The same as conditions, so that they are judged, explained and described in one way."""
        found: list[Condition] = []
        if self.products:
            found.append(HoldsProduct(self.products))
        if self.new_customer:
            found.append(NewCustomer())
        if self.application_channels:
            found.append(ApplicationChannelIs(self.application_channels))
        if self.flyer or self.flyer_codes:
            found.append(Flyer(self.flyer_codes))
        if self.segments:
            found.append(InSegment(self.segments))
        return tuple(found)


# Triggers --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Story:
    """Given by itself when the bank reports the subject."""

    subject: SubjectKind


@dataclass(frozen=True, slots=True)
class Claim:
    """The customer takes it in the hall."""


@dataclass(frozen=True, slots=True)
class Till:
    """Taken off while paying."""


class Notice(StrEnum):
    EMAIL = "EMAIL"
    SMS = "SMS"


@dataclass(frozen=True, slots=True)
class Apply:
    """The customer applies, a person at the bank decides, the answer goes out by `notify`."""

    notify: tuple[Notice, ...] = (Notice.SMS,)


@dataclass(frozen=True, slots=True)
class SignUp:
    """The customer takes one of `quota` places; beyond it, a place in the waiting list where there is one."""

    waiting_list: bool = True
    cancel_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """Given by the clock: at `at` on these weekdays while the offer runs; without weekdays once, when it begins."""

    days: tuple[Weekday, ...] = ()
    at: time = time(10)


Trigger: TypeAlias = Story | Claim | Till | Apply | SignUp | Schedule


# Rewards ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CouponReward:
    """`count` equal coupons. value: fen off, credited or topped up; min_spend: for THRESHOLD (may stand elsewhere too).

    merchant_groups: where it may be used; empty: everywhere. delivery: what `useCoupon` makes of a TOP_UP or EXCHANGE;
    sku: the provider's article. cost: fen booked on the budget line for each; None: its value.
    """

    code: str
    kind: CouponKind
    title: Words
    value: Fen
    valid: Validity
    min_spend: Fen = 0
    merchant_groups: tuple[str, ...] = ()
    count: int = 1
    delivery: DeliveryKind | None = None
    sku: str | None = None
    cost: Fen | None = None

    def __post_init__(self) -> None:
        _check_code(self.code)
        _check(self.value >= 0 and self.min_spend >= 0, "a coupon's value and threshold cannot be negative")
        _check(self.count > 0, "a coupon's count must be at least 1")
        if self.kind is CouponKind.THRESHOLD:
            _check(self.min_spend > self.value, "a THRESHOLD coupon's threshold must be above its value")
        delivered = self.kind in (CouponKind.TOP_UP, CouponKind.EXCHANGE)
        _check(delivered == (self.delivery is not None), "TOP_UP and EXCHANGE coupons, and only they, name a delivery")


@dataclass(frozen=True, slots=True)
class Gift:
    """Something sent. value: what it is worth; cost: fen booked, None: its value. A PARCEL needs an address."""

    code: str
    title: Words
    delivery: DeliveryKind
    value: Fen
    sku: str | None = None
    cost: Fen | None = None

    def __post_init__(self) -> None:
        _check_code(self.code)
        _check(self.value >= 0, "a gift's value cannot be negative")

    @property
    def needs_address(self) -> bool:
        return self.delivery is DeliveryKind.PARCEL


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several; one quota place is held until chosen or `choose_within_days` have passed."""

    options: tuple[CouponReward | Gift, ...]
    choose_within_days: int

    def __post_init__(self) -> None:
        _check(len(self.options) >= 2, "a choice needs at least two options")
        _check(len({option.code for option in self.options}) == len(self.options), "options need codes of their own")
        _check(self.choose_within_days > 0, "choose_within_days must be at least 1")


@dataclass(frozen=True, slots=True)
class PointsBonus:
    """`ppm` of the base points on top, on every purchase that meets the offer's conditions.

    Acts on purchases whatever the offer's trigger; limits and quota do not count it: a bonus is a rate, not a grant.
    """

    ppm: int

    def __post_init__(self) -> None:
        _check(self.ppm > 0, "a points bonus must be above 0 %")


@dataclass(frozen=True, slots=True)
class BasePoints:
    """Shows the campaign's own base rates (`Campaign.points`) as an offer; gives nothing besides."""


@dataclass(frozen=True, slots=True)
class Cashback:
    """`ppm` of the purchase's amount or the instalment's principal, at most `cap`, as a REPAYMENT coupon at once."""

    code: str
    title: Words
    ppm: int
    cap: Fen | None
    valid: Validity

    def __post_init__(self) -> None:
        _check_code(self.code)
        _check(0 < self.ppm <= PPM, "a cashback is above 0 % and at most 100 %")
        _check(self.cap is None or self.cap > 0, "a cashback's cap must be above 0")

    def amount(self, basis: Fen) -> Fen:
        back = share_of(basis, self.ppm)
        return back if self.cap is None else min(back, self.cap)


class WaiverBasis(StrEnum):
    INSTALMENT_FEE = "INSTALMENT_FEE"
    PURCHASE_AMOUNT = "PURCHASE_AMOUNT"


@dataclass(frozen=True, slots=True)
class FeeWaiver:
    """`ppm` of the basis, rounded down to the fen, reported to the bank as a delivery.

    INSTALMENT_FEE: of the instalment's fee ("fee at 80 %" is a waiver of 20 %). PURCHASE_AMOUNT: of the settled amount
    (the currency conversion fee, which the bank takes as that share of a purchase abroad).
    """

    of: WaiverBasis
    ppm: int

    def __post_init__(self) -> None:
        _check(0 < self.ppm <= PPM, "a fee waiver is above 0 % and at most 100 %")


@dataclass(frozen=True, slots=True)
class DrawChance:
    """One chance in the campaign's draw `draw`, good until the end of the `valid_days`-th day after."""

    draw: str
    valid_days: int
    count: int = 1

    def __post_init__(self) -> None:
        _check(self.valid_days >= 0 and self.count > 0, "a draw chance needs days and a count of at least 1")


class Holder(StrEnum):
    CARDHOLDER = "CARDHOLDER"
    COMPANION = "COMPANION"


@dataclass(frozen=True, slots=True)
class EntitlementReward:
    """`total` visits (or other uses). holder: who may use it. cost: fen booked for the whole."""

    code: str
    title: Words
    total: int
    valid: Validity
    holder: Holder = Holder.CARDHOLDER
    cost: Fen = 0

    def __post_init__(self) -> None:
        _check_code(self.code)
        _check(self.total > 0, "an entitlement's total must be at least 1")


@dataclass(frozen=True, slots=True)
class Extension:
    """Coupons held and still available live `days` longer. offers: of these offers only; empty: of the campaign."""

    days: int
    offers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check(self.days > 0, "an extension must be at least 1 day")


@dataclass(frozen=True, slots=True)
class Message:
    """Words sent to those who agreed to receive them."""

    title: Words
    body: Words


@dataclass(frozen=True, slots=True)
class Discount:
    """Taken off at the till: a fixed amount, or a share with a cap; never more than what is to be paid."""

    off: Fen = 0
    ppm: int = 0
    cap: Fen | None = None

    def __post_init__(self) -> None:
        _check((self.off > 0) != (self.ppm > 0), "a discount is either an amount off or a share off")
        _check(self.ppm <= PPM, "a share off is at most 100 %")
        _check(self.ppm == 0 or (self.cap is not None and self.cap > 0), "a share off needs a cap above 0")

    def amount(self, payable: Fen) -> Fen:
        if self.off:
            return min(self.off, payable)
        return min(share_of(payable, self.ppm), self.cap or 0)


@dataclass(frozen=True, slots=True)
class Place:
    """A place at an evening, a tasting, a tour."""

    title: Words
    starts_at: datetime
    where: Words
    cost: Fen = 0


Reward: TypeAlias = (
    CouponReward
    | Gift
    | Choice
    | PointsBonus
    | BasePoints
    | Cashback
    | FeeWaiver
    | DrawChance
    | EntitlementReward
    | Extension
    | Message
    | Discount
    | Place
)


def cost_of(reward: Reward, amount: Fen = 0) -> Fen:
    """Fen to book on the offer's budget line when `reward` is held. amount: what an amount-dependent one came to.

    A choice is held at its dearest option. Prizes cost when they are drawn, points and messages are not booked.
    """
    match reward:
        case CouponReward(value=value, count=count, cost=cost):
            return (value if cost is None else cost) * count
        case Gift(value=value, cost=cost):
            return value if cost is None else cost
        case Choice(options=options):
            return max(cost_of(option) for option in options)
        case Cashback() | FeeWaiver() | Discount():
            return amount
        case EntitlementReward(cost=cost) | Place(cost=cost):
            return cost
        case PointsBonus() | BasePoints() | DrawChance() | Extension() | Message():
            return 0


def worst_cost_of(reward: Reward, draws: "Iterable[Draw]" = ()) -> Fen | None:
    """The most one grant of `reward` can cost; None where the file sets no bound. draws: the campaign's."""
    match reward:
        case Cashback(cap=cap):
            return cap
        case FeeWaiver():
            return None
        case Discount(off=off, cap=cap):
            return off or cap
        case DrawChance(draw=code, count=count):
            return count * max((prize.cost for draw in draws if draw.code == code for prize in draw.prizes), default=0)
        case _:
            return cost_of(reward)


def least_booked(offer: "Offer") -> Fen:
    """What one more grant books on the offer's line at least. An amount-dependent reward books a fen or more, a whole
    discount the bank's share of it.
    """
    funding = offer.funding or Funding()
    least = 0
    for reward in offer.rewards:
        match reward:
            case Discount(off=off):
                least += share_of(off, funding.bank_ppm) if off else min(1, funding.bank_ppm)
            case Cashback() | FeeWaiver():
                least += 1
            case _:
                least += cost_of(reward)
    return least


# Limits, stacking, returns ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `max` grants for each `per` in each `period`."""

    per: Per
    period: Period
    max: int

    def __post_init__(self) -> None:
        _check(self.max > 0, "a limit's max must be at least 1")


@dataclass(frozen=True, slots=True)
class Stacking:
    """How a discount meets others at one payment.

    stackable False: of the campaign's offers that are not stackable, the best for the customer alone counts, ties by
    offer code. stackable True: comes on top of whatever else applies. exclusion_group: of the offers that share one,
    in any campaign, the best alone counts.
    """

    stackable: bool = False
    exclusion_group: str | None = None


@dataclass(frozen=True, slots=True)
class Funding:
    """Who bears what is taken off at a till, in millionths; what does not divide is the bank's.

    The bank's share is booked on the offer's budget line; the bank's and the platform's are owed to the merchant.
    """

    bank_ppm: int = PPM
    merchant_ppm: int = 0
    platform_ppm: int = 0

    def __post_init__(self) -> None:
        shares = (self.bank_ppm, self.merchant_ppm, self.platform_ppm)
        _check(all(share >= 0 for share in shares) and sum(shares) == PPM, "funding must make 100 % together")


class ReturnOn(StrEnum):
    FULL_REVERSAL = "FULL_REVERSAL"
    NEVER = "NEVER"


@dataclass(frozen=True, slots=True)
class Returns:
    """What comes back when the whole payment is reversed."""

    on: ReturnOn = ReturnOn.FULL_REVERSAL
    coupon: bool = True
    quota: bool = True
    allowance: bool = True


# Draws -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prize:
    """`odds_ppm` of all prizes of a draw sum to 1,000,000. stock None: as many as are drawn.

    reward: what is delivered; None: nothing but thanks. A Cashback counts from the purchase that gave the chance.
    consolation: given instead of a prize whose stock has run out.
    """

    code: str
    title: Words
    odds_ppm: int
    stock: int | None
    value: Fen
    reward: CouponReward | Gift | Cashback | None
    consolation: bool = False

    def __post_init__(self) -> None:
        _check_code(self.code)
        _check(0 <= self.odds_ppm <= PPM, "odds are between 0 and 1,000,000 ppm")
        _check(self.stock is None or self.stock >= 0, "a prize's stock cannot be negative")
        _check(self.value >= 0, "a prize's value cannot be negative")

    @property
    def cost(self) -> Fen:
        """The most one of it can cost."""
        match self.reward:
            case None:
                return 0
            case Cashback(cap=cap):
                return self.value if cap is None else cap
            case reward:
                return cost_of(reward)


@dataclass(frozen=True, slots=True)
class Draw:
    """line: the budget line its prizes are booked on."""

    code: str
    title: Words
    prizes: tuple[Prize, ...]
    line: str

    def __post_init__(self) -> None:
        _check_code(self.code)
        _check(len(self.prizes) > 0, "a draw needs prizes")
        _check(len({prize.code for prize in self.prizes}) == len(self.prizes), "prizes need codes of their own")
        _check(sum(prize.consolation for prize in self.prizes) <= 1, "a draw has at most one consolation prize")

    @property
    def consolation(self) -> Prize | None:
        return next((prize for prize in self.prizes if prize.consolation), None)


# Offers and campaigns --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Action:
    """What the customer does about an offer. kind None: follows from trigger and rewards; label None: from the kind.

    links: (channel of the schema, address) pairs.
    """

    kind: ActionKind | None = None
    label: Words | None = None
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One benefit. Runs during `phases`, inside `between` where given, and while every recurring `when` holds.

    conditions: all must hold; at most one tally (`Purchases`, `TotalSpend`) among them, at the top.
    line: the budget line; None only where nothing is booked. affinity: (segment, weight) pairs, for the order in which
    offers are shown; priority: higher first. notes: disclaimers beyond those the rule itself calls for.
    open_to_all: says that an offer without condition, limit or quota is meant. paused: gives nothing for now.
    funding: who bears its discounts and coupons at the till; None: the bank, but for a coupon that costs it less.
    """

    code: str
    title: Words
    section: str
    trigger: Trigger
    rewards: tuple[Reward, ...]
    subtitle: Words | None = None
    audience: Audience = Audience()
    when: tuple[Window, ...] = ()
    conditions: tuple[Condition, ...] = ()
    limits: tuple[Limit, ...] = ()
    quota: int | None = None
    line: str | None = None
    phases: tuple[Phase, ...] = (Phase.ACTIVE,)
    between: Interval | None = None
    stacking: Stacking = Stacking()
    returns: Returns = Returns()
    funding: Funding | None = None
    kind_is: OfferKind | None = None
    action: Action = Action()
    tags: tuple[str, ...] = ()
    affinity: tuple[tuple[str, int], ...] = ()
    priority: int = 0
    notes: tuple[Words, ...] = ()
    open_to_all: bool = False
    paused: bool = False

    def __post_init__(self) -> None:
        _check_code(self.code)
        _check(len(self.rewards) > 0, "an offer needs a reward")
        _check(len(self.phases) > 0, "an offer runs in at least one phase")
        _check(self.quota is None or self.quota >= 0, "a quota cannot be negative")
        tallies = [condition for condition in self.conditions if isinstance(condition, Purchases | TotalSpend)]
        _check(len(tallies) <= 1, "an offer counts one thing: purchases or totalSpend, once")
        till = isinstance(self.trigger, Till)
        discounts = any(isinstance(reward, Discount) for reward in self.rewards)
        _check(till == discounts, "a discount is given at the till, and the till gives discounts")
        _check(
            isinstance(self.trigger, SignUp) == any(isinstance(reward, Place) for reward in self.rewards),
            "a sign-up gives a place, and a place needs a sign-up",
        )
        chosen = any(isinstance(reward, Choice) for reward in self.rewards)
        _check(not (chosen and isinstance(self.trigger, SignUp)), "what comes with a place is not chosen")
        if any(isinstance(reward, Cashback | FeeWaiver) for reward in self.rewards):
            counted = isinstance(self.trigger, Story) and self.trigger.subject in (
                SubjectKind.PURCHASE,
                SubjectKind.INSTALMENT,
            )
            _check(counted, "a cashback or fee waiver needs a purchase or an instalment to count from")

    @property
    def tally(self) -> Tally | None:
        """What the offer counts, if it counts."""
        return next((found for found in self.conditions if isinstance(found, Purchases | TotalSpend)), None)

    @property
    def bonus(self) -> PointsBonus | None:
        return next((reward for reward in self.rewards if isinstance(reward, PointsBonus)), None)

    @property
    def rests_on_purchases(self) -> bool:
        """Whether a refund can take away the reason for which it was given, and there is something to take."""
        if self.tally is None and not any(_rests(rule) for rule in self.conditions):
            return False
        return not all(isinstance(reward, Extension | Message) for reward in self.grants)

    @property
    def grants(self) -> tuple[Reward, ...]:
        """The rewards that are given (counted, booked), as against rates that merely apply."""
        return tuple(reward for reward in self.rewards if not isinstance(reward, PointsBonus | BasePoints))

    @property
    def kind(self) -> OfferKind:
        return self.kind_is or _kind_of(self.trigger, self.grants)

    @property
    def action_kind(self) -> ActionKind:
        return self.action.kind or _action_of(self.trigger, self.grants)

    @property
    def code_of_draw(self) -> str | None:
        return next((reward.draw for reward in self.rewards if isinstance(reward, DrawChance)), None)


def _kind_of(trigger: Trigger, grants: tuple[Reward, ...]) -> OfferKind:
    if isinstance(trigger, SignUp):
        return OfferKind.EVENT
    if isinstance(trigger, Apply):
        return OfferKind.APPLICATION
    if not grants:
        return OfferKind.POINTS
    if len(grants) > 1:
        return OfferKind.PACK
    match grants[0]:
        case CouponReward() | Extension():
            return OfferKind.COUPON
        case Gift() | Choice() | Message():
            return OfferKind.GIFT
        case Cashback():
            return OfferKind.CASHBACK
        case FeeWaiver():
            return OfferKind.FEE
        case DrawChance():
            return OfferKind.DRAW
        case EntitlementReward():
            return OfferKind.ENTITLEMENT
        case Discount():
            return OfferKind.DISCOUNT
        case Place():
            return OfferKind.EVENT
        case PointsBonus() | BasePoints():
            return OfferKind.POINTS


def _action_of(trigger: Trigger, grants: tuple[Reward, ...]) -> ActionKind:
    match trigger:
        case Claim():
            return ActionKind.CLAIM
        case Till():
            return ActionKind.PAY
        case Apply():
            return ActionKind.APPLY
        case SignUp():
            return ActionKind.SIGN_UP
        case Schedule():
            return ActionKind.NONE
        case Story(subject=subject):
            if any(isinstance(reward, DrawChance) for reward in grants):
                return ActionKind.DRAW
            if any(isinstance(reward, EntitlementReward) for reward in grants):
                return ActionKind.BOOK
            match subject:
                case SubjectKind.BINDING:
                    return ActionKind.BIND
                case SubjectKind.PURCHASE:
                    return ActionKind.PAY
                case SubjectKind.INSTALMENT | SubjectKind.ACTIVATION | SubjectKind.APPROVAL:
                    return ActionKind.NONE


@dataclass(frozen=True, slots=True)
class PointsRate:
    """`per_yuan` base points for each yuan paid with these products, at merchants of these groups (empty: anywhere).

    Where several fit, the highest counts. Holds in every phase, before and after too: it is the product's own rate.
    """

    products: tuple[Product, ...]
    per_yuan: int
    merchant_groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check(len(self.products) > 0 and self.per_yuan >= 0, "a points rate needs products and points per yuan")


@dataclass(frozen=True, slots=True)
class BudgetLine:
    code: str
    amount: Fen
    title: Words | None = None

    def __post_init__(self) -> None:
        _check_code(self.code)
        _check(self.amount >= 0, "a budget line cannot be negative")


@dataclass(frozen=True, slots=True)
class Budget:
    total: Fen
    lines: tuple[BudgetLine, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A shelf of the hall's home page."""

    code: str
    title: Words

    def __post_init__(self) -> None:
        _check_code(self.code)


@dataclass(frozen=True, slots=True)
class GroupTitle:
    """How a merchant group is called in rule texts and reasons. Which merchants are in it, their events say."""

    code: str
    title: Words

    def __post_init__(self) -> None:
        _check_code(self.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One version of a campaign file, as published. Immutable: a change is a new version."""

    code: str
    title: Words
    version: int
    phases: Phases
    audience: Audience
    budget: Budget
    sections: tuple[Section, ...]
    offers: tuple[Offer, ...]
    draws: tuple[Draw, ...] = ()
    points: tuple[PointsRate, ...] = ()
    groups: tuple[GroupTitle, ...] = ()
    subtitle: Words | None = None

    def __post_init__(self) -> None:
        _check_code(self.code)
        _check(self.version > 0, "a version is at least 1")
        for what, codes in (
            ("offer", [offer.code for offer in self.offers]),
            ("draw", [draw.code for draw in self.draws]),
            ("section", [section.code for section in self.sections]),
            ("budget line", [line.code for line in self.budget.lines]),
            ("merchant group", [group.code for group in self.groups]),
        ):
            twice = {code for code in codes if codes.count(code) > 1}
            _check(not twice, f"{what} {', '.join(sorted(twice))} stands twice")

    def offer(self, code: str) -> Offer | None:
        return next((offer for offer in self.offers if offer.code == code), None)

    def draw(self, code: str) -> Draw | None:
        return next((draw for draw in self.draws if draw.code == code), None)

    def conditions_of(self, offer: Offer) -> tuple[Condition, ...]:
        """Everything that must hold for `offer`: both audiences, its recurring windows, its own conditions."""
        return (*self.audience.conditions(), *offer.audience.conditions(), *offer.when, *offer.conditions)


def _rests(rule: Condition) -> bool:
    return isinstance(rule, PurchasedAt | Reached | TrackRecord) or any(_rests(inner) for inner in rule.children())


@dataclass(frozen=True, slots=True)
class SegmentRule:
    """A segment of customers: all conditions hold (only conditions about the customer make sense here)."""

    code: str
    title: Words
    conditions: tuple[Condition, ...]

    def __post_init__(self) -> None:
        _check_code(self.code)
