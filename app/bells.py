"""Tasks that one house has made due wake workers that wait in another."""

import asyncio
from collections import Counter
from functools import partial

from actors.task.waiting import Bell
from storage.redis.pubsub import PubSub

IDLE_SECONDS = 10.0


class Bells:
    """Rings for what nobody takes here (`actors.task.waiting.Elsewhere`). What is not heard, the sweep finds.

    A type is listened to from the first worker on that waits for it until a while after the last one.
    """

    def __init__(self, bell: Bell, pubsub: PubSub, incarnation: int) -> None:
        self._bell = bell
        self._pubsub = pubsub
        self._me = incarnation.to_bytes(8)
        self._due: Counter[str] = Counter()
        self._heard: set[str] = set()
        bell.elsewhere = self

    def ring(self, kind: str, count: int) -> None:
        """Tell the others of tasks that are due; all of one turn of the loop together."""
        if not self._due:
            asyncio.get_running_loop().call_soon(self._tell)
        self._due[kind] += count

    def listen(self, kind: str) -> None:
        """Somebody waits for a type."""
        if kind not in self._heard:
            self._heard.add(kind)
            heard = self._pubsub.subscribe(_channel(kind), partial(self._hear, kind))
            heard.add_done_callback(lambda _: self._bell.ring_here(kind, 1))  # for what came up meanwhile

    async def run(self) -> None:
        """Listen no longer to what nobody waits for, until cancelled."""
        idle: set[str] = set()
        while True:
            await asyncio.sleep(IDLE_SECONDS)
            waited_for = set(self._bell.types())
            for kind in idle - waited_for:
                self._heard.discard(kind)
                self._pubsub.unsubscribe(_channel(kind))
            idle = self._heard - waited_for

    def _tell(self) -> None:
        due, self._due = self._due, Counter()
        for kind, count in due.items():
            self._pubsub.publish(_channel(kind), self._me + count.to_bytes(4))

    def _hear(self, kind: str, said: bytes) -> None:
        if not said.startswith(self._me):
            self._bell.ring_here(kind, int.from_bytes(said[8:]))


def _channel(kind: str) -> str:
    return f"bell:{kind}"
