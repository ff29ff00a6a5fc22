"""Whether a new version of a campaign is in the customers' favour.

Every difference between two versions is classed by itself, the change as a whole by its worst one. What is not known to
be harmless counts as adverse: a person then looks at it twice. Source of the rule: SAMR Order 32, and plan rule A18.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from domain.campaigns.conditions import Condition, PaymentMethodIs
from domain.campaigns.lint import lint_change
from domain.campaigns.model import Campaign, Offer, Reward
from domain.campaigns.schedule import opens_and_closes
from domain.campaigns.terms import PaymentMethod


class Effect(StrEnum):
    FAVOURABLE = "FAVOURABLE"
    NEUTRAL = "NEUTRAL"
    ADVERSE = "ADVERSE"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was. path: `friday.quota`, `budget.rewards`."""

    path: str
    effect: Effect


ALL_METHODS: tuple[PaymentMethod, ...] = tuple(PaymentMethod)


def methods_of(offer: Offer) -> tuple[PaymentMethod, ...]:
    """The ways of paying that take part; all of them where the offer names none."""
    named = [rule.methods for rule in offer.conditions if isinstance(rule, PaymentMethodIs)]
    return tuple(method for method in ALL_METHODS if all(method in methods for methods in named))


def differences(old: Campaign, new: Campaign, now: datetime) -> tuple[Difference, ...]:
    """In the order of the file: the campaign, its budget, its draws, its offers."""
    return tuple(_differences(old, new, now))


def effect_of(found: tuple[Difference, ...]) -> Effect:
    """Of the change as a whole: its worst."""
    effects = {each.effect for each in found}
    for effect in (Effect.ADVERSE, Effect.FAVOURABLE):
        if effect in effects:
            return effect
    return Effect.NEUTRAL


def _differences(old: Campaign, new: Campaign, now: datetime) -> Iterator[Difference]:
    for name in ("title", "subtitle", "sections", "groups"):
        if getattr(old, name) != getattr(new, name):
            yield Difference(name, Effect.NEUTRAL)
    for name in ("audience", "points"):
        if getattr(old, name) != getattr(new, name):
            yield Difference(name, Effect.ADVERSE)
    yield from _span(
        "phases", (old.phases.starts_at, old.phases.closes_at), (new.phases.starts_at, new.phases.closes_at)
    )
    if old.phases.ends_at != new.phases.ends_at:
        yield Difference("phases.active", _more(old.phases.ends_at, new.phases.ends_at))
    before = {line.code: line.amount for line in old.budget.lines}
    after = {line.code: line.amount for line in new.budget.lines}
    for code in before | after:
        if before.get(code) != after.get(code):
            yield Difference(f"budget.{code}", _more(before.get(code, 0), after.get(code, 0)))
    if old.draws != new.draws:
        worse = lint_change(old, new, old.phases.starts_at)
        yield Difference("draws", Effect.ADVERSE if worse else Effect.FAVOURABLE)
    present = {offer.code: offer for offer in new.offers}
    for offer in old.offers:
        if offer.code not in present:
            yield Difference(offer.code, Effect.ADVERSE)
        elif offer != present[offer.code]:
            yield from _of_offer(old, offer, new, present[offer.code])
    for code in present.keys() - {offer.code for offer in old.offers}:
        yield Difference(code, Effect.FAVOURABLE)


_HARMLESS = frozenset(
    {"title", "subtitle", "section", "line", "kind_is", "action", "tags", "affinity", "priority", "notes"}
)
_APART = frozenset({"open_to_all", "quota", "paused", "limits", "conditions", "rewards", "phases", "between", "code"})


def _of_offer(old_campaign: Campaign, old: Offer, new_campaign: Campaign, new: Offer) -> Iterator[Difference]:
    code = old.code
    if old.quota != new.quota:
        endless = float("inf")
        less = _more(endless if old.quota is None else old.quota, endless if new.quota is None else new.quota)
        yield Difference(f"{code}.quota", less)
    if old.paused != new.paused:
        yield Difference(f"{code}.paused", Effect.ADVERSE if new.paused else Effect.FAVOURABLE)
    if (old.phases, old.between) != (new.phases, new.between):  # else the campaign's phases tell
        was, will = opens_and_closes(old, old_campaign), opens_and_closes(new, new_campaign)
        yield from _span(f"{code}.between", (was.opens_at, was.closes_at), (will.opens_at, will.closes_at))
    yield from _methods(code, old, new)
    if _others(old) != _others(new):
        yield Difference(f"{code}.if", Effect.ADVERSE)
    yield from _limits(code, old, new)
    yield from _rewards(code, old.rewards, new.rewards)
    for field in fields(old):
        if field.name not in _APART and getattr(old, field.name) != getattr(new, field.name):
            yield Difference(f"{code}.{field.name}", Effect.NEUTRAL if field.name in _HARMLESS else Effect.ADVERSE)


def _others(offer: Offer) -> list[Condition]:
    return [rule for rule in offer.conditions if not isinstance(rule, PaymentMethodIs)]


def _methods(code: str, old: Offer, new: Offer) -> Iterator[Difference]:
    was, will = set(methods_of(old)), set(methods_of(new))
    if was != will:
        yield Difference(f"{code}.paymentMethod", Effect.FAVOURABLE if was < will else Effect.ADVERSE)


def _limits(code: str, old: Offer, new: Offer) -> Iterator[Difference]:
    endless = float("inf")
    was = {(limit.per, limit.period): limit.max for limit in old.limits}
    will = {(limit.per, limit.period): limit.max for limit in new.limits}
    for kind in was | will:
        before, after = was.get(kind, endless), will.get(kind, endless)
        if before != after:
            yield Difference(f"{code}.limits", _more(before, after))


_BETTER_HIGHER = frozenset({"value", "count", "off", "ppm", "cap", "days", "total", "valid_days"})
_BETTER_LOWER = frozenset({"min_spend"})
_INDIFFERENT = frozenset({"title", "body", "cost", "sku", "where"})


def _rewards(code: str, old: tuple[Reward, ...], new: tuple[Reward, ...]) -> Iterator[Difference]:
    path = f"{code}.rewards"
    if len(old) > len(new) or any(type(was) is not type(will) for was, will in zip(old, new, strict=False)):
        yield Difference(path, Effect.ADVERSE)
        return
    if len(new) > len(old):
        yield Difference(path, Effect.FAVOURABLE)
    for was, will in zip(old, new, strict=False):
        for field in fields(was):
            before, after = getattr(was, field.name), getattr(will, field.name)
            if before != after:
                yield Difference(f"{path}.{field.name}", _of_reward(field.name, before, after))


def _of_reward(name: str, before: Any, after: Any) -> Effect:
    if name in _INDIFFERENT:
        return Effect.NEUTRAL
    if name in _BETTER_HIGHER and isinstance(before, int) and isinstance(after, int):
        return _more(before, after)
    if name in _BETTER_LOWER:
        return _more(after, before)
    return Effect.ADVERSE


def _span(path: str, was: tuple[datetime, datetime], will: tuple[datetime, datetime]) -> Iterator[Difference]:
    """Opening earlier and closing later are in the customers' favour."""
    if was[0] != will[0]:
        yield Difference(f"{path}.from", _more(will[0], was[0]))
    if was[1] != will[1]:
        yield Difference(f"{path}.to", _more(was[1], will[1]))


def _more(before: Any, after: Any) -> Effect:
    return Effect.FAVOURABLE if after > before else Effect.ADVERSE
