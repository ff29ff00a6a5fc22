"""What applying events to a story changes: rewards newly earned are given, what is no longer earned goes back.

Pure. The fold says what is earned; the tables say what was given; the difference becomes parts of one unit, committed
together with the story's next version.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from domain.campaigns.model import Campaign, DrawChance, Offer
from domain.kernel.time import iso
from domain.offers.award import Award, Parts, award, missed
from domain.offers.take_back import GivenGrant, Had, Held, InUse, lower, take_back
from domain.stories.fold import Earned

Earning: TypeAlias = tuple[str, str, str]
"""campaign, offer, cause."""

STORY_LOOK = "story.look"
"""Outbox topic: something of a customer could not be taken back, for a till held it; payload: customer."""

STANDING = frozenset({"GIVEN", "PENDING", "MISSED", "KEPT", "LAPSED"})
"""Statuses of a grant that answers its earning, so that it is not given again."""


@dataclass(frozen=True, slots=True)
class Difference:
    """gained: earned and not given yet, with the round it is given in. lost: given and no longer earned.

    lowered: draw chances given, and earned still, by a purchase of which another amount is left now.
    """

    gained: tuple[tuple[Earned, int], ...] = ()
    lost: tuple[GivenGrant, ...] = ()
    lowered: tuple[tuple[Earned, GivenGrant], ...] = ()


def difference(earned: Iterable[Earned], given: Sequence[GivenGrant]) -> Difference:
    """What the whole story earns against every grant the customer has had of story offers."""
    now = {earning_of(one): one for one in earned}
    standing: dict[Earning, GivenGrant] = {}
    rounds: dict[Earning, int] = {}
    for grant in given:
        earning = (grant.campaign, grant.offer, grant.cause)
        rounds[earning] = max(rounds.get(earning, 0), grant.round)
        if grant.status in STANDING:
            standing[earning] = grant
    gained, lost, lowered = [], [], []
    for earning, one in now.items():
        grant_now = standing.get(earning)
        if grant_now is not None and grant_now.amount == one.amount:
            if grant_now.basis != one.basis and grant_now.status == "GIVEN" and _has_chances(one):
                lowered.append((one, grant_now))
            continue
        if grant_now is not None and grant_now.status != "KEPT":
            lost.append(grant_now)
        if grant_now is None or grant_now.status != "KEPT":
            gained.append((one, rounds.get(earning, 0) + 1))
    for earning, grant in standing.items():
        if earning not in now and grant.status in ("GIVEN", "PENDING", "MISSED"):
            lost.append(grant)
    return Difference(tuple(gained), tuple(lost), tuple(lowered))


def _has_chances(one: Earned) -> bool:
    return any(isinstance(resolved.reward, DrawChance) for resolved in one.rewards)


def newly_earned(earned: Iterable[Earned], given: Iterable[Had | GivenGrant]) -> Difference:
    """What a story that goes on has earned besides; an earning that was lost once is given in a new round."""
    rounds: dict[Earning, int] = {}
    standing: set[Earning] = set()
    for grant in given:
        earning = (grant.campaign, grant.offer, grant.cause)
        rounds[earning] = max(rounds.get(earning, 0), grant.round)
        if grant.status in STANDING:
            standing.add(earning)
    fresh = [(one, earning_of(one)) for one in earned]
    return Difference(tuple((one, rounds.get(each, 0) + 1) for one, each in fresh if each not in standing))


NOTHING_NEW = Difference()


def missed_of(given: Iterable[GivenGrant]) -> frozenset[str]:
    """Offers of which nothing was left whenever the customer earned them."""
    return _only_missed((grant.offer, grant.status) for grant in given)


def _only_missed(grants: Iterable[tuple[str, str]]) -> frozenset[str]:
    """grants: (offer, status)."""
    statuses: dict[str, set[str]] = {}
    for offer, status in grants:
        if status in STANDING:
            statuses.setdefault(offer, set()).add(status)
    return frozenset(offer for offer, found in statuses.items() if found == {"MISSED"})


def earning_of(one: Earned) -> Earning:
    return one.campaign, one.offer, one.cause


FindVersion = Callable[[str, int, str], tuple[Campaign, Offer]]
"""(campaign, version, offer code) -> both."""


@dataclass(slots=True)
class StoryChange:
    """Everything of one customer's unit, in pieces, so that one piece that finds nothing left can be told apart.

    gained: each award with its parts; short ones are replaced by `missed`. lost: what is taken back or lowered.
    waits_for: a coupon held by a till, for which a grant stands as it is, to be looked at again.
    """

    gained: list[tuple[Award, Parts]] = field(default_factory=list)
    lost: list[Parts] = field(default_factory=list)
    waits_for: UUID | None = None

    def whole(self) -> Parts:
        parts = Parts()
        for piece in self.lost:
            parts.absorb(piece)
        for _, piece in self.gained:
            parts.absorb(piece)
        return parts

    def missed_after(self, given: Iterable[Had | GivenGrant]) -> frozenset[str]:
        """`missed_of` once this is committed. given: every grant the customer has had of story offers before."""
        after: dict[Any, tuple[str, str]] = {grant.id: (grant.offer, grant.status) for grant in given}
        for piece in self.lost:
            for moved in piece.changes:
                if moved.kind == "offer_grant" and moved.key in after:
                    after[moved.key] = (after[moved.key][0], str(moved.new))
        rows = [row for _, piece in self.gained for row in piece.rows["offer_grant"]]
        return _only_missed([*after.values(), *((row["offer"], row["status"]) for row in rows)])

    def without(self, account_key: str) -> bool:
        """Turn the awards that need this account into missed ones, the latest first; False when there is none."""
        for n in range(len(self.gained) - 1, -1, -1):
            order, parts = self.gained[n]
            if any(account.key == account_key for account in parts.accounts()):
                self.gained[n] = (order, missed(order, account_key.split("|", 1)[0].upper()))
                return True
        return False


def decide(
    customer: str,
    found: Difference,
    held: Mapping[UUID, Collection[Held]],
    find: FindVersion,
    *,
    person: str | None,
    at: datetime,
) -> StoryChange:
    """The pieces of the customer's unit. held: what came of each lost grant."""
    change = StoryChange()
    kept: set[Earning] = set()
    for grant in found.lost:
        _, offer = find(grant.campaign, grant.version, grant.offer)
        try:
            piece = take_back(grant, list(held.get(grant.id, ())), offer, at)
        except InUse as in_use:
            change.waits_for = in_use.coupon
            kept.add((grant.campaign, grant.offer, grant.cause))
            continue
        change.lost.append(piece)
        if any((moved.key, moved.new) == (grant.id, "KEPT") for moved in piece.changes):
            kept.add((grant.campaign, grant.offer, grant.cause))
    for one, grant in found.lowered:
        try:
            change.lost.append(lower(grant, list(held.get(grant.id, ())), one.basis, _details(one, grant.person), at))
        except InUse as in_use:
            change.waits_for = in_use.coupon
    for one, round in found.gained:
        if earning_of(one) in kept:
            continue  # earned with another figure, but the old one is used (then a case settles it) or held by a till
        campaign, offer = find(one.campaign, one.version, one.offer)
        order = Award(
            campaign, offer, customer, one.cause, at, one.at, amount=one.amount, basis=one.basis, card=one.card,
            person=person, round=round, details=_details(one, person),
        )  # fmt: skip
        change.gained.append((order, award(order)))
    return change


def _details(one: Earned, person: str | None) -> dict[str, Any]:
    return {
        "card": one.card, "person": person, "earnedAt": iso(one.at), "amount": one.amount, "basis": one.basis,
        "subject": one.subject,
    }  # fmt: skip
