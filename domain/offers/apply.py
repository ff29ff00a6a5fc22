"""A customer applies for an offer, a person at the bank decides, the answer goes out.

Applying takes the offer's limits, so that nobody applies twice; quota and budget are taken when it is approved, and a
rejection gives the limits back. Whoever applied is judged by the campaign version of that moment. Source of the rule:
plan rule B9.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias, assert_never
from uuid import UUID

from domain.campaigns.model import Apply, Campaign, Offer
from domain.campaigns.schedule import state_of
from domain.campaigns.terms import OfferState, Reason
from domain.kernel.errors import Broken, InputInvalid, RequestReused
from domain.kernel.ids import lane_of, new_id
from domain.kernel.prints import fingerprint
from domain.kernel.time import Clock, iso
from domain.kernel.words import Words
from domain.ledger.unit import Change, Committed, Ledger, Moved, Repeated, Request, Reused, Short
from domain.offers.asked import ApplicationFacts, ApplicationStatus, Applied, ApplyOutcome
from domain.offers.award import Award, Parts, award, return_limits, take_limits, tell
from domain.offers.claim import ClaimFacts, FindOffer, ReadClaimFacts, refusal_for, uncounted
from domain.offers.notices import APPROVED, APPROVED_TITLE, REJECTED, REJECTED_TITLE, about
from domain.offers.outcomes import AccountFrozen, LimitReached, NotEligible, NotFound, NotOpen, SoldOut
from domain.offers.units import unit_of
from domain.stories.explain import Eligibility
from domain.wallet.facts import CouponFacts

_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,185}\.[^@\s.\x00-\x1f]{2,}")
NOTE_CHARS = 500

_NOT_BY_APPLICATION = Reason("NOT_BY_APPLICATION", Words("此权益无需申请", "This benefit is not had by applying"), None)


@dataclass(frozen=True, slots=True)
class ApplyForOffer:
    """email: where the answer may go, besides the phone the bank knows."""

    request_id: UUID
    customer: str
    offer: str
    email: str | None = None
    device: str | None = None


class ReadApplications(ReadClaimFacts, Protocol):
    async def application(self, customer: str, id: UUID) -> ApplicationFacts | None:
        """None when there is no such application of this customer's."""
        ...

    async def applications(self, customer: str) -> list[ApplicationFacts]:
        """The customer's, newest first."""
        ...


def decide_application(order: Award, facts: ClaimFacts) -> Parts | NotOpen | NotEligible:
    """What applying would change, or why it cannot be. The row of the application is not part of it."""
    campaign, offer = order.campaign, order.offer
    if not isinstance(offer.trigger, Apply):
        return NotEligible((_NOT_BY_APPLICATION,))
    times = state_of(offer, campaign, facts.now, facts.calendar)
    if times.state is not OfferState.OPEN:
        opens = times.state in (OfferState.UPCOMING, OfferState.BETWEEN_WINDOWS)
        return NotOpen(times.next_change_at if opens else None)
    if not facts.eligibility.eligible:
        return NotEligible(facts.eligibility.reasons)
    if (refused := uncounted(order)) is not None:
        return refused
    parts = Parts()
    take_limits(parts, order)
    return parts


async def apply_for_offer(
    command: ApplyForOffer,
    *,
    read: ReadApplications,
    find: FindOffer,
    frozen: AccountFrozen | None,
    seal: Callable[[str, str], str],
    ledger: Ledger,
    clock: Clock,
) -> ApplyOutcome:
    """Put an application before the bank, once per `request_id`.

    Args:
        frozen: where the customer's benefits are on hold.
        seal: an e-mail address and the application's id to what the table may keep.

    Returns:
        What happened; for the same `request_id` the same application, as it stands by then.

    Raises:
        InputInvalid: the e-mail address is none.
        RequestReused: the `request_id` came before with a different command.
        Busy: too much is waiting; nothing was done.
    """
    if command.email is not None and not (len(command.email) <= 254 and _EMAIL.fullmatch(command.email)):
        raise InputInvalid("email must be an e-mail address")
    request = Request(command.customer, command.request_id, fingerprint("apply", command.offer, command.email or ""))
    lane, now = lane_of(command.customer), clock.now()
    refusal: ApplyOutcome
    found = find(command.offer, now)
    if found is None:
        refusal = NotFound()
    elif frozen is not None:
        refusal = frozen
    else:
        facts = await read.claim_facts(command.customer, found.campaign, found.offer, now)
        order = Award(
            found.campaign, found.offer, command.customer, cause="", at=now, earned_at=now, person=facts.person,
            device=command.device,
        )  # fmt: skip
        decision = decide_application(order, facts)
        if isinstance(decision, Parts):
            id = new_id(lane, now)
            email = None if command.email is None else seal(command.email, str(id))
            decision.add("application", {
                "lane": lane, "id": id, "customer": command.customer, "campaign": found.campaign.code,
                "version": found.campaign.version, "offer": found.offer.code, "status": "SUBMITTED",
                "email_sealed": email, "person": facts.person, "device": command.device, "at": now, "changed_at": now,
            })  # fmt: skip
            decision.signals.append((f"viewer:{command.customer}", f"application:{id}"))
            answer = json.dumps({"application": str(id)})
            result = await ledger.commit(unit_of(decision, lane=lane, at=now, request=request, answer=answer))
            match result:
                case Committed(told) | Repeated(told):
                    return await _applied(read, command.customer, told)
                case Reused():
                    raise RequestReused
                case Short(account):
                    limited = refusal_for(account, order, facts)
                    assert isinstance(limited, LimitReached)
                    return limited
                case _:
                    raise Broken(f"an application answered {type(result).__name__}")
        refusal = decision
    match await read.answer_to(request, lane):
        case Repeated(told):
            return await _applied(read, command.customer, told)
        case Reused():
            raise RequestReused
    return refusal


