"""Works on the tasks of a Posthouse. One file that needs aiohttp alone: copy it beside your code.

    worker = Worker("http://127.0.0.1:8080", api_key)

    @worker.task("upscale")
    async def upscale(task, progress):
        await progress(40, phase="upscaling")
        return {"file_id": "..."}

    worker.run()

Plain functions run in threads, and call ``progress(40)`` without ``await``. What a function returns (JSON) is the
task's result. An exception fails the attempt, and the task is tried again while it has attempts; `TaskFailed` says
more. A task is worked on at least once: a worker that dies has its tasks given to another when its leases run out.
"""

import asyncio
import functools
import inspect
import json
import logging
import random
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import aiohttp

log = logging.getLogger("posthouse_worker")

MAX_LEASED = 100
MAX_SETTLED = 500
MAX_SETTLED_BYTES = 4_000_000
MAX_UNSETTLED = 2_000
LONGEST_PAUSE_SECONDS = 10.0
GIVE_UP_SECONDS = 10.0  # to settle what was stopped, when the house cannot be reached
SHORTEST_REPORT_SECONDS = 0.025  # the house takes 50 reports a second for each task
TROUBLE = (aiohttp.ClientError, OSError, asyncio.TimeoutError)


class TaskFailed(Exception):  # noqa: N818 - reads as what a function says
    """Raise it to fail a task with a code; ``retry=False`` when another attempt would fail as well."""

    def __init__(self, code: str, message: str = "", *, retry: bool = False) -> None:
        super().__init__(f"{code}: {message}")
        self.error = {"code": code[:100], "message": message[:10_000]}
        self.retry = retry


class TaskCancelled(Exception):  # noqa: N818 - not an error
    """Raised by ``progress`` in a plain function: nobody wants the result any more. Let it pass."""


class Refused(Exception):  # noqa: N818 - reads as what happened
    """The house answered with an error. ``status`` is the HTTP status."""

    def __init__(self, status: int, detail: str, retry_after: float) -> None:
        super().__init__(f"{status} {detail}")
        self.status = status
        self.retry_after = retry_after


@dataclass(frozen=True)
class Task:
    """What a function gets to work on. ``raw`` is the whole task as the house sent it."""

    id: str
    type: str
    params: dict[str, Any]
    attempt: int
    user_id: str
    lease: str
    raw: dict[str, Any]


class Api:
    """The house's interface for workers."""

    def __init__(self, url: str, api_key: str) -> None:
        self._base = url.rstrip("/") + "/api/v1"
        self._session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {api_key}"})

    async def call(self, method: str, path: str, body: bytes, timeout_seconds: float = 15) -> Any:
        """Send JSON, return JSON. Raises `Refused`, or one of `TROUBLE`."""
        async with self._session.request(
            method, self._base + path, data=body, headers={"Content-Type": "application/json"},
            timeout=aiohttp.ClientTimeout(total=timeout_seconds),
        ) as response:  # fmt: skip
            answer = await response.read()
            if response.status >= 400:
                raise Refused(response.status, _detail(answer), float(response.headers.get("Retry-After", 0)))
            return json.loads(answer)

    async def close(self) -> None:
        """Disconnect."""
        await self._session.close()


