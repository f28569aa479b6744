"""What goes wrong in a run, from the seed. Most runs have a few kinds of fault only, so that each comes alone too."""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from storage.house import LEASE_SECONDS
from tests.simulation.house import SimHouse
from tests.simulation.network import Server

if TYPE_CHECKING:
    from tests.simulation.world import World

HOUSES_ALONE = ("kill", "pause", "stop", "jump_clock", "pause_in_transaction", "slow_opening")
Fault = Callable[[], None]
"""Faults that only houses suffer: no mail of others may be lost by them."""


class Faults:
    """Lets things go wrong at random moments, until it is enough."""

    def __init__(self, world: "World", random: Random, until: float) -> None:
        self._world = world
        self._random = random
        self._until = until
        kinds = [self.kill, self.pause, self.stop, self.cut, self.close_route, self.freeze, self.restart]
        kinds += [self.lose_answers, self.cut_commits, self.slow]
        if len(world.names) > 1:
            kinds += [self.empty, self.lose_mail, self.jump_clock, self.pause_in_transaction, self.slow_opening]
        self._kinds = self._some(kinds)
        self._every_seconds = random.choice((0.5, 2.0, 5.0))
        if self._kinds:
            self._later()
        world.loop.at(world.loop.nature, until, self._disarm)

    def _some(self, kinds: list[Fault]) -> list[Fault]:
        """Few kinds, or all, or some that are known to make each other worse."""
        chance = self._random.random()
        if chance < 0.15 or len(self._world.names) == 1:
            return self._random.sample(kinds, self._random.randrange(0, 5))
        if chance < 0.3:
            return kinds
        return self._random.choice(
            [
                [self.pause, self.jump_clock],
                [self.pause, self.slow_opening],
                [self.pause, self.pause_in_transaction],
                [self.kill, self.stop, self.slow_opening],
                [self.kill, self.slow, self.slow_opening],
                [self.lose_mail, self.cut, self.kill],
                [self.cut_commits, self.lose_answers, self.pause_in_transaction],
                [self.empty, self.restart, self.kill],
                [self.kill],
                [self.close_route, self.freeze],
            ]
        )

    def _later(self) -> None:
        loop = self._world.loop
        when = loop.time() + self._random.expovariate(1 / self._every_seconds)
        if when < self._until:
            loop.at(loop.nature, when, self._strike)

    def _disarm(self) -> None:
        """What has not struck by now does not strike any more."""
        postgres, redis = self._world.postgres, self._world.redis
        for armed in (postgres.pauses, postgres.cuts_commits, postgres.loses_answers, redis.loses):
            armed.clear()
        self._world.slow_openings = 0

    def _strike(self) -> None:
        strike = self._random.choice(self._kinds)
        strike()
        if strike.__name__ not in HOUSES_ALONE:
            self._world.invariants.is_server_trouble = True
        self._later()

    def _house(self) -> SimHouse | None:
        alive = [house for house in self._world.houses.values() if not house.host.is_dead]
        return self._random.choice(alive) if alive else None

    def _note(self, what: str) -> None:
        self._world.invariants.note(f"FAULT {what}")

    def _in_a_moment(self, house: SimHouse, then: Callable[[], None]) -> None:
        """Strike between two callbacks of a house, not only while it rests."""
        house.host.fuse = (self._random.randrange(60), then)

    def kill(self) -> None:
        """SIGKILL: between two callbacks, or two sends of one."""
        house = self._house()
        if house is None:
            return
        self._note(f"kill {house.host.name}")
        house.host.is_hurt = True
        chance, host = self._random.random(), house.host
        if chance < 0.3:
            self._world.loop.kill(host)
        elif chance < 0.6:
            host.sends_left = self._random.randrange(12)
        else:
            self._in_a_moment(house, lambda: self._world.loop.kill(host))

    def pause(self) -> None:
        """SIGSTOP and SIGCONT: for a moment, or for longer than a lease."""
        house = self._house()
        if house is not None:
            seconds = self._random.choice((0.02, 0.3, LEASE_SECONDS - 1, LEASE_SECONDS + 1.5, LEASE_SECONDS + 4))
            self._note(f"pause {house.host.name} {seconds} s")
            house.host.is_hurt |= seconds > 2
            self._in_a_moment(house, lambda: self._world.loop.pause(house.host, seconds))
            if seconds > LEASE_SECONDS:
                loop = self._world.loop
                loop.at(loop.nature, loop.time() + seconds - 0.1, self._world.wake_up, house)

    def pause_in_transaction(self) -> None:
        """SIGSTOP in the midst of a transaction, for longer than a lease."""
        house = self._house()
        if house is not None:
            self._note(f"pause {house.host.name} in its next transaction")
            self._world.postgres.pauses[house.host.name] = self._random.choice((1.5, LEASE_SECONDS + 1.5))
            house.host.is_hurt = True

    def slow_opening(self) -> None:
        """The next partitions that are opened find Redis slow."""
        self._note("redis is slow for who opens partitions")
        self._world.slow_openings += 10

    def slow(self) -> None:
        """A route is slow for a while."""
        house, server = self._house(), self._server()
        if house is not None:
            self._note(f"slow {house.host.name} to {server.name}")
            self._world.network.slow_until[house.host.name, server.name] = self._world.loop.time() + 3.0

    def stop(self) -> None:
        """SIGTERM."""
        house = self._house()
        if house is not None and house.is_open:
            self._note(f"stop {house.host.name}")
            house.host.is_hurt = True
            house.is_open = False
            self._world.loop.begin(house.host, house.stop())

    def _server(self) -> Server:
        return self._random.choice(self._world.servers)

    def cut(self) -> None:
        """Connections are lost."""
        server = self._server()
        self._note(f"cut wires to {server.name}")
        share = self._random.choice((0.2, 1.0))
        for wire in list(server.wires):
            if self._random.random() < share:
                wire.cut(drops_there=self._random.random() < 0.5)

    def close_route(self) -> None:
        """A house cannot reach a server for a while."""
        house, server = self._house(), self._server()
        if house is not None:
            seconds = self._random.choice((0.3, 3.0, LEASE_SECONDS + 1))
            self._note(f"close {house.host.name} to {server.name} {seconds} s")
            routes, route = self._world.network.closed_until, (house.host.name, server.name)
            routes[route] = max(self._world.loop.time() + seconds, routes.get(route, 0.0))

    def lose_answers(self) -> None:
        """The next commits take effect, and nobody hears of it."""
        house = self._house()
        if house is not None:
            self._note(f"lose answers of commits of {house.host.name}")
            self._world.postgres.loses_answers[house.host.name] = self._random.randrange(1, 4)

    def cut_commits(self) -> None:
        """The next commits are sent on connections that are lost at that moment, and may arrive later."""
        house = self._house()
        if house is not None:
            self._note(f"cut commits of {house.host.name}")
            seconds = [self._random.choice((0.0, 0.05, 1.0)) for _ in range(self._random.randrange(1, 4))]
            self._world.postgres.cuts_commits[house.host.name] = seconds

    def empty(self) -> None:
        """Redis forgets everything."""
        self._note("empty redis")
        self._world.redis.flush()

    def lose_mail(self) -> None:
        """A house loses its connection in the midst of what it appends."""
        house = self._house()
        if house is not None:
            self._note(f"lose mail of {house.host.name}")
            self._world.redis.loses[house.host.name] = self._random.randrange(4)

    def jump_clock(self) -> None:
        """Somebody sets a house's wall clock."""
        house = self._house()
        if house is not None:
            house.host.clock_error_seconds = self._random.choice((-86400.0, -20.0, 20.0, 3600.0))
            self._note(f"wall clock of {house.host.name} is wrong by {house.host.clock_error_seconds} s")

    def freeze(self) -> None:
        """A server stands still."""
        server, seconds = self._server(), self._random.choice((0.1, 1.0, 4.0))
        self._note(f"freeze {server.name} {seconds} s")
        server.frozen_until = self._world.loop.time() + seconds

    def restart(self) -> None:
        """A server is killed and comes back."""
        server, seconds = self._server(), self._random.choice((0.1, 1.0, 3.0))
        self._note(f"restart {server.name}, away {seconds} s")
        server.is_away = True
        server.restart()
        loop = self._world.loop
        loop.at(loop.nature, loop.time() + seconds, self._back, server)

    def _back(self, server: Server) -> None:
        server.is_away = False
