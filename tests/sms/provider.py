"""A provider of text messages, as far as a house can see one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiohttp import web


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


class Provider:
    """Answers as it is told (then 202), and keeps what it was asked."""

    def __init__(self) -> None:
        self.port = 0  # a free one at the first start, and the same ever after
        self.asked: list[Asked] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where messages go."""
        return f"http://127.0.0.1:{self.port}/messages"

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", self._take)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Be gone."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _take(self, request: web.Request) -> web.Response:
        self.asked.append(Asked(request.method, request.raw_path, dict(request.headers), await request.text()))
        status, headers = self.answers.pop(0) if self.answers else (202, {})
        return web.Response(status=status, headers=headers, text="the answer's text, with a number: +491701234567")


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    """A provider that listens on this machine."""
    opened = Provider()
    await opened.start()
    try:
        yield opened
    finally:
        await opened.stop()
