"""The simulated world: servers, houses that are started again when they end, users, and what goes wrong."""

from collections.abc import Callable
from random import Random

from tests.simulation.clocks import owned_time
from tests.simulation.driver import Driver
from tests.simulation.faults import Faults
from tests.simulation.house import SimHouse
from tests.simulation.invariants import Invariants
from tests.simulation.loop import SimLoop
from tests.simulation.mail import SimMail
from tests.simulation.network import Network, Server
from tests.simulation.postgres import SimPostgres
from tests.simulation.redis import SimRedis
from tests.simulation.statements import HANDLERS, PARTITIONS
from tests.simulation.users import User

FAULTS_SECONDS = 13.0
CALM_SECONDS = 30.0  # within which all must be well again: a lease, its take-over, and the longest pause


class World:
    """Everything that one seed decides."""

    def __init__(self, seed: int, trace: list[str] | None = None) -> None:
        self._chance = Random(seed)
        self.loop = SimLoop(self._stream())  # type: ignore[abstract]
        self.network = Network(self.loop, self._stream())
        self.postgres = SimPostgres(self.loop, HANDLERS)
        self.redis = SimRedis(self.loop)
        self.names = "abc"[: self._chance.choice((1, 2, 3, 3, 3))]
        self.servers: list[Server] = (
            [self.postgres] if len(self.names) == 1 else [self.postgres, self.redis, self.redis]
        )
        self.driver = Driver(self.network, self.postgres)
        self.invariants = Invariants(self.loop, self.postgres, trace, self._opening)
        self.houses: dict[str, SimHouse] = {}
        self.keys = self._chance.choice((1, 2, 4))
        self.slow_openings = 0
        self.users_stop_at = FAULTS_SECONDS
        self.breaks_left = 2  # an actor that crashes five times within a minute pauses for longer than a run lasts
        self._users: list[User] = []
        self._lives = 0
        self._lived: list[SimHouse] = []
        self._ends: dict[SimHouse, list[tuple[Callable[[object], None], Exception]]] = {}

    def _stream(self) -> Random:
        """A source of chance of its own, so that one part of the world does not move the others."""
        return Random(self._chance.getrandbits(64))

    def run(self) -> None:
        """Live through faults and the calm after. Raises `Violation`."""
        with owned_time(self.loop, self._stream(), self.driver.connect):
            try:
                self._run()
            finally:
                self.loop.close(house.unwind() for house in self._lived)
                self._fall_apart()

    def _fall_apart(self) -> None:
        """Let everything go: envelopes are unknown to the garbage collector, and what they refer to stays for ever."""
        for part in (*self._lived, self.postgres, self.redis, self.network, self.invariants):
            vars(part).clear()
        self.loop.let_go()
        self._lived.clear()
        self._ends.clear()
        self.houses.clear()

    def _run(self) -> None:
        for number in range(PARTITIONS):
            self.postgres.tables["partition"]["partition", number] = None, 0
        for name in self.names:
            self.start(name)
        users = self._users = [
            User(self, f"u{number}", self._stream()) for number in range(3 if len(self.names) > 1 else 5)
        ]
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
        mail = [stream for stream, held in self.redis.streams.items() if held and stream.startswith("mb:")]
        systems = [(house.name, house.system) for house in self.houses.values() if house.system is not None]
        busy = [name for name, system in systems if system.waiting or system._tasks]
        if unheard:
            return f"no consumer has heard {min(unheard)}"
        return f"mail lies in {mail} and {busy}" if mail or busy else ""

    def _opening(self) -> None:
        """A house opens partitions: Redis may be slow then, but not so slow that anybody takes it for gone."""
        now = self.loop.time()
        if self.slow_openings and self.redis.frozen_until < now - 1.0:
            self.slow_openings -= 1
            self.redis.frozen_until = now + 0.6

    def wake_up(self, house: SimHouse) -> None:
        """A house is about to go on after it stood still for long: somebody asks it first thing."""
        for number in range(self.keys if house.is_open and not house.host.is_dead else 0):
            self._users[0].read(house, "ledger", f"k{number}")

    def start(self, name: str) -> None:
        """Start a house, and again a moment after it has ended."""
        self._lives += 1
        host = self.loop.add(f"{name}{self._lives}")
        mail = SimMail(self.network, self.redis) if len(self.names) > 1 else None
        house = self.houses[name] = SimHouse(self.loop, host, name, self.driver, self.invariants, mail)
        self._ends[house] = []
        self._lived.append(house)
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
        for wire in [
            wire for server in (self.postgres, self.redis) for wire in server.wires if wire.host is house.host
        ]:
            wire.close()
        for callback, error in self._ends.pop(house):
            callback(error)
        loop.at(loop.nature, loop.time() + seconds, self.start, house.name)

    def on_end_of(self, house: SimHouse, callback: Callable[[object], None], error: Exception) -> None:
        """Call back when a process is no more."""
        if house in self._ends:
            self._ends[house].append((callback, error))
        else:
            self.loop.at(self.loop.nature, self.loop.time(), callback, error)
