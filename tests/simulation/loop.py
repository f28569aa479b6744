"""An event loop on virtual time, that runs several processes ("hosts") in an order that comes from a seed.

What asyncio promises to the code of one process holds here: callbacks run first in, first out, timers by their time.
What it does not promise varies: which host runs next, and when what it waits for arrives.
No thread, no socket, no real time. Time stands still while any host can run, and then jumps to the next timer.
"""

import asyncio
import heapq
from asyncio import Future, Handle, Task, TimerHandle, events
from asyncio import tasks as all_tasks
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from contextvars import Context, copy_context
from random import Random
from typing import Any

BACKGROUND = (".run", "._watch", "._keep", "read_for_ever")
"""Coroutines that run for as long as their house."""


_UNDYING: list[Task[Any]] = []
"""What did not end when it was cancelled, again and again: closed by the garbage collector, it would complain."""


class Host:
    """One process: its ready callbacks, and whether it runs, stands still (SIGSTOP), or is dead (SIGKILL)."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ready: deque[Any] = deque()  # handles, and (callback, arguments) of what comes from outside
        self.tasks: list[Task[Any]] = []
        self.paused_until = 0.0
        self.is_dead = False
        self.is_hurt = False  # was killed, stopped, or stood still for long: what lay in its memory may be lost
        self.clock_error_seconds = 0.0  # of its wall clock
        self.is_doomed = False  # dies at the end of the callback that runs; what it does until then nobody sees
        self.fuse: tuple[int, Callable[[], None]] | None = None  # in so many callbacks, do this
        self.sends_left: int | None = None  # before it dies

    def may_send(self) -> bool:
        """Whether what it sends now still leaves it: it may be killed between two sends of one callback."""
        if self.is_dead or self.is_doomed:
            return False
        if self.sends_left is None:
            return True
        self.sends_left -= 1
        self.is_doomed = self.sends_left < 0
        return not self.is_doomed


class SimTask(Task[Any]):
    """A task whose place in a set is the same in each run."""

    def __init__(self, coro: Coroutine[Any, Any, Any], number: int, **options: Any) -> None:
        self.number = number
        super().__init__(coro, **options)
        all_tasks._unregister_task(self)  # there it would meet tasks of earlier runs that have its number

    def __hash__(self) -> int:
        return self.number


class SimLoop(asyncio.AbstractEventLoop):
    """See the module."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._now = 0.0
        self._timers: list[tuple[float, int, Host, Any]] = []
        self._count = 0
        self._closed = False
        self.nature = Host("nature")  # servers, wires, faults and checks: what is no process under test
        self.hosts: list[Host] = [self.nature]  # that are not dead
        self._everybody: list[Host] = [self.nature]
        self.current = self.nature
        self.steps = 0
        self.troubles: list[str] = []  # what nobody caught
        self.verdict: Exception | None = None  # ends the run, wherever it was raised

    def time(self) -> float:
        """Virtual seconds."""
        return self._now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return not self._closed

    def is_closed(self) -> bool:
        return self._closed

    def create_future(self) -> "Future[Any]":
        return Future(loop=self)

    def create_task(self, coro: Coroutine[Any, Any, Any], **options: Any) -> Task[Any]:  # type: ignore[override]
        """Start a task in the host that runs now."""
        self._count += 1
        task = SimTask(coro, self._count, loop=self, **options)
        tasks = self.current.tasks
        tasks.append(task)
        if len(tasks) > 256:
            self.look_for_crashes(tasks)
            tasks[:] = [one for one in tasks if not one.done()]
        return task

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Handle:
        """Run a callback in the host that runs now, after all that are ready."""
        handle = Handle(callback, args, self, context)
        self.current.ready.append(handle)
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> TimerHandle:
        """Run a callback in the host that runs now, once it is time."""
        handle = TimerHandle(when, callback, args, self, context)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, self.current, handle))
        return handle

    def at(self, host: Host, when: float, callback: Callable[..., Any], *args: Any) -> None:
        """Run a callback in a host, once it is time."""
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, host, (callback, args)))

    def begin(self, host: Host, coro: Coroutine[Any, Any, Any]) -> Task[Any]:
        """Start a task in a host."""
        before, self.current = self.current, host
        try:
            return self.create_task(coro, context=copy_context())
        finally:
            self.current = before

    def _timer_handle_cancelled(self, handle: TimerHandle) -> None:
        pass

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        self.call_exception_handler(context)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Note what nobody caught. Answers that nobody waits for any more are no trouble."""
        message = str(context.get("message", ""))
        if not self._closed and not message.startswith("Future exception"):
            self.troubles.append(f"{self.current.name}: {message}: {context.get('exception')!r}")

    def add(self, name: str) -> Host:
        """Make a host."""
        host = Host(name)
        self.hosts.append(host)
        self._everybody.append(host)
        return host

    def look_for_crashes(self, tasks: list[Task[Any]]) -> None:
        """Note work that should go on until it is cancelled, and has crashed."""
        for task in tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                work = task.get_coro().__qualname__  # type: ignore[union-attr]
                if work.endswith(BACKGROUND):
                    self.troubles.append(f"{work} crashed: {error!r}")

    def pause(self, host: Host, seconds: float) -> None:
        """Let a host stand still. What comes for it waits."""
        host.paused_until = max(host.paused_until, self._now + seconds)
        self.at(self.nature, host.paused_until, _nothing)

    def kill(self, host: Host) -> None:
        """End a host between two callbacks."""
        host.is_dead = True
        host.ready.clear()
        host.fuse = None
        self.hosts.remove(host)

    def run_until(self, done: Callable[[], bool]) -> None:
        """Run until ``done``, which is asked whenever time is about to move."""
        events._set_running_loop(self)
        try:
            while True:
                self._run_ready()
                if self.verdict is not None:
                    raise self.verdict
                if done() or not self._timers:
                    return
                self._advance()
        finally:
            events._set_running_loop(None)

    def _advance(self) -> None:
        """Go to the next timer, and make ready all that are due then."""
        timers, pop = self._timers, heapq.heappop
        now = timers[0][0]
        self._now = max(self._now, now)
        while timers and timers[0][0] <= self._now:
            _, _, host, handle = pop(timers)
            if not host.is_dead:
                host.ready.append(handle)

    def _run_ready(self) -> None:
        """Let hosts run, one round of one host after the other, until none can."""
        now = self._now
        while True:
            able = [host for host in self.hosts if host.ready and host.paused_until <= now]
            if not able or self.verdict is not None:
                return
            self._run(able[0] if len(able) == 1 else able[int(self._random.random() * len(able))])

    def _run(self, host: Host) -> None:
        """One round: what is ready now, as asyncio does it."""
        self.current, ready = host, host.ready
        for _ in range(len(ready)):
            handle = ready.popleft()
            try:
                if type(handle) is tuple:
                    handle[0](*handle[1])
                elif not handle._cancelled:
                    handle._context.run(handle._callback, *handle._args)
            except Exception as error:  # noqa: BLE001 - as asyncio does it
                self.call_exception_handler({"message": f"in {handle!r}", "exception": error})
            self.steps += 1
            if host.fuse is not None or host.is_doomed:
                self._burn(host)
                if host.is_dead or host.paused_until > self._now:
                    break
        self.current = self.nature

    def _burn(self, host: Host) -> None:
        if host.is_doomed and not host.is_dead:
            self.kill(host)
        elif host.fuse is not None:
            left, then = host.fuse
            host.fuse = (left - 1, then) if left else None
            if not left:
                self.current = self.nature
                then()

    def close(self, farewells: Iterable[Coroutine[Any, Any, None]] = ()) -> None:
        """Let every task end, and ``farewells`` too, unseen: what the processes still do has no effect."""
        self._closed = True
        self.nature.ready.clear()
        self.current = self.nature
        self.verdict = None
        for host in self._everybody:
            host.is_dead = True  # so that it sends nothing
        events._set_running_loop(self)
        try:
            for farewell in farewells:
                self.create_task(farewell)
            self._run(self.nature)  # a task that is cancelled before it has begun never does
            self._end()
        finally:
            events._set_running_loop(None)
        self._timers.clear()

    def let_go(self) -> None:
        """Forget every host."""
        for host in self._everybody:
            host.tasks.clear()
            host.ready.clear()
        self._everybody.clear()
        self.hosts.clear()

    def _end(self) -> None:
        for _ in range(40):
            tasks = [task for host in self._everybody for task in host.tasks]
            waiting = [task for task in tasks if not task.done()]
            if not waiting:
                break
            for task in waiting:
                task.cancel()
            while self.nature.ready:
                self._run(self.nature)
        for task in tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            if task.done() and not task.cancelled():
                task.exception()
        _UNDYING.extend(task for task in tasks if not task.done())


def _nothing() -> None:
    pass
