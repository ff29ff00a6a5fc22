"""Reads of draws, gathered within a request. Another customer's chances and results are not found."""

from datetime import date, datetime
from uuid import UUID

from strawberry.dataloader import DataLoader

from domain.lottery.facts import ChanceFacts, DrawKey, DrawOf, ResultFacts
from domain.lottery.ports import ReadDraws, Stands


def stands_of_draws(read: ReadDraws) -> DataLoader[DrawOf, Stands]:
    async def load(draws: list[DrawOf]) -> list[Stands]:
        found = await read.stands(draws)
        return [found[of.key] for of in draws]

    return DataLoader(load_fn=load, cache_key_fn=lambda of: of.key)


def secrets_of_days(read: ReadDraws) -> DataLoader[tuple[DrawKey, date], str | None]:
    async def load(days: list[tuple[DrawKey, date]]) -> list[str | None]:
        found = await read.revealed(days)
        return [found.get(day) for day in days]

    return DataLoader(load_fn=load)


def chances_of_viewer(read: ReadDraws, customer: str, now: datetime) -> DataLoader[str, list[ChanceFacts]]:
    """By the draw's code; one statement for all of them."""

    async def load(codes: list[str]) -> list[list[ChanceFacts]]:
        found = await read.chances(customer, now)
        return [[chance for chance in found if chance.draw == code] for code in codes]

    return DataLoader(load_fn=load)


def chances_by_id(read: ReadDraws, customer: str, now: datetime) -> DataLoader[UUID, ChanceFacts | None]:
    async def load(ids: list[UUID]) -> list[ChanceFacts | None]:
        found = {chance.id: chance for chance in await read.chances_by_id(customer, ids, now)}
        return [found.get(id) for id in ids]

    return DataLoader(load_fn=load)


def results_by_id(read: ReadDraws, customer: str) -> DataLoader[UUID, ResultFacts | None]:
    async def load(ids: list[UUID]) -> list[ResultFacts | None]:
        found = {result.id: result for result in await read.results_by_id(customer, ids)}
        return [found.get(id) for id in ids]

    return DataLoader(load_fn=load)


class DrawLoaders:
    """The loaders of one request (`Context.kept`)."""

    def __init__(self, read: ReadDraws, customer: str | None, now: datetime) -> None:
        mine = customer or ""
        self.stands = stands_of_draws(read)
        self.secrets = secrets_of_days(read)
        self.chances = chances_of_viewer(read, mine, now)
        self.chances_by_id = chances_by_id(read, mine, now)
        self.results_by_id = results_by_id(read, mine)
