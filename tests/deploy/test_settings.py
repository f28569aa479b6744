"""What deploy/ sets are settings that exist, with values that fit."""

import re
from typing import Any

import pytest

from app.config import key_types, sections
from app.config_sources import PREFIX, load
from tests.deploy.conftest import DEPLOY, documents

KNOWN = {f"{PREFIX}{section}_{key}".upper() for section, kind in sections().items() for key in key_types(kind)}


def of_compose() -> dict[str, str]:
    [document] = documents(DEPLOY / "compose.yaml")
    found: dict[str, str] = document["services"]["house-2"]["environment"]
    return found


def of_kubernetes() -> dict[str, str]:
    secrets, _ = documents(DEPLOY / "kubernetes" / "secrets.example.yaml")
    [stateful] = [one for one in documents(DEPLOY / "kubernetes" / "posthouse.yaml") if one["kind"] == "StatefulSet"]
    container: dict[str, Any] = stateful["spec"]["template"]["spec"]["containers"][0]
    set_there = {one["name"]: one.get("value", "posthouse-0") for one in container["env"]}
    return {name: text for name, text in secrets["stringData"].items() if name.startswith(PREFIX)} | set_there


def of_unit(name: str) -> dict[str, str]:
    text = (DEPLOY / "systemd" / name).read_text().replace("%i", "a")
    return dict(re.findall(r"^Environment=(\w+)=(.*)$", text, re.MULTILINE))


def of_image() -> dict[str, str]:
    return dict(re.findall(r"(POSTHOUSE_\w+)=(\S+)", (DEPLOY / "Dockerfile").read_text()))


REDIS = {"POSTHOUSE_REDIS_URL": "redis://127.0.0.1/0"}  # of /etc/posthouse/environment
PLACES = {
    "compose": of_compose(),
    "Kubernetes": of_kubernetes(),
    "one house": of_unit("posthouse.service"),
    "several houses": of_unit("house-template.service") | REDIS,
    "image": of_image(),
}


@pytest.mark.parametrize("place", PLACES)
def test_every_variable_is_a_setting_and_fits(place: str) -> None:
    environment = PLACES[place]
    assert environment.keys() - KNOWN == set()
    config = load(environment=environment)
    assert config.http.host == "0.0.0.0" or place != "image"
    if place in {"compose", "Kubernetes", "several houses"}:
        assert config.mailbox.transport == "redis" and config.redis.url and config.data.secrets
        assert config.house.name != "house"
