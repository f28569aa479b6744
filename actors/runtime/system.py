"""The system of actors of one house: what they share, how they start, are watched over, and stop."""

import asyncio
import logging
from asyncio import AbstractEventLoop, Future, Task
from collections.abc import Callable, Coroutine, Sequence
from contextvars import Context
from functools import partial
from math import inf
from typing import Any, Self

from actors.runtime.actor import Actor, Idempotency, Ref
from actors.runtime.clock import SystemClock
from actors.runtime.engine.kind import AskNotDeclared, check_asks
from actors.runtime.engine.letters import LetterBox, make_letter
from actors.runtime.engine.mailbox import Cell
from actors.runtime.engine.office import Office
from actors.runtime.engine.offices import office_of
from actors.runtime.engine.statistics import Waits
from actors.runtime.engine.supervision import Supervisor
from actors.runtime.engine.turn import CrashedAfterCommit
from actors.runtime.engine.wheel import TICK_SECONDS, Wheel
from actors.runtime.envelope import CURRENT, Envelope
from actors.runtime.errors import Internal, Overloaded, Unavailable
from actors.runtime.message import Caller
from actors.runtime.packing import Packing, decoder
from actors.runtime.ports import Clock, DeadLetter, DeadLetters, Journal, Publisher
from actors.runtime.transport import MemoryTransport, PackedMemoryTransport, Transport

log = logging.getLogger(__name__)
RUNNING, FINISHING, STOPPED = "running", "finishing", "stopped"
ATTEMPTS = 3  # crashes after which a tell becomes a dead letter


