"""Who should own what: every house reckons it alone, and all come to the same."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b


@lru_cache(maxsize=100_000)
def weight(number: int, house: int) -> int:
    """How much a partition is drawn to a house."""
    return int.from_bytes(blake2b(f"{number}:{house}".encode(), digest_size=8).digest())


def winner(number: int, houses: Sequence[int]) -> int | None:
    """Return the house that should own a partition (None: there is no house).

    Rendezvous hashing: a house that comes takes its share from all others, one that goes leaves its share to all
    others, and nothing else moves.
    """
    return max(houses, key=lambda house: (weight(number, house), house), default=None)


def share(partitions: int, houses: Sequence[int]) -> Mapping[int, int | None]:
    """Return the house that should own each partition."""
    return {number: winner(number, houses) for number in range(partitions)}
