"""The command `hall`.

A command's module is imported when the command is called, so that `hall --help` answers at once. What is expected to go
wrong (HouseError) is one sentence on stderr and exit code 1.
"""

import sys
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup


class Command(NamedTuple):
    module: str
    """Its `app`, a typer.Typer: one command, or a group of several."""

    help: str


COMMANDS = {
    "run": Command("infra.commands.run", "Run everything: servers, web process, worker, demo. Ctrl-C ends it."),
    "serve": Command("infra.commands.serve", "Run one web process on the given servers."),
    "worker": Command("infra.commands.worker", "Run one worker on the given servers."),
    "migrate": Command("infra.commands.migrate", "Bring the database to the present shape."),
    "campaign": Command("infra.commands.campaign", "Check, publish, show and change campaign plans."),
    "cases": Command("infra.commands.cases", "List and close the cases a person must look at."),
    "customers": Command("infra.commands.customers", "Put a customer's benefits on hold, and lift it."),
    "parked": Command("infra.commands.events", "List what waits for a person, and try it again."),
    "settlement": Command("infra.commands.settlement", "Merchants' statements: list, show, close, check."),
    "points": Command("infra.commands.points", "What the bank owes in points."),
    "draw": Command("infra.commands.draw", "Publish and verify the record of a draw."),
    "lounges": Command("infra.commands.lounges", "Refresh the directory of lounges from its provider."),
    "reconcile": Command("infra.commands.reconcile", "Check every conservation law over the live database."),
    "bench": Command("infra.commands.bench", "Measure this hall."),
    "token": Command("infra.commands.token", "Print a demo customer's access token (sandbox)."),
}


class _Lazy(TyperGroup):
    """Knows its commands by name and help; loads the one that is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        command = COMMANDS.get(cmd_name)
        return typer.core.TyperCommand(cmd_name, help=command.help) if command else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _, rest = super().resolve_command(ctx, args)
        if name is None:
            return name, None, rest
        loaded = typer.main.get_command(import_module(COMMANDS[name].module).app)
        loaded.name = name
        return name, loaded, rest


app = typer.Typer(
    cls=_Lazy,
    help="The life benefits hall. Settings are environment variables that begin with HALL_.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _hall() -> None:
    pass


def main() -> None:
    """The entry point. HouseError is recognised here without importing what it comes from."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        from infra.home import HouseError

        if not isinstance(error, HouseError):
            raise
        print(f"hall: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
