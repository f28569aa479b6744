"""One definition of every operation that a caller can perform, by HTTP and by ``rpc`` alike.

An operation is a message, the actor it goes to, who may send it, and how it looks on the wire. The HTTP routes,
the realtime ``rpc`` methods and the OpenAPI document are all made from the same list.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from actors.runtime.message import Caller


class Access(Enum):
    """Who may perform an operation. A stranger to an *object* gets 404 from the actor, whatever stands here."""

    PUBLIC = "public"  # nobody needs to be logged in; a valid token is still recognised
    USER = "user"  # any active account, or an API key with scope read (GET) or write (the rest)
    WORKER = "worker"  # an API key with scope `worker`
    ADMIN = "admin"  # role admin or super_admin


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """See the module.

    ``path`` is below ``/api/v1`` unless it begins with ``/api/`` itself; its ``{names}`` are fields of ``message``.
    """

    method: str
    path: str
    message: type[Any]  # Command or Query
    to: str  # the kind of actor
    summary: str
    key: Callable[[Any, Caller], str | None] | None = None  # the entity's key; None: a service
    service: str | None = None  # the kind that gets what `key` returns None for
    access: Access = Access.USER
    status: int = 200  # 204: the reply is not sent
    reply: Any = None  # type of the answer on the wire; None: R of Command[R]
    present: Callable[[Any], tuple[int, Any]] | None = None
    """Reply -> (status, answer), where that is not always ``status`` and the reply itself."""
    media: str | None = None  # of an answer that is no JSON (`actors.messages.picture`)
    rpc: str | None = None  # `noun.verb`
    rate: str = "read"  # the route class in [limits]: read, write, auth, worker
    creates: Callable[[str], Any] | None = None  # id of what was made -> Query that shows it; takes Idempotency-Key
    replays: Callable[[Any, str], Any] | None = None  # (message, id) -> Command for a replay where showing needs more
    fills: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    """Fields of the message that nobody sends: the edge fills each from the HTTP request. Not for rpc."""
    timeout_seconds: float = 5.0
    waits: bool = False  # it may wait long for something to come: a client that leaves is to be noticed
    body_limit_bytes: int = 262_144
    errors: Sequence[str] = ()  # codes beyond those that every operation of its access has
    tag: str = ""  # the noun, for the documentation
    example: Mapping[str, Any] | None = None
