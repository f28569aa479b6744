"""The documentation for people: one self-contained page that renders the OpenAPI document."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

_FOLDER = Path(__file__).with_name("docs_page")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
    "Server": "posthouse",
}
_FILES = {
    "/api/docs": ("index.html", "text/html; charset=utf-8"),
    "/api/docs/docs.css": ("docs.css", "text/css; charset=utf-8"),
    "/api/docs/docs.js": ("docs.js", "text/javascript; charset=utf-8"),
}


def add_docs(app: web.Application, document: Callable[[], dict[str, Any]]) -> None:
    """Serve the document at ``/api/openapi.json`` and the page at ``/api/docs``.

    The document is made in a thread when somebody asks for it first: a house that starts saves the 0.15 s.
    """
    app.router.add_get("/api/openapi.json", _made_once(lambda: msgspec.json.encode(document())))
    for path, (name, kind) in _FILES.items():
        app.router.add_get(path, _fixed((_FOLDER / name).read_bytes(), kind))


def _made_once(make: Callable[[], bytes]) -> Handler:
    making = asyncio.Lock()
    answers: list[Handler] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        async with making:
            if not answers:
                answers.append(_fixed(await asyncio.to_thread(make), "application/json"))
        return await answers[0](request)

    return answer


def _fixed(content: bytes, kind: str) -> Handler:
    headers = {**_HEADERS, "Content-Type": kind}

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=content, headers=headers)

    return answer
