"""A month of card events of a hundred and twenty people: 30 active days, and what led up to them.

Deterministic for a seed and a first active day. In real life's order: mostly as it happened, some late, some twice, a
refund now and then before its purchase.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate, chain
from random import Random

from domain.kernel.time import DAY, months_before
from infra.demo.merchants import ABROAD, ALL, Merchant
from infra.demo.people import Person, Way, crowd, pick
from infra.demo.personas import PERSONAS
from infra.demo.teller import Card, Event, Purchase, Teller, phone

SEED = 20_261_001
DAYS = 30


@dataclass(frozen=True, slots=True)
class Habit:
    """One kind of purchase.

    hours: (o'clock, weight), half an hour around each. median: of the amount, in fen; spread: sigma of its log-normal.
    weekend: how much more often on Saturday and Sunday.
    """

    hours: tuple[tuple[float, int], ...]
    median: int
    spread: float
    weekend: float = 1.0
    online: bool = False


HABITS: Mapping[str, Habit] = {
    "metro": Habit(((8.2, 5), (18.4, 5), (13, 1)), 400, 0.25, weekend=0.4),
    "breakfast": Habit(((7.6, 6), (8.6, 4)), 1_150, 0.35),
    "coffee": Habit(((9.2, 5), (14.3, 4), (16, 2)), 2_600, 0.25, weekend=0.9),
    "lunch": Habit(((12.1, 7), (12.8, 3)), 3_200, 0.35, weekend=0.8),
    "takeaway": Habit(((11.8, 5), (18.6, 5), (21.8, 2)), 3_900, 0.45, online=True),
    "convenience": Habit(((8.4, 2), (13, 2), (19, 3), (22, 3)), 1_900, 0.6),
    "ride": Habit(((8.8, 3), (19.5, 3), (22.6, 4)), 2_700, 0.5, weekend=1.3, online=True),
    "groceries": Habit(((9.5, 3), (17.9, 5), (10.8, 2)), 9_400, 0.75, weekend=1.5),
    "pharmacy": Habit(((10.5, 3), (19, 2)), 6_800, 0.7),
    "bills": Habit(((20.4, 3), (10, 2)), 15_600, 0.7, online=True),
    "school": Habit(((17.5, 3), (9.4, 2)), 68_000, 0.6, weekend=1.6),
    "online": Habit(((12.6, 2), (20.9, 5), (22.7, 4)), 12_900, 0.9, weekend=1.2, online=True),
    "fuel": Habit(((7.9, 2), (18.2, 3)), 34_000, 0.25),
    "dinner": Habit(((18.9, 6), (19.8, 3)), 24_500, 0.6, weekend=1.6),
    "mall": Habit(((14.6, 4), (16.8, 4), (19.4, 2)), 46_000, 0.8, weekend=3.5),
    "boutique": Habit(((15.2, 4), (17.4, 3)), 118_000, 0.7, weekend=2.6),
    "evening": Habit(((19.7, 5), (20.8, 4)), 21_500, 0.5, weekend=1.7),
    "travel": Habit(((21.2, 4), (13.1, 2)), 92_000, 0.7, online=True),
    "abroad": Habit(((11.5, 3), (16.5, 3), (20, 2)), 96_000, 0.9),
}
"""What is bought when, where and for how much. Source: everyday sense; nothing is measured."""

_PLACES: Mapping[str, tuple[Merchant, ...]] = {
    habit: tuple(merchant for merchant in ALL if merchant.habit == habit) for habit in HABITS
}
_COUNTRIES = {merchant.token: (country, currency) for merchant, country, currency in ABROAD}


def story(start: date, *, seed: int = SEED) -> list[Event]:
    """All events of the demo in the order in which the bank sends them, repetitions included."""
    chance = Random(seed)
    told: list[list[Event]] = [_merchants(start)]
    told += [persona.tell(start) for persona in PERSONAS]
    told += [_live(Random(chance.getrandbits(64)), person, start) for person in crowd(chance, on=start)]
    told.append(_prospects(chance, start))
    return _as_sent(chance, chain.from_iterable(told))


# --- partners and prospects


def _merchants(start: date) -> list[Event]:
    """Every merchant before the first purchase told, and what became of some."""
    teller = Teller("merchants", start)
    for merchant in ALL:
        _merchant(teller, merchant, teller.moment(200, "09:00"), 1)
    by_token = {merchant.token: merchant for merchant in ALL}
    _merchant(teller, by_token["come-back-3"], teller.moment(12, "15:00"), 2, status="SUSPENDED")
    _merchant(teller, by_token["come-back-3"], teller.moment(9, "11:00"), 3)
    _merchant(teller, by_token["friday-dining-4"], teller.moment(5, "10:00"), 2, status="TERMINATED")
    return teller.events


def _merchant(teller: Teller, merchant: Merchant, at: datetime, edition: int, status: str = "ACTIVE") -> None:
    teller.say(
        "merchant.updated",
        f"{merchant.token}:{edition}",
        at,
        {
            "merchant": merchant.token,
            "name": merchant.name,
            "groups": list(merchant.groups),
            "mcc": merchant.mcc,
            "city": merchant.city,
            "status": status,
        },
    )


def _prospects(chance: Random, start: date) -> list[Event]:
    """Applications that came to nothing yet, of people the bank does not know."""
    teller = Teller("prospects", start)
    for number in range(1, 31):
        application = f"application-prospect-{number:03d}"
        data = {
            "application": application,
            "product": chance.choice(("CLASSIC", "GOLD", "PLATINUM")),
            "channel": chance.choice(("MOBILE_BANK", "WEB", "BRANCH", "PARTNER")),
        }
        if data["channel"] == "BRANCH":
            data["flyer"] = f"FLYER-SH-{chance.randint(1, 40):04d}"
        at = teller.moment(chance.randint(1, DAYS + 8), f"{chance.randint(9, 21):02d}:{chance.randint(0, 59):02d}")
        teller.say("card.applied", application, at, data)
    return teller.events


# --- one life


def _live(chance: Random, person: Person, start: date) -> list[Event]:
    teller = Teller(person.token, start)
    first_seen = (
        teller.moment(DAYS + 14) if person.newcomer else months_before(teller.moment(DAYS), chance.randint(14, 90))
    )
    _profile(teller, person, first_seen, edition=1)
    card, active_from = _first_card(chance, teller, person)
    if active_from is None:
        return teller.events  # still asleep
    wallets = _bindings(chance, teller, person, card, active_from)
    if person.kind != "dormant" and not person.newcomer:
        _before(chance, teller, card)
    purchases = _month(chance, teller, person, card, max(active_from, teller.moment(DAYS, "00:00")), wallets)
    _refunds(chance, teller, purchases)
    _instalments(chance, teller, person, card, purchases)
    if person.number % 23 == 0:
        _profile(teller, person, teller.moment(chance.randint(3, 20), "10:30"), edition=2, city="杭州")
    if person.number % 41 == 0:
        teller.closes(card, teller.end - timedelta(minutes=chance.randint(5, 90)))
    return teller.events


def _profile(teller: Teller, person: Person, at: datetime, *, edition: int, city: str | None = None) -> None:
    teller.profile(
        at,
        name=person.name,
        phone=phone(1_000 + person.number),
        birthday=person.birthday,
        city=city or person.city,
        occupation=person.occupation,
        children=person.children,
        assets_tier=person.assets_tier,
        edition=edition,
    )


def _first_card(chance: Random, teller: Teller, person: Person) -> tuple[Card, datetime | None]:
    """The card, and from when on it is used; None for a dormant customer who stays so."""
    if person.newcomer:
        # From the warm-up on; most early, so that there is something to see.
        approved = teller.moment(
            chance.choice((38, 35, 30, 28, 27, 24, 21, 16, 12, 9, 6)), f"{chance.randint(9, 17):02d}:20"
        )
        flyer = f"FLYER-SH-{person.number:04d}" if person.channel == "BRANCH" and person.number % 3 else None
        card = teller.card(
            person.product,
            approved,
            new=True,
            channel=person.channel,
            flyer=flyer,
            applied=approved - timedelta(days=chance.randint(1, 4), hours=chance.randint(0, 5)),
            known_when_applying=person.number % 5 != 0,
        )
        active_from = approved + timedelta(hours=chance.randint(1, 96))
        teller.activates(card, active_from)
        return card, active_from
    if person.kind == "dormant":
        card = teller.card(person.product, months_before(teller.moment(DAYS), chance.randint(9, 40)), new=False)
        if person.number % 3 == 0:
            return card, None
        active_from = teller.moment(chance.randint(4, 27), f"{chance.randint(9, 20):02d}:15")
        teller.activates(card, active_from)
        return card, active_from
    approved = months_before(teller.moment(DAYS), chance.randint(8, 84))
    card = teller.card(person.product, approved, new=True, channel=person.channel)
    active_from = approved + timedelta(days=chance.randint(1, 12))
    teller.activates(card, active_from)
    return card, active_from


@dataclass(frozen=True, slots=True)
class Wallet:
    """A card bound to a provider, from `since` until `until`. weight: against 1 for the card itself."""

    method: str
    weight: int
    since: datetime
    until: datetime


def _bindings(chance: Random, teller: Teller, person: Person, card: Card, active_from: datetime) -> list[Wallet]:
    """The binding of a newcomer may come too late for its gift."""
    wallets = []
    bound = active_from + timedelta(hours=chance.randint(1, 400 if person.newcomer else 60))
    if chance.random() < 0.75 and bound < teller.end:
        teller.binds(card, "WECHAT", bound)
        wallets.append(Wallet("WECHAT_PAY", 5, bound, teller.end))
    bound += DAY
    if chance.random() < 0.5 and bound < teller.end:
        until = teller.end
        teller.binds(card, "ALIPAY", bound)
        if person.number % 19 == 0:
            until = max(bound + DAY, teller.end - timedelta(hours=chance.randint(1, 60)))
            teller.unbinds(card, "ALIPAY", until)
        wallets.append(Wallet("ALIPAY", 4, bound, until))
    return wallets


def _method(chance: Random, wallets: list[Wallet], at: datetime, channel: str) -> str:
    weights = {wallet.method: wallet.weight for wallet in wallets if wallet.since <= at < wallet.until}
    if channel == "POS":
        weights["QUICKPASS"] = 1
    return pick(chance, {"CARD": 1, **weights})


def _before(chance: Random, teller: Teller, card: Card) -> None:
    """Purchases of the months before, which keep a customer from being dormant."""
    for days in sorted(chance.sample(range(DAYS + 1, DAYS + 75), chance.randint(2, 6)), reverse=True):
        at = teller.moment(days, f"{chance.randint(9, 21):02d}:{chance.randint(0, 59):02d}")
        teller.buys(card, chance.randint(2_000, 60_000), chance.choice(_PLACES["groceries"]), at)


def _month(
    chance: Random, teller: Teller, person: Person, card: Card, since: datetime, wallets: list[Wallet]
) -> list[Purchase]:
    moments: list[tuple[datetime, str]] = []
    for day in range(DAYS, 0, -1):
        midnight = teller.moment(day, "00:00")
        if midnight + DAY <= since:
            continue
        weekend = midnight.weekday() >= 5
        names, bounds = _weights(person.way, weekend)
        for _ in range(_poisson(chance, person.a_day)):
            habit = chance.choices(names, cum_weights=bounds)[0]
            at = midnight + _time_of_day(chance, HABITS[habit])
            if at >= since:
                moments.append((at, habit))
    moments.sort()
    return [_buy(chance, teller, person, card, at, habit, wallets) for at, habit in moments]


def _buy(
    chance: Random, teller: Teller, person: Person, card: Card, at: datetime, name: str, wallets: list[Wallet]
) -> Purchase:
    habit = HABITS[name]
    near = [place for place in _PLACES[name] if place.city == person.city]
    place = chance.choice(near if near and chance.random() < 0.8 else _PLACES[name])
    fen = max(100, round(habit.median * math.exp(chance.gauss(0, habit.spread))))
    if name not in ("metro", "bills"):
        fen = fen // 10 * 10  # prices end in whole jiao
    country, currency = _COUNTRIES.get(place.token, ("CN", "CNY"))
    channel = "ONLINE" if habit.online or place.mcc == "5969" else "POS"
    method = "CARD" if country != "CN" else _method(chance, wallets, at, channel)
    return teller.buys(card, fen, place, at, channel=channel, method=method, country=country, currency=currency)


def _refunds(chance: Random, teller: Teller, purchases: list[Purchase]) -> None:
    """One purchase in 45 goes back: wholly, in part, or in two parts."""
    for purchase in purchases:
        if purchase.amount < 2_000 or chance.random() > 1 / 45:
            continue
        at = purchase.at + timedelta(
            minutes=chance.choice((7, 90, 1_500, 4_300, 10_100)), seconds=chance.randint(0, 59)
        )
        if at >= teller.end:
            continue
        match chance.randrange(4):
            case 0 | 1:
                teller.refunds(purchase, purchase.amount, at)
            case 2:
                teller.refunds(purchase, purchase.amount // chance.randint(2, 5), at)
            case _:
                teller.refunds(purchase, purchase.amount // 3, at, part=1)
                teller.refunds(purchase, purchase.amount // 4, at + timedelta(minutes=20), part=2)


def _instalments(chance: Random, teller: Teller, person: Person, card: Card, purchases: list[Purchase]) -> None:
    if not purchases or chance.random() > 0.35:
        return
    room = int((teller.end - purchases[0].at) / timedelta(hours=1))
    for number in range(1, chance.choice((1, 1, 2)) + 1):
        periods = chance.choice((3, 6, 12, 12, 24))
        principal = chance.choice((150_000, 300_000, 480_000, 500_000, 800_000, 1_260_000))
        at = purchases[0].at + timedelta(hours=chance.randint(0, max(1, room - 1)), minutes=11)
        if at >= teller.end:
            continue
        instalment = teller.instalment(
            card,
            principal,
            at,
            periods=periods,
            fee=principal * periods * 6 // 1_000,  # 0.6 % a period
            kind="TRANSACTION" if chance.random() < 0.3 else "BILL",
            number=number,
        )
        later = at + timedelta(hours=chance.randint(20, 200))
        if person.number % 6 == 0 and later < teller.end:
            teller.cancels(instalment, later)


def _weights(way: Way, weekend: bool) -> tuple[list[str], list[float]]:
    names = list(way.habits)
    each = (way.habits[name] * (HABITS[name].weekend if weekend else 1.0) for name in names)
    return names, list(accumulate(each))


def _time_of_day(chance: Random, habit: Habit) -> timedelta:
    hour = chance.choices([hour for hour, _ in habit.hours], [weight for _, weight in habit.hours])[0]
    seconds = int(chance.gauss(hour, 0.5) * 3600)
    return timedelta(seconds=min(max(seconds, 6 * 3600), 86_399))


def _poisson(chance: Random, mean: float) -> int:
    """Knuth's; `mean` is small."""
    limit, count, product = math.exp(-mean), 0, chance.random()
    while product > limit:
        count += 1
        product *= chance.random()
    return count


# --- on the wire


def _as_sent(chance: Random, events: Iterable[Event]) -> list[Event]:
    """In order of arrival: seconds after it happened, at times hours or days; one in a hundred arrives twice."""
    happened = sorted(events, key=lambda event: (event.at, event.id))
    arrivals: dict[str, datetime] = {}
    again: list[tuple[datetime, Event]] = []
    for event in happened:
        late = chance.random()
        delay = chance.expovariate(1 / 20)
        if late < 0.01:
            delay += chance.randint(3_600, 40 * 3_600)
        elif late < 0.05:
            delay += chance.randint(60, 1_800)
        if event.type == "card.approved" and chance.random() < 0.1:
            delay += 30 * 3_600  # the card after its first purchases
        arrivals[event.id] = event.at + timedelta(seconds=delay)
        if chance.random() < 0.01:
            again.append((arrivals[event.id] + timedelta(seconds=chance.randint(1, 90_000)), event))
    for event in happened:
        if event.type == "transaction.refunded" and chance.random() < 0.2:
            purchase = f"transaction.posted:{event.data['transaction']}"
            arrivals[event.id], arrivals[purchase] = sorted((arrivals[event.id], arrivals[purchase]))
    sent = [(arrivals[event.id], event) for event in happened] + again
    sent.sort(key=lambda arrival: (arrival[0], arrival[1].id))
    return [event for _, event in sent]
