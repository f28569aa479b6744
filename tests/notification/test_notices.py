"""The rules against the events as their nouns make them: a field that is renamed there fails here."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from actors.messages.account import AccountRegistered
from actors.messages.courier import (
    Application,
    CourierAppointed,
    CourierChanged,
    CourierPromoted,
    CourierRejected,
    CourierResumed,
    CourierState,
    CourierSuspended,
    CourierTransferred,
)
from actors.messages.notification import TaskChange
from actors.messages.op_code import PointApplication, PointGiven, PointRefused, PointReleased
from actors.messages.profile import PersonFollowed
from actors.messages.session import SessionEnded
from actors.messages.task import (
    Progress,
    Task,
    TaskCancelled,
    TaskCompleted,
    TaskError,
    TaskFailed,
    TaskRetried,
    TaskStarted,
)
from actors.messages.user import User
from actors.notification import NOTICES
from actors.runtime.message import Event

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ADA = User(id="ada", username="ada", created_at=NOW)


def task(status: Any, error: TaskError | None = None) -> Task:
    return Task(
        id="t", type="render", params={}, status=status, priority=5, progress=Progress(), result=None, error=error,
        attempt=1, max_attempts=3, unique_key=None, run_at=NOW, created_at=NOW, started_at=None, finished_at=None,
    )  # fmt: skip


def of(event_type: Any, status: str, **fields: Any) -> Event:
    made: Event = event_type(at=NOW, user_id="ada", task=task(status, fields.pop("error", None)), **fields)
    return made


def moved(event_type: Any, **fields: Any) -> Event:
    asked = Application(
        id="a", user_id="ada", kind="promotion", level=2, prefixes=["PK5F"], max_daily_tasks=5, weekly_hours=5,
        transport="walk", status="rejected", created_at=NOW,
    )  # fmt: skip
    courier = CourierState(
        user_id="ada", level=2, prefixes=["PK5F"], status="active", max_daily_tasks=5, weekly_hours=5, created_at=NOW,
        application=asked,
    )  # fmt: skip
    made: Event = event_type(at=NOW, user_id="ada", by="ben", courier=courier, **fields)
    return made


def point(event_type: Any) -> Event:
    asked = PointApplication(
        id="a", user_id="ada", area="PK5F", type="box", name="Gate", address="East", code="PK5F01", decided_by="ben",
        created_at=NOW,
    )  # fmt: skip
    made: Event = event_type(at=NOW, application=asked)
    return made


THEFT = SessionEnded(at=NOW, session_id="s", user_id="ada", reason="reuse")
BROKEN = TaskError(code="broken", message="it broke")
CASES: list[tuple[Event, str, str, str | None]] = [
    (AccountRegistered(at=NOW, user_id="ada", user=ADA), "welcome", "Welcome, ada", None),
    (PersonFollowed(at=NOW, user_id="ben", username="ben", other_id="ada"), "follow", "ben follows you", None),
    (THEFT, "security", "A session was ended for your safety", None),
    (of(TaskStarted, "running"), "", "", "running"),
    (of(TaskCompleted, "completed"), "task", "Your task render is completed", "completed"),
    (of(TaskFailed, "pending", will_retry=True, error=BROKEN), "", "", "pending"),
    (of(TaskFailed, "failed", will_retry=False, error=BROKEN), "task", "Your task render has failed", "failed"),
    (of(TaskCancelled, "cancelled"), "", "", "cancelled"),
    (of(TaskRetried, "pending"), "", "", "pending"),
    (moved(CourierAppointed), "courier", "You are an area courier now", None),
    (moved(CourierRejected, reason="too early"), "courier", "Your promotion was not approved", None),
    (moved(CourierPromoted, was=1), "courier", "You are promoted: an area courier", None),
    (moved(CourierChanged, was=["PK6A"]), "courier", "Your territory has changed", None),
    (moved(CourierTransferred, was=None, reason="near"), "courier", "You stand under another courier now", None),
    (moved(CourierSuspended, reason="late"), "courier", "You are suspended as a courier", None),
    (moved(CourierResumed), "courier", "You work as a courier again", None),
    (point(PointGiven), "op_code", "Letters reach you at PK5F01", None),
    (point(PointRefused), "op_code", "Your application for Gate was not approved", None),
    (point(PointReleased), "op_code", "Letters reach you at PK5F01 no longer", None),
]  # fmt: skip


def kind_of(event: Event) -> str:
    return str(type(event).__struct_config__.tag)


@pytest.mark.parametrize(("event", "kind", "title", "status"), CASES, ids=[kind_of(case[0]) for case in CASES])
def test_an_event_becomes_a_notice(event: Event, kind: str, title: str, status: str | None) -> None:
    found = NOTICES[kind_of(event)](msgspec.json.decode(msgspec.json.encode(event)))

    assert found is not None
    person, notice = found
    assert (person, notice.type, notice.title) == ("ada", kind, title)
    assert notice.change == (None if status is None else TaskChange(task_id="t", status=status))


@pytest.mark.parametrize("reason", ["logout", "ended"])
def test_a_session_that_ends_as_its_owner_wished_is_no_news(reason: str) -> None:
    event = SessionEnded(at=NOW, session_id="s", user_id="ada", reason=reason)
    assert NOTICES["session.ended"](msgspec.json.decode(msgspec.json.encode(event))) is None


def test_every_rule_is_tried() -> None:
    assert {kind_of(event) for event, *_ in CASES} == set(NOTICES)
