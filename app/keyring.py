"""Secrets of the data folder: made at the first start, readable by the house's own user only."""

import os
import secrets
from collections.abc import Callable
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
        path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(make())
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    return path.read_bytes()


def open_keys(config: Config, now: datetime) -> KeyRing:
    """Open the keys that sign access tokens; another name in the settings rotates them."""
    auth = config.auth
    return open_key_ring(
        config.data_folder / "secrets" / "signing-keys.json",
        kid=auth.signing_key,
        algorithm=auth.algorithm,
        keep_seconds=auth.access_token_seconds,
        now=now,
    )


def open_vapid_key(config: Config) -> VapidKey:
    """Open the key pair that push services know the house by. Browsers have subscribed with it: it never rotates."""
    return VapidKey(keep_secret(config.data_folder / "secrets" / "vapid.pem", make_vapid_key), config.push.subject)
