"""Where an entity belongs: one of 256 partitions, the same for every house and every version."""

from hashlib import blake2b

PARTITIONS = 256


def partition_of(kind: str, key: str) -> int:
    """Return the number of the partition that the entity lives in.

    Never Python's ``hash``: that differs between processes. It is written into rows (timers), so it stays as it is.
    """
    return blake2b(f"{kind}:{key}".encode(), digest_size=1).digest()[0]
