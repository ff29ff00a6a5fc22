"""`hall customers`: put a customer's benefits on hold, and lift it."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from domain.risk.freezes import FreezeFacts

app = typer.Typer(no_args_is_help=True, help="Put a customer's benefits on hold, and lift it.")

Customer = Annotated[str, typer.Argument(help="The customer's token at the bank.")]
Note = Annotated[str, typer.Option(help="Why, for the record; the customer is not told.")]
By = Annotated[str | None, typer.Option("--by", help="Who asks; the system's user unless said.")]


@app.command()
def show(customer: Customer) -> None:
    """Say whether somebody is frozen, since when and why."""

    async def work(store: Any, ledger: Any, clock: Any) -> str:
        standing = await store.standing_of(customer)
        if not standing.known:
            raise _unknown(customer)
        return _said(customer, standing.frozen)

    _on_freezes(work)


@app.command()
def freeze(
    customer: Customer,
    reason_zh: Annotated[str, typer.Option(help="What the customer is told, in Chinese.")],
    reason_en: Annotated[str, typer.Option(help="The same in English.")],
    note: Note,
    final: Annotated[bool, typer.Option("--final", help="The customer cannot appeal.")] = False,
    by: By = None,
) -> None:
    """Put somebody's benefits on hold. One that is frozen stays as it is."""
    from getpass import getuser

    from domain.kernel.words import Words
    from domain.risk.freezes import FreezeCustomer, freeze_customer

    async def work(store: Any, ledger: Any, clock: Any) -> str:
        command = FreezeCustomer(customer, Words(reason_zh, reason_en), not final, by or getuser(), note)
        found = await freeze_customer(command, read=store, ledger=ledger, clock=clock)
        if found is None:
            raise _unknown(customer)
        return _said(customer, found)

    _on_freezes(work)


@app.command()
def unfreeze(customer: Customer, note: Note, by: By = None) -> None:
    """Let somebody take part again. One that is free stays so."""
    from getpass import getuser

    from domain.risk.freezes import LiftFreeze, lift_freeze

    async def work(store: Any, ledger: Any, clock: Any) -> str:
        command = LiftFreeze(customer, by or getuser(), note)
        if not await lift_freeze(command, read=store, ledger=ledger, clock=clock):
            raise _unknown(customer)
        return _said(customer, None)

    _on_freezes(work)


def _said(customer: str, facts: "FreezeFacts | None") -> str:
    from domain.kernel.time import iso

    if facts is None:
        return f"{customer} is free to take part."
    appeal = "may appeal" if facts.appealable else "cannot appeal"
    return f"{customer} is frozen since {iso(facts.since)} and {appeal}: {facts.reason.zh} / {facts.reason.en}"


def _unknown(customer: str) -> Exception:
    from infra.home import HouseError

    return HouseError(f"Nobody has told of a customer {customer}.")


def _on_freezes(work: Callable[[Any, Any, Any], Awaitable[str]]) -> None:
    from domain.kernel.errors import InputInvalid
    from infra.commands.campaign import on_the_hall
    from infra.db.commit import GroupCommit
    from infra.db.stores.freezes import FreezeStore
    from infra.home import HouseError

    async def run(pool: Any, clock: Any, dsn: str) -> str:
        async with GroupCommit(dsn, in_flight=1, application="hall customers") as ledger:
            return await work(FreezeStore(pool), ledger, clock)

    try:
        typer.echo(on_the_hall(run))
    except InputInvalid as invalid:
        raise HouseError(str(invalid)) from None
