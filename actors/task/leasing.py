"""Leases: taking due tasks in one statement for all workers that ask, and waiting where there are none."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from actors.messages.task import Leased, LeaseTasks, TakeTasks
from actors.runtime.actor import Ref, Service, Settled, Together, Turn, handles
from actors.task.batch import columns, stored, task_in
from actors.task.settings import TaskSettings
from actors.task.waiting import Bell
from storage.task import TAKE_TASKS

_encode = msgspec.json.Encoder().encode


def take(batch: Sequence[tuple[TakeTasks, Turn]], settings: TaskSettings) -> Together[Leased]:
    """Lease for every request of a batch, in order."""
    rows = (
        (",".join(sorted(set(message.types))), message.max, message.lease_seconds, message.worker, turn.now, turn.id,
         turn.caller.user_id)
        for message, turn in batch
    )  # fmt: skip

    def settle(rows: list[Any]) -> Settled[Leased]:
        replies: list[Leased] = [Leased([]) for _ in batch]
        events = []
        for row in rows:
            body = row["body"].encode()
            events.append(stored(row["id"], row["n"], "task.started", body, batch[row["ord"] - 1][1]))
            replies[row["ord"] - 1].tasks.append(leased(task_in(body), row))
        return Settled(replies=replies, stored=events)

    limits = _encode(settings.max_running).decode()
    return Together(statement=TAKE_TASKS, args=[*columns(rows, 7), limits], settle=settle)


def leased(task: bytes, row: Any) -> bytes:
    """Add to a task what only its worker sees."""
    lease = f',"lease":"{row["lease"]}","lease_expires_at":"{row["lease_expires_at"]}","user_id":"{row["user_id"]}"}}'
    return task[:-1] + lease.encode()


class TaskLeases(Service):
    """Where workers wait. A parked request holds neither a connection nor a lane of the journal."""

    kind = "task_leases"
    asks = frozenset({"tasks"})
    concurrency = 10_000
    capacity = 10_000

    def __init__(self, ref: Callable[[str, str], Ref], bell: Bell) -> None:
        """``ref`` finds the service `actors.task.tasks.Tasks`; ``bell`` is the one that it rings."""
        self._ref = ref
        self._bell = bell

    @handles
    async def lease(self, message: LeaseTasks, turn: Turn) -> Leased:
        """Look, and while there is nothing wait until told, up to the time asked for."""
        worker = message.worker or turn.caller.api_key_id or turn.caller.user_id or ""
        request = TakeTasks(types=message.types, max=message.max, lease_seconds=message.lease_seconds, worker=worker)
        return await self._look(request, message.wait_seconds, turn)

    async def _look(self, request: TakeTasks, wait_seconds: float, turn: Turn) -> Leased:
        tasks, clock = self._ref("tasks", ""), asyncio.get_running_loop().time
        ends_at = clock() + wait_seconds
        waiter = self._bell.enter(request.types, request.max)
        turn.on_abandoned(waiter.woken.set)
        try:
            while not turn.is_abandoned:
                waiter.rest()
                found = await tasks.ask(request, turn.caller)
                left = ends_at - clock()
                if found.tasks or left <= 0 or self._bell.is_closed or not await waiter.wait(left):
                    return found
            return Leased([])  # who has left gets nothing: it would lie idle until its lease ran out
        finally:
            self._bell.leave(waiter)
