"""What a house does for itself: follow its settings, forget by age."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from msgspec.structs import replace

from actors.messages.notification import Notice
from actors.runtime.ids import uuid7
from app import config_sources, logs, watched_file
from app.composition import compose
from app.config import Config
from app.housekeeping import Housekeeping
from app.logs import Logs, Wanted
from storage.dead_letters import DeadLetterStore
from tests.notification.house import CHEAP, NotifiedHouse, until
from tests.transport import sections

BEGIN = '[log]\nlevel = "info"\n'
log = structlog.get_logger()


class KeptHouse(NotifiedHouse):
    """A house with a settings file of its own."""

    file: Path
    logs: Logs

    async def told(self, event: str) -> list[dict[str, Any]]:
        """Lines of the log of one event, oldest first."""
        return list(reversed(await self.logs.recent(Wanted(event=event), 100)))

    def settle(self, text: str) -> None:
        """Replace the settings file, as an editor does. How the house's mail travels stands in it as it is."""
        fresh, config = self.file.with_suffix(".new"), self.config
        carried = f'[mailbox]\ntransport = "{config.mailbox.transport}"\n[redis]\nurl = "{config.redis.url}"\n'
        fresh.write_text(text + carried)
        fresh.replace(self.file)

    @property
    def config(self) -> Config:
        """The settings in force, as the system desk shows them."""
        return self.house._core.surroundings.config

    def keeper(self, **retention: int) -> Housekeeping:
        """Housekeeping of this house under another retention."""
        core = self.house._core
        config = replace(self.config, retention=replace(Config().retention, **retention))
        return Housekeeping(config, self.database, core.kinds, self.logs, core.surroundings)


@pytest.fixture
async def house(database_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KeptHouse]:
    monkeypatch.setattr(watched_file, "LOOK_SECONDS", 0.2)
    file = tmp_path / "config.toml"
    file.write_text(BEGIN)
    config = config_sources.load(file, environment={}, flags={("data", "dir"): str(tmp_path)})
    written = logs.start(path=tmp_path / "house.log", level=config.log.level, stdout=False)
    try:
        async with compose(replace(config, auth=CHEAP, **sections()), database_dsn, None, written) as opened:
            kept = KeptHouse(opened, opened._core.base.database, [])
            kept.file, kept.logs = file, written
            yield kept
    finally:
        written.close()


async def test_a_live_setting_applies_when_the_file_changes(house: KeptHouse) -> None:
    log.debug("whispered")
    assert await house.told("whispered") == []

    house.settle('[log]\nlevel = "debug"\n[retention]\ntasks_days = 7\n')

    changes = await until(lambda: house.told("config_reloaded"))
    assert [(one["setting"], one["old"], one["new"]) for one in changes] == [
        ("log.level", "info", "debug"), ("retention.tasks_days", 90, 7),
    ]  # fmt: skip
    log.debug("whispered")
    assert len(await house.told("whispered")) == 1
    assert (house.config.log.level, house.config.retention.tasks_days) == ("debug", 7)
    assert house.config.origin.sources["retention", "tasks_days"] == "file"


