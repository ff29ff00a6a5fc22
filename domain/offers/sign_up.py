"""A customer signs up for one of an offer's places, waits for one, gives it back; the waiting list moves up.

The places are the offer's quota. Who waits has taken the offer's limits, and takes place and budget when moving up.
Nobody new is given a place while somebody waits. A place that is given back, one that is added, and everybody who
begins to wait leaves a promise to look at the list, in the same commit; so a place never stays empty while somebody
waits, whoever dies in between. Source of the rule: plan rule B10.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.campaigns.model import Campaign, Offer, Place, SignUp
from domain.campaigns.schedule import state_of
from domain.campaigns.terms import OfferState, Reason
from domain.kernel.errors import Broken, RequestReused
from domain.kernel.ids import lane_of, new_id
from domain.kernel.prints import fingerprint
from domain.kernel.time import Clock, iso
from domain.kernel.words import Words
from domain.ledger.unit import Change, Committed, Ledger, Moved, Repeated, Request, Reused, Short
from domain.offers.asked import (
    CancelSignUpOutcome,
    SignedUp,
    SignUpCancelled,
    SignUpFacts,
    SignUpOutcome,
    SignUpStatus,
)
from domain.offers.award import Award, Parts, award, promise, return_limits, take_limits, tell
from domain.offers.claim import ClaimFacts, FindOffer, ReadClaimFacts, refusal_for, uncounted
from domain.offers.notices import PLACE, PLACE_TITLE, about
from domain.offers.outcomes import AccountFrozen, NotEligible, NotFound, NotOpen, SoldOut, TooLate
from domain.offers.take_back import GivenGrant, Held, take_back
from domain.offers.units import unit_of

MOVE_UP = "sign_up.move_up"
"""Outbox topic: look whether the first of a waiting list can have a place; payload: campaign, offer."""

_NO_SIGN_UP = Reason("NOT_BY_SIGN_UP", Words("此权益无需报名", "There is nothing to sign up for here"))

FindVersion = Callable[[str, int, str], tuple[Campaign, Offer] | None]
"""(campaign, version, offer code) -> both; None where no such version is published."""


@dataclass(frozen=True, slots=True)
class SignUpFor:
    request_id: UUID
    customer: str
    offer: str
    device: str | None = None


@dataclass(frozen=True, slots=True)
class CancelSignUp:
    request_id: UUID
    customer: str
    sign_up: UUID


class ReadSignUps(ReadClaimFacts, Protocol):
    async def sign_up(self, customer: str, id: UUID) -> SignUpFacts | None:
        """None when there is no such sign-up of this customer's."""
        ...

    async def sign_ups(self, customer: str) -> list[SignUpFacts]:
        """The customer's, newest first."""
        ...

    async def waiting(self, campaign: str, offer: str) -> int:
        """How many wait for a place."""
        ...

    async def held_of(self, customer: str, grant: UUID) -> list[Held]:
        """What came of the grant besides the place."""
        ...


class ReadWaitingLists(Protocol):
    async def first_waiting(self, campaign: str, offer: str) -> SignUpFacts | None: ...


def place_of(offer: Offer) -> Place:
    return next(reward for reward in offer.rewards if isinstance(reward, Place))


def decide_sign_up(order: Award, facts: ClaimFacts, waiting: int) -> SignUpStatus | NotOpen | NotEligible | SoldOut:
    """A place, if the ledger has one, or the end of the waiting list; or why not. waiting: how many wait already."""
    campaign, offer, trigger = order.campaign, order.offer, order.offer.trigger
    if not isinstance(trigger, SignUp):
        return NotEligible((_NO_SIGN_UP,))
    times = state_of(offer, campaign, facts.now, facts.calendar)
    if times.state is not OfferState.OPEN:
        opens = times.state in (OfferState.UPCOMING, OfferState.BETWEEN_WINDOWS)
        return NotOpen(times.next_change_at if opens else None)
    if not facts.eligibility.eligible:
        return NotEligible(facts.eligibility.reasons)
    if (refused := uncounted(order)) is not None:
        return refused
    if waiting:
        return SignUpStatus.WAITING if trigger.waiting_list else SoldOut()
    return SignUpStatus.CONFIRMED


def signing_up(order: Award, status: SignUpStatus) -> Parts:
    """The parts of a new sign-up, `order.cause` being its id."""
    confirmed = status is SignUpStatus.CONFIRMED
    if confirmed:
        parts = award(order)
    else:
        parts = Parts()
        take_limits(parts, order)
        look_at_the_list(parts, order.customer, order.campaign.code, order.offer.code, order.at)
    parts.add("sign_up", {
        "lane": lane_of(order.customer), "id": UUID(order.cause), "customer": order.customer,
        "campaign": order.campaign.code, "version": order.campaign.version, "offer": order.offer.code,
        "status": status.value, "person": order.person, "device": order.device, "at": order.at,
        "offer_grant": parts.grant, "changed_at": order.at,
    })  # fmt: skip
    parts.signals.append((f"viewer:{order.customer}", f"signUp:{order.cause}"))
    return parts


