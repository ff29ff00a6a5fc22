"""What the pages' benchmark reads: customers with full wallets, and the bound's own copy of catalog and feeds."""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import orjson

from domain.campaigns.model import Campaign, CouponReward
from domain.kernel.ids import lane_of, new_id
from domain.kernel.time import SHANGHAI, day_end
from domain.ledger.keys import quota
from domain.offers.catalog import Catalog
from domain.stories.events import read_event
from domain.stories.fold import fold_all
from infra.db.stores.states import text_of
from infra.demo.merchants import ALL, PARTNERS
from infra.demo.teller import MONTH, SOURCE, Event, Teller, phone

COUPONS_EACH = 60


async def fill_merchants(connection: asyncpg.Connection) -> None:
    """The demo's partners: as the register of merchants holds them, and as the bank told of them."""
    now = datetime.now(UTC)
    told = datetime(2020, 1, 1, tzinfo=UTC)
    rows = [(one.token, one.name, list(one.groups), one.mcc, one.city, "ACTIVE", told) for one in ALL]
    events = [
        (lane_of(one.token), one.token, told, SOURCE, f"merchant.updated:{one.token}", "merchant.updated", _json(
            {"merchant": one.token, "name": one.name, "groups": one.groups, "mcc": one.mcc, "city": one.city,
             "status": "ACTIVE"}), now)
        for one in ALL
    ]  # fmt: skip
    await connection.copy_records_to_table("merchant", records=rows)
    await connection.copy_records_to_table("general_event", records=events)


async def fill_customers(
    connection: asyncpg.Connection, catalog: Catalog, customers: Sequence[str], now: datetime
) -> None:
    """Profiles and stories: newcomers, families and platinum customers in turn, each with three weeks of purchases."""
    told = {customer: _told(customer, place, now) for place, customer in enumerate(customers)}
    await fill_told(connection, catalog, told, now)


async def fill_told(
    connection: asyncpg.Connection, catalog: Catalog, told: Mapping[str, Sequence[Event]], now: datetime
) -> None:
    """Profiles and stories of customers of whom these events were told."""
    profiles, stories = [], []
    for customer, theirs in told.items():
        events = [read_event(event.type, event.at, SOURCE, event.id, event.data) for event in theirs]
        state = fold_all(events, catalog.plans, catalog.told).state
        lane, upto = lane_of(customer), max(event.at for event in theirs)
        profiles.append((lane, customer, "读**", "154****0000", now))
        stories.append((lane, customer, 1, catalog.publications, upto, text_of(state)))
    await connection.copy_records_to_table(
        "customer", records=profiles, columns=("lane", "customer", "masked_name", "masked_phone", "as_of")
    )
    await connection.copy_records_to_table("story", records=stories)


def _told(customer: str, place: int, now: datetime) -> list[Event]:
    teller = Teller(customer, (now.astimezone(SHANGHAI) - MONTH).date())
    teller.profile(
        teller.moment(60), name="读者", phone=phone(place), birthday=date(1990, 1 + place % 12, 9), city="上海",
        occupation="WHITE_COLLAR" if place % 2 else "TEACHER", children=place % 3, assets_tier=place % 9,
    )  # fmt: skip
    product = ("CLASSIC", "GOLD", "PLATINUM")[place % 3]
    card = teller.card(product, teller.moment(25), new=place % 2 == 0, channel="MOBILE_BANK")
    teller.activates(card, teller.moment(24))
    if place % 4 == 0:
        teller.binds(card, "WECHAT", teller.moment(23))
    for day in range(20, 0, -1):
        fen = 100_000 if day == 15 else 1_000 * day
        teller.buys(card, fen, PARTNERS[(place + day) % len(PARTNERS)], teller.moment(day, "12:30"))
    return teller.events


async def fill_wallets(
    connection: asyncpg.Connection, catalog: Catalog, customers: Sequence[str], now: datetime
) -> None:
    """COUPONS_EACH coupons a customer, of every offer of the catalog that gives coupons, expiring on different days."""
    kinds = list(_coupon_rewards(catalog, now))
    rows = []
    for place, customer in enumerate(customers):
        lane = lane_of(customer)
        for number in range(COUPONS_EACH):
            campaign, version, offer, reward = kinds[(place + number) % len(kinds)]
            rows.append(
                (
                    lane, new_id(lane, now), customer, new_id(lane, now), campaign, version, offer, reward.kind.value,
                    "HELD" if number % 29 == 28 else "AVAILABLE", reward.title.zh, reward.title.en, reward.value,
                    reward.min_spend, list(reward.merchant_groups), now - timedelta(days=number % 20),
                    day_end(now, plus_days=1 + number % 45), now,
                )
            )  # fmt: skip
    columns = (
        "lane", "id", "customer", "offer_grant", "campaign", "version", "offer", "kind", "status", "title_zh",
        "title_en", "value", "min_spend", "merchant_groups", "valid_from", "expires_at", "changed_at",
    )  # fmt: skip
    await connection.copy_records_to_table("coupon", records=rows, columns=columns)


