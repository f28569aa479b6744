"""Content that may be read by nobody but the house itself: rows, lists, backups and logs show none of it."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12


class Unreadable(Exception):  # noqa: N818 - reads as what happened
    """Sealed with another key, for another row, or damaged."""


class Seal:
    """AES-256-GCM under a key of the data folder. What was sealed for one row opens for that row only."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def close(self, content: bytes, row_id: str) -> bytes:
        """Encrypt."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, row_id.encode())

    def open(self, sealed: bytes, row_id: str) -> bytes:
        """Decrypt. Raises `Unreadable`."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], row_id.encode())
        except (InvalidTag, ValueError) as error:
            raise Unreadable("the content cannot be read: its key is another one by now") from error