def look_at_the_list(parts: Parts, owner: str, campaign: str, offer: str, at: datetime) -> None:
    """Promise that whoever waits first is offered a place that may be free."""
    promise(parts, owner, MOVE_UP, {"campaign": campaign, "offer": offer}, at)


async def sign_up_for(
    command: SignUpFor,
    *,
    read: ReadSignUps,
    find: FindOffer,
    frozen: AccountFrozen | None,
    ledger: Ledger,
    clock: Clock,
) -> SignUpOutcome:
    """Give the customer a place or a place in the waiting list, once per `request_id`.

    Args:
        frozen: where the customer's benefits are on hold.

    Returns:
        What happened; for the same `request_id` the same sign-up, as it stands by then.

    Raises:
        RequestReused: the `request_id` came before with a different command.
        Busy: too much is waiting; nothing was done.
    """
    request = Request(command.customer, command.request_id, fingerprint("signUp", command.offer))
    lane, now = lane_of(command.customer), clock.now()
    refusal: SignUpOutcome
    found = find(command.offer, now)
    if found is None:
        refusal = NotFound()
    elif frozen is not None:
        refusal = frozen
    else:
        facts = await read.claim_facts(command.customer, found.campaign, found.offer, now)
        waiting = await read.waiting(found.campaign.code, found.offer.code)
        order = Award(
            found.campaign, found.offer, command.customer, cause=str(new_id(lane, now)), at=now, earned_at=now,
            person=facts.person, device=command.device, by="SIGN_UP",
            details={"person": facts.person, "device": command.device},
        )  # fmt: skip
        decision = decide_sign_up(order, facts, waiting)
        if isinstance(decision, SignUpStatus):
            return await _commit(order, decision, facts, request, lane, read, ledger)
        refusal = decision
    match await read.answer_to(request, lane):
        case Repeated(answer):
            return SignedUp(await _there(read, command.customer, answer))
        case Reused():
            raise RequestReused
    return refusal


async def _commit(
    order: Award,
    status: SignUpStatus,
    facts: ClaimFacts,
    request: Request,
    lane: int,
    read: ReadSignUps,
    ledger: Ledger,
) -> SignUpOutcome:
    trigger = order.offer.trigger
    assert isinstance(trigger, SignUp)
    answer = json.dumps({"signUp": order.cause})
    while True:
        parts = signing_up(order, status)
        result = await ledger.commit(unit_of(parts, lane=lane, at=order.at, request=request, answer=answer))
        match result:
            case Committed(told) | Repeated(told):
                return SignedUp(await _there(read, order.customer, told))
            case Reused():
                raise RequestReused
            case Short(account):
                full = account.key.startswith("quota|") and status is SignUpStatus.CONFIRMED
                if not (full and trigger.waiting_list):
                    return refusal_for(account, order, facts)
                status = SignUpStatus.WAITING
            case _:
                raise Broken(f"a sign-up answered {type(result).__name__}")


async def _there(read: ReadSignUps, customer: str, answer: str) -> SignUpFacts:
    facts = await read.sign_up(customer, UUID(json.loads(answer)["signUp"]))
    if facts is None:
        raise Broken("a sign-up that was committed is not there")
    return facts


# --- giving a place back


def decide_cancel(
    facts: SignUpFacts, campaign: Campaign, offer: Offer, held: list[Held], now: datetime
) -> Parts | TooLate:
    """What giving it back changes. Who only waits may leave at any time."""
    trigger = offer.trigger
    assert isinstance(trigger, SignUp)
    order = Award(
        campaign, offer, facts.customer, cause=str(facts.id), at=now, earned_at=facts.at, person=facts.person,
        device=facts.device,
    )  # fmt: skip
    parts = Parts()
    if facts.status is SignUpStatus.CONFIRMED:
        deadline = trigger.cancel_by or place_of(offer).starts_at
        if now >= deadline:
            return TooLate(deadline)
        assert facts.grant is not None
        grant = GivenGrant(
            id=facts.grant,
            customer=facts.customer,
            campaign=facts.campaign,
            version=facts.version,
            offer=facts.offer,
            cause=str(facts.id),
            round=1,
            status="GIVEN",
            cost=facts.cost,
            line=facts.line,
            at=facts.at,
            earned_at=facts.at,
            card=None,
            person=facts.person,
            amount=0,
            device=facts.device,
        )
        parts = take_back(grant, held, offer, now)
        look_at_the_list(parts, facts.customer, facts.campaign, facts.offer, now)
    else:
        return_limits(parts, order)
    parts.changes.append(Change("sign_up", facts.id, facts.status.value, SignUpStatus.CANCELLED.value))
    parts.signals.append((f"viewer:{facts.customer}", f"signUp:{facts.id}"))
    return parts


