"""What an operator may change of a campaign while it runs, decided on its newest version.

Every change says what the operator saw (`current`) and what it shall be (`target`): against another figure it is stale.
What comes out is the campaign as it would be; whether it is in the customers' favour, `classify` says. Adverse changes
need a second person; one that touches a draw that has started is refused. Source of the rule: plan rule A18.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias, assert_never

from domain.campaigns.conditions import PaymentMethodIs
from domain.campaigns.lint import lint_change
from domain.campaigns.model import Campaign, Offer, Phases, Story, Till
from domain.campaigns.schedule import opens_and_closes
from domain.campaigns.terms import PaymentMethod, SubjectKind
from domain.kernel.time import DAY, Interval, iso
from domain.operate.classify import ALL_METHODS, Difference, Effect, differences, effect_of, methods_of

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SetQuota:
    offer: str
    current: int
    target: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Gives nothing until it is resumed; what was given stays good."""

    offer: str


@dataclass(frozen=True, slots=True)
class Resume:
    offer: str


@dataclass(frozen=True, slots=True)
class EndEarly:
    """target None: with the next full minute."""

    offer: str
    current: datetime
    target: datetime | None


@dataclass(frozen=True, slots=True)
class Extend:
    """offer None: the campaign's active phase, with everything that follows it."""

    offer: str | None
    current: datetime
    target: datetime


@dataclass(frozen=True, slots=True)
class SetPaymentMethods:
    offer: str
    current: tuple[PaymentMethod, ...]
    target: tuple[PaymentMethod, ...]


LiveChange: TypeAlias = SetQuota | Pause | Resume | EndEarly | Extend | SetPaymentMethods


@dataclass(frozen=True, slots=True)
class Changed:
    """The campaign as it would be, and what differs."""

    change: LiveChange
    after: Campaign
    differences: tuple[Difference, ...]

    @property
    def effect(self) -> Effect:
        return effect_of(self.differences)


@dataclass(frozen=True, slots=True)
class Stale:
    """current: the figure as it stands, as JSON writes it."""

    current: Any


@dataclass(frozen=True, slots=True)
class NothingToChange:
    """It is so already."""


@dataclass(frozen=True, slots=True)
class Refused:
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class NoSuchThing:
    """No such campaign or offer."""


Decision: TypeAlias = Changed | Stale | NothingToChange | Refused | NoSuchThing


def decide_change(change: LiveChange, campaign: Campaign, now: datetime) -> Decision:
    """What `change` makes of the newest version, or why it does not. Moments of `target` are whole minutes."""
    offer = None if change.offer is None else campaign.offer(change.offer)
    if offer is None and change.offer is not None:
        return NoSuchThing()
    after: Campaign | Stale | NothingToChange | Refused
    match change:
        case Extend(offer=None):
            after = _extend_campaign(change, campaign)
        case _:
            assert offer is not None
            made = _made(change, offer, campaign, now)
            after = made if not isinstance(made, Offer) else with_offer(campaign, made)
            if isinstance(change, EndEarly) and isinstance(made, Offer):
                assert made.between is not None
                change = replace(change, target=made.between.closes_at)
    if not isinstance(after, Campaign):
        return after
    found = differences(campaign, after, now)
    changed = Changed(change, after, found)
    if worse := lint_change(campaign, after, now):
        return Refused("DRAW_STARTED", " ".join(worse))
    started = campaign.phases.starts_at <= now < campaign.phases.closes_at
    if changed.effect is Effect.ADVERSE and started and offer is not None and offer.code_of_draw is not None:
        detail = f"The draw {offer.code_of_draw} has started: nothing that brings chances in it may be made worse."
        return Refused("DRAW_STARTED", detail)
    return changed


def with_offer(campaign: Campaign, made: Offer) -> Campaign:
    offers = tuple(made if offer.code == made.code else offer for offer in campaign.offers)
    return replace(campaign, offers=offers)


