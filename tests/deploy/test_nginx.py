"""nginx as it is configured, before a house that runs: who asks is known, sockets pass, dead houses are passed over."""

import asyncio
import re
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from centrifuge import Client

from tests.deploy.conftest import DEPLOY, judged, tool
from tests.running import running_house

CONFIGURATION = DEPLOY / "nginx.conf"


def free_port() -> int:
    """A port that nobody listens on, for the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def front(folder: Path, houses: list[str]) -> AsyncIterator[str]:
    """nginx with the same configuration, but on this machine: its address."""
    port, places = free_port(), iter(houses)
    text = re.sub(r"server [\d.]+:8080", lambda _: f"server {next(places)}", CONFIGURATION.read_text())
    text = text.replace("listen 8080", f"listen 127.0.0.1:{port}").replace("/tmp/", f"{folder}/")
    (folder / "nginx.conf").write_text(text.replace("/dev/stdout", f"{folder}/access.log"))
    command = [tool("nginx"), "-c", str(folder / "nginx.conf"), "-e", "stderr", "-g", "daemon off;"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: ASYNC220
    try:
        async with asyncio.timeout(10):
            while not await answers(port):
                await asyncio.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


async def answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


def test_the_configuration_is_one(tmp_path: Path) -> None:
    text = CONFIGURATION.read_text().replace("/tmp/", f"{tmp_path}/")
    (tmp_path / "nginx.conf").write_text(text)
    assert "test is successful" in judged(tool("nginx"), "-t", "-c", tmp_path / "nginx.conf", "-e", "stderr")


async def test_requests_and_sockets_pass_and_dead_houses_are_passed_over(data_folder: Path) -> None:
    tool("nginx")
    environment = {"POSTHOUSE_HTTP_TRUSTED_PROXIES": "127.0.0.1"}
    nginx = data_folder / "nginx"
    nginx.mkdir()
    nginx.chmod(0o777)  # its workers are somebody else under root
    async with running_house(data_folder, environment) as house, aiohttp.ClientSession() as client:
        alive = house.url.removeprefix("http://")
        async with front(nginx, [f"127.0.0.1:{free_port()}", alive, f"127.0.0.1:{free_port()}"]) as url:
            direct, house.url = house.url, url
            for _ in range(20):
                async with client.get(f"{url}/ready") as answer:
                    assert answer.status == 200
            person = await house.register(client)
            forwarded = {"X-Forwarded-For": "203.0.113.9"} | person.headers
            async with client.get(f"{url}/api/v1/users/me", headers=forwarded) as answer:
                assert answer.status == 200
            async with client.get(f"{url}/metrics") as answer:
                assert answer.status == 404
            published = Client(f"{url.replace('http', 'ws', 1)}/connection/websocket", token=person.token, proxy=None)
            await published.connect()
            await published.ready(timeout=5)
            await published.disconnect()
            house.url = direct
    addresses = [line["address"] for line in house.lines("http_request") if line["path"].endswith("/users/me")]
    assert addresses == ["203.0.113.9"], "127.0.0.1 is trusted: behind it stands whom the header names"
