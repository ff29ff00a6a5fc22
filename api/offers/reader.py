"""What one request needs to know of offers, each thing found out once."""

from asyncio import gather
from collections.abc import Collection, Iterable, Mapping, Sequence

from api.awaiting import Soon
from api.context import Context
from domain.campaigns.model import Apply, Choice
from domain.identity.viewer import ViewerFacts
from domain.ledger.accounts import Account
from domain.offers.allowances import Allowance, allowances_of, used_up
from domain.offers.catalog import Catalog, Left, OfferOf, Stock
from domain.offers.hall import Shown, seen_by, seen_by_all
from domain.offers.ports import OfferKey
from domain.stories.explain import LAPSED, Asking, Eligibility, Progress, UsedUp, explain_many
from domain.stories.state import StoryState


class OfferReader:
    """One request's. Quotas and budget lines come in one statement, so does the customer's story, and so do the limits,
    which are named by the story's cards and person.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._left: dict[tuple[str, int, str], Left] = {}
        self._judged: dict[tuple[str, int, str], Eligibility] = {}
        self._ways: dict[tuple[str, int, str], Progress | None] = {}

    def left(self, of: OfferOf, catalog: Catalog) -> Soon[Left]:
        """What is left of it for anybody."""
        kept = self._left.get(_version_of(of))
        return kept if kept is not None else self._read_left(of, catalog.stock(of))

    async def _read_left(self, of: OfferOf, stock: Stock) -> Left:
        counted = stock.accounts
        found = await self._context.loaders.left.load_many(counted)
        return self._keep_left(of, stock, dict(zip(counted, found, strict=True)))

    def _keep_left(self, of: OfferOf, stock: Stock, left: Mapping[Account, int]) -> Left:
        remaining = None if stock.quota is None else left[stock.quota]
        found = self._left[_version_of(of)] = Left(remaining, stock.line is not None and left[stock.line] < stock.need)
        return found

    def eligibility(self, of: OfferOf, catalog: Catalog) -> Soon[Eligibility | None]:
        """None when signed out."""
        customer = self._context.customer
        if customer is None:
            return None
        judged = self._judged.get(_version_of(of))
        return judged if judged is not None else self._read(of, catalog, customer)

    async def _read(self, of: OfferOf, catalog: Catalog, customer: str) -> Eligibility:
        loaders = self._context.loaders
        # Both are asked for before either is awaited, so that all offers of a page share each statement.
        viewer, left = await gather(loaders.viewers.load(customer), self._read_left(of, catalog.stock(of)))
        allowances = self._allowances(of, viewer)
        empty = await self._empty(allowances)
        pending = await self._pending(viewer, [(of, allowances)], empty)
        gone = used_up(allowances, empty, self._context.now, pending=of.key in pending)
        if of.key in await self._lapsed(viewer, [of]):
            gone = (*gone, LAPSED)
        return self._judge(of, catalog, viewer.story, left, gone)

    def _allowances(self, of: OfferOf, viewer: ViewerFacts) -> tuple[Allowance, ...]:
        return allowances_of(of, viewer.customer, viewer.story, self._context.now)

    async def _empty(self, allowances: Sequence[Allowance]) -> set[Account]:
        if not allowances:
            return set()
        accounts = [each.account for each in allowances]
        found = await self._context.loaders.limits.load_many(accounts)
        return {account for account, empty in zip(accounts, found, strict=True) if empty}

    async def _pending(
        self, viewer: ViewerFacts, taken: Iterable[tuple[OfferOf, Sequence[Allowance]]], empty: Collection[Account]
    ) -> Collection[OfferKey]:
        """The offers applied for and not answered yet. Read only where an application's limit has nothing left."""
        for of, found in taken:
            if isinstance(of.offer.trigger, Apply) and any(each.account in empty for each in found):
                return await self._context.loaders.pending.load(viewer.customer)
        return ()

    async def _lapsed(self, viewer: ViewerFacts, offers: Iterable[OfferOf]) -> Collection[OfferKey]:
        """The offers of which nothing was chosen in time. Read only where one that lets choose has been earned."""
        story = viewer.story
        if story is None or not story.reached:
            return ()
        for of in offers:
            if of.offer.code in story.reached and any(isinstance(reward, Choice) for reward in of.offer.grants):
                return await self._context.loaders.lapsed.load((viewer.customer, self._context.now))
        return ()

    def _judge(
        self,
        of: OfferOf,
        catalog: Catalog,
        story: StoryState | None,
        left: Left,
        gone: Collection[UsedUp],
    ) -> Eligibility:
        found = self._judged.get(_version_of(of))
        if found is None:
            spent = (of.key,) if left.spent else ()
            (seen,) = seen_by(story, [of], catalog, self._context.now, {of.key: left.remaining}, {of.key: gone}, spent)
            found = self._keep(seen)
        return found

    def _keep(self, seen: Shown) -> Eligibility:
        assert seen.eligibility is not None
        self._judged[_version_of(seen.of)] = seen.eligibility
        self._ways[_version_of(seen.of)] = seen.way
        return seen.eligibility

    def ways(
        self, offers: Sequence[OfferOf], catalog: Catalog, story: StoryState | None
    ) -> list[tuple[OfferOf, Progress]]:
        """The missions among these offers of a customer with this story, and how far they are."""
        ask = [of for of in offers if _version_of(of) not in self._ways]
        judged = explain_many((Asking(of.campaign, of.offer) for of in ask), story, self._context.now, catalog.plans)
        for of, (_, way) in zip(ask, judged, strict=True):
            self._ways[_version_of(of)] = way
        return [(of, way) for of in offers if (way := self._ways[_version_of(of)]) is not None]

    async def shown(self, offers: Sequence[OfferOf], catalog: Catalog) -> list[Shown]:
        """What the home page needs to know of these offers; what was read stays for their fields."""
        stocks = [catalog.stock(of) for of in offers]
        counted = list({account: None for stock in stocks for account in (stock.quota, stock.line) if account})
        viewer, free = await gather(self._context.viewer(), self._context.loaders.left.load_many(counted))
        left = dict(zip(counted, free, strict=True))
        remaining: dict[OfferKey, int | None] = {}
        spent: list[OfferKey] = []
        for of, stock in zip(offers, stocks, strict=True):
            kept = self._keep_left(of, stock, left)
            remaining[of.key] = kept.remaining
            if kept.spent:
                spent.append(of.key)
        if viewer is None:
            return seen_by_all(offers, catalog, self._context.now, remaining, spent)
        now = self._context.now
        taken = [(of, found) for of in offers if (found := self._allowances(of, viewer))]
        empty = await self._empty([each for _, found in taken for each in found])
        gone: dict[OfferKey, Collection[UsedUp]] = {}
        if empty:
            pending = await self._pending(viewer, taken, empty)
            gone = {of.key: used_up(found, empty, now, pending=of.key in pending) for of, found in taken}
        for key in await self._lapsed(viewer, offers):
            gone[key] = (*gone.get(key, ()), LAPSED)
        seen = seen_by(viewer.story, offers, catalog, now, remaining, gone, spent)
        for each in seen:
            self._keep(each)
        return seen


def _version_of(of: OfferOf) -> tuple[str, int, str]:
    return of.campaign.code, of.campaign.version, of.offer.code


def reader(context: Context) -> OfferReader:
    """This request's reader."""
    return context.kept(OfferReader)
