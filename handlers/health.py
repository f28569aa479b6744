"""Whether the house lives, whether it can serve, what it has counted, and the keys that its tokens are signed with."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web

Check = Callable[[], Awaitable[str | None]]
"""None when all is well, else a short word such as ``starting`` or ``full``. May raise; gets 2 seconds."""

_CHECK_SECONDS = 2.0
_encode = msgspec.json.Encoder().encode


class Health:
    """Plain pages outside the API, without token or rate limit. ``metrics`` is Prometheus' text format."""

    def __init__(
        self,
        *,
        checks: Mapping[str, Check],
        metrics: Callable[[], bytes],
        jwks: Callable[[], Mapping[str, Any]] | None = None,
    ) -> None:
        self._checks = checks
        self._metrics = metrics
        self._jwks = jwks

    def add_to(self, app: web.Application) -> None:
        """Add the routes; the keys only where an asymmetric key is configured."""
        app.router.add_get("/health", self.health)
        app.router.add_get("/ready", self.ready)
        app.router.add_get("/metrics", self.metrics)
        if self._jwks is not None:
            app.router.add_get("/.well-known/jwks.json", self.jwks)

    async def health(self, _request: web.Request) -> web.Response:
        """Alive: the event loop turns."""
        return _json({"status": "ok", "timestamp": datetime.now(UTC)})

    async def ready(self, _request: web.Request) -> web.Response:
        """Can serve: every check passes. Else 503 with what is missing."""
        words = await asyncio.gather(*(_ask(check) for check in self._checks.values()))
        checks = {name: word or "ok" for name, word in zip(self._checks, words, strict=True)}
        if all(word is None for word in words):
            return _json({"status": "ready", "checks": checks})
        return _json({"status": "unavailable", "checks": checks}, status=503)

    async def metrics(self, _request: web.Request) -> web.Response:
        """What Prometheus scrapes."""
        return web.Response(body=self._metrics(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def jwks(self, _request: web.Request) -> web.Response:
        """The public keys, as RFC 7517 has them."""
        assert self._jwks is not None  # noqa: S101 - the route exists only then
        return _json(self._jwks(), cache="public, max-age=300")


async def _ask(check: Check) -> str | None:
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            return await check()
    except TimeoutError:
        return "no answer"
    except Exception as error:  # noqa: BLE001 - whatever is wrong, it is not ready
        return type(error).__name__


def _json(value: Any, *, status: int = 200, cache: str = "no-store") -> web.Response:
    headers = {"Content-Type": "application/json", "Cache-Control": cache, "X-Content-Type-Options": "nosniff"}
    if status == 503:
        headers["Retry-After"] = "1"
    return web.Response(status=status, body=_encode(value), headers=headers)
