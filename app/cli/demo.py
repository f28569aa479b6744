"""``python3 main.py demo``: plays the main story against a running house, with real clients, and fails loudly."""

import argparse
import asyncio
import contextlib
import secrets
import sys
from collections.abc import AsyncIterator
from pathlib import Path
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

from app.cli.operator import Operator, read_operator
from app.config import Config

ROOT = Path(__file__).resolve().parents[2]
BAR = 30
PATIENCE_SECONDS = 20.0


class StoryFailed(Exception):  # noqa: N818 - it is the story that failed
    """A step did not go as told."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say which house to visit."""
    parser.add_argument("--url", help="the house (default: the one that runs on this data folder)")
    parser.add_argument("--api-key", help="an administrator's API key with scopes read, write and worker")


def run(arguments: argparse.Namespace, config: Config) -> int:
    """Play the story. Returns 0 when every step went as told."""
    operator = read_operator(config.data_folder)
    url = arguments.url or (operator and operator.url)
    key = arguments.api_key or (operator and operator.api_key)
    if not url or not key:
        print("No house runs on this data folder. Start one with: python3 main.py", file=sys.stderr)
        return 1
    try:
        asyncio.run(play(Operator(url=url, api_key=key)))
    except (StoryFailed, aiohttp.ClientError, TimeoutError) as error:
        print(f"\n  FAILED  {error or type(error).__name__}", file=sys.stderr)
        return 1
    return 0


async def play(operator: Operator) -> None:
    """The story, step by step."""
    async with aiohttp.ClientSession(base_url=operator.url, raise_for_status=False) as http:
        house = House(http)
        ada, ben = await house.register("ada"), await house.register("ben")
        say(f"{ada.name} and {ben.name} have registered")
        async with ada.connected(operator.url) as screen:
            say(f"{ada.name} is online as client {screen.client_id}")
            await the_follower(house, screen, ada, ben)
            task = await house.call("POST", "/tasks", ada.token, {"type": "demo", "params": {"steps": 20}}, 201)
            say(f"{ada.name} has created task {task['id']}")
            await screen.watch(f"task:{task['id']}")
            async with worker(operator):
                await screen.progress_until_done()
            say("a worker has leased it, and its progress came live")
            await screen.wait_for("notification.created", title="demo")
            say("the completion has arrived on the socket")
        await the_inbox(house, ada)
        await the_refusals(house, operator, ada, ben, task["id"])
        await the_quota(house, ada)
    print("\nThe whole story went as told.")


async def the_follower(house: "House", screen: "Screen", ada: "Person", ben: "Person") -> None:
    """People and each other."""
    await house.call("PUT", f"/profiles/{ada.username}/follow", ben.token, expect=204)
    await screen.wait_for("notification.created", title=f"{ben.username} follows you")
    profile = await house.call("GET", f"/profiles/{ada.username}", ben.token)
    check(profile["counts"]["followers"] == 1 and profile["relation"]["is_following"], f"no follower: {profile}")
    say(f"{ben.name} follows {ada.name}, and she has heard of it")


async def the_inbox(house: "House", ada: "Person") -> None:
    """What is left when the screen was off."""
    inbox = await house.call("GET", "/notifications?unread=true", ada.token)
    titles = [entry["title"] for entry in inbox["items"]]
    check(any("demo" in title for title in titles), f"the inbox has no entry for the task: {titles}")
    say(f"and lies in the inbox: {', '.join(titles)}")


async def the_refusals(house: "House", operator: Operator, ada: "Person", ben: "Person", task_id: str) -> None:
    """Nothing that is not one's own."""
    forged = {"lease": "00000000-0000-7000-8000-000000000000", "percent": 50}
    answer = await house.call("PUT", f"/tasks/{task_id}/progress", operator.api_key, forged, 409)
    say(f"a wrong lease is refused: {answer['status']} {answer['code']}")
    answer = await house.call("GET", f"/tasks/{task_id}", ben.token, expect=404)
    say(f"{ben.name} cannot see {ada.name}'s task: {answer['status']} {answer['code']}")


async def the_quota(house: "House", ada: "Person") -> None:
    """What the task has cost."""
    quota = await house.call("GET", "/users/me/quota", ada.token)
    check(quota["used_tasks"] == 1, f"one task was made, the quota says {quota['used_tasks']}")
    say(f"quota of {ada.name}: {quota['used_tasks']} of {quota['max_tasks']} tasks this month")


def say(line: str) -> None:
    """Tell one step."""
    print(f"  ok  {line}", flush=True)


def check(truth: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Go on only if it is true."""
    if not truth:
        raise StoryFailed(otherwise)


class House:
    """The running house, over HTTP."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def call(self, method: str, path: str, token: str, body: Any = None, expect: int = 200) -> Any:
        """Call a route and insist on the status."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self._http.request(method, f"/api/v1{path}", json=body, headers=headers) as answer:
            content = await answer.json(content_type=None) if answer.status != 204 else None
            check(answer.status == expect, f"{method} {path} answered {answer.status}, not {expect}: {content}")
            return content

    async def register(self, name: str) -> "Person":
        """Make an account with a name that nobody has."""
        username = f"{name}_{secrets.token_hex(4)}"
        body = {"username": username, "email": f"{username}@example.org", "password": secrets.token_urlsafe(12)}
        answer = await self.call("POST", "/users/register", "", body, 201)
        return Person(name.capitalize(), username, answer["access_token"])


class Person:
    """Somebody with an account."""

    def __init__(self, name: str, username: str, token: str) -> None:
        self.name = name
        self.username = username
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

    async def wait_for(self, kind: str, title: str) -> None:
        """Wait for a notification."""
        while True:
            seen = await asyncio.wait_for(self.seen.get(), PATIENCE_SECONDS)
            if seen["type"] == kind and title in seen["notification"]["title"]:
                return


def draw(percent: int, phase: str) -> None:
    """Draw a progress bar over the one before."""
    done = BAR * percent // 100
    sys.stdout.write(f"\r      [{'#' * done}{'.' * (BAR - done)}] {percent:3d} % {phase:<12}")
    sys.stdout.flush()


@contextlib.asynccontextmanager
async def worker(operator: Operator) -> AsyncIterator[None]:
    """Run the example worker beside the story."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "examples" / "worker.py"), "--url", operator.url, "--api-key", operator.api_key,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        await process.wait()
