"""`hall reconcile`: every conservation law over the live database, one line a law, exit 1 when one is broken."""

import typer

app = typer.Typer()


@app.command()
def reconcile() -> None:
    """Check every conservation law. Safe while the hall runs: all of it is one snapshot."""
    import asyncio

    from infra.db.installation import connect
    from infra.db.reconcile import reconcile as check
    from infra.settings import attach, load_settings

    settings = attach(load_settings())

    async def work() -> bool:
        connection = await connect(settings.database_url or "")
        try:
            laws = await check(connection)
        finally:
            await connection.close()
        for law in laws:
            typer.echo(f"{'ok    ' if law.ok else 'BROKEN'} {law.number} {law.name}: {law.detail}")
        return all(law.ok for law in laws)

    if not asyncio.run(work()):
        raise typer.Exit(1)
