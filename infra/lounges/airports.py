"""Real airports: places, names and time zones from the package `airportsdata`, Chinese names from the data file."""

from functools import cache
from zoneinfo import ZoneInfo

import airportsdata

from domain.kernel.words import Words
from domain.lounge.facts import Airport
from infra.lounges.file import shipped_lounges


@cache
def airport(code: str) -> Airport | None:
    """By IATA code; None where there is no such airport. Without a Chinese name the English one serves for both."""
    known = _all().get(code)
    if known is None:
        return None
    names = shipped_lounges().airports.get(code)
    return Airport(
        code,
        names.name if names is not None else Words(known["name"], known["name"]),
        names.city if names is not None else Words(known["city"], known["city"]),
        ZoneInfo(known["tz"]),
    )


@cache
def _all() -> dict[str, airportsdata.Airport]:
    return airportsdata.load("IATA")
