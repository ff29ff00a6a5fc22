"""Applies events: lease, load the stories, fold, commit the difference (docs/decisions/0006-stories.md).

An event is leased by moving its due moment on; whoever dies with it loses it to the next. Each customer's events are
one unit of the ledger: the story's next version, its events, the queue's rows gone, and everything newly earned or
taken back. The story's version is checked in that commit, so two workers cannot both give. What the unit may write
twice without harm (whose transaction it is, the customer's profile) is written before it.

Nothing accepted is dropped. A refund whose purchase is not known waits until it is; what fails is tried again later,
its neighbours one by one, and after `TRIES` it is parked where a person sees it. What should go back while a till holds
it stands as it is; the unit promises to tell the story anew once nobody holds it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any
from uuid import UUID

import orjson
import structlog

from domain.kernel.errors import Broken, Busy, HallError
from domain.kernel.ids import lane_of
from domain.kernel.time import Clock
from domain.ledger.unit import Change, Committed, Moved, Result, Short, Unit
from domain.offers.award import SECOND_LOOK, promise
from domain.offers.catalog import Catalog
from domain.offers.scheduled import LOOK, running_once
from domain.offers.story_change import (
    NOTHING_NEW,
    STORY_LOOK,
    Difference,
    StoryChange,
    decide,
    difference,
    missed_of,
    newly_earned,
)
from domain.offers.take_back import GivenGrant, Had, Held
from domain.offers.units import unit_of
from domain.points.book import Book
from domain.points.story import earn, put_right
from domain.stories.events import (
    CardApproved,
    CustomerUpdated,
    EventInvalid,
    InstalmentCancelled,
    InstalmentCreated,
    StoryEvent,
    TransactionPosted,
    TransactionRefunded,
    customer_of,
    read_event,
)
from domain.stories.fold import Folded, can_fold_on, carry_on, fold_all
from domain.stories.state import StoryState
from infra import metrics
from infra.db.commit import GroupCommit
from infra.db.stores.grants import given_grant, held_of, won_of
from infra.db.stores.profiles import ProfileStore
from infra.db.stores.states import state_of, text_of
from infra.db.stores.stories import Leased, PastEvent, StoryRow, StoryStore
from infra.log import bind_trace
from infra.worker.general import GeneralEvents
from infra.worker.outbox import TryLater

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)
TRIES = 6
BATCH = 500
WIDTH = 2
REDO = 20
"""How often one customer's unit is decided again before it is put back: each time somebody else was quicker."""

_TAKES_BACK = (TransactionRefunded, InstalmentCancelled)

UNSEEN = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Applied:
    """leased: events taken from the queue; applied: of these, those that are now part of a story or the catalogue."""

    leased: int
    applied: int


@dataclass(slots=True)
class _Work:
    """One customer's leased events, and what was loaded for them. refold: whether the whole story must be told anew.

    promised: a promise to do so stands already. waits_for: a coupon held by a till, so that a grant did not go back.
    """

    customer: str
    leased: list[Leased]
    events: list[StoryEvent]
    refold: bool = False
    promised: bool = False
    done: bool = False
    waits_for: UUID | None = None


Tie = Callable[[Sequence[TransactionPosted]], Awaitable[None]]
"""Told of purchases that name the redemption of their discount, perhaps more than once."""

Opened = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Gives an event's stored data with its personal fields in the clear."""


