"""What must hold after every step, judged from outside the houses: by commits in the database and what askers hear."""

import heapq
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from actors.runtime.errors import AlreadyDone, DomainError, Unavailable
from actors.runtime.ports import DeadLetter, Stored
from storage.events import EventRow
from tests.simulation.house import SimHouse, Watchers
from tests.simulation.loop import Host, SimLoop
from tests.simulation.postgres import Key, SimPostgres, Transaction

SLACK_SECONDS = 0.5


class Violation(AssertionError):  # noqa: N818 - says what it is
    """An invariant does not hold."""


@dataclass(eq=False)
class Ask:
    """One ask under way."""

    house: SimHouse
    token: str
    seconds: float
    due: float = 0.0
    is_done: bool = False
    acknowledged: frozenset[str] = field(default_factory=frozenset)  # for a read: what had been acknowledged before


class Invariants(Watchers):
    """Raises `Violation` at the very step that breaks one. ``trace`` gets a line for everything that happens."""

    def __init__(
        self, loop: SimLoop, postgres: SimPostgres, trace: list[str] | None, opening: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._postgres = postgres
        self._opening = opening
        self.trace = trace
        self.kept: dict[str, tuple[str, int]] = {}  # token -> stream, n
        self.heads: dict[str, int] = {}
        self.acknowledged: dict[str, str] = {}  # token -> stream
        self.senders: dict[str, tuple[str, int]] = {}  # token -> (sender, number), where order is promised
        self._owners: dict[tuple[int, int], int] = {}
        self.told: dict[str, Host] = {}  # token of a tell that was accepted -> where it was sent
        self.is_server_trouble = False
        self.refused: set[str] = set()
        self._last: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._asks: list[tuple[float, int, Ask]] = []
        self._count = 0
        self.letters: dict[str, DeadLetter] = {}
        self.heard: set[Key] = set()
        postgres.on_commit = self.committed

    def note(self, what: str) -> None:
        """Write a line of the trace."""
        if self.trace is not None:
            self.trace.append(f"{self._loop._now:10.6f} {what}")

    def fail(self, what: str) -> NoReturn:
        """Say that an invariant does not hold."""
        self.note(f"VIOLATION {what}")
        self._loop.verdict = self._loop.verdict or Violation(what)
        raise self._loop.verdict

    def committed(self, tx: Transaction) -> None:
        """Judge a transaction at the moment of its commit."""
        tables = self._postgres.tables
        for key, event in tx.changes.items():
            if key[0] == "partition":
                self._moved(key[1], event)
            if key[0] != "event":
                continue
            house = tables["house"].get(("house", event.house))
            if house is None or not house.alive or house.incarnation != event.incarnation:
                self.fail(f"incarnation {event.incarnation} wrote {event.stream}#{event.n} after its death")
            if event.n != self.heads.get(event.stream, 0) + 1:
                self.fail(f"{event.stream}#{event.n} follows #{self.heads.get(event.stream, 0)}")
            self.heads[event.stream] = event.n
            self._keep(event.stream, event.n, json.loads(event.body)["token"])

    def _moved(self, number: int, row: tuple[int | None, int]) -> None:
        """Judge a change of owner: nobody's, or of a dead house, before it is another's; a new epoch for each."""
        tables = self._postgres.tables
        owner, epoch = tables["partition"]["partition", number]
        self.note(f"partition {number} is {row[0]}'s in epoch {row[1]}")
        if row[0] is None:
            return
        if row[1] != epoch + 1:
            self.fail(f"partition {number} goes from epoch {epoch} to {row[1]}")
        alive = {house.incarnation for house in tables["house"].values() if house.alive}
        if owner in alive and owner != row[0]:
            self.fail(f"partition {number} is taken from {owner}, which is alive")

    def opened(self, incarnation: int, epochs: Mapping[int, int]) -> None:
        """See `Watchers`: one owner per partition and epoch."""
        self._opening()
        for number, epoch in epochs.items():
            self.note(f"{incarnation} opens partition {number}, epoch {epoch}")
            if self._owners.setdefault((number, epoch), incarnation) != incarnation:
                self.fail(f"partition {number} has two owners in epoch {epoch}")

    def _keep(self, stream: str, n: int, token: str) -> None:
        self.note(f"commit {stream}#{n} {token}")
        if token in self.refused:
            self.fail(f"{token} is kept, although its sender was told that nothing was changed")
        if token in self.kept:
            self.fail(f"{token} is kept twice: {self.kept[token]} and {stream}#{n}")
        self.kept[token] = stream, n
        sender, number = self.senders.get(token, ("", 0))
        if sender:
            if number <= self._last[stream, sender]:
                self.fail(f"{stream} took {sender}'s {number} after {self._last[stream, sender]}")
            self._last[stream, sender] = number

    def asked(self, ask: Ask) -> None:
        """Watch an ask until it is answered."""
        self._count += 1
        ask.due = self._loop._now + ask.seconds
        heapq.heappush(self._asks, (ask.due + SLACK_SECONDS, self._count, ask))

    def answered(self, ask: Ask, stream: str, outcome: object) -> None:
        """Judge an answer."""
        ask.is_done = True
        self.note(f"{ask.house.name} answers {ask.token}: {outcome!r}")
        if isinstance(outcome, list):
            missing = ask.acknowledged - set(outcome)
            if missing:
                self.fail(f"a read of {stream} in {ask.house.name} does not show {sorted(missing)}")
        elif isinstance(outcome, AlreadyDone) or not isinstance(outcome, Exception):
            self.acknowledge(ask.token, stream)
        elif isinstance(outcome, Unavailable) and ask.token in self.senders:  # sent once
            self.refused.add(ask.token)
            if ask.token in self.kept:
                self.fail(f"{ask.token} is kept, and its sender is told that nothing was changed")
        elif not isinstance(outcome, DomainError):
            self.fail(f"{ask.token} was answered with {outcome!r}")

    def acknowledged_in(self, stream: str) -> frozenset[str]:
        """What is acknowledged by now."""
        return frozenset(token for token, where in self.acknowledged.items() if where == stream)

    def ended(self, house: SimHouse) -> None:
        """A house has stopped in order: nobody waits in it."""
        for _, _, ask in self._asks:
            if ask.house is house and not ask.is_done:
                self.fail(f"{ask.token} was not answered when {house.name} stopped")

    def acknowledge(self, token: str, stream: str) -> None:
        """Somebody was told that a token is kept."""
        if token not in self.kept:
            self.fail(f"{token} was acknowledged and is not kept")
        self.acknowledged[token] = stream

    def time_moves(self) -> None:
        """Nobody waits beyond a deadline; nothing died unseen."""
        if self._loop.troubles:
            self.fail(f"nobody caught: {self._loop.troubles[0]}")
        asks, now = self._asks, self._loop._now
        while asks and asks[0][0] < now:
            _, count, ask = heapq.heappop(asks)
            host = ask.house.host
            if ask.is_done or host.is_dead:
                continue
            if host.paused_until + SLACK_SECONDS >= now:
                heapq.heappush(asks, (host.paused_until + SLACK_SECONDS, count, ask))
            else:
                self.fail(f"{ask.token} still waits in {ask.house.name}, {now - ask.due:.2f} s after its deadline")

    def stored(self, letter: DeadLetter) -> None:
        """See `Watchers`."""
        self.note(f"dead letter {letter.kind}:{letter.key} {letter.message_type}")
        self.letters[letter.id] = letter

    def published(self, events: Sequence[Stored]) -> None:
        """See `Watchers`: what a house publishes is committed."""
        for event in events:
            if event.n > self.heads.get(event.stream, 0):
                self.fail(f"{event.stream}#{event.n} was published and is not committed")

    def delivered(self, events: Sequence[EventRow]) -> None:
        """See `Watchers`: what the relay delivers is committed."""
        for event in events:
            if event.n > self.heads.get(event.stream, 0):
                self.fail(f"{event.stream}#{event.n} was delivered and is not committed")
            self.heard.add(("event", event.stream, event.n))

    def judge_the_end(self) -> None:
        """All that was acknowledged is there, and rows equal their streams."""
        for host in self._loop.hosts:
            self._loop.look_for_crashes(host.tasks)
        self.time_moves()
        tables = self._postgres.tables
        streams: defaultdict[str, list[str]] = defaultdict(list)
        for (_, stream, _), event in tables["event"].items():
            streams[stream].append(json.loads(event.body)["token"])
        lost = [token for token, stream in self.acknowledged.items() if token not in streams[stream]]
        if lost:
            self.fail(f"acknowledged and lost: {lost}")
        kept = self.kept.keys()
        if not self.is_server_trouble:
            gone = [token for token, host in self.told.items() if not host.is_hurt and token not in kept]
            if gone:
                self.fail(f"told by houses that lived on, and lost: {gone}")
        for stream, tokens in streams.items():
            if tables["ledger"][("ledger", stream)] != (tuple(tokens), len(tokens)):
                self.fail(f"the row of {stream} is not what its events say")
