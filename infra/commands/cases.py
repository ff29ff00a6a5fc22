"""`hall cases`: what a person at the bank must look at, and closing it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from domain.operate.ports import CaseFacts

app = typer.Typer(no_args_is_help=True, help="List and close the cases a person must look at.")


@app.command("list")
def list_(
    closed: Annotated[bool, typer.Option("--closed", help="Those that are closed.")] = False,
    kind: Annotated[str | None, typer.Option(help="Only of this kind.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many, the oldest first.")] = 50,
) -> None:
    """List cases: id, since when, what, whose, and what it is about."""
    from infra.commands.campaign import on_the_hall
    from infra.db.stores.operate import OperateStore

    async def work(pool: Any, clock: Any, dsn: str) -> str:
        rows = await OperateStore(pool).cases("CLOSED" if closed else "OPEN", kind, None, limit)
        return "\n".join(_line(row) for row in rows) or "There are none."

    typer.echo(on_the_hall(work))


@app.command()
def close(
    id: Annotated[str, typer.Argument(help="A case's id.")],
    note: Annotated[str, typer.Option(help="How it was settled.")],
    by: Annotated[str | None, typer.Option("--by", help="Who closes it; the system's user unless said.")] = None,
) -> None:
    """Close a case. One that is closed stays as it is."""
    from getpass import getuser
    from uuid import UUID

    from domain.kernel.errors import InputInvalid
    from domain.operate.close_case import CloseCase, close_case
    from infra.commands.campaign import on_the_hall
    from infra.db.commit import GroupCommit
    from infra.db.stores.operate import OperateStore
    from infra.home import HouseError

    async def work(pool: Any, clock: Any, dsn: str) -> str:
        async with GroupCommit(dsn, in_flight=1, application="hall cases") as ledger:
            command = CloseCase(UUID(id), by or getuser(), note)
            case = await close_case(command, read=OperateStore(pool), ledger=ledger, clock=clock)
        if case is None:
            raise HouseError(f"There is no case {id}.")
        return f"Closed by {case.closed_by}: {case.note}"

    try:
        typer.echo(on_the_hall(work))
    except (InputInvalid, ValueError) as invalid:
        raise HouseError(str(invalid)) from None


def _line(case: "CaseFacts") -> str:
    import json

    from domain.kernel.time import iso

    about = json.dumps(case.details, ensure_ascii=False)
    return f"{case.id} {iso(case.at)} {case.kind} of {case.customer}, {case.offer or '-'}, {case.subject}: {about}"
