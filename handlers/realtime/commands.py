"""What a client may say: the frames of the Centrifuge client protocol, version 2, in its JSON form.

Tolerant: fields that are not named here are ignored. A field of the wrong type makes the whole frame bad.
"""

from typing import Annotated

import msgspec

from handlers.realtime.codes import BAD_REQUEST, Ended

Offset = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
NO_DATA = msgspec.Raw(b"")


class Recover(msgspec.Struct, frozen=True, gc=False):
    """Where a client stands in a channel that the house subscribes it to."""

    recover: bool = False
    epoch: str = ""
    offset: Offset = 0


class Connect(msgspec.Struct, frozen=True):
    """Must be the first command of a connection. ``token`` is an access token."""

    token: str = ""
    subs: dict[str, Recover] = {}


class Subscribe(msgspec.Struct, frozen=True, gc=False):
    """``flag & 2`` asks for error 112 where the position cannot be recovered."""

    channel: str = ""
    recover: bool = False
    epoch: str = ""
    offset: Offset = 0
    join_leave: bool = False
    flag: int = 0


class InChannel(msgspec.Struct, frozen=True, gc=False):
    """``unsubscribe``, ``presence`` and ``presence_stats``."""

    channel: str = ""


class Publish(msgspec.Struct, frozen=True):
    """``data`` is the HTTP body of ``chat.send``. A resend is safe under its ``client_id``."""

    channel: str = ""
    data: msgspec.Raw = NO_DATA


class Since(msgspec.Struct, frozen=True, gc=False):
    """A position in a stream."""

    offset: Offset = 0
    epoch: str = ""


class History(msgspec.Struct, frozen=True, gc=False):
    """``limit`` 0 asks for the position only; a negative one for as much as is allowed."""

    channel: str = ""
    limit: int = 0
    since: Since | None = None
    reverse: bool = False


class Rpc(msgspec.Struct, frozen=True):
    """``data`` is the JSON that the operation takes."""

    method: str = ""
    data: msgspec.Raw = NO_DATA


class Refresh(msgspec.Struct, frozen=True, gc=False):
    """A new access token for a living connection."""

    token: str = ""


class Nothing(msgspec.Struct, frozen=True, gc=False):
    """A verb without content that matters here."""


class Command(msgspec.Struct, frozen=True):
    """One command: an ``id`` above 0 and one verb. All absent: a pong."""

    id: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0
    connect: Connect | None = None
    subscribe: Subscribe | None = None
    unsubscribe: InChannel | None = None
    publish: Publish | None = None
    presence: InChannel | None = None
    presence_stats: InChannel | None = None
    history: History | None = None
    rpc: Rpc | None = None
    refresh: Refresh | None = None
    ping: Nothing | None = None
    send: Nothing | None = None

    def verb(self) -> tuple[str, object]:
        """Return the verb and its content; ``("", None)`` where there is none that this house knows."""
        for name in VERBS:
            content = getattr(self, name)
            if content is not None:
                return name, content
        return "", None


VERBS = tuple(name for name in Command.__struct_fields__ if name != "id")
_decoder = msgspec.json.Decoder(Command)


def decode(frame: bytes) -> list[Command]:
    """Return the commands of one frame, in order. Raises `Ended` 3501 for a frame that is not of this form."""
    try:
        commands = _decoder.decode_lines(frame)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Ended(BAD_REQUEST) from error
    if not commands:
        raise Ended(BAD_REQUEST)
    return commands
