"""What a line never holds, and that anything at all can be logged."""

import json
import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from actors.runtime.message import Command, Secret
from app.logs import Logs, start
from app.logs.line import LINE_BYTES

log = structlog.get_logger()


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Logs]:
    logs = start(path=tmp_path / "posthouse.log", stdout=False)
    yield logs
    logs.close()


def written(logs: Logs) -> list[dict[str, Any]]:
    """Every line of the file, oldest first."""
    logs.flush()
    assert logs.path is not None
    return [json.loads(line) for line in logs.path.read_text().splitlines()]


class Register(Command[None], frozen=True, kw_only=True):
    username: str
    code: Secret
    spare: Secret | None = None


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"password": "hunter2"}, id="by its name"),
        pytest.param({"new_password": "hunter2"}, id="by part of its name"),
        pytest.param({"headers": {"Authorization": "hunter2", "X-Api-Key": "hunter2"}}, id="headers"),
        pytest.param({"body": {"users": [{"refresh_token": "hunter2"}]}}, id="deep inside"),
        pytest.param({"message": Register(username="ann", code="hunter2", spare="hunter2")}, id="marked as secret"),
        pytest.param({"text": "got Bearer hunter2, refused"}, id="bearer"),
        pytest.param({"text": "Authorization: Basic hunter2=="}, id="authorization header in a text"),
        pytest.param({"dsn": "postgresql://ann:hunter2@host/db"}, id="dsn"),
        pytest.param({"text": "connect to postgresql://ann:hunter2@host/db failed"}, id="login in an address"),
        pytest.param({"text": "/reset?token=hunter2&x=1"}, id="query of an address"),
        pytest.param({"text": """{"password": "hunter2 hunter2", "a": 1}"""}, id="JSON in a text"),
        pytest.param({"body": b"hunter2"}, id="bytes"),
        pytest.param({"error": ValueError("password='hunter2'")}, id="in an exception"),
        pytest.param({"jwt": "eyJhbGciOiJI.hunter2.x"}, id="jwt by its name"),
        pytest.param({"text": "token eyJhbGciOiJIUzI1NiJ9.hunter2.sig"}, id="jwt by its look"),
    ],
)
def test_a_secret_never_reaches_the_file(logs: Logs, fields: dict[str, Any]) -> None:
    log.info("something", **fields)
    logging.getLogger("somebody.else").error("fields: %s", fields.get("text"))
    logs.flush()
    assert logs.path is not None
    text = logs.path.read_text()
    assert "something" in text and "hunter2" not in text


def test_a_secret_in_a_traceback_is_blanked_and_the_traceback_kept(logs: Logs) -> None:
    def fail() -> None:
        raise RuntimeError("no luck with Bearer hunter2")

    try:
        fail()
    except RuntimeError:
        log.exception("it_failed")
    (line,) = written(logs)
    assert line["error_type"] == "RuntimeError" and "Bearer ***" in line["exception"]
    assert "in fail" in line["exception"] and "hunter2" not in str(line)


def test_harmless_words_stay(logs: Logs) -> None:
    log.info(
        "token_verified", token_type="Bearer", note="a bear: 3 keys, 2 passwords lost", url="http://127.0.0.1:8080/x"
    )
    (line,) = written(logs)
    assert line["event"] == "token_verified" and line["token_type"] == "Bearer"
    assert line["note"] == "a bear: 3 keys, 2 passwords lost"
    assert line["url"] == "http://127.0.0.1:8080/x"


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(2**80, id="huge number"),
        pytest.param("\ud800", id="lone surrogate"),
        pytest.param({1: {2: 3}}, id="keys that are no text"),
        pytest.param(Unprintable(), id="broken repr"),
        pytest.param({"a": object()}, id="object"),
        pytest.param(float("nan"), id="not a number"),
        pytest.param({1, 2}, id="set"),
        pytest.param(timedelta(seconds=1), id="duration"),
    ],
)
def test_anything_can_be_logged(logs: Logs, value: object) -> None:
    log.info("odd", value=value)
    log.info("after")
    assert [line["event"] for line in written(logs)] == ["odd", "after"]


def test_an_endless_structure_can_be_logged(logs: Logs) -> None:
    endless: list[Any] = []
    endless.append(endless)
    log.info("odd", value=endless)
    assert "..." in str(written(logs)[0]["value"])


def test_a_huge_line_is_cut_and_still_json(logs: Logs) -> None:
    log.info("huge", text="x" * 10**6, small=1, many=list(range(10**6)), **{f"more_{n}": "y" * 10**5 for n in range(9)})
    (line,) = written(logs)
    assert line["small"] == 1 and line["cut_from_bytes"] > LINE_BYTES and len(json.dumps(line)) <= LINE_BYTES


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("token" * 3_000 + ":", id="words in words"),
        pytest.param("eyJ-" * 4_000 + " ", id="beginnings of a jwt"),
        pytest.param('password="' * 1_600, id="quotes that never end"),
        pytest.param("://:" * 4_000 + " ", id="beginnings of a login"),
        pytest.param("bearer" + " " * 16_000, id="blanks"),
        pytest.param("-" * 16_000 + "=", id="one long word"),
        pytest.param("password=" * 1_600, id="keys without end"),
    ],
)
def test_no_text_takes_long_to_search_for_secrets(logs: Logs, text: str) -> None:
    started = time.process_time()
    log.info("odd", text=text)
    assert time.process_time() - started < 0.1


def test_messages_are_logged_by_their_fields(logs: Logs) -> None:
    log.info("dead_letter", message=Register(username="ann", code="x"))
    assert written(logs)[0]["message"] == {"username": "ann", "code": "***", "spare": "***"}
    assert msgspec.structs.asdict(Register(username="ann", code="x"))["code"] == "x"