async def cancel_sign_up(
    command: CancelSignUp,
    *,
    read: ReadSignUps,
    lists: ReadWaitingLists,
    present: FindOffer,
    find: FindVersion,
    ledger: Ledger,
    clock: Clock,
) -> CancelSignUpOutcome:
    """Give a place, or a place in the waiting list, back; who waits first has it before this returns.

    Raises:
        RequestReused: the `request_id` came before with a different command.
        Busy: too much is waiting; nothing was done.
    """
    request = Request(command.customer, command.request_id, fingerprint("cancelSignUp", str(command.sign_up)))
    lane = lane_of(command.customer)
    for _ in range(5):
        now = clock.now()
        facts = await read.sign_up(command.customer, command.sign_up)
        judged = None if facts is None else find(facts.campaign, facts.version, facts.offer)
        refusal: CancelSignUpOutcome
        if facts is None or judged is None:
            refusal = NotFound()
        elif facts.status is SignUpStatus.CANCELLED:
            refusal = SignUpCancelled(facts)
        else:
            held = [] if facts.grant is None else await read.held_of(command.customer, facts.grant)
            decision = decide_cancel(facts, *judged, held, now)
            if isinstance(decision, Parts):
                answer = json.dumps({"signUp": str(facts.id)})
                result = await ledger.commit(unit_of(decision, lane=lane, at=now, request=request, answer=answer))
                match result:
                    case Committed(told) | Repeated(told):
                        await move_up(
                            facts.campaign, facts.offer, read=lists, present=present, find=find, ledger=ledger,
                            clock=clock,
                        )  # fmt: skip
                        return SignUpCancelled(await _there(read, command.customer, told))
                    case Reused():
                        raise RequestReused
                    case Moved():
                        continue  # it moved up, or was cancelled by another request: look again
                    case _:
                        raise Broken(f"giving a place back answered {type(result).__name__}")
            refusal = decision
        match await read.answer_to(request, lane):
            case Repeated(told):
                return SignUpCancelled(await _there(read, command.customer, told))
            case Reused():
                raise RequestReused
        return refusal
    raise Broken("a sign-up kept moving")


async def move_up(
    campaign: str,
    offer: str,
    *,
    read: ReadWaitingLists,
    present: FindOffer,
    find: FindVersion,
    ledger: Ledger,
    clock: Clock,
) -> int:
    """Give free places to those who wait, in the order in which they came; returns how many have one now.

    Safe to run anywhere, at once, and again. Nobody moves up while the offer is paused, or once the event has begun.
    """
    moved = 0
    while True:
        now = clock.now()
        here = present(offer, now)
        if here is None or here.campaign.code != campaign or here.offer.paused:
            return moved
        if not isinstance(here.offer.trigger, SignUp) or now >= place_of(here.offer).starts_at:
            return moved
        first = await read.first_waiting(campaign, offer)
        judged = None if first is None else find(first.campaign, first.version, first.offer)
        if first is None or judged is None:
            return moved
        result = await ledger.commit(unit_of(moving_up(first, *judged, now), lane=lane_of(first.customer), at=now))
        match result:
            case Committed():
                moved += 1
            case Moved():
                continue  # another was quicker, or the customer left
            case Short():
                return moved
            case _:
                raise Broken(f"moving up answered {type(result).__name__}")


def moving_up(first: SignUpFacts, campaign: Campaign, offer: Offer, now: datetime) -> Parts:
    """The place, the grant, and the word that it is there; judged by the version the customer signed up under."""
    order = Award(
        campaign, offer, first.customer, cause=str(first.id), at=now, earned_at=first.at, person=first.person,
        device=first.device, by="SIGN_UP",
        details={"person": first.person, "device": first.device, "earnedAt": iso(first.at)},
    )  # fmt: skip
    parts = award(order, limits=False)
    change = Change("sign_up", first.id, "WAITING", "CONFIRMED", {"offer_grant": parts.grant})
    parts.changes.append(change)
    tell(parts, order, PLACE_TITLE, about(PLACE, offer.title), kind="SERVICE", via=("SMS",))
    parts.signals.append((f"viewer:{first.customer}", f"signUp:{first.id}"))
    return parts
