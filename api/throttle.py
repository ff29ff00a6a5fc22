"""How often who may do what at the doors, and what happens when nobody can tell.

A customer's writes count against the customer; what comes without a session, and the ways to get one, against the
address it comes from. An operation is counted, not a request: five claims in one document are five.

When the store of the limits is away, reads and what the ledger decides anyway go on (`OPEN`); what is guarded by
nothing else, codes that could be guessed and draws, is turned away (`CLOSED`). Source: the design's rule that limits on
codes and draws fail closed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from api.context import Context
from domain.kernel.errors import Busy, RateLimited
from domain.kernel.rates import Rate, Rates


class Scope(StrEnum):
    MUTATIONS = "mutations"
    SIGN_IN = "sign-in"
    DOCUMENTS = "documents"
    MACHINE = "machine"


class Untold(StrEnum):
    """What is done when nobody can tell whether it is too often."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Weight:
    """What one of it takes from the rate. SIGN_IN counts against the address, whoever asks."""

    units: int = 1
    untold: Untold = Untold.OPEN
    scope: Scope = Scope.MUTATIONS


MUTATIONS: Mapping[str, Weight] = {
    "signIn": Weight(5, scope=Scope.SIGN_IN),
    "sendBindingCode": Weight(20, Untold.CLOSED, Scope.SIGN_IN),
    "confirmBinding": Weight(10, Untold.CLOSED, Scope.SIGN_IN),
    "refreshSession": Weight(5, scope=Scope.SIGN_IN),
    "signOut": Weight(),
    "unbind": Weight(),
    "claimOffer": Weight(),
    "chooseReward": Weight(),
    "useCoupon": Weight(),
    "draw": Weight(2, Untold.CLOSED),
    "redeemPoints": Weight(),
    "bookLounge": Weight(),
    "cancelBooking": Weight(),
    "apply": Weight(),
    "signUp": Weight(),
    "cancelSignUp": Weight(),
    "setAddress": Weight(),
    "setPersonalisation": Weight(),
    "setPromotions": Weight(),
    "partnerLink": Weight(),
}
"""Every mutation, by its name in the schema. A test holds the table against the schema."""

UNLISTED = Weight(1, Untold.CLOSED)
"""`__typename` at the root, and nothing else."""

NEW_DOCUMENT = 5
"""A text that has no plan yet takes about as long as five that have one (2.5 ms against 0.5 ms)."""

MACHINE_TOKEN = 10

Tell = Callable[[str, str], None]
"""Told (scope, outcome): `limited`, or `open` or `closed` where it could not be told."""


def _untold(scope: str, outcome: str) -> None:
    return None


class Throttle:
    """The limits of the doors (`api.graphql.app.Throttle`).

    customer: of a customer's writes. address: of what counts against an address, in each scope by itself; wide, because
    a whole town may stand behind one address.
    """

    def __init__(self, rates: Rates, *, customer: Rate, address: Rate, tell: Tell = _untold) -> None:
        self._rates = rates
        self._customer = customer
        self._address = address
        self._tell = tell

    async def document(self, context: Context, *, known: bool, trusted: bool) -> None:
        """Our own apps' documents, and those of the signed in that are known, are free."""
        if trusted or (known and context.customer is not None):
            return
        units = 1 if known else NEW_DOCUMENT
        if context.customer is not None:
            await self._take(_customer(context.customer), Scope.DOCUMENTS, units, self._customer)
        else:
            await self._take(_from(context.address), Scope.DOCUMENTS, units, self._address)

    async def mutations(self, context: Context, fields: Sequence[str]) -> None:
        weights = [MUTATIONS.get(field, UNLISTED) for field in fields]
        for scope in (Scope.SIGN_IN, Scope.MUTATIONS):
            mine = [weight for weight in weights if weight.scope is scope]
            if not mine:
                continue
            units = sum(weight.units for weight in mine)
            untold = Untold.CLOSED if any(weight.untold is Untold.CLOSED for weight in mine) else Untold.OPEN
            if scope is Scope.SIGN_IN or context.customer is None:
                await self._take(_from(context.address), scope, units, self._address, untold)
            else:
                await self._take(_customer(context.customer), scope, units, self._customer, untold)

    async def machine(self, address: str | None) -> None:
        """A machine asks for a token, rightly or not. Raises RateLimited."""
        await self._take(_from(address), Scope.MACHINE, MACHINE_TOKEN, self._address)

    async def _take(self, who: str, scope: Scope, units: int, rate: Rate, untold: Untold = Untold.OPEN) -> None:
        wait = await self._rates.take(who, scope.value, units, rate)
        if wait is None:
            self._tell(scope.value, untold.value)
            if untold is Untold.CLOSED:
                raise Busy("no limit can be told")
        elif wait > 0:
            self._tell(scope.value, "limited")
            raise RateLimited(max(1, ceil(wait)))


def _customer(customer: str) -> str:
    return f"customer {customer}"


def _from(address: str | None) -> str:
    """A connection without an address (a socket file) shares one with all of its kind."""
    return f"address {address}"
