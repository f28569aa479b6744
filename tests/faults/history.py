"""Clients that write, and remember of every write whether it was acknowledged; and the judge that reads what is there.

Every write carries a mark of its own, which ends up in exactly one event: an acknowledged write that is lost has no
event, one that took effect twice has two. A write without an answer is *unknown* until its repetition is answered.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from random import Random
from typing import Any, NamedTuple
from uuid import uuid4

import aiohttp

from tests.running import Person, RunningHouse

GOOD = frozenset({200, 201, 204})
BUSY = frozenset({409, 503, 504})


class Write(NamedTuple):
    """One request that changes something, and what it leaves behind in one event of type ``event``."""

    person: Person | None  # None: the worker
    method: str
    path: str
    body: dict[str, Any]
    key: str | None
    event: str
    marks: tuple[str, ...]


class History:
    """What happened, as the clients saw it."""

    def __init__(self) -> None:
        self.acknowledged: list[Write] = []
        self.unknown: list[Write] = []  # no answer yet
        self.left: list[Write] = []  # no answer for ever: done once, or not at all
        self.refused: Counter[int] = Counter()  # statuses that said no
        self.bad: list[str] = []  # answers that nobody should get
        self.replayed = 0  # unknown writes that had taken effect
        self.slowest_seconds = 0.0

    @property
    def marks(self) -> Counter[tuple[str, str]]:
        """(event, mark) of everything that was acknowledged."""
        return Counter((write.event, mark) for write in self.acknowledged for mark in write.marks)


class Clients:
    """Writes of people and of a worker, until told to stop; everything by ``random``, so that a seed repeats it."""

    def __init__(self, house: RunningHouse, client: aiohttp.ClientSession, random: Random) -> None:
        self.history = History()
        self.people: list[Person] = []
        self.stopping = False
        self.gives_up = True
        self.changes = [avatar, preferences]  # what the first of the people change of their own, over and over again
        self._house = house
        self._client = client
        self._random = random
        self._marks = clock_marks()

    async def settle_in(self, people: int) -> None:
        """Make the accounts."""
        self.people = [await self._house.register(self._client) for _ in range(people)]

    async def write(self, clients: int) -> None:
        """Let ``clients`` write at the same time; with ``gives_up`` all stop at the first broken connection."""
        self.stopping = False
        work = [self._create(self.people[i % len(self.people)]) for i in range(clients - 4)]
        work += [self._change(self.people[i], kind) for i, kind in enumerate(self.changes)]
        work += [self._work() for _ in range(2)]
        await asyncio.gather(*work)

    async def repeat_unknown(self) -> None:
        """Ask again for everything that was not answered; what has no key is left as it may be."""
        unknown, self.history.unknown = self.history.unknown, []
        await asyncio.gather(*(self._repeat(write) for write in unknown))

    async def send(self, write: Write) -> int:
        """Send one write and note the answer; 0 when there was none."""
        history = self.history
        status, text, retry_after = await self._ask(write)
        if status in GOOD:
            history.acknowledged.append(write)
        elif status in {0, 504}:
            history.unknown.append(write)
        else:
            history.refused[status] += 1
            if status != 503 or retry_after is None or json.loads(text)["code"] not in {"unavailable", "overloaded"}:
                history.bad.append(f"{write.method} {write.path}: {status} {text}")
        return status

    async def _repeat(self, write: Write) -> None:
        if write.key is None and write.event != "task.completed":
            self.history.left.append(write)
            return
        status, text = 0, ""
        for _ in range(100):
            status, text, _ = await self._ask(write)
            if status not in {0, *BUSY} or (status == 409 and write.key is None):
                break
            await asyncio.sleep(0.05)
        if status in GOOD:
            self.history.acknowledged.append(write)
        elif status == 409 and write.key is None:
            self.history.left.append(write)  # the attempt has ended before, or was never ours
        else:
            self.history.bad.append(f"again {write.method} {write.path}: {status} {text}")

    async def _ask(self, write: Write) -> tuple[int, str, str | None]:
        headers = dict(write.person.headers if write.person is not None else self._house.admin)
        if write.key is not None:
            headers["Idempotency-Key"] = write.key
        url, began = self._house.url + write.path, time.monotonic()
        try:
            async with self._client.request(write.method, url, json=write.body, headers=headers) as answer:
                self.history.replayed += "Idempotency-Replayed" in answer.headers
                return answer.status, await answer.text(), answer.headers.get("Retry-After")
        except TimeoutError:
            self.history.bad.append(f"no answer to {write.method} {write.path}")
            return 0, "", None
        except aiohttp.ClientError:
            return 0, "", None
        finally:
            self.history.slowest_seconds = max(self.history.slowest_seconds, time.monotonic() - began)

    async def _create(self, person: Person) -> None:
        while not self.stopping:
            await self._send_until(creation(person, self._random))

    async def _change(self, person: Person, kind: Callable[[Person, str], Write]) -> None:
        while not self.stopping:
            await self._send_until(kind(person, next(self._marks)))

    async def _work(self) -> None:
        """Lease and complete. A task whose lease was lost with its answer comes back to somebody later."""
        while not self.stopping:
            try:
                async with self._client.post(
                    f"{self._house.url}/api/v1/tasks/lease",
                    json={"types": ["work"], "max": 5, "lease_seconds": 60},
                    headers=self._house.admin,
                ) as answer:
                    tasks = (await answer.json(content_type=None)).get("tasks", [])
            except (aiohttp.ClientError, TimeoutError):
                tasks = []
                self.stopping |= self.gives_up
            for task in tasks:
                await self._send_until(completion(task))
            if not tasks:
                await asyncio.sleep(0.05)

    async def _send_until(self, write: Write) -> None:
        if await self.send(write) in {0, 503, 504}:
            self.stopping |= self.gives_up
            await asyncio.sleep(0.02)


def creation(person: Person, random: Random) -> Write:
    """One task, or sometimes three in one request."""
    key, sizes = uuid4().hex, 3 if random.random() < 0.1 else 1
    marks = tuple(f"{key}-{i}" for i in range(sizes))
    items = [{"type": "work", "params": {"mark": mark}} for mark in marks]
    path = "/api/v1/tasks/batch" if sizes > 1 else "/api/v1/tasks"
    return Write(person, "POST", path, {"items": items} if sizes > 1 else items[0], key, "task.created", marks)


def completion(task: dict[str, Any]) -> Write:
    """The end of one attempt."""
    body = {"lease": task["lease"], "result": {"mark": f"r-{task['id']}"}}
    path = f"/api/v1/tasks/{task['id']}/complete"
    return Write(None, "POST", path, body, None, "task.completed", (f"r-{task['id']}",))


def avatar(person: Person, mark: str) -> Write:
    """A change of an owned row."""
    return Write(person, "PATCH", "/api/v1/users/me", {"avatar": mark}, None, "account.changed", (mark,))


def preferences(person: Person, mark: str) -> Write:
    """A change of another owned row."""
    body = {"quiet_hours": {"from": mark[:5], "to": mark[6:], "time_zone": "UTC"}}
    path = "/api/v1/notifications/preferences"
    return Write(person, "PATCH", path, body, None, "notification.preferences_changed", (mark,))


def clock_marks() -> Iterator[str]:
    """Pairs of times of the day, two million of them: what quiet hours can carry."""
    for number in count():
        first, second = divmod(number, 1440)
        yield f"{first // 60:02}:{first % 60:02}-{second // 60:02}:{second % 60:02}"


MARKS = """
select type, case type
    when 'task.created' then body->'task'->'params'->>'mark'
    when 'task.completed' then body->'task'->'result'->>'mark'
    when 'account.changed' then body->>'avatar'
    else concat_ws('-', body->'preferences'->'quiet_hours'->>'from', body->'preferences'->'quiet_hours'->>'to')
    end as mark, count(*) as times
from event
where type in ('task.created', 'task.completed', 'account.changed', 'notification.preferences_changed') group by 1, 2
"""
GAPS = "select stream from event group by stream having min(n) <> 1 or max(n) <> count(*)"
QUOTAS = """
select q.used_tasks, (select count(*) from task t where t.user_id = q.user_id) as tasks from quota q
where q.used_tasks <> (select count(*) from task t where t.user_id = q.user_id)
"""


async def judge(house: RunningHouse, history: History) -> None:
    """Compare what was acknowledged with what is there."""
    assert not history.bad, history.bad[:5]
    found = {(row["type"], row["mark"]): row["times"] for row in await house.sql(MARKS)}
    acknowledged = set(history.marks)
    lost = acknowledged - found.keys()
    doubled = {mark: times for mark, times in found.items() if times > 1}
    left = {(write.event, mark) for write in history.left for mark in write.marks}
    strange = found.keys() - acknowledged - left
    assert (len(lost), len(doubled), len(strange)) == (0, 0, 0), (lost, doubled, strange)
    assert await house.sql(GAPS) == []
    assert await house.sql(QUOTAS) == []
    assert house.verify() == ""
