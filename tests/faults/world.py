"""Two people, an administrator and one thing of every kind, in one running house that many tests share."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from uuid import uuid4

import aiohttp

from app.edges import OPERATIONS
from handlers.edge import full_path
from handlers.operation import Access, Operation
from tests.running import Person, RunningHouse

ROUTES = {f"{operation.method} {full_path(operation)}": operation for operation in OPERATIONS}

SUBSCRIPTION = ROUTES["POST /api/v1/notifications/push-subscriptions"].example

NOTICE = {"type": "system", "title": "for ada", "body": "alone"}

_PASSING = ("house", "consumer", "timer", "seen")  # leases, positions, wake-ups, last visits change by themselves
_TABLES = "select tablename from pg_tables where schemaname = 'public' and tablename <> all($1) order by 1"


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Any
    body: bytes


class World(NamedTuple):
    """``ids`` has for each name in a path the id of something that is ada's."""

    house: RunningHouse
    ada: Person
    eve: Person
    ids: dict[str, str]
    task_ids: dict[str, str]  # by status
    lease: str  # of the running task

    def url(self, operation: Operation, **ids: str) -> str:
        """The address of a route, about what is ada's."""
        return self.house.url + full_path(operation).format_map(self.ids | ids)

    def headers(self, operation: Operation) -> dict[str, str]:
        """A token that opens the route."""
        return self.ada.headers if operation.access in {Access.USER, Access.PUBLIC} else self.house.admin

    async def quiet(self) -> None:
        """Wait until what was done has reached the inboxes: the relay looks every 50 ms."""
        before: dict[str, str] = {}
        while (now := await self.contents()) != before:
            before = now
            await asyncio.sleep(0.5)

    async def contents(self) -> dict[str, str]:
        """A digest of every table."""
        tables = [row["tablename"] for row in await self.house.sql(_TABLES, _PASSING)]
        digest = "select '{0}' as name, md5(string_agg(t::text, ' ' order by t::text)) as digest from {0} t"
        rows = await self.house.sql(" union all ".join(digest.format(table) for table in tables))
        return {row["name"]: row["digest"] for row in rows}


async def call(client: aiohttp.ClientSession, method: str, url: str, **options: Any) -> Answer:
    """Make one request."""
    async with client.request(method, url, **options) as answer:
        return Answer(answer.status, answer.headers, await answer.read())


async def populate(house: RunningHouse) -> World:
    """Make everybody and everything."""
    async with aiohttp.ClientSession() as client:

        async def ask(method: str, path: str, headers: dict[str, str], body: Any = None) -> Any:
            async with client.request(method, f"{house.url}/api/v1{path}", json=body, headers=headers) as answer:
                assert answer.status < 300, await answer.text()
                return await answer.json(content_type=None)

        ada, eve = await house.register(client), await house.register(client)
        tasks = {}
        for status in ("running", "completed", "pending"):
            made = await ask("POST", "/tasks", ada.headers, {"type": status, "params": {"secret": "ada's"}})
            tasks[status] = made["id"]
        wanted = {"types": ["running", "completed"], "max": 2, "lease_seconds": 3600}
        leased = {t["type"]: t["lease"] for t in (await ask("POST", "/tasks/lease", house.admin, wanted))["tasks"]}
        done = {"lease": leased["completed"], "result": 1}
        await ask("POST", f"/tasks/{tasks['completed']}/complete", house.admin, done)
        key = await ask("POST", "/api-keys", ada.headers, {"name": "hers", "scopes": ["read"]})
        push = await ask("POST", "/notifications/push-subscriptions", ada.headers, SUBSCRIPTION)
        sessions = await ask("GET", "/auth/sessions", ada.headers)
        job = await ask("POST", "/notifications", house.admin, NOTICE | {"to": [ada.id]})
        items: list[Any] = []
        while "system" not in {item["type"] for item in items}:
            items = (await ask("GET", "/notifications", ada.headers))["items"]
        chat = await ask("POST", "/chats", ada.headers, {"kind": "group", "name": "hers", "members": []})
        message = await ask("POST", f"/chats/{chat['id']}/messages", ada.headers, {"content": "ada's"})
        report = await ask("POST", await unwelcome(house, ada, ask), ada.headers, {"reason": "spam"})
        letter = await ask("POST", "/letters", ada.headers, {"title": "hers", "content": "ada's"})
        await ask("PUT", f"/profiles/{eve.name}/block", ada.headers)  # so that eve cannot see hers either
        ids = {
            "user_id": ada.id, "task_id": tasks["running"], "session_id": sessions["items"][0]["id"],
            "api_key_id": key["id"], "notification_id": items[0]["id"], "job_id": job["job_id"],
            "letter_id": letter["id"], "version": "1", "code": "OP7K3MX9QRTW", "outgoing_id": str(uuid4()),
            "username": ada.name, "chat_id": chat["id"], "message_id": message["id"], "report_id": report["id"],
            "push_id": push["id"], "batch_id": str(uuid4()), **await apply(house, ada, ask),
        }  # fmt: skip
        world = World(house, ada, eve, ids, tasks, leased["running"])
        await world.quiet()
        return world


async def apply(house: RunningHouse, ada: Person, ask: Callable[..., Awaitable[Any]]) -> dict[str, str]:
    """Ada applies to be a courier, and for a point."""
    await ask("POST", "/op-codes/schools", house.admin, {"code": "QX", "name": "Quay"})
    await ask("POST", "/op-codes/areas", house.admin, {"code": "QX5F", "name": "Five"})
    courier = await ask("POST", "/couriers/applications", ada.headers, {"prefixes": ["QX5F"], "weekly_hours": 60})
    wish = {"school": "QX", "area": "5F", "type": "box", "name": "hers", "address": "hers"}
    point = await ask("POST", "/op-codes/applications", ada.headers, wish)
    return {"courier_id": ada.id, "application_id": courier["id"], "point_id": point["id"]}


async def unwelcome(house: RunningHouse, ada: Person, ask: Callable[..., Awaitable[Any]]) -> str:
    """Something that is said to ada; where she reports it."""
    chat = await ask("POST", "/chats", house.admin, {"kind": "direct", "member": ada.id})
    message = await ask("POST", f"/chats/{chat['id']}/messages", house.admin, {"content": "buy"})
    return f"/chats/{chat['id']}/messages/{message['id']}/report"
