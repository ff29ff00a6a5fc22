"""A customer says where a parcel goes.

It can be said, and said again, until the parcel is being packed. The address is sealed before it is stored; neither the
answer kept for repetitions nor any message carries it.
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Protocol, TypeAlias, assert_never
from unicodedata import category
from uuid import UUID

from domain.campaigns.terms import DeliveryKind
from domain.kernel.errors import Broken, InputInvalid, RequestReused
from domain.kernel.ids import lane_of, new_id
from domain.kernel.prints import fingerprint
from domain.kernel.time import Clock
from domain.ledger.unit import Change, Committed, Gone, Ledger, Moved, Repeated, Request, Reused, Short, Unit
from domain.offers.answers import naming
from domain.offers.award import DELIVER, Parts, promise
from domain.offers.outcomes import NotFound, TooLate
from domain.wallet.facts import DeliveryFacts, DeliveryStatus

LONGEST = {"name": 40, "phone": 20, "region": 60, "address": 200}
"""Characters of each part of an address."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to, as the customer wrote it. Raises InputInvalid for a part that is empty, too long or holds control
    characters.
    """

    name: str
    phone: str
    region: str
    address: str

    def __post_init__(self) -> None:
        for part, most in LONGEST.items():
            text: str = getattr(self, part)
            if not 0 < len(text) <= most or not text.strip() or any(category(sign)[0] == "C" for sign in text):
                raise InputInvalid(f"`{part}` must be 1 to {most} characters, none of them a control character.")
        digits = self.phone.removeprefix("+").replace("-", "").replace(" ", "")
        if not (digits.isascii() and digits.isdecimal() and 7 <= len(digits) <= 15):
            raise InputInvalid("`phone` must be a phone number.")


@dataclass(frozen=True, slots=True)
class SetAddress:
    request_id: UUID
    customer: str
    delivery: UUID
    to: Address


@dataclass(frozen=True, slots=True)
class AddressFacts:
    """The delivery as it stands; changed_at: since when."""

    delivery: DeliveryFacts
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class AddressSet:
    delivery: DeliveryFacts


AddressOutcome: TypeAlias = AddressSet | NotFound | TooLate


class ReadAddressed(Protocol):
    async def address_facts(self, customer: str, delivery: UUID) -> AddressFacts | None:
        """None when there is no such delivery of this customer's."""
        ...

    async def answer_to(self, request: Request, lane: int) -> Repeated | Reused | None:
        """What the same request was answered when it was committed before."""
        ...


class Seal(Protocol):
    def __call__(self, text: str, *place: str) -> str:
        """`text` sealed for its place: table, column, customer."""
        ...


@dataclass(frozen=True, slots=True)
class Addressed:
    """The decision: the status it moves from, and whether the promise begins now."""

    old: DeliveryStatus
    begins: bool


def decide_address(facts: AddressFacts | None) -> Addressed | NotFound | TooLate:
    if facts is None or facts.delivery.kind != DeliveryKind.PARCEL:
        return NotFound()  # nothing of the kind is sent anywhere
    match facts.delivery.status:
        case DeliveryStatus.NEEDS_ADDRESS:
            return Addressed(DeliveryStatus.NEEDS_ADDRESS, begins=True)
        case DeliveryStatus.PROMISED:
            return Addressed(DeliveryStatus.PROMISED, begins=False)
        case DeliveryStatus.PROCESSING | DeliveryStatus.SHIPPED | DeliveryStatus.DELIVERED | DeliveryStatus.FAILED:
            return TooLate(facts.changed_at)


async def set_address(
    command: SetAddress, *, read: ReadAddressed, seal: Seal, ledger: Ledger, clock: Clock
) -> AddressOutcome:
    """Keep the address and let the parcel go, once per `request_id`.

    Returns:
        What happened; for the same `request_id` the same delivery, as it stands by then.

    Raises:
        RequestReused: the `request_id` came before with a different command.
        Busy: too much is waiting; nothing was done.
    """
    to = command.to
    print = fingerprint("setAddress", str(command.delivery), to.name, to.phone, to.region, to.address)
    request = Request(command.customer, command.request_id, print)
    lane = lane_of(command.customer)
    for _ in range(3):
        facts = await read.address_facts(command.customer, command.delivery)
        decision = decide_address(facts)
        if not isinstance(decision, Addressed):
            match await read.answer_to(request, lane):
                case Repeated():
                    assert facts is not None
                    return AddressSet(facts.delivery)
                case Reused():
                    raise RequestReused
            return decision
        assert facts is not None
        sealed = seal(json.dumps(asdict(to), ensure_ascii=False), "delivery", "address_sealed", command.customer)
        result = await ledger.commit(_unit(command, facts.delivery, decision, sealed, request, clock.now()))
        match result:
            case Committed():
                return AddressSet(replace(facts.delivery, status=DeliveryStatus.PROMISED))
            case Repeated():
                return AddressSet(facts.delivery)
            case Reused():
                raise RequestReused
            case Moved():
                continue  # it is being packed, or another request set it: look again
            case Short() | Gone():
                raise Broken(f"an address answered {type(result).__name__}")
        assert_never(result)
    raise Broken("a delivery kept moving")


def _unit(
    command: SetAddress, delivery: DeliveryFacts, decision: Addressed, sealed: str, request: Request, now: datetime
) -> Unit:
    parts = Parts()
    if decision.begins:
        promise(parts, command.customer, DELIVER, {"delivery": str(delivery.id)}, now)
    lane = lane_of(command.customer)
    return Unit(
        id=new_id(lane, now),
        lane=lane,
        at=now,
        request=request,
        changes=[
            Change(
                "delivery", delivery.id, decision.old.value, DeliveryStatus.PROMISED.value, {"address_sealed": sealed}
            )
        ],
        rows=parts.rows,
        answer=naming(deliveries=[delivery.id]),
        signals=[(f"viewer:{command.customer}", f"delivery:{delivery.id}")],
    )
