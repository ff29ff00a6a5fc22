"""Each conservation law: kept by the ledger, also while it works, and noticed when a hand breaks it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from domain.kernel.ids import lane_of, new_id
from domain.ledger import keys
from domain.ledger.moves import hold, post, reverse
from domain.ledger.unit import Change, Committed, EndHold, NewHold, Unit
from infra.db.commit import GroupCommit
from infra.db.reconcile import reconcile
from tests.builders.ledger import (
    AT,
    BUDGET,
    GRANTED,
    LINE,
    OFFER,
    QUOTA,
    SPENT,
    claim,
    coupon_of,
    grant_row,
    publish,
    unit,
)


@pytest.fixture
async def db(pg_dsn: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(pg_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def ledger(pg_dsn: str) -> AsyncIterator[GroupCommit]:
    async with GroupCommit(pg_dsn) as ledger:
        yield ledger


def costly(customer: str, cost: int = 5_000) -> Unit:
    """A claim that is booked on the budget line."""
    claimed = claim(customer)
    claimed.moves = [*claimed.moves, post(cost, BUDGET, SPENT, "BUDGET")]
    claimed.rows["offer_grant"][0].update(cost=cost, line=LINE)
    return claimed


def chosen_later(customer: str, cost: int = 5_000) -> tuple[Unit, NewHold]:
    """A pending grant: its place and its cost are held."""
    lane, grant = lane_of(customer), new_id(lane_of(customer), AT)
    moves = [hold(1, QUOTA, GRANTED, "QUOTA"), hold(cost, BUDGET, SPENT, "BUDGET")]
    lapse = [Change("offer_grant", grant, "PENDING", "LAPSED")]
    new = NewHold(new_id(lane, AT), AT + timedelta(days=30), moves, lapse)
    row = grant_row(customer, grant, status="PENDING", cost=cost, line=LINE)
    return unit(lane, rows={"offer_grant": [row]}, new_holds=[new]), new


def at_the_till(claimed: Unit) -> tuple[Unit, NewHold]:
    """A quote that holds the coupon, and a place of the quota for an offer that grants nothing yet."""
    coupon = coupon_of(claimed)
    moves = [hold(1, keys.coupon(coupon), keys.redeemed(OFFER), "COUPON"), hold(1, QUOTA, GRANTED, "QUOTA")]
    back = [Change("coupon", coupon, "HELD", "AVAILABLE")]
    new = NewHold(new_id(claimed.lane, AT), AT + timedelta(seconds=120), moves, back)
    return unit(claimed.lane, new_holds=[new], changes=[Change("coupon", coupon, "AVAILABLE", "HELD")]), new


@pytest.fixture
async def lived_in(ledger: GroupCommit, db: Any) -> None:
    """A hall in which one of everything has happened."""
    claims = [costly(f"C{n}") for n in range(6)]
    claims[1].rows["coupon"][0]["kind"] = "TOP_UP"  # used without a till, and so without a redemption
    pending, _ = chosen_later("C7")
    lapsed, lapsed_hold = chosen_later("C8")
    quoted, _ = at_the_till(claims[0])
    used, used_hold = at_the_till(claims[1])
    coupons = [coupon_of(claimed) for claimed in claims]
    units = [
        publish(100, 10**6),
        *claims,
        pending,
        lapsed,
        unit(lapsed.lane, end_holds=[EndHold(lapsed_hold.id, capture=False)]),
        quoted,
        used,
        unit(
            used.lane,
            end_holds=[EndHold(used_hold.id, capture=True, amounts=(1, 0))],
            changes=[Change("coupon", coupons[1], "HELD", "USED")],
        ),
        unit(
            claims[2].lane,
            moves=[post(1, keys.coupon(coupons[2]), keys.expired(OFFER), "EXPIRE")],
            changes=[Change("coupon", coupons[2], "AVAILABLE", "EXPIRED")],
        ),
        unit(
            claims[3].lane,
            moves=[
                post(1, keys.coupon(coupons[3]), keys.voided(OFFER), "VOID"),
                reverse(1, GRANTED, QUOTA, "QUOTA"),
                reverse(5_000, SPENT, BUDGET, "BUDGET"),
            ],
            changes=[
                Change("coupon", coupons[3], "AVAILABLE", "VOIDED"),
                Change("offer_grant", claims[3].rows["offer_grant"][0]["id"], "GIVEN", "REVOKED"),
            ],
        ),
    ]
    for one in units:
        result = await ledger.commit(one)
        assert isinstance(result, Committed), result
    for n, table in enumerate(("inbox", "story_event", "general_event")):
        await db.execute(
            "insert into event (lane, source, id, print, day, received_at) values (0, 's', $1, 1, '2026-10-02', $2)",
            f"e{n}",
            AT,
        )
        if table == "inbox":
            columns, values = "type, at, data, due_at, received_at", "'t', $2, '{}', $2, $2"
        else:
            owner = "customer" if table == "story_event" else "subject"
            columns, values = f"{owner}, type, at, data, applied_at", "'C1', 't', $2, '{}', $2"
        await db.execute(
            f"insert into {table} (lane, source, id, {columns}) values (0, 's', $1, {values})", f"e{n}", AT
        )


async def broken(db: Any) -> set[int]:
    return {law.number for law in await reconcile(db) if not law.ok}


@pytest.mark.usefixtures("lived_in")
async def test_the_ledger_keeps_every_law(db: Any) -> None:
    found = await reconcile(db)
    laws = {law.name: law for law in found}

    assert {"accounts": 1, "quotas": 2, "budgets": 3, "coupons": 5, "events": 8, "deliveries": 9}.items() <= {
        (law.name, law.number) for law in laws.values()
    }
    assert [law.number for law in found] == list(range(1, 10)), "one line a law"
    assert [law for law in laws.values() if not law.ok] == []
    assert laws["coupons"].detail == "6 coupons, 0 redemptions, 0 fen taken off, 0 taken back"


@pytest.mark.usefixtures("lived_in")
@pytest.mark.parametrize(
    ("law", "hand"),
    [
        (1, "update account set balance = balance + 1 where key ~ '^limit'"),
        (1, "update shared_account set opened = opened + 1 where key ~ '^budget'"),
        (1, "update shared_account set held = held + 1 where key ~ '^budget'"),
        (1, "update journal set units = units + 1 where reason = 'LIMIT'"),
        (1, "update journal set src_after = src_after + 1 where src ~ '^budget'"),
        (1, "delete from journal where reason = 'LIMIT'"),
        (1, "delete from hold"),
        (1, "delete from account where key ~ '^limit'"),
        (1, "alter table account drop constraint account_above_floor; update account set floor = 9"),
        (2, "update offer_grant set status = 'REVOKED' where customer = 'C1'"),
        (2, "update offer_grant set status = 'GIVEN' where status = 'LAPSED'"),
        (2, "delete from offer_grant where status = 'PENDING'"),
        (3, "update offer_grant set cost = cost + 1 where customer = 'C1'"),
        (3, "update offer_grant set line = 'promotion' where customer = 'C1'"),
        (5, "update coupon set status = 'AVAILABLE' where status = 'USED'"),
        (5, "update coupon set status = 'USED' where status = 'EXPIRED'"),
        (5, "update coupon set status = 'AVAILABLE' where status = 'HELD'"),
        (5, "delete from coupon where status = 'AVAILABLE'"),
        (5, "delete from account where key ~ '^coupon'"),
        (8, "delete from inbox"),
        (8, "delete from event where id = 'e1'"),
        (8, "update general_event set id = 'e1'"),
        (8, "insert into event (lane, source, id, print, day, received_at) values (0, 's', 'e9', 1, now(), now())"),
    ],
)
async def test_a_hand_that_breaks_a_law_is_noticed(db: Any, law: int, hand: str) -> None:
    await db.execute(hand)

    assert law in await broken(db)


DELIVERY = """
insert into delivery (lane, id, customer, campaign, offer, kind, title_zh, title_en, status, at, changed_at)
    values (0, $1, 'a', 'c', 'o', 'PARCEL', '箱', 'Case', $2, now(), now())
