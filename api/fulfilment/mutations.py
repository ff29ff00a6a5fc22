"""Where a parcel goes."""

from typing import Annotated, assert_never
from uuid import UUID

import strawberry

from api.context import HallInfo
from api.fulfilment.types import Delivery, delivery
from api.node import uuid_of
from api.problems import NotFound, TooLate, not_found, too_late
from domain.fulfilment.set_address import Address, AddressOutcome, SetAddress, set_address
from domain.fulfilment.set_address import AddressSet as Done
from domain.kernel.words import Language
from domain.offers import outcomes


@strawberry.input(description="Where a parcel goes.")
class SetAddressInput:
    request_id: UUID = strawberry.field(description="Sent again, it answers again and changes nothing.")
    delivery: strawberry.ID = strawberry.field(description="The delivery's id.")
    name: str = strawberry.field(description="Who receives it; up to 40 characters.")
    phone: str = strawberry.field(description="The receiver's phone number.")
    region: str = strawberry.field(description="Province, city and district; up to 60 characters.")
    address: str = strawberry.field(description="Street, house and door; up to 200 characters.")


@strawberry.type(description="The parcel goes there.")
class AddressSet:
    delivery: Delivery = strawberry.field(description="The delivery, no longer waiting for an address.")


SetAddressResult = Annotated[
    AddressSet | NotFound | TooLate,
    strawberry.union("SetAddressResult", description="What came of it."),
]


def present_address(outcome: AddressOutcome, language: Language) -> AddressSet | NotFound | TooLate:
    match outcome:
        case Done(row):
            return AddressSet(delivery=delivery(row, language))
        case outcomes.NotFound():
            return not_found(language)
        case outcomes.TooLate(deadline):
            return too_late(language, deadline)
    assert_never(outcome)


@strawberry.type
class FulfilmentMutation:
    @strawberry.mutation(description="Say where a parcel goes; again, as long as it is not being packed.")
    async def set_address(
        self,
        info: HallInfo,
        input: Annotated[SetAddressInput, strawberry.argument(description="The parcel and where it goes.")],
    ) -> SetAddressResult:
        context = info.context
        customer = context.signed_in().customer  # who: never from input
        to = Address(input.name, input.phone, input.region, input.address)
        key = uuid_of(input.delivery, "Delivery")
        if key is None:
            return not_found(context.language)
        command = SetAddress(input.request_id, customer, key, to)
        deps = context.deps
        outcome = await set_address(command, read=deps.addressed, seal=deps.seal, ledger=deps.ledger, clock=deps.clock)
        context.changed()
        return present_address(outcome, context.language)
