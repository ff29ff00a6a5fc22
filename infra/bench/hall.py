"""The personal home page of 40 offers: what deciding it costs, and what the rest of the answer costs beside it.

Deciding is what `api/offers/reader.py` does between its reads and its answer, by the same functions: every offer's
state, eligibility, reasons and progress, the order, the next change. It is pure, so it is measured by itself, a
customer at a time. The whole is the home page's document at the hall's own application, in this process, without HTTP.
What lies between the two is the executor's, the statements' and the door's.
"""

import asyncio
import gc
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from domain.identity.viewer import ViewerFacts
from domain.kernel.time import SHANGHAI
from domain.ledger.accounts import Account
from domain.offers.allowances import allowances_of, used_up
from domain.offers.catalog import Catalog
from domain.offers.hall import next_change, on_show, personal_page, seen_by
from domain.offers.ports import OfferKey
from infra.bench.frame import Cell, Gate, Meter, Result, Sample, Servers, for_seconds, interleave, new_database
from infra.bench.pages import HallPages
from infra.bench.readers import fill_merchants, fill_told
from infra.campaigns.publish import load_catalog, publish
from infra.db.commit import GroupCommit
from infra.db.pool import open_pool
from infra.db.stores.offers import OfferStore
from infra.db.stores.viewer import ViewerStore
from infra.demo.story import story
from infra.demo.teller import MONTH, Event
from infra.home import open_home
from infra.settings import Mode, Settings
from infra.wiring import make_app, publish_shipped_plans

OFFERS = 40
GATE_US = 1_000

DECIDED, USED_UP, WHOLE = "decided", "decided, every limit used up", "home page in process, all of it"


async def run(
    servers: Servers, *, rounds: int, seconds: float, quick: bool, say: Callable[[str], None]
) -> list[Result]:
    """The demo's people, all of them; `quick` takes every fifth."""
    home = open_home(servers.home / "hall")
    dsn = await new_database(servers, "bench_hall")
    # How often one may ask is not what is measured here.
    settings = Settings(
        mode=Mode.SANDBOX, home=home.path, database_url=dsn, redis_url=servers.valkey.url, log_level="WARNING",
        customer_rate=10**9, address_rate=10**9,
    )  # fmt: skip
    now = datetime.now(UTC)
    told = _people(now)
    customers = list(told)[:: 5 if quick else 1]
    events = sorted(len(told[customer]) for customer in customers)
    say(f"{len(customers)} people of the demo, {events[len(events) // 2]} events each")
    await _publish(settings, now)
    facts = await _fill(dsn, {customer: told[customer] for customer in customers}, now)

    app = await make_app(settings)
    lifespan = _Lifespan(app)
    await lifespan.begin()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)  # as a serving process does
    try:
        page = await _HomePage.open(app, customers)
        await page.check(facts.offers)
        cells: dict[str, Cell] = {
            DECIDED: _decided(facts, now, seconds, spent=False),
            USED_UP: _decided(facts, now, seconds, spent=True),
            WHOLE: _whole(page, servers, seconds),
        }
        for warm in cells.values():
            await warm()
        found = await interleave(cells, rounds, say=say)
    finally:
        await lifespan.end()
    decided, spent = found[DECIDED].extra["best_us"], found[USED_UP].extra["best_us"]
    rest = found[WHOLE].own_us - found[DECIDED].own_us
    return [
        Result(
            name="hall",
            title=f"the personal hall of {OFFERS} offers",
            unit="halls",
            bound=WHOLE,
            cells=found,
            gates=[
                Gate(f"CPU us to decide {OFFERS} offers, for the median person", decided, GATE_US, at_least=False),
                Gate("the same when every limit is used up", spent, GATE_US, at_least=False),
            ],
            notes=[
                "best: of each person the cheapest time, as others on the machine make the same work dearer",
                f"the executor, the door and the reads: {rest:,.0f} us of our CPU beside it",
            ],
        )
    ]


# --- deciding


@dataclass(frozen=True, slots=True)
class _Facts:
    """All that was read for a page, of each customer."""

    catalog: Catalog
    viewers: Sequence[ViewerFacts]
    left: Mapping[OfferKey, int | None]

    @property
    def offers(self) -> int:
        return len(on_show(self.catalog, datetime.now(UTC)))


