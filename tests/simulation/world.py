"""The simulated world: servers, houses that are started again when they end, users, and what goes wrong."""

from collections.abc import Callable
from random import Random

from tests.simulation.clocks import owned_time
from tests.simulation.driver import Driver
from tests.simulation.faults import Faults
from tests.simulation.house import SimHouse
from tests.simulation.invariants import Invariants
from tests.simulation.loop import SimLoop
from tests.simulation.network import Network, Server
from tests.simulation.postgres import SimPostgres
from tests.simulation.statements import HANDLERS
from tests.simulation.users import User

FAULTS_SECONDS = 16.0
CALM_SECONDS = 30.0  # within which all must be well again: a lease, its take-over, and the longest pause


class World:
    """Everything that one seed decides."""

    def __init__(self, seed: int, trace: list[str] | None = None) -> None:
        self._chance = Random(seed)
        self.loop = SimLoop(self._stream())  # type: ignore[abstract]
        self.network = Network(self.loop, self._stream())
        self.postgres = SimPostgres(self.loop, HANDLERS)
        self.servers: list[Server] = [self.postgres]
        self.driver = Driver(self.network, self.postgres)
        self.invariants = Invariants(self.loop, self.postgres, trace)
        self.houses: dict[str, SimHouse] = {}
        self.keys = self._chance.choice((1, 2, 4))
        self.users_stop_at = FAULTS_SECONDS
        self.breaks_left = 2  # an actor that crashes five times within a minute pauses for longer than a run lasts
        self._lives = 0
        self._ends: dict[SimHouse, list[Callable[[], None]]] = {}

    def _stream(self) -> Random:
        """A source of chance of its own, so that one part of the world does not move the others."""
        return Random(self._chance.getrandbits(64))

    def run(self) -> None:
        """Live through faults and the calm after. Raises `Violation`."""
        with owned_time(self.loop, self._stream(), self.driver.connect):
            try:
                self._run()
            finally:
                self.loop.close()

    def _run(self) -> None:
        self.start("a")
        users = [User(self, f"u{number}", self._stream()) for number in range(4)]
        Faults(self, self._stream(), FAULTS_SECONDS)

        def is_over() -> bool:
            self.invariants.time_moves()
            now = self.loop._now
            return now >= FAULTS_SECONDS + CALM_SECONDS or (
                now > FAULTS_SECONDS and all(user.is_done for user in users) and not self._unrest()
            )

        self.loop.run_until(is_over)
        waiting = [user.name for user in users if not user.is_done]
        if waiting or (unrest := self._unrest()):
            self.invariants.fail(f"{waiting or unrest}, {CALM_SECONDS} s after the last fault")
        self.invariants.judge_the_end()

    def _unrest(self) -> str:
        """What has yet to come to an end."""
        unheard = self.postgres.tables["event"].keys() - self.invariants.heard
        return f"no consumer has heard {min(unheard)}" if unheard else ""

    def start(self, name: str) -> None:
        """Start a house, and again a moment after it has ended."""
        self._lives += 1
        host = self.loop.add(f"{name}{self._lives}")
        house = self.houses[name] = SimHouse(self.loop, host, name, self.driver, self.invariants)
        self._ends[house] = []
        self.invariants.note(f"start {host.name}")
        self.loop.begin(host, house.live())
        self._watch(house)

    def _watch(self, house: SimHouse) -> None:
        loop = self.loop
        if house.is_over and not house.host.is_dead:
            self.invariants.ended(house)
            self._gone(house, 0.2)
        elif house.host.is_dead:
            self._gone(house, 1.0)
        else:
            loop.at(loop.nature, loop.time() + 0.1, self._watch, house)

    def _gone(self, house: SimHouse, seconds: float) -> None:
        """A process is no more: the system closes its connections."""
        loop = self.loop
        self.invariants.note(f"end {house.host.name}")
        if not house.host.is_dead:
            loop.kill(house.host)
        for wire in [wire for wire in self.postgres.wires if wire.host is house.host]:
            wire.close()
        for callback in self._ends.pop(house):
            callback()
        loop.at(loop.nature, loop.time() + seconds, self.start, house.name)

    def on_end_of(self, house: SimHouse, callback: Callable[[], None]) -> None:
        """Call back when a process is no more."""
        if house in self._ends:
            self._ends[house].append(callback)
        else:
            self.loop.at(self.loop.nature, self.loop.time(), callback)
