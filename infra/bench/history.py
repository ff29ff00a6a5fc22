"""A past for the events' benchmark: many customers with the same month behind them, written by a few set statements.

One customer's month is told and folded for real; the others are copies of it under their own tokens, in every table
that grows with events: the register, the applied events, the stories, the references.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zlib import crc32

import asyncpg
import orjson

from domain.intake.fields import split_data
from domain.kernel.ids import lane_of
from domain.kernel.time import business_day
from domain.stories.events import StoryEvent, read_event
from infra.db.stores.stories import merchant_kind
from infra.demo.teller import Event, Teller
from infra.security.sealing import Sealer

SOURCE = "urn:bench:card-core"
PLACE = "@@"
"""Stands for the customer's number in the one story that is told."""

EACH = 100


@dataclass(frozen=True, slots=True)
class Past:
    """Who has a past now, and the card of each."""

    customers: Sequence[str]

    @staticmethod
    def card(customer: str) -> str:
        return f"card-{customer}-1"


def tell_month(customer: str, end: datetime, count: int = EACH) -> list[Event]:
    """`count` events: who it is, a GOLD card of two years, and purchases over the 30 days before `end`."""
    start = (end - timedelta(days=30)).date()
    teller = Teller(customer, start)
    chance = Random(1)
    teller.profile(
        teller.moment(60), name="某某", phone="15400000000", birthday=datetime(1990, 5, 5, tzinfo=UTC).date(),
        city="上海", occupation="WHITE_COLLAR", children=0, assets_tier=2,
    )  # fmt: skip
    teller.events[0].data["person"] = f"person-of-{customer}"  # the copies are persons of their own
    card = teller.card("GOLD", teller.moment(700), new=True)
    teller.activates(card, teller.moment(698))
    places = ("metro-1", "coffee-1", "mall-1", "everyday-takeaway-1", "friday-market-1", "online-1", "dining-1")
    for number in range(count - 3):
        at = teller.moment(30, "00:00") + timedelta(days=29) * number / max(count - 3, 1)
        fen = chance.choice((400, 2_600, 3_900, 12_900, 31_000, 52_000))
        teller.buys(card, fen, chance.choice(places), at.replace(microsecond=0))
    return teller.events


