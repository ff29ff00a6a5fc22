"""An offer in time: whether it is open at a moment, in which window, and when that changes. The same for everybody."""

from dataclasses import dataclass
from datetime import datetime

from domain.campaigns.calendar import Calendar
from domain.campaigns.model import Campaign, Offer
from domain.campaigns.schedule import opens_and_closes, state_of, window
from domain.campaigns.terms import OfferState
from domain.kernel.time import Interval

_CAN_SELL_OUT = (OfferState.OPEN, OfferState.BETWEEN_WINDOWS)


@dataclass(frozen=True, slots=True)
class Timing:
    """state: by time and pause alone. window: the one that is open, or the next. run: from first to last moment.

    stays_until: before that moment neither changes; None: never again.
    """

    state: OfferState
    window: Interval | None
    run: Interval
    stays_until: datetime | None

    @property
    def closes_at(self) -> datetime:
        """When it closes next: its window while it is open in one, else its run."""
        if self.window is None or self.state is not OfferState.OPEN:
            return self.run.closes_at
        return min(self.window.closes_at, self.run.closes_at)

    def state_with(self, remaining: int | None, spent: bool = False) -> OfferState:
        """What a customer sees: what would be open now or later is SOLD_OUT once nothing of its quota is left, or its
        budget line is spent.
        """
        gone = spent or (remaining is not None and remaining <= 0)
        return OfferState.SOLD_OUT if gone and self.state in _CAN_SELL_OUT else self.state

    def stays_with(self, remaining: int | None, spent: bool = False) -> datetime | None:
        """`stays_until` of what a customer sees: while it is sold out its windows pass by without opening."""
        if self.state_with(remaining, spent) is not OfferState.SOLD_OUT:
            return self.stays_until
        return self.run.closes_at if self.window is None else self.window.closes_at


def timing_of(offer: Offer, campaign: Campaign, now: datetime, calendar: Calendar) -> Timing:
    times = state_of(offer, campaign, now, calendar)
    recurring = window(offer, campaign, now, calendar)
    # What is on hold keeps its state while its windows pass by: the window shown changes all the same.
    changes = [at for at in (times.next_change_at, recurring.closes_at if recurring else None) if at is not None]
    return Timing(times.state, recurring, opens_and_closes(offer, campaign), min(changes, default=None))


class Timetable:
    """Timings worked out once for each stretch of time in which they stay the same."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._known: dict[tuple[str, int, str], tuple[datetime, Timing]] = {}

    def timing(self, offer: Offer, campaign: Campaign, now: datetime) -> Timing:
        key = (campaign.code, campaign.version, offer.code)
        known = self._known.get(key)
        if known is not None:
            since, timing = known
            until = timing.stays_until
            if since <= now and (until is None or now < until):  # a sandbox may set its clock back
                return timing
        timing = timing_of(offer, campaign, now, self._calendar)
        self._known[key] = (now, timing)
        return timing
