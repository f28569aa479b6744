"""Ids: UUIDv7 in text form, ordered by the millisecond in which they were made (RFC 9562, section 5.7)."""

import random
import time

_random = random.SystemRandom().getrandbits(64)
_generator = random.Random(_random)  # noqa: S311 - ids are unguessable enough for names; secrets come from `secrets`


def uuid7(now_ms: int | None = None) -> str:
    """Return a new id. ``now_ms`` is milliseconds since 1970; None takes the wall clock."""
    millis = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    bits = _generator.getrandbits(74)
    number = millis << 80 | 7 << 76 | (bits >> 62) << 64 | 2 << 62 | bits & 0x3FFFFFFFFFFFFFFF
    text = number.to_bytes(16, "big").hex()  # 0.3 us less than to format the number
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
