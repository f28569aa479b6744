"""Keeps one house running: starts its process, starts it again when it ends, stops it when asked."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import structlog

from app.config import ROOT
from storage import child

log = structlog.get_logger()

FIRST_DELAY_SECONDS = 0.2
LAST_DELAY_SECONDS = 5.0
WELL_SECONDS = 10.0  # who ran for so long starts again without a delay that has grown
LINES = 20


class Keeper:
    """One house. Its process ends when this one ends, however that ends.

    ``heard`` is called with each line of its stderr: a house says little there.
    """

    def __init__(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str], heard: Callable[[str], None]
    ) -> None:
        self.name = name
        self.starts = 0
        self._arguments = list(arguments)
        self._environment = dict(environment)
        self._heard = heard
        self._process: asyncio.subprocess.Process | None = None
        self._is_stopping = False

    @property
    def pid(self) -> int | None:
        """The process id; None while it does not run."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def run(self, started: Callable[[], None]) -> None:
        """Run it again and again, until `stop`. ``started`` is called with every start."""
        delay_seconds = FIRST_DELAY_SECONDS
        while not self._is_stopping:
            began = time.monotonic()
            await self._start()
            started()
            await self._ended(began)
            if not self._is_stopping:
                delay_seconds = FIRST_DELAY_SECONDS if time.monotonic() > began + WELL_SECONDS else delay_seconds
                await asyncio.sleep(delay_seconds)
                delay_seconds = min(delay_seconds * 2, LAST_DELAY_SECONDS)

    def stop(self) -> None:
        """Ask it to stop, and start it no more."""
        self._is_stopping = True
        self._signal(signal.SIGTERM)

    async def stopped(self, within_seconds: float) -> None:
        """Return when it has stopped; one that takes longer is ended by force."""
        if self._process is None:
            return
        try:
            async with asyncio.timeout(within_seconds):
                await self._process.wait()
        except TimeoutError:
            log.warning("house_does_not_stop", house=self.name, pid=self.pid)
            self._signal(signal.SIGKILL)
            await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _start(self) -> None:
        self.starts += 1
        self._process = await asyncio.create_subprocess_exec(
            *child.wrapped(os.geteuid(), os.getegid()),
            *(sys.executable, str(ROOT / "main.py"), "serve"),
            *self._arguments,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,  # its log has the same lines
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in a terminal is for the cluster, which then stops its houses in order
        )
        log.info("house_started", house=self.name, pid=self._process.pid)
        if self._is_stopping:
            self._signal(signal.SIGTERM)

    async def _ended(self, began: float) -> None:
        process = self._process
        assert process is not None and process.stderr is not None  # noqa: S101, PT018 - it was started so
        last: deque[str] = deque(maxlen=LINES)
        async for line in process.stderr:
            last.append(text := line.decode(errors="replace").rstrip())
            self._heard(text)
        code, lived = await process.wait(), round(time.monotonic() - began, 1)
        if self._is_stopping:
            log.info("house_stopped", house=self.name, code=code)
        else:
            said = {"said": "\n".join(last)} if code > 0 and last else {}
            log.warning("house_died", house=self.name, pid=process.pid, code=code, lived_seconds=lived, **said)
