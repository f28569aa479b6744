"""The life of one connection: its frames and their commands, begun and answered in order."""

import logging
from asyncio import Future
from collections.abc import Awaitable, Callable
from typing import Any

from actors.errors import DomainError, Forbidden, NotFound
from handlers.realtime import looking, performing, replies, subscribing, tokens
from handlers.realtime.codes import BAD_REQUEST, INTERNAL, METHOD_NOT_FOUND, PERMISSION_DENIED, Ended, Refused
from handlers.realtime.commands import Command, InChannel, decode
from handlers.realtime.connection import Connection
from handlers.realtime.house import House
from handlers.realtime.performing import Wanted
from handlers.realtime.subscription import Subscription
from handlers.realtime.underway import Underway

_log = logging.getLogger(__name__)


async def serve(house: House, connection: Connection) -> None:
    """Carry out what the client asks until the socket is at its end."""
    underway = Underway(connection)
    while True:
        try:
            if not await _serve_frame(house, connection, underway):
                return
        except Ended as ended:
            connection.close(ended.close)


async def _serve_frame(house: House, connection: Connection, underway: Underway) -> bool:
    """Carry out one frame. False: there are no more. What it used is freed while the next one is waited for."""
    frame = await connection.socket.receive()
    if frame is None:
        return False
    for command in decode(frame):
        if connection.is_closed:
            break
        await _obey(house, connection, underway, command)
        if connection.is_behind:
            await connection.settled()
    return True


async def _obey(house: House, connection: Connection, underway: Underway, command: Command) -> None:
    verb, content = command.verb()
    if not connection.user_id and verb != "connect":
        raise Ended(BAD_REQUEST)
    try:
        if not command.id:
            _unnumbered(house, connection, verb)
            return
        connection.budget.spend(house.settings, house.clock.monotonic())
        if (read := _OPERATIONS.get(verb)) is not None:
            wanted = read(house, connection, content)
            if not underway.takes(wanted.prepared.actor):
                await _waited(connection, underway.room(wanted.prepared.actor))
            _begin(connection, underway, command.id, verb, wanted)
        else:
            if not underway.takes(None):
                await _waited(connection, underway.room(None))
            await _waited(connection, _answer(house, connection, command.id, verb, content))
    except Ended:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the client is answered
        if command.id:
            underway.answer(replies.error(command.id, _refusal(connection, verb, error)))


async def _waited(connection: Connection, work: Awaitable[None]) -> None:
    """Wait for a part of a command; what the client says meanwhile lies unread."""
    connection.busy = True
    try:
        await work
    finally:
        connection.busy = False


def _begin(connection: Connection, underway: Underway, command_id: int, verb: str, wanted: Wanted) -> None:
    """Begin an operation; it is answered when it is done."""
    if connection.is_closed:
        return
    prepared, show, refuse = wanted

    def line(work: "Future[Any]") -> bytes:
        error = TimeoutError() if work.cancelled() else work.exception()  # not raised: it would remember this frame
        try:
            if error is None:
                return replies.result(command_id, verb, show(prepared, work.result()))
        except Exception as failure:  # noqa: BLE001 - whatever it is, the client is answered
            error = failure
        return replies.error(command_id, _refusal(connection, verb, refuse(error)))

    underway.add(prepared.actor, prepared.begin(), line)


async def _answer(house: House, connection: Connection, command_id: int, verb: str, content: Any) -> None:
    """Carry out any other command and answer it. Raises whatever it raises."""
    result, subscription = await _carry_out(house, connection, verb, content)
    connection.send(replies.result(command_id, verb, result))
    if subscription is not None:
        house.hub.go_live(subscription)


def _unnumbered(house: House, connection: Connection, verb: str) -> None:
    """Take a pong or a ``send``. Raises `Ended` 3501 for a command that should have had an id."""
    if not verb:
        tokens.pong(house, connection)
    elif verb == "send":
        connection.budget.spend(house.settings, house.clock.monotonic())
    else:
        raise Ended(BAD_REQUEST)


async def _carry_out(house: House, connection: Connection, verb: str, content: Any) -> tuple[Any, Subscription | None]:
    """Return the result, and the subscription that goes live after it."""
    match verb:
        case "connect":
            return await tokens.connect(house, connection, content)
        case "subscribe":
            return await subscribing.subscribe(house, connection, content)
        case _:
            return await _COMMANDS.get(verb, _unknown)(house, connection, content), None


def _refusal(connection: Connection, verb: str, error: BaseException) -> Refused:
    """Return what the client is told of an error."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, Forbidden | NotFound):
        return Refused(PERMISSION_DENIED, "permission denied")
    if isinstance(error, DomainError | ConnectionError | TimeoutError):
        return Refused(INTERNAL, "temporarily unavailable", temporary=True)
    context = {"verb": verb, "user_id": connection.user_id}
    _log.error("realtime_command_crashed", exc_info=error, extra=context)
    return Refused(INTERNAL, "internal error", temporary=True)


async def _unsubscribe(house: House, connection: Connection, request: InChannel) -> dict[str, object]:
    """End a subscription; one that does not exist has ended already."""
    subscription = connection.subscriptions.get(request.channel)
    if subscription is not None:
        house.hub.detach(subscription)
    return {}


async def _nothing(_house: House, _connection: Connection, _content: Any) -> dict[str, object]:
    return {}


async def _unknown(_house: House, _connection: Connection, _content: Any) -> None:
    raise Refused(METHOD_NOT_FOUND, "method not found")


_COMMANDS: dict[str, Any] = {
    "unsubscribe": _unsubscribe,
    "presence": looking.presence,
    "presence_stats": looking.presence_stats,
    "history": looking.history,
    "refresh": tokens.refresh,
    "ping": _nothing,
    "send": _nothing,
}
_OPERATIONS: dict[str, Callable[[House, Connection, Any], Wanted]] = {
    "publish": performing.publish,
    "rpc": performing.rpc,
}
"""Commands that may be under way at the same time."""
