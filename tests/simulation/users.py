"""Who uses the houses: people who ask until they are answered, and senders who let many messages go at once."""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

from actors.runtime.errors import DomainError
from actors.runtime.message import SYSTEM
from tests.simulation.house import SimHouse
from tests.simulation.invariants import Ask
from tests.simulation.ledger import Break, Keep, KeepSlowly, Read, Refuse, Through

if TYPE_CHECKING:
    from tests.simulation.world import World

KINDS = ("ledger", "ledger", "book")


class User:
    """One person. Goes on until the world says that it is enough; what was begun is asked for until it is done."""

    def __init__(self, world: "World", name: str, random: Random) -> None:
        self._world = world
        self._random = random
        self.name = name
        self.is_done = False
        self._has_said_goodbye = False
        self._favourite: str | None = None  # house; whoever has one sends to one actor, too
        if random.random() < 0.5:
            self._favourite = random.choice(world.names)
        self._count = 0
        self._later(random.random())

    def _later(self, seconds: float, what: Callable[[], None] | None = None) -> None:
        loop = self._world.loop
        loop.at(loop.nature, loop.time() + seconds, what or self._next)

    def _house(self) -> SimHouse | None:
        houses = [house for house in self._world.houses.values() if house.is_open and not house.host.is_dead]
        for house in houses:
            if house.name == self._favourite:
                return house
        return self._random.choice(houses) if houses else None

    def _other_house(self) -> SimHouse | None:
        return self._random.choice([house for house in self._world.houses.values() if house.is_open] or [None])

    def _next(self) -> None:
        world, random = self._world, self._random
        if world.loop.time() >= world.users_stop_at:
            self._say_goodbye()
            return
        house = self._house()
        if house is None:
            self._later(0.2)
            return
        kind, key = random.choice(KINDS), f"k{random.randrange(world.keys)}"
        if self._favourite is not None:
            kind, key = "ledger", "k0"
        chance = random.random()
        if chance < (0.45 if self._favourite is None else 0.15):
            self._keep(kind, key)
        elif chance < 0.75:
            self._burst(house, kind, key)
            self._later(random.uniform(0.05, 0.6))
        else:
            self.read(house, kind, key)
            self._later(random.uniform(0.02, 0.4))

    def _say_goodbye(self) -> None:
        """Keep one thing more, now that nothing goes wrong any more."""
        if self._has_said_goodbye:
            self.is_done = True
        else:
            self._has_said_goodbye = True
            self._keep("book", "k0")

    def _keep(self, kind: str, key: str) -> None:
        """Ask until it is kept: in any house, always with the same cause."""
        random = self._random
        self._count += 1
        token = f"{self.name}.{self._count}"
        chance = random.random()
        if chance < 0.6:
            message: Any = Keep(token=token)
        elif chance < 0.8:
            message = KeepSlowly(token=token, pause_seconds=random.choice((0.0, 0.01, 0.2, 0.8)))
        else:
            message, kind = Through(key=key, token=token), "ledger"
        self._try(kind, key, message, token)

    def _try(self, kind: str, key: str, message: Any, token: str) -> None:
        house = self._house()
        if house is None:
            self._later(0.3, lambda: self._try(kind, key, message, token))
            return

        def heard(outcome: object) -> None:
            if token in self._world.invariants.acknowledged:
                self._later(self._random.uniform(0.0, 0.4))
            else:
                self._later(self._random.uniform(0.05, 0.5), lambda: self._try(kind, key, message, token))

        seconds = self._random.choice((0.5, 2.0, 5.0))
        target = ("desk", "") if isinstance(message, Through) else (kind, key)
        self._ask(house, *target, message, token, seconds, heard, token)
        if self._random.random() < 0.1 and (other := self._other_house()) is not None:  # a doubled request
            self._ask(other, *target, message, token, seconds, _ignore, token)

    def _ask(
        self,
        house: SimHouse,
        kind: str,
        key: str,
        message: Any,
        token: str,
        seconds: float,
        heard: Callable[[object], None],
        cause: str | None = None,
    ) -> None:
        """Ask from outside: the house sends when it comes to it. Who hears nothing for too long goes elsewhere."""
        world, loop = self._world, self._world.loop
        ask, heard = Ask(house, token, seconds), once(heard)
        world.on_end_of(house, heard, ConnectionResetError())
        loop.at(loop.nature, loop.time() + seconds + 0.6, heard, TimeoutError())
        loop.at(house.host, loop.time(), self._ask_now, ask, kind, key, message, heard, cause)

    def _ask_now(
        self, ask: Ask, kind: str, key: str, message: Any, heard: Callable[[object], None], cause: str | None = None
    ) -> None:
        """Ask from inside the house."""
        world, loop, house = self._world, self._world.loop, ask.house
        stream = f"{kind}:{key}" if kind != "desk" else f"ledger:{message.key}"
        if isinstance(message, Read):
            ask.acknowledged = world.invariants.acknowledged_in(stream)
        world.invariants.asked(ask)
        reply = house.ref(kind, key).ask(message, SYSTEM, timeout_seconds=ask.seconds, cause=cause)

        async def wait() -> None:
            outcome: object
            try:
                outcome = await reply
            except Exception as error:  # noqa: BLE001 - judged by the invariants
                outcome = error
            world.invariants.answered(ask, stream, outcome)
            loop.at(loop.nature, loop.time(), heard, outcome)

        loop.begin(house.host, wait())

    def read(self, house: SimHouse, kind: str, key: str) -> None:
        """Ask what is kept."""
        self._count += 1
        self._ask(house, kind, key, Read(), f"{self.name}.{self._count}?", 2.0, _ignore)

    def _burst(self, house: SimHouse, kind: str, key: str) -> None:
        """Let many messages go at once, tells and asks mixed. They may be lost, but not change places."""
        tokens = []
        for _ in range(self._random.randrange(2, 9)):
            self._count += 1
            token = f"{self.name}.{self._count}"
            self._world.invariants.senders[token] = f"{self.name}@{house.host.name}", self._count
            tokens.append((token, self._random.random()))
        loop = self._world.loop
        loop.at(house.host, loop.time(), self._send, house, kind, key, tokens)

    def _send(self, house: SimHouse, kind: str, key: str, tokens: list[tuple[str, float]]) -> None:
        for token, chance in tokens:
            if chance < 0.3:
                self._ask_now(Ask(house, token, 3.0), kind, key, Keep(token=token), _ignore)
            elif chance < 0.33:
                self._ask_now(Ask(house, f"{token}!", 3.0), kind, key, Refuse(), _ignore)
            else:
                message: Any = Keep(token=token)
                if chance > 0.9 and self._world.breaks_left > 0:
                    self._world.breaks_left -= 1
                    message = Break(token=token, times=self._random.choice((1, 2, 4)))
                try:
                    house.ref(kind, key).tell(message, SYSTEM)
                    if isinstance(message, Keep) and kind == "ledger":  # a book's mailbox is small
                        self._world.invariants.told[token] = house.host
                except DomainError:
                    self._world.invariants.note(f"{house.name} does not take {token}")


def once(heard: Callable[[object], None]) -> Callable[[object], None]:
    """Take the first answer only."""
    answers: list[object] = []

    def first(outcome: object) -> None:
        answers.append(outcome)
        if len(answers) == 1:
            heard(outcome)

    return first


def _ignore(_: object) -> None:
    pass
