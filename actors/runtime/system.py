"""The system of actors of one house: what they share, how they start, are watched over, and stop."""

import asyncio
import contextlib
import logging
from asyncio import AbstractEventLoop, Future, Task
from collections.abc import Callable, Coroutine, Sequence
from contextvars import Context
from typing import Any, Self

from actors.runtime.actor import Actor, Idempotency, Ref
from actors.runtime.clock import SystemClock
from actors.runtime.envelope import CURRENT, Envelope
from actors.runtime.errors import Overloaded, Unavailable
from actors.runtime.engine.kind import AskNotDeclared, check_asks
from actors.runtime.engine.letters import LetterBox
from actors.runtime.message import Caller
from actors.runtime.engine.mailbox import Cell
from actors.runtime.engine.office import Office
from actors.runtime.ports import Clock, DeadLetters, Journal, Publisher
from actors.runtime.engine.supervision import Supervisor
from actors.runtime.transport import MemoryTransport, Transport
from actors.runtime.engine.turn import CrashedAfterCommit
from actors.runtime.engine.wheel import TICK_SECONDS, Wheel

log = logging.getLogger(__name__)
RUNNING, FINISHING, STOPPED = "running", "finishing", "stopped"
ATTEMPTS = 3  # crashes after which a tell becomes a dead letter


class System:
    """See the module. ``async with System(...)`` starts and stops it."""

    def __init__(
        self,
        *,
        kinds: Sequence[Actor],
        journal: Journal,
        publisher: Publisher,
        dead_letters: DeadLetters,
        record_idempotency: Callable[[Caller, Idempotency, str], Any],
        clock: Clock | None = None,
        transport: Transport | None = None,
        capacity: int = 100_000,
    ) -> None:
        """``kinds`` are behaviour objects; ``capacity`` bounds the envelopes that wait in the whole house.

        ``record_idempotency`` makes the journal's write that keeps (caller, key, id of what was made).

        Raises:
            ValueError: the graph of ``asks`` is cyclic, or names a kind that does not exist.
            TypeError: a kind handles one type twice.
        """
        check_asks(kinds)
        self.journal, self.publisher, self.record_idempotency = journal, publisher, record_idempotency
        self.clock: Clock = clock or SystemClock()
        self.transport = transport or MemoryTransport()
        self.limit = capacity  # of envelopes in mailboxes; below zero: the house is stopping
        self.waiting = 0  # envelopes in mailboxes
        self.time = self.clock.monotonic()  # as exact as the tick
        self.wheel = Wheel()
        self.letters = LetterBox(dead_letters)
        self._stage = RUNNING
        self._supervisor = Supervisor()
        self._offices = {behaviour.kind: Office(self, behaviour) for behaviour in kinds}
        self._context = Context()
        self.stalled: set[Cell] = set()  # whose turns wait for something: their mail may become overdue
        self._tasks: set[Task[None]] = set()
        self._loop: AbstractEventLoop
        self._ticker: asyncio.TimerHandle | None = None

    def ref(self, kind: str, key: str = "") -> Ref:
        """Return the address of an entity, or (without key) of a service. Raises KeyError: no such kind."""
        return Ref(self._offices[kind], key)

    async def start(self) -> None:
        """Bind to the running loop and let time pass."""
        self._loop = asyncio.get_running_loop()
        self.create_future = self._loop.create_future
        self._beat()

    def _beat(self) -> None:
        self.tick()
        self._ticker = self._loop.call_later(TICK_SECONDS, self._beat)

    def tick(self) -> None:
        """Do what the time asks for: expire asks, resume paused actors, passivate idle ones. Every 100 ms by itself."""
        self.time = self.clock.monotonic()
        self.wheel.turn(self.time)
        self.stalled = {cell for cell in self.stalled if cell.busy}
        for cell in self.stalled:
            cell.answer_overdue(self.time)
        self._supervisor.forgive(self.time)

    async def stop(self, grace_seconds: float = 5.0) -> None:
        """Let turns finish, then answer what is left. From now on only turns may ask; others hear `Unavailable`."""
        self.limit, self._stage = -1, FINISHING
        ends_at = self._loop.time() + grace_seconds
        while self._tasks or self.waiting:
            if self._loop.time() >= ends_at:
                break
            await asyncio.sleep(0.005)
        self._stage = STOPPED
        for office in self._offices.values():
            for cell in office.cells.values():
                for envelope in cell.leftovers():
                    self.waiting -= 1
                    envelope.refuse(Unavailable("stopping"))
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.wheel.close()
        if self._ticker is not None:
            self._ticker.cancel()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def degraded(self) -> frozenset[str]:
        """Kinds of which an actor kept crashing and is paused, or was less than a minute ago."""
        return self._supervisor.degraded

    def call_soon(self, callback: Callable[..., None], *args: Any) -> None:
        """Run a callback outside the caller's context: an actor's work does not belong to its sender's task."""
        self._loop.call_soon(callback, *args, context=self._context)

    def spawn(self, turn: Coroutine[Any, Any, None]) -> None:
        """Run a turn in a task."""
        task = self._loop.create_task(turn)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def check_ask(self, asking: str, asked: str, reply: "Future[Any]") -> None:
        """Check an ask that comes from inside an actor. Raises `AskNotDeclared`."""
        if asked not in self._offices[asking].behaviour.asks:
            raise AskNotDeclared(f"{asking} asks {asked} without declaring it")

    def refuse(self) -> None:
        """Say why the limit is reached; what turns send while the house finishes them is let through."""
        if self._stage is RUNNING:
            raise Overloaded("too much waits in this house")
        current = CURRENT.get()
        if self._stage is STOPPED or current is None or current.kind is None:
            raise Unavailable("stopping")

    def crashed(self, office: Office, cell: Cell, envelope: Envelope, error: Exception) -> None:
        """Restart an actor that crashed, after its backoff; a tell is tried again, the third crash makes it a dead letter."""
        envelope.attempt += 1
        office.statistics.crashed += 1
        log.error(
            "actor_crashed",
            exc_info=error,
            extra={"kind": office.name, "key": cell.key, "message_type": type(envelope.message).__qualname__},
        )
        may_retry = not isinstance(error, CrashedAfterCommit)
        retry = may_retry and envelope.reply is None and envelope.attempt < ATTEMPTS
        if envelope.reply is None and not retry:
            self.spawn(self.letters.keep(self.letters.letter(office.name, cell.key, envelope, error)))
        delay = self._supervisor.crashed(office.name, cell.key, self.time)
        office.statistics.restarts += 1
        cell.restart(envelope if retry else None, delay)


__all__ = ["System", "contextlib"]
