"""Refusals a customer can meet: data of the schema, never errors.

Each implements `Problem`, so that an old client shows a new one's message. The words come from the rooms' catalogues;
the codes never change.
"""

from datetime import datetime

import strawberry

from api import words
from domain.kernel.time import iso
from domain.kernel.words import Language
from domain.offers.outcomes import Late

_CODE = "Stable, SCREAMING_SNAKE: what a client decides by."
_MESSAGE = "A sentence for the customer, in the language of Accept-Language."


@strawberry.interface(description="A refusal the customer can meet.")
class Problem:
    code: str = strawberry.field(description=_CODE)
    message: str = strawberry.field(description=_MESSAGE)


@strawberry.type(description="All of it has been taken: the quota, or the campaign's budget.")
class SoldOut(Problem):
    pass


@strawberry.type(description="The customer's benefits are on hold.")
class AccountFrozen(Problem):
    appealable: bool = strawberry.field(description="Whether the customer can appeal.")


@strawberry.type(description="No such thing, or not this customer's: the two are told apart for nobody.")
class NotFound(Problem):
    pass


@strawberry.type(
    description="The time for it has passed, or it was closed before. TOO_LATE, ALREADY_CHOSEN, NO_LONGER_EARNED."
)
class TooLate(Problem):
    deadline: datetime = strawberry.field(description="Until when it was possible.")


def sold_out(language: Language) -> SoldOut:
    return SoldOut(code="SOLD_OUT", message=words.SOLD_OUT.say(language))


def account_frozen(language: Language, *, appealable: bool) -> AccountFrozen:
    sentence = words.ACCOUNT_FROZEN if appealable else words.ACCOUNT_FROZEN_FOR_GOOD
    return AccountFrozen(code="ACCOUNT_FROZEN", message=sentence.say(language), appealable=appealable)


def not_found(language: Language) -> NotFound:
    return NotFound(code="NOT_FOUND", message=words.NOT_FOUND.say(language))


def too_late(language: Language, deadline: datetime, why: Late = Late.TOO_LATE) -> TooLate:
    message = words.TOO_LATE[why].say(language, deadline=words.moment_words(iso(deadline)))
    return TooLate(code=why.value, message=message, deadline=deadline)
