"""The whole house in this process, behind the edges that `app.application` opens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from actors.messages.account import SetRole
from actors.runtime.message import SYSTEM
from app import logs
from app.application import listening
from app.composition import House, compose
from app.config import Config, Data, Http
from handlers.rate_limit import LimitSettings
from storage.queries import Statement
from tests.notification.house import CHEAP, until
from tests.transport import sections


class Person:
    """Somebody who is logged in."""

    def __init__(self, user_id: str, token: str) -> None:
        self.id = user_id
        self.token = token


class ServedHouse:
    """Shorthands for what the tests do all the time."""

    def __init__(self, house: House, http: aiohttp.ClientSession, url: str, log: logs.Logs) -> None:
        self.house = house
        self.refs = house.refs
        self.http = http
        self.url = url
        self.log = log
        self.admin: Person
        self.ada: Person

    async def call(
        self, method: str, path: str, token: str = "", body: Any = None, *, expect: int = 200, key: str = ""
    ) -> Any:
        """Call a route and insist on the status; the answer's JSON."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if key:
            headers["Idempotency-Key"] = key
        whole = path if path.startswith("/api/") else f"/api/v1{path}"
        async with self.http.request(method, whole, json=body, headers=headers) as answer:
            content = await answer.json(content_type=None) if answer.status != 204 else None
            assert answer.status == expect, (answer.status, content)
            return content

    async def system(self, path: str, *, expect: int = 200) -> Any:
        """Ask the system desk as the administrator."""
        return await self.call("GET", f"/api/system{path}", self.admin.token, expect=expect)

    async def person(self, name: str, role: Any = "user") -> Person:
        """Register somebody and give them a role."""
        body = {"username": name, "email": f"{name}@example.org", "password": "correct horse"}
        made = await self.call("POST", "/users/register", "", body, expect=201)
        user_id = made["user"]["id"]
        if role != "user":
            await self.refs("account", user_id).ask(SetRole(user_id=user_id, role=role), SYSTEM)
        return Person(user_id, made["access_token"])

    async def sql(self, text: str, *args: Any) -> list[Any]:
        """Run any statement."""
        return await self.house._core.base.database.fetch(Statement("test", text, "many"), *args)


@asynccontextmanager
async def open_served(dsn: str, folder: Path) -> AsyncIterator[ServedHouse]:
    """A house that listens, stopped at the end."""
    config = Config(
        data=Data(dir=str(folder)), auth=CHEAP, limits=LimitSettings(enabled=False), http=Http(port=0), **sections()
    )
    log = logs.start(path=folder / "house.log", level="info", stdout=False)
    try:
        async with (
            compose(config, dsn, None, log) as house,
            listening(config, house) as url,
            aiohttp.ClientSession(base_url=url) as http,
        ):
            house.open(lambda: None)
            served = ServedHouse(house, http, url, log)
            served.admin = await served.person("root", "super_admin")
            served.ada = await served.person("ada")
            await until(lambda: served.sql("select from notification having count(*) = 2"))  # both are welcomed
            yield served
            house.close()
    finally:
        log.close()
