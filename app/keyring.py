"""Secrets in files: made at the first start, for the house's own user only, the same for all houses that share them."""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from actors.auth.keys import KeyRing, open_key_ring
from actors.outgoing.push import VapidKey, make_vapid_key
from app.config import Config

SECRET_BYTES = 32


def keep_secret(path: Path, make: Callable[[], bytes] = lambda: secrets.token_bytes(SECRET_BYTES)) -> bytes:
    """Read a secret; make it where there is none. It outlives the process: what it has keyed must stay readable."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        with alone_in(path.parent):
            if not path.exists():  # another house may have been quicker
                _write(path, make())
    return path.read_bytes()


def _write(path: Path, secret: bytes) -> None:
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Let one process at a time make or rotate secrets in a folder; houses that start together wait for each other."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # goes with the descriptor, so with a process that is killed
        yield
    finally:
        os.close(descriptor)


def open_keys(config: Config, now: datetime) -> KeyRing:
    """Open the keys that sign access tokens; another name in the settings rotates them."""
    auth = config.auth
    with alone_in(config.secrets_folder):
        return open_key_ring(
            config.secrets_folder / "signing-keys.json",
            kid=auth.signing_key,
            algorithm=auth.algorithm,
            keep_seconds=auth.access_token_seconds,
            now=now,
        )


def open_vapid_key(config: Config) -> VapidKey:
    """Open the key pair that push services know the house by. Browsers have subscribed with it: it never rotates."""
    return VapidKey(keep_secret(config.secrets_folder / "vapid.pem", make_vapid_key), config.push.subject)
