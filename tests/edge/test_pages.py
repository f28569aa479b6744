"""Health, metrics, keys and the documentation's pages."""

import asyncio
import re
from collections.abc import AsyncIterator
from functools import partial

import pytest
from aiohttp import ClientSession, web

from app.openapi import document
from handlers.health import Health
from handlers.pages import add_docs
from handlers.server import Runner
from tests.edge.notes import OPERATIONS


async def fine() -> None:
    return None


async def count() -> bytes:
    return b"up 1\n"


class Postgres:
    word: str | None = None

    async def check(self) -> str | None:
        if self.word == "raises":
            raise ConnectionRefusedError("secret host")
        return self.word


@pytest.fixture
def postgres() -> Postgres:
    return Postgres()


@pytest.fixture
async def http(postgres: Postgres) -> AsyncIterator[ClientSession]:
    app = web.Application()
    health = Health(checks={"postgres": postgres.check, "mailboxes": fine}, metrics=count, jwks=lambda: {"keys": []})
    health.add_to(app)
    add_docs(app, partial(document, OPERATIONS, title="Notes", version="1"))
    runner = Runner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
        yield session
    await runner.cleanup()


async def test_alive(http: ClientSession) -> None:
    async with http.get("/health") as answer:
        body = await answer.json()
    assert body["status"] == "ok"
    assert body["timestamp"].endswith("Z")


async def test_ready_says_what_is_missing(http: ClientSession, postgres: Postgres) -> None:
    async with http.get("/ready") as answer:
        assert (answer.status, await answer.json()) == (
            200,
            {"status": "ready", "checks": {"postgres": "ok", "mailboxes": "ok"}},
        )
    for word, told in (("starting", "starting"), ("raises", "ConnectionRefusedError")):
        postgres.word = word
        async with http.get("/ready") as answer:
            assert answer.status == 503
            assert (await answer.json())["checks"] == {"postgres": told, "mailboxes": "ok"}
            assert answer.headers["Retry-After"] == "1"


async def test_a_check_that_hangs_is_missing_too() -> None:
    async def hangs() -> None:
        await asyncio.Event().wait()

    health = Health(checks={"redis": hangs}, metrics=count, check_seconds=0.05)
    answer = await health.ready(None)  # type: ignore[arg-type]
    assert (answer.status, answer.body) == (503, b'{"status":"unavailable","checks":{"redis":"no answer"}}')


async def test_metrics_and_keys(http: ClientSession) -> None:
    async with http.get("/metrics") as answer:
        assert await answer.read() == b"up 1\n"
    async with http.get("/.well-known/jwks.json") as answer:
        assert await answer.json() == {"keys": []}


async def test_the_page_loads_nothing_from_elsewhere_and_all_it_needs_is_there(http: ClientSession) -> None:
    async with http.get("/api/docs") as answer:
        page = await answer.text()
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert links
    assert not re.search(r"style=|onclick=|<script>|https?://", page)
    for link in links:
        async with http.get(f"/api/{link}") as answer:
            assert answer.status == 200, link
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