class Pauses:
    """Growing pauses while something fails, and one clear line in the log when it starts and when it ends."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._failures = 0

    async def failed(self, error: Exception) -> None:
        """Wait before the next try: 0.2 s, 0.4 s ... up to 10 s, with jitter."""
        pause = min(LONGEST_PAUSE_SECONDS, 0.2 * 2**self._failures) * random.uniform(0.5, 1)  # noqa: S311
        pause = max(pause, getattr(error, "retry_after", 0))
        level = logging.WARNING if self._failures == 0 else logging.DEBUG
        log.log(level, "%s failed, trying again until it works: %s", self._what, error or type(error).__name__)
        self._failures = min(self._failures + 1, 10)
        await asyncio.sleep(pause)

    def worked(self) -> None:
        """Start anew."""
        if self._failures:
            log.info("%s works again", self._what)
            self._failures = 0


class Job:
    """One function at work on one task."""

    def __init__(self, api: Api, task: Task, stop: Callable[["Job"], None]) -> None:
        self.task = task
        self.reported_at = time.monotonic()  # the lease lasts from here
        self.is_unwanted = False
        self._api = api
        self._stop = stop
        self._percent = 0.0
        self._phase: str | None = None
        self._message: str | None = None

    async def progress(self, percent: float, phase: str | None = None, message: str | None = None) -> None:
        """Report progress. Reports that come faster than 40 a second are left out, unless the phase is new."""
        is_new_phase = phase is not None and phase != self._phase
        self._percent = percent
        self._phase = phase or self._phase
        self._message = message or self._message
        if is_new_phase or time.monotonic() - self.reported_at >= SHORTEST_REPORT_SECONDS:
            await self.report()

    async def report(self) -> None:
        """Send how far it is, which renews the lease. Trouble on the way is no reason to stop working."""
        self.reported_at = time.monotonic()
        body = {"lease": self.task.lease, "percent": self._percent, "phase": self._phase, "message": self._message}
        try:
            answer = await self._api.call("PUT", f"/tasks/{self.task.id}/progress", json.dumps(body).encode())
        except Refused as error:
            if error.status in (404, 409):
                log.warning("task %s: its lease is lost, another worker may have it", self.task.id)
                self._end()
            elif error.status != 429:
                log.warning("task %s: progress was refused: %s", self.task.id, error)
        except TROUBLE as error:
            log.debug("task %s: progress did not arrive: %s", self.task.id, error)
        else:
            if answer["cancelled"]:
                log.info("task %s was cancelled", self.task.id)
                self._end()

    def _end(self) -> None:
        if not self.is_unwanted:
            self.is_unwanted = True
            self._stop(self)


class Worker:
    """Leases tasks, runs functions on them, and settles what they return, many at a time.

    ``concurrency`` is how many functions run at once; ``lease_seconds`` how long the house waits for a sign of life;
    ``poll_seconds`` how long one request waits for tasks (and stopping for it); ``drain_seconds`` how long functions
    may go on when the worker is stopped.
    """

    def __init__(
        self, url: str, api_key: str, *, name: str | None = None, concurrency: int = 10, lease_seconds: int = 30,
        poll_seconds: float = 5, drain_seconds: float = 60,
    ) -> None:  # fmt: skip
        self.name = name or f"{socket.gethostname()}-{random.getrandbits(24):06x}"
        self.concurrency = concurrency
        self._url = url
        self._api_key = api_key
        self._lease_seconds = lease_seconds
        self._poll_seconds = poll_seconds
        self._drain_seconds = drain_seconds
        self._functions: dict[str, Callable[..., Any]] = {}

    def task(self, kind: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Mark a function ``(task, progress)`` as the one for a type of task."""

        def mark(function: Callable[..., Any]) -> Callable[..., Any]:
            self._functions[kind] = function
            return function

        return mark

    def run(self) -> None:
        """Work until SIGTERM or Ctrl-C; then finish what was begun. A second signal ends at once."""
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
        asyncio.run(self.serve())

    async def serve(self) -> None:
        """Work until a signal or `stop`, inside a running event loop."""
        self._prepare()
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT)
        for number in signals:
            loop.add_signal_handler(number, self.stop)
        log.info("worker %s asks %s for %s", self.name, self._url, ", ".join(self._functions))
        background = [asyncio.create_task(work) for work in (self._settle(), self._heartbeat())]
        background += [asyncio.create_task(self._poll()) for _ in range(2)]
        try:
            await self._stopping.wait()
            await self._drain()
        finally:
            for number in signals:
                loop.remove_signal_handler(number)
            background += self._jobs.values()
            for work in background:
                work.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            self._threads.shutdown(wait=False, cancel_futures=True)
            await self._api.close()
        log.info("worker %s has stopped", self.name)

    def stop(self) -> None:
        """Take no more tasks and finish those that are leased; called again: end at once."""
        if self._stopping.is_set():
            log.warning("stopping at once: leases will run out")
            self._now.set()
        else:
            log.info("stopping: %d tasks are being finished", len(self._jobs))
            self._stopping.set()
            self._room.set()

    def _prepare(self) -> None:
        self._api = Api(self._url, self._api_key)
        self._threads = ThreadPoolExecutor(self.concurrency, thread_name_prefix="task")
        self._jobs: dict[Job, asyncio.Task[None]] = {}
        self._reserved = 0  # places that a poller has asked tasks for
        self._unsettled: deque[bytes] = deque()
        self._settling = 0
        self._room, self._stopping, self._now, self._finished = (asyncio.Event() for _ in range(4))

    async def _poll(self) -> None:
        pauses = Pauses("leasing tasks")
        while not self._stopping.is_set():
            room = min(MAX_LEASED, self.concurrency - len(self._jobs) - self._reserved)
            if room <= 0 or len(self._unsettled) > MAX_UNSETTLED:
                self._room.clear()
                await self._room.wait()
                continue
            self._reserved += room
            try:
                tasks = await self._lease(room)
            except (Refused, *TROUBLE) as error:
                tasks = []
                await pauses.failed(error)
            else:
                pauses.worked()
            for task in tasks:
                self._begin(task)
            self._reserved -= room
            self._room.set()

    async def _lease(self, room: int) -> list[dict[str, Any]]:
        body = {
            "types": list(self._functions), "max": room, "wait_seconds": self._poll_seconds,
            "lease_seconds": self._lease_seconds, "worker": self.name,
        }  # fmt: skip
        answer = await self._api.call("POST", "/tasks/lease", json.dumps(body).encode(), self._poll_seconds + 15)
        tasks: list[dict[str, Any]] = answer["tasks"]
        return tasks

    def _begin(self, raw: dict[str, Any]) -> None:
        task = Task(raw["id"], raw["type"], raw["params"], raw["attempt"], raw["user_id"], raw["lease"], raw)
        job = Job(self._api, task, self._interrupt)
        self._jobs[job] = asyncio.create_task(self._work(job))

    def _interrupt(self, job: Job) -> None:
        """End a function whose result is not wanted: at its next await, or (in a thread) its next progress."""
        if job in self._jobs:
            self._jobs[job].cancel()

    async def _work(self, job: Job) -> None:
        task = job.task
        try:
            outcome = {"result": await self._call(self._functions[task.type], job)}
        except TaskFailed as failure:
            outcome = {"error": failure.error, "retry": failure.retry}
        except asyncio.CancelledError:
            outcome = {"error": {"code": "worker_stopped", "message": "the worker was stopped"}, "retry": True}
        except Exception as error:
            if not job.is_unwanted:
                log.exception("task %s (%s) failed", task.id, task.type)
            outcome = {"error": {"code": type(error).__name__, "message": str(error)[:10_000]}, "retry": True}
        self._jobs.pop(job)
        if not job.is_unwanted:
            self._unsettled.append(_settlement(task, outcome))
            self._finished.set()
        self._room.set()

    async def _call(self, function: Callable[..., Any], job: Job) -> Any:
        if inspect.iscoroutinefunction(function):
            return await function(job.task, job.progress)
        loop = asyncio.get_running_loop()

        def progress(percent: float, phase: str | None = None, message: str | None = None) -> None:
            if not job.is_unwanted:
                asyncio.run_coroutine_threadsafe(job.progress(percent, phase, message), loop).result()
            if job.is_unwanted:
                raise TaskCancelled(job.task.id)

        return await loop.run_in_executor(self._threads, functools.partial(function, job.task, progress))

    async def _settle(self) -> None:
        """Send what was finished, in batches, until the house has it: under its lease nothing counts twice."""
        pauses = Pauses("settling tasks")
        while True:
            await self._finished.wait()
            self._finished.clear()
            while self._unsettled:
                batch = self._next_batch()
                self._settling = len(batch)
                while not await self._send(batch, pauses):
                    pass
                self._settling = 0
                self._room.set()

    def _next_batch(self) -> list[bytes]:
        batch, size = [self._unsettled.popleft()], 0
        while self._unsettled and len(batch) < MAX_SETTLED and size < MAX_SETTLED_BYTES:
            batch.append(self._unsettled.popleft())
            size += len(batch[-1])
        return batch

    async def _send(self, batch: list[bytes], pauses: Pauses) -> bool:
        """Whether there is nothing left to try."""
        try:
            answer = await self._api.call("POST", "/tasks/settle", b'{"items":[' + b",".join(batch) + b"]}", 30)
        except Refused as error:
            if error.status in (400, 413):
                log.error("the house cannot take %d results: %s", len(batch), error)  # noqa: TRY400 - says it all
                return len(batch) == 1 or all([await self._send([item], pauses) for item in batch])
            await pauses.failed(error)
            return False
        except TROUBLE as error:
            await pauses.failed(error)
            return False
        pauses.worked()
        for item in answer["items"]:
            if "code" in item:
                log.info("task %s was not settled: %s", item["id"], item["code"])
        return True

    async def _heartbeat(self) -> None:
        """Renew leases in time, and hear of cancelled tasks."""
        interval = self._lease_seconds / 3
        while True:
            await asyncio.sleep(min(1.0, interval / 2))
            late = time.monotonic() - interval
            await asyncio.gather(*(job.report() for job in list(self._jobs) if job.reported_at < late))

    async def _drain(self) -> None:
        """Let functions finish for a while, stop those that take longer, and settle everything."""
        began = time.monotonic()
        while self._reserved or self._jobs or self._unsettled or self._settling:
            late = time.monotonic() - began - self._drain_seconds
            if late > 0:
                for work in self._jobs.values():
                    work.cancel()
            if self._now.is_set() or late > GIVE_UP_SECONDS:
                log.warning("%d tasks were not settled: their leases will run out", len(self._jobs) + self._settling)
                return
            await asyncio.sleep(0.02)


def _settlement(task: Task, outcome: dict[str, Any]) -> bytes:
    head = {"id": task.id, "lease": task.lease}
    try:
        return json.dumps({**head, **outcome}, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        log.error("task %s: its result is not JSON: %s", task.id, error)  # noqa: TRY400 - says it all
        failure = {"code": "bad_result", "message": f"not JSON: {error}"[:10_000]}
        return json.dumps({**head, "error": failure, "retry": False}).encode()


def _detail(answer: bytes) -> str:
    try:
        problem = json.loads(answer)
        return f"{problem['code']}: {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        return answer[:200].decode(errors="replace")