def _made(
    change: SetQuota | Pause | Resume | EndEarly | Extend | SetPaymentMethods,
    offer: Offer,
    campaign: Campaign,
    now: datetime,
) -> Offer | Stale | NothingToChange | Refused:
    match change:
        case SetQuota(current=current, target=target):
            if offer.quota is None:
                return Refused("NO_QUOTA", f"{offer.code} has no quota: it is bounded by its budget line alone.")
            if offer.quota != current:
                return Stale(offer.quota)
            return NothingToChange() if target == current else replace(offer, quota=target)
        case Pause():
            return NothingToChange() if offer.paused else replace(offer, paused=True)
        case Resume():
            return replace(offer, paused=False) if offer.paused else NothingToChange()
        case EndEarly():
            return _end(change, offer, campaign, now)
        case Extend():
            return _extend(change, offer, campaign)
        case SetPaymentMethods():
            return _restrict(change, offer)
        case _:
            assert_never(change)


def _end(change: EndEarly, offer: Offer, campaign: Campaign, now: datetime) -> Offer | Stale | Refused:
    run = opens_and_closes(offer, campaign)
    if run.closes_at != change.current:
        return Stale(iso(run.closes_at))
    target = change.target if change.target is not None else _next_minute(now)
    if now < run.opens_at:
        return Refused("NOT_BEGUN", f"{offer.code} has not begun: pause it instead.")
    if not now <= target < run.closes_at:
        return Refused("NOT_EARLIER", f"The end must be from now on and before {iso(run.closes_at)}.")
    opens_at = offer.between.opens_at if offer.between is not None else run.opens_at
    return replace(offer, between=Interval(opens_at, target))


def _next_minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0) + MINUTE


def _extend(change: Extend, offer: Offer, campaign: Campaign) -> Offer | Stale | Refused:
    run = opens_and_closes(offer, campaign)
    if run.closes_at != change.current:
        return Stale(iso(run.closes_at))
    if offer.between is None:
        return Refused(
            "ENDS_WITH_ITS_PHASE", f"{offer.code} ends with its phase: extend the campaign (without `offer`)."
        )
    longer = replace(offer, between=Interval(offer.between.opens_at, change.target))
    if change.target <= run.closes_at:
        return Refused("NOT_LATER", f"The end must be after {iso(run.closes_at)}.")
    if opens_and_closes(longer, campaign).closes_at != change.target:
        return Refused("BEYOND_ITS_PHASE", "The phases it runs in end earlier: extend the campaign (without `offer`).")
    return longer


def _extend_campaign(change: Extend, campaign: Campaign) -> Campaign | Stale | Refused:
    phases = campaign.phases
    if phases.ends_at != change.current:
        return Stale(iso(phases.ends_at))
    longer = change.target - phases.ends_at
    if longer <= timedelta() or longer % DAY:
        return Refused("NOT_LATER", f"The active phase can end whole days after {iso(phases.ends_at)}.")
    return replace(
        campaign,
        phases=Phases(phases.warm_up_at, phases.starts_at, phases.ends_at + longer, phases.closes_at + longer),
    )


def _restrict(change: SetPaymentMethods, offer: Offer) -> Offer | Stale | NothingToChange | Refused:
    trigger = offer.trigger
    if not isinstance(trigger, Till) and not (isinstance(trigger, Story) and trigger.subject is SubjectKind.PURCHASE):
        return Refused("NOTHING_IS_PAID", f"Nothing is paid for {offer.code}: there is no way of paying to restrict.")
    present = methods_of(offer)
    if set(present) != set(change.current):
        return Stale([method.value for method in present])
    wanted = tuple(method for method in ALL_METHODS if method in change.target)
    if wanted == present:
        return NothingToChange()
    return replace(offer, conditions=conditions_with(offer, wanted), open_to_all=False)


def conditions_with(offer: Offer, methods: tuple[PaymentMethod, ...]) -> Any:
    """The offer's conditions with these ways of paying in the place of those it names, else at the end."""
    rule = PaymentMethodIs(methods)
    if any(isinstance(found, PaymentMethodIs) for found in offer.conditions):
        return tuple(rule if isinstance(found, PaymentMethodIs) else found for found in offer.conditions)
    return (*offer.conditions, rule)
