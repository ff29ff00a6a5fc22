"""Conditions put together: all of them, any of them, not this one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.conditions.window import WindowRule, next_closing
from domain.campaigns.facts import NO_NAMES, Facts, Naming
from domain.campaigns.terms import About, Reason
from domain.campaigns.words import moment
from domain.kernel.words import Words


def _about(rules: Iterable[Rule]) -> About:
    """The most that any of them needs."""
    needs = {rule.about for rule in rules}
    return next(about for about in (About.SUBJECT, About.CUSTOMER, About.TIME) if about in needs)


def _soonest(rules: Iterable[Rule], facts: Facts) -> datetime | None:
    """When any of them may change."""
    return min((at for rule in rules if (at := rule.changes_at(facts)) is not None), default=None)


def _no_counts(rules: tuple[Rule, ...]) -> None:
    if not rules:
        raise ValueError("there must be conditions inside")
    if any(rule.about is About.TALLY for rule in rules):
        raise ValueError("purchases and totalSpend stand at the top of `if`, not inside all, any or not")


@dataclass(frozen=True, slots=True)
class All(Rule):
    kind: ClassVar[str] = "all"

    of: tuple[Rule, ...]

    def __post_init__(self) -> None:
        _no_counts(self.of)

    @property
    def about(self) -> About:
        return _about(self.of)

    @property
    def anchored(self) -> bool:
        return any(rule.anchored for rule in self.of)

    def judge(self, facts: Facts) -> bool:
        return all(rule.judge(facts) for rule in self.of)

    def explain(self, facts: Facts) -> Reason | None:
        return next((reason for rule in self.of if (reason := rule.explain(facts)) is not None), None)

    def describe(self, names: Naming = NO_NAMES) -> Words:
        described = [rule.describe(names) for rule in self.of]
        return Words("且".join(word.zh for word in described), " and ".join(word.en for word in described))

    def deadline(self, facts: Facts) -> datetime | None:
        ends = [end for rule in self.of if (end := rule.deadline(facts)) is not None]
        return min(ends, default=None)

    def changes_at(self, facts: Facts) -> datetime | None:
        return _soonest(self.of, facts)

    def children(self) -> Iterable[Rule]:
        return self.of


@dataclass(frozen=True, slots=True)
class Any(Rule):
    kind: ClassVar[str] = "any"

    of: tuple[Rule, ...]

    def __post_init__(self) -> None:
        _no_counts(self.of)

    @property
    def about(self) -> About:
        return _about(self.of)

    @property
    def anchored(self) -> bool:
        return any(rule.anchored for rule in self.of)

    def judge(self, facts: Facts) -> bool:
        return any(rule.judge(facts) for rule in self.of)

    def explain(self, facts: Facts) -> Reason | None:
        if self.judge(facts):
            return None
        reasons = [rule.explain(facts) for rule in self.of]
        found = [reason for reason in reasons if reason is not None]
        if len(found) < len(reasons):
            return None  # one of them has nothing against it
        remedies = [reason.remedy for reason in found if reason.remedy is not None]
        opens = [reason.next_at for reason in found if reason.next_at is not None]
        return Reason(
            found[0].code,
            Words("；".join(reason.message.zh for reason in found), "; ".join(reason.message.en for reason in found)),
            Words("，或".join(word.zh for word in remedies), ", or ".join(word.en for word in remedies))
            if remedies
            else None,
            min(opens, default=None),
        )

    def describe(self, names: Naming = NO_NAMES) -> Words:
        described = [rule.describe(names) for rule in self.of]
        return Words(
            f"（{'，或'.join(word.zh for word in described)}）", f"({', or '.join(word.en for word in described)})"
        )

    def deadline(self, facts: Facts) -> datetime | None:
        ends = [rule.deadline(facts) for rule in self.of]
        known = [end for end in ends if end is not None]
        return max(known) if len(known) == len(ends) else None

    def changes_at(self, facts: Facts) -> datetime | None:
        return _soonest(self.of, facts)

    def children(self) -> Iterable[Rule]:
        return self.of


@dataclass(frozen=True, slots=True)
class Not(Rule):
    kind: ClassVar[str] = "not"

    of: Rule

    def __post_init__(self) -> None:
        _no_counts((self.of,))

    @property
    def about(self) -> About:
        return self.of.about

    @property
    def anchored(self) -> bool:
        return self.of.anchored

    def judge(self, facts: Facts) -> bool:
        return not self.of.judge(facts)

    def explain(self, facts: Facts) -> Reason | None:
        if (self.of.about is About.SUBJECT and facts.subject is None) or self.judge(facts):
            return None
        rule = self.of.describe(facts.names)
        message = Words(f"不适用于：{rule.zh}", f"Not for: {rule.en}")
        ends = None
        if isinstance(self.of, WindowRule):
            ends = next_closing(self.of, facts.at, facts.day, facts.calendar)
        if ends is None:
            return Reason("EXCLUDED", message)
        then = moment(ends)
        return Reason("EXCLUDED", message, Words(f"{then.zh}起可参加", f"Come back from {then.en}"), ends)

    def describe(self, names: Naming = NO_NAMES) -> Words:
        rule = self.of.describe(names)
        return Words(f"不适用于：{rule.zh}", f"not: {rule.en}")

    def changes_at(self, facts: Facts) -> datetime | None:
        return self.of.changes_at(facts)

    def children(self) -> Iterable[Rule]:
        return (self.of,)
