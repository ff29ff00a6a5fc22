"""Reads of who is signed in, gathered within a request."""

from strawberry.dataloader import DataLoader

from domain.identity.viewer import ReadViewer, ViewerFacts


def viewers_by_customer(read: ReadViewer) -> DataLoader[str, ViewerFacts]:
    async def load(customers: list[str]) -> list[ViewerFacts]:
        return [await read.viewer(customer) for customer in customers]  # there is never more than one: the viewer

    return DataLoader(load_fn=load)
