"""`hall migrate`: bring the database to the present shape."""

import asyncio

import typer

app = typer.Typer()


@app.command()
def migrate() -> None:
    """Apply the missing migrations and make the coming days' partitions."""
    from infra.db.installation import connect
    from infra.db.migrate import migrate
    from infra.log import configure_logging
    from infra.settings import attach, load_settings

    settings = attach(load_settings(), cache=False)
    configure_logging(settings.log_level, settings.log_format)
    dsn = settings.database_url or ""

    async def work() -> list[str]:
        await (await connect(dsn)).close()  # says in one sentence what is wrong with the connection
        return await migrate(dsn)

    applied = asyncio.run(work())
    typer.echo("\n".join(f"applied {name}" for name in applied) or "nothing to apply")
