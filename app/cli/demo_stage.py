"""The stage of the demo: the house, people, and what they see live, through real clients."""

import asyncio
import contextlib
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
from centrifuge import (
    Client,
    ClientEventHandler,
    ConnectedContext,
    PublicationContext,
    ServerPublicationContext,
    SubscriptionEventHandler,
)

BAR = 30
PATIENCE_SECONDS = 20.0


class StoryFailed(Exception):  # noqa: N818 - it is the story that failed
    """A step did not go as told."""


def say(line: str) -> None:
    """Tell one step."""
    print(f"  ok  {line}", flush=True)


def check(truth: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Go on only if it is true."""
    if not truth:
        raise StoryFailed(otherwise)


class House:
    """The running house, over HTTP. With ``is_patient`` a call that cannot be served now is repeated until it can."""

    def __init__(self, http: aiohttp.ClientSession, *, is_patient: bool = False) -> None:
        self._http = http
        self._is_patient = is_patient

    async def call(self, method: str, path: str, token: str, body: Any = None, expect: int = 200) -> Any:
        """Call a route and insist on the status."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if method == "POST":
            headers["Idempotency-Key"] = secrets.token_hex(16)  # so it takes effect once, however often it is repeated
        until = asyncio.get_running_loop().time() + (PATIENCE_SECONDS if self._is_patient else 0.0)
        while True:
            status, content = await self._ask(method, path, headers, body, until)
            if status not in {0, 503, 504} or asyncio.get_running_loop().time() > until:
                break
            await asyncio.sleep(0.2)
        check(status == expect, f"{method} {path} answered {status}, not {expect}: {content}")
        return content

    async def _ask(self, method: str, path: str, headers: dict[str, str], body: Any, until: float) -> tuple[int, Any]:
        try:
            async with self._http.request(method, f"/api/v1{path}", json=body, headers=headers) as answer:
                return answer.status, await answer.json(content_type=None) if answer.status != 204 else None
        except aiohttp.ClientConnectionError:
            if asyncio.get_running_loop().time() > until:
                raise
            return 0, None

    async def soon(self, method: str, path: str, token: str, found: Callable[[Any], str | None]) -> str:
        """Call a route until its answer holds what is looked for; what follows an event takes a moment."""
        until = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while (what := found(await self.call(method, path, token))) is None:
            check(asyncio.get_running_loop().time() < until, f"{method} {path} does not show it")
            await asyncio.sleep(0.1)
        return what

    async def register(self, name: str) -> "Person":
        """Make an account with a name that nobody has."""
        username = f"{name}_{secrets.token_hex(4)}"
        body = {"username": username, "email": f"{username}@example.org", "password": secrets.token_urlsafe(12)}
        answer = await self.call("POST", "/users/register", "", body, 201)
        return Person(name.capitalize(), username, answer["user"]["id"], answer["access_token"])


class Person:
    """Somebody with an account."""

    def __init__(self, name: str, username: str, user_id: str, token: str) -> None:
        self.name = name
        self.username = username
        self.id = user_id
        self.token = token

    @contextlib.asynccontextmanager
    async def connected(self, url: str) -> AsyncIterator["Screen"]:
        """Be online with the published Centrifuge client."""
        screen = Screen(url.replace("http", "ws", 1) + "/connection/websocket", self.token)
        try:
            await screen.connect()
            yield screen
        finally:
            await screen.close()


class OwnChannel(ClientEventHandler):
    """Hears what the server sends on the person's own channel."""

    def __init__(self, screen: "Screen") -> None:
        self._screen = screen

    async def on_connected(self, ctx: ConnectedContext) -> None:
        """Learn the connection's name."""
        self._screen.client_id = ctx.client

    async def on_publication(self, ctx: ServerPublicationContext) -> None:
        """Show it."""
        await self._screen.seen.put(ctx.pub.data)


class WatchedChannel(SubscriptionEventHandler):
    """Hears what happens on a channel that the person watches."""

    def __init__(self, screen: "Screen") -> None:
        self._screen = screen

    async def on_publication(self, ctx: PublicationContext) -> None:
        """Show it."""
        await self._screen.seen.put(ctx.pub.data)


class Screen:
    """What a person sees live."""

    def __init__(self, url: str, token: str) -> None:
        self.seen: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.client_id = ""
        self._client = Client(url, token=token, events=OwnChannel(self), proxy=None)

    async def connect(self) -> None:
        """Connect, and wait until it is done."""
        await self._client.connect()
        await self._client.ready(timeout=PATIENCE_SECONDS)

    async def close(self) -> None:
        """Disconnect."""
        await self._client.disconnect()

    async def watch(self, channel: str) -> None:
        """Subscribe to a channel, and wait until it is done."""
        subscription = self._client.new_subscription(channel, events=WatchedChannel(self))
        await subscription.subscribe()
        await subscription.ready(timeout=PATIENCE_SECONDS)

    async def progress_until_done(self) -> None:
        """Draw the bar until the task is completed."""
        while True:
            seen = await asyncio.wait_for(self.seen.get(), PATIENCE_SECONDS)
            if seen["type"] == "task.progressed":
                draw(seen["progress"]["percent"], seen["progress"].get("phase") or "")
            elif seen["type"] == "task.completed":
                draw(100, "completed")
                sys.stdout.write("\n")
                return
            elif seen["type"] in {"task.failed", "task.cancelled"}:
                raise StoryFailed(f"the task ended as {seen}")

    async def wait_for(self, kind: str, fits: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """Wait for something of this kind that fits; whatever else is seen meanwhile stays to be waited for."""
        others: list[dict[str, Any]] = []
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    seen = await self.seen.get()
                    if seen["type"] == kind and fits(seen):
                        return seen
                    others.append(seen)
        except TimeoutError:
            raise StoryFailed(f"{kind} did not come, but {[other['type'] for other in others]}") from None
        finally:
            for other in others:
                self.seen.put_nowait(other)

    async def do(self, operation: str, **data: Any) -> Any:
        """Perform an operation of the house over the socket."""
        return (await self._client.rpc(operation, data)).data


def draw(percent: int, phase: str) -> None:
    """Draw a progress bar over the one before."""
    done = BAR * percent // 100
    sys.stdout.write(f"\r      [{'#' * done}{'.' * (BAR - done)}] {percent:3d} % {phase:<12}")
    sys.stdout.flush()
