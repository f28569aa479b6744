"""Dead letters: messages that crashed their actor too often, kept without their secrets."""

import logging
from collections import deque
from typing import Any

import msgspec

from actors.runtime.envelope import Envelope
from actors.runtime.ports import DeadLetter, DeadLetters

log = logging.getLogger(__name__)
RING = 1_000  # letters kept in memory while the store refuses them; the oldest goes first
BLANK = "***"


def is_secret(field: msgspec.inspect.Field) -> bool:
    """Whether a field is marked as `Secret`, optional or not."""
    types = field.type.types if isinstance(field.type, msgspec.inspect.UnionType) else (field.type,)
    return any(isinstance(kind, msgspec.inspect.Metadata) and bool((kind.extra or {}).get("secret")) for kind in types)


def blanked(value: Any) -> Any:
    """Return a copy in builtin types, in which every `Secret` is blank, however deep it lies."""
    if isinstance(value, msgspec.Struct):
        info = msgspec.inspect.type_info(type(value))
        assert isinstance(info, msgspec.inspect.StructType)  # noqa: S101 - tells the type checker
        return {
            field.encode_name: BLANK if is_secret(field) else blanked(getattr(value, field.name))
            for field in info.fields
        }
    if isinstance(value, dict):
        return {key: blanked(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [blanked(item) for item in value]
    return value


class LetterBox:
    """Writes dead letters to their store, or keeps the last ones while it refuses."""

    def __init__(self, store: DeadLetters) -> None:
        self._store = store
        self.ring: deque[DeadLetter] = deque(maxlen=RING)

    def letter(self, kind: str, key: str, envelope: Envelope, error: Exception) -> DeadLetter:
        """Make the letter of a message. Of the error only its type is told: its text may quote a secret."""
        return DeadLetter(
            id=envelope.id,
            kind=kind,
            key=key,
            message_type=type(envelope.message).__qualname__,
            message=msgspec.msgpack.encode(blanked(envelope.message)),
            caller=msgspec.msgpack.encode(envelope.caller),
            error=type(error).__name__,
            attempts=envelope.attempt,
            at=envelope.now,
        )

    async def keep(self, letter: DeadLetter) -> None:
        """Store a letter, after those that could not be stored before."""
        self.ring.append(letter)
        while self.ring:
            try:
                await self._store.store(self.ring[0])
            except Exception:
                log.exception("dead_letter_not_stored", extra={"letter": letter.id, "waiting": len(self.ring)})
                return
            self.ring.popleft()
