"""The lounges' data file: airports' Chinese names, amenities, the policy of bookings, and the lounges themselves.

Read with the shapes of the campaign files, so that every fault is told with its line and a remedy.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from domain.kernel.words import Words
from domain.lounge.facts import LoungeState, Policy
from domain.lounge.slots import read_hours
from infra.campaigns.conditions import record
from infra.campaigns.rewards import WORDS
from infra.campaigns.shapes import CODE, Adapted, Field, Got, ListOf, Record, Shape, Text, Token, Unread, Whole, YesNo
from infra.campaigns.tree import Reading, read_tree

FILE = Path(__file__).parent / "lounges.yaml"
_NO_DAY = date(2000, 1, 1)

LOUNGE_CODE = Token("a lounge's code", "PEK-T3-01", r"^[A-Z0-9][A-Z0-9-]{0,47}$")
IATA = Token("an airport's IATA code", "PEK", r"^[A-Z]{3}$")
_HOURS = Token("hours, the end not after the beginning being the next day's", "06:00-23:00", r"^\d\d:\d\d-\d\d:\d\d$")


@dataclass(frozen=True, slots=True)
class LoungeRow:
    """A lounge as the file or a feed says it; see `domain.lounge.facts.Lounge`. amenities: codes."""

    code: str
    airport: str
    name: Words
    terminal: str
    airside: bool
    opens: int
    closes: int
    slot: int
    capacity: int
    amenities: tuple[str, ...]
    state: LoungeState = LoungeState.OPEN


@dataclass(frozen=True, slots=True)
class AirportNames:
    """What the airports' package does not know, or not well: names in Chinese, and the city passengers mean."""

    code: str
    name: Words
    city: Words


@dataclass(frozen=True, slots=True)
class LoungesFile:
    policy: Policy
    airports: Mapping[str, AirportNames]
    amenities: Mapping[str, Words]
    lounges: tuple[LoungeRow, ...]


def _minutes(most: int) -> Shape[timedelta]:
    return Adapted(Whole(0, most), lambda found: timedelta(minutes=found))


_POLICY: Record[Policy] = record(
    "loungePolicy",
    {
        "entitlements": Field(ListOf(CODE), "Entitlements whose visits open a lounge.", required=True),
        "aheadDays": Field(Whole(1, 365), "How many days before a slot it can be booked.", required=True),
        "cancelMinutes": Field(_minutes(10_080), "How long before a slot it can be given back.", required=True),
        "earlyMinutes": Field(_minutes(1_440), "How long before a slot its guest may come.", required=True),
        "lateMinutes": Field(_minutes(43_200), "How long after a slot a visit can still be told of.", required=True),
        "noShowCostsVisit": Field(YesNo(), "Whether who does not come has used the visit.", required=True),
    },
    lambda got: Policy(
        entitlements=frozenset(got["entitlements"]),
        ahead=timedelta(days=got["aheadDays"]),
        cancel=got["cancelMinutes"],
        early=got["earlyMinutes"],
        late=got["lateMinutes"],
        no_show_costs=got["noShowCostsVisit"],
    ),
)

_AIRPORT: Record[AirportNames] = record(
    "loungeAirport",
    {
        "code": Field(IATA, "IATA code.", required=True),
        "name": Field(WORDS, "Its name.", required=True),
        "city": Field(WORDS, "The city it serves.", required=True),
    },
    lambda got: AirportNames(got["code"], got["name"], got["city"]),
)

_AMENITY: Record[tuple[str, Words]] = record(
    "loungeAmenity",
    {"code": Field(CODE, "Its code.", required=True), "title": Field(WORDS, "What it is.", required=True)},
    lambda got: (got["code"], got["title"]),
)


def _read_lounge(got: Got) -> LoungeRow:
    opens, closes = read_hours(got["hours"])
    if closes - opens < got["slot"]:
        raise ValueError("a slot does not fit between opening and closing")
    return LoungeRow(
        code=got["code"],
        airport=got["airport"],
        name=got["name"],
        terminal=got["terminal"],
        airside=got["airside"],
        opens=opens,
        closes=closes,
        slot=got["slot"],
        capacity=got["capacity"],
        amenities=got["amenities"],
        state=LoungeState.CLOSED if got["closed"] else LoungeState.OPEN,
    )


_LOUNGE: Record[LoungeRow] = record(
    "lounge",
    {
        "code": Field(LOUNGE_CODE, "Its code; never used for another one.", required=True),
        "airport": Field(IATA, "IATA code of its airport.", required=True),
        "name": Field(WORDS, "What passengers call it.", required=True),
        "terminal": Field(Text(40), "The terminal it is in.", required=True),
        "airside": Field(YesNo(), "Whether it lies behind security.", required=True),
        "hours": Field(_HOURS, "When it is open, by the clock of its town.", required=True),
        "slot": Field(Whole(30, 720), "Minutes of a slot.", required=True),
        "capacity": Field(Whole(0, 1_000), "Seats of a slot for our customers.", required=True),
        "amenities": Field(ListOf(CODE, least=0), "What there is in it.", required=True),
        "closed": Field(YesNo(), "Not to be booked for the time being.", default=False),
    },
    _read_lounge,
)


def _whole(got: Got) -> LoungesFile:
    lounges: tuple[LoungeRow, ...] = got["lounges"]
    codes = [lounge.code for lounge in lounges]
    if twice := {code for code in codes if codes.count(code) > 1}:
        raise ValueError(f"the lounge {min(twice)} stands twice")
    amenities = dict(got["amenities"])
    for lounge in lounges:
        if unknown := set(lounge.amenities) - set(amenities):
            raise ValueError(f"{lounge.code} has {min(unknown)}, which stands under no amenities")
    return LoungesFile(got["policy"], {airport.code: airport for airport in got["airports"]}, amenities, lounges)


LOUNGES_FILE: Record[LoungesFile] = record(
    "lounges",
    {
        "policy": Field(_POLICY, "What holds for every lounge.", required=True),
        "airports": Field(ListOf(_AIRPORT), "Names of airports and their cities.", required=True),
        "amenities": Field(ListOf(_AMENITY), "What lounges may have.", required=True),
        "lounges": Field(ListOf(_LOUNGE), "The lounges.", required=True),
    },
    _whole,
)


def load_lounges(text: str, *, file: str) -> LoungesFile:
    """What the text says. Raises CampaignUnreadable with everything that is wrong with it."""
    reading = Reading(file, _NO_DAY)
    root = read_tree(text, reading)
    loaded: LoungesFile | None = None
    if root is not None:
        with suppress(Unread):
            loaded = LOUNGES_FILE.read(root, reading)
    reading.finish()
    assert loaded is not None
    return loaded


@cache
def shipped_lounges() -> LoungesFile:
    return load_lounges(FILE.read_text(encoding="utf-8"), file=FILE.name)
