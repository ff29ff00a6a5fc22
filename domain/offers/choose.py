"""A customer chooses one of several rewards; the others lapse.

The choice's hold keeps one quota place and the dearest option's cost; choosing captures what the chosen one needs.
Source of the rule: plan rule A2 and contract section 6.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, assert_never
from uuid import UUID

from domain.campaigns.model import Campaign, Choice, Offer, cost_of
from domain.kernel.errors import Broken, RequestReused
from domain.kernel.ids import lane_of
from domain.kernel.money import Fen
from domain.kernel.prints import fingerprint
from domain.kernel.time import Clock
from domain.ledger.unit import Change, Committed, EndHold, Gone, Ledger, Moved, Repeated, Request, Reused, Short, Unit
from domain.offers.answers import read_coupon, read_delivery, write_coupon, write_delivery
from domain.offers.award import Award, Parts, grant_option
from domain.offers.outcomes import AccountFrozen, ChooseOutcome, NotFound, RewardChosen, TooLate
from domain.offers.units import unit_of
from domain.wallet.facts import ChoiceFacts, ChoiceStatus


@dataclass(frozen=True, slots=True)
class ChooseReward:
    request_id: UUID
    customer: str
    choice: UUID
    option: str


@dataclass(frozen=True, slots=True)
class ChooseFacts:
    """The choice, and the campaign version and offer it was judged by. cost: the grant's, hold included."""

    choice: ChoiceFacts
    campaign: Campaign
    offer: Offer
    cost: Fen


class ReadChoices(Protocol):
    async def choose_facts(self, customer: str, choice: UUID) -> ChooseFacts | None:
        """None when there is no such choice of this customer's."""
        ...

    async def answer_to(self, request: Request, lane: int) -> Repeated | Reused | None: ...


@dataclass(frozen=True, slots=True)
class Chosen:
    """The decision: what to capture of the hold's legs, what the grant costs now, and what the customer gets."""

    amounts: tuple[int, ...]
    cost: Fen
    parts: Parts


def decide_choice(command: ChooseReward, facts: ChooseFacts | None, now: datetime) -> Chosen | TooLate | NotFound:
    if facts is None:
        return NotFound()
    choice = facts.choice
    reward = next(reward for reward in facts.offer.grants if isinstance(reward, Choice))
    option = next((option for option in reward.options if option.code == command.option), None)
    if option is None:
        return NotFound()
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
        What happened; the same answer again for the same `request_id`.

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
                    return _chosen(answer)
                case Reused():
                    raise RequestReused
            return decision
        assert facts is not None
        result = await ledger.commit(_unit(command, facts.choice, decision, request, lane, now))
        match result:
            case Committed(answer) | Repeated(answer):
                return _chosen(answer)
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
    answer = {
        "coupon": write_coupon(parts.coupons[0]) if parts.coupons else None,
        "delivery": write_delivery(parts.deliveries[0]) if parts.deliveries else None,
    }
    parts.end_holds.append(EndHold(choice.hold, capture=True, amounts=chosen.amounts))
    changes = (
        Change("choice", choice.id, "OPEN", "CHOSEN", {"chosen": command.option}),
        Change("offer_grant", choice.grant, "PENDING", "GIVEN", {"cost": chosen.cost}),
    )
    return unit_of(
        parts, lane=lane, at=now, request=request, answer=json.dumps(answer, ensure_ascii=False), changes=changes
    )


def _chosen(answer: str) -> RewardChosen:
    told: Mapping[str, Any] = json.loads(answer)
    coupon, delivery = told["coupon"], told["delivery"]
    return RewardChosen(
        None if coupon is None else read_coupon(coupon), None if delivery is None else read_delivery(delivery)
    )
