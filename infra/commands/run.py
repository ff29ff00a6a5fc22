"""`hall run`: everything at once, for whoever has just cloned it, and for acceptance."""

import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from infra.run import Progress
    from infra.settings import Settings

app = typer.Typer()


@app.command()
def run() -> None:
    """Start PostgreSQL, Valkey, the web process and the worker, and keep them until Ctrl-C.

    Sandbox mode unless HALL_MODE says otherwise. State is kept in HALL_HOME (.hall).
    """
    from infra.log import configure_logging
    from infra.run import Doors, run
    from infra.settings import LogFormat, Mode, load_settings, misspelt

    console = LogFormat.CONSOLE if sys.stderr.isatty() else LogFormat.JSON
    settings = load_settings(mode=Mode.SANDBOX, log_format=console)
    configure_logging(settings.log_level, settings.log_format)
    screen = Terminal()
    for sentence in misspelt():
        screen.step(sentence)

    async def publish(settings: "Settings") -> object:
        from infra.wiring import publish_shipped_plans

        return await publish_shipped_plans(settings)

    async def load_demo(settings: "Settings", base_url: str, progress: "Progress") -> str | None:
        from infra.wiring import load_demo

        return await load_demo(settings, base_url, progress)

    run(settings, Doors(publish=publish, load_demo=load_demo), screen)


class Terminal:
    """Tells a person how it goes: a bar and a panel on a terminal, plain lines anywhere else."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console()
        self._told = -1

    def step(self, text: str) -> None:
        self._console.print(f"[dim]·[/dim] {text}", highlight=False)

    def progress(self, done: int, total: int, what: str) -> None:
        """A line each tenth of the way, so that a log of it stays readable too."""
        tenth = done * 10 // max(total, 1)
        if tenth != self._told:
            self._told = tenth
            self.step(f"{what}: {done:,} of {total:,}")

    def ready(self, settings: "Settings", customer: str | None, token: str | None) -> None:
        from rich.panel import Panel
        from rich.table import Table

        base = settings.base_url
        rows = [("GraphQL", f"{base}/graphql")]
        if settings.sandbox:
            rows.append(("GraphQL page", f"{base}/graphql (open it in a browser)"))
        rows += [("Ready", f"{base}/readyz"), ("Metrics", f"{base}/metrics"), ("State", str(settings.home))]
        table = Table.grid(padding=(0, 2))
        for label, value in rows:
            table.add_row(f"[bold]{label}[/bold]", value)
        self._console.print(Panel(table, title="The life benefits hall is open", expand=False))
        if token:
            self._console.print(f"A token of the demo customer {customer} (another one: hall token {customer}):\n")
            self._plain(f"TOKEN={token}\n")
            self._plain(
                f"curl -s {base}/graphql -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' "
                '-d \'{"query":"{ viewer { __typename } }"}\'\n'
            )
        self._console.print("Ctrl-C ends it; what it holds stays.")

    def _plain(self, text: str) -> None:
        """Unwrapped and unstyled: to be copied."""
        self._console.print(text, soft_wrap=True, highlight=False, markup=False)