async def test_a_file_that_changed_while_the_house_started_counts(database_dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(BEGIN)
    config = config_sources.load(file, environment={}, flags={("data", "dir"): str(tmp_path)})
    file.write_text("[retention]\ntasks_days = 7\n")

    async with compose(
        replace(config, auth=CHEAP), database_dsn, None, logs.Logs([], path=None, level="info")
    ) as house:
        surroundings = house._core.surroundings

        async def is_applied() -> bool:
            return surroundings.config.retention.tasks_days == 7

        await until(is_applied)


async def test_a_setting_that_returns_to_its_default_says_so(house: KeptHouse) -> None:
    house.settle("")
    house.settle("[retention]\ntasks_days = 7\n")
    await until(lambda: house.told("config_reloaded"))
    house.settle("")

    await until(lambda: _told_times(house, 2))

    assert ("retention", "tasks_days") not in house.config.origin.sources


async def _told_times(house: KeptHouse, count: int) -> bool:
    return len(await house.told("config_reloaded")) == count


async def test_a_setting_that_needs_a_restart_says_so_and_changes_nothing(house: KeptHouse) -> None:
    house.settle('[http]\nport = 1\n[log]\nlevel = "info"\n')

    told = await until(lambda: house.told("config_needs_restart"))

    changes = [(one["setting"], one["old"], one["new"]) for one in told if not one["setting"].startswith("auth.")]
    assert changes == [("http.port", 8080, 1)]  # the cheap passwords of the tests do not stand in the file
    assert house.config.http.port == 8080
    assert await house.told("config_reloaded") == []


@pytest.mark.parametrize(
    "text", ['[log]\nlevle = "debug"\n', '[log]\nlevel = "loud"\n', "[log\n", "[admin]\npassword = 'x'\n"]
)
async def test_a_mistake_is_refused_and_changes_nothing(house: KeptHouse, text: str) -> None:
    house.settle(text)

    [refusal] = await until(lambda: house.told("config_refused"))

    assert refusal["error"]
    assert house.config.log.level == "info"
    house.settle('[log]\nlevel = "warning"\n')  # and the next one is taken
    await until(lambda: _has_level(house, "warning"))


async def _has_level(house: KeptHouse, level: str) -> bool:
    return house.config.log.level == level


async def counts(house: KeptHouse) -> dict[str, int]:
    tables = ("notification", "dead_letter", "idempotency", "task", "event")
    return {table: (await house.sql(f"select count(*) as n from {table}"))[0]["n"] for table in tables}


async def old_and_new(house: KeptHouse) -> None:
    """Two of everything that is kept for some days: one of now, one of ten days ago."""
    ada = await house.person()
    await house.take(ada, *(Notice(source=f"x:{n}", type="system", title="x", channels=("inbox",)) for n in (1, 2)))
    await house.sql("update notification set created_at = now() - interval '10 days' where source = 'x:1'")
    for days in (0, 10):
        await house.sql(
            "insert into dead_letter values ($1, 'k', '', 'm', '', '', 'E', 3, now() - make_interval(days => $2))",
            uuid7(),
            days,
        )
        await house.sql(
            "insert into idempotency values ('c', 'r', $1, '', null, now() - make_interval(days => $2))", uuid7(), days
        )
        await house.sql("update task set finished_at = finished_at - make_interval(days => 10), status = 'completed'")
        await house.task(ada)
        await house.sql("update task set status = 'completed', finished_at = now() where finished_at is null")


async def test_what_is_too_old_is_forgotten(house: KeptHouse) -> None:
    await old_and_new(house)
    before = await counts(house)
    assert {before[table] for table in ("notification", "dead_letter", "idempotency", "task")} == {2}

    await house.keeper(notifications_days=5, dead_letters_days=5, tasks_days=5)._forget_all()

    after = await counts(house)
    assert {after[table] for table in ("notification", "dead_letter", "idempotency", "task")} == {1}
    assert after["event"] == before["event"]  # 0 days keeps


async def test_nothing_is_forgotten_where_zero_days_are_set(house: KeptHouse) -> None:
    await old_and_new(house)
    before = await counts(house)

    await house.keeper(notifications_days=0, dead_letters_days=0, tasks_days=0, sessions_days=0)._forget_all()

    assert await counts(house) == before | {"idempotency": 1}  # kept for 24 h, as the interface says


async def test_events_are_forgotten_but_the_newest_of_each_stream(house: KeptHouse) -> None:
    ada = await house.register("ada")
    await until(lambda: house.entries(ada))
    await house.take(ada, Notice(source="x:1", type="system", title="x"))
    await house.sql("update event set at = at - interval '10 days'")
    await house.sql("update consumer set seq = 1000000")  # everything has been heard

    await house.keeper(events_days=5)._forget_all()

    rows = await house.sql("select stream, n from event where stream like 'user:%'")
    assert [(row["stream"], row["n"]) for row in rows] == [(f"user:{ada.user_id}", 2)]


async def test_a_step_that_fails_is_told_and_tried_again(house: KeptHouse) -> None:
    keeper = house.keeper()

    async def broken() -> None:
        raise RuntimeError("broken")

    await keeper._try(broken)

    assert [(line["work"], line["level"]) for line in await house.told("housekeeping_failed")] == [("broken", "error")]


async def test_dead_letters_count_what_they_forget(house: KeptHouse) -> None:
    await old_and_new(house)
    store = DeadLetterStore(house.database)
    assert await store.delete_old(house.house._core.clock.now()) == 2
    assert await store.count_dead_letters() == 0
