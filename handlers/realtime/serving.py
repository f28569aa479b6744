"""The life of one connection: its frames, in order, one command at a time."""

import logging
from typing import Any

from actors.errors import DomainError, Forbidden, NotFound
from handlers.realtime import looking, performing, replies, subscribing, tokens
from handlers.realtime.codes import BAD_REQUEST, INTERNAL, METHOD_NOT_FOUND, PERMISSION_DENIED, Ended, Refused
from handlers.realtime.commands import Command, InChannel, decode
from handlers.realtime.connection import Connection
from handlers.realtime.house import House
from handlers.realtime.subscription import Subscription

_log = logging.getLogger(__name__)


async def serve(house: House, connection: Connection) -> None:
    """Carry out what the client asks until the socket is at its end."""
    while True:
        try:
            if not await _serve_frame(house, connection):
                return
        except Ended as ended:
            connection.close(ended.close)


async def _serve_frame(house: House, connection: Connection) -> bool:
    """Carry out one frame. False: there are no more. What it used is freed while the next one is waited for."""
    frame = await connection.socket.receive()
    if frame is None:
        return False
    for command in decode(frame):
        if connection.is_closed:
            break
        await _obey(house, connection, command)
        if connection.is_behind:
            await connection.settled()
    return True


async def _obey(house: House, connection: Connection, command: Command) -> None:
    verb, content = command.verb()
    if not connection.user_id and verb != "connect":
        raise Ended(BAD_REQUEST)
    try:
        if not command.id:
            _unnumbered(house, connection, verb)
            return
        connection.budget.spend(house.settings, house.clock.monotonic())
        connection.busy = True
        result, subscription = await _carry_out(house, connection, verb, content)
    except Refused as refused:
        if command.id:
            connection.send(replies.error(command.id, refused))
    else:
        connection.send(replies.result(command.id, verb, result))
        if subscription is not None:
            house.hub.go_live(subscription)
    finally:
        connection.busy = False


def _unnumbered(house: House, connection: Connection, verb: str) -> None:
    """Take a pong or a ``send``. Raises `Ended` 3501 for a command that should have had an id."""
    if not verb:
        tokens.pong(house, connection)
    elif verb == "send":
        connection.budget.spend(house.settings, house.clock.monotonic())
    else:
        raise Ended(BAD_REQUEST)


async def _carry_out(house: House, connection: Connection, verb: str, content: Any) -> tuple[Any, Subscription | None]:
    """Return the result, and the subscription that goes live after it. Raises `Refused` and `Ended` only."""
    try:
        match verb:
            case "connect":
                return await tokens.connect(house, connection, content)
            case "subscribe":
                return await subscribing.subscribe(house, connection, content)
            case _:
                return await _COMMANDS.get(verb, _unknown)(house, connection, content), None
    except (Forbidden, NotFound) as error:
        raise Refused(PERMISSION_DENIED, "permission denied") from error
    except (DomainError, ConnectionError, TimeoutError) as error:
        raise Refused(INTERNAL, "temporarily unavailable", temporary=True) from error
    except (Refused, Ended):
        raise
    except Exception as error:
        _log.exception("realtime_command_crashed", extra={"verb": verb, "user_id": connection.user_id})
        raise Refused(INTERNAL, "internal error", temporary=True) from error


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
    "publish": performing.publish,
    "presence": looking.presence,
    "presence_stats": looking.presence_stats,
    "history": looking.history,
    "rpc": performing.rpc,
    "refresh": tokens.refresh,
    "ping": _nothing,
    "send": _nothing,
}
