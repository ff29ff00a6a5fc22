"""Events of made-up customers. Each builder makes the case that succeeds; a test states only what it is about."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from domain.campaigns.model import Campaign
from domain.campaigns.terms import (
    ApplicationChannel,
    BindingProvider,
    InstalmentKind,
    PaymentMethod,
    Product,
    SalesChannel,
)
from domain.stories.events import (
    CardActivated,
    CardApplied,
    CardApproved,
    CardClosed,
    CustomerUpdated,
    InstalmentCancelled,
    InstalmentCreated,
    MerchantStatus,
    MerchantUpdated,
    StoryEvent,
    TransactionPosted,
    TransactionRefunded,
    WalletBound,
    WalletUnbound,
)
from domain.stories.fold import Folded, fold_all
from domain.stories.merchants import MerchantHistory
from domain.stories.plans import Plans
from tests.builders.campaigns import plans_of, shanghai

BANK = "bank"
CUSTOMER = "customer-1"


def _at(at: datetime | str) -> datetime:
    return (shanghai(at) if isinstance(at, str) else at).astimezone(UTC)


def profile(at: datetime | str, birthday: str = "05-20", **changes: Any) -> CustomerUpdated:
    month, day = birthday.split("-")
    parts: dict[str, Any] = {"birth_month": int(month), "birth_day": int(day), "person": "person-1"}
    when = _at(at)
    return CustomerUpdated(
        at=when, source=BANK, id=f"profile-{when.isoformat()}", customer=CUSTOMER, **(parts | changes)
    )


def applied(at: datetime | str, **changes: Any) -> CardApplied:
    parts: dict[str, Any] = {
        "application": "application-1",
        "customer": CUSTOMER,
        "product": Product.GOLD,
        "channel": ApplicationChannel.MOBILE_BANK,
    }
    return CardApplied(at=_at(at), source=BANK, id="applied", **(parts | changes))


def approved(at: datetime | str, card: str = "card-1", **changes: Any) -> CardApproved:
    parts: dict[str, Any] = {
        "product": Product.GOLD,
        "new_customer": True,
        "channel": ApplicationChannel.MOBILE_BANK,
        "last4": "1234",
    }
    return CardApproved(
        at=_at(at), source=BANK, id=f"approved-{card}", card=card, customer=CUSTOMER, **(parts | changes)
    )


def activated(at: datetime | str, card: str = "card-1") -> CardActivated:
    when = _at(at)
    return CardActivated(at=when, source=BANK, id=f"activated-{card}-{when.isoformat()}", card=card, customer=CUSTOMER)


def closed(at: datetime | str, card: str = "card-1") -> CardClosed:
    return CardClosed(at=_at(at), source=BANK, id=f"closed-{card}", card=card, customer=CUSTOMER)


def bound(at: datetime | str, card: str = "card-1", provider: BindingProvider = BindingProvider.WECHAT) -> WalletBound:
    when = _at(at)
    id = f"bound-{card}-{provider}-{when.isoformat()}"
    return WalletBound(at=when, source=BANK, id=id, card=card, customer=CUSTOMER, provider=provider)


def unbound(
    at: datetime | str, card: str = "card-1", provider: BindingProvider = BindingProvider.WECHAT
) -> WalletUnbound:
    when = _at(at)
    id = f"unbound-{card}-{provider}-{when.isoformat()}"
    return WalletUnbound(at=when, source=BANK, id=id, card=card, customer=CUSTOMER, provider=provider)


def bought(at: datetime | str, yuan: float = 300, transaction: str | None = None, **changes: Any) -> TransactionPosted:
    """A purchase of `yuan` with card-1; named after its moment where no transaction is given."""
    when = _at(at)
    name = transaction or f"t-{when.isoformat()}"
    parts: dict[str, Any] = {
        "card": "card-1",
        "customer": CUSTOMER,
        "currency": "CNY",
        "merchant": "anywhere",
        "source": BANK,
        "channel": SalesChannel.POS,
        "method": PaymentMethod.CARD,
        "country": "CN",
    }
    amount = round(yuan * 100)
    return TransactionPosted(at=when, id=f"posted-{name}", transaction=name, amount=amount, **(parts | changes))


def refunded(at: datetime | str, transaction: str, yuan: float, refund: str = "refund-1") -> TransactionRefunded:
    return TransactionRefunded(
        at=_at(at), source=BANK, id=refund, refund=refund, transaction=transaction, amount=round(yuan * 100)
    )


def instalment(
    at: datetime | str, yuan: float = 5_000, name: str = "instalment-1", **changes: Any
) -> InstalmentCreated:
    parts: dict[str, Any] = {
        "card": "card-1",
        "customer": CUSTOMER,
        "source": BANK,
        "periods": 12,
        "fee": 36_000,
        "kind": InstalmentKind.BILL,
    }
    return InstalmentCreated(
        at=_at(at), id=f"created-{name}", instalment=name, principal=round(yuan * 100), **(parts | changes)
    )


def cancelled(at: datetime | str, name: str = "instalment-1") -> InstalmentCancelled:
    return InstalmentCancelled(at=_at(at), source=BANK, id=f"cancelled-{name}", instalment=name)


def a_merchant(merchant: str, *groups: str, at: datetime | str = "2026-01-01", **changes: Any) -> MerchantUpdated:
    parts: dict[str, Any] = {"name": merchant, "status": MerchantStatus.ACTIVE}
    when = _at(at)
    return MerchantUpdated(
        at=when, source=BANK, id=f"{merchant}-{when.isoformat()}", merchant=merchant, groups=groups, **(parts | changes)
    )


def merchants_in(*groups: str) -> MerchantHistory:
    """One merchant for each group, named `at-<group>`."""
    return MerchantHistory([a_merchant(f"at-{group}", group) for group in groups])


NOWHERE = MerchantHistory()


def folded(plans: Plans | Campaign, *events: StoryEvent, merchants: MerchantHistory = NOWHERE) -> Folded:
    """The whole story of `events`."""
    return fold_all(events, plans if isinstance(plans, Plans) else plans_of(plans), merchants)


def causes(found: Folded, offer: str | None = None) -> list[str]:
    """The causes of what was earned, of one offer or of all."""
    return [earned.cause for earned in found.earned if offer in (None, earned.offer)]


def newcomer(at: datetime | str = "2026-10-02", **changes: Any) -> list[StoryEvent]:
    """A new customer, approved and activated at that moment."""
    return [approved(at, **changes), activated(at)]


def all_of(*events: StoryEvent | Iterable[StoryEvent]) -> list[StoryEvent]:
    """Events and lists of events, as one list."""
    flat: list[StoryEvent] = []
    for event in events:
        flat.extend(event if isinstance(event, list | tuple) else [event])  # type: ignore[list-item]
    return flat
