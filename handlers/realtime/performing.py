"""``rpc`` and ``publish``: operations of the house, as over HTTP."""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from actors.errors import DomainError, Forbidden, InvalidRequest, NotFound, Unavailable
from handlers.ports import Prepared
from handlers.realtime import channels, replies
from handlers.realtime.codes import (
    BAD_COMMAND,
    METHOD_NOT_FOUND,
    NOT_AVAILABLE,
    PERMISSION_DENIED,
    Refused,
    from_domain,
)
from handlers.realtime.commands import Publish, Rpc
from handlers.realtime.connection import Connection
from handlers.realtime.house import House


class Wanted(NamedTuple):
    """An operation as a command asks for it."""

    prepared: Prepared
    show: Callable[[Prepared, Any], Any]  # what was prepared, and its reply -> the content of the result
    refuse: Callable[[BaseException], BaseException]  # what went wrong -> what the client is told, where that is known


def rpc(house: House, connection: Connection, request: Rpc) -> Wanted:
    """Read an operation that is asked for by its name. Raises `Refused` 104, or 1000 + HTTP status."""
    try:
        prepared = house.performs.prepare(request.method, bytes(request.data) or b"{}", connection.caller)
    except KeyError as error:
        raise Refused(METHOD_NOT_FOUND, "method not found") from error
    except DomainError as error:
        raise from_domain(error) from error
    return Wanted(prepared, _show_answer, _refuse_rpc)


def publish(house: House, connection: Connection, request: Publish) -> Wanted:
    """Read a chat message. Raises `Refused` 103 for any channel but a chat of the client's, 107, 108."""
    if channels.kind(request.channel) != "chat":
        raise Refused(PERMISSION_DENIED, "permission denied")
    path = {"chat_id": request.channel.partition(":")[2]}
    try:
        prepared = house.performs.prepare("chat.send", bytes(request.data), connection.caller, path)
    except KeyError as error:
        raise Refused(NOT_AVAILABLE, "not available") from error
    except DomainError as error:
        raise _refuse_publish(error) from error
    return Wanted(prepared, _show_nothing, _refuse_publish)


def _show_answer(prepared: Prepared, reply: Any) -> dict[str, msgspec.Raw]:
    return {"data": msgspec.Raw(replies.one_line(prepared.encode(reply)) or b"null")}


def _show_nothing(_prepared: Prepared, _reply: Any) -> dict[str, object]:
    return {}


def _refuse_rpc(error: BaseException) -> BaseException:
    if isinstance(error, ConnectionError):
        error = Unavailable()
    return from_domain(error) if isinstance(error, DomainError) else error


def _refuse_publish(error: BaseException) -> BaseException:
    if isinstance(error, Forbidden | NotFound):
        return Refused(PERMISSION_DENIED, "permission denied")
    if isinstance(error, InvalidRequest):
        return Refused(BAD_COMMAND, f"{error.code}: {error.detail}")
    return _refuse_rpc(error)
