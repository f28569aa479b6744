"""argon2id off the event loop, in a bounded number of threads."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from actors.auth.settings import AuthSettings
from actors.errors import Overloaded

R = TypeVar("R")


class Passwords:
    """Hashes and verifies. At most ``hashing_threads`` at a time (argon2 lets go of the interpreter's lock).

    At most ``hashing_queue`` more wait; beyond that `Overloaded`: a flood of logins costs memory and time only
    up to here. A call that is cancelled still runs to its end in its thread.
    """

    def __init__(self, settings: AuthSettings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_passes,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_lanes,
        )
        self._pool = ThreadPoolExecutor(settings.hashing_threads, thread_name_prefix="argon2")
        self._free = settings.hashing_threads + settings.hashing_queue
        self._dummy = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """Return the hash in PHC form. Raises `Overloaded`."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password fits. None (nobody) is False, after the same time. Raises `Overloaded`."""
        fits = await self._run(lambda: self._verify(password_hash or self._dummy, password))
        return fits and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than those in force."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        """Let running calls finish, drop those that wait."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, call: Callable[[], R]) -> R:
        if self._free == 0:
            raise Overloaded("too many passwords are being checked")
        self._free -= 1
        loop = asyncio.get_running_loop()
        work = self._pool.submit(call)
        work.add_done_callback(lambda _: self._release(loop))
        return await asyncio.wrap_future(work)

    def _release(self, loop: asyncio.AbstractEventLoop) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._released)

    def _released(self) -> None:
        self._free += 1
