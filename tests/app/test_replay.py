"""``verify``: replay against rows, on a house that runs and on one that was stopped."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from actors.messages.account import ChangeAccount, DeleteAccount
from actors.messages.api_key import CreateApiKey
from actors.messages.notification import ChangePreferences, NotifyMany, TypePreference
from actors.messages.profile import ChangeAbout
from actors.runtime.message import Caller
from app.replay import Broken, Difference, Replay
from storage.events import EventStore
from tests.notification.house import NotifiedHouse, open_house, until
from tests.running import ROOT, RunningHouse, end


@pytest.fixture
async def house(database_dsn: str, tmp_path: Path) -> AsyncIterator[NotifiedHouse]:
    async with open_house(database_dsn, tmp_path) as opened:
        yield opened


def replaying(house: NotifiedHouse) -> Replay:
    return Replay(EventStore(house.database), house.house._core.kinds.owned)


async def differences(house: NotifiedHouse) -> list[Difference]:
    return [found async for found in replaying(house).verify() if found is not None]


async def live(house: NotifiedHouse, name: str = "ada") -> str:
    """Somebody with something of every owned kind; their id."""
    ada = await house.register(name)
    user_id = ada.user_id or ""
    await house.refs("account", user_id).ask(ChangeAccount(user_id=user_id, avatar="a.png"), ada)
    await house.refs("profile", user_id).ask(ChangeAbout(bio="b"), ada)
    await house.refs("api_keys").ask(CreateApiKey(name="k", scopes=("read",)), ada)
    await house.inbox(ada, ChangePreferences(types={"x": TypePreference([])}))
    job = await house.refs("notifications").ask(NotifyMany(to=[user_id], title="Hello"), ada)

    async def is_over() -> bool:
        return (await house.job(job.job_id)).status == "finished" and len(await house.entries(ada)) == 2

    await until(is_over)
    return user_id


async def test_every_row_is_what_its_events_say(house: NotifiedHouse) -> None:
    await live(house)
    replay = replaying(house)

    assert sorted(replay.prefixes) == [
        "account:", "api_key:", "chat:", "courier:", "letter:", "notification_job:", "op_application:",
        "op_code:", "profile:", "report:", "user:",
    ]  # fmt: skip
    assert [found async for found in replay.verify()] == [None] * 5


@pytest.mark.parametrize(
    ("plant", "stream", "what"),
    [
        ("update account set avatar = 'b.png'", "account:", '"b.png"'),
        ("update account set n = 1", "account:", "the row is"),
        ("update account set n = 9", "account:", "the row stands at event 9, the stream ends with 2"),
        ("delete from event where stream like 'account:%' and n = 2", "account:", "the stream ends with 1"),
        ("update inbox set n = n - 1", "user:", "the row stands at event 2, the stream at 3"),
        ("delete from inbox", "user:", "there is no row"),
        ("delete from event where stream like 'user:%' and n = 2", "user:", "there is no event 2"),
        ("update event set type = 'user.sang' where stream like 'user:%' and n = 1", "user:", "of type user.sang"),
        ("update event set body = '[]' where stream like 'user:%' and n = 1", "user:", "cannot be understood"),
        ("update api_key set name = 'l'", "api_key:", '"l"'),
        ("delete from api_key", "api_key:", "there is no row"),
        ("update profile set bio = 'c'", "profile:", '"c"'),
        ("update notification_job set done = 2", "notification_job:", '"done":2'),
    ],
)
async def test_a_planted_difference_is_found(house: NotifiedHouse, plant: str, stream: str, what: str) -> None:
    await live(house)
    assert await differences(house) == []

    await house.sql(plant)

    [found] = await differences(house)
    assert found.stream.startswith(stream) and what in found.what


async def test_what_went_with_its_account_is_no_difference(house: NotifiedHouse) -> None:
    user_id = await live(house)
    ben = await live(house, "ben")
    await house.refs("account", user_id).ask(DeleteAccount(user_id=user_id), Caller(user_id=user_id, role="user"))
    assert await house.sql("select from inbox where user_id = $1", user_id) == []

    assert await differences(house) == []

    await house.sql("delete from account where id = $1", ben)  # not by its own event: all three are missed
    assert sorted(found.stream.partition(":")[0] for found in await differences(house)) == [
        "account",
        "api_key",
        "profile",
        "user",
    ]


async def test_a_stream_whose_beginning_was_deleted_by_age_is_no_difference(house: NotifiedHouse) -> None:
    user_id = await live(house)
    await until(lambda: house.sql("select from consumer"))
    await house.sql("update event set at = at - interval '10 days'")
    await EventStore(house.database).delete_events(datetime.now(UTC) - timedelta(days=1))
    assert len(await house.sql("select from event where stream = $1", f"account:{user_id}")) == 1

    assert await differences(house) == []
    assert (await replaying(house).state(f"account:{user_id}")).is_whole is False


async def test_an_entity_is_shown_as_it_was(house: NotifiedHouse) -> None:
    user_id = await live(house)
    stream, replay = f"account:{user_id}", replaying(house)
    [first, second] = await house.sql("select at from event where stream = $1 order by n", stream)

    assert (await replay.state(stream, first["at"] - timedelta(seconds=1)))[:2] == (None, 0)
    state, n, _ = await replay.state(stream, first["at"])
    assert (state.user.avatar, n) == (None, 1)
    state, n, _ = await replay.state(stream, second["at"])
    assert (state.user.avatar, n) == ("a.png", 2)
    assert (await replay.state(stream)).n == 2


async def test_only_owned_streams_can_be_replayed(house: NotifiedHouse) -> None:
    with pytest.raises(ValueError, match="account:"):
        await replaying(house).state("task:x")


async def test_a_gap_is_told_and_not_jumped_over(house: NotifiedHouse) -> None:
    user_id = await live(house)
    await house.sql("delete from event where stream = $1 and n = 2", f"user:{user_id}")
    with pytest.raises(Broken):
        await replaying(house).state(f"user:{user_id}")


async def test_a_house_that_goes_on_writing_differs_at_no_moment(house: NotifiedHouse) -> None:
    ada = await house.register("ada")
    user_id = ada.user_id or ""
    is_over, is_enough = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            if number > 100:
                is_enough.set()
            await house.refs("account", user_id).ask(ChangeAccount(user_id=user_id, avatar=f"{number}"), ada)

    writing = asyncio.create_task(write())
    replay = replaying(house)
    try:
        compared = 0
        while compared < 100 or not is_enough.is_set():  # however busy the machine is, both have had their turns
            assert await replay.compare(f"account:{user_id}") is None
            compared += 1
    finally:
        is_over.set()
        is_enough.set()
        await writing
    assert (await replay.state(f"account:{user_id}")).n > 100


def is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


def verify(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "main.py"), "verify", "--data", str(data), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


async def test_the_command_works_beside_a_house_and_without_one(data_folder: Path) -> None:
    assert verify(data_folder).returncode == 1
    assert is_empty(data_folder)  # looking makes no house
    house = RunningHouse(data_folder)
    try:
        await house.start()
        async with aiohttp.ClientSession() as client:
            ada = await house.register(client)
        beside = await asyncio.to_thread(verify, data_folder)
        assert beside.returncode == 0 and " 0 differ" in beside.stdout, beside
        await house.sql("update account set avatar = 'planted' where id = $1", ada.id)
        found = await asyncio.to_thread(verify, data_folder)
        assert found.returncode == 1 and f"account:{ada.id}" in found.stdout and "planted" in found.stdout
    finally:
        await end(house)
    found = verify(data_folder)
    assert found.returncode == 1 and "1 differ" in found.stdout, found
    shown = verify(data_folder, "--stream", f"account:{ada.id}")
    state = json.loads(shown.stdout)
    assert (state["n"], state["state"]["user"]["username"], state["state"]["user"]["avatar"]) == (1, ada.name, None)
    early = verify(data_folder, "--stream", f"account:{ada.id}", "--at", "2020-01-01T00:00:00Z")
    assert (early.returncode, early.stderr) == (1, "There was nothing.\n")
    assert "user:" in verify(data_folder, "--stream", "task:x").stderr
