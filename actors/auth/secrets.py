"""Random secrets, and what is stored of them."""

import hashlib
import secrets


def new_secret() -> str:
    """Return 256 random bits as 43 characters that fit into a URL."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """Return what is stored of a secret: SHA-256. No salt and no cost: 256 random bits cannot be guessed."""
    return hashlib.sha256(secret.encode()).digest()
