"""The composition root: the one file that knows every class, and which of them plays which port.

`open_hall` gives what every process has; `make_app` and `run_worker` are the two doors of it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any

import asyncpg
import httpx
import structlog
from prometheus_client import Histogram
from starlette.requests import Request
from starlette.routing import BaseRoute

from api.address import client_address
from api.app import HallApp, build_app
from api.context import Context, ContextFactory, Deps
from api.documents import trusted_documents
from api.graphql import GraphQLApp
from api.graphql.head import read_head
from api.graphql.socket import Caller, SubscriptionApp
from api.health import health_routes
from api.lottery.routes import DrawDeps, draw_routes
from api.machine.events import EventDeps, event_routes
from api.machine.lounges import LoungeDeps, lounge_routes
from api.machine.merchants import MerchantDeps, merchant_routes
from api.machine.oauth import OAuthDeps, oauth_routes
from api.machine.operate import OperateDeps, operate_routes
from api.machine.till import TillApp, TillDeps
from api.sandbox.routes import SandboxDeps, sandbox_routes
from api.schema import build_schema
from api.throttle import Throttle
from domain.identity.sessions import Sessions
from domain.intake.fit import unfit
from domain.kernel.rates import Rate
from domain.lounge.book import MOVE_UP as SEAT_FREE
from domain.offers.award import MESSAGE, SECOND_LOOK
from domain.offers.catalog import Catalog
from domain.offers.scheduled import LOOK
from domain.offers.sign_up import MOVE_UP
from domain.offers.story_change import STORY_LOOK
from infra import metrics
from infra.campaigns.live import CampaignChanges
from infra.campaigns.points_catalog import publish_items, shipped_items
from infra.campaigns.publish import Published, Unchanged, load_catalog, publish_shipped
from infra.catalog import CatalogHolder
from infra.clock import BusinessClock, WallClock
from infra.db.commit import CommitWatch, GroupCommit
from infra.db.pool import connect_plain, open_pool
from infra.db.stores.asked import AskedStore
from infra.db.stores.commands import CommandStore
from infra.db.stores.freezes import FreezeStore
from infra.db.stores.fulfilment import DeliveryStore
from infra.db.stores.identity import PostgresSessions, RecentlyEnded, UsedAssertions
from infra.db.stores.inbox import EventInbox, load_print_key, open_data
from infra.db.stores.lottery import DrawRecord, DrawStore, SecretStore
from infra.db.stores.lounge import BookingStore, VisitStore
from infra.db.stores.messages import MessageStore
from infra.db.stores.offers import OfferStore
from infra.db.stores.operate import OperateStore
from infra.db.stores.participation import ParticipationStore, WaitingListStore
from infra.db.stores.points import PointsStore
from infra.db.stores.profiles import ProfileStore
from infra.db.stores.schedules import ScheduleStore
from infra.db.stores.settlement import SettlementStore
from infra.db.stores.standing import StandingStore
from infra.db.stores.stories import StoryStore
from infra.db.stores.till import RecentQuotes, TillStore
from infra.db.stores.viewer import ViewerStore
from infra.db.stores.wallet import WalletStore
from infra.log import bind_trace
from infra.lounges.file import shipped_lounges
from infra.lounges.refresh import refresh_lounges
from infra.lounges.rows import LoungeDirectory, publish_lounges
from infra.redis.names import Names
from infra.redis.rates import ValkeyRates
from infra.redis.reach import Valkey
from infra.redis.signals import ViewerSignals
from infra.security.keys import derive, security_keys
from infra.security.oauth_clients import OAuthClients, read_clients, refuse_sandbox_secrets, sandbox_clients
from infra.security.passes import Passes
from infra.security.presentations import Presentations
from infra.security.sealing import Sealer
from infra.security.tokens import OpaqueRefreshTokens, Tokens
from infra.settings import Settings, clients_of, load_keys
from infra.worker.draws import DrawDays
from infra.worker.general import MARK_TOPIC, GeneralEvents
from infra.worker.housekeeping import Housekeeping
from infra.worker.lounges import LoungeSeats
from infra.worker.messages import Messages
from infra.worker.outbox import Handler, Outbox
from infra.worker.points import PointsSweep
from infra.worker.schedules import Schedules
from infra.worker.second_look import SecondLook
from infra.worker.stories import StoryWorker
from infra.worker.sweeps import release_all
from infra.worker.till import TillRounds
from infra.worker.waiting import WaitingPlaces
from infra.worker.worker import Worker
from integrations.lounge.client import ProvidersLounges

log = structlog.get_logger(__name__)

ISSUER = "life-benefits-hall"


@dataclass(frozen=True, slots=True)
class Hall:
    """What every process of the hall has, opened and connected."""

    settings: Settings
    pool: asyncpg.Pool
    clock: BusinessClock
    catalog: CatalogHolder
    ledger: GroupCommit
    sealer: Sealer
    store: StoryStore
    stories: StoryWorker
    worker: Worker
    outbox: Outbox
    valkey: Valkey
    names: Names
    signals: ViewerSignals


@asynccontextmanager
async def open_hall(settings: Settings, *, application: str) -> AsyncIterator[Hall]:
    """Connect everything; on leaving, finish what is under way and disconnect. Raises DatabaseUnreachable."""
    dsn = settings.database_url or ""
    keys = load_keys(settings)
    security = security_keys(keys.data, keys.token)
    sealer = Sealer(security.data)
    pool = await open_pool(dsn, application=application)
    valkey = Valkey(settings.redis_url, name=application)
    names = Names(derive(keys.data[0], "valkey"))
    connect = partial(connect_plain, dsn, application=f"{application} listener")
    try:
        clock = BusinessClock(pool if settings.sandbox else None)
        await clock.reread()
        signals = ViewerSignals(valkey, names, clock)
        await valkey.is_there()  # told in the log, and no reason to stay away
        catalog = CatalogHolder(pool, connect, load_catalog)
        await catalog.start()
        async with GroupCommit(
            dsn, watch=_Watch(), on_committed=signals.tell, application=f"{application} ledger"
        ) as ledger:
            store = StoryStore(pool)
            general = GeneralEvents(pool)
            till = TillRounds(pool, clock)
            stories = StoryWorker(
                store=store,
                profiles=ProfileStore(pool, sealer),
                ledger=ledger,
                catalog=partial(_newest, pool, catalog, clock),
                clock=clock,
                opened=partial(open_data, sealer=sealer),
                general=general,
                tie=till.tie,
            )
            newest = partial(_newest, pool, catalog, clock)
            schedules = Schedules(ScheduleStore(pool), ledger, newest, clock)
            messages = Messages(MessageStore(pool), clock)
            places = WaitingPlaces(WaitingListStore(pool), ledger, newest, clock)
            again = SecondLook(AskedStore(pool, store), ledger, newest, clock, partial(open_data, sealer=sealer))
            lounges = LoungeSeats(BookingStore(pool), LoungeDirectory(pool, catalog), ledger, clock)
            handlers: dict[str, Handler] = {
                MARK_TOPIC: lambda payload, _: general.mark(payload),
                LOOK: schedules.look_at,
                MESSAGE: messages.take,
                MOVE_UP: places.look,
                SECOND_LOOK: again.look,
                SEAT_FREE: lounges.look,
                STORY_LOOK: stories.look_again,
            }
            outbox = Outbox(pool, handlers)
            worker = Worker(
                pool=pool,
                connect=connect,
                stories=stories,
                store=store,
                outbox=outbox,
                ledger=ledger,
                holds=ledger,
                clock=clock,
                follow_clock=clock.reread,
                schedules=schedules,
                messages=messages,
                draws=DrawDays(SecretStore(pool, sealer), ledger, newest),
                points=PointsSweep(PointsStore(pool), ledger, clock),
                lounges=lounges,
                till=till,
                housekeeping=Housekeeping(pool),
            )
            try:
                yield Hall(
                    settings,
                    pool,
                    clock,
                    catalog,
                    ledger,
                    sealer,
                    store,
                    stories,
                    worker,
                    outbox,
                    valkey,
                    names,
                    signals,
                )
            finally:
                await signals.close()
                await catalog.stop()
    finally:
        await valkey.close()
        await pool.close()


async def _newest(pool: asyncpg.Pool, catalog: CatalogHolder, clock: BusinessClock) -> Catalog:
    """The catalog as of now, for judging: a worker must not judge by one that a commit has replaced already.

    A sandbox's clock is read with it: whoever set it expects what is judged from then on to follow.
    """
    await clock.reread()
    catalog.seen(await pool.fetchval("select version from catalog_stamp"))
    return await catalog.latest()


# --- the web process


async def make_app(settings: Settings) -> HallApp:
    """The ASGI application; what it needs is opened and closed with its lifespan."""
    hall_opened = open_hall(settings, application="hall serve")
    hall = await hall_opened.__aenter__()
    following = asyncio.create_task(hall.clock.follow(), name="clock-follow")

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        try:
            yield
        finally:
            doors.subscriptions.drain()
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
            await doors.inbox.close()
            await hall_opened.__aexit__(None, None, None)

    doors = await _doors(hall)
    return build_app(
        doors.graphql,
        doors.till,
        doors.routes,
        lifespan=lifespan,
        bind_trace=bind_trace,
        report=_report,
        observe=_observe_http,
        subscriptions=doors.subscriptions,
    )


@dataclass(frozen=True, slots=True)
class _Doors:
    graphql: GraphQLApp
    subscriptions: SubscriptionApp
    till: TillApp
    routes: Sequence[BaseRoute]
    inbox: EventInbox


async def _doors(hall: Hall) -> _Doors:
    settings, pool = hall.settings, hall.pool
    wall = WallClock()
    security = _security(settings)
    ended = RecentlyEnded(pool)
    records = sandbox_clients() if settings.sandbox else read_clients(clients_of(settings))
    if not settings.sandbox:
        refuse_sandbox_secrets(records)
    clients = OAuthClients(records, audiences=_audiences(settings), used=UsedAssertions(pool), wall=wall)
    tokens = Tokens(security, issuer=ISSUER, wall=wall, ended=ended, clients=clients.scopes)
    sessions = Sessions(PostgresSessions(pool, on_end=ended.add), tokens, OpaqueRefreshTokens(security.data), wall)
    viewers = ViewerStore(pool, hall.catalog.seen)
    commands = CommandStore(pool, hall.catalog.seen, viewers, hall.catalog)
    opened = partial(open_data, sealer=hall.sealer)
    participation = ParticipationStore(pool, commands, viewers, hall.catalog, hall.store, opened)
    messages = MessageStore(pool)
    points = PointsStore(pool)
    presentations = Presentations([key.show for key in security.data], wall)
    lounges, bookings = LoungeDirectory(pool, hall.catalog), BookingStore(pool)
    passes = Passes([key.show for key in security.data], wall)
    offers = OfferStore(pool, hall.catalog.seen)
    deps = Deps(
        clock=hall.clock,
        check_customer=tokens.check_customer,
        sessions=sessions,
        catalogs=hall.catalog,
        viewers=viewers,
        personalisation=viewers,
        freezes=FreezeStore(pool),
        wallet=WalletStore(pool, hall.catalog.seen),
        deliveries=DeliveryStore(pool),
        quotas=offers,
        limits=offers,
        claims=commands,
        choices=commands,
        addressed=commands,
        applications=participation,
        sign_ups=participation,
        waiting_lists=WaitingListStore(pool),
        messages=messages,
        consent=messages,
        points=points,
        redemptions=points,
        present_coupon=presentations.make,
        draws=DrawStore(pool, hall.catalog.seen),
        draw_secrets=SecretStore(pool, hall.sealer),
        lounges=lounges,
        bookings=bookings,
        seats=bookings,
        present_pass=passes,
        seal=hall.sealer.seal,
        ledger=hall.ledger,
        trusted_proxies=settings.trusted_proxies,
        signals=hall.signals,
    )
    customer_rate, address_rate = settings.rates
    throttle = Throttle(
        ValkeyRates(hall.valkey, hall.names),
        customer=Rate(customer_rate),
        address=Rate(address_rate),
        tell=lambda scope, outcome: metrics.rates.labels(scope, outcome).inc(),
    )
    graphql = GraphQLApp(
        build_schema(),
        context_for=ContextFactory(deps),
        report=_report,
        observe=_observe_graphql,
        sandbox=settings.sandbox,
        trusted=trusted_documents(),
        throttle=throttle,
    )
    subscriptions = SubscriptionApp(
        graphql.documents,
        graphql.limits,
        context_for=ContextFactory(deps),
        caller=_caller,
        report=_report,
        throttle=throttle,
        watch=_SocketWatch(),
    )

    async def limit_machines(request: Request) -> None:
        await throttle.machine(client_address(read_head(request.scope), settings.trusted_proxies))

    async with pool.acquire() as connection:
        print_key = await load_print_key(connection, hall.sealer)
    inbox = EventInbox(pool, print_key=print_key, sealer=hall.sealer, unfit=unfit)
    till = TillApp(
        TillDeps(
            check=tokens.check_machine,
            read=TillStore(pool, hall.catalog.seen),
            catalogs=hall.catalog,
            ledger=hall.ledger,
            clock=hall.clock,
            recent=RecentQuotes(),
            read_payload=presentations.read,
            bind_trace=bind_trace,
            report=_report,
            observe=_observe_http,
        )
    )
    routes: list[BaseRoute] = [
        *health_routes(partial(_ready, hall), metrics.render, partial(_hints, hall)),
        *oauth_routes(OAuthDeps(clients, tokens.for_machine, limit_machines)),
        *event_routes(EventDeps(inbox, tokens.check_machine)),
        *draw_routes(DrawDeps(DrawRecord(pool), hall.catalog, hall.clock)),
        *operate_routes(
            OperateDeps(
                check=tokens.check_machine,
                applications=participation,
                cases=OperateStore(pool),
                changes=CampaignChanges(pool, hall.ledger, hall.clock),
                audit=OperateStore(pool),
                standings=FreezeStore(pool),
                ledger=hall.ledger,
                clock=hall.clock,
            )
        ),
        *merchant_routes(MerchantDeps(tokens.check_machine, SettlementStore(pool), StandingStore(pool), hall.clock)),
        *lounge_routes(
            LoungeDeps(
                check=tokens.check_machine,
                read=VisitStore(pool, partial(_masked_name, viewers)),
                lounges=lounges,
                ledger=hall.ledger,
                clock=hall.clock,
                read_pass=passes.read,
            )
        ),
    ]
    if settings.sandbox:

        async def end_overdue() -> None:
            await release_all(hall.ledger, hall.clock.now())

        routes += sandbox_routes(SandboxDeps(hall.clock, sessions.issue, end_overdue, hall.worker.settle))
    return _Doors(graphql, subscriptions, till, routes, inbox)


def _security(settings: Settings) -> Any:
    keys = load_keys(settings)
    return security_keys(keys.data, keys.token)


def _audiences(settings: Settings) -> frozenset[str]:
    return frozenset({ISSUER, f"{settings.base_url}/oauth2/token", settings.base_url})


async def _masked_name(viewers: ViewerStore, customer: str) -> str:
    return (await viewers.viewer(customer)).masked_name


async def _ready(hall: Hall) -> dict[str, bool]:
    await hall.pool.fetchval("select 1")
    return {"database": True, "catalog": hall.catalog.is_read}


async def _hints(hall: Hall) -> dict[str, bool]:
    return {"valkey": await hall.valkey.is_there()}


def _caller(context: Context) -> Caller:
    token = context.signed_in()
    return Caller(token.customer, (token.expires_at - datetime.now(UTC)).total_seconds())


# --- the worker


async def run_worker(settings: Settings, stop: asyncio.Event) -> None:
    """Work until `stop`; returns when what was under way is finished."""
    async with open_hall(settings, application="hall worker") as hall:
        await hall.worker.run(stop)


# --- what `hall run` and the commands call


async def publish_shipped_plans(settings: Settings) -> list[Published | Unchanged]:
    """Publish the plans that come with the hall, as far as they are not published as they stand."""
    dsn = settings.database_url or ""
    pool = await open_pool(dsn, application="hall publish", min_size=1, max_size=2)
    try:
        async with GroupCommit(dsn, in_flight=1, application="hall publish ledger") as ledger:
            published = await publish_shipped(pool, ledger, starts_on=settings.plan_start, now=datetime.now(UTC))
            await publish_items(pool, ledger, shipped_items(), now=datetime.now(UTC))
            await publish_lounges(pool, shipped_lounges().lounges)
            return published
    finally:
        await pool.close()


async def load_demo(settings: Settings, base_url: str, progress: Callable[[int, int, str], None]) -> str | None:
    """Load the demo people through the hall at `base_url`, and wait until it has applied them. Safe to do again.

    Returns a customer to show.
    """
    from infra.demo.load import load_demo as load
    from infra.demo.load import settle
    from infra.demo.personas import SHOWN
    from infra.security.oauth_clients import SANDBOX_SECRETS

    pool = await open_pool(settings.database_url or "", application="hall demo", min_size=1, max_size=1)
    try:
        start = await pool.fetchval("select min(starts_on) from campaign_version")
    finally:
        await pool.close()
    await load(
        base_url,
        start=start,
        now=datetime.now(UTC),
        progress=lambda done, total: progress(done, total, "demo events sent"),
        client_id="card-core",
        secret=SANDBOX_SECRETS["card-core"],
    )
    await settle(base_url)
    return SHOWN


async def refresh_directory(settings: Settings, url: str, token: str, *, everything: bool = False) -> int:
    """Apply a provider's news of lounges; returns how many changed. Raises FeedFailed."""
    pool = await open_pool(settings.database_url or "", application="hall lounges", min_size=1, max_size=2)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=10) as http:
            return await refresh_lounges(pool, ProvidersLounges(http), everything=everything)
    finally:
        await pool.close()


