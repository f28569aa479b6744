"""One house as the front sees it: where it is, whether it wants connections, and those that it has."""

import asyncio
from collections.abc import Callable

LOOK_SECONDS = 0.25
ANSWER_SECONDS = 2.0
FROZEN_SECONDS = 6.0
"""A house that has given no answer for so long loses its connections: their clients are better off elsewhere."""

Cut = Callable[[], None]


class Place:
    """Looked at all the time (``watch``). ``changed`` is called whenever it becomes ready or stops being so."""

    def __init__(self, name: str, host: str, port: int, changed: "Callable[[Place], None]") -> None:
        self.name = name
        self.host = host
        self.port = port
        self.is_ready = False
        self.lives = False  # it answers, if only that it is not ready
        self.missing = "not started"
        self.connections: set[Cut] = set()
        self._changed = changed
        self._heard_at = 0.0

    @property
    def url(self) -> str:
        """Where the house itself can be asked."""
        return f"http://{self.host}:{self.port}"

    async def watch(self) -> None:
        """Ask ``/ready`` again and again."""
        loop = asyncio.get_running_loop()
        while True:
            self.note(*await self._look())
            if self.connections and not self.lives and loop.time() > self._heard_at + FROZEN_SECONDS:
                self.cut()
            await asyncio.sleep(LOOK_SECONDS)

    def note(self, status: int, missing: str = "") -> None:
        """Take notice of an answer: a status, or 0 for none."""
        was, self.is_ready, self.lives, self.missing = self.is_ready, status == 200, status != 0, missing
        if self.lives:
            self._heard_at = asyncio.get_running_loop().time()
        if was != self.is_ready:
            self._changed(self)

    def cut(self) -> None:
        """End all connections."""
        for cut in list(self.connections):
            cut()

    async def _look(self) -> tuple[int, str]:
        writer = None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await asyncio.open_connection(self.host, self.port)
                writer.write(b"GET /ready HTTP/1.1\r\nHost: front\r\nConnection: close\r\n\r\n")
                head, _, body = (await reader.read(65_536)).partition(b"\r\n\r\n")
                return int(head.split(b" ", 2)[1]), body.decode(errors="replace")[:500]
        except (OSError, TimeoutError, ValueError, IndexError) as error:
            return 0, type(error).__name__
        finally:
            if writer is not None:
                writer.transport.abort()