async def _applied(read: ReadApplications, customer: str, answer: str) -> Applied:
    facts = await read.application(customer, UUID(json.loads(answer)["application"]))
    if facts is None:
        raise Broken("an application that was committed is not there")
    return Applied(facts)


# --- the bank decides


@dataclass(frozen=True, slots=True)
class DecideApplication:
    """operator: who decides. note: told to the customer; a rejection needs one."""

    application: UUID
    approve: bool
    operator: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ApplicationCase:
    """An application with what deciding it needs. campaign, offer: in the version it was made under.

    eligible_then, eligible_now: as of its moment and as of now, by what is known now (a refund may have come between).
    coupons: the customer's, where the offer extends any.
    """

    application: ApplicationFacts
    campaign: Campaign
    offer: Offer
    eligible_then: Eligibility
    eligible_now: Eligibility
    coupons: tuple[CouponFacts, ...] = ()

    @property
    def still_earned(self) -> bool:
        return self.eligible_then.eligible or self.eligible_now.eligible


class ReadApplicationCases(Protocol):
    async def case(self, id: UUID, now: datetime) -> ApplicationCase | None: ...


@dataclass(frozen=True, slots=True)
class Decided:
    application: ApplicationFacts


@dataclass(frozen=True, slots=True)
class DecidedOtherwise:
    """Somebody decided the other way before."""

    application: ApplicationFacts


@dataclass(frozen=True, slots=True)
class NoLongerEarned:
    """What the customer applied with has been refunded since; only a rejection is left."""

    reasons: tuple[Reason, ...]


DecideOutcome: TypeAlias = Decided | DecidedOtherwise | NoLongerEarned | SoldOut | NotFound


def decide_decision(command: DecideApplication, case: ApplicationCase, now: datetime) -> Parts | NoLongerEarned:
    """What approving or rejecting changes."""
    asked = case.application
    order = Award(
        case.campaign, case.offer, asked.customer, cause=str(asked.id), at=now, earned_at=asked.at,
        person=asked.person, device=asked.device, by="APPLICATION", coupons=case.coupons,
        details={
            "person": asked.person, "device": asked.device, "earnedAt": iso(asked.at), "application": str(asked.id),
        },
    )  # fmt: skip
    trigger = case.offer.trigger
    via = [notice.value for notice in trigger.notify] if isinstance(trigger, Apply) else []
    if command.approve:
        if not case.still_earned:
            return NoLongerEarned(case.eligible_then.reasons)
        parts = award(order, limits=False)
        title, body = APPROVED_TITLE, about(APPROVED, case.offer.title)
    else:
        parts = Parts()
        return_limits(parts, order)
        title, body = REJECTED_TITLE, about(REJECTED, case.offer.title, note=command.note)
    tell(parts, order, title, body, kind="SERVICE", via=via, email_sealed=asked.email_sealed)
    status = ApplicationStatus.APPROVED if command.approve else ApplicationStatus.REJECTED
    values = {"decided_by": command.operator, "note": command.note or None, "offer_grant": parts.grant}
    parts.changes.append(Change("application", asked.id, "SUBMITTED", status.value, values))
    parts.signals.append((f"viewer:{asked.customer}", f"application:{asked.id}"))
    lane = lane_of(asked.customer)
    parts.add("audit", {
        "lane": lane, "id": new_id(lane, now), "at": now, "actor": command.operator,
        "action": f"application {status.value.lower()}", "subject": str(asked.id), "reason": command.note,
        "details": {"customer": asked.customer, "offer": asked.offer},
    })  # fmt: skip
    return parts


async def decide_asked(
    command: DecideApplication, *, read: ReadApplicationCases, ledger: Ledger, clock: Clock
) -> DecideOutcome:
    """Approve or reject, once; deciding the same again answers the same.

    Raises:
        InputInvalid: a rejection says nothing to the customer, or the note is too long.
        Busy: too much is waiting; nothing was done.
    """
    if len(command.note) > NOTE_CHARS or (not command.approve and not command.note.strip()):
        raise InputInvalid(f"a rejection needs a note of at most {NOTE_CHARS} characters for the customer")
    wanted = ApplicationStatus.APPROVED if command.approve else ApplicationStatus.REJECTED
    for _ in range(5):
        now = clock.now()
        case = await read.case(command.application, now)
        if case is None:
            return NotFound()
        asked = case.application
        if asked.status is not ApplicationStatus.SUBMITTED:
            return Decided(asked) if asked.status is wanted else DecidedOtherwise(asked)
        decision = decide_decision(command, case, now)
        if isinstance(decision, NoLongerEarned):
            return decision
        result = await ledger.commit(unit_of(decision, lane=lane_of(asked.customer), at=now))
        match result:
            case Committed() | Moved():
                continue  # read again: as it stands now
            case Short():
                return SoldOut()
            case Repeated() | Reused():
                raise Broken("a decision without a request was answered as a repetition")
            case _:
                raise Broken(f"a decision answered {type(result).__name__}")
        assert_never(result)
    raise Broken("an application kept moving")
