"""`hall parked`: events that could not be applied and wait for a person."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from infra.db.stores.stories import StoryStore

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_parked(limit: Annotated[int, typer.Option(help="At most so many, the oldest first.")] = 100) -> None:
    """List the parked events: when received, type, source and id, whose, after how many tries, and why."""
    import asyncio

    async def work(store: "StoryStore") -> None:
        rows = await store.parked(limit)
        for row in rows:
            typer.echo(
                f"{row['received_at']:%Y-%m-%d %H:%M:%S} {row['type']} {row['source']} {row['id']} "
                f"of {row['customer'] or 'nobody known'}, {row['attempts']} tries: {row['error']}"
            )
        left = await store.left()
        typer.echo(
            f"{left.get('PARKED', 0)} parked, {left.get('WAITING', 0)} waiting for another event, "
            f"{left.get('DUE', 0)} due."
        )

    asyncio.run(_with_store(work))


@app.command()
def retry(
    source: Annotated[str | None, typer.Option(help="Of this source only.")] = None,
    id: Annotated[str | None, typer.Option(help="Of this id only.")] = None,
) -> None:
    """Try parked events again: all of them, or those of a source or id."""
    import asyncio
    from datetime import UTC, datetime

    async def work(store: "StoryStore") -> None:
        count = await store.retry_parked(source, id, datetime.now(UTC))
        typer.echo(f"{count} events are due again.")

    asyncio.run(_with_store(work))


async def _with_store(work: "Callable[[StoryStore], Awaitable[None]]") -> None:
    from infra.db.pool import open_pool
    from infra.db.stores.stories import StoryStore
    from infra.settings import attach, load_settings

    settings = attach(load_settings())
    pool = await open_pool(settings.database_url or "", application="hall parked", min_size=1, max_size=1)
    try:
        await work(StoryStore(pool))
    finally:
        await pool.close()
