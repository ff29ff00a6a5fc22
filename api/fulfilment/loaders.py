"""Reads of single deliveries, gathered within a request. Another customer's are not found."""

from uuid import UUID

from strawberry.dataloader import DataLoader

from domain.fulfilment.ports import ReadDeliveries
from domain.wallet.facts import DeliveryFacts


def deliveries_by_id(read: ReadDeliveries, customer: str) -> DataLoader[UUID, DeliveryFacts | None]:
    async def load(ids: list[UUID]) -> list[DeliveryFacts | None]:
        found = {delivery.id: delivery for delivery in await read.deliveries_by_id(customer, ids)}
        return [found.get(id) for id in ids]

    return DataLoader(load_fn=load)
