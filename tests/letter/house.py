"""The whole house behind its real edges, with a small world of schools, and people who write and carry."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from actors.runtime.ids import uuid7
from app.replay import Difference, Replay
from storage.events import EventStore
from tests.courier.rows import insert_courier
from tests.notification.house import until
from tests.realtime.wire import Wire
from tests.system.house import Person, ServedHouse, open_served

HOME, DOOR = "PK5F21", "QH7A03"
"""Where letters begin, and where they go: another school."""


class Post:
    """Shorthands for what people and couriers do all the time."""

    def __init__(self, served: ServedHouse, dsn: str) -> None:
        self.served = served
        self.dsn = dsn
        self.sql = served.sql
        self.admin = served.admin
        self.ada = served.ada
        self.core = served.house._core
        self._scans = 0

    async def call(
        self, who: Person | None, method: str, path: str, body: Any = None, *, expect: int = 200, key: str = ""
    ) -> Any:
        """Call a route and insist on the status."""
        token = "" if who is None else who.token
        return await self.served.call(method, path, token, body, expect=expect, key=key)

    async def point(self, code: str, holder: Person, *, is_public: bool = False) -> None:
        """Let somebody be at home at a point, with its school and area."""
        for insert in (
            "insert into op_school values (left($1, 2), 0, '', $2, now()) on conflict do nothing",
            "insert into op_area values (left($1, 4), left($1, 2), 0, '', $2, now()) on conflict do nothing",
        ):
            await self.sql(insert, code, holder.id)
        await self.sql(
            "insert into op_application (id, n, user_id, area, type, name, address, reason, is_public, status, code,"
            " note, decided_at, created_at)"
            " values ($1, 0, $2, left($3, 4), 'dormitory', '', '', '', $4, 'approved', $3, '', now(), now())",
            uuid7(), holder.id, code, is_public,
        )  # fmt: skip

    async def courier(self, name: str, *prefixes: str, level: int = 1, **fields: Any) -> Person:
        """Somebody who carries."""
        person = await self.served.person(name)
        await insert_courier(self.dsn, level, prefixes, user_id=person.id, **fields)
        return person

    async def draft(self, who: Person, **fields: Any) -> dict[str, Any]:
        """A draft that could be sealed."""
        body = {"to_op_code": DOOR, "from_op_code": HOME, "title": "Tea?", "content": "Come at five.", **fields}
        made: dict[str, Any] = await self.call(who, "POST", "/letters", body, expect=201)
        return made

    async def sealed(self, who: Person, **fields: Any) -> dict[str, Any]:
        """A letter that waits for couriers."""
        made = await self.draft(who, **fields)
        sealed: dict[str, Any] = await self.call(who, "POST", f"/letters/{made['id']}/seal")
        return sealed

    async def act(self, who: Person, letter: dict[str, Any], verb: str, *, expect: int = 200, **body: Any) -> Any:
        """Do something with a letter."""
        return await self.call(who, "POST", f"/letters/{letter['id']}/{verb}", body or None, expect=expect)

    async def task(self, who: Person, letter: dict[str, Any], verb: str, *, expect: int = 200, **body: Any) -> Any:
        """Do something with a letter's task."""
        return await self.call(who, "POST", f"/couriers/tasks/{letter['task_id']}/{verb}", body or None, expect=expect)

    async def scan(
        self, who: Person, letter: dict[str, Any], action: str, place: str = HOME, *, expect: int = 200, **fields: Any
    ) -> Any:
        """Scan a letter."""
        self._scans += 1
        body = {
            "code": letter["code"], "action": action, "op_code": place, "client_scan_id": f"scan-{self._scans}",
            **fields,
        }  # fmt: skip
        return await self.call(who, "POST", "/couriers/scan", body, expect=expect)

    async def get(self, who: Person | None, letter: dict[str, Any], more: str = "", *, expect: int = 200) -> Any:
        """Look at a letter."""
        return await self.call(who, "GET", f"/letters/{letter['id']}{more}", expect=expect)

    async def states(self, letter: dict[str, Any]) -> tuple[str, str | None]:
        """The status of a letter and that of its task, as the rows hold them."""
        [row] = await self.sql(
            "select l.status, d.status as task from letter l left join delivery d on d.id = l.task_id where l.id = $1",
            letter["id"],
        )
        return row["status"], row["task"]

    async def settled(self) -> None:
        """Wait until every consumer has heard of everything."""

        async def is_quiet() -> bool:
            return not any((await self.core.relay.lag()).values())

        await until(is_quiet)

    async def titles(self, who: Person) -> list[str]:
        """What somebody's inbox says, oldest first, without the welcome."""
        await self.settled()
        items = (await self.call(who, "GET", "/notifications?limit=100"))["items"]
        return [item["title"] for item in reversed(items) if item["type"] != "welcome"]

    async def listen(self, who: Person, *channels: str) -> Wire:
        """Connect and subscribe."""
        wire = await Wire.open(f"{self.served.url}/connection/websocket")
        assert "error" not in await wire.ask(connect={"token": who.token})
        for channel in channels:
            answer = await wire.ask(subscribe={"channel": channel})
            assert "error" not in answer, answer
        return wire

    async def differences(self) -> list[Difference]:
        """What `verify` finds."""
        replay = Replay(EventStore(self.core.base.database), self.core.kinds.owned)
        return [found async for found in replay.verify() if found is not None]


async def heard(wire: Wire, channel: str) -> dict[str, Any]:
    """The next publication of a channel, whatever is told on the person's own one meanwhile."""
    while (push := await wire.push())["channel"] != channel:
        pass
    told: dict[str, Any] = push["pub"]["data"]
    return told


@asynccontextmanager
async def open_post(dsn: str, folder: Path) -> AsyncIterator[Post]:
    """A house that listens; at the end `verify` finds nothing in it."""
    async with open_served(dsn, folder) as served:
        post = Post(served, dsn)
        try:
            yield post
            assert await post.differences() == []
        finally:
            while Wire.opened:
                await Wire.opened.pop().close()
