"""Puts operations onto an aiohttp application, and answers for what no route matches."""

from collections.abc import Iterable, Iterator
from time import perf_counter

from aiohttp import web

from actors.errors import DomainError, MethodNotAllowed, NotFound
from actors.runtime.message import Caller
from handlers.dispatch import Procedure
from handlers.edge import Edge, Observe, Route, full_path, refuse, reply_headers
from handlers.origin import request_id

UNMATCHED = "(unmatched)"
"""The route pattern under which requests that fit no route are observed."""

ANYTHING = "/{anything:.*}"
ANYWHERE = "/{anything}"
"""As aiohttp shows it."""

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def build_routes(app: web.Application, edge: Edge) -> None:
    """Add every operation of the edge's dispatcher, and the answers for everything else.

    HEAD goes wherever GET goes, PUT wherever PATCH goes, unless an operation has it to itself.
    """
    procedures = edge.dispatcher.procedures
    taken = {(p.operation.method, full_path(p.operation)) for p in procedures}
    for procedure in procedures:
        pattern = full_path(procedure.operation)
        for method in _methods(procedure, taken):
            route = Route(edge, procedure, method, pattern)
            app.router.add_route(method, pattern, route.answer, expect_handler=route.expect)
    elsewhere = Elsewhere(edge)
    for pattern in _spelled_out(procedures):
        # Else ``DELETE /users/login`` would be a user of that name, and 404.
        app.router.add_route("*", pattern, elsewhere.answer)
    app.router.add_route("*", ANYTHING, elsewhere.answer)


def _methods(procedure: Procedure, taken: set[tuple[str, str]]) -> Iterator[str]:
    method, pattern = procedure.operation.method, full_path(procedure.operation)
    yield method
    twin = {"GET": "HEAD", "PATCH": "PUT"}.get(method)
    if twin is not None and (twin, pattern) not in taken:
        yield twin


def _spelled_out(procedures: Iterable[Procedure]) -> list[str]:
    """Paths without names, each once."""
    patterns = dict.fromkeys(full_path(procedure.operation) for procedure in procedures)
    return [pattern for pattern in patterns if "{" not in pattern]


class Elsewhere:
    """Answers where no route does: 405 with the methods that there are, a preflight, or 404.

    It is a route itself, the last one, and no middleware: one middleware makes every request a tenth slower.
    """

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._observers: dict[str, Observe] = {name: edge.observer(name, UNMATCHED) for name in _METHODS}
        self._other = edge.observer("OTHER", UNMATCHED)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Say what is wrong with the request."""
        started = perf_counter()
        name = request_id(request.headers.get("X-Request-ID"))
        response = self._answer(request, await self._allowed(request), name)
        caller = Caller(request_id=name, address=self._edge.addresses.of(request))
        observe = self._observers.get(request.method, self._other)
        observe(response.status, perf_counter() - started, caller, name, request.path)
        return response

    def _answer(self, request: web.Request, allowed: set[str], name: str) -> web.Response:
        if allowed and request.method == "OPTIONS":
            preflight = self._edge.cors.preflight(request.headers, allowed)
            if preflight is not None:
                return preflight
        error: DomainError = NotFound("no such path")
        if allowed:
            error = MethodNotAllowed(f"{request.method} is not possible here", allow=sorted(allowed))
        return refuse(error, reply_headers(request, name, self._edge.cors), name)

    async def _allowed(self, request: web.Request) -> set[str]:
        """Methods of the path that the request's fits, spelled-out ones before those with names.

        aiohttp makes several resources of one path whose routes were not added one after the other.
        """
        found: set[str] = set()
        path = ANYWHERE
        resources = [resource for resource in request.app.router.resources() if resource.canonical != ANYWHERE]
        for resource in sorted(resources, key=lambda resource: "{" in resource.canonical):
            if found and resource.canonical != path:
                continue
            match, allowed = await resource.resolve(request)
            path = resource.canonical
            found |= (allowed if match is None else {route.method for route in resource}) - {"*"}
        return found
