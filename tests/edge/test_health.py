"""Whether the house lives and can serve, as a load balancer asks it."""

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from handlers.health import Check, Health


async def well() -> str | None:
    return None


async def full() -> str | None:
    return "full"


async def broken() -> str | None:
    raise ConnectionError("gone")


async def metrics() -> bytes:
    return b"up 1\n"


def served(**checks: Check) -> web.Application:
    app = web.Application()
    Health(checks=checks, metrics=metrics).add_to(app)
    return app


async def test_a_house_that_turns_is_alive_whatever_it_misses(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(served(postgres=broken))
    answer = await client.get("/health")
    assert answer.status == 200
    assert (await answer.json())["status"] == "ok"


async def test_a_house_is_ready_when_every_check_passes(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(served(postgres=well, mailboxes=well))
    answer = await client.get("/ready")
    assert answer.status == 200
    assert (await answer.json())["checks"] == {"postgres": "ok", "mailboxes": "ok"}


async def test_what_is_missing_is_named_with_503(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(served(postgres=broken, mailboxes=full, house=well))
    answer = await client.get("/ready")
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "1"
    assert (await answer.json())["checks"] == {"postgres": "ConnectionError", "mailboxes": "full", "house": "ok"}


async def test_prometheus_gets_its_text(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(served())
    answer = await client.get("/metrics")
    assert await answer.read() == b"up 1\n"
    assert answer.headers["Content-Type"].startswith("text/plain; version=")


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
async def test_nobody_is_told_what_versions_run_here(aiohttp_client: AiohttpClient, path: str) -> None:
    client = await aiohttp_client(served())
    assert (await client.get(path)).headers["Server"] == "posthouse"