# --- what is told to whom


class _Watch(CommitWatch):
    """The commit's happenings as metrics."""

    def batch(self, units: int, seconds: float) -> None:
        metrics.ledger_batch_units.observe(units)
        metrics.ledger_commit_seconds.observe(seconds)

    def queued(self, units: int) -> None:
        metrics.ledger_waiting.set(units)

    def again(self, why: str) -> None:
        metrics.ledger_rejudged.inc()

    def split(self, units: int) -> None:
        metrics.ledger_split.inc()

    def broken(self, unit: Any, cause: BaseException) -> None:
        metrics.ledger_units.labels("broken").inc()
        log.error("unit broken", unit=str(unit.id), exc_info=cause)

    def busy(self) -> None:
        metrics.ledger_units.labels("busy").inc()


class _SocketWatch:
    def open(self, sockets: int, subscriptions: int) -> None:
        metrics.sockets.inc(sockets)
        metrics.subscriptions.inc(subscriptions)

    def closed(self, code: int) -> None:
        metrics.sockets_closed.labels(str(code)).inc()


def _report(error: BaseException, trace_id: str) -> None:
    log.error("our bug", trace_id=trace_id, exc_info=error)


def _observe_http(method: str, path: str, status: int, seconds: float) -> None:
    _http_seconds(method, path, status).observe(seconds)


@lru_cache(maxsize=1024)
def _http_seconds(method: str, path: str, status: int) -> Histogram:
    return metrics.http_seconds.labels(method, path, str(status))


def _observe_graphql(operation: str, kind: str, outcome: str, seconds: float) -> None:
    metrics.graphql_operations.labels(operation, kind, outcome).inc()
    metrics.graphql_seconds.labels(kind).observe(seconds)
