"""The slots of a lounge's day.

Slots follow one another from opening to closing; what is left at the end, shorter than a slot, is none. The day is the
day of the lounge's own town; a lounge that closes after midnight keeps its late slots on the day on which it opened.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from domain.lounge.facts import Lounge, Slot

_DAY = 24 * 60


def slots_of(lounge: Lounge, day: date) -> tuple[Slot, ...]:
    """In order of time."""
    midnight = datetime.combine(day, time(), lounge.airport.zone).astimezone(UTC)
    length = timedelta(minutes=lounge.slot)
    count = (lounge.closes - lounge.opens) // lounge.slot
    first = midnight + timedelta(minutes=lounge.opens)
    return tuple(Slot(lounge.code, first + number * length, first + (number + 1) * length) for number in range(count))


def slot_at(lounge: Lounge, starts_at: datetime) -> Slot | None:
    """The slot that begins at this very moment."""
    return _slot_at(lounge.code, lounge.airport.zone, lounge.opens, lounge.closes, lounge.slot, starts_at)


@lru_cache(maxsize=16_384)  # many ask for the same
def _slot_at(code: str, zone: ZoneInfo, opens: int, closes: int, slot: int, starts_at: datetime) -> Slot | None:
    day = starts_at.astimezone(zone).date()
    length = timedelta(minutes=slot)
    for near in (day, day - timedelta(days=1)):
        midnight = datetime.combine(near, time(), zone).astimezone(UTC)
        number, over = divmod(starts_at - midnight - timedelta(minutes=opens), length)
        if not over and 0 <= number < (closes - opens) // slot:
            begin = starts_at.astimezone(UTC)
            return Slot(code, begin, begin + length)
    return None


def hours_of(lounge: Lounge) -> str:
    """`06:00-23:00`, as the data file writes it; `00:00-24:00` is all day."""
    closes = lounge.closes if lounge.closes <= _DAY else lounge.closes - _DAY
    return f"{_clock(lounge.opens)}-{_clock(closes)}"


def read_hours(text: str) -> tuple[int, int]:
    """Minutes of opening and closing; an end not after the beginning is the next day's. Raises ValueError."""
    begin, _, end = text.partition("-")
    opens, closes = _minutes(begin), _minutes(end)
    if opens == _DAY:
        raise ValueError("a lounge opens before 24:00")
    return opens, closes if closes > opens else closes + _DAY


def _minutes(text: str) -> int:
    hours, colon, minutes = text.partition(":")
    if not (colon and len(hours) == len(minutes) == 2 and hours.isdecimal() and minutes.isdecimal()):
        raise ValueError(f"{text!r} is no time of day, as 06:00")
    found = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or found > _DAY:
        raise ValueError(f"{text!r} is no time of day, as 06:00")
    return found


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
