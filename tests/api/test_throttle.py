"""What counts against whom, and what happens when nobody can tell."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from api.schema import build_schema
from api.throttle import MUTATIONS, Throttle, Untold
from domain.kernel.errors import Busy, RateLimited
from domain.kernel.rates import Rate

CUSTOMER, ADDRESS = Rate(60), Rate(3_000)


@dataclass
class Asker:
    """What a throttle reads of a context."""

    customer: str | None = None
    address: str | None = "203.0.113.7"


@dataclass
class Book:
    """Rates that answer the same to all, and write down what was asked."""

    answer: float | None = 0
    taken: list[tuple[str, str, int, Rate]] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)

    async def take(self, who: str, scope: str, weight: int, rate: Rate) -> float | None:
        self.taken.append((who, scope, weight, rate))
        return self.answer

    def throttle(self) -> Throttle:
        return Throttle(self, customer=CUSTOMER, address=ADDRESS, tell=lambda *said: self.told.append(said))


def test_every_mutation_of_the_schema_has_a_weight() -> None:
    mutations = build_schema()._schema.mutation_type
    assert mutations is not None

    assert set(mutations.fields) <= set(MUTATIONS)


def test_codes_and_draws_are_closed_and_all_else_is_open_when_nobody_can_tell() -> None:
    closed = {name for name, weight in MUTATIONS.items() if weight.untold is Untold.CLOSED}

    assert closed == {"sendBindingCode", "confirmBinding", "draw"}


async def test_operations_count_and_not_requests() -> None:
    book = Book()

    await book.throttle().mutations(Asker("he"), ("claimOffer", "claimOffer", "draw"))  # type: ignore[arg-type]

    assert book.taken == [("customer he", "mutations", 4, CUSTOMER)]


async def test_ways_to_sign_in_count_against_the_address_whoever_asks() -> None:
    book = Book()

    await book.throttle().mutations(Asker("he"), ("refreshSession", "claimOffer"))  # type: ignore[arg-type]

    assert book.taken == [
        ("address 203.0.113.7", "sign-in", 5, ADDRESS),
        ("customer he", "mutations", 1, CUSTOMER),
    ]


@pytest.mark.parametrize(
    ("customer", "known", "trusted", "taken"),
    [
        (None, True, True, []),
        (None, True, False, [("address 203.0.113.7", "documents", 1, ADDRESS)]),
        (None, False, False, [("address 203.0.113.7", "documents", 5, ADDRESS)]),
        ("he", True, False, []),
        ("he", False, False, [("customer he", "documents", 5, CUSTOMER)]),
    ],
)
async def test_reading_costs_only_the_signed_out_and_who_brings_a_new_document(
    customer: str | None, known: bool, trusted: bool, taken: list[Any]
) -> None:
    book = Book()

    await book.throttle().document(Asker(customer), known=known, trusted=trusted)  # type: ignore[arg-type]

    assert book.taken == taken


async def test_who_comes_too_often_is_told_when_to_come_back() -> None:
    book = Book(answer=2.1)

    with pytest.raises(RateLimited) as refused:
        await book.throttle().mutations(Asker("he"), ("claimOffer",))  # type: ignore[arg-type]

    assert refused.value.retry_after == 3
    assert book.told == [("mutations", "limited")]


async def test_without_the_store_claims_and_reads_go_on_and_draws_do_not() -> None:
    book = Book(answer=None)
    throttle = book.throttle()

    await throttle.document(Asker(), known=False, trusted=False)  # type: ignore[arg-type]
    await throttle.machine("203.0.113.7")
    await throttle.mutations(Asker("he"), ("claimOffer",))  # type: ignore[arg-type]
    for closed in ("draw", "confirmBinding", "sendBindingCode"):
        with pytest.raises(Busy):
            await throttle.mutations(Asker("he"), ("claimOffer", closed))  # type: ignore[arg-type]

    assert [outcome for _, outcome in book.told] == ["open", "open", "open", "closed", "closed", "closed"]