"""
PROMISE = """
insert into outbox (lane, id, topic, payload, due_at, created_at)
    select 0, gen_random_uuid(), 'deliver', json_build_object('delivery', $1::uuid)::text, now(), now()
    from generate_series(1, $2)
"""


@pytest.mark.parametrize(
    ("status", "promises", "right"),
    [
        ("PROMISED", 1, True),
        ("PROMISED", 0, False),
        ("PROMISED", 2, False),
        ("NEEDS_ADDRESS", 0, True),
        ("NEEDS_ADDRESS", 1, False),
        ("DELIVERED", 0, True),
        ("SHIPPED", 2, False),
    ],
)
async def test_law_9_what_is_to_be_sent_is_promised_once(db: Any, status: str, promises: int, right: bool) -> None:
    id = new_id(lane_of("a"), AT)
    await db.execute(DELIVERY, id, status)
    await db.execute(PROMISE, id, promises)

    assert await broken(db) == (set() if right else {9})


async def test_laws_are_exact_while_commits_go_on(ledger: GroupCommit, db: Any) -> None:
    await ledger.commit(publish(10**6, 10**9))
    done = asyncio.Event()

    async def customer(n: int) -> None:
        turn = 0
        while not done.is_set():
            turn += 1
            await ledger.commit(costly(f"C{n}-{turn}"))

    customers = [asyncio.ensure_future(customer(n)) for n in range(20)]
    found = [await broken(db) for _ in range(15)]
    done.set()
    await asyncio.gather(*customers)

    assert found == [set()] * 15
    assert await broken(db) == set()
