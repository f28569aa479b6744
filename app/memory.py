"""How memory is managed: what the C library's allocator gives back, and what Python's collector looks at."""

import contextlib
import ctypes
import gc

M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8
BLOCK_BYTES = 131_072
ARENAS = 2
YOUNG, MIDDLE, OLD = 10_000, 20, 20
"""Thresholds of `gc.set_threshold`; Python's own are 700, 10 and 10."""


def give_memory_back() -> None:
    """Let large blocks return to the system when they are freed.

    A password hash takes 19 MiB for 20 ms. glibc answers the first such block that is freed by keeping later ones
    (its threshold grows with what it has seen), and so each hashing thread would keep 19 MiB for good: a house at
    rest had 93 MB instead of 71. A fixed threshold switches that off. Does nothing where there is no glibc.

    Source: mallopt(3).
    """
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, BLOCK_BYTES)
        library.mallopt(M_ARENA_MAX, ARENAS)


def leave_alone_what_stays() -> None:
    """Take all that a started house is made of out of the cyclic collector's sight, and let it look less often.

    Code, routes, schemas and statements live as long as the process. Looking through them stopped the loop for 20 ms
    at a time (p99 of a hot GET: 20 ms, now 5), and the collector took a tenth of all processor time. What comes
    and goes is freed by counting references; only cycles wait for the collector, and those are rare here.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
