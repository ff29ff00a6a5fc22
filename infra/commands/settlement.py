"""`hall settlement`: merchants' statements: list, show, close what is over, and check them against the ledger."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from infra.db.stores.settlement import SettlementStore

app = typer.Typer(no_args_is_help=True)

_Day = Annotated[datetime | None, typer.Option("--day", formats=["%Y-%m-%d"], help="A Shanghai day.")]
_Merchant = Annotated[str | None, typer.Option("--merchant", help="Of this merchant only.")]


@app.command("list")
def list_(merchant: _Merchant = None, day: _Day = None) -> None:
    """The closed statements, one a line: day, merchant, entries, subsidy in fen."""

    async def work(store: "SettlementStore") -> int:
        listed = await store.listed(merchant, day.date() if day else None)
        for each in listed:
            typer.echo(f"{each.day} {each.merchant} {each.entries} {each.subsidy}")
        if not listed:
            typer.echo("No such statement is closed: a day is closed five minutes after its end.", err=True)
        return 0

    _run(work)


@app.command()
def show(
    merchant: Annotated[str, typer.Argument()],
    day: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="A Shanghai day.")],
    csv: Annotated[bool, typer.Option("--csv", help="As CSV instead of JSON.")] = False,
) -> None:
    """One statement; of a day that is over it is closed by this."""

    async def work(store: "SettlementStore") -> int:
        from domain.kernel.time import business_day
        from infra.db.stores.standing import StandingStore
        from infra.home import HouseError

        now = await _now(store)
        if day.date() > business_day(now):
            raise HouseError(f"{day.date()} has not begun: it is {business_day(now)}.")
        if await StandingStore(store.pool).standing(merchant) is None:
            raise HouseError(f"Nobody has told of a merchant {merchant}.")
        found = await store.statement(merchant, day.date(), now)
        typer.echo(found.csv if csv else found.body, nl=False)
        return 0

    _run(work)


@app.command()
def close(day: _Day = None) -> None:
    """Close every statement up to a day that is over; up to yesterday unless said. The worker does it daily."""

    async def work(store: "SettlementStore") -> int:
        from domain.kernel.time import business_day

        now = await _now(store)
        yesterday = business_day(now) - timedelta(days=1)
        until = min(day.date(), yesterday) if day else yesterday
        typer.echo(f"{await store.close_until(until, now)} closed, up to {until}")
        return 0

    _run(work)


@app.command()
def check(merchant: _Merchant = None, day: _Day = None) -> None:
    """Make closed statements again from the ledger and compare them byte for byte; exit 1 when one differs."""

    async def work(store: "SettlementStore") -> int:
        wrong = 0
        listed = await store.listed(merchant, day.date() if day else None)
        for each in listed:
            kept = await store.statement(each.merchant, each.day, each.closed_at + timedelta(days=2))
            made = await store.recomputed(each.merchant, each.day, kept.form)
            if (made.body, made.csv) != (kept.body, kept.csv):
                wrong += 1
                typer.echo(f"DIFFERS {each.day} {each.merchant}")
        typer.echo(f"{len(listed) - wrong} of {len(listed)} statements are as the ledger says")
        return int(wrong > 0)

    _run(work)


async def _now(store: "SettlementStore") -> datetime:
    """The hall's business clock, which a sandbox may have set."""
    from infra.clock import BusinessClock

    clock = BusinessClock(store.pool)
    await clock.reread()
    return clock.now()


def _run(work: "Callable[[SettlementStore], Awaitable[int]]") -> None:
    import asyncio

    from infra.db.pool import open_pool
    from infra.db.stores.settlement import SettlementStore
    from infra.settings import attach, load_settings

    settings = attach(load_settings(), cache=False)

    async def within() -> int:
        pool = await open_pool(settings.database_url or "", application="hall settlement", min_size=1, max_size=2)
        try:
            return await work(SettlementStore(pool))
        finally:
            await pool.close()

    code = asyncio.run(within())
    if code:
        raise typer.Exit(code)
