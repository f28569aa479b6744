"""Settings of everything that proves who somebody is: section ``[auth]`` of the configuration."""

from datetime import timedelta
from typing import Annotated, Literal

import msgspec

Seconds = Annotated[int, msgspec.Meta(ge=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class AuthSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lifetimes, keys and costs."""

    signing_key: str = "1"
    """Name (``kid``) of the key that signs access tokens. Another name makes a new key at the next start."""
    algorithm: Literal["HS256", "EdDSA", "ES256"] = "HS256"
    """Of a key that is made. Other than HS256, the public half is served as a JSON Web Key Set."""
    issuer: str = "posthouse"
    audience: str = "posthouse"
    access_token_seconds: Seconds = 900
    refresh_token_seconds: Seconds = 2_592_000  # 30 days, counted anew at each rotation
    password_reset_seconds: Seconds = 3_600
    verify_email_seconds: Seconds = 259_200  # 3 days

    argon2_memory_kib: Annotated[int, msgspec.Meta(ge=8)] = 19_456
    """With two passes and one lane: the least that OWASP's Password Storage Cheat Sheet allows; 19 MiB per hash."""
    argon2_passes: Count = 2
    argon2_lanes: Count = 1
    hashing_threads: Count = 2
    hashing_queue: Count = 64
    """Hashes that may wait for a thread; beyond them logging in is answered `overloaded`."""

    limit_attempts: bool = True
    attempts_per_account: Count = 10
    """Failed attempts at once; after that one every ``account_interval_seconds``."""
    account_interval_seconds: Seconds = 30
    attempts_per_address: Count = 100
    address_interval_seconds: Seconds = 3
    api_keys_per_person: Count = 100
    token_cache: Count = 100_000
    """Verified tokens that are remembered, about 1 KiB each."""

    @property
    def refresh_lifetime(self) -> timedelta:
        """How long a refresh token may be used."""
        return timedelta(seconds=self.refresh_token_seconds)