class System:
    """See the module. ``async with System(...)`` starts and stops it.

    An ask that crashes its actor is answered `Internal` at once and never tried again behind the asker's back: who
    asked knows, and decides. A tell that crashes its actor is tried again, first in line, after the restart; its
    third crash makes it a dead letter.
    """

    rests = False
    """Nothing is under way: the clock stands still until something is, or time brings something."""

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
        packed: bool = False,
        capacity: int = 100_000,
        mailbox_capacity: int = 1_000,
    ) -> None:
        """``capacity`` bounds what waits in the house, ``mailbox_capacity`` for one actor, if its kind names no bound.

        ``record_idempotency`` makes the write that keeps (caller, key, id of what was made); ``packed`` is a test mode.

        Raises:
            ValueError: ``asks`` is cyclic or names an unknown kind; two message types share a name.
            TypeError: a kind handles one type twice.
        """
        check_asks(kinds)
        self.journal, self.publisher, self.record_idempotency = journal, publisher, record_idempotency
        self.clock: Clock = clock or SystemClock()
        self.mailbox_capacity = mailbox_capacity
        self.limit = capacity  # below zero: the house is stopping
        self.waiting = 0  # envelopes in mailboxes
        self.time = self.clock.monotonic()  # as exact as the tick
        self.wheel = Wheel()
        self.letters = LetterBox(dead_letters)
        self.working: set[Cell] = set()  # with mail or a turn under way; perhaps a few that have just ended
        self.waits = Waits()
        self._stage = RUNNING
        self._supervisor, self._context = Supervisor(), Context()
        self._tasks: set[Task[None]] = set()
        self._loop: AbstractEventLoop
        self._ticker: asyncio.TimerHandle | None = None
        self._is_at_work = asyncio.Event()
        self._offices = self._open(kinds, transport or (PackedMemoryTransport() if packed else MemoryTransport()))

    def _open(self, kinds: Sequence[Actor], transport: Transport) -> dict[str, Office]:
        offices = {behaviour.kind: office_of(self, behaviour) for behaviour in kinds}
        self.packing = Packing({some for office in offices.values() for some in office.handlers})
        for office in offices.values():
            office.open(transport, self.packing)
        return offices

    def ref(self, kind: str, key: str = "") -> Ref:
        """Return the address of an entity, or (without key) of a service. Raises KeyError: no such kind."""
        return Ref(self._offices[kind], key)

    async def start(self) -> None:
        """Bind to the running loop and let time pass."""
        self._loop = asyncio.get_running_loop()
        self.create_future: Callable[[], Future[Any]] = partial(Future, loop=self._loop)  # as uvloop does, 20 ns faster
        self._beat()

    def _beat(self) -> None:
        self._ticker = self._loop.call_later(TICK_SECONDS, self._beat)  # first: time goes on whatever a tick raises
        self.rests = False
        self.tick()
        if not self.working and self.wheel.is_empty():
            self._rest(self._ticker)

    def _rest(self, ticker: asyncio.TimerHandle) -> None:
        """Tick no more before time brings something. Ten ticks a second were half of what an idle house cost."""
        ticker.cancel()
        self.rests = True
        self._is_at_work.clear()
        due = min((office.due_at() for office in self._offices.values()), default=inf)
        seconds = min(due, self._supervisor.due_at()) - self.time
        self._ticker = None if seconds == inf else self._loop.call_later(max(TICK_SECONDS, seconds), self._beat)

    def wake(self) -> None:
        """End a rest: something may become overdue."""
        self.rests = False
        self._is_at_work.set()
        self.time = self.clock.monotonic()
        if self._ticker is not None:
            self._ticker.cancel()
        self._ticker = self._loop.call_later(TICK_SECONDS, self._beat)

    async def until_at_work(self) -> None:
        """Return as soon as something is under way."""
        await self._is_at_work.wait()

    def tick(self) -> None:
        """Expire asks, resume crashed actors, passivate idle ones: all that time asks for.

        By itself every 100 ms; while nothing is under way as soon as time brings something.
        """
        self.time = self.clock.monotonic()
        self.wheel.turn(self.time)
        self.working = {cell for cell in self.working if cell.busy}
        for cell in self.working:
            cell.answer_overdue(self.time)
        for office in self._offices.values():
            office.sweep(self.time)
        self._supervisor.forgive(self.time)

    async def stop(self, grace_seconds: float = 5.0) -> None:
        """Let turns finish, then answer what is left: nobody hangs.

        From now on only turns may send; others hear `Unavailable`. After ``grace_seconds`` (or when there is no work
        left) so does everybody whose message waits; turns that still run are given up: their askers hear `TimedOut`.
        """
        self.limit, self._stage = -1, FINISHING
        ends_at = self._loop.time() + grace_seconds
        while (self._tasks or self.waiting) and self._loop.time() < ends_at:  # noqa: ASYNC110 - an event would cost all mail
            await asyncio.sleep(0.005)
        self._stage = STOPPED
        for office in self._offices.values():
            for envelope in office.leftovers():
                envelope.refuse(Unavailable("stopping"))
        self.wheel.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.letters.flush()
        if self._ticker is not None:
            self._ticker.cancel()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def redeliver(self, letter: DeadLetter) -> None:
        """Tell a dead letter to its actor again, as a new message; its secrets stay blank.

        Raises KeyError: no such kind or message type; `msgspec.DecodeError`: it does not fit its type any more;
        `Overloaded`.
        """
        message = self.packing.unpack_message(letter.message_type, letter.message)
        self.ref(letter.kind, letter.key).tell(message, decoder(Caller).decode(letter.caller))

    @property
    def degraded(self) -> frozenset[str]:
        """Kinds with an actor that kept crashing: 5 times in 60 s, and not through 60 s without since."""
        return self._supervisor.degraded

    def statistics(self) -> dict[str, Any]:
        """Counters by kind, and who waits for whom.

        ``kinds[kind]``: depth (messages waiting), oldest_seconds (age of the one that waits longest), turns (that
        wait for something), actors (in memory), and those of `Statistics`.
        """
        now = self.clock.monotonic()
        return {
            "kinds": {name: office.figures(now) for name, office in self._offices.items()},
            "waiting": self.waiting,
            "waits": self.waits.as_list(now),
            "degraded": sorted(self.degraded),
            "unstored_letters": len(self.letters.ring),
        }

    def call_soon(self, callback: Callable[..., None]) -> None:
        """Run a callback outside the caller's context: an actor's work does not belong to its sender's task."""
        self._loop.call_soon(callback, context=self._context)

    def spawn(self, turn: Coroutine[Any, Any, None]) -> Task[None]:
        """Run a turn in a task."""
        task = self._loop.create_task(turn)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def check_ask(self, asking: str, asked: str, reply: "Future[Any]") -> None:
        """Note an ask that comes from inside an actor. Raises `AskNotDeclared`."""
        if asked not in self._offices[asking].behaviour.asks:
            raise AskNotDeclared(f"{asking} asks {asked} without declaring it")
        self.waits.begin(asking, asked, self.clock.monotonic(), reply)

    def refuse(self) -> None:
        """Say why the limit is reached; what turns send while the house finishes them is let through."""
        if self._stage is RUNNING:
            raise Overloaded("too much waits in this house")
        current = CURRENT.get()
        if self._stage is STOPPED or current is None or current.kind is None:
            raise Unavailable("stopping")

    def crashed(self, office: Office, cell: Cell, envelope: Envelope, error: Exception) -> None:
        """Count a crash, restart the actor after its backoff, and decide what becomes of the message."""
        envelope.attempt += 1
        details = {"kind": office.name, "key": cell.key, "message_type": self.packing.wire_name(envelope.message)}
        log.error("actor_crashed", exc_info=error, extra=details)
        office.statistics.crashed += 1
        office.statistics.restarts += 1
        can_retry = envelope.attempt < ATTEMPTS and not isinstance(error, CrashedAfterCommit)
        if not envelope.is_ask and not can_retry:
            self.spawn(self._bury(office, cell, envelope, error))
        again = None if envelope.is_ask or not can_retry else envelope
        cell.restart(again, self._supervisor.crashed(office.name, cell.key, self.clock.monotonic()))

    async def _bury(self, office: Office, cell: Cell, envelope: Envelope, error: Exception) -> None:
        """Keep a message as a dead letter; only then its transport may forget it."""
        await self.letters.keep(make_letter(self.packing, office.name, cell.key, envelope, error))
        envelope.refuse(Internal())
