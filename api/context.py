"""What a resolver may use: who asks, in which language, at which moment, through which ports. New for every request."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import strawberry
from strawberry.dataloader import DataLoader

from api.address import Networks, client_address
from api.fulfilment.loaders import deliveries_by_id
from api.graphql import RequestHead
from api.identity.loaders import viewers_by_customer
from api.offers.loaders import lapsed_by_customer, left_by_account, limits_by_account, pending_by_customer
from api.presentations import MakePresentation
from api.wallet.loaders import choices_by_id, coupons_by_id
from domain.fulfilment.ports import ReadDeliveries
from domain.fulfilment.set_address import ReadAddressed, Seal
from domain.identity.ports import CheckCustomer
from domain.identity.sessions import Sessions
from domain.identity.tokens import CustomerToken
from domain.identity.viewer import KeepPersonalisation, ReadViewer, ViewerFacts
from domain.kernel.errors import InputInvalid, NotSignedIn
from domain.kernel.time import Clock
from domain.kernel.words import Language
from domain.ledger.accounts import Account
from domain.ledger.unit import Ledger
from domain.lottery.ports import DrawSecrets, ReadDraws
from domain.lounge.ports import Lounges, MakePasses, ReadBookings, ReadSeats
from domain.messaging.facts import KeepConsent, ReadMessages
from domain.messaging.signals import ListenToViewer
from domain.offers.apply import ReadApplications
from domain.offers.catalog import Catalog
from domain.offers.choose import ReadChoices
from domain.offers.claim import ReadClaims
from domain.offers.outcomes import AccountFrozen
from domain.offers.ports import Catalogs, OfferKey, ReadLimits, ReadQuotas
from domain.offers.sign_up import ReadSignUps, ReadWaitingLists
from domain.points.ports import ReadPoints
from domain.points.redeem import ReadRedemptions
from domain.risk.freezes import ReadFreezes
from domain.wallet.facts import ChoiceFacts, CouponFacts, DeliveryFacts
from domain.wallet.ports import ReadWallet

T = TypeVar("T")

_DEVICE = re.compile(rb"[\x21-\x7e]{1,64}")


@dataclass(frozen=True, slots=True)
class Deps:
    """The ports and use cases of the process; made once by the composition root."""

    clock: Clock
    check_customer: CheckCustomer
    sessions: Sessions
    catalogs: Catalogs
    viewers: ReadViewer
    personalisation: KeepPersonalisation
    freezes: ReadFreezes
    wallet: ReadWallet
    deliveries: ReadDeliveries
    quotas: ReadQuotas
    limits: ReadLimits
    claims: ReadClaims
    choices: ReadChoices
    addressed: ReadAddressed
    applications: ReadApplications
    sign_ups: ReadSignUps
    waiting_lists: ReadWaitingLists
    messages: ReadMessages
    consent: KeepConsent
    points: ReadPoints
    redemptions: ReadRedemptions
    present_coupon: MakePresentation
    draws: ReadDraws
    draw_secrets: DrawSecrets
    lounges: Lounges
    bookings: ReadBookings
    seats: ReadSeats
    present_pass: MakePasses
    seal: Seal
    ledger: Ledger
    trusted_proxies: Networks = field(default=())
    signals: ListenToViewer | None = None


class Context:
    """One request's. `now` is read once, so that every part of an answer speaks of the same moment."""

    def __init__(self, deps: Deps, head: RequestHead, token: CustomerToken | None) -> None:
        self.deps = deps
        self.language: Language = head.language
        self.now: datetime = deps.clock.now()
        self.device = device_of(head)
        self.customer: str | None = token.customer if token is not None else None
        """Whose answer this is; None when signed out. Who may act is `signed_in`'s to say."""
        self._token = token
        self._head = head
        self._kept: dict[Callable[[Context], Any], Any] = {}

    def signed_in(self) -> CustomerToken:
        """The checked token of the request. Raises NotSignedIn."""
        if self._token is None:
            raise NotSignedIn
        return self._token

    def changed(self) -> None:
        """What was read before is read anew: a mutation wrote, or a newer catalog came."""
        self._kept.clear()
        self.__dict__.pop("loaders", None)

    def show(self, customer: str) -> None:
        """From here on the answer is this customer's: a session was just made for them."""
        self.customer = customer
        self.changed()

    @cached_property
    def address(self) -> str | None:
        """Where the request came from; see `api.address`."""
        return client_address(self._head, self.deps.trusted_proxies)

    @cached_property
    def loaders(self) -> "Loaders":
        return Loaders(self.deps, self.customer or "")

    def kept(self, kind: Callable[["Context"], T]) -> T:
        """The one `kind` of this request, made when it is first asked for: what a room keeps for itself."""
        found: T | None = self._kept.get(kind)
        if found is None:
            found = self._kept[kind] = kind(self)
        return found

    async def catalog(self) -> Catalog:
        """The newest catalog that any statement of this process has seen."""
        return await self.deps.catalogs.latest()

    async def on_hold(self) -> AccountFrozen | None:
        """Why the signed-in customer takes part in nothing for now. Raises NotSignedIn."""
        freeze = await self.deps.freezes.freeze_of(self.signed_in().customer)
        return None if freeze is None else AccountFrozen(freeze.appealable)

    async def viewer(self) -> ViewerFacts | None:
        """The facts of whom the answer is for, read once a request; None when signed out."""
        return None if self.customer is None else await self.loaders.viewers.load(self.customer)


