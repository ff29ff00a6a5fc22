"""The crowd around the named personas: about a hundred made-up customers of every segment, product and channel.

Names come from Faker (zh_CN), all else from one seeded source, so that the same seed gives the same people. Nobody here
is real: phone numbers have a prefix that was never opened, identity hashes stand for no document.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from faker import Faker

CROWD = 99
CITIES: Mapping[str, int] = {"上海": 52, "杭州": 20, "南京": 14, "成都": 14}
CHANNELS: tuple[str, ...] = ("MOBILE_BANK", "WEB", "BRANCH", "PARTNER")


@dataclass(frozen=True, slots=True)
class Way:
    """How people of one kind live.

    share: of the crowd, in percent. a_day: purchases. habits: weights of `infra.demo.story.HABITS`. tiers: of assets.
    """

    share: int
    ages: tuple[int, int]
    occupations: tuple[str, ...]
    children: tuple[int, ...]
    tiers: tuple[int, int]
    products: Mapping[str, int]
    a_day: float
    habits: Mapping[str, int]


WAYS: Mapping[str, Way] = {
    "young white-collar": Way(
        share=36,
        ages=(22, 34),
        occupations=("WHITE_COLLAR", "WHITE_COLLAR", "ENGINEER"),
        children=(0, 0, 0, 0, 1),
        tiers=(0, 3),
        products={"CLASSIC": 55, "GOLD": 45},
        a_day=9.4,
        habits={"metro": 22, "breakfast": 10, "coffee": 14, "lunch": 9, "takeaway": 14, "convenience": 9,
                "online": 8, "ride": 6, "dinner": 4, "evening": 2, "mall": 2, "groceries": 3, "travel": 1,
                "pharmacy": 1, "bills": 1},
    ),
    "family": Way(
        share=29,
        ages=(31, 48),
        occupations=("TEACHER", "CIVIL_SERVANT", "WHITE_COLLAR", "SELF_EMPLOYED"),
        children=(1, 1, 2, 2, 3),
        tiers=(1, 5),
        products={"CLASSIC": 40, "GOLD": 60},
        a_day=7.6,
        habits={"groceries": 26, "breakfast": 9, "metro": 12, "fuel": 4, "school": 3, "online": 12, "mall": 6,
                "dinner": 6, "takeaway": 6, "convenience": 8, "pharmacy": 3, "bills": 2, "travel": 2, "coffee": 1},
    ),
    "premium": Way(
        share=20,
        ages=(32, 60),
        occupations=("EXECUTIVE", "DOCTOR", "SELF_EMPLOYED", "ENGINEER"),
        children=(0, 1, 1, 2),
        tiers=(5, 9),
        products={"PLATINUM": 100},
        a_day=6.3,
        habits={"dinner": 16, "coffee": 12, "boutique": 5, "evening": 6, "fuel": 7, "groceries": 12, "online": 14,
                "ride": 8, "lunch": 8, "travel": 3, "abroad": 2, "convenience": 5, "bills": 1, "mall": 2},
    ),
    "dormant": Way(
        share=15,
        ages=(28, 66),
        occupations=("CIVIL_SERVANT", "RETIRED", "SELF_EMPLOYED", "HOMEMAKER"),
        children=(0, 0, 1, 2),
        tiers=(0, 4),
        products={"CLASSIC": 70, "GOLD": 30},
        a_day=2.2,
        habits={"groceries": 40, "breakfast": 15, "pharmacy": 8, "bills": 5, "dinner": 8, "online": 12,
                "convenience": 12},
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """One of the crowd. newcomer: approved in the warm-up or the active phase, not some years ago."""

    token: str
    number: int
    name: str
    kind: str
    city: str
    birthday: date
    occupation: str
    children: int
    assets_tier: int
    product: str
    channel: str
    newcomer: bool
    a_day: float = field(repr=False)

    @property
    def way(self) -> Way:
        return WAYS[self.kind]


def crowd(chance: Random, *, on: date, count: int = CROWD) -> list[Person]:
    """The same people for the same `chance`; `on` only says how old they are."""
    faker = Faker("zh_CN")
    faker.seed_instance(chance.getrandbits(32))
    kinds = _by_share({kind: way.share for kind, way in WAYS.items()}, count)
    return [_person(chance, faker, number, kind, on) for number, kind in enumerate(kinds, 1)]


def _person(chance: Random, faker: Faker, number: int, kind: str, on: date) -> Person:
    way = WAYS[kind]
    age_days = chance.randint(way.ages[0] * 365, way.ages[1] * 365)
    # Two in seven are new, through every channel in turn; a sleeper cannot be.
    newcomer = kind != "dormant" and number % 7 in (2, 5)
    return Person(
        token=f"demo-{number:03d}",
        number=number,
        name=faker.name(),
        kind=kind,
        city=pick(chance, CITIES),
        birthday=date(on.year, 1, 1) - timedelta(days=age_days),
        occupation=chance.choice(way.occupations),
        children=chance.choice(way.children),
        assets_tier=chance.randint(*way.tiers),
        product=pick(chance, way.products),
        channel=CHANNELS[number // 2 % 4],
        newcomer=newcomer,
        a_day=way.a_day * chance.uniform(0.6, 1.4),
    )


def pick(chance: Random, weights: Mapping[str, int]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


def _by_share(shares: Mapping[str, int], count: int) -> list[str]:
    """`count` names in proportion, evenly mixed: each next is the one that lags most behind its share."""
    total = sum(shares.values())
    given = dict.fromkeys(shares, 0)
    mixed: list[str] = []
    for number in range(1, count + 1):
        name = max(shares, key=lambda each: shares[each] * number - given[each] * total)
        given[name] += 1
        mixed.append(name)
    return mixed
