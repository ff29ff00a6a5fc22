"""An offer in time: whether it is open at a moment, in which window, and when that changes. The same for everybody."""

from dataclasses import dataclass
from datetime import datetime

from domain.campaigns.calendar import Calendar
from domain.campaigns.model import Campaign, Offer
from domain.campaigns.schedule import opens_and_closes, state_of, window
from domain.campaigns.terms import OfferState
from domain.kernel.time import Interval


@dataclass(frozen=True, slots=True)
class Timing:
    """state: by time and pause alone. window: the one that is open, or the next. next_change_at: of state and window by
    time; None when never. run: from its first moment to its last."""

    state: OfferState
    window: Interval | None
    next_change_at: datetime | None
    run: Interval

    @property
    def closes_at(self) -> datetime:
        """When it closes next: its window while it is open in one, else its run."""
        if self.window is None or self.state is not OfferState.OPEN:
            return self.run.closes_at
        return min(self.window.closes_at, self.run.closes_at)

    def state_with(self, remaining: int | None) -> OfferState:
        """What a customer sees: what would be open now or later is SOLD_OUT once nothing of its quota is left."""
        gone = remaining is not None and remaining <= 0
        return OfferState.SOLD_OUT if gone and self.state in _CAN_SELL_OUT else self.state

    def next_change_with(self, remaining: int | None) -> datetime | None:
        """What is sold out stays so until its run ends, as far as time is concerned."""
        return self.run.closes_at if self.state_with(remaining) is OfferState.SOLD_OUT else self.next_change_at


_CAN_SELL_OUT = (OfferState.OPEN, OfferState.BETWEEN_WINDOWS)


def timing_of(offer: Offer, campaign: Campaign, now: datetime, calendar: Calendar) -> Timing:
    times = state_of(offer, campaign, now, calendar)
    recurring = window(offer, campaign, now, calendar)
    return Timing(times.state, recurring, times.next_change_at, opens_and_closes(offer, campaign))


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
            until = timing.next_change_at
            if since <= now and (until is None or now < until):  # a sandbox may set its clock back
                return timing
        timing = timing_of(offer, campaign, now, self._calendar)
        self._known[key] = (now, timing)
        return timing
