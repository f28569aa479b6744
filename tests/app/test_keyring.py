"""Secrets that several houses share are made once, whoever comes first."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from app.config import Config, Data
from app.keyring import keep_secret, open_keys


def test_houses_that_start_together_make_one_secret(tmp_path: Path) -> None:
    paths = [tmp_path / "shared" / f"secret-{number}" for number in range(20)]
    for path in paths:
        with ThreadPoolExecutor(8) as threads:
            assert len(set(threads.map(keep_secret, [path] * 8))) == 1
        assert path.stat().st_mode & 0o777 == 0o600


def test_houses_with_data_of_their_own_sign_with_keys_that_they_share(tmp_path: Path) -> None:
    configs = [
        Config(data=Data(dir=str(tmp_path / name), secrets=str(tmp_path / "shared"))) for name in ("one", "two") * 4
    ]
    with ThreadPoolExecutor(8) as threads:
        rings = list(threads.map(lambda config: open_keys(config, datetime.now(UTC)), configs))
    assert len({ring.current.signing for ring in rings}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["shared"]
