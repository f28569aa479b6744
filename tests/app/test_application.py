"""A house as people start it: what it says at a terminal and elsewhere, and what reaches a live socket."""

import asyncio
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from centrifuge import Client, ClientEventHandler, ServerPublicationContext

from app import logs
from app.composition import run_beside
from app.greeting import Greeting, greet
from tests.notification.house import until
from tests.running import ROOT, RunningHouse, end

PASSWORD = re.compile(r"login +admin / (\S+)")


def start_at_terminal(data: Path, **environment: str) -> str:
    """Run a house at a terminal until it has greeted; stop it, and return what the terminal showed."""
    ours, theirs = pty.openpty()
    command = [sys.executable, str(ROOT / "main.py"), "--port", "0", "--data", str(data)]
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env=os.environ | environment)
    os.close(theirs)
    shown = b""
    try:
        ends_at = time.monotonic() + 60
        while b"/api/v1/users/login" not in shown:
            assert time.monotonic() < ends_at and process.poll() is None, shown.decode()
            shown += read(ours)
    finally:
        process.send_signal(signal.SIGTERM)
        while process.poll() is None:
            read(ours)  # a terminal that nobody reads holds its writer up
        os.close(ours)
    assert process.returncode == 0
    return shown.decode().replace("\r\n", "\n")


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536) if select.select([terminal], [], [], 0.1)[0] else b""
    except OSError:  # the other end is closed
        return b""


def log_of(data: Path) -> str:
    return (data / "logs" / "posthouse.log").read_text()


def test_a_terminal_is_told_the_password_once(data_folder: Path) -> None:
    first = start_at_terminal(data_folder)
    second = start_at_terminal(data_folder)

    found = PASSWORD.search(first)
    assert found is not None
    password = found[1]
    assert len(password) >= 12 and "shown once" in first
    assert re.search(r"Posthouse is ready at http://127\.0\.0\.1:\d+ ", first)
    assert re.search(r"docs +http://127\.0\.0\.1:\d+/api/docs", first)
    assert str(data_folder) in first and "python3 main.py demo" in first
    assert "admin / as set" in second and password not in second
    assert password not in log_of(data_folder)


def test_a_password_from_the_environment_is_never_shown(data_folder: Path) -> None:
    shown = start_at_terminal(data_folder, POSTHOUSE_ADMIN_PASSWORD="hunter2hunter2")
    assert "admin / as set" in shown
    assert "hunter2" not in shown + log_of(data_folder)


async def log_in(house: RunningHouse, password: str) -> int:
    body = {"login": "admin", "password": password}
    async with aiohttp.ClientSession() as client, client.post(f"{house.url}/api/v1/users/login", json=body) as answer:
        return answer.status


async def test_without_a_terminal_stderr_is_told_the_password_once(data_folder: Path) -> None:
    house = RunningHouse(data_folder)
    try:
        await house.start()
        said = house._said("stderr").read_text()
        found = re.fullmatch(r"login: admin / (\S+)   \(shown once: keep it\)\n", said)
        assert found is not None, said
        assert await log_in(house, found[1]) == 200
        assert await log_in(house, "wrong password") == 401
        await house.stop()
        assert found[1] not in log_of(data_folder) + house._said("stdout").read_text()
        await house.start()
        assert house._said("stderr").read_text() == ""
        assert await log_in(house, found[1]) == 200
    finally:
        await end(house)


def test_the_greeting_can_be_pasted() -> None:
    facts = Greeting(
        url="http://127.0.0.1:1", data="/d", log_file="/l", username="admin", password="p'q\"r", seconds=1.25
    )
    command = greet(facts).rpartition("curl ")[2].partition("\n\n")[0]
    echoed = subprocess.run(["sh", "-c", "printf '%s\\n' " + command], capture_output=True, text=True, check=True)
    body = echoed.stdout.splitlines()[-1]
    assert json.loads(body) == {"login": "admin", "password": "p'q\"r"}


