"""`hall worker`: applies events, keeps promises and makes the coming days' partitions, until SIGTERM or SIGINT."""

import asyncio
import signal
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from infra.settings import Settings

app = typer.Typer()

DRAIN_S = 5.0
PARTITIONS_EVERY_S = 3600.0


@app.command()
def worker() -> None:
    """Work on what is due. Needs HALL_DATABASE_URL and HALL_REDIS_URL."""
    import uvloop

    from infra.log import configure_logging
    from infra.settings import load_keys, load_settings, require_servers

    settings = require_servers(load_settings())
    configure_logging(settings.log_level, settings.log_format)
    load_keys(settings)
    uvloop.run(_work(settings))


async def _work(settings: "Settings") -> None:
    from infra.commands.serve import on_signals, tune_collector
    from infra.db.installation import check_database
    from infra.wiring import run_worker

    await check_database(settings.database_url or "", settings.mode)
    stop = asyncio.Event()
    on_signals(stop, signal.SIGINT, signal.SIGTERM)
    if settings.metrics_port:
        _serve_metrics(settings.host, settings.metrics_port)
    tune_collector()
    partitions = asyncio.create_task(keep_partitions(settings.database_url or "", stop))
    working = asyncio.create_task(run_worker(settings, stop))
    try:
        await asyncio.wait({working, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
        async with asyncio.timeout(DRAIN_S):
            await working
    except TimeoutError:
        pass  # what it held goes back to the queue when its lease runs out
    finally:
        stop.set()
        await partitions


async def keep_partitions(dsn: str, stop: asyncio.Event) -> None:
    """See to it that the coming days have partitions, now and every hour. A failure is logged and tried again."""
    from infra.db.installation import connect
    from infra.db.migrate import ensure_partitions
    from infra.log import get_logger

    log = get_logger(__name__)
    while not stop.is_set():
        try:
            connection = await connect(dsn)
            try:
                if made := await ensure_partitions(connection):
                    log.info("partitions made", partitions=made)
            finally:
                await connection.close()
        except Exception:
            log.exception("partitions not made")
        try:
            async with asyncio.timeout(PARTITIONS_EVERY_S):
                await stop.wait()
        except TimeoutError:
            continue


def _serve_metrics(host: str, port: int) -> None:
    from prometheus_client import start_http_server

    from infra.home import HouseError
    from infra.metrics import REGISTRY

    try:
        start_http_server(port, host, REGISTRY)
    except OSError:
        raise HouseError(f"Port {port} on {host} is taken: set HALL_METRICS_PORT to another one.") from None
