"""`hall run`: everything a hall needs, started, watched and ended by one process.

    lock the home, listen on the port
    PostgreSQL, Valkey          embedded, unless the settings name others
    migrate
    hall serve, hall worker     children that share the listening socket
    the shipped plans           published if they are not
    the demo people, once       when the hall is ready

A child or server that dies is started again, at once the first time and slower while it keeps dying. Connections made
meanwhile wait on the listening socket, which stays here. All of it dies with this process, however that ends, and the
next start goes on from what is durable.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

from infra.commands.serve import listen
from infra.db.installation import claim, read_note, wait_until_up, write_note
from infra.db.migrate import migrate
from infra.embedded import EmbeddedPostgres, EmbeddedValkey, dies_with_parent
from infra.home import Home, HouseError, open_home
from infra.log import get_logger
from infra.settings import Settings, load_keys

log = get_logger(__name__)

WATCH_S = 0.05
STEADY_S = 10.0
"""What lived this long starts again at once when it dies."""

BACKOFF_S = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
CHILD_STOP_S = 6.0
PORT_PATIENCE_S = 1.0
"""The children of a killed hall hold the port a moment longer than it."""

FRUITLESS_STARTS = 3
"""A child that ended this often by itself, and never lived STEADY_S, will not do better: the hall ends."""

READY_TIMEOUT_S = 120.0
DATABASE_PATIENCE_S = 30.0
DEMO = "demo"
"""The note in the database: the demo people are loaded; its value is one customer to show."""

Progress = Callable[[int, int, str], None]
"""(done, of how many, of what)."""


@dataclass(frozen=True, slots=True)
class Doors:
    """What of the hall itself this calls. `infra.wiring` fills it; tests fill it with small ones of their own.

    publish: publishes the shipped plans that are not published yet. Runs at every start in sandbox mode, after the
        migrations and while the children start; `/readyz` should say no until there is a plan.
    load_demo: loads the demo people through the hall at the given address; told to go on where a killed one stopped;
        returns a customer to show, if any.
    serve, worker: the children's command lines; serve's gets `--socket-fd N` added.
    """

    publish: Callable[[Settings], Awaitable[object]]
    load_demo: Callable[[Settings, str, Progress], Awaitable[str | None]]
    serve: Sequence[str] = (sys.executable, "-m", "infra.cli", "serve")
    worker: Sequence[str] = (sys.executable, "-m", "infra.cli", "worker")


class Screen(Protocol):
    """Where the person at the keyboard reads how it goes."""

    def step(self, text: str) -> None: ...
    def progress(self, done: int, total: int, what: str) -> None: ...
    def ready(self, settings: Settings, customer: str | None, token: str | None) -> None: ...


class Kept(Protocol):
    """What is started again when it dies."""

    @property
    def name(self) -> str: ...
    @property
    def alive(self) -> bool: ...
    async def start(self) -> object: ...
    async def stop(self) -> None: ...


@dataclass(slots=True)
class Child:
    """A process of ours that dies with us."""

    name: str
    command: Sequence[str]
    environment: Callable[[], Mapping[str, str]]
    pass_fds: Sequence[int] = ()
    buried: Callable[[int], None] = lambda pid: None
    """Told the pid of one that died."""

    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def ended_by_itself(self) -> bool:
        """Dead, and not by a signal."""
        code = self._process.poll() if self._process else None
        return code is not None and code >= 0

    async def start(self) -> None:
        if self._process:
            self.buried(self._process.pid)
        self._process = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            env=self.environment(),
            pass_fds=self.pass_fds,
            start_new_session=True,  # Ctrl-C at the terminal is ours to pass on
            preexec_fn=dies_with_parent(signal.SIGKILL),
        )

    async def stop(self) -> None:
        if self._process is None:
            return
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is None:
                self._process.send_signal(sign)
            for _ in range(int(CHILD_STOP_S / WATCH_S)):
                if self._process.poll() is not None:
                    return
                await asyncio.sleep(WATCH_S)

    def kill(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.kill()


class Supervisor:
    """Keeps things running. `on_restart` is told what was started again, after it is up."""

    def __init__(self, on_restart: Callable[[Kept], Awaitable[None]] | None = None) -> None:
        self._kept: list[Kept] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._on_restart = on_restart

    async def keep(self, thing: Kept) -> None:
        """Start it and see that it stays. It is stopped in the end, after all that was given later."""
        self._kept.append(thing)
        await thing.start()
        self._watchers.append(asyncio.create_task(self._watch(thing), name=thing.name))

    async def failed(self) -> None:
        """Returns never; raises the HouseError of a thing that cannot be kept."""
        while True:
            if self._watchers:
                done, _ = await asyncio.wait(self._watchers, timeout=WATCH_S * 4, return_when=asyncio.FIRST_COMPLETED)
                for watcher in done:
                    watcher.result()
            else:
                await asyncio.sleep(WATCH_S)

    async def _watch(self, thing: Kept) -> None:
        loop = asyncio.get_running_loop()
        born, deaths, fruitless = loop.time(), 0, 0
        while True:
            await asyncio.sleep(WATCH_S)
            if thing.alive:
                continue
            if loop.time() - born > STEADY_S:
                deaths, fruitless = 0, -sys.maxsize
            deaths += 1
            fruitless += isinstance(thing, Child) and thing.ended_by_itself
            if fruitless >= FRUITLESS_STARTS:
                raise HouseError(f"{thing.name} does not stay up: the lines above say why.")
            wait = BACKOFF_S[min(deaths, len(BACKOFF_S)) - 1]
            log.warning("died and is started again", what=thing.name, in_seconds=wait)
            await asyncio.sleep(wait)
            born = loop.time()
            try:
                await thing.start()
            except HouseError as error:
                log.error("did not start", what=thing.name, why=str(error))
                continue
            if self._on_restart:
                await self._on_restart(thing)

    async def stop(self) -> None:
        """End everything, the latest first; children of the same age together."""
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        children = [thing for thing in self._kept if isinstance(thing, Child)]
        await asyncio.gather(*(child.stop() for child in children))
        for thing in reversed(self._kept):
            if not isinstance(thing, Child):
                await thing.stop()

    def kill(self) -> None:
        for thing in self._kept:
            if isinstance(thing, Child):
                thing.kill()


class Hall:
    """One run. `run` returns when it was asked to end, and everything has ended."""

    def __init__(self, settings: Settings, doors: Doors, screen: Screen) -> None:
        self._settings = settings
        self._doors = doors
        self._screen = screen
        self._postgres: EmbeddedPostgres | None = None
        self._valkey: EmbeddedValkey | None = None
        self._children: list[Child] = []
        self._supervisor = Supervisor(on_restart=self._restarted)

    async def run(self) -> None:
        """Raises HouseError when the hall cannot start, or cannot be kept."""
        load_keys(self._settings)
        home = open_home(self._settings.home)
        self._settings = self._settings.with_(home=home.path)
        lock = home.lock()
        lock.take(self._settings.base_url)
        try:
            with await _listen(self._settings) as listening:
                await self._until_asked(home, listening)
        finally:
            lock.give_back()

    async def _until_asked(self, home: Home, listening: socket.socket) -> None:
        asked = asyncio.Event()

        def ask() -> None:
            if asked.is_set():
                self._supervisor.kill()  # a second Ctrl-C: not waiting for requests any more
            asked.set()

        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        for sign in signals:
            loop.add_signal_handler(sign, ask)
        work = asyncio.create_task(self._work(home, listening))
        asking = asyncio.create_task(asked.wait())
        try:
            await asyncio.wait({work, asking}, return_when=asyncio.FIRST_COMPLETED)
            if asked.is_set():
                self._screen.step("ending: requests under way are finished")
        finally:
            for task in (work, asking):
                task.cancel()
            outcome = (await asyncio.gather(work, asking, return_exceptions=True))[0]
            listening.close()
            await self._supervisor.stop()
            for sign in signals:
                loop.remove_signal_handler(sign)
        if isinstance(outcome, Exception):
            raise outcome

    async def _work(self, home: Home, listening: socket.socket) -> None:
        await self._start_servers(home)
        settings = self._settings
        dsn = settings.database_url or ""
        for name in await migrate(dsn):
            self._screen.step(f"migrated {name}")
        await claim(dsn, settings.mode)
        await self._start_children(home, listening)
        failing = asyncio.create_task(self._supervisor.failed())
        serving = asyncio.create_task(self._publish_and_open())
        try:
            await asyncio.wait({failing, serving}, return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                serving.result()
            await failing
        finally:
            for task in (failing, serving):
                task.cancel()
            await asyncio.gather(failing, serving, return_exceptions=True)

    async def _start_servers(self, home: Home) -> None:
        if not self._settings.database_url:
            self._screen.step(
                "starting PostgreSQL" + ("" if self._settings.sandbox else ", in production: to try it only")
            )
            self._postgres = EmbeddedPostgres(home)
            await self._supervisor.keep(self._postgres)
            self._settings = self._settings.with_(database_url=self._postgres.dsn)
        else:
            await wait_until_up(self._settings.database_url, DATABASE_PATIENCE_S)
        if not self._settings.redis_url:
            self._screen.step("starting Valkey")
            self._valkey = EmbeddedValkey(home)
            await self._supervisor.keep(self._valkey)
            self._settings = self._settings.with_(redis_url=self._valkey.url)

    async def _start_children(self, home: Home, listening: socket.socket) -> None:
        counted = home.path / "metrics"
        shutil.rmtree(counted, ignore_errors=True)
        counted.mkdir(mode=0o700)

        def environment() -> dict[str, str]:
            return {**os.environ, **_as_environment(self._settings), "PROMETHEUS_MULTIPROC_DIR": str(counted)}

        def buried(pid: int) -> None:
            for left in counted.glob(f"gauge_live*_{pid}.db"):  # as prometheus_client's mark_process_dead
                left.unlink(missing_ok=True)

        fd = listening.fileno()
        web = (*self._doors.serve, "--socket-fd", str(fd))
        self._screen.step("starting the web process and the worker")
        count = self._settings.serve_processes
        names = ["serve"] if count == 1 else [f"serve {n}" for n in range(1, count + 1)]
        self._children = [
            *(Child(name, web, environment, pass_fds=(fd,), buried=buried) for name in names),
            Child("worker", tuple(self._doors.worker), environment, buried=buried),
        ]
        for child in self._children:
            await self._supervisor.keep(child)

    async def _restarted(self, thing: Kept) -> None:
        """A server that came back at another address takes the children with it: they know only the old one."""
        settings = self._settings
        if self._postgres and thing is self._postgres:
            settings = settings.with_(database_url=self._postgres.dsn)
        if self._valkey and thing is self._valkey:
            settings = settings.with_(redis_url=self._valkey.url)
        if settings != self._settings:
            self._settings = settings
            for child in self._children:
                await child.stop()

    async def _publish_and_open(self) -> None:
        if self._settings.sandbox:
            await self._doors.publish(self._settings)  # while the children start: they are ready when it is done
        await self._until_ready()
        customer, token = None, None
        if self._settings.sandbox:
            customer = await self._demo()
            if customer:
                token = await _token(self._settings.base_url, customer)
        self._screen.ready(self._settings, customer, token)

    async def _until_ready(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + READY_TIMEOUT_S
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            while loop.time() < deadline:
                with suppress(httpx.TransportError):
                    if (await client.get(f"{self._settings.base_url}/readyz")).status_code == 200:
                        return
                await asyncio.sleep(WATCH_S)
        raise HouseError(f"The hall is not ready after {READY_TIMEOUT_S:.0f} s: the lines above say why.")

    async def _demo(self) -> str | None:
        """Load the demo people if this database has none. A failure is told, and the hall serves without them."""
        dsn = self._settings.database_url or ""
        try:
            customer = await read_note(dsn, DEMO)
            if customer is None:
                customer = await self._doors.load_demo(self._settings, self._settings.base_url, self._screen.progress)
                await write_note(dsn, DEMO, customer or "")
        except Exception as error:
            log.exception("demo people not loaded")
            self._screen.step(f"the demo people are not loaded ({error}); the next start goes on with them")
            return None
        return customer or None


async def _listen(settings: Settings) -> socket.socket:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PORT_PATIENCE_S
    while True:
        try:
            return listen(settings.host, settings.port)
        except HouseError:
            if loop.time() > deadline:
                raise
            await asyncio.sleep(WATCH_S)


def _as_environment(settings: Settings) -> dict[str, str]:
    """The settings as a child reads them."""
    spoken: dict[str, Any] = {
        "MODE": settings.mode.value,
        "HOST": settings.host,
        "PORT": settings.port,
        "HOME": settings.home,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "PLAN_START": settings.plan_start,
        "LOG_LEVEL": settings.log_level,
        "LOG_FORMAT": settings.log_format.value,
    }
    return {f"HALL_{name}": str(value) for name, value in spoken.items() if value is not None}


async def _token(base_url: str, customer: str) -> str | None:
    try:
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            answer = await client.post(f"{base_url}/sandbox/session", json={"customer": customer})
            return str(answer.json()["accessToken"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return None


def run(settings: Settings, doors: Doors, screen: Screen) -> None:
    """Run a hall until SIGINT, SIGTERM or SIGHUP. From the main thread: what it starts dies with that thread."""
    asyncio.run(Hall(settings, doors, screen).run())
