"""The keys that sign access tokens: where they are kept, how they rotate, what of them is public."""

import os
import secrets
from base64 import b64decode, b64encode
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

Algorithm = Literal["HS256", "EdDSA", "ES256"]


class StoredKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key as it is kept: ``secret`` is base64 (HS256), ``pem`` a private key (the others)."""

    kid: str
    algorithm: Algorithm
    secret: str | None = None
    pem: str | None = None
    ends_at: datetime | None = None  # None: still the one that signs


class Key:
    """A key ready for use."""

    __slots__ = ("algorithm", "ends_at", "kid", "public", "signing", "verifying")

    def __init__(self, stored: StoredKey) -> None:
        self.kid = stored.kid
        self.algorithm = stored.algorithm
        self.ends_at = stored.ends_at
        self.public: dict[str, Any] | None = None
        self.signing: Any
        self.verifying: Any
        if stored.algorithm == "HS256":
            self.signing = self.verifying = b64decode(stored.secret or "")
        else:
            self.signing = load_pem_private_key((stored.pem or "").encode(), None)
            self.verifying = self.signing.public_key()
            self.public = _describe(self)


class KeyRing:
    """Keys by their names: one signs, and those before it verify until they end."""

    def __init__(self, keys: list[StoredKey]) -> None:
        self._keys = {stored.kid: Key(stored) for stored in keys}
        self.current = next(key for key in self._keys.values() if key.ends_at is None)

    def find(self, kid: object, now: datetime) -> Key | None:
        """The key of this name, unless it has ended. A name is looked up here and nowhere else."""
        key = self._keys.get(kid) if isinstance(kid, str) else None
        return None if key is None or (key.ends_at is not None and key.ends_at <= now) else key

    def public(self, now: datetime) -> list[dict[str, Any]]:
        """Public halves (RFC 7517) of the keys that verify; shared secrets have none."""
        keys = (self.find(kid, now) for kid in self._keys)
        return [key.public for key in keys if key is not None and key.public is not None]


def open_key_ring(path: Path, *, kid: str, algorithm: Algorithm, keep_seconds: int, now: datetime) -> KeyRing:
    """Load the keys from ``path`` (owner only), with the one named ``kid`` to sign.

    A name that is not there gets a new key; the key that signed until now verifies for ``keep_seconds`` more, the
    lifetime of what it has signed, so that nobody is logged out. Keys that have ended are dropped.
    """
    stored = _read(path)
    if not any(key.kid == kid and key.ends_at is None for key in stored):
        ends_at = now + timedelta(seconds=keep_seconds)
        kept = [msgspec.structs.replace(key, ends_at=key.ends_at or ends_at) for key in stored if key.kid != kid]
        stored = [_make(kid, algorithm), *(key for key in kept if key.ends_at is None or key.ends_at > now)]
        _write(path, stored)
    return KeyRing(stored)


def _make(kid: str, algorithm: Algorithm) -> StoredKey:
    if algorithm == "HS256":
        return StoredKey(kid=kid, algorithm=algorithm, secret=b64encode(secrets.token_bytes(32)).decode())
    private = Ed25519PrivateKey.generate() if algorithm == "EdDSA" else generate_private_key(SECP256R1())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return StoredKey(kid=kid, algorithm=algorithm, pem=pem)


def _describe(key: Key) -> dict[str, Any]:
    family = OKPAlgorithm if key.algorithm == "EdDSA" else ECAlgorithm
    described = family.to_jwk(key.verifying, as_dict=True)
    return {**described, "kid": key.kid, "alg": key.algorithm, "use": "sig"}


def _read(path: Path) -> list[StoredKey]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[StoredKey])
    except FileNotFoundError:
        return []


def _write(path: Path, keys: list[StoredKey]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(keys))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
