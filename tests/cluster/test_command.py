"""``main.py cluster``: houses that share everything behind one port, come back when they die, and stop in order."""

import argparse
import asyncio
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import psutil
import pytest

from app.cli import cluster as command
from app.cli.operator import Operator, write_operator
from app.cluster.cluster import free_ports
from tests.cluster.running import RunningCluster, running_cluster
from tests.conftest import open_folder
from tests.running import ROOT, end

NAMES = {"house-1", "house-2", "house-3"}


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningCluster]:
    """A cluster in which every house may die, and comes back."""
    with open_folder() as folder:
        cluster = RunningCluster(folder)
        try:
            asyncio.run(cluster.start())
            yield cluster
        finally:
            asyncio.run(end(cluster))


@pytest.fixture
async def cluster(shared: RunningCluster) -> RunningCluster:
    """All of its houses are there."""
    await shared.until_all_ready()
    return shared


async def test_it_says_where_it_is_and_who_is_there(cluster: RunningCluster) -> None:
    [ready] = cluster.lines("cluster_ready")
    assert ready["houses"] == 3 and ready["url"] == cluster.url
    assert {line["house"] for line in cluster.lines("house_up")} == NAMES == set(cluster.houses)
    assert len({house.url for house in cluster.houses.values()} | {cluster.url}) == 4
    assert cluster.operator.url == cluster.url


async def test_houses_have_their_own_logs_and_share_their_secrets(cluster: RunningCluster) -> None:
    for name in NAMES:
        await cluster.until_logged(name, "house_ready")
        assert not (cluster.data / "houses" / name / "secrets").exists()
    assert stat.S_IMODE((cluster.data / "secrets" / "signing-keys.json").stat().st_mode) == 0o600


async def test_what_one_house_has_signed_every_house_accepts(cluster: RunningCluster) -> None:
    async with aiohttp.ClientSession() as client:
        person = await cluster.register(client)
        for house in cluster.houses.values():
            async with client.get(f"{house.url}/api/v1/users/me", headers=person.headers) as answer:
                assert answer.status == 200, await answer.text()


async def test_the_houses_know_their_clients_addresses(cluster: RunningCluster) -> None:
    async with aiohttp.ClientSession() as client:
        async with client.get(f"{cluster.url}/api/v1/system/health-of-nothing", headers={"X-Request-ID": "mine"}):
            pass
        await asyncio.sleep(0.3)
    lines = [line for name in NAMES for line in cluster.log_of(name) if line.get("request_id") == "mine"]
    assert [line["address"] for line in lines] == ["127.0.0.1"]


async def test_the_key_of_the_cluster_outlives_any_house(cluster: RunningCluster) -> None:
    pid = cluster.signal("house-1", signal.SIGKILL)
    await cluster.until_back("house-1", pid)
    async with aiohttp.ClientSession() as client:
        for house in cluster.houses.values():
            async with client.get(f"{house.url}/api/system/houses", headers=cluster.admin) as answer:
                assert answer.status == 200, await answer.text()


async def test_a_house_that_was_killed_is_told_of_and_comes_back(cluster: RunningCluster) -> None:
    pid = cluster.signal("house-2", signal.SIGKILL)
    seconds = await cluster.until_back("house-2", pid)
    died = [line for line in cluster.lines("house_died") if line["pid"] == pid]
    assert [(line["house"], line["code"]) for line in died] == [("house-2", -signal.SIGKILL)]
    assert seconds < 10


async def test_a_second_cluster_on_the_same_folder_is_refused_with_a_sentence(cluster: RunningCluster) -> None:
    second = [sys.executable, str(ROOT / "main.py"), "cluster", "--data", str(cluster.data), "--port", "0"]
    done = await asyncio.to_thread(subprocess.run, second, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is in use by another house" in done.stderr and "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_a_sentence_and_leaves_nothing_running(data_folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        first = [sys.executable, str(ROOT / "main.py"), "cluster", "--data", str(data_folder), "--port", port]
        done = subprocess.run(first, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and f"127.0.0.1:{port} is taken by another program" in done.stderr
    assert "Traceback" not in done.stderr


def test_where_no_cluster_runs_the_demo_kills_nobody_and_says_so_at_once(data_folder: Path) -> None:
    write_operator(data_folder, Operator(url="http://127.0.0.1:9", api_key="of a cluster that has ended"))
    command = [sys.executable, str(ROOT / "main.py"), "demo", "--kill-a-house", "--data", str(data_folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no cluster runs on this data folder" in done.stderr


def test_how_many_houses() -> None:
    assert command._houses("3") == 3
    for text in ("0", "17", "three", "-1"):
        with pytest.raises(argparse.ArgumentTypeError, match="1 to 16"):
            command._houses(text)


def test_ports_lie_behind_the_front_s_where_they_are_free() -> None:
    [start] = free_ports(0, 1)
    first, second = free_ports(start, 2)
    assert (first, second) == (start + 1, start + 2) or first != second


async def test_it_stops_in_order_and_leaves_no_process(data_folder: Path) -> None:
    async with running_cluster(data_folder, houses=2) as cluster:
        family = psutil.Process(cluster.process.pid).children(recursive=True)
        assert len(family) > 4
        stopped = await cluster.stop()
        assert stopped.code == 0 and stopped.seconds < 15
        assert [process for process in family if process.is_running()] == []
        events = [line["event"] for line in cluster.lines()]
        assert events.count("house_stopped") == 2 and events[-1] == "cluster_stopped"
        assert {line["code"] for line in cluster.lines("house_stopped")} == {0}
        assert cluster.faults() == [] and cluster.faults_of_houses() == []


async def test_a_cluster_that_is_killed_takes_everything_with_it_and_starts_again(data_folder: Path) -> None:
    async with running_cluster(data_folder, houses=2) as cluster:
        family = psutil.Process(cluster.process.pid).children(recursive=True)
        cluster.kill()
        until = time.monotonic() + 15
        while [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]:
            assert time.monotonic() < until, "something outlives its cluster"
            await asyncio.sleep(0.05)
        await cluster.start()
        async with aiohttp.ClientSession() as client:
            await cluster.register(client)
