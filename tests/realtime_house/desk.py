"""What happens in a running house while clients listen: people, their tasks, and the worker that carries them out."""

import asyncio
from typing import Any
from uuid import uuid4

import aiohttp

from tests.running import Person, RunningHouse

PACE_SECONDS = 0.022
"""Between two progress calls for one task: the house takes 50 a second."""


class Desk:
    """A house and an HTTP client that speaks to it."""

    def __init__(self, house: RunningHouse, client: aiohttp.ClientSession) -> None:
        self.house = house
        self.client = client

    @property
    def socket_url(self) -> str:
        """Where realtime clients connect."""
        return self.house.url.replace("http", "ws", 1) + "/connection/websocket"

    async def person(self) -> Person:
        """Somebody new."""
        return await self.house.register(self.client)

    async def call(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> Any:
        """Make a request that must succeed, and return what it answers."""
        async with self.client.request(method, self._url(path), json=body, headers=headers) as answer:
            assert answer.status < 300, (answer.status, await answer.text())
            return await answer.json(content_type=None) if answer.status != 204 else None

    async def status(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> tuple[int, str]:
        """Make a request that must fail; return the status and ``code: detail``."""
        async with self.client.request(method, self._url(path), json=body, headers=headers) as answer:
            problem = await answer.json(content_type=None)
            return answer.status, f"{problem['code']}: {problem['detail']}"

    async def renewed(self, refresh_token: str) -> tuple[str, str]:
        """A fresh access token, and the next refresh token."""
        said = await self.call("POST", "/auth/refresh", {}, {"refresh_token": refresh_token})
        return said["access_token"], said["refresh_token"]

    async def task(self, owner: Person) -> "Work":
        """A task of somebody's that a worker has in hand."""
        kind = f"k{uuid4().hex[:12]}"
        made = await self.call("POST", "/tasks", owner.headers, {"type": kind, "params": {}})
        wanted = {"types": [kind], "lease_seconds": 600, "wait_seconds": 5}
        leased = await self.call("POST", "/tasks/lease", self.house.admin, wanted)
        assert [task["id"] for task in leased["tasks"]] == [made["id"]]
        return Work(self, made["id"], leased["tasks"][0]["lease"])

    def _url(self, path: str) -> str:
        return f"{self.house.url}/api/v1{path}"


class Work:
    """One running task."""

    def __init__(self, desk: Desk, task_id: str, lease: str) -> None:
        self.id = task_id
        self.channel = f"task:{task_id}"
        self._desk = desk
        self._lease = lease

    async def progress(self, percent: int) -> None:
        """Report a percentage, no faster than the house takes it."""
        body = {"lease": self._lease, "percent": percent}
        await self._desk.call("PUT", f"/tasks/{self.id}/progress", self._desk.house.admin, body)
        await asyncio.sleep(PACE_SECONDS)

    async def complete(self) -> None:
        """Settle it."""
        body = {"lease": self._lease, "result": {}}
        await self._desk.call("POST", f"/tasks/{self.id}/complete", self._desk.house.admin, body)


def percent_of(data: Any) -> int:
    """The percentage that a publication tells of."""
    assert data["type"] == "task.progressed", data
    percent: int = data["progress"]["percent"]
    return percent