class StoryWorker:
    """Applies what is due. Any number of them may work at once, in one process or many."""

    def __init__(
        self,
        *,
        store: StoryStore,
        profiles: ProfileStore,
        ledger: GroupCommit,
        catalog: Callable[[], Awaitable[Catalog]],
        clock: Clock,
        opened: Opened,
        general: GeneralEvents,
        tie: Tie | None = None,
    ) -> None:
        self._store = store
        self._profiles = profiles
        self._ledger = ledger
        self.catalog = catalog
        self._clock = clock
        self._opened = opened
        self._general = general
        self._tie = tie
        self._under_way: dict[str, asyncio.Future[None]] = {}
        """The customers whose events a batch of this process commits now, and when that is done."""
        self._leasing = asyncio.Lock()
        """Two leases at once step over each other's rows: what came together would be dealt out between two batches."""

    async def apply_due(self, limit: int = BATCH) -> Applied:
        """Lease up to `limit` due events and apply them; returns how many there were."""
        began = perf_counter()
        async with self._leasing:
            now = datetime.now(UTC)
            leased = await self._store.lease(now, now + LEASE, limit)
        if not leased:
            return Applied(0, 0)
        applied = 0
        by_customer: dict[str, _Work] = {}
        unowned: list[tuple[Leased, StoryEvent]] = []
        for one in leased:
            try:
                event = self._read(one)
            except Exception as error:
                await self._put_back([one], error)
                continue
            customer = customer_of(event)
            if customer is not None:
                work = by_customer.setdefault(customer, _Work(customer, [], []))
                work.leased.append(one)
                work.events.append(event)
            elif _reference_of(event) is not None:
                unowned.append((one, event))
            else:
                applied += await self._guarded([one], self._general.apply(one, event))
        known_before = await self._refer(by_customer)
        for work in by_customer.values():
            work.refold |= work.customer in known_before
        await self._find_owners(unowned, by_customer)
        # After it is written down who paid where: whoever tells us of a merchant from now on finds these customers.
        catalog = await self.catalog()
        applied += await self._apply_customers(list(by_customer.values()), catalog)
        metrics.worker_batches.labels("stories").inc()
        metrics.worker_items.labels("stories").inc(len(leased))
        metrics.worker_seconds.labels("stories").observe(perf_counter() - began)
        return Applied(len(leased), applied)

    async def drain(self, stop: Callable[[], bool] = lambda: False) -> Applied:
        """Apply everything that is due, `WIDTH` batches at once: while one waits for the database another is folded."""

        async def go_on() -> Applied:
            leased = applied = 0
            while not stop() and (done := await self.apply_due()).leased:
                leased, applied = leased + done.leased, applied + done.applied
            return Applied(leased, applied)

        each = await asyncio.gather(*(go_on() for _ in range(WIDTH)))
        return Applied(sum(done.leased for done in each), sum(done.applied for done in each))

    async def refold_stale(self, limit: int = BATCH) -> int:
        """Look at stories folded before the newest version, and tell anew those it matters to; returns how many."""
        catalog = await self.catalog()
        rows = await self._store.stale(catalog.publications, limit)
        works = [_Work(row.customer, [], []) for row in rows]
        await self._apply_customers(works, catalog)
        return sum(work.done for work in works)

    async def look_again(self, told: dict[str, Any], attempt: int) -> TryLater | None:
        """A handler of the outbox: take back what a till held when it should have gone back. Safe to run twice."""
        work = _Work(told["customer"], [], [], refold=True, promised=True)
        await self._apply_customers([work], await self.catalog())
        if not work.done:
            return TryLater(timedelta(seconds=2**attempt), "the story could not be told anew")
        return None if work.waits_for is None else TryLater.once_unheld(work.waits_for)

    # --- reading

    def _read(self, one: Leased) -> StoryEvent:
        return read_event(one.type, one.at, one.source, one.id, self._opened(orjson.loads(one.data)))

    async def _refer(self, works: Mapping[str, _Work]) -> set[str]:
        """Write down whose transactions, instalments and cards these are, and lease what waited for them.

        A refund that came before its purchase is applied with it, so that nothing is given that is known to go back.
        Returns the customers of whom something was known already under another event: their whole story is folded.
        """
        refs: dict[tuple[str, str], str] = {}
        updates = []
        paid_at: dict[tuple[str, str], None] = {}
        redeemed: list[TransactionPosted] = []
        again: set[str] = set()
        for work in works.values():
            for event in work.events:
                match event:
                    case TransactionPosted():
                        refs[("transaction", event.transaction)] = work.customer
                        paid_at[(event.merchant, work.customer)] = None
                        if event.redemption is not None:
                            redeemed.append(event)
                    case InstalmentCreated():
                        refs[("instalment", event.instalment)] = work.customer
                    case CardApproved():
                        refs[("card", event.card)] = work.customer
                    case CustomerUpdated():
                        updates.append(event)
        if redeemed and self._tie is not None:
            await self._tie(redeemed)
        if updates:
            await self._profiles.keep(updates)
        if paid_at:
            await self._store.refer_merchants(list(paid_at))
        if refs:
            known = await self._store.refer(refs)
            again = {refs[ref] for ref in known if ref[0] != "card"}
            waited = [f"{kind}|{ref}" for kind, ref in refs if kind != "card"]
            for one in await self._store.lease_waiting(waited, datetime.now(UTC) + LEASE) if waited else ():
                try:
                    answering = self._read(one)
                except Exception as error:
                    await self._put_back([one], error)
                    continue
                ref = _reference_of(answering)
                assert ref is not None
                work = works[refs[ref]]
                work.leased.append(one)
                work.events.append(answering)
                work.refold = True
        return again

    async def _find_owners(self, unowned: list[tuple[Leased, StoryEvent]], works: dict[str, _Work]) -> None:
        """Refunds and cancellations name only what they answer. Whose it is nobody may know yet: then they wait."""
        if not unowned:
            return
        wanted = {one.id + "\x1f" + one.source: _reference_of(event) for one, event in unowned}
        owners = await self._store.owners(ref for ref in wanted.values() if ref is not None)
        waiting: list[tuple[Leased, str]] = []
        for one, event in unowned:
            ref = _reference_of(event)
            assert ref is not None
            customer = owners.get(ref)
            if customer is None:
                waiting.append((one, f"{ref[0]}|{ref[1]}"))
                continue
            work = works.setdefault(customer, _Work(customer, [], []))
            work.leased.append(one)
            work.events.append(event)
            work.refold = True
        if waiting:
            await self._store.set_waiting(waiting)
            # It may have become known between the look and the wait; whoever wrote it down has woken too early then.
            refs = [(what.split("|", 1)[0], what.split("|", 1)[1]) for _, what in waiting]
            if now_known := await self._store.owners(refs):
                await self._store.wake([f"{kind}|{ref}" for kind, ref in now_known], datetime.now(UTC))

    # --- applying

    async def _apply_customers(self, works: Sequence[_Work], catalog: Catalog) -> int:
        """Commit each customer's events; returns how many were applied.

        Whose events another batch has in hand waits for it: both would be decided on the same story, and one in vain.
        """
        free: list[_Work] = []
        behind: list[_Work] = []
        for work in works:
            (behind if work.customer in self._under_way else free).append(work)
        applied = await self._apply_free(free, catalog) if free else 0
        if behind:
            if ahead := {done for work in behind if (done := self._under_way.get(work.customer)) is not None}:
                await asyncio.wait(ahead)
            applied += await self._apply_customers(behind, catalog)
        return applied

    async def _apply_free(self, works: Sequence[_Work], catalog: Catalog) -> int:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        customers = [work.customer for work in works]
        self._under_way.update(dict.fromkeys(customers, done))
        try:
            return await self._apply_together(works, catalog)
        finally:
            for customer in customers:
                del self._under_way[customer]
            done.set_result(None)

    async def _apply_together(self, works: Sequence[_Work], catalog: Catalog) -> int:
        """Nearly always the events go on where the story stopped: those are folded, submitted and awaited together,
        without a task each. Whoever is refused, and whose whole story must be told anew, goes one by one.
        """
        stories = await self._store.stories([work.customer for work in works])
        folded: list[tuple[_Work, StoryRow | None, Folded]] = []
        aside: list[_Work] = []
        for work in works:
            try:
                row = stories.get(work.customer)
                state = StoryState() if row is None else state_of(row.state)
                if work.refold or not _folds_on(state, row, work, catalog):
                    aside.append(work)
                    continue
                folded.append((work, row, carry_on(state, work.events, catalog.plans, catalog.told)))
            except Exception as error:
                await self._put_back(work.leased, error)
        earners = [work.customer for work, _, told in folded if told.earned]
        had = await self._store.had(earners) if earners else {}
        now = self._clock.now()
        look = bool(running_once(catalog, now))
        submitted: list[tuple[_Work, asyncio.Future[Result]]] = []
        for work, row, told in folded:
            try:
                given = had.get(work.customer, ())
                found = _newly(told, given)
                change = decide(work.customer, found, {}, catalog.judged_by, person=_person(told.state), at=now)
                book = _book(row, told, now) if told.points else None
                unit = _unit(work, row, told.state, catalog, change, book, now, given, look=look)
                submitted.append((work, self._ledger.submit(unit)))
            except Busy as error:
                await self._put_back(work.leased, error)
        applied = 0
        for work, future in submitted:
            try:
                result = await future
            except Exception as error:
                await self._put_back(work.leased, error)
                continue
            if isinstance(result, Committed):
                work.done = True
                applied += len(work.leased)
            else:
                aside.append(work)
        if aside:
            done = await asyncio.gather(*(self._guarded(work.leased, self._apply_one(work, catalog)) for work in aside))
            applied += sum(done)
        return applied

    async def _apply_one(self, work: _Work, catalog: Catalog) -> int:
        """Commit this customer's events, deciding again as often as somebody else was quicker."""
        customer = work.customer
        for attempt in range(REDO):
            row = (await self._store.stories([customer])).get(customer)
            state = StoryState() if row is None else state_of(row.state)
            given = [given_grant(customer, grant) for grant in (await self._store.grants([customer]))[customer]]
            if work.refold or not _folds_on(state, row, work, catalog):
                history = (await self._store.history([customer]))[customer]
                past = [self._past(event) for event in history]
                told = fold_all([*past, *work.events], catalog.plans, catalog.told, missed=missed_of(given))
                found = difference(told.earned, given)
                now = self._clock.now()
                book = Book(None if row is None else row.purse, now)
                put_right(book, told.points, await self._store.points_given(customer))
            else:
                told = carry_on(state, work.events, catalog.plans, catalog.told)
                found = _newly(told, given)
                now = self._clock.now()
                book = _book(row, told, now)
            touched = [*found.lost, *(grant for _, grant in found.lowered)]
            held = await self._held(customer, touched, catalog) if touched else {}
            change = decide(customer, found, held, catalog.judged_by, person=_person(told.state), at=now)
            result = await self._commit(work, row, told.state, catalog, change, book, now, given)
            if isinstance(result, Committed):
                work.done, work.waits_for = True, change.waits_for
                return len(work.leased)
            log.debug("story decided again", why=result.kind, attempt=attempt)
            if result.kind == "inbox":
                return 0  # another worker has applied it: our lease had run out
        raise Busy("a story kept moving")

    async def _commit(
        self,
        work: _Work,
        row: StoryRow | None,
        state: StoryState,
        catalog: Catalog,
        change: StoryChange,
        book: Book,
        now: datetime,
        given: Sequence[GivenGrant],
    ) -> Committed | Moved:
        look = bool(running_once(catalog, now))
        while True:
            result = await self._ledger.commit(_unit(work, row, state, catalog, change, book, now, given, look=look))
            match result:
                case Committed() | Moved():
                    return result
                case Short(account):
                    if not change.without(account.key):
                        raise Broken(f"a story's unit was short of {account.key}, which nothing in it needs")
                case _:
                    raise Broken(f"a story's unit answered {type(result).__name__}")

    async def _held(self, customer: str, grants: Sequence[GivenGrant], catalog: Catalog) -> dict[Any, list[Held]]:
        found: dict[Any, list[Held]] = defaultdict(list)
        benefits = await self._store.benefits(customer, [grant.id for grant in grants])
        drawn = [one for kind, one in benefits if (kind, one["status"]) == ("draw_chance", "DRAWN")]
        prizes = await self._store.prizes(customer, drawn) if drawn else {}
        for kind, one in benefits:
            held = held_of(kind, one)
            if (prize := prizes.get(held.id)) is not None:
                held = replace(held, won=won_of(customer, prize, prize["coupon"], prize["coupon_status"], catalog))
            found[one["offer_grant"]].append(held)
        return found

    def _past(self, event: PastEvent) -> StoryEvent:
        return read_event(event.type, event.at, event.source, event.id, self._opened(event.data))

    # --- what goes wrong

    async def _guarded(self, leased: Sequence[Leased], applying: Awaitable[int]) -> int:
        """Never raises: what fails goes back to the queue, or is parked after its last try."""
        if leased and leased[0].trace:
            bind_trace(leased[0].trace)
        try:
            return await applying
        except Exception as error:
            await self._put_back(leased, error)
            return 0

    async def _put_back(self, leased: Sequence[Leased], error: Exception) -> None:
        why = f"{type(error).__name__}: {error}"[:500]
        now = datetime.now(UTC)
        if not isinstance(error, Busy):
            log.warning("events not applied", events=len(leased), error=why, exc_info=not isinstance(error, HallError))
        parked = [one for one in leased if one.attempts >= TRIES or isinstance(error, EventInvalid)]
        later = [one for one in leased if one not in parked]
        if parked:
            await self._store.park([(one, why) for one in parked])
        if later:
            await self._store.postpone([(one, now + timedelta(seconds=min(60, 2**one.attempts)), why) for one in later])


