"""`hall campaign`: check, publish and show campaign plans."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.commands.changes import add_to

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from domain.kernel.time import Clock
    from infra.campaigns.tree import FileError

app = typer.Typer(no_args_is_help=True, help="Check, publish, show and change campaign plans.")

File = Annotated[Path, typer.Argument(help="A campaign file (YAML); docs/campaigns.md tells its format.")]
Start = Annotated[
    datetime | None,
    typer.Option("--start", formats=["%Y-%m-%d"], help="The first active day; else the file's `starts`."),
]


@app.command()
def check(
    file: File,
    start: Start = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Say everything that is wrong with FILE, and what to do about it. Exits with 1 on errors, not on warnings."""
    from infra.campaigns import check as checking
    from infra.campaigns.loader import head_of
    from infra.campaigns.tree import CampaignUnreadable

    try:
        text = checking.read_file(file)
        # Moments such as `day 8 19:00` need a first day, and whether a window of months ever opens depends on it.
        known = start.date() if start else head_of(text).starts
        day = known or datetime.now().astimezone().date()
        checked = checking.check(text, file=str(file), starts_on=day)
    except CampaignUnreadable as unreadable:
        checked = checking.Checked(None, unreadable.errors, ())
    if as_json:
        typer.echo(_json([("error", checked.errors), ("warning", checked.warnings)]))
    else:
        for error in checked.errors:
            typer.echo(f"{error}")
        for warning in checked.warnings:
            typer.echo(f"{warning} (warning)")
        if checked.campaign is not None:
            campaign = checked.campaign
            typer.echo(
                f"{campaign.code}: {len(campaign.offers)} offers, {len(campaign.draws)} draws; "
                f"{len(checked.errors)} errors, {len(checked.warnings)} warnings"
            )
            if known is None:
                typer.echo(f"checked as if it began today, {day}; --start says another day")
    if checked.errors:
        sys.exit(1)


@app.command()
def publish(
    file: File,
    reason: Annotated[str, typer.Option(help="Why, for the record.")],
    start: Start = None,
    author: Annotated[str | None, typer.Option(help="Who publishes; the system's user unless said.")] = None,
    second: Annotated[str | None, typer.Option(help="Who else agreed, where it is adverse to customers.")] = None,
) -> None:
    """Make FILE its campaign's next version, in force at once. The same file again changes nothing."""
    from getpass import getuser

    from infra.campaigns import publish as publishing
    from infra.campaigns.check import read_file
    from infra.campaigns.tree import CampaignUnreadable
    from infra.db.commit import GroupCommit
    from infra.home import HouseError

    async def work(pool: Any, clock: "Clock", dsn: str) -> str:
        async with GroupCommit(dsn, in_flight=1, application="hall campaign publish") as ledger:
            done = await publishing.publish(
                pool,
                ledger,
                read_file(file),
                file=str(file),
                starts_on=start.date() if start else None,
                author=author or getuser(),
                reason=reason,
                now=clock.now(),
                second=second,
                adverse_needs_second=True,
            )
        match done:
            case publishing.Published(campaign, 1):
                return f"{campaign} is published."
            case publishing.Published(campaign, version, effective_from):
                return f"{campaign} version {version} is in force from {_moment(effective_from)}."
            case publishing.Unchanged(campaign, version):
                return f"{campaign} is unchanged: this is version {version} already."

    try:
        typer.echo(on_the_hall(work))
    except CampaignUnreadable as unreadable:
        for error in unreadable.errors:
            typer.echo(f"{error}", err=True)
        sys.exit(1)
    except publishing.PublishRefused as refused:
        raise HouseError(str(refused)) from None


@app.command("list")
def list_() -> None:
    """Every published version: when it began to judge, who published it, and why."""
    from infra.campaigns.publish import BEGINNING, LISTED

    async def work(pool: Any, clock: "Clock", dsn: str) -> str:
        lines = []
        for row in await pool.fetch(LISTED):
            since = row["effective_from"]
            begins = "from the beginning" if since == BEGINNING else f"from {_moment(since)}"
            lines.append(
                f"{row['campaign']} version {row['version']}, active from {row['starts_on']}, judges {begins}; "
                f"published {_moment(row['published_at'])} by {row['author']}: {row['reason']} [{row['digest'][:12]}]"
            )
        return "\n".join(lines) or "Nothing is published."

    typer.echo(on_the_hall(work))


@app.command()
def show(
    code: Annotated[str, typer.Argument(help="A campaign's code.")],
    file: Annotated[bool, typer.Option("--file", help="Print the file as it was published.")] = False,
    version: Annotated[int | None, typer.Option(help="This version; the newest unless said.")] = None,
) -> None:
    """One campaign version: its phases, its accounts, and every offer as a customer reads it."""
    from infra.campaigns.show import shown
    from infra.home import HouseError

    async def work(pool: Any, clock: "Clock", dsn: str) -> str:
        async with pool.acquire() as conn:
            text = await shown(conn, code, version, clock.now(), as_file=file)
        if text is None:
            raise HouseError(f"There is no {code}{f' version {version}' if version else ''}: see `hall campaign list`.")
        return text

    typer.echo(on_the_hall(work))


def on_the_hall(work: "Callable[[Any, Clock, str], Awaitable[str]]") -> str:
    """Run `work(pool, clock, dsn)` on the hall that is set or runs here. Raises HouseError where there is none."""
    import asyncio

    from infra.clock import BusinessClock
    from infra.db.installation import check_database
    from infra.db.pool import open_pool
    from infra.settings import attach, load_settings

    settings = attach(load_settings(), cache=False)
    dsn = settings.database_url or ""

    async def run() -> str:
        await check_database(dsn, settings.mode)
        pool = await open_pool(dsn, application="hall campaign", min_size=1, max_size=2)
        try:
            clock = BusinessClock(pool if settings.sandbox else None)
            await clock.reread()
            return await work(pool, clock, dsn)
        finally:
            await pool.close()

    return asyncio.run(run())


def _moment(at: datetime) -> str:
    from domain.kernel.time import SHANGHAI

    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def _json(found: "Iterable[tuple[str, tuple[FileError, ...]]]") -> str:
    import json
    from dataclasses import asdict

    entries = [{"severity": severity, **asdict(each)} for severity, errors in found for each in errors]
    return json.dumps(sorted(entries, key=lambda each: each["line"]), ensure_ascii=False, indent=1)


add_to(app)
