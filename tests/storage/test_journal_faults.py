"""The journal while its connections and its server are killed: what was acknowledged is there, and once."""

import asyncio
import os
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from storage.errors import DatabaseUnavailable, UnknownOutcome
from storage.house import House
from storage.journal import Journal
from storage.journal.session import Session
from storage.migrations import migrate
from storage.postgres import Database
from storage.postgres_server import PostgresServer
from storage.queries import Statement
from tests.storage.things import TABLE, TOGETHER, ask, happened, insert, new_id, until

KILL_LANES = """
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and application_name like 'posthouse/%' and random() < 0.5
"""


SLOW_COMMIT = (
    "create function dawdle() returns trigger language plpgsql as $$ begin perform pg_sleep(1.5); return null; end $$",
    """
    create constraint trigger slow after insert on thing deferrable initially deferred
    for each row execute function dawdle()
    """,
)


class Log:
    """What a client was told: the name it wrote, and how that ended."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}

    async def run(self, journal: Journal, client: int, end: float) -> None:
        n = 0
        while time.monotonic() < end:
            name = f"{client}-{n}"
            n += 1
            try:
                stream = f"thing:{name}"
                events = [happened(stream)]
                await journal.commit(lane=stream, cause=name, caller=None, events=events, writes=[insert(name)])
                self.outcomes[name] = "ok"
            except UnknownOutcome:
                self.outcomes[name] = "unknown"
            except ConnectionError:
                self.outcomes[name] = "failed"
                await asyncio.sleep(0.01)

    async def check(self, dsn: str) -> Counter[str]:
        """Every "ok" is there once, with its event; no "failed" is; an "unknown" may be either."""
        rows = Counter(row["name"] for row in await ask(dsn, "select name from thing"))
        events = Counter(row["cause"] for row in await ask(dsn, "select cause from event"))
        assert rows == events
        assert max(rows.values()) == 1
        assert [name for name, outcome in self.outcomes.items() if outcome == "ok" and name not in rows] == []
        assert [name for name, outcome in self.outcomes.items() if outcome == "failed" and name in rows] == []
        return Counter(self.outcomes.values())


async def test_connections_killed_in_the_middle_of_commits_lose_and_double_nothing(journal: Journal, dsn: str) -> None:
    log, end = Log(), time.monotonic() + 4
    clients = [asyncio.create_task(log.run(journal, client, end)) for client in range(32)]
    rounds = 0
    while time.monotonic() < end:
        await asyncio.sleep(random.uniform(0.01, 0.05))
        await ask(dsn, KILL_LANES)
        rounds += 1
    await asyncio.gather(*clients)

    counts = await log.check(dsn)
    assert rounds > 20
    assert counts["ok"] > 500
    assert counts["failed"] > 0  # else the kills hit nothing, and this proves nothing


async def test_a_commit_whose_answer_was_lost_is_looked_up(
    journal: Journal, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server commits, and the connection is gone before it says so: still a success."""
    _lose_after_commit(monkeypatch)

    rows = await journal.commit(lane="a", cause="c", caller=None, events=[happened("a")], writes=[insert("a")])

    assert rows == [[]]
    assert len(await ask(dsn, "select 1 from thing")) == 1


