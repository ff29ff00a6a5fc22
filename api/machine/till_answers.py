"""What a till is answered: the outcome of a call as it is kept and given, byte for byte again to a repetition."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, assert_never

import orjson

from api.machine.problems import problem
from api.node import node_id
from domain.kernel.time import iso
from domain.kernel.words import Language
from domain.till.model import (
    Captured,
    Declined,
    NoQuote,
    NoRedemption,
    Outcome,
    Quote,
    Quoted,
    QuoteEnded,
    QuoteExpired,
    Released,
    Reversed,
    Told,
    TooLittle,
    TooMuch,
    TransactionUsed,
)


def present(outcome: Outcome, *, language: Language = Language.ZH) -> Told:
    """The answer as it is kept."""
    match outcome:
        case Quoted(quote, declined):
            return _told(201, _quoted(quote, declined, language))
        case Captured(redemption, discount, payable):
            return _told(200, {"redemption": str(redemption), "discount": discount, "payable": payable})
        case Released(quote_id):
            return _told(200, {"quote": str(quote_id), "released": True})
        case Reversed(_, taken_back, coupons, quota):
            restored: dict[str, Any] = {"quota": quota}
            if coupons:
                restored["coupon"] = node_id("Coupon", coupons[0])
                restored["coupons"] = [node_id("Coupon", coupon) for coupon in coupons]
            return _told(200, {"reversed": taken_back, "restored": restored})
        case NoQuote():
            return _refused(404, "QUOTE_NOT_FOUND", "There is no such quote")
        case QuoteExpired(expired_at):
            return _refused(410, "QUOTE_EXPIRED", "The quote has expired", expiredAt=iso(expired_at))
        case QuoteEnded(status):
            return _refused(409, f"QUOTE_{status}", "The quote has ended", statusOfQuote=status)
        case TransactionUsed():
            return _refused(409, "TRANSACTION_USED", "The transaction has a redemption already")
        case NoRedemption():
            return _refused(404, "REDEMPTION_NOT_FOUND", "There is no such redemption")
        case TooMuch(left):
            return _refused(422, "REVERSAL_TOO_LARGE", "More than is left of what was paid", left=left)
        case TooLittle(left):
            return _refused(422, "REVERSAL_TOO_SMALL", "At least 1 fen of what was paid is given back", left=left)
    assert_never(outcome)


def _quoted(quote: Quote, declined: tuple[Declined, ...], language: Language) -> dict[str, Any]:
    lines = []
    for line in quote.lines:
        plain: dict[str, Any] = {"offer": line.offer, "discount": line.discount}
        if line.coupon is not None:
            plain["coupon"] = node_id("Coupon", line.coupon)
        lines.append(plain)
    return {
        "quote": str(quote.id),
        "discount": quote.discount,
        "payable": quote.payable,
        "expiresAt": iso(quote.expires_at),
        "lines": lines,
        "declined": _all_declined(declined, language),
    }


@lru_cache(maxsize=1024)
def _all_declined(declined: tuple[Declined, ...], language: Language) -> orjson.Fragment:
    """Most payments at a merchant are declined the same offers."""
    return orjson.Fragment(orjson.dumps([_declined(each, language) for each in declined]))


@lru_cache(maxsize=4096)
def _declined(declined: Declined, language: Language) -> orjson.Fragment:
    reason = declined.reason
    plain: dict[str, Any] = {"offer": declined.offer, "code": reason.code, "message": reason.message.say(language)}
    if declined.coupon is not None:
        plain["coupon"] = node_id("Coupon", declined.coupon)
    if reason.next_at is not None:
        plain["nextAt"] = iso(reason.next_at)
    return orjson.Fragment(orjson.dumps(plain))


def _told(status: int, body: Mapping[str, Any]) -> Told:
    return Told(status, orjson.dumps(body).decode())


def _refused(status: int, code: str, title: str, **more: Any) -> Told:
    answer = problem(status, code, title, **more)
    return Told(status, bytes(answer.body).decode())
