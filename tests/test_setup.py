"""Set-up: from a bare Python to a running command, once, whoever starts and however often at once."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app import setup

ROOT = Path(__file__).resolve().parent.parent
Popen = subprocess.Popen[str]

STAND_IN = """
import sys
import iniconfig
def main(argv):
    print(sys.prefix, *argv)
"""


def locked(name: str) -> str:
    found = re.search(rf"^{name}==(?:.*\\\n)*.*\n", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert found is not None
    return found[0]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The real main.py and set-up, with two locked packages and a command that needs one of them."""
    folder = tmp_path / "a checkout"
    (folder / "app" / "cli").mkdir(parents=True)
    for name in ("main.py", "app/__init__.py", "app/setup.py", "app/cli/__init__.py"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "app" / "cli" / "dispatch.py").write_text(STAND_IN)
    (folder / "requirements.txt").write_text(locked("uv") + locked("iniconfig"))
    return folder


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python with nothing installed, whatever this machine's has."""
    folder = tmp_path_factory.mktemp("bare")
    base = Path(sys.base_prefix) / "bin" / "python3"
    subprocess.run([base, "-m", "venv", "--without-pip", folder], check=True)
    return str(folder / "bin" / "python3")


@pytest.fixture
def start(checkout: Path, tmp_path: Path, bare_python: str) -> Callable[..., Popen]:
    """Start a command as in a clean login with an empty home; only what says where packages come from is kept."""
    home = tmp_path / "home"
    home.mkdir()
    where = re.compile(r"PIP_|UV_|SSL_CERT|https?_proxy", re.IGNORECASE)
    kept = {name: text for name, text in os.environ.items() if where.match(name)}
    environment = {"HOME": str(home), "PATH": os.defpath, **kept}

    def begin(*arguments: str, python: str = bare_python) -> Popen:
        command = [python, str(checkout / "main.py"), *arguments]
        return subprocess.Popen(
            command, env=environment, text=True, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    return begin


def finished(process: Popen) -> tuple[str, str]:
    """Return what it printed and said. Where no package index can be reached, skip; but not in CI."""
    printed, said = process.communicate(timeout=120)
    if process.returncode != 0 and setup.NO_PACKAGES in said and not os.environ.get("CI"):
        pytest.skip("no package index within reach")
    assert process.returncode == 0, said
    return printed, said


def test_starts_at_the_same_time_set_up_once_and_all_run(checkout: Path, start: Callable[..., Popen]) -> None:
    starts = [start("serve", str(number)) for number in range(3)]
    results = [finished(process) for process in starts]
    assert [printed for printed, _ in results] == [f"{checkout / '.venv'} serve {number}\n" for number in range(3)]
    said = "".join(said for _, said in results)
    assert said.count("Setting up") == 1
    assert "uv does not work" not in said

    printed, said = finished(start())
    assert (printed, said) == (f"{checkout / '.venv'}\n", ""), "a later start says and does nothing more"

    (checkout / ".venv" / ".posthouse").write_text(setup.UNFINISHED)
    shutil.rmtree(next((checkout / ".venv" / "lib").glob("python3*/site-packages/iniconfig")))
    printed, said = finished(start())
    assert "Setting up" in said, "one that was interrupted is begun anew"


def test_where_everything_is_installed_already_nothing_is_set_up(checkout: Path, start: Callable[..., Popen]) -> None:
    printed, said = finished(start(python=sys.executable))
    assert Path(printed.strip()) == Path(sys.prefix)
    assert said == ""
    assert not (checkout / ".venv").exists()


def test_an_installed_package_of_another_version_is_not_good_enough(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "REQUIREMENTS", checkout / "requirements.txt")
    assert setup._has_everything()
    (checkout / "requirements.txt").write_text("iniconfig==0.0.1 \\\n    --hash=sha256:00\n")
    assert not setup._has_everything()
    (checkout / "requirements.txt").write_text("colorama==0.4.6 ; sys_platform == 'win32' \\\n    --hash=sha256:00\n")
    assert setup._has_everything(), "a package for another platform is not missed"


def test_a_checkout_that_is_not_writable_says_what_to_do(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "VENV", checkout / ".venv")
    monkeypatch.setattr(setup, "ROOT", checkout)
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(SystemExit, match="is not writable for you"):
        setup._set_up_alone()


def test_uv_is_told_where_pip_takes_packages_from(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(setup, "PIP", [sys.executable, "-m", "pip"])
    monkeypatch.setenv("PIP_INDEX_URL", "https://packages.example/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://a.example/simple\n  https://b.example/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels")
    told = setup._uv_environment()
    assert told["UV_DEFAULT_INDEX"] == "https://packages.example/simple"
    assert told["UV_INDEX"] == "https://a.example/simple https://b.example/simple"
    assert told["UV_FIND_LINKS"] == "/wheels"
    assert (told["UV_SYSTEM_CERTS"], told["UV_PYTHON_DOWNLOADS"]) == ("1", "never")

    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://mine.example/simple")
    assert setup._uv_environment()["UV_DEFAULT_INDEX"] == "https://mine.example/simple"


def test_the_lock_has_a_hash_for_every_package_and_names_no_registry() -> None:
    text = (ROOT / "requirements.txt").read_text()
    packages = re.findall(r"^[\w.-]+==(?:.*\\\n)*.*", text, re.MULTILINE)
    assert len(packages) > 20
    assert [package for package in packages if "--hash=sha256:" not in package] == []
    assert "://" not in text


def test_an_older_python_is_told_so_in_a_sentence() -> None:
    main = ROOT / "main.py"
    ast.parse(main.read_text(), feature_version=(3, 4))  # it can be read at all
    pretend = f"import runpy, sys; sys.version_info = (3, 10); runpy.run_path({str(main)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", pretend], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "Posthouse needs Python 3.11 or newer, and this is 3.10. Try: python3.11 main.py\n"


def test_a_link_is_not_followed_to_an_environment_of_another_checkout(
    checkout: Path, start: Callable[..., Popen], tmp_path: Path
) -> None:
    others = tmp_path / "other checkout" / ".venv"
    others.mkdir(parents=True)
    (others / "precious").touch()
    (checkout / ".venv").symlink_to(others)
    process = start()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Remove the link" in said
    assert (others / "precious").exists()
