"""Settings: where they come from, what is refused and how that is said, and what a change means."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.config import ROOT, Config, compare, effective, is_marked, key_types, sections
from app.config_sources import ConfigError, load, reload


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def written(file: Path, text: str) -> Path:
    file.write_text(text)
    return file


def every_key() -> list[tuple[str, str]]:
    return [(name, key) for name, section in sections().items() for key in key_types(section)]


def test_the_file_in_the_checkout_holds_every_setting_with_its_default() -> None:
    defaults = {
        name: {
            key: msgspec.json.decode(msgspec.json.encode(getattr(getattr(Config(), name), key)))
            for key, kind in key_types(section).items()
            if not is_marked(kind, "secret")
        }
        for name, section in sections().items()
    }
    assert tomllib.loads((ROOT / "config.toml").read_text()) == defaults


def test_the_file_in_the_checkout_gives_every_setting_a_reason_and_marks_those_that_are_live() -> None:
    lines = (ROOT / "config.toml").read_text().splitlines()
    for name, key in every_key():
        kind = key_types(sections()[name])[key]
        if is_marked(kind, "secret"):
            continue
        table = f"[{name}.{key}]"
        if table in lines:
            line = lines[lines.index(table) + 1]
        else:
            line = next(line for line in lines[lines.index(f"[{name}]") :] if re.match(rf"{key}\s*=", line))
        reason = line.partition("# ")[2]
        assert reason, f"{name}.{key} has no reason"
        assert reason.startswith("live;") == is_marked(kind, "reload"), f"{name}.{key}: {reason}"


def test_flags_go_before_the_environment_and_that_before_the_file(file: Path) -> None:
    written(file, "[http]\nport = 1\nhost = 'file'\nkeepalive_seconds = 3")
    environment = {"POSTHOUSE_HTTP_PORT": "2", "POSTHOUSE_HTTP_HOST": "environment"}
    config = load(file, environment, {("http", "port"): "4"})
    assert (config.http.port, config.http.host, config.http.keepalive_seconds) == (4, "environment", 3.0)
    sources = {(one.section, one.key): one.source for one in effective(config)}
    assert sources["http", "port"] == "flag"
    assert sources["http", "host"] == "environment"
    assert sources["http", "keepalive_seconds"] == "file"
    assert sources["http", "max_connections"] == "default"


def test_lists_and_numbers_can_be_given_as_text() -> None:
    environment = {
        "POSTHOUSE_HTTP_CORS_ORIGINS": "https://a.example, https://b.example",
        "POSTHOUSE_MAILBOX_CAPACITY": "7",
    }
    config = load(None, environment)
    assert config.http.cors_origins == ["https://a.example", "https://b.example"]
    assert config.mailbox.capacity == 7


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("[http]\n\nprot = 80", "line 3: [http] has no key 'prot'; did you mean 'port'?", id="key"),
        pytest.param("[htpp]\nport = 80", "line 1: there is no section [htpp]; did you mean 'http'?", id="section"),
        pytest.param("[data]\ndir='x'\n[http]\nport = '80'", "line 4: http.port: Expected `int`, got `str`", id="type"),
        pytest.param("[http]\nport = 65536", "line 2: http.port: Expected `int` <= 65535", id="bound"),
        pytest.param("[log]\nlevel = 'loud'", "line 2: log.level: Invalid enum value 'loud'", id="choice"),
        pytest.param("http = 80", "line 1: [http] must be a section", id="value for a section"),
        pytest.param("[admin]\npassword = 'x'", "set POSTHOUSE_ADMIN_PASSWORD in the environment", id="secret"),
        pytest.param("[postgres]\npool_min = 9\npool_max = 3", "pool_min must not be over pool_max", id="two keys"),
        pytest.param("[mailbox]\ntransport = 'redis'", "set POSTHOUSE_REDIS_URL", id="two sections"),
        pytest.param("[mailbox]\ntransport = 'kafka'", "Invalid enum value 'kafka'", id="no such transport"),
        pytest.param("[redis]\nurl = 'http://cache'", 'look like "redis://host:6379/0"', id="no Redis"),
        pytest.param("[house]\nname = 'a/b'", "line 2: house.name: Expected `str` matching", id="name"),
        pytest.param("[http\nport = 80", "at line 1", id="not TOML"),
        pytest.param("[http]\ntrusted_proxies = ['x']", "'x' does not appear to be an IPv4", id="no network"),
        pytest.param("[http]\ncors_origins = ['a.example']", "'a.example' is no origin such as", id="no origin"),
        pytest.param(
            "[realtime]\nallowed_origins = ['https://a.example/']", "'https://a.example/' is no origin", id="a path"
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(file: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(written(file, text), {})
    assert expected in str(refused.value)
    assert str(file) in str(refused.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("POSTHOUSE_HTTP_PROT", "did you mean POSTHOUSE_HTTP_PORT?"),
        ("POSTHOUSE_HTPP_PORT", "did you mean POSTHOUSE_HTTP_PORT?"),
    ],
)
def test_a_typo_in_the_environment_is_refused(name: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected.replace("?", r"\?")):
        load(None, {name: "80"})


def test_variables_that_a_platform_adds_are_left_alone() -> None:
    load(None, {"POSTHOUSE_SERVICE_HOST": "10.0.0.1", "POSTHOUSE_PORT": "tcp://10.0.0.1:80", "HTTP_PORT": "x"})


def test_a_value_in_the_environment_that_does_not_fit_names_its_variable() -> None:
    with pytest.raises(ConfigError, match=r"POSTHOUSE_HTTP_PORT: http\.port: Expected `int`"):
        load(None, {"POSTHOUSE_HTTP_PORT": "eighty"})


def test_a_file_that_was_named_must_exist(file: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(file, {})


class Bounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    most: int = 1


class Noun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A noun's settings with all that a section may hold."""

    names: tuple[str, ...] = ()
    limits: dict[str, int] = {}
    vip: Bounds = Bounds()