def _coupon_rewards(catalog: Catalog, now: datetime) -> Iterator[tuple[str, int, str, CouponReward]]:
    for campaign in catalog.campaigns(now):
        for offer in campaign.offers:
            for reward in _within(offer):
                yield campaign.code, campaign.version, offer.code, reward


def _within(thing: Any) -> Iterator[CouponReward]:
    """The coupons of an offer, those of packs and choices too."""
    if isinstance(thing, CouponReward):
        yield thing
    elif isinstance(thing, tuple):
        for each in thing:
            yield from _within(each)
    elif is_dataclass(thing):
        for field in fields(thing):
            yield from _within(getattr(thing, field.name))


# --- the bound's copy

Ask = Callable[[str, str | None, dict[str, Any]], Awaitable[dict[str, Any]]]
"""Asks the running hall: a document's text, the customer signed in (None: signed out), variables -> data."""

OFFER = """
query OfferForTheBound($code: String!) {
  offer(code: $code) {
    code title subtitle kind state opensAt closesAt nextChangeAt
    window { opensAt closesAt }
    quota { total }
    action { kind label link }
    campaign { code title }
  }
}
"""


async def copy_for_bound(
    connection: asyncpg.Connection, catalog: Catalog, customers: Sequence[str], home: str, ask: Ask
) -> None:
    """Fill the bound's tables from what the hall itself answers. home: the home page's document."""
    now = datetime.now(UTC)
    campaigns = {offer.code: campaign.code for campaign in catalog.campaigns(now) for offer in campaign.offers}
    offers = [_offer_row((await ask(OFFER, None, {"code": code}))["offer"]) for code in campaigns]
    sections: dict[str, str] = {}
    halls, feed, missions = [], [], []
    for customer in customers:
        page = await ask(home, customer, {})
        halls.append((customer, _moment(page["hall"]["nextChangeAt"])))
        shown = [(section, offer) for section in page["hall"]["sections"] for offer in section["offers"]]
        sections |= {section["code"]: section["title"] for section, _ in shown}
        codes = {offer["id"]: offer["code"] for _, offer in shown}
        feed += [
            (customer, place, section["code"], campaigns[offer["code"]], offer["code"],
             offer["eligibility"]["eligible"], _json(offer["eligibility"]["because"]),
             _json(offer["eligibility"]["reasons"]))
            for place, (section, offer) in enumerate(shown, 1)
        ]  # fmt: skip
        missions += [
            (customer, place, campaigns[code], code, mission["done"], mission["needed"], _moment(mission["deadline"]))
            for place, mission in enumerate(page["viewer"]["missions"], 1)
            for code in (codes[mission["offer"]["id"]],)
        ]
    groups = {group: None for campaign in catalog.campaigns(now) for group in _groups(campaign)}
    partners = [
        (group, merchant.merchant, merchant.name, merchant.city)
        for group in groups
        for merchant in catalog.merchants_of((group,))
    ]
    tables = {
        "offer": offers, "section": list(sections.items()), "partner": partners, "hall": halls, "feed": feed,
        "mission": missions,
    }  # fmt: skip
    for table, records in tables.items():
        await connection.copy_records_to_table(table, schema_name="bench", records=records)
    await connection.execute("vacuum analyze")


def _offer_row(found: dict[str, Any]) -> tuple[Any, ...]:
    campaign, window, action = found["campaign"], found["window"] or {}, found["action"]
    account = quota(campaign["code"], found["code"])
    return (
        campaign["code"], found["code"], found["title"], found["subtitle"], found["kind"], found["state"],
        _moment(found["opensAt"]), _moment(found["closesAt"]),
        _moment(window.get("opensAt")), _moment(window.get("closesAt")), _moment(found["nextChangeAt"]),
        account.lane, account.key, found["quota"] and found["quota"]["total"],
        action["kind"], action["label"], action["link"], campaign["title"],
    )  # fmt: skip


def _groups(campaign: Campaign) -> list[str]:
    return [group for offer in campaign.offers for reward in _within(offer) for group in reward.merchant_groups]


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


OWN_WORDS = frozenset({"id", "cursor", "endCursor", "serverTime", "asOf"})
"""What each side says in its own way, or at its own moment."""


def comparable(answer: Any) -> Any:
    """An answer without `OWN_WORDS`, the order of merchants and the spelling of moments."""
    match answer:
        case dict():
            return {
                key: _sorted(comparable(value)) if key == "merchants" else comparable(value)
                for key, value in answer.items()
                if key not in OWN_WORDS
            }
        case list():
            return [comparable(each) for each in answer]
        case str() if _MOMENT.fullmatch(answer):
            return datetime.fromisoformat(answer).timestamp()
        case _:
            return answer


def _sorted(merchants: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(merchants, key=lambda merchant: str(merchant["name"]))


_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*")
