"""Live changes as JSON writes them: one spelling for the API, the command line and what is kept."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain.campaigns.terms import PaymentMethod
from domain.kernel.errors import InputInvalid
from domain.kernel.time import iso
from domain.operate.changes import EndEarly, Extend, LiveChange, Pause, Resume, SetPaymentMethods, SetQuota

MOST = 100_000_000
"""The largest quota a campaign file takes."""


def read_change(plain: Mapping[str, Any]) -> LiveChange:
    """`{"kind": "quota", "offer", "current", "target"}`, kind: quota, pause, resume, end, extend, paymentMethods.

    Raises:
        InputInvalid: with a sentence that says what is missing.
    """
    kind = plain.get("kind")
    match kind:
        case "quota":
            return SetQuota(_offer(plain), _count(plain, "current"), _count(plain, "target"))
        case "pause":
            return Pause(_offer(plain))
        case "resume":
            return Resume(_offer(plain))
        case "end":
            target = None if plain.get("target") is None else _moment(plain, "target")
            return EndEarly(_offer(plain), _moment(plain, "current"), target)
        case "extend":
            offer = None if plain.get("offer") is None else _offer(plain)
            return Extend(offer, _moment(plain, "current"), _moment(plain, "target"))
        case "paymentMethods":
            return SetPaymentMethods(_offer(plain), _methods(plain, "current"), _methods(plain, "target"))
        case _:
            raise InputInvalid("kind is one of: quota, pause, resume, end, extend, paymentMethods.")


def write_change(change: LiveChange) -> dict[str, Any]:
    """What `read_change` reads again."""
    match change:
        case SetQuota(offer, count, wanted):
            return {"kind": "quota", "offer": offer, "current": count, "target": wanted}
        case Pause(offer):
            return {"kind": "pause", "offer": offer}
        case Resume(offer):
            return {"kind": "resume", "offer": offer}
        case EndEarly(offer, end, new_end):
            return {
                "kind": "end",
                "offer": offer,
                "current": iso(end),
                "target": None if new_end is None else iso(new_end),
            }
        case Extend(whose, end, later):
            return {"kind": "extend", "offer": whose, "current": iso(end), "target": iso(later)}
        case SetPaymentMethods(offer, present, wanted_methods):
            return {
                "kind": "paymentMethods",
                "offer": offer,
                "current": [method.value for method in present],
                "target": [method.value for method in wanted_methods],
            }


def _offer(plain: Mapping[str, Any]) -> str:
    offer = plain.get("offer")
    if not isinstance(offer, str) or not offer or len(offer) > 48:
        raise InputInvalid("offer is an offer's code.")
    return offer


def _count(plain: Mapping[str, Any], key: str) -> int:
    value = plain.get(key)
    if type(value) is not int or not 0 <= value <= MOST:
        raise InputInvalid(f"{key} is a whole number from 0 to {MOST}.")
    return value


def _moment(plain: Mapping[str, Any], key: str) -> datetime:
    value = plain.get(key)
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment.second or moment.microsecond or not 2000 <= moment.year < 2100:
        raise InputInvalid(f"{key} is a moment in whole minutes with its offset: 2026-11-20T19:00:00+08:00.")
    return moment


def _methods(plain: Mapping[str, Any], key: str) -> tuple[PaymentMethod, ...]:
    value = plain.get(key)
    known = {method.value: method for method in PaymentMethod}
    if not isinstance(value, list) or not value or any(type(each) is not str or each not in known for each in value):
        raise InputInvalid(f"{key} is a list of: {', '.join(known)}.")
    return tuple(known[each] for each in dict.fromkeys(value))
