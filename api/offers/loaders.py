"""Reads of the offers' room, gathered within a request."""

from strawberry.dataloader import DataLoader

from domain.offers.ports import OfferKey, ReadQuotas


def quotas_by_offer(read: ReadQuotas) -> DataLoader[OfferKey, int | None]:
    """What is left of each offer's quota; None where it has none."""

    async def load(offers: list[OfferKey]) -> list[int | None]:
        found = await read.remaining(offers)
        return [found.get(offer) for offer in offers]

    return DataLoader(load_fn=load)
