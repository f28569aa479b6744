"""Dead letters: messages that crashed their actor too often, kept without their secrets."""

import logging
from collections import deque
from typing import Any

import msgspec

from actors.runtime.envelope import Envelope
from actors.runtime.packing import Packing
from actors.runtime.ports import DeadLetter, DeadLetters

log = logging.getLogger(__name__)
RING = 1_000  # letters kept in memory while the store refuses them; the oldest goes first
BLANK = "***"


def is_secret(kind: msgspec.inspect.Type) -> bool:
    """Whether a type is marked as `Secret`, or may be one."""
    if isinstance(kind, msgspec.inspect.UnionType):
        return any(is_secret(one) for one in kind.types)
    if isinstance(kind, msgspec.inspect.Metadata):
        return bool((kind.extra or {}).get("secret")) or is_secret(kind.type)
    return False


def blanked(value: Any) -> Any:
    """Return ``value`` in builtin types with every `Secret` field blank, however deep it lies.

    A collection of secrets (``list[Secret]``) is blanked as a whole.
    """
    if isinstance(value, msgspec.Struct):
        info = msgspec.inspect.type_info(type(value))
        return {
            field.encode_name: _blanked_field(field.type, getattr(value, field.name))
            for field in getattr(info, "fields", ())
        }
    if isinstance(value, dict):
        return {key: blanked(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [blanked(item) for item in value]
    return value


def _blanked_field(kind: msgspec.inspect.Type, value: Any) -> Any:
    if is_secret(kind):
        return None if value is None else BLANK
    if isinstance(kind, msgspec.inspect.CollectionType) and is_secret(kind.item_type):
        return []
    if isinstance(kind, msgspec.inspect.DictType) and is_secret(kind.value_type):
        return {}
    return blanked(value)


def make_letter(packing: Packing, kind: str, key: str, envelope: Envelope, error: Exception) -> DeadLetter:
    """Make the letter of a message. Of the error only its type is told: its text may quote a secret."""
    return DeadLetter(
        id=envelope.id,
        kind=kind,
        key=key,
        message_type=packing.wire_name(envelope.message),
        message=msgspec.msgpack.encode(blanked(envelope.message)),
        caller=msgspec.msgpack.encode(envelope.caller),
        error=type(error).__name__,
        attempts=envelope.attempt,
        at=envelope.now,
    )


class LetterBox:
    """Writes dead letters to their store, or keeps the last ones (``ring``, oldest first) while it refuses."""

    def __init__(self, store: DeadLetters) -> None:
        self._store = store
        self.ring: deque[DeadLetter] = deque(maxlen=RING)

    async def keep(self, letter: DeadLetter) -> None:
        """Store a letter, and whatever could not be stored before."""
        log.error(
            "dead_letter",
            extra={"letter": letter.id, "kind": letter.kind, "key": letter.key, "message_type": letter.message_type},
        )
        self.ring.append(letter)
        await self.flush()

    async def flush(self) -> None:
        """Try to store what waits; it goes on waiting while the store refuses."""
        for letter in list(self.ring):
            try:
                await self._store.store(letter)
            except Exception:
                log.exception("dead_letter_not_stored", extra={"letter": letter.id, "waiting": len(self.ring)})
                return
            if letter in self.ring:
                self.ring.remove(letter)
