"""Wires between hosts and servers: bytes arrive in order, late, or not at all."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from random import Random
from typing import Any

from tests.simulation.loop import Host, SimLoop


class Server(ABC):
    """What all servers have in common: they may be frozen, and away."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.frozen_until = 0.0
        self.is_away = False  # connections are refused
        self.wires: list[Wire] = []

    @abstractmethod
    def restart(self) -> None:
        """Lose what is not kept, and every connection."""


class Network:
    """All routes. Delays come from the seed; what is sent while a route is closed arrives when it is open again."""

    def __init__(self, loop: SimLoop, random: Random) -> None:
        self.loop = loop
        self.random = random
        self.closed_until: dict[tuple[str, str], float] = {}  # (host, server)
        self.slow_until: dict[tuple[str, str], float] = {}

    def delay(self, host: Host, server: Server) -> float:
        """Seconds that the next message takes."""
        loop, route = self.loop, (host.name, server.name)
        now, chance = loop._now, self.random.random()
        seconds = 0.0002 + 0.001 * chance if chance < 0.97 else 0.03 * (chance - 0.97) / 0.03
        if self.slow_until and self.slow_until.get(route, 0.0) > now:
            seconds += 0.4 * self.random.random()
        if self.closed_until and (until := self.closed_until.get(route, 0.0)) > now:
            seconds += until - now
        return seconds


class Wire:
    """One connection of a host to a server. ``on_end`` tells the server, ``on_lost`` the host, that it is over."""

    __slots__ = (
        "_back_at",
        "_there_at",
        "drops_there",
        "host",
        "is_closed",
        "is_cut",
        "network",
        "on_end",
        "on_lost",
        "server",
        "stuck_until",
    )

    def __init__(
        self, network: Network, host: Host, server: Server, on_lost: Callable[[], None], on_end: Callable[[], None]
    ) -> None:
        self.network, self.host, self.server = network, host, server
        self.on_lost, self.on_end = on_lost, on_end
        self.is_closed = False  # by the host
        self.is_cut = False  # by somebody else
        self.drops_there = False
        self.stuck_until = 0.0  # what is under way to the server arrives no sooner
        self._there_at = self._back_at = 0.0
        server.wires.append(self)

    def send(self, callback: Callable[..., None], *args: Any) -> None:
        """Let something happen in the server, behind all that was sent before."""
        if self.host.may_send() and not self.is_closed:
            self._there(callback, args)

    def _there(self, callback: Callable[..., None], args: tuple[Any, ...]) -> None:
        loop = self.network.loop
        self._there_at = max(self._there_at, loop._now + self.network.delay(self.host, self.server))
        loop.at(loop.nature, self._there_at, self._arrive, callback, args)

    def _arrive(self, callback: Callable[..., None], args: tuple[Any, ...]) -> None:
        loop, server = self.network.loop, self.server
        if self.is_cut and self.drops_there and callback != self._ended:
            return
        until = max(server.frozen_until, self.stuck_until)
        if until > loop._now:
            loop.at(loop.nature, until, self._arrive, callback, args)
        else:
            callback(*args)

    def reply(self, callback: Callable[..., None], *args: Any, work_seconds: float = 0.0) -> None:
        """Let something happen in the host, behind all that was sent back before."""
        if self.is_cut or self.is_closed:
            return
        loop = self.network.loop
        self._back_at = max(self._back_at, loop._now + work_seconds + self.network.delay(self.host, self.server))
        loop.at(self.host, self._back_at, self._come_back, callback, args)

    def _come_back(self, callback: Callable[..., None], args: tuple[Any, ...]) -> None:
        if not self.is_cut and not self.is_closed:
            callback(*args)

    def close(self) -> None:
        """The host closes it (or dies): the server hears of it after all that was sent before."""
        if not self.is_closed:
            self.is_closed = True
            if not self.is_cut:
                self._there(self._ended, ())

    def _ended(self) -> None:
        if self in self.server.wires:
            self.server.wires.remove(self)
            self.on_end()

    def cut(self, *, drops_there: bool) -> None:
        """Somebody cuts it. What was sent back is lost; what is under way to the server too if ``drops_there``."""
        if self.is_cut or self.is_closed:
            return
        loop, delay = self.network.loop, self.network.delay
        self.is_cut, self.drops_there = True, drops_there
        loop.at(self.host, loop._now + delay(self.host, self.server), self._lost)
        self._there(self._ended, ())

    def _lost(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self.on_lost()
