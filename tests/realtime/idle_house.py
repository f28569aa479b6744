"""A house in a process of its own, for measuring: prints its URL, then a token per user, then serves until killed."""

import asyncio
import sys
from typing import Any

import uvloop
from aiohttp import web

from actors.runtime.ids import uuid7
from handlers.realtime import Realtime
from tests.realtime.world import EventList, Members, Operations, Tokens


async def serve(users: int) -> None:
    """Serve the realtime interface alone."""
    tokens = Tokens()
    ports: dict[str, Any] = {"streams": EventList(), "permits": Members(), "performs": Operations()}
    realtime = Realtime(identities=tokens, **ports)
    app = web.Application()
    app.router.add_get("/connection/websocket", realtime.handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    issued = [tokens.issue(uuid7()) for _ in range(users)]
    url = f"ws://127.0.0.1:{runner.addresses[0][1]}/connection/websocket"
    sys.stdout.write(" ".join([url, *issued]) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
