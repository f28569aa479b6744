"""Performs operations for every edge alike: who may, what is asked, what is answered."""

from asyncio import Future, ensure_future
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

import msgspec

from actors.errors import Forbidden, InvalidRequest, Unauthorized, Unavailable
from actors.runtime.actor import Idempotency, Ref
from actors.runtime.message import Caller
from handlers.cursors import marked, unmarked
from handlers.decoding import Parts, Shape, check_depth, refusal
from handlers.idempotency import IdempotencyRecords, Once, Replay
from handlers.operation import Access, Operation
from handlers.ports import Prepared

Refs = Callable[[str, str], Ref]
"""(kind, key) -> the actor's address; the key of a service is the empty text."""

_encode = msgspec.json.Encoder().encode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Outcome(NamedTuple):
    """What an operation answered."""

    status: int
    answer: Any
    replayed: bool = False


class Procedure:
    """One operation, ready to be performed many times."""

    def __init__(self, operation: Operation, refs: Refs) -> None:
        self.operation = operation
        self.shape = Shape(operation)
        self.route = f"{operation.method} {operation.path}"
        self.takes_key = operation.creates is not None or operation.replays is not None
        self._refs = refs
        service = operation.to if operation.key is None else operation.service
        self._service = None if service is None else refs(service, "")
        self._scope = _scope(operation)
        self._has_pages = "cursor" in operation.message.__struct_fields__

    def permit(self, caller: Caller) -> None:
        """Raise `Unauthorized` or `Forbidden` when the caller may not perform this at all."""
        access = self.operation.access
        if access is Access.PUBLIC:
            return
        if caller.user_id is None:
            raise Unauthorized("a valid token is needed")
        if self._scope not in caller.scopes:
            raise Forbidden(f"the scope `{self._scope}` is needed")
        if access is Access.ADMIN and not caller.is_admin:
            raise Forbidden("this is for administrators")

    def build(self, parts: Parts, request: Any = None) -> Any:
        """Make the message. Raises `InvalidRequest`."""
        message = self.shape.build(parts, request)
        if self._has_pages and message.cursor is not None:
            return msgspec.structs.replace(message, cursor=unmarked(message.cursor, self.route, message))
        return message

    def key(self, message: Any, caller: Caller) -> str | None:
        """The key of the entity that a message is for; None: it is for a service."""
        return None if self.operation.key is None else self.operation.key(message, caller)

    def begin(
        self, key: str | None, message: Any, caller: Caller, idempotency: Idempotency | None = None
    ) -> Awaitable[Any]:
        """Send a message to its actor; what is awaited raises what `Ref.ask` raises."""
        ref = self._service if key is None else self._refs(self.operation.to, key)
        assert ref is not None  # noqa: S101 - a service has no key, and its ref
        return ref.ask(message, caller, self.operation.timeout_seconds, idempotency)

    def show(self, reply: Any, message: Any) -> Outcome:
        """Present an actor's reply to a message."""
        operation = self.operation
        status, answer = (operation.status, reply) if operation.present is None else operation.present(reply)
        if self._has_pages and answer.next_cursor is not None:
            answer = msgspec.structs.replace(answer, next_cursor=marked(answer.next_cursor, self.route, message))
        return Outcome(status, answer)

    async def ask(self, message: Any, caller: Caller, idempotency: Idempotency | None = None) -> Outcome:
        """Ask the actor and present its answer. Raises every `DomainError` that `Ref.ask` raises."""
        try:
            return self.show(await self.begin(self.key(message, caller), message, caller, idempotency), message)
        except ConnectionError as error:
            raise Unavailable from error


class Request:
    """An operation that goes to its actor as it is. Implements `handlers.ports.Prepared`."""

    __slots__ = ("_caller", "_key", "_message", "_procedure")

    def __init__(self, procedure: Procedure, message: Any, caller: Caller) -> None:
        self._procedure = procedure
        self._message = message
        self._caller = caller
        self._key = procedure.key(message, caller)

    @property
    def actor(self) -> tuple[str, str] | None:
        """See `handlers.ports.Prepared`."""
        return None if self._key is None else (self._procedure.operation.to, self._key)

    def begin(self) -> Future[Any]:
        """See `handlers.ports.Prepared`."""
        return ensure_future(self._procedure.begin(self._key, self._message, self._caller))

    def encode(self, reply: Any) -> bytes:
        """See `handlers.ports.Prepared`."""
        return encode(self._procedure.show(reply, self._message))


