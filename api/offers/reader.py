"""What one request needs to know of offers, each thing found out once."""

from asyncio import gather
from collections.abc import Sequence

from api.awaiting import Soon, once
from api.context import Context
from domain.offers.catalog import Catalog, OfferOf
from domain.offers.hall import Shown
from domain.stories.explain import Eligibility, Progress, explain, progress
from domain.stories.state import StoryState


class OfferReader:
    """One request's. Quotas come in one statement, and so does the customer's story."""

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
        viewer = self._context.loaders.viewers.load(customer)
        return once(viewer, lambda found: self._judge(of, catalog, found.story))

    def _judge(self, of: OfferOf, catalog: Catalog, story: StoryState | None) -> Eligibility:
        key = (of.campaign.code, of.campaign.version, of.offer.code)
        found = self._judged.get(key)
        if found is None:
            found = explain(of.offer, of.campaign, story, self._context.now, catalog.plans)
            self._judged[key] = found
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
                    self._judge(of, catalog, viewer.story) if viewer is not None else None,
                    half_way=way is not None and 2 * way.done >= way.needed,
                )
            )
        return found


def _at_least_none(left: int | None) -> int:
    """An offer with a quota that no account is kept of has nothing to give."""
    return max(left or 0, 0)


def reader(context: Context) -> OfferReader:
    """This request's reader."""
    return context.kept(OfferReader)
