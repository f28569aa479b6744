"""Small real implementations of the ports, over lists in memory: what the realtime tests run a house with."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec

from actors.errors import Conflict, InvalidRequest, NotFound, Unauthorized
from actors.runtime.message import Caller
from handlers.ports import Identity, Position, Publication, Revocation, TokenExpired

ALICE = "00000000-0000-7000-8000-00000000000a"
BOB = "00000000-0000-7000-8000-00000000000b"
TASK = "00000000-0000-7000-8000-000000000001"
CHAT = "00000000-0000-7000-8000-000000000002"
OTHER_TASK = "00000000-0000-7000-8000-000000000003"


class Tokens:
    """Identities: every token was made here, and is forgotten when it is revoked."""

    def __init__(self) -> None:
        self._issued: dict[str, Identity] = {}
        self._verified: dict[str, Identity] = {}
        self._listeners: list[Callable[[Revocation], None]] = []

    def issue(self, user_id: str, seconds: float = 900, session_id: str = "s1") -> str:
        """Make a token; a negative life makes one that has expired."""
        token = f"token-{len(self._issued)}"
        caller = Caller(user_id=user_id, role="user", session_id=session_id)
        self._issued[token] = Identity(caller=caller, expires_at=time.time() + seconds)
        return token

    def revoke(self, revocation: Revocation) -> None:
        """Forget the tokens that are named and tell the listeners."""
        for token, identity in list(self._issued.items()):
            caller = identity.caller
            if caller.user_id == revocation.user_id and revocation.session_id in {None, caller.session_id}:
                del self._issued[token]
                self._verified.pop(token, None)
        for listener in self._listeners:
            listener(revocation)

    def known(self, token: str) -> Identity | None:
        return self._verified.get(token)

    async def verify(self, token: str) -> Identity:
        identity = self._issued.get(token)
        if identity is None:
            raise Unauthorized("not a token of this house")
        if identity.expires_at <= time.time():
            raise TokenExpired("expired")
        self._verified[token] = identity
        return identity

    def on_revoked(self, listener: Callable[[Revocation], None]) -> None:
        self._listeners.append(listener)


class EventList:
    """Streams: all events of a channel in a list; retention drops the first ones."""

    def __init__(self) -> None:
        self.epoch = "life-1"
        self.reads = 0
        self._events: dict[str, list[Publication]] = {}

    def append(self, channel: str, data: bytes) -> Publication:
        """Store the next event, as a commit does."""
        events = self._events.setdefault(channel, [])
        publication = Publication(events[-1].offset + 1 if events else 1, data)
        events.append(publication)
        return publication

    def forget(self, channel: str, through: int) -> None:
        """Drop events up to an offset, as retention does."""
        self._events[channel] = [event for event in self._events[channel] if event.offset > through]

    async def position(self, channel: str) -> Position:
        events = self._events.get(channel)
        return Position(events[-1].offset if events else 0, self.epoch)

    async def offsets(self, channels: Sequence[str]) -> Mapping[str, int]:
        return {channel: (await self.position(channel)).offset for channel in channels}

    async def read(self, channel: str, after: int, limit: int, *, reverse: bool = False) -> Sequence[Publication]:
        self.reads += 1
        events = self._events.get(channel, [])
        if reverse:
            return [event for event in reversed(events) if not after or event.offset < after][:limit]
        return [event for event in events if event.offset > after][:limit]


class Members:
    """Permits: a list of who may see what."""

    def __init__(self) -> None:
        self.allowed: set[tuple[str, str]] = set()

    async def may_subscribe(self, caller: Caller, channel: str) -> bool:
        return (caller.user_id, channel) in self.allowed


class Echo(msgspec.Struct, forbid_unknown_fields=True):
    """What `task.get` takes here."""

    task_id: str


class Operation:
    """Prepared: one operation with its data, performed in the next turn of the loop, or when its gate opens."""

    def __init__(self, perform: Callable[[], bytes], actor: tuple[str, str] | None, gate: asyncio.Event | None) -> None:
        self.actor = actor
        self._perform = perform
        self._gate = gate

    def begin(self) -> "asyncio.Future[bytes]":
        return asyncio.ensure_future(self._run())

    async def _run(self) -> bytes:
        if self._gate is not None:
            await self._gate.wait()
        return self._perform()

    def encode(self, reply: bytes) -> bytes:
        return reply


class Operations:
    """Performs: a few operations with real rules. What goes to a chat keeps its order, and waits for its ``gate``."""

    def __init__(self) -> None:
        self.sent: list[tuple[str | None, str, dict[str, str]]] = []  # caller, chat, message
        self.gates: dict[str, asyncio.Event] = {}  # by content of a message

    def prepare(self, method: str, data: bytes, caller: Caller, path: Mapping[str, str] | None = None) -> Operation:
        if method == "chat.send":
            message = self._read(data)
            send = partial(self._send, message, caller, path or {})
            return Operation(send, ("chat", (path or {})["chat_id"]), self.gates.get(message.get("content", "")))
        perform = {"task.get": self._get, "task.cancel": self._cancel, "crash": self._crash}[method]
        return Operation(partial(perform, data, caller), None, None)

    def _get(self, data: bytes, caller: Caller) -> bytes:
        try:
            wanted = msgspec.json.decode(data, type=Echo)
        except msgspec.DecodeError as error:
            raise InvalidRequest(str(error)) from error
        if wanted.task_id != TASK:
            raise NotFound("no such task")
        return msgspec.json.format(msgspec.json.encode({"id": TASK, "owner": caller.user_id}))  # on several lines

    def _cancel(self, _data: bytes, _caller: Caller) -> bytes:
        raise Conflict("already completed")

    def _read(self, data: bytes) -> dict[str, str]:
        try:
            return msgspec.json.decode(data, type=dict[str, str])
        except msgspec.DecodeError as error:
            raise InvalidRequest(str(error)) from error

    def _send(self, message: dict[str, str], caller: Caller, path: Mapping[str, str]) -> bytes:
        if message.get("content") == "nonsense":
            raise Conflict("nonsense")
        self.sent.append((caller.user_id, path["chat_id"], message))
        return b"{}"

    def _crash(self, _data: bytes, _caller: Caller) -> bytes:
        raise ZeroDivisionError
