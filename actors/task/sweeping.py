"""What time alone does to tasks: leases run out, attempts take too long, run_at comes."""

import logging
import random
from collections.abc import Callable, Sequence
from typing import Any

from actors.errors import DomainError
from actors.messages.task import SweepTasks
from actors.runtime.actor import Ref, Settled, Together, Turn
from actors.runtime.looks import Looks
from actors.runtime.message import SYSTEM
from actors.runtime.ports import Clock
from actors.task.batch import stored
from actors.task.settings import TaskSettings
from actors.task.waiting import Bell
from storage.task import SWEEP_TASKS, TaskStore

log = logging.getLogger(__name__)
MOST = 1_000  # tasks per sweep, so that one sweep holds the lane for a moment only
_SHORTEST_PAUSE_SECONDS = 0.01
_jitter = random.Random().uniform  # noqa: S311 - spreads retries, guards nothing


def sweep(batch: Sequence[tuple[SweepTasks, Turn]], bell: Bell) -> Together[int]:
    """One sweep answers the whole batch."""
    turn = batch[0][1]

    def settle(rows: list[Any]) -> Settled[int]:
        events = [
            None if row["n"] is None else stored(row["id"], row["n"], "task.failed", row["body"].encode(), turn)
            for row in rows
        ]

        def after() -> None:
            for row in rows:
                bell.ring(row["type"])

        return Settled(replies=[len(rows)] * len(batch), stored=events, after=after)

    return Together(statement=SWEEP_TASKS, args=[turn.now, turn.id, _jitter(1, 1.25), MOST], settle=settle)


class Sweeper:
    """Sweeps when something is due, and within ``sweep_seconds`` of what was written. Runs beside the actors.

    ``looks`` says how soon it learns of what was written; without it it looks every ``sweep_seconds``.
    """

    def __init__(
        self,
        *,
        store: TaskStore,
        ref: Callable[[str, str], Ref],
        bell: Bell,
        clock: Clock,
        settings: TaskSettings,
        looks: Looks | None = None,
    ) -> None:
        self._store = store
        self._ref = ref
        self._bell = bell
        self._clock = clock
        self._settings = settings
        self.looks = looks or Looks(settings.sweep_seconds)

    async def run(self) -> None:
        """Sweep until cancelled. While the database is gone it keeps trying."""
        while True:
            self.looks.begin()
            try:
                pause = await self.look()
            except (ConnectionError, TimeoutError, DomainError) as error:
                log.warning("task_sweep_failed", extra={"error": str(error)})
                pause = self._settings.sweep_seconds
            await self.looks.pause(pause)

    async def look(self) -> float | None:
        """Do what is due; return the seconds until more is, or None."""
        due = await self._store.get_next_due_seconds(self._clock.now())
        if due is not None and due <= 0:
            await self._ref("tasks", "").ask(SweepTasks(), SYSTEM)
            due = await self._store.get_next_due_seconds(self._clock.now())
        await self._wake()
        return None if due is None else max(due, _SHORTEST_PAUSE_SECONDS)

    async def _wake(self) -> None:
        """Wake workers for tasks that another house has made due."""
        types = self._bell.types()
        if types:
            for kind, count in (await self._store.list_due_types(types)).items():
                self._bell.ring_here(kind, count)
