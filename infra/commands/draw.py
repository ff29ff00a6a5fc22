"""`hall draw`: the public record of a draw, and its verification without any server."""

import json
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from domain.lottery.verify import Day, Verdict

app = typer.Typer(no_args_is_help=True, help="Publish and verify the record of a draw.")

PAGE = 1_000
SHOWN = 20


@app.command()
def record(
    draw: Annotated[str, typer.Argument(help="The draw, as `smart-life/wake-up`.")],
) -> None:
    """Print the draw's whole record as JSON: what `verify` and the page /draws/verify read."""
    import asyncio

    from infra.home import HouseError

    campaign, _, code = draw.partition("/")

    async def work() -> dict[str, Any]:
        from infra.db.pool import open_pool
        from infra.db.stores.lottery import DrawRecord
        from infra.settings import attach, load_settings

        pool = await open_pool(
            attach(load_settings()).database_url or "", application="hall draw", min_size=1, max_size=1
        )
        try:
            kept = DrawRecord(pool)
            entries: list[dict[str, str]] = []
            after: int | None = 0
            while after is not None:
                page = await kept.entries((campaign, code), after=after, limit=PAGE)
                entries += [{"hash": digest, "text": text} for _, _, digest, text in page]
                after = page[-1][0] if len(page) == PAGE else None
            days = await kept.days((campaign, code))
        finally:
            await pool.close()
        if not days:
            raise HouseError(f"There is no draw {draw}: write it as `smart-life/wake-up`.")
        told = [{"day": day.day.isoformat(), "commitment": day.commitment, "secret": day.secret} for day in days]
        return {"format": "hall-draw/1", "draw": draw, "days": told, "entries": entries, "next": None}

    typer.echo(json.dumps(asyncio.run(work()), ensure_ascii=False))


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A record, as `hall draw record` or the page saves it; - reads stdin.")],
    sequence: Annotated[int | None, typer.Option(help="Show this entry too.")] = None,
) -> None:
    """Recompute a record without a network: every hash and link, every roll whose secret is revealed, every prize.

    Exits with 1 when anything is not as it should be.
    """
    from infra.home import HouseError

    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        told = json.loads(text)
        verdict = verdict_of(told)
        entries = [entry["text"] for entry in told["entries"]]
    except OSError as problem:
        raise HouseError(f"{file} cannot be read: {problem.strerror}.") from None
    except (ValueError, KeyError, TypeError):
        raise HouseError(f"{file} is not the record of a draw.") from None
    for entry in entries if sequence is not None else ():
        if f"\nsequence={sequence}\n" in entry:
            typer.echo(entry + "\n")
    for fault in verdict.faults[:SHOWN]:
        typer.echo(f"FAULT  {fault}")
    if len(verdict.faults) > SHOWN:
        typer.echo(f"FAULT  and {len(verdict.faults) - SHOWN} more")
    part = "" if verdict.whole or not verdict.entries else ", not from the first one on"
    typer.echo(
        f"{'ok    ' if not verdict.faults else 'BROKEN'} {told['draw']}: {verdict.entries} entries{part},"
        f" {verdict.rolled} rolls recomputed, head {verdict.head or '-'}"
    )
    if verdict.faults:
        raise typer.Exit(1)


def verdict_of(told: Any) -> "Verdict":
    """Raises ValueError, KeyError or TypeError for what is not a record."""
    from domain.lottery.verify import verify as recompute

    days = [_day(one) for one in told["days"]]
    return recompute(told["draw"], days, [(entry["hash"], entry["text"]) for entry in told["entries"]])


def _day(told: Any) -> "Day":
    from domain.lottery.verify import Day

    return Day(date.fromisoformat(told["day"]), told["commitment"], told["secret"])
