"""Puts operations onto an aiohttp application, and answers for what no route matches."""

from collections.abc import Iterable, Iterator
from time import perf_counter

from aiohttp import web
from aiohttp.typedefs import Handler

from actors.errors import DomainError, InvalidRequest, MethodNotAllowed, NotFound, TooLarge
from actors.runtime.message import Caller
from handlers.dispatch import Procedure
from handlers.edge import Edge, Observe, Route, crash, full_path, refuse, reply_headers
from handlers.origin import request_id

UNMATCHED = "(unmatched)"
"""The route pattern under which requests that fit no route are observed."""

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
    for pattern, methods in _spelled_out(procedures, taken).items():
        app.router.add_route("*", pattern, _refusing(methods))
    app.middlewares.append(Elsewhere(edge).guard)


def _methods(procedure: Procedure, taken: set[tuple[str, str]]) -> Iterator[str]:
    method, pattern = procedure.operation.method, full_path(procedure.operation)
    yield method
    twin = {"GET": "HEAD", "PATCH": "PUT"}.get(method)
    if twin is not None and (twin, pattern) not in taken:
        yield twin


def _spelled_out(procedures: Iterable[Procedure], taken: set[tuple[str, str]]) -> dict[str, set[str]]:
    """Paths without names, and the methods of each."""
    paths: dict[str, set[str]] = {}
    for procedure in procedures:
        pattern = full_path(procedure.operation)
        if "{" not in pattern:
            paths.setdefault(pattern, set()).update(_methods(procedure, taken))
    return paths


def _refusing(methods: set[str]) -> Handler:
    """Say 405 for a spelled-out path here: else ``DELETE /users/login`` would be a user of that name, and 404."""

    async def refuse_method(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMethodNotAllowed(request.method, methods)

    return refuse_method


class Elsewhere:
    """Turns what aiohttp and plain handlers raise into problem documents. Routes have answered by then."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._observers: dict[str, Observe] = {name: edge.observer(name, UNMATCHED) for name in _METHODS}
        self._other = edge.observer("OTHER", UNMATCHED)

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Run the handler; answer for it when it raises."""
        started = perf_counter()
        try:
            return await handler(request)
        except Exception as error:  # noqa: BLE001 - the last one who can still answer
            name = request_id(request.headers.get("X-Request-ID"))
            response = self._answer(request, error, name)
            caller = Caller(request_id=name, address=self._edge.addresses.of(request))
            observe = self._observers.get(request.method, self._other)
            observe(response.status, perf_counter() - started, caller, name, request.path)
            return response

    def _answer(self, request: web.Request, error: Exception, name: str) -> web.Response:
        headers = reply_headers(request, name, self._edge.cors)
        if isinstance(error, DomainError):
            return refuse(error, headers, name)
        if not isinstance(error, web.HTTPException):
            return crash(error, headers, name, request)
        if error.status < 400:
            raise error
        if isinstance(error, web.HTTPMethodNotAllowed) and request.method == "OPTIONS":
            preflight = self._edge.cors.preflight(request.headers, error.allowed_methods)
            if preflight is not None:
                return preflight
        return refuse(_meaning(error), headers, name, error.status)


def _meaning(error: web.HTTPException) -> DomainError:
    """Say in our words what aiohttp refused."""
    match error:
        case web.HTTPNotFound():
            return NotFound("no such path")
        case web.HTTPMethodNotAllowed():
            return MethodNotAllowed(f"{error.method} is not possible here", allow=sorted(error.allowed_methods))
        case web.HTTPRequestEntityTooLarge():
            return TooLarge("the body is too large")
        case _:
            return InvalidRequest(error.text or error.reason)