class Loaders:
    """One loader a room, made when it is first needed. Ids that are unknown or another's give None."""

    def __init__(self, deps: Deps, customer: str) -> None:
        self._deps = deps
        self._customer = customer

    @cached_property
    def viewers(self) -> DataLoader[str, ViewerFacts]:
        return viewers_by_customer(self._deps.viewers)

    @cached_property
    def left(self) -> DataLoader[Account, int]:
        return left_by_account(self._deps.quotas)

    @cached_property
    def limits(self) -> DataLoader[Account, bool]:
        return limits_by_account(self._deps.limits)

    @cached_property
    def pending(self) -> DataLoader[str, frozenset[OfferKey]]:
        return pending_by_customer(self._deps.applications)

    @cached_property
    def lapsed(self) -> DataLoader[tuple[str, datetime], frozenset[OfferKey]]:
        return lapsed_by_customer(self._deps.wallet)

    @cached_property
    def coupons(self) -> DataLoader[UUID, CouponFacts | None]:
        return coupons_by_id(self._deps.wallet, self._customer)

    @cached_property
    def choices(self) -> DataLoader[UUID, ChoiceFacts | None]:
        return choices_by_id(self._deps.wallet, self._customer)

    @cached_property
    def deliveries(self) -> DataLoader[UUID, DeliveryFacts | None]:
        return deliveries_by_id(self._deps.deliveries, self._customer)


HallInfo: TypeAlias = strawberry.Info[Context, None]


class ContextFactory:
    """What the transport asks for each request's context."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def __call__(self, head: RequestHead, /) -> Context:
        """No Authorization header: signed out. Raises NotSignedIn for one that is no good, InputInvalid for a bad
        device id.
        """
        authorization = head.headers.get(b"authorization")
        token = await self._token(authorization) if authorization is not None else None
        return Context(self._deps, head, token)

    async def _token(self, authorization: bytes) -> CustomerToken:
        scheme, _, bearer = authorization.decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or not bearer:
            raise NotSignedIn
        return await self._deps.check_customer(bearer.strip(" "))


def device_of(head: RequestHead) -> str | None:
    """`X-Device-Id`: opaque, at most 64 characters, made by the client once. Raises InputInvalid for any other text."""
    given = head.headers.get(b"x-device-id")
    if given is None:
        return None
    if not _DEVICE.fullmatch(given):
        raise InputInvalid("X-Device-Id must be 1 to 64 visible ASCII characters.")
    return given.decode("ascii")
