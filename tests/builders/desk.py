"""The bank's people at their desk, and customers who ask them for something, for journeys."""

from typing import Any
from uuid import uuid4

import httpx

from tests.builders.house import House

APPLY = """
mutation Apply($id: UUID!, $offer: String!, $email: String) {
  apply(input: {requestId: $id, offer: $offer, email: $email}) { __typename
  ... on Applied { application { id status note at offer { code } } }
  ... on NotEligible { code reasons { code message remedy nextAt } } ... on NotOpen { code nextAt }
  ... on LimitReached { code limit } ... on NotFound { code } } }
"""
SIGN_UP = """
mutation SignUp($id: UUID!, $offer: String!) { signUp(input: {requestId: $id, offer: $offer}) { __typename
  ... on SignedUp { signUp { id status position offer { code } } }
  ... on NotEligible { code reasons { code } } ... on NotOpen { code nextAt } ... on SoldOut { code }
  ... on LimitReached { code limit } ... on NotFound { code } } }
"""
CANCEL = """
mutation Cancel($id: UUID!, $signUp: ID!) { cancelSignUp(input: {requestId: $id, signUp: $signUp}) { __typename
  ... on SignUpCancelled { signUp { id status position } } ... on TooLate { code deadline } ... on NotFound { code } } }
"""
MINE = """
{ viewer { applications { id status note offer { code } } signUps { id status position offer { code } }
  messages { title body at } promotions } }
"""


async def apply(hall: House, customer: str, offer: str, request: str | None = None, email: str | None = None) -> Any:
    variables = {"id": request or str(uuid4()), "offer": offer, "email": email}
    return (await hall.ask(customer, APPLY, variables))["apply"]


async def sign_up(hall: House, customer: str, offer: str, request: str | None = None) -> Any:
    return (await hall.ask(customer, SIGN_UP, {"id": request or str(uuid4()), "offer": offer}))["signUp"]


async def cancel(hall: House, customer: str, id: str, request: str | None = None) -> Any:
    return (await hall.ask(customer, CANCEL, {"id": request or str(uuid4()), "signUp": id}))["cancelSignUp"]


async def mine(hall: House, customer: str) -> Any:
    return (await hall.ask(customer, MINE))["viewer"]


async def promotions(hall: House, customer: str, on: bool) -> None:
    await hall.ask(customer, "mutation ($on: Boolean!) { setPromotions(input: {on: $on}) { on } }", {"on": on})


async def desk(hall: House, method: str, path: str, body: Any = None, *, operator: str = "li") -> httpx.Response:
    """A call of the operators' tool, used by this person."""
    headers = {**await hall.machine("operator", "operate"), "X-Operator": operator}
    return await hall.http.request(method, path, json=body, headers=headers)


async def change(hall: House, campaign: str, kind: str, *, operator: str = "li", **more: Any) -> httpx.Response:
    """Ask for a live change."""
    body = {"requestId": str(uuid4()), "reason": "as agreed", "kind": kind, **more}
    return await desk(hall, "POST", f"/v1/campaigns/{campaign}/changes", body, operator=operator)


async def freeze(hall: House, customer: str, *, operator: str = "li", **more: Any) -> httpx.Response:
    """Put somebody's benefits on hold."""
    body = {"reason": {"zh": "核查中", "en": "Being looked at"}, "note": "odd orders", **more}
    return await desk(hall, "POST", f"/v1/customers/{customer}/freeze", body, operator=operator)


async def unfreeze(hall: House, customer: str) -> httpx.Response:
    return await desk(hall, "POST", f"/v1/customers/{customer}/unfreeze", {"note": "all is well"})


async def approve_card(hall: House, customer: str, at: str = "2026-10-02T09:00:00", **changes: object) -> None:
    data = {
        "card": f"card-{customer}", "customer": customer, "product": "PLATINUM", "newCustomer": False,
        "channel": "MOBILE_BANK", "last4": "4321", **changes,
    }  # fmt: skip
    await hall.tell(hall.event("card.approved", at, **data))


def buy(hall: House, customer: str, at: str, amount: int, transaction: str, **changes: object) -> dict[str, object]:
    data = {
        "transaction": transaction, "card": f"card-{customer}", "customer": customer, "amount": amount,
        "currency": "CNY", "merchant": "m-any", "channel": "POS", "paymentMethod": "CARD", "country": "CN", **changes,
    }  # fmt: skip
    return hall.event("transaction.posted", at, **data)
