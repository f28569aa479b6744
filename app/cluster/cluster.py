"""A cluster on one machine: starts everything in order, shows houses living and dying, stops everything in reverse."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import structlog
import uvloop

from app import logs as logging_of_house
from app.application import Signals, since_process_start
from app.cluster.front import Front
from app.cluster.greeting import ClusterGreeting, greet
from app.cluster.keeper import Keeper
from app.cluster.key import leave_key
from app.cluster.place import Place
from app.cluster.roster import KeptHouse, Roster, write_roster
from app.config import Config
from app.obstacles import cannot_listen
from storage.postgres_server import PostgresServer
from storage.redis_server import RedisServer

log = structlog.get_logger()

LOCAL = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 15.0  # a house needs 10 and the hand-over of what it owns
CONNECTIONS_PER_HOUSE = 30
LOGIN = "login: "  # how the line begins with which a house tells a password that it has just made


class Servers(NamedTuple):
    """What houses share. None where somebody else runs it."""

    postgres: PostgresServer | None
    redis: RedisServer | None
    dsn: str
    redis_url: str


def run(config: Config, houses: int) -> int:
    """Serve with so many houses until SIGTERM or SIGINT; a second signal ends everything at once. Returns 0.

    The servers are started before the event loop runs and stopped after it: both block.
    """
    data = config.data_folder
    data.mkdir(parents=True, exist_ok=True)
    logs = logging_of_house.start(
        path=config.log_file, level=config.log.level, rotate_bytes=config.log.max_bytes, keep=config.log.keep
    )
    connections = max(100, CONNECTIONS_PER_HOUSE * houses + 10)
    postgres = None if config.postgres.dsn else PostgresServer(data / "postgres", max_connections=connections)
    redis = None if config.redis.url else RedisServer(data / "redis")
    try:
        dsn = config.postgres.dsn if postgres is None else postgres.start()
        url = config.redis.url if redis is None else redis.start()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(Cluster(config, houses, Servers(postgres, redis, dsn, url)).serve())
    finally:
        for server in (redis, postgres):
            if server is not None:
                server.stop()
        logs.close()


class House(NamedTuple):
    """One house: who keeps it running, and how the front sees it."""

    keeper: Keeper
    place: Place
    data: Path


class Cluster:
    """The houses, their front, and the servers that they share."""

    def __init__(self, config: Config, houses: int, servers: Servers) -> None:
        self._config = config
        self._servers = servers
        self._password: str | None = None
        self._is_stopping = False
        self._changed = asyncio.Event()
        ports = free_ports(config.http.port, houses)
        self._houses = [self._make(f"house-{number}", port) for number, port in enumerate(ports, start=1)]
        self._front = Front(
            [house.place for house in self._houses], max_connections=config.http.max_connections * houses
        )

    async def serve(self) -> int:
        """Start, greet, wait for a signal, stop."""
        signals = Signals()
        url = await self._open_front()
        async with self._living():
            first, *others = self._houses
            if not await self._until_ready(signals, first):  # it makes tables and the first administrator, alone
                return 1
            await leave_key(self._config.data_folder, first.data, first.place.url, url)
            self._begin(*others)
            await self._until_ready(signals, *others)
            self._welcome(url)
            await signals.wait()
            log.info("cluster_stopping")
            self._front.close()
        log.info("cluster_stopped")
        return 0

    async def _open_front(self) -> str:
        host, port = self._config.http.host, self._config.http.port
        try:
            return await self._front.open(host, port)
        except OSError as error:
            raise cannot_listen(host, port, error) from error

    @asynccontextmanager
    async def _living(self) -> AsyncIterator[None]:
        """Watch over everything, with the first house begun; at the end stop all houses at the same time."""
        self._work = [asyncio.create_task(house.place.watch()) for house in self._houses]
        for name, server in (("postgres", self._servers.postgres), ("redis", self._servers.redis)):
            if server is not None:
                self._work.append(asyncio.create_task(server.watch(restarted(name))))
        self._begin(self._houses[0])
        try:
            yield
        finally:
            self._is_stopping = True
            for house in self._houses:
                house.keeper.stop()
            await asyncio.gather(*(house.keeper.stopped(STOP_SECONDS) for house in self._houses))
            await self._front.cut()
            for task in self._work:
                task.cancel()
            await asyncio.gather(*self._work, return_exceptions=True)

    def _begin(self, *houses: House) -> None:
        self._work += [asyncio.create_task(house.keeper.run(self._write_roster)) for house in houses]

    async def _until_ready(self, signals: Signals, *houses: House) -> bool:
        """Wait for houses; False when somebody wants to stop before, or it takes too long."""
        stopping = asyncio.create_task(signals.wait())
        try:
            async with asyncio.timeout(START_SECONDS):
                while not stopping.done():
                    if all(house.place.is_ready for house in houses):
                        return True
                    changed = asyncio.create_task(self._changed.wait())
                    await asyncio.wait((stopping, changed), return_when=asyncio.FIRST_COMPLETED)
                    changed.cancel()
                    self._changed.clear()
        except TimeoutError:
            log.error("cluster_incomplete", missing=[house.place.name for house in houses if not house.place.is_ready])  # noqa: TRY400
        finally:
            stopping.cancel()
        return False

    def _make(self, name: str, port: int) -> House:
        data = self._config.data_folder / "houses" / name
        arguments = ["--data", str(data), "--host", LOCAL, "--port", str(port)]
        if "file" in self._config.origin.sources.values() and self._config.origin.file is not None:
            arguments += ["--config", str(self._config.origin.file)]
        keeper = Keeper(name, arguments, os.environ | settings_of(self._config, self._servers, name), self._hear)
        return House(keeper, Place(name, LOCAL, port, self._tell), data)

    def _hear(self, line: str) -> None:
        if line.startswith(LOGIN):
            self._password = line.removeprefix(LOGIN).split(" / ", 1)[1].split()[0]

    def _tell(self, place: Place) -> None:
        """Say that a house is there, or not any more."""
        if self._is_stopping:
            return
        if place.is_ready:
            log.info("house_up", house=place.name, url=place.url)
        else:
            log.warning("house_down", house=place.name, why=place.missing)
        self._changed.set()

    def _write_roster(self) -> None:
        houses = [
            KeptHouse(house.keeper.name, house.keeper.pid or 0, house.place.url, str(house.data))
            for house in self._houses
        ]
        write_roster(self._config.data_folder, Roster(os.getpid(), houses))

    def _welcome(self, url: str) -> None:
        seconds = round(since_process_start(), 3)
        log.info("cluster_ready", url=url, houses=len(self._houses), startup_seconds=seconds)
        greeting = ClusterGreeting(
            url=url, data=str(self._config.data_folder), username=self._config.admin.username,
            password=self._password, seconds=seconds,
            houses=[(house.place.name, house.place.url) for house in self._houses],
            servers={"PostgreSQL": self._servers.postgres is not None, "Redis": self._servers.redis is not None},
        )  # fmt: skip
        if sys.stdout.isatty():
            sys.stdout.write(greet(greeting))
            sys.stdout.flush()
        elif self._password is not None:
            sys.stderr.write(f"{LOGIN}{greeting.username} / {self._password}   (shown once: keep it)\n")
            sys.stderr.flush()


def settings_of(config: Config, servers: Servers, name: str) -> Mapping[str, str]:
    """What a house of this cluster is told beside the settings that all have."""
    return {
        "POSTHOUSE_HOUSE_NAME": name,
        "POSTHOUSE_HOUSE_ADDRESS": "",
        "POSTHOUSE_DATA_SECRETS": str(config.secrets_folder),
        "POSTHOUSE_POSTGRES_DSN": servers.dsn,
        "POSTHOUSE_REDIS_URL": servers.redis_url,
        "POSTHOUSE_MAILBOX_TRANSPORT": "redis",
        "POSTHOUSE_HTTP_TRUSTED_PROXIES": ",".join([*config.http.trusted_proxies, LOCAL]),
        "POSTHOUSE_LOG_FILE": "",  # each its own, in its data folder
    }


def restarted(name: str) -> Callable[[float], None]:
    """Say when a server that had ended is back."""

    def tell(seconds: float) -> None:
        log.warning("server_restarted", server=name, away_seconds=round(seconds, 3))

    return tell


def free_ports(front: int, houses: int) -> list[int]:
    """Ports for houses: those behind the front's where they are free, else any."""
    with_numbers = [front + number if front else 0 for number in range(1, houses + 1)]
    probes = [_bound(port) for port in with_numbers]
    try:
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _bound(port: int) -> socket.socket:
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((LOCAL, port))
    except OSError:
        probe.bind((LOCAL, 0))
    return probe
