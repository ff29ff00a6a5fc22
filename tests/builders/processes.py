"""`hall serve` in a process of its own over the servers of a house."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from infra.commands.serve import listen
from tests.builders.house import House


class ServeProcess:
    """Answers at `base` once it is ready: what is asked before waits at its socket. home: the house's, for its keys."""

    def __init__(self, hall: House, valkey_url: str, home: Path) -> None:
        with listen("127.0.0.1", 0) as listening:
            self.base = f"http://127.0.0.1:{listening.getsockname()[1]}"
            descriptor = listening.fileno()
            self.process = subprocess.Popen(
                [sys.executable, "-m", "infra.cli", "serve", "--socket-fd", str(descriptor)],
                env={
                    **os.environ, "HALL_MODE": "sandbox", "HALL_HOME": str(home), "HALL_DATABASE_URL": hall.dsn,
                    "HALL_REDIS_URL": valkey_url,
                },
                pass_fds=[descriptor],
            )  # fmt: skip

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
