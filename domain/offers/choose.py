"""A customer chooses one of several rewards; the others lapse.

The choice's hold keeps one quota place and the dearest option's cost; choosing captures what the chosen one needs.
Source of the rule: plan rule A2 and contract section 6.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, assert_never
from uuid import UUID

from domain.campaigns.model import Campaign, Choice, Offer, cost_of
from domain.kernel.errors import Broken, RequestReused
from domain.kernel.ids import lane_of
from domain.kernel.money import Fen
from domain.kernel.prints import fingerprint
from domain.kernel.time import Clock
from domain.ledger.unit import Change, Committed, EndHold, Gone, Ledger, Moved, Repeated, Request, Reused, Short, Unit
from domain.offers.answers import named_in, naming
from domain.offers.award import Award, Parts, grant_option
from domain.offers.outcomes import AccountFrozen, ChooseOutcome, Late, NotFound, RewardChosen, TooLate
from domain.offers.units import unit_of
from domain.wallet.facts import ChoiceFacts, ChoiceStatus, CouponFacts, DeliveryFacts


@dataclass(frozen=True, slots=True)
class ChooseReward:
    request_id: UUID
    customer: str
    choice: UUID
    option: str


@dataclass(frozen=True, slots=True)
class ChooseFacts:
    """The choice, and the campaign version and offer it was judged by. cost: the grant's, hold included.

    changed_at: when the choice came to its status.
    """

    choice: ChoiceFacts
    campaign: Campaign
    offer: Offer
    cost: Fen
    changed_at: datetime


class ReadChoices(Protocol):
    async def choose_facts(self, customer: str, choice: UUID) -> ChooseFacts | None:
        """None when there is no such choice of this customer's."""
        ...

    async def answer_to(self, request: Request, lane: int) -> Repeated | Reused | None: ...

    async def coupons_by_id(self, customer: str, ids: Sequence[UUID]) -> Sequence[CouponFacts]: ...

    async def deliveries_by_id(self, customer: str, ids: Sequence[UUID]) -> Sequence[DeliveryFacts]: ...


@dataclass(frozen=True, slots=True)
class Chosen:
    """The decision: what to capture of the hold's legs, what the grant costs now, and what the customer gets."""

    amounts: tuple[int, ...]
    cost: Fen
    parts: Parts


_CLOSED = {ChoiceStatus.CHOSEN: Late.ALREADY_CHOSEN, ChoiceStatus.VOIDED: Late.NO_LONGER_EARNED}
"""What closed a choice before its time was over."""


def decide_choice(command: ChooseReward, facts: ChooseFacts | None, now: datetime) -> Chosen | TooLate | NotFound:
    if facts is None:
        return NotFound()
    choice = facts.choice
    reward = next(reward for reward in facts.offer.grants if isinstance(reward, Choice))
    option = next((option for option in reward.options if option.code == command.option), None)
    if option is None:
        return NotFound()
    if choice.status in _CLOSED:
        return TooLate(min(facts.changed_at, choice.choose_by), _CLOSED[choice.status])
    if choice.status is not ChoiceStatus.OPEN or now >= choice.choose_by:
        return TooLate(choice.choose_by)
    held, cost = cost_of(reward), cost_of(option)
    amounts = ([] if facts.offer.quota is None else [1]) + ([cost] if held and facts.offer.line else [])
    order = Award(
        facts.campaign, facts.offer, command.customer, cause="", at=now, earned_at=now, details={"option": option.code}
    )
    return Chosen(tuple(amounts), facts.cost - held + cost, grant_option(order, choice.grant, option))


async def choose_reward(
    command: ChooseReward, *, read: ReadChoices, frozen: AccountFrozen | None, ledger: Ledger, clock: Clock
) -> ChooseOutcome:
    """Give the chosen option, once per `request_id`.

    Args:
        frozen: where the customer's benefits are on hold.

    Returns:
        What happened; for the same `request_id` the same reward, as it stands by then.

    Raises:
        RequestReused: the `request_id` came before with a different command.
        Busy: too much is waiting; nothing was done.
    """
    request = Request(
        command.customer, command.request_id, fingerprint("chooseReward", str(command.choice), command.option)
    )
    lane = lane_of(command.customer)
    for _ in range(3):
        now = clock.now()
        facts = await read.choose_facts(command.customer, command.choice)
        decision: Chosen | ChooseOutcome = decide_choice(command, facts, now)
        if isinstance(decision, Chosen) and frozen is not None:
            decision = frozen
        if not isinstance(decision, Chosen):
            match await read.answer_to(request, lane):
                case Repeated(answer):
                    return await _there(read, command.customer, answer)
                case Reused():
                    raise RequestReused
            return decision
        assert facts is not None
        result = await ledger.commit(_unit(command, facts.choice, decision, request, lane, now))
        match result:
            case Committed():
                parts = decision.parts
                return RewardChosen(next(iter(parts.coupons), None), next(iter(parts.deliveries), None))
            case Repeated(first):
                return await _there(read, command.customer, first)
            case Reused():
                raise RequestReused
            case Gone():
                return TooLate(facts.choice.choose_by)
            case Moved():
                continue  # another request chose, or the choice was voided: look again
            case Short(account):
                raise Broken(f"a capture was short of {account.key}")
        assert_never(result)
    raise Broken("a choice kept moving")


def _unit(
    command: ChooseReward, choice: ChoiceFacts, chosen: Chosen, request: Request, lane: int, now: datetime
) -> Unit:
    parts = chosen.parts
    answer = naming(
        coupons=[coupon.id for coupon in parts.coupons], deliveries=[delivery.id for delivery in parts.deliveries]
    )
    parts.end_holds.append(EndHold(choice.hold, capture=True, amounts=chosen.amounts))
    changes = (
        Change("choice", choice.id, "OPEN", "CHOSEN", {"chosen": command.option}),
        Change("offer_grant", choice.grant, "PENDING", "GIVEN", {"cost": chosen.cost}),
    )
    return unit_of(parts, lane=lane, at=now, request=request, answer=answer, changes=changes)


async def _there(read: ReadChoices, customer: str, answer: str) -> RewardChosen:
    coupons, deliveries = named_in(answer, "coupons"), named_in(answer, "deliveries")
    return RewardChosen(
        next(iter(await read.coupons_by_id(customer, coupons)), None) if coupons else None,
        next(iter(await read.deliveries_by_id(customer, deliveries)), None) if deliveries else None,
    )
