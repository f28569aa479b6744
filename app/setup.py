"""Sets the checkout up before anything else runs: a virtual environment beside main.py with the locked packages.

Standard library only, since it runs when nothing else is there yet. It speaks on stderr, so that stdout holds nothing
but what the command itself prints.
"""

import ast
import fcntl
import hashlib
import importlib.metadata
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements.txt"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".posthouse"  # written last: "<hash of the lock> <version of Python>", or UNFINISHED
UNFINISHED = "unfinished"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
PIP = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--quiet"]

UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
}
"""What pip and uv call the settings that say where packages come from: uv does not read pip's."""

NOT_WRITABLE = """\
Posthouse cannot set itself up: {folder} is not writable for you. Either
  run it once as the owner of that folder, or copy the checkout to a folder of yours, or
  install the packages yourself:  python3 -m pip install --require-hashes -r {requirements}"""
NO_VENV = "Python could not make a virtual environment. On Debian and Ubuntu: apt install python3-venv"
NO_PACKAGES = "The packages could not be installed; the lines above say why."


def ensure() -> None:
    """Return when this process runs with the locked packages; otherwise start it anew where they are.

    In this order: the checkout's ``.venv``, if it is up to date; this environment, if somebody else installed the
    same versions (a container image); else ``.venv`` is made or brought up to date. Costs some ms when all is well.
    """
    inside = Path(sys.prefix).resolve() == VENV.resolve()
    if inside and _read_stamp() == [_locked(), VERSION]:
        return
    if inside or not _is_current():
        if not inside and _has_everything():
            return
        _set_up_alone()
    os.execv(PYTHON, [str(PYTHON), *sys.orig_argv[1:]])  # noqa: S606 - ourselves, without a shell


def _is_current() -> bool:
    """Whether ``.venv`` holds what is locked now. Seen from outside, any Python that it was made with will do."""
    return _read_stamp()[:1] == [_locked()] and PYTHON.exists()


def _locked() -> str:
    return hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()


def _read_stamp() -> list[str]:
    try:
        return STAMP.read_text(encoding="ascii").split()
    except OSError:
        return []


def _has_everything() -> bool:
    """Whether the running Python sees every locked package in its locked version."""
    lock = REQUIREMENTS.read_text(encoding="utf-8")
    for name, version, marker in re.findall(r"^([\w.-]+)==(\S+)( ;)?", lock, re.MULTILINE):
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found = version if marker else ""  # a marker: for some platforms only
        if found != version:
            return False
    return True


def _set_up_alone() -> None:
    """Set up, or wait until another start has done so. The lock ends with its process, however that ends."""
    if VENV.is_symlink():
        sys.exit(f"{VENV} is a link, and what it leads to does not fit: setting up would empty it. Remove the link.")
    folder = VENV if VENV.exists() else ROOT
    if not os.access(folder, os.W_OK):
        sys.exit(NOT_WRITABLE.format(folder=folder, requirements=REQUIREMENTS))
    with REQUIREMENTS.open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("Another start is setting up: waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if _read_stamp() != [_locked(), VERSION] or not PYTHON.exists():
            _set_up()


def _set_up() -> None:
    """Make ``.venv`` where there is none that fits, and install into it."""
    _say(f"Setting up {VENV}: once, about 10 seconds.")
    fits = PYTHON.exists() and (VENV / "lib" / f"python{VERSION}").exists()
    if not fits or _read_stamp() == [UNFINISHED]:
        _run([sys.executable, "-m", "venv", "--clear", str(VENV)], otherwise=NO_VENV)
    STAMP.write_text(UNFINISHED, encoding="ascii")
    if not _install_with_uv():
        _say("uv does not work here: installing with pip, which takes some minutes.")
        _run([*PIP, "install", "--require-hashes", "-r", str(REQUIREMENTS)], otherwise=NO_PACKAGES)
    STAMP.write_text(f"{_locked()} {VERSION}\n", encoding="ascii")


def _install_with_uv() -> bool:
    """Install everything with uv, ten times as quick as pip. False where uv cannot be had or does not work."""
    locked = re.search(r"^uv==(?:.*\\\n)*.*", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE)
    if locked is None:
        return False
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as only_uv:
        only_uv.write(f"{locked[0]}\n")
        only_uv.flush()
        if not _succeeds([*PIP, "install", "--require-hashes", "--only-binary=:all:", "-r", only_uv.name]):
            return False
    uv = [str(VENV / "bin" / "uv"), "pip", "install", "--quiet", "--python", str(PYTHON)]
    return _succeeds([*uv, "--require-hashes", "-r", str(REQUIREMENTS)], _uv_environment())


def _uv_environment() -> dict[str, str]:
    """Return this environment with what uv must be told; what is set for uv already stays."""
    told = {
        "UV_SYSTEM_CERTS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_INDEX_STRATEGY": "unsafe-best-match",  # look everywhere, as pip does; the hashes decide what is taken
    }
    if not os.access(Path.home(), os.W_OK):
        told["UV_NO_CACHE"] = "1"
    told |= {UV_NAMES[key]: value for key, value in _pip_settings().items() if key in UV_NAMES}
    return told | os.environ


def _pip_settings() -> dict[str, str]:
    """Return pip's settings by name. Its environment goes before ``[install]``, and that before ``[global]``."""
    done = subprocess.run([*PIP, "config", "list"], check=False, stdout=subprocess.PIPE, text=True)
    found = [line.partition("=") for line in done.stdout.splitlines()]
    settings: dict[str, str] = {}
    for prefix in ("global.", "install.", ":env:."):
        for name, _, value in found:
            if name.startswith(prefix):
                settings[name.removeprefix(prefix)] = " ".join(str(ast.literal_eval(value)).split())
    return settings


def _succeeds(command: list[str], environment: dict[str, str] | None = None) -> bool:
    try:
        return subprocess.run(command, check=False, stdout=sys.stderr, env=environment).returncode == 0
    except OSError:  # a program that is missing, or was built for another machine
        return False


def _run(command: list[str], otherwise: str) -> None:
    if not _succeeds(command):
        sys.exit(otherwise)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