async def fill_history(
    connection: asyncpg.Connection,
    *,
    events: int,
    now: datetime,
    publications: int,
    sealer: Sealer,
    fold: Callable[[list[StoryEvent]], str],
) -> Past:
    """`events` rows of history, `EACH` a customer. fold: a customer's whole story to its state as it is kept."""
    numbers = [f"{number:07d}" for number in range(events // EACH)]
    told = tell_month(f"hist-{PLACE}", now - timedelta(hours=1))
    state = fold([read_event(event.type, event.at, SOURCE, event.id, event.data) for event in told])
    profile, *open_events = told
    who = [(number, customer := f"hist-{number}", lane_of(customer)) for number in numbers]
    tale = [(event.at, event.id, event.type, _json(event.data)) for event in open_events]
    await connection.execute(
        """
        create temp table who (number text, customer text, lane int);
        create temp table tale (at timestamptz, id text, type text, data text);
        """
    )
    await connection.copy_records_to_table("who", records=who)
    await connection.copy_records_to_table("tale", records=tale)
    await connection.execute(
        f"""
        insert into story_event (lane, customer, at, source, id, type, data, applied_at)
        select w.lane, w.customer, t.at, '{SOURCE}', replace(t.id, '{PLACE}', w.number), t.type,
            replace(t.data, '{PLACE}', w.number), t.at
        from who w cross join tale t
        """
    )
    await connection.execute(
        f"""
        insert into story (lane, customer, version, plans, upto, state)
        select w.lane, w.customer, 1, $1, $2, replace($3, '{PLACE}', w.number) from who w
        """,
        publications,
        max(event.at for event in told),
        state,
    )
    await connection.copy_records_to_table(
        "story_event",
        records=(
            (lane, customer, profile.at, SOURCE, profile.id.replace(PLACE, number), profile.type,
             _sealed_profile(profile, number, customer, sealer), profile.at)
            for number, customer, lane in who
        ),
    )  # fmt: skip
    await _copy_register(connection, numbers, told)
    await _copy_references(connection, numbers, told)
    await connection.execute("drop table who, tale")
    await connection.execute("vacuum analyze")
    return Past([customer for _, customer, _ in who])


def _sealed_profile(profile: Event, number: str, customer: str, sealer: Sealer) -> str:
    """A profile's data as the door stores it: personal fields sealed."""
    data = {name: _numbered(value, number) for name, value in profile.data.items()}
    clear, personal = split_data(profile.type, data)
    return _json(clear | {"sealed": sealer.seal(_json(personal), "event", "data", customer)})


def _numbered(value: Any, number: str) -> Any:
    return value.replace(PLACE, number) if isinstance(value, str) else value


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


async def _copy_register(connection: asyncpg.Connection, numbers: Sequence[str], told: Sequence[Event]) -> None:
    rows = (
        (lane_of(f"{SOURCE}\x1f{id}"), SOURCE, id, crc32(id.encode()), business_day(event.at), event.at)
        for number in numbers
        for event in told
        for id in (event.id.replace(PLACE, number),)
    )
    await connection.copy_records_to_table("event", records=rows)


async def _copy_references(connection: asyncpg.Connection, numbers: Sequence[str], told: Sequence[Event]) -> None:
    """Whose cards and transactions these are, and who paid where, as the worker notes it."""
    named = {"card.approved": "card", "transaction.posted": "transaction"}
    refs = [(kind, event.data[kind]) for event in told if (kind := named.get(event.type))]
    merchants = sorted({event.data["merchant"] for event in told if "merchant" in event.data})
    customers = [f"hist-{number}" for number in numbers]
    own = (
        (lane_of(ref), kind, ref, customer)
        for number, customer in zip(numbers, customers, strict=True)
        for kind, text in refs
        for ref in (text.replace(PLACE, number),)
    )
    paid = (
        (lane_of(merchant), merchant_kind(merchant), customer, customer)
        for merchant in merchants
        for customer in customers
    )
    await connection.copy_records_to_table("reference", records=own)
    await connection.copy_records_to_table("reference", records=paid)


def batch_of(customers: Sequence[str], number: int, at: datetime) -> list[Event]:
    """One purchase of each of these customers, in the batch with this number. Some at merchants of the plans."""
    events = []
    for place, customer in enumerate(customers):
        transaction = f"txn-{customer}-b{number}"
        merchant, mcc, fen = _PURCHASES[(number * 7 + place) % len(_PURCHASES)]
        data = {
            "transaction": transaction, "card": Past.card(customer), "customer": customer, "amount": fen + place % 97,
            "currency": "CNY", "merchant": merchant, "mcc": mcc, "channel": "POS", "paymentMethod": "CARD",
            "country": "CN",
        }  # fmt: skip
        events.append(Event(f"transaction.posted:{transaction}", "transaction.posted", at, data))
    return events


_PURCHASES = (
    *((f"metro-{n}", "4111", 400) for n in (1, 2, 3)),
    *((f"coffee-{n}", "5814", 2_600) for n in (1, 2, 3)),
    *((f"friday-market-{n}", "5411", 23_000) for n in (1, 2, 3, 4, 5)),
    *((f"everyday-takeaway-{n}", "5814", 4_100) for n in (1, 2)),
    *((f"online-{n}", "5969", 12_900) for n in (1, 2, 3)),
    ("dining-1", "5812", 38_000),
    ("mall-1", "5311", 36_000),
    ("mall-2", "5311", 64_000),  # earns a chance in the draw
    ("school-1", "8299", 68_000),
    ("everyday-fuel-1", "5541", 34_000),
)