@pytest.fixture
def noun(monkeypatch: pytest.MonkeyPatch) -> None:
    """A section more, as `Config` gets it by one line."""
    whole = msgspec.defstruct("Config", [("noun", Noun, Noun())], bases=(Config,), frozen=True, kw_only=True)
    monkeypatch.setattr("app.config.Config", whole)
    monkeypatch.setattr("app.config_sources.Config", whole)


@pytest.mark.usefixtures("noun")
def test_a_section_may_hold_lists_and_tables_in_the_file_and_as_text(file: Path) -> None:
    expected = Noun(names=("a", "b"), limits={"x": 1}, vip=Bounds(most=9))
    written(file, "[noun]\nnames = ['a', 'b']\nlimits.x = 1\n[noun.vip]\nmost = 9")
    environment = {
        "POSTHOUSE_NOUN_NAMES": "a, b",
        "POSTHOUSE_NOUN_LIMITS": '{"x": 1}',
        "POSTHOUSE_NOUN_VIP": '{"most": 9}',
    }
    for config in (load(file, {}), load(None, environment)):
        assert getattr(config, "noun") == expected  # noqa: B009 - a section that only this test knows
        assert ("noun", "vip", {"most": 9}) in [one[:3] for one in effective(config)]


@pytest.mark.usefixtures("noun")
@pytest.mark.parametrize("text", ["[noun.vip]\nmots = 9", "[noun]\nvip = {mots = 9}"])
def test_a_typo_inside_a_table_is_refused(file: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"noun\.vip: Object contains unknown field `mots`"):
        load(written(file, text), {})


@pytest.mark.parametrize(
    ("environment", "secret"),
    [
        ({"POSTHOUSE_ADMIN_PASSWORD": "correct horse"}, "correct horse"),
        ({"POSTHOUSE_POSTGRES_DSN": "postgresql://me:s3cr3t@db/house"}, "s3cr3t"),
        ({"POSTHOUSE_POSTGRES_DSN": "postgresql://db/house?user=me&password=s3cr3t"}, "s3cr3t"),
        ({"POSTHOUSE_REDIS_URL": "redis://:s3cr3t@cache:6379/0"}, "s3cr3t"),
    ],
)
def test_secrets_are_never_shown(environment: dict[str, str], secret: str) -> None:
    config = load(None, environment)
    shown = f"{effective(config)} {compare(Config(), config)}"
    assert secret not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("[log]\nlevel = 'debug'", ("log", "level", "info", "debug", True)),
        ("[http]\nport = 1", ("http", "port", 8080, 1, False)),
    ],
)
def test_a_change_says_whether_it_applies_now_or_needs_a_restart(
    file: Path, text: str, change: tuple[Any, ...]
) -> None:
    assert compare(Config(), load(written(file, text), {})) == [change]


def test_a_file_that_has_changed_is_read_again_below_the_same_flags(file: Path) -> None:
    first = load(written(file, "[http]\nport = 1\nhost = 'a'"), flags={("http", "port"): "9"})
    written(file, "[http]\nport = 2\nhost = 'b'")
    assert compare(first, reload(first)) == [("http", "host", "a", "b", False)]


def test_the_data_folder_does_not_depend_on_where_the_command_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Config().data_folder == ROOT / "data"
    assert Config().log_file == ROOT / "data" / "logs" / "posthouse.log"