async def test_a_lost_commit_without_events_is_unknown(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    _lose_after_commit(monkeypatch)

    with pytest.raises(UnknownOutcome):
        await journal.commit(lane="a", cause="c", caller=None, events=[], writes=[insert("a")])


async def test_a_commit_that_never_arrived_is_known_to_have_failed(
    journal: Journal, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _lose_before_commit(monkeypatch)

    with pytest.raises(DatabaseUnavailable):
        await journal.commit(lane="a", cause="c", caller=None, events=[happened("a")], writes=[insert("a")])

    assert await ask(dsn, "select 1 from thing union all select 1 from event") == []
    await journal.commit(lane="a", cause="c", caller=None, events=[happened("a")], writes=[insert("a")])


async def test_what_a_later_incarnation_has_written_is_not_taken_for_ours(
    journal: Journal, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on with the numbers of the transaction that was lost: only the fence tells whose they are."""
    look_up = Session.look_up

    async def look_up_late(self: Session, first: int, until: int) -> bool | None:
        later = await House.claim(dsn, "one", alone=False)
        theirs = Journal(dsn, later)
        await theirs.start()
        await theirs.commit(lane="a", cause="theirs", caller=None, events=[happened("theirs")], writes=[])
        await theirs.stop()
        await later.release()
        return await look_up(self, first, until)

    _lose_before_commit(monkeypatch)
    with (
        patch.object(Session, "look_up", look_up_late),
        patch("storage.journal.session._RESOLVE_SECONDS", 0.5),
        pytest.raises(UnknownOutcome),
    ):
        await journal.commit(lane="a", cause="c", caller=None, events=[happened("a")], writes=[insert("a")])

    assert [row["cause"] for row in await ask(dsn, "select cause from event")] == ["theirs"]


async def test_a_commit_that_is_called_lost_can_not_happen_later(journal: Journal, dsn: str) -> None:
    """The backend is still at its COMMIT when the connection breaks: it is ended before anybody is told."""
    for command in SLOW_COMMIT:
        await ask(dsn, command)
    task = asyncio.create_task(
        journal.commit(lane="a", cause="c", caller=None, events=[happened("a")], writes=[insert("a")])
    )
    await asyncio.sleep(0.5)
    for lane in journal._lanes:
        if lane._task is not None and lane._session._connection is not None:
            lane._session._connection.terminate()  # tells the server to cancel nothing

    with pytest.raises(DatabaseUnavailable):
        await task
    await asyncio.sleep(1.5)
    assert await ask(dsn, "select 1 from thing") == []


async def test_a_batch_whose_answer_was_lost_is_unknown_and_the_lane_goes_on(journal: Journal, dsn: str) -> None:
    slow = Statement("thing.slow", TOGETHER.sql.replace("select made.id,", "select made.id, pg_sleep(0.5),"), "many")
    task = asyncio.create_task(journal.commit_together(statement=slow, args=([new_id()], ["a"])))
    await asyncio.sleep(0.2)
    await ask(dsn, KILL_LANES.replace("random() < 0.5", "true"))

    with pytest.raises(UnknownOutcome):
        await task
    assert await ask(dsn, "select 1 from thing") == []
    await journal.commit_together(statement=TOGETHER, args=([new_id()], ["a"]))


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    folder = Path(tempfile.mkdtemp(prefix="posthouse-test-"))
    folder.chmod(0o711)
    started = PostgresServer(folder / "postgres")
    try:
        started.start()
        yield started
    finally:
        started.stop()
        shutil.rmtree(folder)


async def test_a_server_that_is_killed_and_comes_back_needs_no_restart_of_ours(server: PostgresServer) -> None:
    dsn = server.address
    await migrate(dsn)
    await ask(dsn, TABLE)
    house = await House.claim(dsn, "one")
    db = await Database.open(dsn, house.application_name)
    journal = Journal(dsn, house)
    await journal.start()
    watching = asyncio.create_task(server.watch(lambda _: None))
    log, end = Log(), time.monotonic() + 5
    clients = [asyncio.create_task(log.run(journal, client, end)) for client in range(16)]
    for _ in range(2):
        await asyncio.sleep(1.2)
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
    await asyncio.gather(*clients)

    counts = await log.check(dsn)
    assert counts["ok"] > 100
    assert counts["failed"] + counts["unknown"] > 0
    await journal.commit(lane="a", cause="c", caller=None, events=[happened("a")], writes=[insert("after")])
    assert await db.fetchval(Statement("t", "select count(*) from thing", "value")) > 100
    await _until_held(house)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await journal.stop()
    await db.close()
    await house.release()


async def _until_held(house: House) -> None:
    """The lease is renewed, and the lock on the database taken again, on a new connection."""
    await until(
        lambda: house._connection is not None and not house._connection.is_closed() and house.is_held(), seconds=8
    )


def _lose_after_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    _break_commit(monkeypatch, is_sent=True)


def _lose_before_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    _break_commit(monkeypatch, is_sent=False)


def _break_commit(monkeypatch: pytest.MonkeyPatch, *, is_sent: bool) -> None:
    """The next COMMIT loses its connection: after the server has done it, or before it heard of it."""
    import asyncpg  # noqa: PLC0415 - patched here alone

    execute = asyncpg.Connection.execute

    async def lossy(connection: asyncpg.Connection, query: str, *args: object, **options: float) -> str:
        if not query.endswith("\ncommit"):
            return await execute(connection, query, *args, **options)
        monkeypatch.undo()
        if is_sent:
            await execute(connection, query)
        connection.terminate()
        raise ConnectionResetError("lost")

    monkeypatch.setattr(asyncpg.Connection, "execute", lossy)
