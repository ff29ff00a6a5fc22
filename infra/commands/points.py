"""`hall points`: what the bank owes its customers in points."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from infra.db.liability import Liability

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _points() -> None:
    pass


@app.command()
def liability(as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False) -> None:
    """Points owed, by the month at whose end they end, and how many of them are likely to be used."""
    import asyncio
    import json
    from dataclasses import asdict

    from infra.db.installation import connect
    from infra.db.liability import liability as report
    from infra.settings import attach, load_settings

    settings = attach(load_settings())

    async def work() -> "Liability":
        connection = await connect(settings.database_url or "")
        try:
            return await report(connection)
        finally:
            await connection.close()

    found = asyncio.run(work())
    if as_json:
        told = asdict(found) | {"breakage": found.breakage, "expected": found.expected}
        typer.echo(json.dumps(told))
    else:
        typer.echo("\n".join(lines(found)))


def lines(found: "Liability") -> list[str]:
    """The report as a person reads it."""
    breakage = "not known yet" if found.breakage is None else f"{found.breakage:.1%}"
    return [
        f"{found.owed:>16,}  points owed to {found.creditors:,} customers",
        f"{found.debt:>16,}  points of debt of {found.debtors:,} customers",
        f"{found.earned:>16,}  earned so far, less what was taken back",
        f"{found.redeemed:>16,}  redeemed so far, less what came back",
        f"{found.expired:>16,}  expired so far",
        f"{breakage:>16}  breakage: the share of what was used or expired that expired",
        f"{found.expected:>16,}  of the owed likely to be used",
        "",
        "  expiring at the end of",
        *(f"{each.points:>16,}  {each.month}, of {each.customers:,} customers" for each in found.ending),
    ]
