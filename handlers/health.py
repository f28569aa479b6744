"""Whether the house lives, whether it can serve, what it has counted, and the keys that its tokens are signed with."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from aiohttp import web

from actors.runtime.message import Aware

Check = Callable[[], Awaitable[str | None]]
"""None when all is well, else a short word such as ``starting`` or ``full``. May raise."""

_SERVER = "posthouse"  # and not which version of what answers here
_encode = msgspec.json.Encoder().encode


class Alive(msgspec.Struct, frozen=True):
    """The event loop turns."""

    status: Literal["ok"]
    timestamp: Aware


class Readiness(msgspec.Struct, frozen=True):
    """Whether requests can be served. A check that fails says in a word what is missing."""

    status: Literal["ready", "unavailable"]
    checks: dict[str, str]


class Health:
    """Plain pages outside the API, without token or rate limit.

    ``metrics`` gives Prometheus' text format; a check that takes more than ``check_seconds`` has failed.
    """

    def __init__(
        self,
        *,
        checks: Mapping[str, Check],
        metrics: Callable[[], Awaitable[bytes]],
        jwks: Callable[[], Mapping[str, Any]] | None = None,
        check_seconds: float = 2.0,
    ) -> None:
        self._checks = checks
        self._metrics = metrics
        self._jwks = jwks
        self._check_seconds = check_seconds

    def add_to(self, app: web.Application) -> None:
        """Add the routes; the keys only where an asymmetric key is configured."""
        app.router.add_get("/health", self.health)
        app.router.add_get("/ready", self.ready)
        app.router.add_get("/metrics", self.metrics)
        if self._jwks is not None:
            app.router.add_get("/.well-known/jwks.json", self.jwks)

    async def health(self, _request: web.Request) -> web.Response:
        """Alive: the event loop turns."""
        return _json(Alive("ok", datetime.now(UTC)))

    async def ready(self, _request: web.Request) -> web.Response:
        """Can serve: every check passes. Else 503 with what is missing."""
        words = await asyncio.gather(*(_ask(check, self._check_seconds) for check in self._checks.values()))
        checks = {name: word or "ok" for name, word in zip(self._checks, words, strict=True)}
        if all(word is None for word in words):
            return _json(Readiness("ready", checks))
        return _json(Readiness("unavailable", checks), status=503)

    async def metrics(self, _request: web.Request) -> web.Response:
        """What Prometheus scrapes."""
        kind = "text/plain; version=0.0.4; charset=utf-8"
        return web.Response(body=await self._metrics(), headers={"Content-Type": kind, "Server": _SERVER})

    async def jwks(self, _request: web.Request) -> web.Response:
        """The public keys, as RFC 7517 has them."""
        assert self._jwks is not None  # noqa: S101 - the route exists only then
        return _json(self._jwks(), cache="public, max-age=300")


async def _ask(check: Check, seconds: float) -> str | None:
    try:
        async with asyncio.timeout(seconds):
            return await check()
    except TimeoutError:
        return "no answer"
    except Exception as error:  # noqa: BLE001 - whatever is wrong, it is not ready
        return type(error).__name__


def _json(value: Any, *, status: int = 200, cache: str = "no-store") -> web.Response:
    headers = {
        "Content-Type": "application/json", "Cache-Control": cache, "X-Content-Type-Options": "nosniff",
        "Server": _SERVER,
    }  # fmt: skip
    if status == 503:
        headers["Retry-After"] = "1"
    return web.Response(status=status, body=_encode(value), headers=headers)
