"""`hall lounges`: bring the directory of lounges up to what the provider tells."""

import os
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def lounges(
    url: Annotated[str, typer.Option(help="Base URL of the provider's feed; its token is HALL_LOUNGE_FEED_TOKEN.")],
    everything: Annotated[bool, typer.Option("--all", help="Ask for all lounges, not only for news.")] = False,
) -> None:
    """Ask the provider at URL for news of lounges and apply them. Safe to run again."""
    import asyncio

    from domain.lounge.feed import FeedFailed
    from infra.home import HouseError
    from infra.settings import attach, load_settings
    from infra.wiring import refresh_directory

    token = os.environ.get("HALL_LOUNGE_FEED_TOKEN", "")
    try:
        changed = asyncio.run(refresh_directory(attach(load_settings()), url, token, everything=everything))
    except FeedFailed as failed:
        raise HouseError(f"The lounges' provider cannot be asked: {failed}.") from failed
    typer.echo(f"{changed} lounges changed")