def _folds_on(state: StoryState, row: StoryRow | None, work: _Work, catalog: Catalog) -> bool:
    if row is not None and row.plans == 0:
        return False  # marked to be told anew: what it was judged by has changed
    return can_fold_on(state, work.events, catalog.plans)


def _newly(told: Folded, given: Sequence[Had | GivenGrant]) -> Difference:
    """What a story that was folded on earned, as far as it is not given."""
    return newly_earned(told.earned, given) if told.earned else NOTHING_NEW


def _book(row: StoryRow | None, told: Folded, now: datetime) -> Book:
    """The customer's points with what a story that was folded on earned: purchases nothing was booked of before."""
    book = Book(None if row is None else row.purse, now)
    earn(book, told.points)
    return book


def _unit(
    work: _Work,
    row: StoryRow | None,
    state: StoryState,
    catalog: Catalog,
    change: StoryChange,
    book: Book | None,
    now: datetime,
    given: Sequence[Had | GivenGrant],
    *,
    look: bool,
) -> Unit:
    """The story's next version, its events, the queue's rows gone, and everything that changes hands.

    given: the customer's grants of story offers before; only needed where something is gained or lost.
    look: whether an offer runs that is given once, to whom its story makes one of its audience.
    """
    lane = lane_of(work.customer)
    upto = state.upto[0] if state.upto is not None else UNSEEN
    missed = change.missed_after(given) if change.gained or change.lost else state.missed
    # The fold did not know yet that nothing is left (or that there is again): what asks for it is judged anew.
    anew = not catalog.plans.waited_for.isdisjoint(missed ^ state.missed)
    values = {"plans": 0 if anew else catalog.publications, "upto": upto, "state": text_of(state, missed)}
    parts = change.whole()
    if row is None:
        story = Change("story", work.customer, None, 1)
        parts.add("story", {"lane": lane, "customer": work.customer, "version": 1, **values})
    else:
        story = Change("story", work.customer, row.version, row.version + 1, values)
    gone = [Change("inbox", (one.source, one.id), "DUE", None, lane=one.lane) for one in work.leased]
    applied_at = datetime.now(UTC)
    for one in work.leased:
        parts.add("story_event", {
            "lane": lane, "customer": work.customer, "at": one.at, "source": one.source, "id": one.id,
            "type": one.type, "data": one.data, "applied_at": applied_at,
        })  # fmt: skip
    if book is not None:
        book.close(work.customer, parts)
    if look:
        promise(parts, work.customer, LOOK, {"customer": work.customer}, now)
    if change.waits_for is not None and not work.promised:
        promise(parts, work.customer, STORY_LOOK, {"customer": work.customer}, now)
    if any(isinstance(event, _TAKES_BACK) for event in work.events):
        promise(parts, work.customer, SECOND_LOOK, {"customer": work.customer}, now)
    return unit_of(parts, lane=lane, at=now, changes=(story, *gone))


def _reference_of(event: StoryEvent) -> tuple[str, str] | None:
    match event:
        case TransactionRefunded():
            return "transaction", event.transaction
        case InstalmentCancelled():
            return "instalment", event.instalment
        case _:
            return None


def _person(state: StoryState) -> str | None:
    return state.profile.person if state.profile is not None else None