def _decide(facts: _Facts, viewer: ViewerFacts, now: datetime, *, spent: bool) -> Any:
    catalog = facts.catalog
    offers = on_show(catalog, now)
    allowances = {of.key: found for of in offers if (found := allowances_of(of, viewer.customer, viewer.story, now))}
    empty: set[Account] = {each.account for found in allowances.values() for each in found} if spent else set()
    gone = {key: used_up(found, empty, now) for key, found in allowances.items()} if empty else {}
    shown = seen_by(viewer.story, offers, catalog, now, facts.left, gone)
    return personal_page(catalog, shown, viewer.story, now), next_change(
        catalog, shown, viewer.story, now, personalised=True
    )


def _decided(facts: _Facts, now: datetime, seconds: float, *, spent: bool) -> Cell:
    async def cell() -> Sample:
        taken: dict[str, list[int]] = {viewer.customer: [] for viewer in facts.viewers}
        going = for_seconds(seconds)
        while True:
            for viewer in facts.viewers:
                began = time.thread_time_ns()
                _decide(facts, viewer, now, spent=spent)
                taken[viewer.customer].append(time.thread_time_ns() - began)
            if not going():
                break
        best = statistics.median(min(each) for each in taken.values()) / 1_000
        whole = statistics.median(each for times in taken.values() for each in times) / 1_000
        return Sample(1e6 / whole, whole, 0.0, {"best_us": best})

    return cell


# --- the whole page


class _Lifespan:
    """What a server does around an application: open it, and close it in the end."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._close = asyncio.Event()
        self._open = asyncio.Event()

    async def begin(self) -> None:
        self._task = asyncio.create_task(self._app({"type": "lifespan"}, self._receive, self._send))
        await self._open.wait()

    async def end(self) -> None:
        self._close.set()
        await self._task

    async def _receive(self) -> dict[str, Any]:
        if self._open.is_set():
            await self._close.wait()
            return {"type": "lifespan.shutdown"}
        return {"type": "lifespan.startup"}

    async def _send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "lifespan.startup.complete":
            self._open.set()


@dataclass(frozen=True, slots=True)
class _HomePage:
    """The home page's document, asked by each customer in turn."""

    app: Any
    pages: HallPages

    @classmethod
    async def open(cls, app: Any, customers: Sequence[str]) -> "_HomePage":
        tokens = {}
        for customer in customers:
            body = orjson.dumps({"customer": customer})
            answer = await _post(app, "/sandbox/session", {"Content-Type": "application/json"}, body)
            tokens[customer] = str(answer["accessToken"])
        return cls(app, HallPages("", tokens))

    async def ask(self, customer: str) -> dict[str, Any]:
        return await _post(self.app, "/graphql", self.pages.headers(customer), self.pages.body("home"))

    async def check(self, offers: int) -> None:
        """Raises RuntimeError when the page is not the one that is decided beside it."""
        for customer in self.pages.tokens:
            hall = (await self.ask(customer))["data"]["hall"]
            shown = sum(len(section["offers"]) for section in hall["sections"])
            if not hall["personalised"] or not shown == offers == OFFERS:
                raise RuntimeError(f"the hall of {customer} shows {shown} offers of {offers}")


