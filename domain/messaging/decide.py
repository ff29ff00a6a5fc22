"""Whether words may go out to a customer, and when.

Promotions go to those who agreed to them, and not at night (Advertising Law, article 43; PIPL, article 24). An answer
to something of the customer's own needs no agreement and goes at once.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import TypeAlias

from domain.kernel.time import SHANGHAI, business_day

QUIET_FROM = time(21)
QUIET_UNTIL = time(9)
"""At night, Shanghai: from the first, into the next day, until the second."""


class MessageKind(StrEnum):
    PROMOTION = "PROMOTION"
    SERVICE = "SERVICE"


@dataclass(frozen=True, slots=True)
class Send:
    """Now."""


@dataclass(frozen=True, slots=True)
class Wait:
    until: datetime


@dataclass(frozen=True, slots=True)
class Withhold:
    """Never: the customer has not agreed."""


Verdict: TypeAlias = Send | Wait | Withhold


def may_go_out(kind: MessageKind, *, agreed: bool, now: datetime) -> Verdict:
    """agreed: whether the customer wants promotions at this moment; asked again once the night is over."""
    if kind is MessageKind.SERVICE:
        return Send()
    if not agreed:
        return Withhold()
    until = quiet_until(now)
    return Send() if until is None else Wait(until)


def quiet_until(now: datetime) -> datetime | None:
    """When the night ends that `now` falls in; None by day."""
    local = now.astimezone(SHANGHAI).time()
    day = business_day(now)
    if local >= QUIET_FROM:
        day += timedelta(days=1)
    elif local >= QUIET_UNTIL:
        return None
    return datetime.combine(day, QUIET_UNTIL, SHANGHAI)