class OnceRequest(NamedTuple):
    """An operation under an idempotency key, which is looked up before. Implements `handlers.ports.Prepared`."""

    run: Callable[[], Coroutine[Any, Any, Outcome]]
    actor: None = None

    def begin(self) -> Future[Any]:
        """See `handlers.ports.Prepared`."""
        return ensure_future(self.run())

    def encode(self, reply: Outcome) -> bytes:
        """See `handlers.ports.Prepared`."""
        return encode(reply)


class Dispatcher:
    """All operations. ``idempotency_secret`` keys the HMACs of bodies and must outlive the process."""

    def __init__(
        self, refs: Refs, operations: Iterable[Operation], records: IdempotencyRecords, idempotency_secret: bytes
    ) -> None:
        self._once = Once(records, idempotency_secret)
        self.procedures = [Procedure(operation, refs) for operation in operations]
        self._by_message = {p.operation.message: p for p in self.procedures}
        self._by_rpc = {p.operation.rpc: p for p in self.procedures if p.operation.rpc is not None}
        if filled := [name for name, p in self._by_rpc.items() if p.operation.fills]:
            raise ValueError(f"no request fills the fields of {filled}: these cannot be performed by rpc")

    async def run(
        self, procedure: Procedure, parts: Parts, caller: Caller, key: str | None, request: Any = None
    ) -> Outcome:
        """Perform what has been permitted and read. ``key`` counts only where something is created."""
        message = procedure.build(parts, request)
        if key is None or not procedure.takes_key:
            return await procedure.ask(message, caller)

        async def ask(promise: Idempotency) -> Outcome:
            return await procedure.ask(message, caller, promise)

        outcome = await self._once.perform(caller, procedure.route, key, parts, ask)
        if isinstance(outcome, Replay):
            return await self._show(procedure, message, outcome.object_id, caller)
        return outcome

    def prepare(self, method: str, data: bytes, caller: Caller, path: Mapping[str, str] | None = None) -> Prepared:
        """See `handlers.ports.Performs`."""
        procedure = self._by_rpc[method]
        procedure.permit(caller)
        shape = procedure.shape
        if path is not None:
            parts = Parts(shape.read_path(path, caller.user_id), shape.read_body(data))
            return Request(procedure, procedure.build(parts), caller)
        parts, key = _read_rpc(shape, data or b"{}", caller)
        if key is None or not procedure.takes_key:
            return Request(procedure, procedure.build(parts), caller)
        return OnceRequest(partial(self.run, procedure, parts, caller, key))

    async def _show(self, procedure: Procedure, message: Any, object_id: str, caller: Caller) -> Outcome:
        """Answer a replay with the object as it is now, under the status of the first answer."""
        operation = procedure.operation
        if operation.replays is not None:
            again = operation.replays(message, object_id)
        else:
            assert operation.creates is not None  # noqa: S101 - `takes_key` says so
            again = operation.creates(object_id)
        shown = await self._by_message.get(type(again), procedure).ask(again, caller)
        return Outcome(operation.status, shown.answer, replayed=True)


def encode(outcome: Outcome) -> bytes:
    """Return an answer as JSON, for who has no status to tell it by."""
    return b"{}" if outcome.status == 204 else _encode(outcome.answer)


def _scope(operation: Operation) -> str:
    if operation.access is Access.WORKER:
        return "worker"
    return "read" if operation.method == "GET" else "write"


def _read_rpc(shape: Shape, data: bytes, caller: Caller) -> tuple[Parts, str | None]:
    """Split the JSON of an rpc into path, body and key, and read each as HTTP would."""
    check_depth(data)
    try:
        members = _members.decode(data)
        key = msgspec.json.decode(members.pop("idempotency_key", b"null"), type=str | None)
        path = {name: msgspec.json.decode(members.pop(name)) for name in shape.path_names if name in members}
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise refusal(error) from None
    if missing := [name for name in shape.path_names if name not in path]:
        raise InvalidRequest(f"Object missing required field `{missing[0]}`", f"$.{missing[0]}")
    return Parts(shape.read_path(path, caller.user_id), shape.read_body(_encode(members))), key
