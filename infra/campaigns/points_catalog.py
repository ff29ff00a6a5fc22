"""The catalogue of what points buy: its file, and how it becomes rows and stock.

Published like a campaign, one at a time: first a unit posts what the file's stocks hold more than before (or takes back
what they hold less, as far as it is still there), remembering the totals in its answer; then the rows are written. A
process that dies between is repaired by the next one.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from domain.campaigns.model import Limit
from domain.campaigns.terms import DeliveryKind, Per
from domain.kernel.errors import Broken
from domain.kernel.ids import lane_of, new_id
from domain.kernel.prints import fingerprint
from domain.ledger.moves import Move, post
from domain.ledger.unit import Committed, Ledger, Repeated, Request, Short, Unit
from domain.points.facts import CATALOGUE, Item, issued, stock
from infra.campaigns.conditions import PERIODS, record
from infra.campaigns.loader import HERE
from infra.campaigns.publish import ISSUED, LOCK, PublishRefused
from infra.campaigns.rewards import SKU, WORDS
from infra.campaigns.shapes import CODE, Choice, Field, Got, ListOf, Record, Unread, Whole, YesNo, Yuan
from infra.campaigns.tree import Reading, read_tree
from infra.db.statements import named

FILE = "catalog.yaml"
_NO_DAY = date(2000, 1, 1)
_LOCK = 0x48414C4C02  # any number that nothing else of the hall locks

UNLIST = named("catalog_item.unlist", "update catalog_item set listed = false where listed and code <> all($1::text[])")
WRITE = named(
    "catalog_item.write",
    """
    insert into catalog_item (
        code, position, title_zh, title_en, description_zh, description_en, cost, delivery, value, sku, stock,
        limit_per, limit_period, limit_max, paused, listed
    ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, true)
    on conflict (code) do update set position = excluded.position, title_zh = excluded.title_zh,
        title_en = excluded.title_en, description_zh = excluded.description_zh,
        description_en = excluded.description_en, cost = excluded.cost, delivery = excluded.delivery,
        value = excluded.value, sku = excluded.sku, stock = excluded.stock, limit_per = excluded.limit_per,
        limit_period = excluded.limit_period, limit_max = excluded.limit_max, paused = excluded.paused, listed = true
    """,
)

_LIMIT: Record[Limit] = record(
    "itemLimit",
    {
        "per": Field(
            Choice(Per, {"person": Per.PERSON, "customer": Per.CUSTOMER}), "Whose allowance it is.", required=True
        ),
        "period": Field(PERIODS, "How long it lasts.", required=True),
        "max": Field(Whole(1, 1_000_000), "At most so many pieces.", required=True),
    },
    lambda got: Limit(got["per"], got["period"], got["max"]),
    "{per: person, period: month, max: 1}",
)


def _read_item(got: Got) -> Item:
    return Item(
        code=got["code"],
        position=0,
        title=got["title"],
        description=got["description"],
        cost=got["cost"],
        delivery=got["delivery"],
        value=got["value"],
        sku=got["sku"],
        stock=got["stock"],
        limit=got["limit"],
        paused=got["paused"],
    )


_ITEM: Record[Item] = record(
    "item",
    {
        "code": Field(CODE, "Its code; never used for anything else.", required=True),
        "title": Field(WORDS, "What the hall calls it.", required=True),
        "description": Field(WORDS, "What it is.", required=True),
        "cost": Field(Whole(1, 1_000_000_000), "Points a piece.", required=True),
        "delivery": Field(Choice(DeliveryKind), "How a piece reaches the customer.", required=True),
        "value": Field(Yuan(), "What a piece is worth.", required=True),
        "sku": Field(SKU, "The provider's article."),
        "stock": Field(Whole(0, 100_000_000), "How many there are in all; no bound unless said."),
        "limit": Field(_LIMIT, "How many, for whom, in how long."),
        "paused": Field(YesNo(), "Shown, but cannot be redeemed for the time being.", default=False),
    },
    _read_item,
)

CATALOG_FILE: Record[tuple[Item, ...]] = record(
    "pointsCatalog",
    {"items": Field(ListOf(_ITEM), "What there is, in the order in which it is shown.", required=True)},
    lambda got: _in_order(got["items"]),
)


def _in_order(items: Sequence[Item]) -> tuple[Item, ...]:
    codes = [item.code for item in items]
    if twice := {code for code in codes if codes.count(code) > 1}:
        raise ValueError(f"the item {min(twice)} stands twice")
    return tuple(replace(item, position=number) for number, item in enumerate(items))


def load_items(text: str, *, file: str) -> tuple[Item, ...]:
    """The catalogue in `text`. Raises CampaignUnreadable with everything that is wrong with it."""
    reading = Reading(file, _NO_DAY)
    root = read_tree(text, reading)
    items: tuple[Item, ...] = ()
    if root is not None:
        with suppress(Unread):
            items = CATALOG_FILE.read(root, reading)
    reading.finish()
    return items


@cache
def shipped_items() -> tuple[Item, ...]:
    return load_items((HERE / FILE).read_text(encoding="utf-8"), file=FILE)


async def publish_items(pool: Any, ledger: Ledger, items: Sequence[Item], *, now: datetime) -> None:
    """Make these the catalogue. Again, it changes nothing.

    Raises:
        PublishRefused: a stock would become less than what has been redeemed of it.
        Busy, DatabaseUnreachable: as of the ledger; a repetition goes on where it stopped.
    """
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute(LOCK, _LOCK)
        await _issue(conn, ledger, items, now)
        await conn.execute(UNLIST, [item.code for item in items])
        await conn.executemany(WRITE, [_row(item) for item in items])


async def _issue(conn: Any, ledger: Ledger, items: Sequence[Item], now: datetime) -> None:
    lane, owner = lane_of(CATALOGUE), f"publish|{CATALOGUE}"
    answers = [json.loads(row["answer"]) for row in await conn.fetch(ISSUED, lane, owner)]
    last: dict[str, Any] = max(answers, key=lambda found: found["n"], default={"n": 0, "totals": {}})
    held: Mapping[str, int] = last["totals"]
    wanted = {item.code: item.stock for item in items if item.stock is not None}
    moves = [move for code, total in wanted.items() if (move := _move(code, total - held.get(code, 0)))]
    if not moves:
        return
    number = last["n"] + 1
    answer = json.dumps({"n": number, "totals": {**held, **wanted}}, separators=(",", ":"))
    unit = Unit(
        id=new_id(lane, now),
        lane=lane,
        at=now,
        request=Request(owner, uuid5(NAMESPACE_URL, f"{owner}:{number}"), fingerprint(answer)),
        moves=moves,
        answer=answer,
    )
    match await ledger.commit(unit):
        case Committed() | Repeated():
            return
        case Short(account):
            code = account.key.rsplit("|", 1)[1]
            raise PublishRefused(f"The stock of {code} cannot be {wanted[code]:_}: more has been redeemed.")
        case other:
            raise Broken(f"publishing the points catalogue met {other}")


def _move(code: str, more: int) -> Move | None:
    if more > 0:
        return post(more, issued(code), stock(code), "ISSUED")
    return post(-more, stock(code), issued(code), "WITHDRAWN") if more < 0 else None


def _row(item: Item) -> tuple[object, ...]:
    limit = item.limit
    return (
        item.code, item.position, item.title.zh, item.title.en, item.description.zh, item.description.en, item.cost,
        item.delivery.value, item.value, item.sku, item.stock,
        None if limit is None else limit.per.value, None if limit is None else limit.period.value,
        None if limit is None else limit.max, item.paused,
    )  # fmt: skip
