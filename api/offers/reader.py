"""What one request needs to know of offers, each thing found out once."""

from collections.abc import Sequence

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

    async def remaining(self, of: OfferOf) -> int | None:
        """What is left of its quota for anybody; None where it has none."""
        if of.offer.quota is None:
            return None
        left = await self._context.loaders.quotas.load(of.key)
        return 0 if left is None else max(left, 0)

    async def eligibility(self, of: OfferOf) -> Eligibility | None:
        """None when signed out."""
        viewer = await self._context.viewer()
        if viewer is None:
            return None
        key = (of.campaign.code, of.campaign.version, of.offer.code)
        found = self._judged.get(key)
        if found is None:
            catalog = await self._context.catalog()
            found = self._judged[key] = explain(of.offer, of.campaign, viewer.story, self._context.now, catalog.plans)
        return found

    def progress(self, of: OfferOf, catalog: Catalog, story: StoryState | None) -> Progress | None:
        """How far a customer with this story is on the way to it; None where it is no mission, or not for them."""
        return progress(of.offer, of.campaign, story, self._context.now, catalog.plans)

    async def shown(self, offers: Sequence[OfferOf]) -> list[Shown]:
        """What the home page needs to know of these offers."""
        await self._context.loaders.quotas.load_many([of.key for of in offers if of.offer.quota is not None])
        viewer = await self._context.viewer()
        catalog = await self._context.catalog()
        found = []
        for of in offers:
            timing, left = catalog.timing(of, self._context.now), await self.remaining(of)
            way = self.progress(of, catalog, viewer.story) if viewer is not None else None
            found.append(
                Shown(
                    of,
                    timing.state_with(left),
                    timing.closes_at,
                    timing.next_change_with(left),
                    await self.eligibility(of),
                    half_way=way is not None and 2 * way.done >= way.needed,
                )
            )
        return found


def reader(context: Context) -> OfferReader:
    """This request's reader."""
    return context.kept(OfferReader)