async def _post(app: Any, path: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2),
    }  # fmt: skip
    sent: list[Mapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    found: dict[str, Any] = orjson.loads(b"".join(message.get("body", b"") for message in sent))
    if sent[0]["status"] != 200 or "errors" in found:
        raise RuntimeError(f"{path} answers {sent[0]['status']}: {found}")
    return found


def _whole(page: _HomePage, servers: Servers, seconds: float) -> Cell:
    async def cell() -> Sample:
        meter, asked = Meter(servers.pg_pid), 0
        going = for_seconds(seconds)
        meter.start()
        while going() or not asked:
            for customer in page.pages.tokens:
                await page.ask(customer)
                asked += 1
        return meter.stop(asked)

    return cell


# --- people and plans


def _people(now: datetime) -> dict[str, list[Event]]:
    """The demo's people with a month of events up to now."""
    found: dict[str, list[Event]] = defaultdict(list)
    for event in story((now.astimezone(SHANGHAI) - MONTH).date()):
        if event.at <= now and "customer" in event.data:
            found[event.data["customer"]].append(event)
    return {customer: events for customer, events in found.items() if any(e.type == "card.approved" for e in events)}


async def _publish(settings: Settings, now: datetime) -> None:
    """Both shipped plans, and a third one with as many offers as lack."""
    await publish_shipped_plans(settings)
    dsn = settings.database_url or ""
    pool = await open_pool(dsn, application="bench publish", min_size=1, max_size=2)
    try:
        async with pool.acquire() as connection:
            there = len(on_show(await load_catalog(connection), now))
        async with GroupCommit(dsn, application="bench publish ledger") as ledger:
            await publish(
                pool, ledger, third_plan(OFFERS - there), file="third.yaml",
                starts_on=(now.astimezone(SHANGHAI) - MONTH).date(), author="bench", reason="bench", now=now,
            )  # fmt: skip
    finally:
        await pool.close()


_CONDITIONS: Sequence[tuple[str, str]] = (
    ("claim", "[{segment: [family]}, {not: {reached: {offers: [first-spend]}}}]"),
    ("{story: purchase}", "[{merchantGroup: [pumps]}, {purchases: {count: 4, each: [{spend: {atLeast: 50 yuan}}]}}]"),
    ("claim", "[{bound: [WECHAT]}, {trackRecord: {phase: active, purchasesAtLeast: 5}}]"),
    ("{story: purchase}", "[{newCustomer: true}, {firstPurchase: {since: approval, within: 10d, atLeast: 80 yuan}}]"),
    ("claim", "[{any: [{birthdayMonth: true}, {dormant: {months: 6 months, at: now}}]}]"),
    ("{story: purchase}", "[{totalSpend: {atLeast: 2_000 yuan}}, {channel: [ONLINE]}]"),
)


def third_plan(offers: int) -> str:
    """A campaign file with this many offers of six kinds, coupons all of them."""
    head = """
code: third
title: {zh: 第三个活动, en: A third campaign}
phases: {warmUp: 10d, active: 90d, closing: 7d}
audience: {products: [CLASSIC, GOLD, PLATINUM]}
budget: {total: 10_000_000 yuan, lines: {all: 10_000_000 yuan}}
merchantGroups: {pumps: {zh: 加油站, en: petrol stations}}
sections: [{code: third, title: {zh: 更多, en: More}}]
offers:"""
    text = []
    for number in range(offers):
        trigger, conditions = _CONDITIONS[number % len(_CONDITIONS)]
        text.append(f"""
  - code: third-{number}
    section: third
    title: {{zh: 好礼{number}, en: Gift {number}}}
    trigger: {trigger}
    if: {conditions}
    limits: [{{per: customer, period: {("campaign", "month", "week")[number % 3]}, max: 1}}]
    quota: 1_000
    rewards:
      - coupon: {{code: third-{number}, kind: CASH, title: {{zh: 5元券, en: 5 yuan}}, value: 5 yuan, valid: 30d}}
    line: all
    affinity: {{family: {number + 1}}}""")
    return head + "".join(text)


async def _fill(dsn: str, told: Mapping[str, Sequence[Event]], now: datetime) -> _Facts:
    pool = await open_pool(dsn, application="bench fill", min_size=1, max_size=2)
    try:
        async with pool.acquire() as connection:
            await fill_merchants(connection)
            catalog = await load_catalog(connection)
            await fill_told(connection, catalog, told, now)
            await connection.execute("vacuum analyze")
        viewers = ViewerStore(pool, _unseen)
        quotas = {account: of.key for of in on_show(catalog, now) if (account := catalog.stock(of).quota) is not None}
        free = await OfferStore(pool, _unseen).remaining(quotas)
        left = {quotas[account]: n for account, n in free.items()}
        return _Facts(catalog, [await viewers.viewer(customer) for customer in told], left)
    finally:
        await pool.close()


def _unseen(_: int) -> None:
    """Nobody here waits for a newer catalog."""
