"""``python3 main.py demo``: plays the main story against a running house, with real clients, and fails loudly."""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from app.cli.demo_chat import the_chat
from app.cli.demo_cluster import Villain
from app.cli.demo_letter import the_letter
from app.cli.demo_stage import House, Person, Screen, StoryFailed, check, say
from app.cli.operator import Operator, read_operator
from app.config import Config

ROOT = Path(__file__).resolve().parents[2]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say which house to visit."""
    parser.add_argument("--url", help="the house (default: the one that runs on this data folder)")
    parser.add_argument("--api-key", help="an administrator's API key with scopes read, write and worker")
    parser.add_argument(
        "--kill-a-house",
        action="store_true",
        help="end a house of the cluster as kill -9 does, while the story goes on",
    )


def run(arguments: argparse.Namespace, config: Config) -> int:
    """Play the story. Returns 0 when every step went as told."""
    operator = read_operator(config.data_folder)
    url = arguments.url or (operator and operator.url)
    key = arguments.api_key or (operator and operator.api_key)
    if not url or not key:
        print("No house runs on this data folder. Start one with: python3 main.py", file=sys.stderr)
        return 1
    villain = Villain(config.data_folder) if arguments.kill_a_house else None
    try:
        asyncio.run(play(Operator(url=url, api_key=key), villain))
    except (StoryFailed, aiohttp.ClientError, TimeoutError) as error:
        print(f"\n  FAILED  {error or type(error).__name__}", file=sys.stderr)
        return 1
    return 0


async def play(operator: Operator, villain: Villain | None = None) -> None:
    """The story, step by step."""
    if villain is not None:
        villain.candidates()  # now, not in the midst of the story
    async with aiohttp.ClientSession(base_url=operator.url, raise_for_status=False) as http:
        house = House(http, is_patient=villain is not None)
        ada, ben = await house.register("ada"), await house.register("ben")
        say(f"{ada.name} and {ben.name} have registered")
        async with ada.connected(operator.url) as screen:
            say(f"{ada.name} is online as client {screen.client_id}")
            await the_follower(house, screen, ada, ben)
            if villain is not None:
                villain.strike()
            task = await house.call("POST", "/tasks", ada.token, {"type": "demo", "params": {"steps": 20}}, 201)
            say(f"{ada.name} has created task {task['id']}")
            await screen.watch(f"task:{task['id']}")
            async with worker(operator):
                await screen.progress_until_done()
            say("a worker has leased it, and its progress came live")
            await screen.wait_for("notification.created", lambda seen: "demo" in seen["notification"]["title"])
            say("the completion has arrived on the socket")
        await the_inbox(house, ada)
        await the_refusals(house, operator, ada, ben, task["id"])
        await the_quota(house, ada)
        await the_letter(house, operator, ada, ben)
        await the_chat(house, operator.url, ada, ben)
        if villain is not None:
            await villain.regret(http)
    print("\nThe whole story went as told.")


async def the_follower(house: House, screen: Screen, ada: Person, ben: Person) -> None:
    """People and each other."""
    await house.call("PUT", f"/profiles/{ada.username}/follow", ben.token, expect=204)
    title = f"{ben.username} follows you"
    await screen.wait_for("notification.created", lambda seen: seen["notification"]["title"] == title)
    profile = await house.call("GET", f"/profiles/{ada.username}", ben.token)
    check(profile["counts"]["followers"] == 1 and profile["relation"]["is_following"], f"no follower: {profile}")
    say(f"{ben.name} follows {ada.name}, and she has heard of it")


async def the_inbox(house: House, ada: Person) -> None:
    """What is left when the screen was off."""
    inbox = await house.call("GET", "/notifications?unread=true", ada.token)
    titles = [entry["title"] for entry in inbox["items"]]
    check(any("demo" in title for title in titles), f"the inbox has no entry for the task: {titles}")
    say(f"and lies in the inbox: {', '.join(titles)}")


async def the_refusals(house: House, operator: Operator, ada: Person, ben: Person, task_id: str) -> None:
    """Nothing that is not one's own."""
    forged = {"lease": "00000000-0000-7000-8000-000000000000", "percent": 50}
    answer = await house.call("PUT", f"/tasks/{task_id}/progress", operator.api_key, forged, 409)
    say(f"a wrong lease is refused: {answer['status']} {answer['code']}")
    answer = await house.call("GET", f"/tasks/{task_id}", ben.token, expect=404)
    say(f"{ben.name} cannot see {ada.name}'s task: {answer['status']} {answer['code']}")


async def the_quota(house: House, ada: Person) -> None:
    """What the task has cost."""
    quota = await house.call("GET", "/users/me/quota", ada.token)
    check(quota["used_tasks"] == 1, f"one task was made, the quota says {quota['used_tasks']}")
    say(f"quota of {ada.name}: {quota['used_tasks']} of {quota['max_tasks']} tasks this month")


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
