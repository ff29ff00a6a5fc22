"""The directory a hall keeps its state in (`HALL_HOME`): who holds it, its secrets, the ports it used last.

    lock            held (flock) by the one process that runs this hall; says that process's pid and address
    keys/           secrets made once, mode 0600 in a directory of mode 0700
    ports.json      so that a restart comes back on the same ports
    logs/           what the embedded servers say
    postgres/ valkey/

The home itself has mode 0711: PostgreSQL refuses to run as root and then runs as another user, who has to pass through.
"""

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path


class HouseError(Exception):
    """An expected failure while starting or running. Its text is one sentence for the person at the keyboard."""


class HomeInUse(HouseError):
    """Another process holds this lock; it is left alone."""

    def __init__(self, path: Path, pid: int | None, address: str | None) -> None:
        self.pid = pid
        self.address = address
        who = f"process {pid}" if pid else "another process"
        where = f" at {address}" if address else ""
        super().__init__(
            f"{path.parent} is in use by {who}{where}: stop that one first, or set HALL_HOME to another directory."
        )


@dataclass(slots=True)
class Lock:
    """A lock on a file that the system gives back when its holder dies, however it dies."""

    path: Path
    _fd: int | None = field(default=None, repr=False)

    @property
    def held(self) -> bool:
        return self._fd is not None

    def take(self, address: str | None = None) -> None:
        """Take the lock, or raise HomeInUse with what its holder wrote down. Taking it twice is harmless."""
        if self._fd is None:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pid, holder_address = _read_holder(fd)
                os.close(fd)
                raise HomeInUse(self.path, pid, holder_address) from None
            self._fd = fd
        note = json.dumps({"pid": os.getpid(), "address": address}).encode()
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, note, 0)

    def give_back(self) -> None:
        if self._fd is not None:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None


def _read_holder(fd: int) -> tuple[int | None, str | None]:
    try:
        note = json.loads(os.pread(fd, 4096, 0))
        return int(note["pid"]), note["address"]
    except (ValueError, KeyError, TypeError):
        return None, None  # the holder has not written yet


@dataclass(frozen=True, slots=True)
class Home:
    """An existing home directory. Made by `open_home`."""

    path: Path

    def lock(self, name: str = "lock") -> Lock:
        return Lock(self.path / name)

    def log(self, name: str) -> Path:
        logs = self.path / "logs"
        logs.mkdir(mode=0o700, exist_ok=True)
        return logs / f"{name}.log"

    def secret(self, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(32)) -> str:
        """The secret called `name`, made and kept on first use; of several who make it at once, one wins."""
        path = self.path / "keys" / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            draft = path.with_name(f".{name}.{secrets.token_hex(8)}")
            write_whole(draft, make().encode(), mode=0o600)
            with suppress(FileExistsError):
                path.hardlink_to(draft)
            draft.unlink()
        return path.read_text()

    def port(self, name: str, *, fresh: bool = False) -> int:
        """A free loopback port for the server called `name`: the one it had last, while that is free."""
        ports = self.ports()
        last = ports.get(name)
        if not fresh and last and port_is_free("127.0.0.1", last):
            return last
        ports[name] = _any_free_port()
        write_whole(self.path / "ports.json", json.dumps(ports).encode(), mode=0o600)
        return ports[name]

    def ports(self) -> dict[str, int]:
        """The ports used last, by server."""
        try:
            return {str(name): int(port) for name, port in json.loads((self.path / "ports.json").read_bytes()).items()}
        except (OSError, ValueError, AttributeError):
            return {}

    def is_free(self) -> bool:
        """Whether no hall runs here now."""
        return self.running() is None

    def running(self) -> HomeInUse | None:
        """The hall that runs here now, with what it wrote down of itself; None where none does."""
        lock = self.lock()
        if not lock.path.exists():
            return None
        try:
            lock.take()
        except HomeInUse as holder:
            return holder
        lock.give_back()
        return None


def open_home(path: Path) -> Home:
    """The home at `path`, made when missing. Raises HouseError when that cannot be done."""
    path = path.expanduser().absolute()
    try:
        if not path.is_dir():
            path.mkdir(parents=True)
            path.chmod(0o711)
    except OSError as error:
        raise HouseError(
            f"{path} cannot be used as the hall's home ({error.strerror}): set HALL_HOME to a directory you may write."
        ) from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise HouseError(f"{path} may not be written: set HALL_HOME to a directory you may write.")
    return Home(path)


def write_whole(path: Path, content: bytes, *, mode: int) -> None:
    """Write a file so that a reader, or a crash, sees all of it or none."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        os.write(fd, content)
        os.fsync(fd)
    finally:
        os.close(fd)
    draft.replace(path)


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: TIME_WAIT is no hindrance
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _any_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
