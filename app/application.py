"""Runs a house: starts everything in order, serves, and stops it in reverse."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import structlog
import uvloop
from aiohttp import web

from actors.errors import NotFound
from actors.messages.account import EnsureAdmin
from actors.messages.api_key import CreateApiKey, DeleteApiKey
from actors.runtime.message import SYSTEM, Caller
from app import logs as logging_of_house
from app.cli.operator import Operator, read_operator, write_operator
from app.composition import House, compose
from app.config import Config
from app.greeting import Greeting, greet
from app.logs import Logs
from app.memory import give_memory_back, leave_alone_what_stays
from app.obstacles import cannot_listen
from handlers.server import Runner
from storage.postgres_server import PostgresServer

log = structlog.get_logger()

SOCKETS_SECONDS = 3.0
"""Open sockets are closed over this time, so that not all of them come back at once."""


def run(config: Config) -> int:
    """Serve until SIGTERM or SIGINT; a second signal ends the process at once. Returns 0 when it stopped as asked.

    PostgreSQL is started before the event loop runs and stopped after it: both block.
    """
    give_memory_back()
    config.data_folder.mkdir(parents=True, exist_ok=True)
    logs = logging_of_house.start(
        path=config.log_file, level=config.log.level, rotate_bytes=config.log.max_bytes, keep=config.log.keep
    )
    if (trouble := logging_of_house.trouble_with(config.log_file)) is not None:
        log.warning("log_file_failed", file=str(config.log_file), error=str(trouble))
    server = None if config.postgres.dsn else PostgresServer(config.data_folder / "postgres")
    try:
        dsn = config.postgres.dsn if server is None else server.start()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(serve(config, dsn, server, logs))
    finally:
        if server is not None:
            server.stop()
        logs.close()


async def serve(config: Config, dsn: str, server: PostgresServer | None, logs: Logs) -> int:
    """Start, greet, wait for a signal, stop."""
    signals = Signals()
    async with compose(config, dsn, server, logs) as house, listening(config, house) as url:
        greeting = await welcome(config, house, dsn, url)
        leave_alone_what_stays()
        house.open(signals.give_up)
        log.info("house_ready", url=url, startup_seconds=greeting.seconds)
        tell(greeting)
        await signals.wait()
        log.info("house_stopping")
        house.close()
    log.info("house_stopped")
    return 1 if signals.is_lost else 0


def tell(greeting: Greeting) -> None:
    """Greet a person at a terminal. Elsewhere a password that was just made goes to stderr, once: to no log."""
    if sys.stdout.isatty():
        sys.stdout.write(greet(greeting))
        sys.stdout.flush()
    elif greeting.password is not None:
        sys.stderr.write(f"login: {greeting.username} / {greeting.password}   (shown once: keep it)\n")
        sys.stderr.flush()


class Signals:
    """Waits for the first signal; the second one ends the process at once."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self.is_lost = False  # it stops because it may write no more
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._hear)

    async def wait(self) -> None:
        """Return when the house is to stop."""
        await self._asked.wait()

    def give_up(self) -> None:
        """Stop the house because it may write no more: whoever keeps it running starts it anew."""
        self.is_lost = True
        self._asked.set()

    def _hear(self) -> None:
        if self._asked.is_set():
            os._exit(130)  # PostgreSQL follows its parent by itself
        self._asked.set()


@contextlib.asynccontextmanager
async def listening(config: Config, house: House) -> AsyncIterator[str]:
    """Serve HTTP and sockets; at the end take no more connections, close the sockets, let requests finish."""
    runner = Runner(
        house.web,
        max_connections=config.http.max_connections,
        trusted_proxies=config.http.trusted_proxies,
        keepalive_timeout=config.http.keepalive_seconds,
        shutdown_timeout=4.0,
    )
    await runner.setup()
    site = web.TCPSite(runner, config.http.host, config.http.port, backlog=1024)
    try:
        await site.start()
    except OSError as error:
        raise cannot_listen(config.http.host, config.http.port, error) from error
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{'127.0.0.1' if host == '0.0.0.0' else f'[{host}]' if ':' in host else host}:{port}"  # noqa: S104
    finally:
        await site.stop()
        await house.realtime.close_all(SOCKETS_SECONDS)
        await runner.cleanup()


async def welcome(config: Config, house: House, dsn: str, url: str) -> Greeting:
    """Make sure that there is an administrator, and a key for commands on this machine."""
    wanted = EnsureAdmin(username=config.admin.username, password=config.admin.password or None)
    admin = await house.refs("accounts").ask(wanted, SYSTEM)
    caller = Caller(user_id=admin.user_id, role="super_admin", scopes=frozenset({"read", "write", "worker"}))
    last = await asyncio.to_thread(read_operator, config.data_folder)
    if last is not None:
        with contextlib.suppress(NotFound):
            await house.refs("api_key", last.api_key_id).ask(DeleteApiKey(api_key_id=last.api_key_id), caller)
    made = CreateApiKey(name="commands on the house's own machine", scopes=("read", "write", "worker"))
    key = await house.refs("api_keys").ask(made, caller)
    operator = Operator(url=url, api_key=key.key, api_key_id=key.id, dsn=dsn)
    await asyncio.to_thread(write_operator, config.data_folder, operator)
    return Greeting(
        url=url, data=str(config.data_folder), log_file=str(config.log_file), username=config.admin.username,
        password=admin.password, seconds=round(since_process_start(), 3),
    )  # fmt: skip


def since_process_start() -> float:
    """Seconds since the kernel made this process; set-up and imports count."""
    try:
        ticks = int(Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError):
        return time.process_time()
