"""A customer of the bank, told of by the card core's events, and what the hall has given them.

Each one has names of their own (customer, card, transactions), so that many tests share a hall.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

import orjson

from tests.builders.house import House

Event = dict[str, Any]

_customers = count(1)


@dataclass
class Person:
    """One customer. The methods that make events send nothing; the asynchronous ones ask the hall."""

    hall: House
    name: str = field(default_factory=lambda: f"customer-{next(_customers)}")
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def card(self) -> str:
        return f"card-{self.name}"

    # --- what happens to them

    def approved(self, at: str = "2026-10-02T09:00:00", **changes: Any) -> Event:
        """A GOLD card for a new customer who applied in the mobile bank."""
        data = {
            "card": self.card, "customer": self.name, "product": "GOLD", "newCustomer": True,
            "channel": "MOBILE_BANK", "last4": "4321", **changes,
        }  # fmt: skip
        return self.hall.event("card.approved", at, **data)

    def dormant(self, **changes: Any) -> Event:
        """A card approved long before the campaign, that has bought nothing since."""
        return self.approved("2026-01-15T10:00:00", newCustomer=False, **changes)

    def applied(self, at: str, **changes: Any) -> Event:
        data = {
            "application": f"application-{self.name}", "customer": self.name, "product": "GOLD",
            "channel": "MOBILE_BANK", **changes,
        }  # fmt: skip
        return self.hall.event("card.applied", at, **data)

    def activated(self, at: str, card: str | None = None) -> Event:
        return self.hall.event("card.activated", at, card=card or self.card, customer=self.name)

    def bound(self, at: str, provider: str = "WECHAT") -> Event:
        return self.hall.event("wallet.bound", at, card=self.card, customer=self.name, provider=provider)

    def unbound(self, at: str, provider: str = "WECHAT") -> Event:
        return self.hall.event("wallet.unbound", at, card=self.card, customer=self.name, provider=provider)

    def bought(self, amount: int, at: str, transaction: str | None = None, **changes: Any) -> Event:
        data = {
            "transaction": transaction or f"{self.name}-t{next(self._numbers)}", "card": self.card,
            "customer": self.name, "amount": amount, "currency": "CNY", "merchant": "m-any", "channel": "POS",
            "paymentMethod": "CARD", "country": "CN", **changes,
        }  # fmt: skip
        return self.hall.event("transaction.posted", at, **data)

    def refunded(self, purchase: Event, amount: int, at: str) -> Event:
        return self.hall.event(
            "transaction.refunded", at, refund=f"{self.name}-r{next(self._numbers)}",
            transaction=purchase["data"]["transaction"], amount=amount,
        )  # fmt: skip

    def instalment(self, principal: int, at: str, **changes: Any) -> Event:
        """A bill instalment over 12 periods, at 0.6 % a period."""
        data = {
            "instalment": f"{self.name}-i{next(self._numbers)}", "card": self.card, "customer": self.name,
            "principal": principal, "periods": 12, "fee": principal * 72 // 1000, "kind": "BILL", **changes,
        }  # fmt: skip
        return self.hall.event("instalment.created", at, **data)

    def cancelled(self, instalment: Event, at: str) -> Event:
        return self.hall.event("instalment.cancelled", at, instalment=instalment["data"]["instalment"])

    def described(self, at: str = "2026-09-01T09:00:00", **changes: Any) -> Event:
        data = {
            "customer": self.name, "name": "林晓", "phone": "13800138000", "birthday": "1990-05-20",
            "person": f"person-{self.name}", **changes,
        }  # fmt: skip
        return self.hall.event("customer.updated", at, **data)

    # --- what they see in the hall

    async def coupons(self, offer: str | None = None) -> list[tuple[int, str]]:
        """(value, status) of each coupon, of one offer where it is named."""
        found = await self.hall.coupons(self.name)
        return [(value, status) for code, value, status in found if offer is None or code == offer]

    async def choices(self) -> list[dict[str, Any]]:
        return await self.hall.choices(self.name)

    async def deliveries(self) -> list[tuple[str, str]]:
        """(title, status), oldest first."""
        return [(each["title"], each["status"]) for each in reversed(await self.hall.deliveries(self.name))]

    async def claim(self, offer: str, language: str = "zh-CN", device: str | None = None) -> Any:
        return await self.hall.claim(self.name, offer, language=language, device=device)

    async def choose(self, choice: Mapping[str, Any], option: str) -> Any:
        return await self.hall.choose(self.name, choice["id"], option)

    async def give_address(self, title: str) -> Any:
        """Say where the parcel of that title goes."""
        (parcel,) = [each for each in await self.hall.deliveries(self.name) if each["title"] == title]
        said = {
            "requestId": str(uuid4()), "delivery": parcel["id"], "name": "林晓", "phone": "13800138000",
            "region": "上海市 黄浦区", "address": "中山东一路1号",
        }  # fmt: skip
        return (await self.hall.ask(self.name, SET_ADDRESS, {"input": said}))["setAddress"]

    async def offer(self, code: str, language: str = "zh-CN") -> Any:
        return (await self.hall.ask(self.name, OFFER, {"code": code}, language=language))["offer"]

    async def reasons(self, code: str, language: str = "zh-CN") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.offer(code, language))["eligibility"]["reasons"]
        return found

    async def against(self, code: str) -> list[str]:
        return [reason["code"] for reason in await self.reasons(code)]

    async def mission(self, offer: str) -> tuple[int, int, str | None] | None:
        """(done, needed, deadline) on the way to the offer; None where it is no mission of theirs."""
        data = await self.hall.ask(self.name, "{ viewer { missions { offer { code } done needed deadline } } }")
        found = {each["offer"]["code"]: each for each in data["viewer"]["missions"]}
        return (found[offer]["done"], found[offer]["needed"], found[offer]["deadline"]) if offer in found else None

    async def segments(self) -> list[str]:
        data = await self.hall.ask(self.name, "{ viewer { segments { code title } } }")
        return [segment["code"] for segment in data["viewer"]["segments"]]

    # --- what the bank's people would see

    async def grants(self, offer: str) -> list[str]:
        """The status of each grant of the offer, oldest first."""
        found = await self.hall.rows(
            "select status from offer_grant where customer = $1 and offer = $2 order by at, round, id", self.name, offer
        )
        return [row["status"] for row in found]

    async def cases(self) -> list[tuple[str, str]]:
        """(kind, offer) of each open case."""
        found = await self.hall.rows(
            "select kind, offer from operator_case where customer = $1 and status = 'OPEN' order by at, id", self.name
        )
        return [(row["kind"], row["offer"]) for row in found]

    async def waivers(self) -> list[int]:
        """Fen of each fee that the bank is to waive or has waived, oldest first."""
        found = await self.hall.rows(
            "select details from delivery where customer = $1 and kind = 'FEE_WAIVER' and status <> 'FAILED'"
            " order by at, id",
            self.name,
        )
        return [orjson.loads(row["details"])["amount"] for row in found]

    async def providers_asked(self) -> None:
        """What was promised to them is with the providers from now on."""
        await self.hall.rows(
            "update delivery set status = 'PROCESSING' where customer = $1 and status = 'PROMISED'", self.name
        )

    async def chances(self, draw: str) -> list[dict[str, Any]]:
        """Status, basis and expiry of each chance in the draw, and the uses left on its account."""
        found = await self.hall.rows(
            """
            select c.status, c.basis, c.expires_at, a.balance as left from draw_chance c
                left join account a on a.lane = c.lane and a.key = 'chance|' || c.id
            where c.customer = $1 and c.draw = $2 order by c.at, c.id
            """,
            self.name,
            draw,
        )
        return [dict(row) for row in found]

    async def entitlements(self, code: str) -> list[dict[str, Any]]:
        found = await self.hall.rows(
            """
            select e.status, e.total, e.holder, e.expires_at, a.balance as left from entitlement e
                left join account a on a.lane = e.lane and a.key = 'visits|' || e.id
            where e.customer = $1 and e.code = $2 order by e.at, e.id
            """,
            self.name,
            code,
        )
        return [dict(row) for row in found]


def merchant(hall: House, name: str, *groups: str, at: str = "2026-01-01T00:00:00", **changes: Any) -> Event:
    data = {"merchant": name, "name": f"商户{name}", "groups": list(groups), "status": "ACTIVE", **changes}
    return hall.event("merchant.updated", at, **data)


SET_ADDRESS = """
mutation Address($input: SetAddressInput!) { setAddress(input: $input) { __typename
  ... on AddressSet { delivery { id status title } } ... on NotFound { code } ... on TooLate { code } } }
"""

OFFER = """
query Offer($code: String!) { offer(code: $code) { code title state opensAt closesAt nextChangeAt
  window { opensAt closesAt } quota { total remaining } action { kind label }
  rules { text disclaimers version }
  eligibility { eligible reasons { code message remedy nextAt } because } } }
"""
