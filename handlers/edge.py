"""The HTTP edge: one fused function per route, from the request's head to the encoded answer.

Fused rather than nested middlewares: everything that a route needs is at hand when it runs (measured: 43 against 59
microseconds for a GET). The order is: origin, token, rate, permission, body, message, actor, answer.
"""

import logging
from collections.abc import Callable
from time import perf_counter

import msgspec
from aiohttp import web
from multidict import CIMultiDict

from actors.errors import DomainError, Forbidden, Internal, RateLimited, Unauthorized
from actors.messages.picture import Picture
from actors.runtime.envelope import CURRENT, Current
from actors.runtime.message import ANONYMOUS, Caller
from handlers import body, problem
from handlers.answer import Answer
from handlers.cors import Cors
from handlers.decoding import Parts
from handlers.dispatch import Dispatcher, Outcome, Procedure
from handlers.operation import Access, Operation
from handlers.origin import Addresses, continue_trace, limit_key, request_id
from handlers.patience import while_there
from handlers.ports import Identities
from handlers.rate_limit import Limit, LimitSettings, limits

BASE = "/api/v1"

Observe = Callable[[int, float, Caller, str, str], None]
"""Called once per answer with status, seconds, caller, request id and path. Must not block or raise."""

Observer = Callable[[str, str], Observe]
"""Called once per route with method and pattern, so that what it returns can keep its labels at hand."""

_log = logging.getLogger("posthouse.edge")
_encode = msgspec.json.Encoder().encode
_HEADERS = CIMultiDict(
    {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Server": "posthouse",
    }
)


_INERT = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""A picture with people's words in it runs nothing and loads nothing, wherever it is opened."""


class EdgeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the HTTP edge can be told, beside its rates."""

    cors_origins: list[str] = []  # such as https://app.example.org; "*" for every page
    trusted_proxies: list[str] = []  # addresses or networks whose X-Forwarded-For is believed
    body_timeout_seconds: float = 10.0  # for a whole JSON body


class Edge:
    """What all routes share."""

    def __init__(
        self,
        *,
        dispatcher: Dispatcher,
        identities: Identities,
        observer: Observer,
        settings: EdgeSettings,
        rates: LimitSettings,
    ) -> None:
        self.dispatcher = dispatcher
        self.identities = identities
        self.observer = observer
        self.limits = limits(rates)
        self.addresses = Addresses(settings.trusted_proxies)
        self.cors = Cors(settings.cors_origins)
        self.body_timeout_seconds = settings.body_timeout_seconds


class Route:
    """One operation as an aiohttp handler. Never raises but for cancellation: every error is a problem document."""

    def __init__(self, edge: Edge, procedure: Procedure, method: str, pattern: str) -> None:
        self._edge = edge
        self._procedure = procedure
        self._reads_body = method in {"POST", "PUT", "PATCH"}
        self._limit: Limit | None = edge.limits.get(procedure.operation.rate)
        self._observe = edge.observer(method, pattern)
        self._is_public = procedure.operation.access is Access.PUBLIC

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Perform the operation and answer."""
        started = perf_counter()
        given = request.headers
        name = request_id(given.get("X-Request-ID"))
        headers = reply_headers(request, name, self._edge.cors)
        caller = ANONYMOUS
        response: web.StreamResponse
        try:
            caller, fault = await self._identify(request, name)
            if self._limit is not None:
                self._count(self._limit, caller, headers)
            if fault is None:
                response = _success(await self._perform(request, caller), headers)
            else:
                response = refuse(fault, headers, name)
        except DomainError as error:
            response = refuse(error, headers, name)
            if error.code == "too_large" or request.content.exception() is not None:
                response.force_close()  # nothing that follows can be read, or not soon
        except Exception as error:  # noqa: BLE001 - a bug: logged with its traceback, opaque to the caller
            response = crash(error, headers, name, request)
        if response.status >= 400 and "Expect" in given:
            response.force_close()  # nobody knows whether the body still comes
        self._observe(response.status, perf_counter() - started, caller, name, request.path)
        return response

    async def expect(self, request: web.Request) -> None:
        """Leave ``Expect`` to `answer`, which asks for the body once there is nothing else to refuse."""

    async def _perform(self, request: web.Request, caller: Caller) -> Outcome:
        procedure = self._procedure
        procedure.permit(caller)
        shape = procedure.shape
        path = shape.read_path(request.match_info, caller.user_id)
        query = request.rel_url.raw_query_string
        if self._reads_body:
            raw = await body.read_json(request, procedure.operation.body_limit_bytes, self._edge.body_timeout_seconds)
            read = shape.read_body(raw)
            if query:
                shape.refuse_query(request.query)
        else:
            read = shape.read_query(request.query.items() if query else ())
        key = request.headers.get("Idempotency-Key") if procedure.takes_key else None
        work = self._edge.dispatcher.run(procedure, Parts(path, read), caller, key, request)
        return await (while_there(request, work) if procedure.operation.waits else work)

    async def _identify(self, request: web.Request, name: str) -> tuple[Caller, DomainError | None]:
        """Return who calls; where the token is bad, nobody and what is wrong with it.

        A public route ignores a bad token: a client whose token has just run out must be able to log in again.
        """
        known = ANONYMOUS
        fault: DomainError | None = None
        if (authorization := request.headers.get("Authorization")) is not None:
            try:
                known = await self._verify(authorization)
            except (Unauthorized, Forbidden) as error:
                fault = None if self._is_public else error
            except DomainError as error:
                fault = error
        return Caller(
            known.user_id,
            known.role,
            known.session_id,
            known.api_key_id,
            known.scopes,
            name,
            self._edge.addresses.of(request),
            _words(request.headers.get("User-Agent", "")),
        ), fault

    async def _verify(self, authorization: str) -> Caller:
        token = authorization[7:]
        if authorization[:7] != "Bearer " and authorization[:7].lower() != "bearer ":
            raise Unauthorized("the scheme must be Bearer")
        identities = self._edge.identities
        identity = identities.known(token)
        if identity is None:
            identity = await identities.verify(token)
        return identity.caller

    def _count(self, limit: Limit, caller: Caller, headers: CIMultiDict[str]) -> None:
        taken = limit.take(caller.user_id or limit_key(caller.address))
        headers["RateLimit-Limit"] = limit.headline
        headers["RateLimit-Remaining"] = str(taken.remaining)
        headers["RateLimit-Reset"] = str(taken.reset_seconds)
        if taken.wait_seconds:
            raise RateLimited(retry_after=taken.wait_seconds)


