"""``rpc`` and ``publish``: operations of the house, as over HTTP."""

import msgspec

from actors.errors import DomainError, Forbidden, InvalidRequest, NotFound
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


async def rpc(house: House, connection: Connection, request: Rpc) -> dict[str, msgspec.Raw]:
    """Perform an operation by its name. Raises `Refused` 104, or 1000 + HTTP status."""
    try:
        answer = await house.performs.perform(request.method, bytes(request.data) or b"{}", connection.caller)
    except KeyError as error:
        raise Refused(METHOD_NOT_FOUND, "method not found") from error
    except DomainError as error:
        raise from_domain(error) from error
    return {"data": msgspec.Raw(replies.one_line(answer) or b"null")}


async def publish(house: House, connection: Connection, request: Publish) -> dict[str, object]:
    """Send a chat message. Raises `Refused` 103 for any channel but a chat of the client's, 107, 108."""
    if channels.kind(request.channel) != "chat":
        raise Refused(PERMISSION_DENIED, "permission denied")
    path = {"chat_id": request.channel.partition(":")[2]}
    try:
        await house.performs.perform("chat.send", bytes(request.data), connection.caller, path)
    except KeyError as error:
        raise Refused(NOT_AVAILABLE, "not available") from error
    except (Forbidden, NotFound) as error:
        raise Refused(PERMISSION_DENIED, "permission denied") from error
    except InvalidRequest as error:
        raise Refused(BAD_COMMAND, f"{error.code}: {error.detail}") from error
    except DomainError as error:
        raise from_domain(error) from error
    return {}
