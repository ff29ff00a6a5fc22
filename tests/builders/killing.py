"""Ends a server the hard way, so that it can be started again at once."""

import os
import signal
from contextlib import suppress

import psutil

from infra.embedded import EmbeddedPostgres, EmbeddedValkey


def kill(server: EmbeddedPostgres | EmbeddedValkey) -> None:
    """The server and every child of it at once, in the middle of whatever they do. Returns when it has ended: a signal
    sent is not yet a death, and `start` leaves alone what is alive."""
    assert server.pid is not None
    first = psutil.Process(server.pid)
    for process in (first, *first.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            os.kill(process.pid, signal.SIGKILL)
    while server.alive:
        pass
