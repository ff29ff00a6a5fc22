"""Answers as the ledger keeps them for repetitions: plain data that says the same again, byte for byte."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.campaigns.terms import CouponKind
from domain.kernel.words import Words
from domain.wallet.facts import CouponFacts, CouponStatus, DeliveryFacts, DeliveryStatus


def write_coupon(coupon: CouponFacts) -> dict[str, Any]:
    return {
        "id": str(coupon.id),
        "customer": coupon.customer,
        "grant": str(coupon.grant),
        "campaign": coupon.campaign,
        "version": coupon.version,
        "offer": coupon.offer,
        "kind": coupon.kind.value,
        "status": coupon.status.value,
        "title": [coupon.title.zh, coupon.title.en],
        "value": coupon.value,
        "minSpend": coupon.min_spend,
        "merchantGroups": list(coupon.merchant_groups),
        "validFrom": coupon.valid_from.isoformat(),
        "expiresAt": coupon.expires_at.isoformat(),
    }


def read_coupon(plain: Mapping[str, Any]) -> CouponFacts:
    return CouponFacts(
        id=UUID(plain["id"]),
        customer=plain["customer"],
        grant=UUID(plain["grant"]),
        campaign=plain["campaign"],
        version=plain["version"],
        offer=plain["offer"],
        kind=CouponKind(plain["kind"]),
        status=CouponStatus(plain["status"]),
        title=Words(*plain["title"]),
        value=plain["value"],
        min_spend=plain["minSpend"],
        merchant_groups=tuple(plain["merchantGroups"]),
        valid_from=datetime.fromisoformat(plain["validFrom"]),
        expires_at=datetime.fromisoformat(plain["expiresAt"]),
    )


def write_delivery(delivery: DeliveryFacts) -> dict[str, Any]:
    return {
        "id": str(delivery.id),
        "customer": delivery.customer,
        "grant": None if delivery.grant is None else str(delivery.grant),
        "campaign": delivery.campaign,
        "offer": delivery.offer,
        "kind": delivery.kind,
        "title": [delivery.title.zh, delivery.title.en],
        "status": delivery.status.value,
        "details": dict(delivery.details),
        "trackingNumber": delivery.tracking_number,
        "at": delivery.at.isoformat(),
    }


def read_delivery(plain: Mapping[str, Any]) -> DeliveryFacts:
    return DeliveryFacts(
        id=UUID(plain["id"]),
        customer=plain["customer"],
        grant=None if plain["grant"] is None else UUID(plain["grant"]),
        campaign=plain["campaign"],
        offer=plain["offer"],
        kind=plain["kind"],
        title=Words(*plain["title"]),
        status=DeliveryStatus(plain["status"]),
        details=plain["details"],
        tracking_number=plain["trackingNumber"],
        at=datetime.fromisoformat(plain["at"]),
    )
