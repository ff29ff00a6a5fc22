"""Rows put straight into the tables, for tests of what is read. Each builder makes the case that succeeds."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import orjson

from domain.kernel.ids import lane_of, new_id
from domain.kernel.words import Words
from domain.wallet.facts import ChoiceOption

NOW = datetime(2026, 10, 15, 4, 0, tzinfo=UTC)
"""Noon in Shanghai, a Thursday."""


async def add_customer(
    conn: asyncpg.Connection,
    customer: str,
    *,
    masked_name: str = "张**",
    masked_phone: str = "138****1234",
    personalisation: bool = True,
) -> None:
    await conn.execute(
        "insert into customer (lane, customer, masked_name, masked_phone, personalisation, as_of)"
        " values ($1,$2,$3,$4,$5,$6)",
        lane_of(customer), customer, masked_name, masked_phone, personalisation, NOW,
    )  # fmt: skip


async def add_coupon(
    conn: asyncpg.Connection,
    customer: str,
    *,
    id: UUID | None = None,
    campaign: str = "smart-life",
    version: int = 1,
    offer: str = "everyday-20-5",
    kind: str = "THRESHOLD",
    status: str = "AVAILABLE",
    title: Words = Words("满20减5", "5 off 20"),
    value: int = 500,
    min_spend: int = 2_000,
    groups: Sequence[str] = ("everyday",),
    valid_from: datetime = NOW - timedelta(days=1),
    expires_at: datetime = NOW + timedelta(days=30),
) -> UUID:
    lane = lane_of(customer)
    id = id or new_id(lane, NOW)
    await conn.execute(
        "insert into coupon (lane, id, customer, offer_grant, campaign, version, offer, kind, status, title_zh,"
        " title_en,"
        " value, min_spend, merchant_groups, valid_from, expires_at, changed_at)"
        " values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17)",
        lane, id, customer, new_id(lane, NOW), campaign, version, offer, kind, status, title.zh, title.en,
        value, min_spend, list(groups), valid_from, expires_at, NOW,
    )  # fmt: skip
    return id


async def add_choice(
    conn: asyncpg.Connection,
    customer: str,
    *,
    campaign: str = "smart-life",
    version: int = 1,
    offer: str = "first-spend",
    status: str = "OPEN",
    options: Sequence[ChoiceOption] = (
        ChoiceOption("coupon", Words("100元商场券", "Mall coupon, 100 yuan")),
        ChoiceOption("cup", Words("保温杯", "Thermos cup")),
    ),
    chosen: str | None = None,
    choose_by: datetime = NOW + timedelta(days=30),
    changed_at: datetime = NOW,
) -> UUID:
    lane = lane_of(customer)
    id = new_id(lane, changed_at)
    await conn.execute(
        "insert into choice (lane, id, customer, offer_grant, campaign, version, offer, hold, status, options, chosen,"
        " choose_by, changed_at) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)",
        lane, id, customer, new_id(lane, NOW), campaign, version, offer, new_id(lane, NOW), status,
        _options(options), chosen, choose_by, changed_at,
    )  # fmt: skip
    return id


def _options(options: Sequence[ChoiceOption]) -> str:
    return orjson.dumps([{"code": o.code, "zh": o.title.zh, "en": o.title.en} for o in options]).decode()


async def add_delivery(
    conn: asyncpg.Connection,
    customer: str,
    *,
    campaign: str = "platinum",
    offer: str = "suitcase",
    kind: str = "PARCEL",
    title: Words = Words("品牌行李箱", "Suitcase"),
    status: str = "NEEDS_ADDRESS",
    tracking_number: str | None = None,
    at: datetime = NOW,
) -> UUID:
    lane = lane_of(customer)
    id = new_id(lane, at)
    await conn.execute(
        "insert into delivery (lane, id, customer, offer_grant, campaign, offer, kind, title_zh, title_en, status,"
        " tracking_number, at, changed_at) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$12)",
        lane, id, customer, new_id(lane, NOW), campaign, offer, kind, title.zh, title.en, status, tracking_number, at,
    )  # fmt: skip
    return id


async def add_application(conn: asyncpg.Connection, customer: str, *, at: datetime = NOW) -> UUID:
    lane = lane_of(customer)
    id = new_id(lane, at)
    await conn.execute(
        "insert into application (lane, id, customer, campaign, version, offer, status, at, changed_at)"
        " values ($1, $2, $3, 'platinum', 1, 'overseas-hotel', 'SUBMITTED', $4, $4)",
        lane, id, customer, at,
    )  # fmt: skip
    return id


async def add_sign_up(conn: asyncpg.Connection, customer: str, *, status: str = "WAITING", at: datetime = NOW) -> UUID:
    lane = lane_of(customer)
    id = new_id(lane, at)
    await conn.execute(
        "insert into sign_up (lane, id, customer, campaign, version, offer, status, at, offer_grant, changed_at)"
        " values ($1, $2, $3, 'platinum', 1, 'club-wine', $4, $5, $6, $5)",
        lane, id, customer, status, at, new_id(lane, at) if status == "CONFIRMED" else None,
    )  # fmt: skip
    return id


async def add_shared_account(conn: asyncpg.Connection, lane: int, key: str, balance: int, held: int = 0) -> None:
    await conn.execute(
        "insert into shared_account (lane, key, balance, held) values ($1, $2, $3, $4)", lane, key, balance, held
    )


async def add_merchant(
    conn: asyncpg.Connection,
    merchant: str,
    *,
    name: str = "星河便利",
    groups: Sequence[str] = ("everyday",),
    city: str | None = "上海",
    status: str = "ACTIVE",
) -> None:
    await conn.execute(
        "insert into merchant (merchant, name, groups, mcc, city, status, as_of) values ($1,$2,$3,'5411',$4,$5,$6)",
        merchant, name, list(groups), city, status, NOW,
    )  # fmt: skip
