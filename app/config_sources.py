"""Where settings come from: defaults < config.toml < environment ``POSTHOUSE_<SECTION>_<KEY>`` < flags.

Anything that does not fit is an error that names the place, what is wrong, and what was probably meant.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_args, get_origin

import msgspec

from app.config import ROOT, Config, Origin, is_marked, key_types, sections
from app.watched_file import mark_of

PREFIX = "POSTHOUSE_"


class ConfigError(Exception):
    """A setting that does not fit. The message is for the person who wrote it, and names the place."""


class Given(NamedTuple):
    """One setting as somebody gave it."""

    section: str
    key: str
    value: Any
    source: str  # file, environment, flag
    place: str  # for the error: "config.toml, line 12"
    strict: bool  # False: text that is to be read as the key's type


def load(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[tuple[str, str], str] | None = None,
) -> Config:
    """Return the settings in force.

    ``file``: None takes config.toml of the checkout, which need not exist; one that is named must.
    ``environment``: None takes this process's. ``flags``: (section, key) -> text.

    Raises:
        ConfigError: a key that is unknown or does not fit; the first one found.
    """
    path = file or ROOT / "config.toml"
    mark = mark_of(path)
    given = [
        *(_from_file(path) if file is not None or path.exists() else ()),
        *_from_environment(os.environ if environment is None else environment),
        *(Given(*name, text, "flag", f"--{name[1]}", strict=False) for name, text in (flags or {}).items()),
    ]
    values: dict[str, dict[str, Any]] = {name: {} for name in sections()}
    for one in given:
        values[one.section][one.key] = _convert(one)
    sources = {(one.section, one.key): one.source for one in given}
    origin = Origin(path if path.exists() else None, flags or {}, sources, mark)
    built = {name: _build(name, keys, path) for name, keys in values.items()}
    try:
        return Config(**built, origin=origin)
    except ValueError as error:
        raise ConfigError(f"{error} ({path} and the environment)") from error


def reload(config: Config) -> Config:
    """Read the same sources again. `app.config.compare` says what changed and what of it applies now.

    Raises:
        ConfigError: see `load`; ``config`` is as good as before.
    """
    return load(config.origin.file, flags=config.origin.flags)


def _from_file(path: Path) -> Iterable[Given]:
    try:
        text = path.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    for section, table in tables.items():
        place = f"{path}, line {_line(text, section, None)}"
        if section not in sections():
            raise ConfigError(f"{place}: there is no section [{section}]{_meant(section, sections())}")
        if not isinstance(table, dict):
            raise ConfigError(f"{place}: [{section}] must be a section, not a value")
        for key, value in table.items():
            yield _known(Given(section, key, value, "file", f"{path}, line {_line(text, section, key)}", strict=True))


def _known(one: Given) -> Given:
    """Check that the key exists and may stand in the file."""
    kinds = key_types(sections()[one.section])
    if one.key not in kinds:
        raise ConfigError(f"{one.place}: [{one.section}] has no key {one.key!r}{_meant(one.key, kinds)}")
    if is_marked(kinds[one.key], "secret"):
        name = f"{PREFIX}{one.section}_{one.key}".upper()
        raise ConfigError(f"{one.place}: {one.section}.{one.key} is a secret: set {name} in the environment instead")
    return one


def _from_environment(environment: Mapping[str, str]) -> Iterable[Given]:
    names = {
        f"{section}_{key}".upper(): (section, key) for section, kind in sections().items() for key in key_types(kind)
    }
    for variable, text in environment.items():
        name = variable.removeprefix(PREFIX)
        if name == variable:
            continue
        if name in names:
            yield Given(*names[name], text, "environment", variable, strict=False)
        elif near := difflib.get_close_matches(name, names, n=1, cutoff=0.8):
            # Only what is close to a setting: platforms add variables of their own (POSTHOUSE_SERVICE_HOST).
            raise ConfigError(f"{variable} is not a setting: did you mean {PREFIX}{near[0]}?")


def _convert(one: Given) -> Any:
    kind = key_types(sections()[one.section])[one.key]
    try:
        return msgspec.convert(one.value if one.strict else _read(one.value, kind), kind, strict=one.strict)
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{one.place}: {one.section}.{one.key}: {error}") from error


def _read(text: str, kind: Any) -> Any:
    """Give text the shape of a key: a list is separated by commas, a table is JSON."""
    bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    shape = get_origin(bare) or bare
    if shape in {list, tuple, set, frozenset}:
        return [item.strip() for item in text.split(",") if item.strip()]
    if shape is dict or (isinstance(shape, type) and issubclass(shape, msgspec.Struct)):
        return msgspec.json.decode(text)
    return text


def _build(section: str, keys: dict[str, Any], path: Path) -> Any:
    try:
        return sections()[section](**keys)
    except ValueError as error:
        raise ConfigError(f"[{section}] ({path} and the environment): {error}") from error


def _meant(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}"


def _line(text: str, section: str, key: str | None) -> int:
    """Return the number of the line that opens the section or, inside it, sets the key; of the nearest line known."""
    found = 1
    inside = False
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[\s*([^\]]+?)\s*\]", line):
            inside = header[1].split(".")[0].strip("\"' ") == section
            found = number if inside else found
        elif re.match(rf"\s*[\"']?{re.escape(key if inside and key is not None else section)}[\"']?\s*[.=]", line):
            return number
        if inside and key is None:
            return number
    return found