def reply_headers(request: web.BaseRequest, name: str, cors: Cors) -> CIMultiDict[str]:
    """The headers that every answer carries."""
    headers = _HEADERS.copy()
    headers["X-Request-ID"] = name
    if (trace := request.headers.get("traceparent")) is not None and (ours := continue_trace(trace)):
        headers["traceparent"] = ours
        CURRENT.set(Current(None, ours))  # aiohttp runs each request in a task, and so a context, of its own
    if cors.is_on:
        headers.update(cors.headers(request.headers.get("Origin")))
    return headers


def refuse(error: DomainError, headers: CIMultiDict[str], name: str, status: int | None = None) -> web.Response:
    """Answer with a problem document."""
    headers.update(problem.headers(error))
    headers["Content-Type"] = problem.TYPE
    status = status or problem.status_of(error)
    response = web.Response(status=status, body=problem.document(error, name, status), headers=headers)
    if error.code == "request_timeout":
        response.force_close()  # the rest of the body may still come: nothing after it can be read
    if error.code == "unavailable":
        response.force_close()  # another house may be able to: whoever connects anew is led there
    return response


def crash(error: Exception, headers: CIMultiDict[str], name: str, request: web.BaseRequest) -> web.Response:
    """Log a bug, and answer with an opaque 500."""
    where = f"{request.method} {request.path}"
    _log.error("request_crashed %s", where, exc_info=error, extra={"request_id": name})
    return refuse(Internal("something went wrong here; the log has the rest"), headers, name)


def _success(outcome: Outcome, headers: CIMultiDict[str]) -> web.StreamResponse:
    if outcome.replayed:
        headers["Idempotency-Replayed"] = "true"
    if outcome.status == 204:
        del headers["Content-Type"]
        return web.Response(status=204, headers=headers)
    if isinstance(outcome.answer, Picture):
        headers["Content-Type"] = outcome.answer.media_type
        headers["Content-Security-Policy"] = _INERT
        return Answer(outcome.status, outcome.answer.content, headers)
    return Answer(outcome.status, _encode(outcome.answer), headers)


def full_path(operation: Operation) -> str:
    """Paths are below `BASE`, unless they begin with ``/api/`` or ``/.well-known/`` themselves."""
    return operation.path if operation.path.startswith(("/api/", "/.well-known/")) else BASE + operation.path


def _words(header: str) -> str:
    """Keep up to 256 characters of a header; bytes that are no text become question marks: nobody can store them."""
    text = header[:256]
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
