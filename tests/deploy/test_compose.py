"""The compose file and the image: as their specifications want them, and one fits the other."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from app.config import ROOT
from tests.deploy.conftest import DEPLOY, judged, tool

HERE = Path(__file__).parent
HOUSES = ("house-1", "house-2", "house-3")
SECRETS = {"POSTGRES_PASSWORD": "one", "REDIS_PASSWORD": "two", "ADMIN_PASSWORD": "three"}


def instructions() -> list[list[str]]:
    """The Dockerfile, an instruction a list of words."""
    text = re.sub(r"\\\n", " ", (DEPLOY / "Dockerfile").read_text())
    return [shlex.split(line, comments=True) for line in text.splitlines() if line and not line.startswith("#")]


def test_the_compose_file_fits_the_published_schema(compose: dict[str, Any]) -> None:
    schema = json.loads((HERE / "compose-spec.json").read_text())
    jsonschema.Draft7Validator(schema).validate(compose)
    compose["services"]["redis"]["heathcheck"] = {}
    with pytest.raises(jsonschema.ValidationError, match="heathcheck"):
        jsonschema.Draft7Validator(schema).validate(compose)


def test_compose_itself_takes_it(tmp_path: Path) -> None:
    docker = tool("docker")
    environment = {"PATH": os.defpath, "HOME": str(tmp_path)} | SECRETS
    plugin = subprocess.run([docker, "compose", "version"], capture_output=True, check=False)
    if plugin.returncode == 0:
        judged(docker, "compose", "-f", "compose.yaml", "--profile", "watch", "config", environment=environment)
        return
    old = tool("docker-compose")  # of before `name` was a key
    copy = tmp_path / "deploy" / "compose.yaml"
    shutil.copytree(DEPLOY, copy.parent)
    copy.write_text((DEPLOY / "compose.yaml").read_text().replace("name: posthouse\n", "", 1))
    judged(old, "-f", copy, "--profile", "watch", "config", environment=environment)


def test_without_passwords_nothing_starts(compose: dict[str, Any]) -> None:
    for service in HOUSES:
        environment = compose["services"][service]["environment"]
        for name in ("POSTHOUSE_POSTGRES_DSN", "POSTHOUSE_REDIS_URL", "POSTHOUSE_ADMIN_PASSWORD"):
            assert re.search(r"\$\{[A-Z_]+:\?", environment[name]), name
    example = (DEPLOY / "example.env").read_text()
    assert all(f"\n{name}=\n" in example for name in SECRETS)


def test_three_houses_differ_in_their_names_alone(compose: dict[str, Any]) -> None:
    def common(service: str) -> str:
        return json.dumps(compose["services"][service]).replace(service, "house").replace(f"0.1{service[-1]}", "0.1x")

    assert len({common(service) for service in HOUSES}) == 1
    assert {compose["services"][service]["environment"]["POSTHOUSE_HOUSE_NAME"] for service in HOUSES} == set(HOUSES)


def test_nginx_knows_every_house_and_the_houses_believe_nginx_alone(compose: dict[str, Any]) -> None:
    services = compose["services"]
    addresses = {services[service]["networks"]["front"]["ipv4_address"] for service in HOUSES}
    assert addresses == set(re.findall(r"^\s+server ([\d.]+):8080", (DEPLOY / "nginx.conf").read_text(), re.MULTILINE))
    nginx = services["nginx"]["networks"]["front"]["ipv4_address"]
    assert {services[service]["environment"]["POSTHOUSE_HTTP_TRUSTED_PROXIES"] for service in HOUSES} == {nginx}


def test_what_is_mounted_is_there(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith("./") else source in compose["volumes"], (
                name,
                volume,
            )


def test_the_image_is_made_of_what_is_there_and_nothing_else_is_sent_to_its_builder() -> None:
    copied = {
        source.rstrip("/")
        for words in instructions()
        if words[0] == "COPY" and not words[1].startswith("--")
        for source in words[1:-1]
    }
    assert {source for source in copied if not (ROOT / source).exists()} == set()
    sent = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"}
    assert {source.split("/")[0] for source in copied} == sent
    assert {"app", "actors", "handlers", "storage", "sql"} <= sent


def test_the_image_runs_as_somebody_who_is_not_root_and_hears_sigterm() -> None:
    words = {line[0]: line[1:] for line in instructions()}  # the last one of each counts
    assert words["USER"] == ["posthouse"] and words["STOPSIGNAL"] == ["SIGTERM"]
    assert words["ENTRYPOINT"][0].startswith("[")  # no shell between: signals reach the house


def test_the_image_sets_itself_up_with_two_files_and_the_lock(tmp_path: Path) -> None:
    """What its first layer does, up to the virtual environment: that part is `tests/test_setup.py`'s."""
    (tmp_path / "app").mkdir()
    for name in ("requirements.txt", "app/__init__.py", "app/setup.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    found = judged("python3", "-c", "from app import setup; print(setup.REQUIREMENTS, setup.VENV)", cwd=tmp_path)
    assert found.split() == [str(tmp_path / "requirements.txt"), str(tmp_path / ".venv")]
