"""What one request needs to know of offers, each thing found out once."""

from asyncio import gather
from collections.abc import Collection, Sequence

from api.awaiting import Soon, once
from api.context import Context
from domain.campaigns.terms import OfferState
from domain.identity.viewer import ViewerFacts
from domain.ledger.accounts import Account
from domain.offers.allowances import Allowance, allowances_of, used_up
from domain.offers.catalog import Catalog, OfferOf
from domain.offers.hall import Shown
from domain.stories.explain import Eligibility, Progress, explain, progress
from domain.stories.state import StoryState


class OfferReader:
    """One request's. Quotas come in one statement, so does the customer's story, and so do the limits, which are
    named by the story's cards and person.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._judged: dict[tuple[str, int, str], Eligibility] = {}

    def remaining(self, of: OfferOf) -> Soon[int | None]:
        """What is left of its quota for anybody; None where it has none."""
        if of.offer.quota is None:
            return None
        return once(self._context.loaders.quotas.load(of.key), _at_least_none)

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
        quota = None if of.offer.quota is None else loaders.quotas.load(of.key)
        viewer = await loaders.viewers.load(customer)
        allowances = self._allowances(of, viewer)
        empty = await self._empty(allowances)
        left = None if quota is None else _at_least_none(await quota)
        return self._judge(of, catalog, viewer.story, left, allowances, empty)

    def _allowances(self, of: OfferOf, viewer: ViewerFacts) -> tuple[Allowance, ...]:
        return allowances_of(of, viewer.customer, viewer.story, self._context.now)

    async def _empty(self, allowances: Sequence[Allowance]) -> set[Account]:
        if not allowances:
            return set()
        accounts = [each.account for each in allowances]
        found = await self._context.loaders.limits.load_many(accounts)
        return {account for account, empty in zip(accounts, found, strict=True) if empty}

    def _judge(
        self,
        of: OfferOf,
        catalog: Catalog,
        story: StoryState | None,
        left: int | None,
        allowances: Sequence[Allowance],
        empty: Collection[Account],
    ) -> Eligibility:
        key, now = _version_of(of), self._context.now
        found = self._judged.get(key)
        if found is None:
            found = self._judged[key] = explain(
                of.offer,
                of.campaign,
                story,
                now,
                catalog.plans,
                used_up=used_up(allowances, empty, now),
                sold_out=catalog.timing(of, now).state_with(left) is OfferState.SOLD_OUT,
            )
        return found

    def progress(self, of: OfferOf, catalog: Catalog, story: StoryState | None) -> Progress | None:
        """How far a customer with this story is on the way to it; None where it is no mission, or not for them."""
        return progress(of.offer, of.campaign, story, self._context.now, catalog.plans)

    async def shown(self, offers: Sequence[OfferOf], catalog: Catalog) -> list[Shown]:
        """What the home page needs to know of these offers; what was read stays for their fields."""
        quotas = self._context.loaders.quotas
        counted = [of.key for of in offers if of.offer.quota is not None]
        viewer, left = await gather(self._context.viewer(), quotas.load_many(counted))
        remaining = {key: _at_least_none(each) for key, each in zip(counted, left, strict=True)}
        allowances = {of.key: self._allowances(of, viewer) for of in offers} if viewer is not None else {}
        empty = await self._empty([each for found in allowances.values() for each in found])
        found = []
        for of in offers:
            timing = catalog.timing(of, self._context.now)
            way = self.progress(of, catalog, viewer.story) if viewer is not None else None
            found.append(
                Shown(
                    of,
                    timing.state_with(remaining.get(of.key)),
                    timing.closes_at,
                    timing.stays_until,
                    self._judge(of, catalog, viewer.story, remaining.get(of.key), allowances[of.key], empty)
                    if viewer is not None
                    else None,
                    half_way=way is not None and 2 * way.done >= way.needed,
                )
            )
        return found


def _version_of(of: OfferOf) -> tuple[str, int, str]:
    return of.campaign.code, of.campaign.version, of.offer.code


def _at_least_none(left: int | None) -> int:
    """An offer with a quota that no account is kept of has nothing to give."""
    return max(left or 0, 0)


def reader(context: Context) -> OfferReader:
    """This request's reader."""
    return context.kept(OfferReader)
