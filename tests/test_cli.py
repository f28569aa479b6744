"""The command line: which command runs, with which settings, and how errors look to a person."""

import importlib
import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from app.cli import dispatch
from app.config import ROOT, Config
from app.config_sources import ConfigError


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Config]]:
    """What would have run, in place of what runs."""
    seen: list[tuple[str, Config]] = []

    class Command:
        @staticmethod
        def run(arguments: Namespace, config: Config) -> int:
            seen.append((arguments.command, config))
            return 7

    monkeypatch.setattr(dispatch, "_module", lambda _: Command)
    return seen


@pytest.mark.parametrize("command", dispatch.COMMANDS)
def test_every_command_exists(command: str) -> None:
    assert callable(importlib.import_module(f"app.cli.{command.replace('-', '_')}").run)


def test_without_a_command_it_serves(runs: list[tuple[str, Config]]) -> None:
    assert dispatch.main([]) == 7
    assert dispatch.main(["--port", "0"]) == 7
    assert [(command, config.http.port) for command, config in runs] == [("serve", 8080), ("serve", 0)]


def test_a_data_folder_that_is_typed_is_meant_from_here(
    runs: list[tuple[str, Config]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    dispatch.main(["serve", "--data", "here"])
    assert runs[0][1].data_folder == tmp_path / "here"


def test_a_setting_that_does_not_fit_is_a_sentence_and_not_a_traceback(
    runs: list[tuple[str, Config]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert dispatch.main(["--port", "eighty"]) == 2
    assert runs == []
    assert capsys.readouterr().err == "posthouse: --port: http.port: Expected `int`, got `str`\n"


def test_an_unknown_command_is_refused_with_those_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        dispatch.main(["surve"])
    assert ended.value.code == 2
    assert "'serve'" in capsys.readouterr().err


def test_check_config_shows_every_setting_without_its_secrets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTHOUSE_ADMIN_PASSWORD", "correct horse")
    assert dispatch.main(["check-config", "--port", "0"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert next(line for line in lines if line.startswith("http.port ")).split() == ["http.port", "0", "flag"]
    assert next(line for line in lines if line.startswith("admin.password ")).split()[1:] == ['"***"', "environment"]


def test_migrate_makes_the_database_once_and_then_finds_nothing_to_do(data_folder: Path) -> None:
    command = [sys.executable, str(ROOT / "main.py"), "migrate", "--data", str(data_folder)]
    first, second = (subprocess.run(command, capture_output=True, text=True, check=False) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert "applied 0001_house" in first.stdout
    assert second.stdout == "nothing to apply: the database is up to date\n"


def test_a_cluster_brings_the_redis_along_that_a_house_must_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTHOUSE_MAILBOX_TRANSPORT", "redis")
    monkeypatch.delenv("POSTHOUSE_REDIS_URL", raising=False)
    assert dispatch._config(dispatch._parse(["cluster"])).redis.url == ""
    with pytest.raises(ConfigError, match="POSTHOUSE_REDIS_URL"):
        dispatch._config(dispatch._parse(["serve"]))


def test_the_tests_run_over_each_transport_or_both_and_stop_where_one_fails(tmp_path: Path) -> None:
    told, seen = tmp_path / "transports", tmp_path / "test_seen.py"
    seen.write_text(
        "import os, pathlib\n\n"
        "def test_seen():\n"
        f"    told = pathlib.Path({str(told)!r}).open('a')\n"
        "    told.write(os.environ['POSTHOUSE_TEST_TRANSPORT'] + ' ')\n"
        "    told.close()\n"
    )

    others = {name: value for name, value in os.environ.items() if name != "POSTHOUSE_TEST_TRANSPORT"}

    def run(*arguments: str) -> int:
        command = [sys.executable, str(ROOT / "main.py"), "test", *arguments, "-n", "0", "-q", "-p", "no:cacheprovider"]
        return subprocess.run([*command, str(seen)], capture_output=True, check=False, env=others).returncode

    assert run() == run("--transport", "both") == 0
    assert told.read_text() == "memory memory redis "
    seen.write_text(seen.read_text() + "    assert False\n")
    assert run("--transport", "both") == 1
    assert told.read_text() == "memory memory redis memory "
