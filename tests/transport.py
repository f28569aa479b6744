"""How mail travels in the houses that tests build: in memory, or over Redis when POSTHOUSE_TEST_TRANSPORT says so.

With ``redis`` every message to an entity crosses Redis, even to one that lives in the same house; only a house that
runs in a process of its own carries its mail as people's houses do. The whole suite passes either way:

    python3 main.py test --transport redis
"""

import atexit
import os
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import cache, partial
from typing import Any

from actors.outgoing.seal import Seal
from actors.runtime.transport import PackedMemoryTransport, Transport
from app.config import Mailbox, Redis
from tests.redis_server import RedisServer, redis_server

IS_REDIS = os.environ.get("POSTHOUSE_TEST_TRANSPORT", "memory") == "redis"


@cache
def _server() -> RedisServer:
    """One for all houses of this process, until it ends."""
    stack = ExitStack()
    atexit.register(stack.close)
    server: RedisServer = stack.enter_context(redis_server())
    return server


def sections() -> dict[str, Any]:
    """Settings of a whole house in this process that say how its mail travels. Each house has an empty Redis."""
    return {"mailbox": Mailbox(transport="redis"), "redis": Redis(url=_server().fresh())} if IS_REDIS else {}


def environment() -> dict[str, str]:
    """The same for a house in a process of its own."""
    return {"POSTHOUSE_MAILBOX_TRANSPORT": "redis", "POSTHOUSE_REDIS_URL": _server().fresh()} if IS_REDIS else {}


class _Held:
    """The lease of a house that a test builds of a runtime and little else."""

    id = incarnation = 1

    def is_held(self) -> bool:
        return True


@asynccontextmanager
async def carried() -> AsyncIterator[Transport]:
    """How mail travels in such a house: packed and unpacked, at least."""
    if not IS_REDIS:
        yield PackedMemoryTransport()
        return
    from actors.runtime.streams import Streams  # noqa: PLC0415 - most runs need none of it
    from storage.redis.mail import RedisMail  # noqa: PLC0415

    mail = RedisMail(_server().fresh(), "test")
    streams = Streams(mail, _Held(), seal=Seal(bytes(32)), by_reference=False)
    await streams.start()
    streams.open(dict.fromkeys(range(256), 1))
    try:
        yield streams
    finally:
        await streams.stop()
        await mail.close()


if IS_REDIS:
    from actors.runtime.streams import Streams
    from app import mailboxes

    vars(mailboxes)["Streams"] = partial(Streams, by_reference=False)
