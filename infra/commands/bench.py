"""`hall bench`: measure this hall against the limits of the machine it stands on, in one run."""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from infra.bench.frame import Result, Run

app = typer.Typer()

BENCHES = ("claim", "ingest", "hall", "pages", "till", "draw", "redeem", "book", "lists")


@app.command()
def bench(
    only: Annotated[str, typer.Option(help="Which ones, separated by commas.")] = ",".join(BENCHES),
    rounds: Annotated[int, typer.Option(min=1, max=99, help="Figures are medians over the rounds.")] = 5,
    quick: Annotated[bool, typer.Option("--quick", help="Short cells and little history: a smoke test.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
    gates: Annotated[bool, typer.Option("--gates", help="Exit with 1 when a gate is missed.")] = False,
) -> None:
    """Run the benchmarks, each beside its bound, on servers of their own. Leave the machine alone meanwhile."""
    import uvloop

    from infra.bench.frame import Result, as_json
    from infra.settings import load_settings

    wanted = [name.strip() for name in only.split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in BENCHES]:
        raise typer.BadParameter(f"{unknown[0]} is none of {', '.join(BENCHES)}", param_hint="--only")
    seconds = 1.0 if quick else 3.0
    results: list[Result] = []

    async def work() -> None:
        results.extend(await run_benches(load_settings().home / "bench", wanted, rounds, seconds, quick=quick))

    uvloop.run(work())
    if json_file:
        json_file.write_text(as_json(results, rounds=rounds, seconds=seconds))
    if missed := sum(not gate.ok for result in results for gate in result.gates):
        typer.echo(f"{missed} of {sum(len(result.gates) for result in results)} gates missed", err=True)
        if gates:
            sys.exit(1)


async def run_benches(
    place: Path, wanted: Sequence[str], rounds: int, seconds: float, *, quick: bool
) -> list["Result"]:
    """Run the benchmarks named, in turn, and show each as it ends. Their servers live in `place` meanwhile."""
    from rich.console import Console

    from infra.bench.frame import own_servers, show

    console = Console() if sys.stdout.isatty() else Console(width=150)
    results: list[Result] = []
    async with own_servers(place) as servers:
        for name in wanted:
            console.rule(name, align="left")
            run: Run = import_module(f"infra.bench.{name}").run
            for result in await run(
                servers, rounds=rounds, seconds=seconds, quick=quick, say=lambda line: console.print(f"[dim]{line}[/]")
            ):
                show(console, result)
                results.append(result)
    return results