class Own(ClientEventHandler):  # type: ignore[misc]  # published without types
    """What the person's own channel tells."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    async def on_publication(self, ctx: ServerPublicationContext) -> None:
        self.seen.append(ctx.pub.data)


async def test_a_notification_reaches_a_live_socket_and_the_inbox(data_folder: Path) -> None:
    house = RunningHouse(data_folder)
    try:
        await house.start()
        async with aiohttp.ClientSession() as client:
            ada = await house.register(client)
            own = Own()
            socket = Client(
                house.url.replace("http", "ws", 1) + "/connection/websocket", token=ada.token, events=own, proxy=None
            )
            await socket.connect()
            await socket.ready(timeout=10)
            body = {"to": [ada.id], "title": "Hello", "data": {"x": 1}, "priority": "high"}
            async with client.post(f"{house.url}/api/v1/notifications", json=body, headers=house.admin) as answer:
                assert answer.status == 202

            async def arrived() -> Any:
                return [one["notification"] for one in own.seen if one.get("notification", {}).get("title") == "Hello"]

            [told] = await until(arrived)
            async with client.get(f"{house.url}/api/v1/notifications", headers=ada.headers) as answer:
                entries = (await answer.json())["items"]
            await socket.disconnect()
        assert told in entries
        assert {one["type"] for one in own.seen} == {"notification.created"}
        assert house.faults() == []
    finally:
        await end(house)


async def test_a_house_that_is_told_to_stop_ends_in_time_with_0(data_folder: Path) -> None:
    house = RunningHouse(data_folder)
    try:
        await house.start()
        stopped = await house.stop()
        assert stopped.code == 0 and stopped.seconds < 10
        assert [line["event"] for line in house.lines() if line["event"].startswith("house_")] == [
            "house_ready", "house_stopping", "house_stopped",
        ]  # fmt: skip
    finally:
        await end(house)


@pytest.mark.parametrize("broken", ["POSTHOUSE_LOG_LEVEL", "POSTHOUSE_HTTP_PORT"])
def test_a_setting_that_does_not_fit_stops_the_start_with_a_sentence(data_folder: Path, broken: str) -> None:
    command = [sys.executable, str(ROOT / "main.py"), "--data", str(data_folder)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=30, env=os.environ | {broken: "nonsense"}
    )
    assert done.returncode != 0 and broken in done.stderr and "Traceback" not in done.stderr


def refused_start(*arguments: str) -> str:
    """What a person reads of a house that does not start."""
    command = [sys.executable, str(ROOT / "main.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


def test_a_port_that_is_taken_is_told_with_what_to_do(data_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = refused_start("--data", str(data_folder), "--port", str(port))
    assert said.startswith(f"posthouse: 127.0.0.1:{port} is taken by another program")


def test_an_address_that_is_not_this_machines_is_told(data_folder: Path) -> None:
    said = refused_start("--data", str(data_folder), "--port", "0", "--host", "203.0.113.7")
    assert said.startswith("posthouse: cannot listen on 203.0.113.7:0: Cannot assign requested address")


def test_a_data_folder_that_cannot_be_one_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    assert refused_start("--data", str(file)).startswith(
        f"posthouse: {file}: File exists. Everything is kept in {file}"
    )
    inside = file / "data"
    assert refused_start("--data", str(inside)).startswith(f"posthouse: {inside}: Not a directory.")


async def test_a_log_file_that_cannot_be_written_is_told(data_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    house = RunningHouse(data_folder, {"POSTHOUSE_LOG_FILE": str(tmp_path / "file" / "house.log")})
    try:
        await house.start()
        said = [json.loads(line) for line in house._said("stdout").read_text().splitlines()]
        assert str(tmp_path / "file") in next(line["error"] for line in said if line["event"] == "log_file_failed")
    finally:
        await end(house)


async def test_what_runs_beside_the_actors_says_when_it_crashes(tmp_path: Path) -> None:
    async def broken() -> None:
        raise RuntimeError("broken")

    log = logs.start(path=tmp_path / "log", stdout=False)
    async with AsyncExitStack() as stack:
        await run_beside(stack, broken(), asyncio.sleep(60))
        await asyncio.sleep(0.01)
    log.close()
    [line] = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert (line["event"], line["work"], line["level"]) == ("background_work_crashed", "broken", "error")
