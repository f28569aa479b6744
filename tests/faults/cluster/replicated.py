"""A Redis with a replica, and how the replica takes its place without having got everything."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from redis.asyncio import Redis

from tests.redis_server import RedisServer, redis_server

COPIED_SECONDS = 10.0
COUNT_MAIL = """
local count = 0
for _, stream in ipairs(redis.call("KEYS", "mb:*")) do count = count + redis.call("XLEN", stream) end
return count
"""


class Replicated:
    """The primary, and at most one replica of it, which is a fresh one after each promotion."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.primary = stack.enter_context(redis_server())
        self.replica = self.primary

    async def copy(self) -> None:
        """Start a replica, and return when it follows the primary."""
        self.replica = self._stack.enter_context(redis_server())
        await ask(self.primary, "CONFIG", "SET", "repl-diskless-sync-delay", 0)
        await ask(self.replica, "REPLICAOF", "127.0.0.1", self.primary.port)
        async with asyncio.timeout(COPIED_SECONDS):
            while (await standing(self.replica)).get("master_link_status") != "up":
                await asyncio.sleep(0.02)

    async def part(self) -> None:
        """Cut the replica off from the primary: from now on it gets nothing."""
        await ask(self.replica, "REPLICAOF", "NO", "ONE")

    async def promote(self) -> int:
        """Kill the primary; the replica is the primary now. Returns how many bytes of replication it never got."""
        had, has = [(await standing(server))["master_repl_offset"] for server in (self.primary, self.replica)]
        self.primary.kill()
        self.primary = self.replica
        return int(had - has)

    async def mail(self) -> int:
        """How many entries lie in the primary's mailboxes."""
        return int(await ask(self.primary, "EVAL", COUNT_MAIL, 0))


async def ask(server: RedisServer, *command: str | int | bytes) -> Any:
    """What a server says to a command."""
    async with Redis(port=server.port) as client:
        return await client.execute_command(*command)  # type: ignore[no-untyped-call]


async def standing(server: RedisServer) -> dict[str, Any]:
    """How a server stands to others."""
    found: dict[str, Any] = await ask(server, "INFO", "replication")
    return found


@contextmanager
def replicated() -> Iterator[Replicated]:
    """A primary; it and its replicas are gone at the end."""
    with ExitStack() as stack:
        yield Replicated(stack)
