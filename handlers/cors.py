"""Cross-origin requests: an allow-list of origins, answered for browsers."""

import re
from collections.abc import Collection, Iterable, Mapping

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

_EXPOSED = (
    "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, "
    "X-Request-ID, Idempotency-Replayed, Retry-After, traceparent"
)
_ACCEPTED = "Authorization, Content-Type, Idempotency-Key, X-Request-ID, traceparent"
_MAX_AGE_SECONDS = "600"
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s]+")


def check_origins(origins: Iterable[str], name: str) -> None:
    """Raise `ValueError` for an origin that no browser ever sends."""
    for origin in origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise ValueError(f'{name}: {origin!r} is no origin such as "https://app.example", without a path')


class Cors:
    """Answers for ``origins`` such as ``https://app.example.org``.

    ``*`` lets every page in, which is safe as far as tokens travel in a header and not in cookies.
    """

    def __init__(self, origins: Collection[str]) -> None:
        self._origins = frozenset(origins)
        self._any = "*" in self._origins
        self.is_on = bool(self._origins)

    def headers(self, origin: str | None) -> Mapping[str, str]:
        """What an answer to a request from ``origin`` carries; the browser hides it from a page that is not allowed."""
        if not self.is_on:
            return {}
        if origin is None or not (self._any or origin in self._origins):
            return {"Vary": "Origin"}
        return {
            "Vary": "Origin",
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": _EXPOSED,
        }

    def preflight(self, asked: CIMultiDictProxy[str], methods: Collection[str]) -> web.Response | None:
        """Answer a browser's question about a path that has ``methods``; None when it is no such question."""
        origin = asked.get("Origin")
        if origin is None or "Access-Control-Request-Method" not in asked:
            return None
        answer = CIMultiDict(self.headers(origin))
        if "Access-Control-Allow-Origin" in answer:
            answer["Access-Control-Allow-Methods"] = ", ".join(sorted(methods))
            answer["Access-Control-Allow-Headers"] = _ACCEPTED
            answer["Access-Control-Max-Age"] = _MAX_AGE_SECONDS
        answer["Server"] = "posthouse"
        return web.Response(status=204, headers=answer)
